"""Find out which servers answer, and what they are: by asking, never by their port.

Nothing is sent but a handful of GETs, all at once, and a second handful to who answered them.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import msgspec

from streamscope.engines import addresses, listing, openapi
from streamscope.engines.addresses import Said
from streamscope.engines.found import LABELS, Candidate, Capabilities, Found, Kind, State
from streamscope.engines.ollama_host import DEFAULT as OLLAMA_URL
from streamscope.trace import Target

__all__ = ["USUAL", "Candidate", "Capabilities", "Fetch", "Found", "detect", "identify"]

Fetch = Callable[[str, float], Awaitable[tuple[int, bytes]]]
"""GET a URL within so many seconds; return status and body, or raise ``OSError``."""

USUAL = (
    OLLAMA_URL,
    "http://127.0.0.1:1234",  # LM Studio
    "http://127.0.0.1:8080",  # llama.cpp
    "http://127.0.0.1:8000",  # vLLM, and many a home-made server
)
"""Where local servers usually listen, in the order in which they are preferred."""

TIMEOUT_S = 0.4
"""Limit for a GET on this machine, in seconds. A server is asked at most twice in a row."""

FAR_TIMEOUT_S = 3.0
"""Limit for a GET elsewhere, in seconds."""

_OK = 200
_NO_KEY = (401, 403)
_LOADING = 503
_LLAMA_REFUSAL = {"message": "Invalid API Key", "type": "authentication_error", "code": 401}
_NATIVE = ("ollama", "simulator")


class _Answer(msgspec.Struct, frozen=True):
    """One reply: its status, 0 for none, and its JSON object, empty for anything else."""

    status: int
    json: dict[str, Any]

    def __bool__(self) -> bool:
        return self.status == _OK and bool(self.json)

    def text(self, member: str) -> str:
        """Return a member that is text; empty if it is not."""
        value = self.json.get(member)
        return value if isinstance(value, str) else ""

    def count(self, member: str) -> int | None:
        """Return a member that is a whole number."""
        value = self.json.get(member)
        return value if isinstance(value, int) else None


async def detect(
    fetch: Fetch, candidates: Iterable[str | Candidate] = USUAL, *, timeout_s: float = TIMEOUT_S
) -> list[Found]:
    """Ask all candidates at once; return those that answer, in the order given.

    Args:
        fetch: How to GET.
        candidates: Where servers may be. The first of two with the same URL counts.
        timeout_s: Limit for each GET on this machine.
    """
    named = [each if isinstance(each, Candidate) else Candidate(url=each) for each in candidates]
    places = {each.url: each for each in reversed(named)}
    ordered = [places[url] for url in dict.fromkeys(each.url for each in named)]
    found = await asyncio.gather(*(_at(fetch, place, timeout_s) for place in ordered))
    return [server for server in found if server is not None]


async def _at(fetch: Fetch, place: Candidate, timeout_s: float) -> Found | None:
    here = addresses.is_loopback(place.url)
    found = await identify(fetch, place.url, timeout_s=timeout_s if here else FAR_TIMEOUT_S)
    if found is None or not place.variable:
        return found
    changes: dict[str, Any] = {"variable": place.variable}
    if place.protocol and found.kind in ("openai", "homemade"):
        changes |= {"protocol": place.protocol, "url": place.url}
    return msgspec.structs.replace(found, **changes)


async def identify(fetch: Fetch, url: str, *, timeout_s: float = TIMEOUT_S) -> Found | None:
    """Return what answers at a URL: a base URL, or one of a server's routes.

    A vendor's own server is known by its host, and found even if it does not answer, as it is
    there; of it, models are asked for alone.

    Args:
        fetch: How to GET.
        url: A URL without a slash at its end.
        timeout_s: Limit for each GET.

    Returns:
        The server, spoken to as its route says if the URL names one; ``None`` if nothing that we
        know answers.
    """
    said = addresses.read(url.rstrip("/"))
    if said.protocol == "websocket":  # there are no pages to ask for
        return None
    if said.vendor is not None:
        return await _hosted(fetch, said, said.vendor, timeout_s)
    # A server with such a route may speak all other protocols, too, as ours does.
    own = said.protocol == "token-sse"
    root = addresses.server_of(url) if own else addresses.root_of(said.base)
    found = await _server(fetch, root, timeout_s)
    if found is None and said.protocol in ("", "token-sse"):
        return await _homemade(fetch, url.rstrip("/"), timeout_s)
    if found is None or not said.protocol:
        return found
    return msgspec.structs.replace(found, protocol=said.protocol, url=said.base)


async def _server(fetch: Fetch, root: str, timeout_s: float) -> Found | None:
    """Return the model server below a root; ``None`` if there is none that we know."""
    paths = ("/api/version", "/api/v1/models", "/props", "/version", "/v1/models")
    ollama, lmstudio, llama, vllm, openai = await _ask(fetch, root, paths, timeout_s)
    owners = {str(row.get("owned_by")) for row in listing.rows(openai.json, "data")}
    if ollama.text("version") and ollama:
        tags, loaded = await _ask(fetch, root, ("/api/tags", "/api/ps"), timeout_s)
        return _ollama(root, ollama, tags, loaded)
    if listing.rows(lmstudio.json, "models"):
        return _found("lmstudio", root, models=listing.lmstudio(lmstudio.json))
    refused = llama.json.get("error") == _LLAMA_REFUSAL
    if "default_generation_settings" in llama.json or "llamacpp" in owners or refused:
        return _found(
            "llama.cpp",
            root,
            version=llama.text("build_info"),
            models=listing.llama_cpp(openai.json, llama.json),
            slots=llama.count("total_slots"),
            state="locked" if llama.status in _NO_KEY else "ready",
        )
    if openai.status == _LOADING and llama.status == _LOADING:
        return _found("llama.cpp", root, state="loading")
    version = vllm.text("version") if vllm else ""
    models = listing.openai(openai.json)
    if "vllm" in owners or (version and openai.status in _NO_KEY):
        return _found("vllm", root, version=version, models=models, state=_state(openai))
    if models or openai.status in _NO_KEY:
        return _found("openai", root, models=models, state=_state(openai))
    return None


async def _hosted(fetch: Fetch, said: Said, kind: Kind, timeout_s: float) -> Found:
    """Return a vendor's server, with its models if it lists them to us."""
    from streamscope.wire.registry import protocol  # no other server needs any

    target = Target(protocol=said.protocol, url=said.base)
    answer = await _get(fetch, protocol(said.protocol).models_url(target), timeout_s)
    match kind:
        case "anthropic.com":
            models = listing.anthropic(answer.json)
        case "googleapis.com" if said.protocol == "gemini":
            models = listing.gemini(answer.json)
        case "ollama.com":
            models = listing.ollama(answer.json, {})
        case _:
            models = listing.openai(answer.json, vendor=True)
    state = _state(answer) if answer.status else "silent"
    if said.model:
        models = {said.model: models.get(said.model, Capabilities())}
        state = "ready" if state == "silent" else state  # nothing more had to be known
    return Found(
        kind=kind,
        label=LABELS[kind],
        url=said.base,
        protocol=said.protocol,
        version="",
        models=list(models),
        slots=None,
        state=state,
        capabilities=models,
    )


