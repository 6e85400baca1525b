"""Decide which server answers when nobody names one, and say why in words."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from streamscope.engines.addresses import Said, is_loopback, read
from streamscope.engines.detect import USUAL, Fetch, detect, identify
from streamscope.engines.engine import EngineError
from streamscope.engines.found import Candidate, Found, Kind
from streamscope.engines.heard import Heard
from streamscope.engines.homemade import TEXT, routed
from streamscope.engines.reasons import (
    answers,
    no_model,
    nobody,
    place,
    sentence,
    unanswered,
    unusable,
)
from streamscope.trace import Target

__all__ = ["VARIABLES", "Choice", "Wanted", "choose", "place"]

Wanted = Literal["auto", "local", "simulator"]
"""The values of ``--engine``."""

VARIABLES: dict[Kind, str] = {
    "openai.com": "OPENAI_API_KEY",
    "anthropic.com": "ANTHROPIC_API_KEY",
    "googleapis.com": "GEMINI_API_KEY",
    "ollama.com": "OLLAMA_API_KEY",
}
"""Environment variables in which people keep the keys of vendors."""

_NAMING_TIMEOUT_S = 3.0
_NAMED_MODELS = 3


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What was chosen.

    Attributes:
        kind: A server that runs already, or an engine of ours to be started.
        target: The server; ``None`` for an engine, whose target is known once it runs.
        reason: Why, in one sentence for the screen.
        contended: Whether two live requests would disturb each other there.
        version: Version of the server, where it says so.
        found: What the server that was named turned out to be, if it answered.
    """

    kind: Literal["server", "local", "simulator"]
    target: Target | None
    reason: str
    contended: bool
    version: str = ""
    found: Found | None = None


