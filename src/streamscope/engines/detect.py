"""Find out which servers answer, and what they are: by asking, never by their port."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Literal

import msgspec

from streamscope.engines.ollama_host import DEFAULT as OLLAMA_URL
from streamscope.trace import Target

Fetch = Callable[[str, float], Awaitable[tuple[int, bytes]]]
"""GET a URL within so many seconds; return status and body, or raise ``OSError``."""

Kind = Literal["ollama", "llama.cpp", "vllm", "lmstudio", "openai", "simulator"]
"""What kind of server it is; ``openai`` is any other that speaks that protocol."""

State = Literal["ready", "locked", "loading"]
"""Whether it can be used: ``locked`` asks for a key, ``loading`` has no model yet."""

USUAL = (
    OLLAMA_URL,
    "http://127.0.0.1:1234",  # LM Studio
    "http://127.0.0.1:8080",  # llama.cpp
    "http://127.0.0.1:8000",  # vLLM, and many a home-made server
)
"""Where local servers usually listen, in the order in which they are preferred."""

LABELS: dict[Kind, str] = {
    "ollama": "Ollama",
    "llama.cpp": "llama.cpp",
    "vllm": "vLLM",
    "lmstudio": "LM Studio",
    "openai": "an OpenAI-compatible server",
    "simulator": "the streamscope simulator (simulated answers)",
}
"""How each kind is called on screen."""

_TIMEOUT_S = 0.4
_OK = 200
_NO_KEY = (401, 403)
_LOADING = 503
_LLAMA_REFUSAL = {"message": "Invalid API Key", "type": "authentication_error", "code": 401}


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A server that answered.

    Attributes:
        kind: What it is.
        label: The same, for people.
        url: Base URL as its protocol wants it: OpenAI-like ones end in ``/v1``.
        protocol: The protocol to speak.
        version: Its version; empty where it does not say.
        models: Names of models that can answer a prompt, the best one first.
        slots: How many requests it answers at once, where it says so.
        state: Whether it can be used.
    """

    kind: Kind
    label: str
    url: str
    protocol: str
    version: str
    models: list[str]
    slots: int | None
    state: State = "ready"

    @property
    def target(self) -> Target | None:
        """The server with its best model; ``None`` if it cannot be used as it is."""
        if self.state != "ready" or not self.models:
            return None
        return Target(protocol=self.protocol, url=self.url, model=self.models[0])

    @property
    def contended(self) -> bool:
        """Whether two live requests would disturb each other.

        vLLM batches. Ollama and LM Studio queue or share one machine, and of a local server that
        says nothing the same must be assumed.
        """
        if self.kind in ("llama.cpp", "simulator"):
            return self.slots is None or self.slots < 2
        return self.kind != "vllm"


class _Answer(msgspec.Struct, frozen=True):
    """One reply: its status, 0 for none, and its JSON object, empty for anything else."""

    status: int
    json: dict[str, Any]

    def __bool__(self) -> bool:
        return self.status == _OK and bool(self.json)

    def rows(self, member: str) -> list[dict[str, Any]]:
        """Return a member that is a list of objects; empty if it is not."""
        rows = self.json.get(member)
        return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []

    def text(self, member: str) -> str:
        """Return a member that is text; empty if it is not."""
        value = self.json.get(member)
        return value if isinstance(value, str) else ""

    def count(self, member: str) -> int | None:
        """Return a member that is a whole number."""
        value = self.json.get(member)
        return value if isinstance(value, int) else None


async def detect(
    fetch: Fetch, candidates: Iterable[str] = USUAL, *, timeout_s: float = _TIMEOUT_S
) -> list[Found]:
    """Ask all candidates at once; return those that answer, in the order given.

    Args:
        fetch: How to GET.
        candidates: Base URLs.
        timeout_s: Limit for each GET. A server is asked at most twice in a row.
    """
    urls = list(dict.fromkeys(candidates))
    found = await asyncio.gather(*(identify(fetch, url, timeout_s=timeout_s) for url in urls))
    return [server for server in found if server is not None]