async def _homemade(fetch: Fetch, url: str, timeout_s: float) -> Found | None:
    """Return a server that somebody wrote, if it describes a route that streams.

    A URL with a path is that of the route itself, or of what lies above a description.
    """
    server = addresses.server_of(url)
    path = url.removeprefix(server)
    roots = list(dict.fromkeys((server, url)))
    pages = [f"{root}/openapi.json" for root in roots]
    for root, answer in zip(roots, await _ask(fetch, "", pages, timeout_s), strict=True):
        wanted = path if root == server else ""
        if answer and (route := openapi.streaming_route(answer.json, wanted)):
            return Found(
                kind="homemade",
                label=LABELS["homemade"],
                url=root + route.path,
                protocol=route.protocol,
                version="",
                models=[],
                slots=None,
            )
    return None


async def _ask(fetch: Fetch, root: str, paths: Iterable[str], timeout_s: float) -> list[_Answer]:
    return await asyncio.gather(*(_get(fetch, root + path, timeout_s) for path in paths))


async def _get(fetch: Fetch, url: str, timeout_s: float) -> _Answer:
    try:
        async with asyncio.timeout(timeout_s):
            status, body = await fetch(url, timeout_s)
    except OSError:  # a timeout is one too
        return _Answer(0, {})
    try:
        return _Answer(status, msgspec.json.decode(body, type=dict[str, Any]))
    except msgspec.DecodeError:
        return _Answer(status, {})


def _found(
    kind: Kind,
    root: str,
    *,
    version: str = "",
    models: listing.Models | None = None,
    slots: int | None = None,
    state: State = "ready",
) -> Found:
    native = kind in _NATIVE
    return Found(
        kind=kind,
        label=LABELS[kind],
        url=root if native else f"{root}/v1",
        protocol="ollama-chat" if native else "openai-chat",
        version=version,
        models=list(models or ()),
        slots=slots,
        state=state,
        capabilities=models or {},
    )


def _ollama(root: str, version: _Answer, tags: _Answer, loaded: _Answer) -> Found:
    return _found(
        "simulator" if version.json.get("simulated") is True else "ollama",
        root,
        version=version.text("version"),
        models=listing.ollama(tags.json, loaded.json),
        slots=version.count("slots"),
    )


def _state(answer: _Answer) -> State:
    return "locked" if answer.status in _NO_KEY else "ready"
