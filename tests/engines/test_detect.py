"""Servers are recognised by what they say, not by where they listen."""

import asyncio
import json
from typing import Any

import pytest

from streamscope.engines.detect import USUAL, Fetch, Found, detect, identify

ROOT = "http://127.0.0.1:9999"

# As llama.cpp (through xllamacpp 2026.10) and vLLM 0.32.0 answered, shortened.
LLAMA_PROPS = {
    "default_generation_settings": {"params": {}, "n_ctx": 4096},
    "total_slots": 1,
    "build_info": "b0-unknown",
}
LLAMA_MODELS = {
    "models": [{"name": "smollm2-135m", "model": "smollm2-135m", "type": "model"}],
    "object": "list",
    "data": [{"id": "smollm2-135m", "object": "model", "owned_by": "llamacpp"}],
}
LLAMA_LOADING = {"error": {"message": "Loading model", "type": "unavailable_error", "code": 503}}
LLAMA_NO_KEY = {
    "error": {"message": "Invalid API Key", "type": "authentication_error", "code": 401}
}
VLLM_MODELS = {
    "object": "list",
    "data": [{"id": "smollm2", "object": "model", "owned_by": "vllm", "max_model_len": 2048}],
}
OLLAMA_TAGS = {
    "models": [
        {"name": "nomic-embed-text:latest", "capabilities": ["embedding"]},
        {"name": "qwen3:4b", "capabilities": ["completion", "thinking"]},
        {"name": "gemma4:e2b", "capabilities": ["completion"]},
    ]
}
LM_STUDIO = {
    "models": [
        {"type": "embedding", "key": "embedder", "loaded_instances": [{"id": "embedder"}]},
        {"type": "llm", "key": "sleeping", "loaded_instances": []},
        {"type": "llm", "key": "awake", "loaded_instances": [{"id": "awake"}]},
    ]
}

Pages = dict[str, tuple[int, Any]]


def site(pages: Pages, root: str = ROOT) -> Fetch:
    """Return a fetch that knows one server; everything else refuses the connection."""

    async def fetch(url: str, timeout_s: float) -> tuple[int, bytes]:
        if not url.startswith(f"{root}/"):
            raise ConnectionRefusedError(url)
        status, content = pages.get(url.removeprefix(root), (404, {"detail": "Not Found"}))
        return status, content if isinstance(content, bytes) else json.dumps(content).encode()

    return fetch


async def known(pages: Pages, url: str = ROOT) -> Found:
    found = await identify(site(pages), url)
    assert found is not None
    return found


async def test_ollama_with_its_loaded_model_first() -> None:
    pages: Pages = {
        "/api/version": (200, {"version": "0.33.0"}),
        "/api/tags": (200, OLLAMA_TAGS),
        "/api/ps": (200, {"models": [{"name": "gemma4:e2b"}]}),
        "/v1/models": (200, {"object": "list", "data": [{"id": "x", "owned_by": "library"}]}),
    }
    found = await known(pages)
    assert (found.kind, found.protocol, found.url) == ("ollama", "ollama-chat", ROOT)
    assert found.version == "0.33.0"
    assert found.models == ["gemma4:e2b", "qwen3:4b"]
    assert found.contended
    pages["/api/ps"] = (200, {"models": [{"name": "nomic-embed-text:latest"}]})
    assert (await known(pages)).models == ["qwen3:4b", "gemma4:e2b"]


async def test_an_older_ollama_without_capabilities() -> None:
    names = [{"name": "nomic-embed-text"}, {"name": "llama3.2"}]
    found = await known(
        {"/api/version": (200, {"version": "0.5.0"}), "/api/tags": (200, {"models": names})}
    )
    assert found.models == ["llama3.2"]


async def test_an_ollama_without_models_is_found_but_no_target() -> None:
    found = await known(
        {"/api/version": (200, {"version": "0.33.0"}), "/api/tags": (200, {"models": None})}
    )
    assert found.models == []
    assert found.target is None


async def test_llama_cpp_with_its_slots() -> None:
    pages: Pages = {"/props": (200, LLAMA_PROPS), "/v1/models": (200, LLAMA_MODELS)}
    found = await known(pages)
    assert (found.kind, found.url, found.slots) == ("llama.cpp", f"{ROOT}/v1", 1)
    assert found.models == ["smollm2-135m"]
    assert found.contended
    pages["/props"] = (200, {**LLAMA_PROPS, "total_slots": 4})
    assert not (await known(pages)).contended


@pytest.mark.parametrize(
    ("status", "body", "state"),
    [(503, LLAMA_LOADING, "loading"), (401, LLAMA_NO_KEY, "locked")],
)
async def test_llama_cpp_that_cannot_be_used_yet(status: int, body: Any, state: str) -> None:
    found = await known({"/props": (status, body), "/v1/models": (status, body)})
    assert (found.kind, found.state) == ("llama.cpp", state)
    assert found.target is None


async def test_vllm_open_and_locked() -> None:
    version = (200, {"version": "0.32.0"})
    found = await known({"/version": version, "/v1/models": (200, VLLM_MODELS)})
    assert (found.kind, found.version, found.models) == ("vllm", "0.32.0", ["smollm2"])
    assert not found.contended
    locked = await known({"/version": version, "/v1/models": (401, {"error": "Unauthorized"})})
    assert (locked.kind, locked.state, locked.target) == ("vllm", "locked", None)


async def test_lm_studio_with_its_loaded_model_first() -> None:
    pages: Pages = {
        "/api/v1/models": (200, LM_STUDIO),
        "/v1/models": (200, {"data": [{"id": "awake"}]}),
        # It answers unknown paths with 200 and an error.
        "/api/version": (200, {"error": "Unexpected endpoint or method."}),
        "/props": (200, {"error": "Unexpected endpoint or method."}),
        "/version": (200, {"error": "Unexpected endpoint or method."}),
    }
    found = await known(pages)
    assert (found.kind, found.url) == ("lmstudio", f"{ROOT}/v1")
    assert found.models == ["awake", "sleeping"]


async def test_any_other_openai_compatible_server_with_or_without_v1() -> None:
    pages: Pages = {"/v1/models": (200, {"data": [{"id": "m"}, {"no": "id"}, "junk"]})}
    for url in (ROOT, f"{ROOT}/", f"{ROOT}/v1", f"{ROOT}/v1/"):
        found = await known(pages, url)
        assert (found.kind, found.url, found.models) == ("openai", f"{ROOT}/v1", ["m"])


@pytest.mark.parametrize(
    "page", [b"<html>hello</html>", b"[]", b"", b"\xff\xfe", b'{"version": 3, "data": 4}']
)
async def test_a_web_site_is_no_model_server(page: bytes) -> None:
    paths = ("/api/version", "/api/v1/models", "/props", "/version", "/v1/models")
    assert await identify(site(dict.fromkeys(paths, (200, page))), ROOT) is None


async def test_nobody_there_is_nobody_found() -> None:
    assert await detect(site({}, "http://nowhere"), USUAL) == []


async def test_a_server_that_hangs_does_not_hold_up_the_others() -> None:
    answering = site({"/v1/models": (200, VLLM_MODELS)})

    async def fetch(url: str, timeout_s: float) -> tuple[int, bytes]:
        if not url.startswith(ROOT):
            await asyncio.Event().wait()
        return await answering(url, timeout_s)

    found = await detect(
        fetch, ["http://127.0.0.1:1", ROOT, "http://127.0.0.1:2", ROOT], timeout_s=0.05
    )
    assert [server.url for server in found] == [f"{ROOT}/v1"]
