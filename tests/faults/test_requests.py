"""What servers cannot be asked for, and what they do with a limit: said, never dropped."""

import json
from typing import TYPE_CHECKING, Any

import pytest

from streamscope.trace import Ended, Mode, Request

if TYPE_CHECKING:
    from tests.conftest import Bench

pytestmark = pytest.mark.asyncio(loop_scope="session")

MODES: tuple[Mode, ...] = ("stream", "blocking")


def responses(output: int, status: str = "completed") -> Any:
    """Return a whole answer of ``/v1/responses``."""
    item = {"type": "message", "content": [{"type": "output_text", "text": "Nile"}]}
    details = {"reason": "max_output_tokens"} if status == "incomplete" else None
    return {"object": "response", "status": status, "output": [item], "incomplete_details": details,
            "usage": {"input_tokens": 9, "output_tokens": output}}  # fmt: skip


def lmstudio(output: int) -> Any:
    return {"output": [{"type": "message", "content": "Nile"}],
            "stats": {"input_tokens": 9, "total_output_tokens": output}}  # fmt: skip


def chat(output: int, reason: str = "stop") -> Any:
    return {"choices": [{"message": {"content": "Nile"}, "finish_reason": reason}],
            "usage": {"prompt_tokens": 9, "completion_tokens": output}}  # fmt: skip


def homemade(output: int, reason: str | None = None) -> Any:
    return {"text": "Nile", "usage": {"completion_tokens": output}, "finish_reason": reason}


@pytest.mark.parametrize(
    ("protocol", "answer", "params", "ended", "flags"),
    [
        ("openai-responses", responses(16), {}, "length", ["length-counted"]),
        ("openai-responses", responses(17), {}, "length", ["length-counted"]),
        ("openai-responses", responses(15), {}, "stop", []),
        ("openai-responses", responses(16, "incomplete"), {}, "length", []),
        ("openai-responses", responses(99), {}, "stop", ["limit-ignored"]),
        ("openai-responses", responses(16), {"max_output_tokens": 99}, "stop", []),
        ("lmstudio", lmstudio(16), {}, "length", ["length-counted"]),
        ("lmstudio", lmstudio(9), {}, "stop", []),
        ("token-sse", homemade(16), {}, "length", ["length-counted"]),
        ("token-sse", homemade(16, "length"), {}, "length", []),
        ("token-sse", homemade(15), {}, "stop", []),
        ("token-sse", homemade(16), {"max_new_tokens": 99}, "stop", []),
        # Its last token may well be the one that ended it: the server knows.
        ("openai-chat", chat(16), {}, "stop", []),
        ("openai-chat", chat(16, "length"), {}, "length", []),
        ("openai-chat", chat(422), {}, "stop", ["limit-ignored"]),
    ],
)
async def test_the_count_tells_what_the_limit_did(
    bench: "Bench",
    protocol: str,
    answer: Any,
    params: dict[str, Any],
    ended: Ended,
    flags: list[str],
) -> None:
    server = await bench.serve([json.dumps(answer).encode()], kind="application/json")
    request = Request(prompt="Why?", max_tokens=16, params=params)
    trace = await bench.run(server, protocol=protocol, mode="blocking", request=request)
    assert trace.fault is None
    assert (trace.text(), trace.ended, trace.flags) == ("Nile", ended, flags)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("protocol", "unsent"),
    [
        ("openai-chat", []),
        ("ollama-chat", []),
        ("gemini", []),
        ("anthropic", ["seed"]),
        ("lmstudio", ["seed", "stop"]),
        ("openai-completions", ["system", "think"]),
        ("token-sse", ["system", "think"]),
        ("websocket-text", ["system", "seed", "max_tokens", "stop", "think", "a_b"]),
    ],
)
async def test_what_has_no_member_is_said_even_if_nobody_answers(
    bench: "Bench", free_port: int, protocol: str, unsent: list[str], mode: Mode
) -> None:
    request = Request(
        prompt="Why?", system="Be brief.", seed=1, max_tokens=9, stop=("x",), think=True,
        params={"a b": 1},
    )  # fmt: skip
    url = f"http://127.0.0.1:{free_port}"
    trace = await bench.run(url, protocol=protocol, mode=mode, request=request)
    assert trace.flags == [f"unsent:{name}" for name in unsent]
    assert trace.unsent == tuple(unsent)


async def test_a_limit_that_nobody_asked_for_is_said(bench: "Bench", free_port: int) -> None:
    url = f"http://127.0.0.1:{free_port}"
    trace = await bench.run(url, protocol="anthropic")
    assert trace.limit_added == 4096
    trace = await bench.run(url, protocol="anthropic", request=Request(prompt="x", max_tokens=9))
    assert trace.limit_added is None


async def test_what_a_null_takes_back_is_said(bench: "Bench", free_port: int) -> None:
    asked = Request(prompt="x", temperature=0.2, params={"options.temperature": None})
    url = f"http://127.0.0.1:{free_port}"
    trace = await bench.run(url, protocol="ollama-chat", request=asked)
    assert trace.unsent == ("temperature",)
