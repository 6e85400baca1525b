"""LM Studio's own API, by the bytes of its reference."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from streamscope.trace import FaultCode, Mode, Request, ServerTimings, Target, TextKind, Tokens
from streamscope.wire.events import End, Event, Failure, Flag, Model, Ping, Text, Timings, Usage
from streamscope.wire.registry import protocol

Decode = Callable[[str, Mode, bytes], list[Event]]

PROTOCOL = "lmstudio"
STUDIO = Target(protocol=PROTOCOL, url="http://127.0.0.1:1234", model="openai/gpt-oss-20b")
MODES: tuple[Mode, ...] = ("stream", "blocking")


def text(events: Sequence[Event], kind: TextKind = "answer") -> str:
    return "".join(e.text for e in events if isinstance(e, Text) and e.kind == kind)


def sse(*events: dict[str, Any]) -> bytes:
    """Return events as LM Studio sends them: the name twice, in the line and in the data."""
    return "".join(
        f"event: {event['type']}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n"
        for event in events
    ).encode()


def delta(kind: str, content: Any) -> dict[str, Any]:
    return {"type": f"{kind}.delta", "content": content}


MODEL = {"model_instance_id": "gpt-oss-20b"}
STATS = {
    "input_tokens": 329,
    "total_output_tokens": 268,
    "reasoning_output_tokens": 5,
    "tokens_per_second": 43.73,
    "time_to_first_token_seconds": 0.781,
}
ANSWER: dict[str, Any] = {
    **MODEL,
    "output": [
        {"type": "reasoning", "content": "They"},
        {"type": "message", "content": "Nile €"},
    ],
    "stats": STATS,
    "response_id": "resp_1",
}
END_EVENT = {"type": "chat.end", "result": ANSWER}
COUNTS = Usage(Tokens(prompt=329, output=268, reasoning=5))
STREAM = sse(
    {"type": "chat.start", **MODEL},
    {"type": "prompt_processing.start"},
    {"type": "prompt_processing.progress", "progress": 0.5},
    {"type": "prompt_processing.end"},
    {"type": "reasoning.start"},
    delta("reasoning", "They"),
    {"type": "reasoning.end"},
    {"type": "message.start"},
    delta("message", "Ni"),
    delta("message", ""),
    delta("message", "le €"),
    {"type": "message.end"},
    END_EVENT,
)


def timings(prefill_s: float | None = None, load_s: float | None = None) -> Timings:
    return Timings(ServerTimings(source="lmstudio", prefill_s=prefill_s, load_s=load_s))


def test_a_stream(decode_split: Decode) -> None:
    assert decode_split(PROTOCOL, "stream", STREAM) == [
        Model("gpt-oss-20b"),
        Ping(),
        Ping(),
        Ping(),
        Text("reasoning", "They"),
        Text("answer", "Ni"),
        Text("answer", "le €"),
        COUNTS,
        timings(prefill_s=0.781),
        End(),
    ]


def test_a_blocking_answer(decode_split: Decode) -> None:
    assert decode_split(PROTOCOL, "blocking", json.dumps(ANSWER).encode()) == [
        Model("gpt-oss-20b"),
        Text("reasoning", "They"),
        Text("answer", "Nile €"),
        COUNTS,
        timings(prefill_s=0.781),
        End(),
    ]


def test_text_comes_with_the_read_that_completed_it() -> None:
    decoder = protocol(PROTOCOL).decoder("stream")
    reads = [sse(delta("message", piece)) for piece in ("a", "b")]
    assert [text(decoder.feed(read)) for read in reads] == ["a", "b"]


def test_a_cold_load_is_told_as_soon_as_it_is_over(decode: Decode) -> None:
    load = sse(
        {"type": "model_load.start", **MODEL},
        {"type": "model_load.progress", **MODEL, "progress": 0.65},
        {"type": "model_load.end", **MODEL, "load_time_seconds": 12.34},
    )
    assert decode(PROTOCOL, "stream", load) == [
        Model("gpt-oss-20b"), Ping(), Ping(), Ping(), timings(load_s=12.34),
    ]  # fmt: skip
    assert decode(PROTOCOL, "stream", load + sse(END_EVENT))[-2:] == [
        timings(load_s=12.34, prefill_s=0.781), End(),
    ]  # fmt: skip
    answer = ANSWER | {"stats": STATS | {"model_load_time_seconds": 2.5}}
    assert timings(load_s=2.5, prefill_s=0.781) in decode(
        PROTOCOL, "blocking", json.dumps(answer).encode()
    )


def test_tool_calls_are_told_once_and_are_no_end(decode: Decode) -> None:
    called = {"tool": "search", "arguments": {"limit": 1}}
    item = {"type": "tool_call", **called, "output": "[]"}
    streamed = sse(
        {"type": "tool_call.start", "tool": "search"},
        {"type": "tool_call.arguments", **called},
        {"type": "tool_call.success", **called, "output": "[]"},
        {"type": "tool_call.failure", "reason": "no such tool"},
        {"type": "chat.end", "result": {"output": [item], "stats": {}}},
    )
    blocking = json.dumps({"output": [item]}).encode()
    for mode, body in zip(MODES, (streamed, blocking), strict=True):
        assert decode(PROTOCOL, mode, body) == [Text("tool", 'search{"limit":1}'), End()]


def test_an_answer_that_comes_whole_is_read_and_said_not_to_be_streamed(decode: Decode) -> None:
    bare = json.dumps(ANSWER).encode()
    for body in (sse({"type": "chat.start"}, END_EVENT), bare):
        events = decode(PROTOCOL, "stream", body)
        assert (text(events, "reasoning"), text(events)) == ("They", "Nile €")
        assert Flag("not-streamed") in events
        assert events[-1] == End()


@pytest.mark.parametrize("mode", MODES)
def test_an_empty_answer(decode: Decode, mode: Mode) -> None:
    answer: dict[str, Any] = {"output": []}
    body = sse({"type": "chat.end", "result": answer})
    given = body if mode == "stream" else json.dumps(answer).encode()
    assert decode(PROTOCOL, mode, given) == [End()]


@pytest.mark.parametrize("mode", MODES)
def test_tags_are_split_where_the_server_did_not(decode: Decode, mode: Mode) -> None:
    content = "<think>hm</think>Nile"
    pieces = [delta("message", content[i : i + 4]) for i in range(0, len(content), 4)]
    answer = {"output": [{"type": "message", "content": content}]}
    body = sse(*pieces, {"type": "chat.end", "result": answer})
    events = decode(PROTOCOL, mode, body if mode == "stream" else json.dumps(answer).encode())
    assert (text(events, "reasoning"), text(events)) == ("hm", "Nile")


def test_new_events_are_let_be(decode: Decode) -> None:
    assert decode(PROTOCOL, "stream", sse({"type": "brand.new", "content": "x"})) == []


ERROR = {
    "type": "error",
    "error": {"type": "invalid_request", "message": '"model" is required', "code": "missing"},
}


def test_an_error_in_a_stream(decode: Decode) -> None:
    # The answer as far as it went follows all the same: that is no success.
    events = decode(PROTOCOL, "stream", sse(delta("message", "Ni"), ERROR, END_EVENT))
    assert events == [Text("answer", "Ni"), Failure("model", '"model" is required')]


@pytest.mark.parametrize(
    ("kind", "code"),
    [("invalid_request", "request"), ("model_not_found", "model"), ("internal_error", "server"),
     ("unknown", "server"), ("mcp_connection_error", "server")],
)  # fmt: skip
@pytest.mark.parametrize("mode", MODES)
def test_kinds_of_error(decode: Decode, mode: Mode, kind: str, code: FaultCode) -> None:
    error = {"error": {"type": kind, "message": "m", "param": "p"}}
    body = sse({"type": "error", **error}) if mode == "stream" else json.dumps(error).encode()
    assert decode(PROTOCOL, mode, body) == [Failure(code, "m")]


@pytest.mark.parametrize(
    ("mode", "raw"),
    [("stream", b"<html>\n"), ("stream", b"data: {}\n\n"), ("stream", b"data: 5\n\n"),
     ("stream", b'data: {"choices":[]}\n\n'), ("stream", sse(delta("message", 5))),
     ("blocking", b"{}"), ("blocking", b"null"), ("blocking", STREAM),
     ("blocking", b'{"type":"chat.start"}')],
)  # fmt: skip
def test_bytes_that_are_not_the_protocol(decode: Decode, mode: Mode, raw: bytes) -> None:
    (failure,) = decode(PROTOCOL, mode, raw)
    assert isinstance(failure, Failure)
    assert failure.code == "malformed"


def test_a_stream_that_was_cut_has_no_end(decode: Decode) -> None:
    begun = sse(delta("message", "Ni"), delta("message", "<"))
    assert text(decode(PROTOCOL, "stream", begun)) == "Ni<"
    assert decode(PROTOCOL, "stream", begun)[-1] != End()
    assert Flag("unterminated") in decode(PROTOCOL, "stream", begun + STREAM[:40])
    assert decode(PROTOCOL, "blocking", json.dumps(ANSWER).encode()[:-1]) == [Flag("unterminated")]


@pytest.mark.parametrize("number", ["-5", "NaN", "1e400", '"many"', "{}"])
@pytest.mark.parametrize("name", ["input_tokens", "time_to_first_token_seconds"])
def test_a_figure_that_cannot_be_costs_no_answer(decode: Decode, name: str, number: str) -> None:
    answer = {"output": [{"type": "message", "content": "x"}], "stats": {name: "NUMBER"}}
    raw = json.dumps(answer).replace('"NUMBER"', number)
    assert decode(PROTOCOL, "blocking", raw.encode()) == [
        Text("answer", "x"), Flag("impossible-figures"), End(),
    ]  # fmt: skip


def test_a_load_time_that_cannot_be(decode: Decode) -> None:
    events = decode(PROTOCOL, "stream", sse({"type": "model_load.end", "load_time_seconds": -1}))
    assert events == [Ping(), Flag("impossible-figures")]


# --- requests ---------------------------------------------------------------------------------

FULL = Request(
    prompt="Name three rivers.",
    system="Be brief.",
    temperature=0.0,
    top_p=1.0,
    seed=7,
    max_tokens=64,
    stop=("\n\n",),
    think=False,
    params={"context_length": 4096, "stream": "perhaps"},
)


@pytest.mark.parametrize("mode", MODES)
def test_whole_requests(mode: Mode) -> None:
    speaker = protocol(PROTOCOL)
    call = speaker.call(STUDIO, FULL, mode, "k3y")
    assert (call.method, call.url) == ("POST", "http://127.0.0.1:1234/api/v1/chat")
    assert call.headers["Authorization"] == "Bearer k3y"
    assert json.loads(call.body) == {
        "model": "openai/gpt-oss-20b",
        "input": "Name three rivers.",
        "system_prompt": "Be brief.",
        "temperature": 0.0,
        "top_p": 1.0,
        "max_output_tokens": 64,
        "reasoning": "off",
        "store": False,
        "context_length": 4096,
        "stream": mode == "stream",
    }
    assert speaker.unsent(STUDIO, FULL) == ("seed", "stop")


@pytest.mark.parametrize(
    ("think", "reasoning"), [(True, "on"), (False, "off"), ("low", "low"), (None, None)]
)
def test_thinking(think: bool | str | None, reasoning: str | None) -> None:
    call = protocol(PROTOCOL).call(STUDIO, Request(prompt="x", think=think), "stream", None)
    assert json.loads(call.body).get("reasoning") == reasoning


def test_everything_can_be_sent_unless_asked_for() -> None:
    assert protocol(PROTOCOL).unsent(STUDIO, Request(prompt="x", think=True)) == ()


def test_model_lists() -> None:
    speaker = protocol(PROTOCOL)
    assert speaker.models_url(STUDIO) == "http://127.0.0.1:1234/api/v1/models"
    listed = {
        "models": [
            {"type": "llm", "key": "idle", "loaded_instances": []},
            {"type": "embedding", "key": "embed", "loaded_instances": [{"id": "e"}]},
            {"type": "llm", "key": "loaded", "loaded_instances": [{"id": "l"}]},
            {"key": "old"},
            {},
        ]
    }
    assert speaker.parse_models(json.dumps(listed).encode()) == ["loaded", "idle", "old"]
    for other in (b"", b"{}", b'{"models":null}', b'{"models":[1]}', b"[]"):
        assert speaker.parse_models(other) == []


@pytest.mark.parametrize(
    ("status", "error", "code", "words"),
    [
        (400, ERROR["error"], "model", "--model"),
        (404, {"type": "model_not_found", "message": "Model x not found"}, "model", "--model"),
        (401, {"message": "no token"}, "auth", "API key"),
        (500, {"type": "internal_error", "message": "oops"}, "server", "oops"),
        (404, "Unexpected endpoint or method.", "url", "/api/v1/chat"),
    ],
)
def test_errors_before_the_stream(status: int, error: Any, code: FaultCode, words: str) -> None:
    fault = protocol(PROTOCOL).fault(STUDIO, status, json.dumps({"error": error}).encode())
    assert (fault.code, fault.status) == (code, status)
    assert words in fault.sentence
