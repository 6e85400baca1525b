"""``--engine auto``: the right server in the right order, with the reason in words."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from streamscope.engines.choose import choose, place
from streamscope.engines.detect import Fetch
from streamscope.engines.engine import EngineError
from streamscope.engines.variables import candidates
from streamscope.trace import Target

NOT_INSTALLED = "the local extra is not installed: pip install 'streamscope[local]'"

OLLAMA: dict[str, Any] = {
    "/api/version": {"version": "0.33.0"},
    "/api/tags": {"models": [{"name": "gemma4:e2b", "capabilities": ["completion"]}]},
    "/api/ps": {"models": []},
}
EMPTY_OLLAMA: dict[str, Any] = {**OLLAMA, "/api/tags": {"models": []}}
VLLM: dict[str, Any] = {
    "/version": {"version": "0.32.0"},
    "/v1/models": {"data": [{"id": "smollm2", "owned_by": "vllm"}]},
}


def web(servers: Mapping[str, Mapping[str, Any]]) -> Fetch:
    """Return a fetch that knows some servers by root URL and remembers nothing else."""

    async def fetch(url: str, timeout_s: float) -> tuple[int, bytes]:
        for root, pages in servers.items():
            if url.startswith(f"{root}/"):
                page = pages.get(url.removeprefix(root))
                return (404, b"") if page is None else (200, json.dumps(page).encode())
        raise ConnectionRefusedError(url)

    return fetch


async def forbidden(url: str, timeout_s: float) -> tuple[int, bytes]:
    raise AssertionError(f"nobody may be asked, but {url} was")


async def test_ollama_comes_first() -> None:
    servers = {"http://127.0.0.1:11434": OLLAMA, "http://127.0.0.1:8000": VLLM}
    choice = await choose(web(servers), local_missing=None)
    assert choice.kind == "server"
    assert choice.target == Target(
        protocol="ollama-chat", url="http://127.0.0.1:11434", model="gemma4:e2b"
    )
    assert choice.reason == "Ollama answers at 127.0.0.1:11434 with gemma4:e2b."
    assert choice.contended
    assert choice.version == "0.33.0"


async def test_ollama_host_comes_before_the_usual_place() -> None:
    other = {**OLLAMA, "/api/tags": {"models": [{"name": "other"}]}}
    servers = {"http://127.0.0.1:11434": OLLAMA, "http://10.0.0.5:1234": other}
    named = candidates({"OLLAMA_HOST": "10.0.0.5:1234"})
    choice = await choose(web(servers), candidates=named, local_missing=None)
    assert choice.reason == (
        "Ollama answers at 10.0.0.5:1234, which OLLAMA_HOST names, with other."
    )


async def test_other_local_servers_come_next() -> None:
    servers = {"http://127.0.0.1:11434": EMPTY_OLLAMA, "http://127.0.0.1:8000": VLLM}
    choice = await choose(web(servers), local_missing=None)
    assert choice.reason == "vLLM answers at 127.0.0.1:8000 with smollm2."
    assert not choice.contended


async def test_the_local_model_comes_if_no_server_does() -> None:
    choice = await choose(web({}), local_missing=None)
    assert (choice.kind, choice.target, choice.contended) == ("local", None, True)
    assert choice.reason == ("No server answers on the usual ports, so a small model runs here.")


async def test_the_simulator_comes_last_and_says_what_was_missing() -> None:
    servers = {"http://127.0.0.1:11434": EMPTY_OLLAMA}
    choice = await choose(web(servers), local_missing=NOT_INSTALLED)
    assert (choice.kind, choice.contended) == ("simulator", True)
    assert choice.reason == (
        "Ollama at 127.0.0.1:11434 has no model, and the local extra is not installed: "
        "pip install 'streamscope[local]'; so the simulator answers."
    )


async def test_an_engine_asked_for_by_name_asks_nobody() -> None:
    simulator = await choose(forbidden, engine="simulator", local_missing=None)
    assert (simulator.kind, simulator.reason) == ("simulator", "The simulator was asked for.")
    local = await choose(forbidden, engine="local", local_missing=None)
    assert (local.kind, local.reason) == ("local", "The local model was asked for.")
    with pytest.raises(EngineError, match=r"pip install 'streamscope\[local\]'"):
        await choose(forbidden, engine="local", local_missing=NOT_INSTALLED)


async def test_a_named_server_is_completed_by_asking_it() -> None:
    fetch = web({"http://127.0.0.1:7000": VLLM})
    named = Target(protocol="", url="http://127.0.0.1:7000")
    choice = await choose(fetch, target=named, local_missing=None)
    assert choice.target == Target(
        protocol="openai-chat", url="http://127.0.0.1:7000/v1", model="smollm2"
    )
    assert choice.reason.startswith("127.0.0.1:7000 was named: ")
    assert not choice.contended


async def test_what_was_named_is_kept() -> None:
    fetch = web({"http://127.0.0.1:11434": OLLAMA})
    named = Target(protocol="ollama-generate", url="http://127.0.0.1:11434", model="mine")
    choice = await choose(fetch, target=named, local_missing=None)
    assert choice.target == named
    assert choice.contended


async def test_a_complete_target_elsewhere_is_not_bothered() -> None:
    named = Target(protocol="openai-chat", url="https://api.example.com/v1", model="big")
    choice = await choose(forbidden, target=named, local_missing=None)
    assert (choice.target, choice.contended) == (named, False)
    assert choice.reason == "api.example.com was named."


async def test_a_named_protocol_is_tried_even_if_nobody_answers_yet() -> None:
    named = Target(protocol="openai-chat", url="http://localhost:7000/v1")
    choice = await choose(web({}), target=named, local_missing=None)
    assert (choice.target, choice.contended) == (named, True)


async def test_a_named_server_that_nobody_knows_is_an_error() -> None:
    named = Target(protocol="", url="http://127.0.0.1:7000")
    with pytest.raises(EngineError, match=r"answers at http://127\.0\.0\.1:7000"):
        await choose(web({}), target=named, local_missing=None)


def test_credentials_are_never_part_of_a_sentence() -> None:
    assert place("https://user:secret@example.com:8443/v1") == "example.com:8443"


OPENAI = "https://api.openai.com"
GPTS: dict[str, Any] = {"/v1/models": {"data": [{"id": "gpt-a"}, {"id": "gpt-b"}]}}


async def test_a_vendors_model_is_never_guessed() -> None:
    fetch = web({OPENAI: GPTS})
    named = Target(protocol="", url=OPENAI)
    with pytest.raises(EngineError, match=r"model to be named \(--model\), such as gpt-a, gpt-b\."):
        await choose(fetch, target=named, local_missing=None)
    choice = await choose(
        fetch, target=Target(protocol="", url=OPENAI, model="gpt-b"), local_missing=None
    )
    assert choice.target == Target(protocol="openai-chat", url=f"{OPENAI}/v1", model="gpt-b")
    assert not choice.contended


async def test_a_vendor_and_a_model_leave_nothing_to_ask() -> None:
    named = Target(protocol="", url="https://api.anthropic.com", model="claude-x")
    choice = await choose(forbidden, target=named, local_missing=None)
    assert choice.target == Target(
        protocol="anthropic", url="https://api.anthropic.com", model="claude-x"
    )
    assert choice.reason == "api.anthropic.com was named, and by its host it speaks anthropic."
    assert not choice.contended


async def test_a_vendor_that_cannot_be_reached_is_said() -> None:
    named = Target(protocol="", url=OPENAI)
    with pytest.raises(EngineError, match=r"OpenAI at api\.openai\.com does not answer"):
        await choose(web({}), target=named, local_missing=None)


async def test_where_a_vendor_wants_a_key_its_variable_is_named() -> None:
    async def locked(url: str, timeout_s: float) -> tuple[int, bytes]:
        return 401, b"{}"

    with pytest.raises(EngineError, match="set ANTHROPIC_API_KEY"):
        await choose(
            locked, target=Target(protocol="", url="https://api.anthropic.com"), local_missing=None
        )


async def test_a_server_that_the_environment_names_comes_first_and_a_vendor_needs_a_model() -> None:
    fetch = web({OPENAI: GPTS, "http://127.0.0.1:8000": VLLM})
    named = candidates({"OPENAI_BASE_URL": f"{OPENAI}/v1"})
    choice = await choose(fetch, candidates=named, local_missing=None)
    assert choice.reason == "vLLM answers at 127.0.0.1:8000 with smollm2."
    choice = await choose(fetch, candidates=named, model="gpt-b", local_missing=None)
    assert choice.reason == (
        "OpenAI answers at api.openai.com, which OPENAI_BASE_URL names, with gpt-b."
    )
    alone = await choose(web({OPENAI: GPTS}), candidates=named, local_missing=None)
    assert alone.reason == (
        "OpenAI at api.openai.com wants its model to be named, so a small model runs here."
    )


async def test_a_model_is_looked_for_on_all_servers() -> None:
    servers = {"http://127.0.0.1:11434": OLLAMA, "http://127.0.0.1:8000": VLLM}
    choice = await choose(web(servers), model="smollm2", local_missing=None)
    assert choice.reason == "vLLM answers at 127.0.0.1:8000 with smollm2."


FASTAPI: dict[str, Any] = {
    "/openapi.json": {
        "paths": {"/stream": {"get": {"parameters": [{"name": "prompt", "in": "query"}]}}}
    }
}


async def test_a_home_made_server_is_asked_only_if_it_is_named() -> None:
    fetch = web({"http://127.0.0.1:8000": FASTAPI})
    assert (await choose(fetch, local_missing=None)).kind == "local"
    named = Target(protocol="", url="http://127.0.0.1:8000")
    choice = await choose(fetch, target=named, local_missing=None)
    assert choice.target == Target(
        protocol="token-sse-get", url="http://127.0.0.1:8000/stream", model=""
    )
    assert choice.reason == (
        "127.0.0.1:8000 was named: a home-made server answers at 127.0.0.1:8000."
    )


async def test_a_route_names_its_protocol_even_if_nobody_answers_yet() -> None:
    named = Target(protocol="", url="http://127.0.0.1:7000/v1/messages", model="m")
    choice = await choose(web({}), target=named, local_missing=None)
    assert choice.target == Target(protocol="anthropic", url="http://127.0.0.1:7000", model="m")
    assert choice.reason == "127.0.0.1:7000 was named, and by its route it speaks anthropic."


async def test_a_websocket_is_taken_at_its_word() -> None:
    named = Target(protocol="", url="ws://127.0.0.1:7000/chat")
    choice = await choose(forbidden, target=named, local_missing=None)
    assert choice.target == Target(protocol="websocket", url="ws://127.0.0.1:7000/chat")
