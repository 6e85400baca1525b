"""Decide which server answers when nobody names one, and say why in words."""

import ipaddress
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from streamscope.engines.detect import USUAL, Fetch, Found, detect, identify
from streamscope.engines.engine import EngineError
from streamscope.engines.ollama_host import parse_ollama_host
from streamscope.trace import Target

Wanted = Literal["auto", "local", "simulator"]
"""The values of ``--engine``."""

_NAMING_TIMEOUT_S = 3.0


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What was chosen.

    Attributes:
        kind: A server that runs already, or an engine of ours to be started.
        target: The server; ``None`` for an engine, whose target is known once it runs.
        reason: Why, in one sentence for the screen.
        contended: Whether two live requests would disturb each other there.
        version: Version of the server, where it says so.
    """

    kind: Literal["server", "local", "simulator"]
    target: Target | None
    reason: str
    contended: bool
    version: str = ""


async def choose(
    fetch: Fetch,
    *,
    engine: Wanted = "auto",
    target: Target | None = None,
    ollama_host: str = "",
    local_missing: str | None,
) -> Choice:
    """Choose in the order of ``--engine auto``.

    That is: the target that was named; Ollama; another local server on its usual port; the local
    model; the simulator.

    Args:
        fetch: How to GET.
        engine: What the person asked for; anything but ``auto`` is taken at its word.
        target: What the person named. An empty protocol or model is found out by asking.
        ollama_host: Value of ``OLLAMA_HOST``; empty for none.
        local_missing: Why the local model cannot run (``local.missing``); ``None`` if it can.

    Raises:
        EngineError: What was asked for by name is not to be had.
    """
    if engine == "simulator":
        return _simulator("The simulator was asked for.")
    if engine == "local":
        if local_missing is not None:
            raise EngineError(f"The local model cannot run: {local_missing}.")
        return _local("The local model was asked for.")
    if target is not None:
        return await _named(fetch, target)
    urls = [parse_ollama_host(ollama_host), *USUAL]
    servers = await detect(fetch, urls)
    for server in servers:
        if server.target is not None:
            return _server(server, server.target)
    nobody = _nobody(servers)
    if local_missing is None:
        return _local(f"{nobody}, so a small model runs here.")
    return _simulator(f"{nobody}, and {local_missing}; so the simulator answers.")


async def _named(fetch: Fetch, target: Target) -> Choice:
    """Complete the target that the person named."""
    complete = target.protocol and target.model
    here = on_this_machine(target.url)
    # A complete target elsewhere is not bothered with questions: it is hosted, so it has room.
    found = None
    if here or not complete:
        found = await identify(fetch, target.url, timeout_s=_NAMING_TIMEOUT_S)
    if found is None:
        if not target.protocol:
            raise EngineError(
                f"No server that we know answers at {target.url}: is it running, or does it need "
                "its protocol named?"
            )
        return Choice(
            kind="server",
            target=target,
            reason=f"{place(target.url)} was named.",
            contended=here,
        )
    whole = Target(
        protocol=target.protocol or found.protocol,
        url=target.url if target.protocol else found.url,
        model=target.model or next(iter(found.models), ""),
    )
    return Choice(
        kind="server",
        target=whole,
        reason=f"{place(target.url)} was named: {_sentence(found, whole)}",
        contended=found.contended and here,
        version=found.version,
    )


def on_this_machine(url: str) -> bool:
    """Whether a URL leads to loopback."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def place(url: str) -> str:
    """Return host and port of a URL, without any credentials, for a sentence."""
    return urlsplit(url).netloc.rpartition("@")[2]


def _server(found: Found, target: Target) -> Choice:
    return Choice(
        kind="server",
        target=target,
        reason=_sentence(found, target),
        contended=found.contended,
        version=found.version,
    )


def _sentence(found: Found, target: Target) -> str:
    model = f" with {target.model}" if target.model else ""
    return _begun(f"{found.label} answers at {place(found.url)}{model}.")


def _nobody(servers: list[Found]) -> str:
    """Say why no server was taken."""
    if not servers:
        return "No server answers on the usual ports"
    lacks = {"locked": "needs a key", "loading": "is still loading", "ready": "has no model"}
    told = [f"{server.label} at {place(server.url)} {lacks[server.state]}" for server in servers]
    return _begun(" and ".join(told))


def _begun(sentence: str) -> str:
    """Begin a sentence with a capital, unless a name such as vLLM begins it."""
    articles = ("an ", "the ")
    return sentence[0].upper() + sentence[1:] if sentence.startswith(articles) else sentence


def _local(reason: str) -> Choice:
    return Choice(kind="local", target=None, reason=reason, contended=True)


def _simulator(reason: str) -> Choice:
    return Choice(kind="simulator", target=None, reason=reason, contended=True)
