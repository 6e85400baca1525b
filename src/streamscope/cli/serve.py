"""``streamscope serve``: the server that streamscope brings, for other programs too."""

import asyncio
import ipaddress
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from streamscope.cli.parsing import UsageError
from streamscope.cli.serve_arguments import SLOTS, Options, options_of, profile
from streamscope.engines.engine import EngineError
from streamscope.engines.profiles import PROFILES

if TYPE_CHECKING:
    from streamscope.engines.engine import Engine
    from streamscope.engines.stage import Stage

EXIT_DONE, EXIT_FAILED = 0, 1


def run(argv: list[str]) -> int:
    """Serve until told to stop; return the exit code."""
    options = options_of(argv)
    if options.model != "local":
        return _serve(options, lambda: simulated(options))
    if options.pretends:
        raise UsageError("A real model answers as it can: --model local takes no profile.")
    engine: Engine | None = None

    def stage() -> "Stage":
        from streamscope import settings
        from streamscope.engines.local_stage import LocalStage

        nonlocal engine
        places = settings.places()
        named = settings.load(places.config_file).model_file
        gguf = Path(named).expanduser() if named else None
        engine = asyncio.run(_local_model(gguf, places.cache))
        print(engine.caution, file=sys.stderr)
        return LocalStage(engine, queue=options.queue, patience_s=options.patience_s)

    try:
        return _serve(options, stage)
    finally:
        if engine is not None:
            engine.close()


def _serve(options: Options, make: Callable[[], "Stage"]) -> int:
    """Listen, have the stage made, and serve until told to stop."""
    from streamscope.engines.serve import Service, listen, url_of

    try:
        with listen(options.host, options.port) as listener:
            if warning := exposed(listener.getsockname()[0]):
                print(warning, file=sys.stderr)
            stage = make()
            greeting = welcome(url_of(listener), next(iter(stage.profiles)), stage.simulated)
            service = Service(
                stage,
                ready=lambda: print(greeting, flush=True),
                ending=lambda: _farewell(stage.present),
            )
            service.run(sockets=[listener])
    except EngineError as error:
        print(f"streamscope: {error}", file=sys.stderr)
        return EXIT_FAILED
    return EXIT_DONE


def simulated(options: Options) -> "Stage":
    """Return a stage with all profiles, the named one first.

    Raises:
        UsageError: What was said of that one can't be.
    """
    from streamscope.engines.stage import Stage

    named = {options.profile: profile(options)}
    return Stage(
        {**named, **PROFILES, **named},
        slots=options.slots or SLOTS,
        queue=options.queue,
        seed=options.seed,
        patience_s=options.patience_s,
    )


async def _local_model(gguf: Path | None, cache: Path) -> "Engine":
    """Start the local model, or a file of the person's own in its place.

    Raises:
        EngineError: It can't be had.
    """
    from streamscope.engines import local, weights

    def report(phase: str) -> None:
        print(f"{phase} …", file=sys.stderr, flush=True)

    if reason := local.missing():
        raise EngineError(f"{reason[0].upper()}{reason[1:]}.")
    if gguf is None and weights.installed(cache) is None:
        report("fetching the local model (93 MB)")
    path = weights.own(gguf) if gguf else await weights.ensure(cache, lambda _progress: None)
    return await local.start(path, report=report)


def welcome(url: str, model: str, pretends: bool = True) -> str:
    """Return what is printed when the server answers: where it is, and what to try."""
    path, text = "/v1/completions/stream", "What is unified memory?"
    asked = shlex.quote(msgspec.json.encode({"prompt": text}).decode())
    socket = url.replace("http:", "ws:", 1)
    what = f"simulated answers (profile {model})" if pretends else f"the local model {model}"
    return f"""\
streamscope serves {what} at {url}.
In a browser that address shows a stream. Ctrl+C stops the server. To try it:

  streamscope {url} --protocol ollama-chat --model {model}
  streamscope run --url {url} --protocol token-sse {shlex.quote(text)}
  curl -N {url}{path} -H 'Content-Type: application/json' -d {asked}
  curl -N '{url}{path}?prompt=Hello'
  OLLAMA_HOST={url} ollama run {model}
  OPENAI_BASE_URL={url}/v1   ANTHROPIC_BASE_URL={url}   WebSocket: {socket}/ws"""


def exposed(host: str) -> str:
    """Return a warning if others than this machine can reach an address."""
    if ipaddress.ip_address(host).is_loopback:
        return ""
    return f"streamscope: listening at {host}, so that others in your network can use it, unasked."


def _farewell(present: int) -> None:
    if present:
        answers = "1 answer ends" if present == 1 else f"{present} answers end"
        print(f"Stopping: {answers} within 3 s (ctrl+c: now).", file=sys.stderr, flush=True)