async def choose(
    fetch: Fetch,
    *,
    engine: Wanted = "auto",
    target: Target | None = None,
    model: str = "",
    protocol: str = "",
    candidates: Sequence[Candidate] = (),
    known: Found | None = None,
    local_missing: str | None,
) -> Choice:
    """Choose in the order of ``--engine auto``.

    That is: the target that was named; servers that the environment names; Ollama and other local
    servers on their usual ports; the local model; the simulator.

    Args:
        fetch: How to GET.
        engine: What the person asked for; anything but ``auto`` is taken at its word.
        target: What the person named. An empty protocol or model is found out by asking.
        model: A model that was named without a server: one that has it is preferred.
        protocol: A protocol that was named without a server: the one that is found is spoken to so.
        candidates: Servers that the environment names, the first one first.
        known: What answered at the target's URL the last time, if anything did.
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
        return await _named(fetch, target, known)
    return await _first(fetch, model, protocol, candidates, local_missing)


async def _first(
    fetch: Fetch,
    model: str,
    protocol: str,
    candidates: Sequence[Candidate],
    local_missing: str | None,
) -> Choice:
    """Choose the first of those that answer, or else an engine of ours.

    Raises:
        EngineError: A model was named, and nobody can be asked for it; or a protocol, and its route
            is not known.
    """
    heard = Heard(fetch)
    found = await detect(heard, [*candidates, *(Candidate(url=url) for url in USUAL)])
    asked = [each for each in candidates if place(each.url) not in heard.unasked]
    # Nobody's own server is sent prompts because it happens to stream: it has to be named.
    servers = [server for server in found if server.kind != "homemade"]
    if model:
        servers = [_with_model(server, model) for server in servers]
        servers.sort(key=lambda server: not server.lists(model))
    for server in servers:
        if server.target is not None:
            ahead = _ahead(asked, server)
            passed = (unanswered(ahead, found, heard.answered), unusable(ahead, servers))
            usual = server.target
            target = Target(
                protocol=protocol or usual.protocol, url=usual.url, model=model or usual.model
            )
            target = await routed(fetch, target, server, _NAMING_TIMEOUT_S)
            return _server(server, target, *passed)
    missed = unanswered(asked, found, heard.answered)
    if model:
        raise EngineError(sentence(missed, no_model(servers, model)))
    why = nobody(servers)
    if local_missing is None:
        return _local(sentence(missed, f"{why}, so a small model runs here."))
    return _simulator(sentence(missed, f"{why}, and {local_missing}; so the simulator answers."))


def _ahead(candidates: Sequence[Candidate], server: Found) -> Sequence[Candidate]:
    """Return the places that the environment would rather have had asked than a server."""
    names = [each.variable for each in candidates]
    return candidates[: names.index(server.variable)] if server.variable in names else candidates


def _with_model(server: Found, model: str) -> Found:
    """Return a server with a model before all others, if it has it."""
    if not server.lists(model):
        return server
    only = [model] if server.hosted else [model, *(each for each in server.models if each != model)]
    return msgspec.structs.replace(server, models=only)


async def _named(fetch: Fetch, target: Target, known: Found | None) -> Choice:
    """Complete the target that the person named."""
    here = is_loopback(target.url)
    said = read(target.url)
    model = target.model or said.model
    # A complete target elsewhere is not bothered with questions: it is hosted, so it has room.
    complete = model and (target.protocol or said.vendor is not None)
    if not here and complete and target.protocol not in TEXT:
        return _taken(target, said, contended=False)
    if target.protocol and not said.protocol:  # so that a page of the server's is no base
        target = msgspec.structs.replace(target, url=said.base)
    found = await identify(fetch, target.url, timeout_s=_NAMING_TIMEOUT_S)
    target = await routed(fetch, target, found, _NAMING_TIMEOUT_S)
    if found is not None:
        return _completed(target, found)
    if target.protocol or said.protocol:
        return _taken(target, said, contended=here)
    if known is not None:
        choice = _completed(target, known)
        reason = (
            f"{place(target.url)} was named and says nothing now: it is asked as it was before."
        )
        return msgspec.structs.replace(choice, reason=reason, version="", found=None)
    raise EngineError(
        f"No server that we know answers at {target.url}: is it running, or does it need "
        "its protocol named (--protocol, or a URL with its route)?"
    )


def _completed(target: Target, found: Found) -> Choice:
    """Fill the gaps of a target with what was found."""
    whole = Target(
        protocol=target.protocol or found.protocol,
        url=target.url if target.protocol else found.url,
        model=target.model or _model_of(found, target),
    )
    return Choice(
        kind="server",
        target=whole,
        reason=f"{place(target.url)} was named: {answers(found, whole.model)}",
        contended=found.contended and is_loopback(target.url),
        version=found.version,
        found=found,
    )


def _taken(target: Target, said: Said, *, contended: bool) -> Choice:
    """Take a target at its word, or at that of its URL."""
    where = place(target.url)
    if target.protocol:
        return Choice(
            kind="server", target=target, reason=f"{where} was named.", contended=contended
        )
    by = "host" if said.vendor else "route"
    return Choice(
        kind="server",
        target=Target(protocol=said.protocol, url=said.base, model=target.model or said.model),
        reason=f"{where} was named, and by its {by} it speaks {said.protocol}.",
        contended=contended,
    )


def _model_of(found: Found, target: Target) -> str:
    """Return the model to ask: the server's best one.

    Raises:
        EngineError: Each of its models costs, so that none is taken that was not named.
    """
    if found.hosted and len(found.models) != 1:
        where = f"{found.label} at {place(target.url)}"
        if found.state == "locked":
            raise EngineError(
                f"{where} wants a key: set {VARIABLES[found.kind]}, and name a model (--model)."
            )
        if found.state == "silent":
            raise EngineError(
                f"{where} does not answer: is there a way to it? Its models can be named (--model)."
            )
        some = ", ".join(found.models[:_NAMED_MODELS])
        such = f", such as {some}" if some else ""
        raise EngineError(f"{where} wants its model to be named (--model){such}.")
    return next(iter(found.models), "")


def _server(found: Found, target: Target, *missed: str) -> Choice:
    return Choice(
        kind="server",
        target=target,
        reason=sentence(*missed, answers(found, target.model)),
        contended=found.contended,
        version=found.version,
    )


def _local(reason: str) -> Choice:
    return Choice(kind="local", target=None, reason=reason, contended=True)


def _simulator(reason: str) -> Choice:
    return Choice(kind="simulator", target=None, reason=reason, contended=True)
