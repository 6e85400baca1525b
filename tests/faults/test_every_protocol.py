"""Every protocol over the real probe: heard out, refused, failed, cut and cancelled, in both modes.

What WebSockets do is in ``test_websockets``; the rest of each protocol is in the tests of ``wire``.
"""

import asyncio
import json
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from streamscope.trace import Chunk, Fault, Mode, Trace
from streamscope.wire.registry import PROTOCOLS

if TYPE_CHECKING:
    from tests.conftest import Bench, Step

pytestmark = pytest.mark.asyncio(loop_scope="session")

MODES: tuple[Mode, ...] = ("stream", "blocking")
LONG_S = 20.0


def sse(*values: Any, named: bool = False) -> bytes:
    """Return events, with the names that their types have if servers send them."""
    return b"".join(
        (b"event: %b\n" % value["type"].encode() if named else b"")
        + b"data: %b\n\n" % (value if isinstance(value, bytes) else json.dumps(value).encode())
        for value in values
    )


def lines(*values: Any) -> bytes:
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


class Words(NamedTuple):
    """How a server says “Nile and”, in a stream and whole, and that it failed.

    Attributes:
        first: What brings “Nile”.
        rest: What brings “ and”, and the end.
        error: What says “out of memory” in the middle; empty where nothing can.
        whole: The answer of a blocking channel.
    """

    first: bytes
    rest: bytes
    error: bytes
    whole: bytes


DONE = b"[DONE]"
ERROR = {"error": {"message": "out of memory", "code": 500}}


def choices(key: str, **inner: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, key: inner or None, "finish_reason": None}]}


def chat(text: str) -> dict[str, Any]:
    return choices("delta", content=text)


def completion(text: str, reason: str | None = None) -> dict[str, Any]:
    return {"choices": [{"index": 0, "text": text, "finish_reason": reason}]}


def response(*texts: str) -> dict[str, Any]:
    content = [{"type": "output_text", "text": "".join(texts)}]
    return {"object": "response", "status": "completed", "output": [{"type": "message",
            "content": content}], "usage": {"input_tokens": 9, "output_tokens": 2}}  # fmt: skip


def spoken(text: str) -> dict[str, Any]:
    return {"type": "response.output_text.delta", "delta": text}


def block(text: str) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": 0,
            "delta": {"type": "text_delta", "text": text}}  # fmt: skip


def candidate(text: str, **more: Any) -> dict[str, Any]:
    return {"candidates": [{"content": {"parts": [{"text": text}]}, **more}]}


def message(text: str) -> dict[str, Any]:
    return {"type": "message.delta", "content": text}


def ollama(piece: Any) -> Words:
    last = {"done": True, "done_reason": "stop", "eval_count": 2}
    return Words(
        first=lines({**piece("Nile"), "done": False}),
        rest=lines({**piece(" and"), "done": False}, {**piece(""), **last}),
        error=lines({"error": "out of memory"}),
        whole=lines({**piece("Nile and"), **last}),
    )


LM_END = {"output": [{"type": "message", "content": "Nile and"}], "stats": {}}
TOKENS = Words(
    first=sse({"token": "Nile"}),
    rest=sse({"token": " and"}, DONE),
    error=sse({"error": "out of memory"}),
    whole=lines({"text": "Nile and"}),
)
TEXT = Words(first=b"Nile", rest=b" and", error=b"", whole=b"Nile and")
WORDS: dict[str, Words] = {
    "ollama-chat": ollama(lambda text: {"message": {"content": text}}),
    "ollama-generate": ollama(lambda text: {"response": text}),
    "openai-chat": Words(
        first=sse(chat("Nile")),
        rest=sse(chat(" and"), {"choices": [{"delta": {}, "finish_reason": "stop"}]}, DONE),
        error=sse(ERROR, DONE),
        whole=lines({"choices": [{"message": {"content": "Nile and"}, "finish_reason": "stop"}]}),
    ),
    "openai-completions": Words(
        first=sse(completion("Nile")),
        rest=sse(completion(" and", "stop"), DONE),
        error=sse(ERROR),
        whole=lines(completion("Nile and", "stop")),
    ),
    "openai-responses": Words(
        first=sse(spoken("Nile"), named=True),
        rest=sse(
            spoken(" and"),
            {"type": "response.completed", "response": response("Nile", " and")},
            named=True,
        ),
        error=sse({"type": "error", "code": "500", "message": "out of memory"}, named=True),
        whole=lines(response("Nile and")),
    ),
    "llamacpp-completion": Words(
        first=sse({"content": "Nile", "stop": False}),
        rest=sse({"content": " and", "stop": False}, {"content": "", "stop": True}),
        error=sse(ERROR),
        whole=lines({"content": "Nile and", "stop": True, "stop_type": "eos"}),
    ),
    "anthropic": Words(
        first=sse(block("Nile"), named=True),
        rest=sse(
            block(" and"),
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
            {"type": "message_stop"},
            named=True,
        ),
        error=sse({"type": "error", "error": {"type": "api_error", "message": "out of memory"}},
                  named=True),
        whole=lines({"type": "message", "content": [{"type": "text", "text": "Nile and"}],
                     "stop_reason": "end_turn"}),
    ),
    "gemini": Words(
        first=sse(candidate("Nile")),
        rest=sse(candidate(" and", finishReason="STOP")),
        error=sse(ERROR),
        whole=lines(candidate("Nile and", finishReason="STOP")),
    ),
    "lmstudio": Words(
        first=sse(message("Nile"), named=True),
        rest=sse(message(" and"), {"type": "chat.end", "result": LM_END}, named=True),
        error=sse({"type": "error", "error": {"message": "out of memory"}}, named=True),
        whole=lines(LM_END),
    ),
    "token-sse": TOKENS,
    "token-sse-get": TOKENS,
    "text": TEXT,
    "text-get": TEXT,
}  # fmt: skip