async def identify(fetch: Fetch, url: str, *, timeout_s: float = _TIMEOUT_S) -> Found | None:
    """Return what answers at a base URL, with or without ``/v1``; ``None`` if nothing we know."""
    root = url.rstrip("/").removesuffix("/v1")
    paths = ("/api/version", "/api/v1/models", "/props", "/version", "/v1/models")
    ollama, lmstudio, llama, vllm, openai = await _ask(fetch, root, paths, timeout_s)
    owners = {str(row.get("owned_by")) for row in openai.rows("data")}
    if ollama.text("version") and ollama:
        tags, loaded = await _ask(fetch, root, ("/api/tags", "/api/ps"), timeout_s)
        return _ollama(root, ollama, tags, loaded)
    if lmstudio.rows("models"):
        return _found("lmstudio", root, models=_lmstudio_models(lmstudio))
    refused = llama.json.get("error") == _LLAMA_REFUSAL
    if "default_generation_settings" in llama.json or "llamacpp" in owners or refused:
        state: State = "locked" if llama.status in _NO_KEY else "ready"
        return _found(
            "llama.cpp",
            root,
            version=llama.text("build_info"),
            models=_ids(openai),
            slots=llama.count("total_slots"),
            state=state,
        )
    if openai.status == _LOADING and llama.status == _LOADING:
        return _found("llama.cpp", root, state="loading")
    version = vllm.text("version") if vllm else ""
    if "vllm" in owners or (version and openai.status in _NO_KEY):
        return _found("vllm", root, version=version, models=_ids(openai), state=_state(openai))
    if _ids(openai) or openai.status in _NO_KEY:
        return _found("openai", root, models=_ids(openai), state=_state(openai))
    return None


async def _ask(fetch: Fetch, root: str, paths: Iterable[str], timeout_s: float) -> "list[_Answer]":
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
    models: list[str] | None = None,
    slots: int | None = None,
    state: State = "ready",
) -> Found:
    native = kind in ("ollama", "simulator")
    return Found(
        kind=kind,
        label=LABELS[kind],
        url=root if native else f"{root}/v1",
        protocol="ollama-chat" if native else "openai-chat",
        version=version,
        models=models or [],
        slots=slots,
        state=state,
    )


def _ollama(root: str, version: _Answer, tags: _Answer, loaded: _Answer) -> Found:
    """Put loaded models first: the others would have to be loaded before they answer."""
    listed = [_name(row) for row in tags.rows("models") if _completes(row)]
    running = [name for row in loaded.rows("models") if (name := _name(row)) in listed]
    kind: Kind = "simulator" if version.json.get("simulated") is True else "ollama"
    models = [name for name in dict.fromkeys([*running, *listed]) if name]
    slots = version.count("slots")
    return _found(kind, root, version=version.text("version"), models=models, slots=slots)


def _completes(row: Mapping[str, Any]) -> bool:
    """Whether a model of Ollama answers prompts; older versions only have the name to go by."""
    capabilities = row.get("capabilities")
    if isinstance(capabilities, list) and capabilities:
        return "completion" in capabilities
    return "embed" not in _name(row)


def _name(row: Mapping[str, Any]) -> str:
    return str(row.get("name") or row.get("model") or "")


def _lmstudio_models(answer: _Answer) -> list[str]:
    rows = [row for row in answer.rows("models") if row.get("type", "llm") != "embedding"]
    rows.sort(key=lambda row: not row.get("loaded_instances"))
    return [str(row["key"]) for row in rows if row.get("key")]


def _ids(answer: _Answer) -> list[str]:
    return [str(row["id"]) for row in answer.rows("data") if row.get("id")]


def _state(answer: _Answer) -> State:
    return "locked" if answer.status in _NO_KEY else "ready"
