"""Servers are recognised by what they say, not by where they listen."""

import asyncio
import json
from typing import Any

import pytest

from streamscope.engines.detect import (
    USUAL,
    Candidate,
    Capabilities,
    Fetch,
    Found,
    detect,
    identify,
)

ROOT = "http://127.0.0.1:9999"

# As llama.cpp (through xllamacpp 2026.10) and vLLM 0.32.0 answered, shortened.
LLAMA_PROPS = {
    "default_generation_settings": {"params": {}, "n_ctx": 4096},
    "total_slots": 1,
    "build_info": "b0-unknown",
    "chat_template": "{% if enable_thinking %}",
}
LLAMA_MODELS = {
    "models": [{"name": "smollm2-135m", "model": "smollm2-135m", "type": "model"}],
    "object": "list",
    "data": [
        {
            "id": "smollm2-135m",
            "object": "model",
            "owned_by": "llamacpp",
            "meta": {"n_ctx": 4096, "n_ctx_train": 8192, "n_params": 134515008, "ftype": "Q4_1"},
        }
    ],
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
        {
            "name": "qwen3:4b",
            "capabilities": ["completion", "thinking"],
            "details": {"parameter_size": "0.6B", "quantization_level": "Q4_K_M"},
        },
        {"name": "gemma4:e2b", "capabilities": ["completion"]},
    ]
}
LM_STUDIO = {
    "models": [
        {"type": "embedding", "key": "embedder", "loaded_instances": [{"id": "embedder"}]},
        {
            "type": "llm",
            "key": "sleeping",
            "loaded_instances": [],
            "max_context_length": 131072,
            "params_string": "8B",
            "quantization": {"name": "Q4_K_M", "bits_per_weight": 4},
            "capabilities": {"reasoning": {"allowed_options": ["off", "on"], "default": "on"}},
        },
        {
            "type": "llm",
            "key": "awake",
            "loaded_instances": [{"id": "awake", "config": {"context_length": 4096}}],
            "capabilities": {"vision": False},
        },
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
        "/api/ps": (200, {"models": [{"name": "gemma4:e2b", "context_length": 8192}]}),
        "/v1/models": (200, {"object": "list", "data": [{"id": "x", "owned_by": "library"}]}),
    }
    found = await known(pages)
    assert (found.kind, found.protocol, found.url) == ("ollama", "ollama-chat", ROOT)
    assert found.version == "0.33.0"
    assert found.models == ["gemma4:e2b", "qwen3:4b"]
    assert found.about("gemma4:e2b").words == "8k context · loaded"
    assert found.about("qwen3:4b").words == "0.6B Q4_K_M · thinks · not loaded"
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
    assert found.about("smollm2-135m") == Capabilities(
        thinking=True, context=4096, loaded=True, size="135M", quantization="Q4_1"
    )
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
    assert found.about("smollm2").words == "2k context"
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
    assert found.about("awake").words == "4k context · loaded"
    assert found.about("sleeping").words == "8B Q4_K_M · thinks · 128k context · not loaded"


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


async def test_a_router_of_llama_cpp_tells_which_models_are_loaded() -> None:
    rows = [
        {"id": name, "owned_by": "llamacpp", "status": {"value": status}}
        for name, status in (("far", "unloaded"), ("near", "loaded"))
    ]
    found = await known({"/v1/models": (200, {"data": rows})})
    assert found.models == ["near", "far"]
    assert [found.about(name).loaded for name in found.models] == [True, False]


async def test_a_route_of_a_known_server_is_spoken_to_as_it_says() -> None:
    pages: Pages = {"/props": (200, LLAMA_PROPS), "/v1/models": (200, LLAMA_MODELS)}
    for route, base, protocol in (
        ("/v1/messages", ROOT, "anthropic"),
        ("/completion", ROOT, "llamacpp-completion"),
        ("/v1/chat/completions", f"{ROOT}/v1", "openai-chat"),
        ("/v1/completions", f"{ROOT}/v1", "openai-completions"),
        ("/v1/models", f"{ROOT}/v1", "openai-chat"),
    ):
        found = await known(pages, ROOT + route)
        assert (found.kind, found.url, found.protocol) == ("llama.cpp", base, protocol)
        assert found.models == ["smollm2-135m"]


@pytest.mark.parametrize(
    "page", ["/docs", "/redoc", "/v1/models", "/health", "/metrics", "/v1/health", "/a/b/c"]
)
async def test_any_page_of_a_server_leads_to_it(page: str) -> None:
    found = await known({"/v1/models": (200, VLLM_MODELS)}, ROOT + page)
    assert (found.kind, found.url) == ("vllm", f"{ROOT}/v1")


async def test_where_nobody_answers_nobody_is_asked_again_further_up() -> None:
    asked: list[str] = []

    async def fetch(url: str, timeout_s: float) -> tuple[int, bytes]:
        asked.append(url)
        raise ConnectionRefusedError(url)

    assert await identify(fetch, f"{ROOT}/team/a") is None
    assert f"{ROOT}/v1/models" not in asked


FASTAPI: dict[str, Any] = {
    "paths": {
        "/v1/completions/stream": {
            "post": {
                "requestBody": {
                    "content": {"application/json": {"schema": {"properties": {"prompt": {}}}}}
                }
            }
        }
    }
}


@pytest.mark.parametrize("url", [ROOT, f"{ROOT}/v1/completions/stream", f"{ROOT}/docs"])
async def test_the_tutorials_endpoint_is_found_by_its_description(url: str) -> None:
    found = await known({"/openapi.json": (200, FASTAPI)}, url)
    assert (found.kind, found.protocol) == ("homemade", "token-sse")
    assert found.url == f"{ROOT}/v1/completions/stream"
    assert found.target is not None, "it has no models to choose from"
    assert found.target.model == ""


async def test_a_route_for_tokens_of_a_server_that_has_more_is_known_with_the_rest() -> None:
    version = {"version": "1", "simulated": True, "slots": 4}
    models = [{"name": "default", "details": {"parameter_size": "0"}}]
    pages: Pages = {
        "/api/version": (200, version),
        "/api/tags": (200, {"models": models}),
        "/api/ps": (200, {}),
    }
    url = f"{ROOT}/v1/completions/stream"
    found = await known(pages, url)
    assert (found.kind, found.protocol, found.url) == ("simulator", "token-sse", url)
    assert found.about("default").words == "not loaded"
    assert not found.contended


async def test_a_description_without_a_stream_is_none() -> None:
    pages: Pages = {"/openapi.json": (200, {"paths": {"/users": {"get": {}}}})}
    assert await identify(site(pages), ROOT) is None
    assert await identify(site(pages), f"{ROOT}/users") is None


ANTHROPIC = {
    "data": [
        {
            "id": "claude-x",
            "max_input_tokens": 200_000,
            "capabilities": {"thinking": {"supported": True}},
        },
        {"id": "claude-old", "max_input_tokens": 1_000_000},
    ]
}
GEMINI = {
    "models": [
        {
            "name": "models/gemini-x",
            "supportedGenerationMethods": ["generateContent"],
            "inputTokenLimit": 1_048_576,
            "thinking": True,
        },
        {"name": "models/embedder", "supportedGenerationMethods": ["embedContent"]},
    ]
}
OPENAI = {"data": [{"id": "gpt-x"}, {"id": "text-embedding-3"}, {"id": "whisper-1"}]}


@pytest.mark.parametrize(
    ("root", "path", "page", "protocol", "models"),
    [
        ("https://api.openai.com", "/v1/models", OPENAI, "openai-chat", {"gpt-x": ""}),
        (
            "https://api.anthropic.com",
            "/v1/models?limit=1000",
            ANTHROPIC,
            "anthropic",
            {"claude-x": "thinks · 200k context", "claude-old": "1M context"},
        ),
        (
            "https://generativelanguage.googleapis.com",
            "/v1beta/models?pageSize=1000",
            GEMINI,
            "gemini",
            {"gemini-x": "thinks · 1M context"},
        ),
        ("https://ollama.com", "/api/tags", OLLAMA_TAGS, "ollama-chat", None),
    ],
)
async def test_of_a_vendor_nothing_but_the_models_is_asked(
    root: str, path: str, page: Any, protocol: str, models: dict[str, str] | None
) -> None:
    asked: list[str] = []
    answering = site({path: (200, page)}, root)

    async def fetch(url: str, timeout_s: float) -> tuple[int, bytes]:
        asked.append(url)
        return await answering(url, timeout_s)

    found = await identify(fetch, root)
    assert found is not None
    assert asked == [root + path]
    assert (found.protocol, found.hosted, found.contended) == (protocol, True, False)
    if models is not None:
        assert {name: found.about(name).words for name in found.models} == models


async def test_a_vendor_is_there_even_if_it_does_not_answer_or_wants_a_key() -> None:
    silent = await identify(site({}, "http://nowhere"), "https://api.anthropic.com")
    assert silent is not None
    assert (silent.protocol, silent.models, silent.target) == ("anthropic", [], None)
    assert silent.lacks == "does not answer"
    root = "https://api.openai.com"
    locked = await identify(site({"/v1/models": (401, {})}, root), f"{root}/v1")
    assert locked is not None
    assert (locked.state, locked.lacks) == ("locked", "needs a key")


async def test_no_model_that_costs_is_taken_unless_there_is_one_only() -> None:
    root = "https://api.anthropic.com"
    fetch = site({"/v1/models?limit=1000": (200, ANTHROPIC)}, root)
    several = await identify(fetch, root)
    assert several is not None
    assert (several.target, several.lacks) == (None, "wants its model to be named")
    gemini = "https://generativelanguage.googleapis.com/v1beta"
    one = await identify(site({}, "http://nowhere"), f"{gemini}/models/g:streamGenerateContent")
    assert one is not None
    assert one.target is not None
    assert (one.target.url, one.target.model) == (gemini, "g")


async def test_who_is_named_by_a_variable_is_known_by_it() -> None:
    fetch = site({"/v1/models": (200, {"data": [{"id": "m"}]})})
    named = Candidate(url=ROOT, variable="ANTHROPIC_BASE_URL", protocol="anthropic")
    (found,) = await detect(fetch, [named, ROOT])
    assert (found.variable, found.protocol, found.url) == ("ANTHROPIC_BASE_URL", "anthropic", ROOT)
    assert found.label == "a server that speaks Anthropic's protocol"
    (vllm,) = await detect(site({"/v1/models": (200, VLLM_MODELS)}), [named])
    assert (vllm.variable, vllm.protocol) == ("ANTHROPIC_BASE_URL", "openai-chat")


async def test_a_server_that_lists_its_models_as_anthropic_does_is_spoken_to_so() -> None:
    rows = [{"type": "model", "id": "claude-x", "max_input_tokens": 200_000}]
    pages: Pages = {"/v1/models": (200, {"data": rows, "has_more": False})}
    found = await known(pages)
    assert (found.label, found.protocol, found.url) == (
        "a server that speaks Anthropic's protocol",
        "anthropic",
        ROOT,
    )
    assert found.about("claude-x").words == "200k context"
    assert (await known(pages, f"{ROOT}/v1/messages")).label == found.label
    other = await known(pages, f"{ROOT}/v1/responses")
    assert (other.label, other.protocol) == ("an OpenAI-compatible server", "openai-responses")


@pytest.mark.parametrize(
    "page",
    [
        {"models": [{"name": 3, "details": "x", "capabilities": "y"}, {"key": 4}]},
        {"data": [{"id": 5, "meta": [], "max_model_len": "2k", "owned_by": "vllm"}]},
        {"data": [{"id": "m", "max_model_len": True, "owned_by": "llamacpp", "status": "x"}]},
    ],
)
async def test_lists_that_are_nonsense_are_survived(page: Any) -> None:
    paths = ("/api/tags", "/api/ps", "/api/v1/models", "/props", "/v1/models")
    pages: Pages = dict.fromkeys(paths, (200, page))
    assert await identify(site(pages), ROOT) is not None
    pages["/api/version"] = (200, {"version": "1"})
    assert (await known(pages)).kind == "ollama"