NAMES = list(WORDS)


def fault_of(trace: Trace) -> Fault:
    assert trace.ended == "error"
    assert trace.fault is not None
    assert trace.fault.sentence.endswith(".")
    return trace.fault


def kind(name: str, mode: Mode) -> str:
    if name.startswith("text"):
        return "text/plain"
    return "text/event-stream" if mode == "stream" else "application/json"


async def test_no_protocol_is_left_out() -> None:
    assert {*NAMES, "websocket", "websocket-text"} == set(PROTOCOLS)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", NAMES)
async def test_heard_out(bench: "Bench", name: str, mode: Mode) -> None:
    words = WORDS[name]
    steps: list[Step] = [words.first, "seen", words.rest] if mode == "stream" else [words.whole]
    server = await bench.serve(steps, kind=kind(name, mode))
    trace = await bench.run(server, protocol=name, mode=mode)
    assert (trace.ended, trace.fault, trace.text()) == ("stop", None, "Nile and")
    assert [chunk.text for chunk in trace.chunks] == (
        ["Nile", " and"] if mode == "stream" else ["Nile and"]
    )


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", NAMES)
async def test_refused_before(bench: "Bench", name: str, mode: Mode) -> None:
    body = json.dumps({"error": {"message": "overloaded"}}).encode()
    server = await bench.serve([body], status=429, kind="application/json")
    trace = await bench.run(server, protocol=name, mode=mode)
    fault = fault_of(trace)
    assert (fault.code, fault.status) == ("busy", 429)
    assert "overloaded" in fault.sentence


@pytest.mark.parametrize("name", [name for name in NAMES if WORDS[name].error])
async def test_failed_in_mid_stream(bench: "Bench", name: str) -> None:
    words = WORDS[name]
    server = await bench.serve([words.first, "seen", words.error], kind=kind(name, "stream"))
    trace = await bench.run(server, protocol=name)
    assert fault_of(trace).code == "server"
    assert "out of memory" in fault_of(trace).sentence
    assert trace.text() == "Nile"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", NAMES)
async def test_cut(bench: "Bench", name: str, mode: Mode) -> None:
    words = WORDS[name]
    steps: list[Step] = (
        [words.first, "seen", "cut"] if mode == "stream" else [words.whole[:-4], "cut"]
    )
    server = await bench.serve(steps, kind=kind(name, mode))
    trace = await bench.run(server, protocol=name, mode=mode)
    assert fault_of(trace).code == "cut"
    if mode == "stream":
        assert trace.text() == "Nile"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", NAMES)
async def test_cancelled(bench: "Bench", name: str, mode: Mode) -> None:
    """The connection is closed at once, so that the server can stop, and what came is kept."""
    run_id = f"{name}-{mode}"

    def stop(trace: Trace, new: list[Chunk]) -> None:
        if new if mode == "stream" else "headers" in trace.marks:
            bench.probe.cancel(run_id)

    words = WORDS[name]
    steps: list[Step] = [words.first if mode == "stream" else words.whole[:4], "left"]
    server = await bench.serve(steps, kind=kind(name, mode))
    trace = await bench.run(server, protocol=name, mode=mode, run_id=run_id, listener=stop)
    await asyncio.wait_for(server.left.wait(), LONG_S)
    assert (trace.ended, trace.fault) == ("cancelled", None)
    assert trace.marks["cancelled"] > trace.marks["headers"]
    if mode == "stream":
        assert trace.text() == "Nile"
