"""``--engine auto``: the right server in the right order, with the reason in words."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from streamscope.engines.choose import choose, place
from streamscope.engines.detect import Fetch
from streamscope.engines.engine import EngineError
from streamscope.engines.heard import NotAskedError
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


async def test_a_model_that_was_named_is_never_replaced_by_an_engine_of_ours() -> None:
    with pytest.raises(EngineError) as nobody:
        await choose(web({}), model="foo:1b", local_missing=None)
    assert str(nobody.value) == (
        "No server answers on the usual ports, so there is nobody to ask for foo:1b, and nothing "
        "else is asked in its place: start a server that has it, or name one (--url), or leave "
        "the model out."
    )
    empty = web({"http://127.0.0.1:11434": EMPTY_OLLAMA})
    with pytest.raises(EngineError, match=r"has no model, so .*`ollama pull foo:1b` fetches it"):
        await choose(empty, model="foo:1b", local_missing=NOT_INSTALLED)
    named = candidates({"OPENAI_BASE_URL": f"{OPENAI}/v1"})
    with pytest.raises(EngineError, match=r"^OpenAI at api\.openai\.com does not list foo:1b, so"):
        await choose(web({OPENAI: GPTS}), candidates=named, model="foo:1b", local_missing=None)


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("llama3.2:3b", "with llama3.2:3b."),
        ("tiny", "with tiny."),
        ("mistral:7b", "and is asked for mistral:7b, which it does not list."),
        ("llama3.2", "and is asked for llama3.2, which it does not list (it lists llama3.2:3b)."),
        ("lama3:3b", "and is asked for lama3:3b, which it does not list (it lists llama3.2:3b)."),
    ],
)  # fmt: skip
async def test_the_model_that_is_asked_is_told_and_whether_the_server_lists_it(
    model: str, told: str
) -> None:
    told = f"Ollama answers at 127.0.0.1:11434 {told}"
    tags = {"models": [{"name": "llama3.2:3b"}, {"name": "tiny:latest"}]}
    fetch = web({"http://127.0.0.1:11434": {**OLLAMA, "/api/tags": tags}})
    choice = await choose(fetch, model=model, local_missing=None)
    assert choice.target is not None
    assert (choice.target.model, choice.reason) == (model, told)
    named = Target(protocol="", url="http://127.0.0.1:11434", model=model)
    choice = await choose(fetch, target=named, local_missing=None)
    assert choice.reason == f"127.0.0.1:11434 was named: {told}"


async def test_a_dead_server_that_the_environment_names_is_told() -> None:
    named = candidates({"OLLAMA_HOST": "gpu.invalid", "OPENAI_BASE_URL": "http://127.0.0.1:7001"})
    alone = await choose(web({}), candidates=named, local_missing=None)
    assert alone.reason == (
        "OLLAMA_HOST names gpu.invalid:11434, where nothing answers, and OPENAI_BASE_URL names "
        "127.0.0.1:7001, where nothing answers; no server answers on the usual ports, so a small "
        "model runs here."
    )
    fetch = web({"http://127.0.0.1:11434": OLLAMA, "http://127.0.0.1:7001": {"/": {}}})
    other = await choose(fetch, candidates=named, local_missing=None)
    assert other.reason == (
        "OLLAMA_HOST names gpu.invalid:11434, where nothing answers, and OPENAI_BASE_URL names "
        "127.0.0.1:7001, where nobody that we know answers; Ollama answers at 127.0.0.1:11434 "
        "with gemma4:e2b."
    )
    with pytest.raises(EngineError, match=r"^OLLAMA_HOST names gpu\.invalid:11434, where nothing"):
        await choose(web({}), candidates=named, model="m", local_missing=None)


async def test_a_server_that_comes_after_the_one_chosen_is_not_missed() -> None:
    named = candidates({"OLLAMA_HOST": "10.0.0.5:1234", "OPENAI_BASE_URL": "http://127.0.0.1:7001"})
    fetch = web({"http://10.0.0.5:1234": OLLAMA})
    choice = await choose(fetch, candidates=named, local_missing=None)
    assert choice.reason.startswith("Ollama answers at 10.0.0.5:1234, which OLLAMA_HOST names")


async def test_a_server_that_the_environment_names_and_cannot_be_used_is_told() -> None:
    named = candidates({"OLLAMA_HOST": "10.0.0.5:1234", "OPENAI_BASE_URL": "http://127.0.0.1:7001"})
    servers = {
        "http://10.0.0.5:1234": EMPTY_OLLAMA,
        "http://127.0.0.1:7001": FASTAPI,
        "http://127.0.0.1:8000": VLLM,
    }
    choice = await choose(web(servers), candidates=named, local_missing=None)
    assert choice.reason == (
        "OPENAI_BASE_URL names 127.0.0.1:7001, where a home-made server answers, which is asked "
        "only if --url names it; OLLAMA_HOST names 10.0.0.5:1234, where Ollama has no model; "
        "vLLM answers at 127.0.0.1:8000 with smollm2."
    )


async def test_a_server_that_may_not_be_asked_is_not_called_dead() -> None:
    async def withheld(url: str, timeout_s: float) -> tuple[int, bytes]:
        raise NotAskedError(url)

    named = candidates({"OLLAMA_HOST": "gpu.invalid"})
    choice = await choose(withheld, candidates=named, local_missing=None)
    assert choice.reason == "No server answers on the usual ports, so a small model runs here."


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
        "127.0.0.1:8000 was named: a home-made server answers at 127.0.0.1:8000/stream."
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


PAGE = b"<!DOCTYPE html><title>Welcome</title>"
BOTH: dict[str, Any] = {
    "paths": {
        "/say/stream": {
            "get": {
                "parameters": [{"name": "prompt", "in": "query"}],
                "responses": {"200": {"content": {"text/plain": {}}}},
            }
        },
        "/tokens/stream": {
            "get": {
                "parameters": [{"name": "prompt", "in": "query"}],
                "responses": {"200": {"content": {"text/event-stream": {}}}},
            }
        },
    }
}


def page(answers: Mapping[str, Any]) -> Fetch:
    """Return a fetch of a server with a page for people at its root."""
    known = web({"http://127.0.0.1:7000": answers})

    async def fetch(url: str, timeout_s: float) -> tuple[int, bytes]:
        if url == "http://127.0.0.1:7000/":
            return 200, PAGE
        return await known(url, timeout_s)

    return fetch


@pytest.mark.parametrize(
    ("protocol", "route"), [("text-get", "/say/stream"), ("token-sse-get", "/tokens/stream")]
)
async def test_the_route_of_a_protocol_is_found_below_a_bare_url(protocol: str, route: str) -> None:
    fetch = page({"/openapi.json": BOTH})
    named = Target(protocol=protocol, url="http://127.0.0.1:7000")
    choice = await choose(fetch, target=named, local_missing=None)
    assert choice.target is not None
    assert choice.target.url == f"http://127.0.0.1:7000{route}"


async def test_our_own_simulators_route_for_text_is_known() -> None:
    simulator = {**OLLAMA, "/api/version": {"version": "1", "simulated": True}}
    named = Target(protocol="text", url="http://127.0.0.1:7000", model="gemma4:e2b")
    choice = await choose(page(simulator), target=named, local_missing=None)
    assert choice.target is not None
    assert choice.target.url == "http://127.0.0.1:7000/text/stream"


async def test_a_protocol_that_was_named_alone_has_its_route_found_as_well() -> None:
    simulator = {**OLLAMA, "/api/version": {"version": "1", "simulated": True}}
    fetch = web({"http://127.0.0.1:8000": simulator})
    choice = await choose(fetch, protocol="text-get", local_missing=None)
    assert choice.target == Target(
        protocol="text-get", url="http://127.0.0.1:8000/text/stream", model="gemma4:e2b"
    )
    other = await choose(fetch, protocol="openai-chat", local_missing=None)
    assert other.target is not None
    assert (other.target.protocol, other.target.url) == ("openai-chat", "http://127.0.0.1:8000")


async def test_a_page_for_people_is_not_measured_as_an_answer() -> None:
    for protocol in ("text", "text-get"):
        named = Target(protocol=protocol, url="http://127.0.0.1:7000")
        with pytest.raises(
            EngineError, match=r"page for people.*http://127\.0\.0\.1:7000/generate"
        ):
            await choose(page({}), target=named, local_missing=None)
    routed = Target(protocol="text", url="http://127.0.0.1:7000/say")
    assert (await choose(page({}), target=routed, local_missing=None)).target == routed
    tokens = Target(protocol="token-sse", url="http://127.0.0.1:7000")
    assert (await choose(page({}), target=tokens, local_missing=None)).target == tokens


async def test_a_page_of_the_server_is_no_base_even_if_the_protocol_is_named() -> None:
    fetch = web({"http://127.0.0.1:8000": VLLM})
    named = Target(protocol="openai-chat", url="http://127.0.0.1:8000/docs")
    choice = await choose(fetch, target=named, local_missing=None)
    assert choice.target is not None
    assert choice.target.url == "http://127.0.0.1:8000"
