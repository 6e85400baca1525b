"""Find out which servers answer, and what they are: by asking, never by their port.

Nothing is sent but a handful of GETs, all at once, and a second handful to who answered them.
Where somebody answered and nothing at the path is known, it goes on further up.
"""

import asyncio
from collections.abc import Iterable

import msgspec

from streamscope.engines import addresses, homemade, listing
from streamscope.engines.addresses import Said
from streamscope.engines.asking import Answer, Fetch, ask, get
from streamscope.engines.found import ANTHROPIC, LABELS, Candidate, Capabilities, Found, Kind, State
from streamscope.engines.heard import Heard
from streamscope.engines.ollama_host import DEFAULT as OLLAMA_URL
from streamscope.trace import Target

__all__ = ["USUAL", "Candidate", "Capabilities", "Fetch", "Found", "detect", "identify"]

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

_NO_KEY = (401, 403)
_LOADING = 503
_LLAMA_REFUSAL = {"message": "Invalid API Key", "type": "authentication_error", "code": 401}
_NATIVE = ("ollama", "simulator")


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
    found = msgspec.structs.replace(found, variable=place.variable)
    if place.protocol and found.kind in ("openai", "homemade"):
        return _spoken(found, place.protocol, place.url)
    return found


def _spoken(found: Found, protocol: str, url: str) -> Found:
    """Return a server that is spoken to in another way than usual, and called by that."""
    label = LABELS[found.kind]
    if protocol == "anthropic" and found.kind in ("openai", "homemade"):
        label = ANTHROPIC
    return msgspec.structs.replace(found, protocol=protocol, url=url, label=label)


async def identify(fetch: Fetch, url: str, *, timeout_s: float = TIMEOUT_S) -> Found | None:
    """Return what answers at a URL: a base URL, or one of a server's routes or pages.

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
    heard = Heard(fetch)
    found = await _server(heard, root, timeout_s)
    if found is None and said.protocol in ("", "token-sse"):
        found = await homemade.find(heard, said.base, timeout_s)
        # Somebody is there who knows nothing of this path: it may be that of any page of theirs.
        further = addresses.above(root) if heard.answered and not said.protocol else []
        for higher in further:
            found = found or await _server(fetch, higher, timeout_s)
        return found
    if found is None or not said.protocol:
        return found
    return _spoken(found, said.protocol, said.base)


async def _server(fetch: Fetch, root: str, timeout_s: float) -> Found | None:
    """Return the model server below a root; ``None`` if there is none that we know."""
    paths = ("/api/version", "/api/v1/models", "/props", "/version", "/v1/models")
    ollama, lmstudio, llama, vllm, openai = await ask(fetch, root, paths, timeout_s)
    owners = {str(row.get("owned_by")) for row in listing.rows(openai.json, "data")}
    if ollama.text("version") and ollama:
        tags, loaded = await ask(fetch, root, ("/api/tags", "/api/ps"), timeout_s)
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
    if listing.is_anthropic(openai.json):
        server = _found("openai", root, models=listing.anthropic(openai.json))
        return _spoken(server, "anthropic", root)
    if "vllm" in owners or (version and openai.status in _NO_KEY):
        return _found("vllm", root, version=version, models=models, state=_state(openai))
    if models or openai.status in _NO_KEY:
        return _found("openai", root, models=models, state=_state(openai))
    return None


async def _hosted(fetch: Fetch, said: Said, kind: Kind, timeout_s: float) -> Found:
    """Return a vendor's server, with its models if it lists them to us."""
    from streamscope.wire.registry import protocol  # no other server needs any

    target = Target(protocol=said.protocol, url=said.base)
    answer = await get(fetch, protocol(said.protocol).models_url(target), timeout_s)
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


def _ollama(root: str, version: Answer, tags: Answer, loaded: Answer) -> Found:
    return _found(
        "simulator" if version.json.get("simulated") is True else "ollama",
        root,
        version=version.text("version"),
        models=listing.ollama(tags.json, loaded.json),
        slots=version.count("slots"),
    )


def _state(answer: Answer) -> State:
    return "locked" if answer.status in _NO_KEY else "ready"
