"""llama.cpp's own route: what a real server sent, and what the reference says that it may send."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from streamscope.trace import (
    Ended,
    FaultCode,
    Mode,
    Request,
    ServerTimings,
    Target,
    TextKind,
    Tokens,
)
from streamscope.wire.events import (
    End,
    Event,
    Failure,
    Finish,
    Flag,
    Model,
    Ping,
    Text,
    Timings,
    Usage,
)
from streamscope.wire.registry import protocol

Load = Callable[[str], tuple[int, Mode, bytes]]
Decode = Callable[[str, Mode, bytes], list[Event]]

PROTOCOL = "llamacpp-completion"
MODES: tuple[Mode, ...] = ("stream", "blocking")


def text(events: Sequence[Event], kind: TextKind = "answer") -> str:
    return "".join(e.text for e in events if isinstance(e, Text) and e.kind == kind)


def said(content: str = "", **members: Any) -> dict[str, Any]:
    return {"index": 0, "content": content, "tokens": [1], "stop": False, **members}


def last(content: Any = "", **members: Any) -> dict[str, Any]:
    return said(content, **{"stop": True, "stop_type": "eos", "model": "m", **members})


def sse(*payloads: Any) -> bytes:
    return "".join(f"data: {json.dumps(each)}\n\n" for each in payloads).encode()


# --- recorded ---------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_recorded_answers(load: Load, decode: Decode, mode: Mode) -> None:
    prefill_s, decode_s = (8.758, 38.138) if mode == "stream" else (12.246, 50.436)
    status, recorded, body = load(f"llamacpp/native_completion_{mode}")
    assert (status, recorded) == (200, mode)
    answer = decode(PROTOCOL, mode, body)
    assert text(answer) == " Paris.\n\nThe United"
    assert [event for event in answer if not isinstance(event, Text)] == [
        Model("smollm2-135m"),
        Finish("length"),
        Usage(Tokens(prompt=5, output=6, cached=4)),
        Timings(
            ServerTimings(
                prefill_s=prefill_s / 1000,
                decode_s=decode_s / 1000,
                prefill_tokens=1,
                decode_tokens=6,
                source="llama.cpp",
            )
        ),
        End(),
    ]


def test_one_event_is_one_token(load: Load, decode: Decode) -> None:
    answer = decode(PROTOCOL, "stream", load("llamacpp/native_completion_stream")[2])
    assert len([event for event in answer if isinstance(event, Text)]) == 6


def test_a_stream_that_was_cut_leaves_text_without_an_end(load: Load, decode: Decode) -> None:
    body = load("llamacpp/native_completion_stream")[2]
    assert decode(PROTOCOL, "stream", body[:400]) == [
        Text("answer", " Paris"), Text("answer", "."), Text("answer", "\n"), Flag("unterminated"),
    ]  # fmt: skip
    blocking = load("llamacpp/native_completion_blocking")[2].strip()
    assert decode(PROTOCOL, "blocking", blocking[:-20]) == [Flag("unterminated")]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("llamacpp/503_loading", "loading"),
        ("llamacpp/apikey_nokey", "auth"),
        ("llamacpp/err_too_long_stream", "request"),
        ("llamacpp/err_404", "url"),
    ],
)
def test_recorded_refusals(load: Load, target: Target, name: str, code: FaultCode) -> None:
    status, _, body = load(name)
    fault = protocol(PROTOCOL).fault(target, status, body)
    assert (fault.code, fault.status) == (code, status)
    assert ("8000/completion " in fault.sentence) is (code == "url")


# --- by the reference -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "ended"),
    [("eos", "stop"), ("word", "stop"), ("limit", "length"), ("none", "stop"), ("new", "stop")],
)
def test_reasons(decode: Decode, reason: str, ended: Ended) -> None:
    streamed = decode(PROTOCOL, "stream", sse(said("x"), last(stop_type=reason)))
    blocking = decode(PROTOCOL, "blocking", json.dumps(last("x", stop_type=reason)).encode())
    assert [e for e in streamed if isinstance(e, Finish)] == [Finish(ended)]
    assert [e for e in blocking if isinstance(e, Finish)] == [Finish(ended)]


def test_an_end_without_a_reason_is_an_end(decode: Decode) -> None:
    answer = decode(PROTOCOL, "stream", sse(said("<th"), {"content": "", "stop": True}))
    assert answer == [Text("answer", "<th"), End()]


@pytest.mark.parametrize("mode", MODES)
def test_tags_are_split_because_no_server_does_it_here(decode: Decode, mode: Mode) -> None:
    pieces = ["<thi", "nk>h", "m</", "think>", "Ni", "le"]
    whole = json.dumps(last("".join(pieces))).encode()
    body = sse(*map(said, pieces), last()) if mode == "stream" else whole
    answer = decode(PROTOCOL, mode, body)
    assert (text(answer, "reasoning"), text(answer)) == ("hm", "Nile")


@pytest.mark.parametrize("ending", [b"", b'data: {"error":{"message":"x"}}\n\n', sse(last())])
def test_what_was_held_back_is_never_lost(decode: Decode, ending: bytes) -> None:
    assert text(decode(PROTOCOL, "stream", sse(said("<thin")) + ending)) == "<thin"


def test_events_without_text(decode: Decode) -> None:
    body = b":\n\n" + sse(
        said(prompt_progress={"total": 9, "cache": 0, "processed": 3, "time_ms": 4}),
        said("another", index=1),
        said("\n"),
        last(index=1),
        last(),
    )
    assert decode(PROTOCOL, "stream", body) == [
        Ping(), Text("answer", "\n"), Model("m"), Finish("stop"), End(),
    ]  # fmt: skip


def test_counts_without_timings(decode: Decode) -> None:
    answer = decode(
        PROTOCOL, "stream", sse(said("x"), last(tokens_evaluated=9, tokens_predicted=2))
    )
    assert Usage(Tokens(prompt=9, output=2)) in answer


@pytest.mark.parametrize("number", [-5, 1e18, float("nan"), "x", True])
@pytest.mark.parametrize("where", ["tokens_predicted", "timings"])
def test_a_figure_that_cannot_be_is_left_out_and_told(
    decode: Decode, where: str, number: Any
) -> None:
    extra: dict[str, Any] = {where: {"predicted_ms": number} if where == "timings" else number}
    answer = decode(PROTOCOL, "stream", sse(said("x"), last(**extra)))
    assert answer[-3:] == [Finish("stop"), Flag("impossible-figures"), End()]


def test_a_whole_answer_to_a_stream_request_is_flagged(load: Load, decode: Decode) -> None:
    answer = decode(PROTOCOL, "stream", load("llamacpp/native_completion_blocking")[2])
    assert answer[-2:] == [Flag("not-streamed"), End()]


def test_text_in_the_last_event_counts_and_is_no_whole_answer(decode: Decode) -> None:
    assert decode(PROTOCOL, "stream", sse(said("Ni"), last("le"))) == [
        Text("answer", "Ni"), Model("m"), Text("answer", "le"), Finish("stop"), End(),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "code", "detail"),
    [
        (sse({"error": {"code": 500, "message": "boom", "type": "server_error"}}),
         "server", "boom"),
        (b'error: {"code":503,"message":"Loading model","type":"unavailable_error"}\n\n',
         "loading", "Loading model"),
        (b"event: error\ndata: boom\n\n", "server", "boom"),
    ],
)  # fmt: skip
def test_errors_in_a_stream(decode: Decode, body: bytes, code: FaultCode, detail: str) -> None:
    answer = decode(PROTOCOL, "stream", sse(said("x")) + body + sse(last()))
    assert answer == [Text("answer", "x"), Failure(code, detail)]


@pytest.mark.parametrize(
    ("mode", "body", "words"),
    [
        ("stream", b"<html>\n", "<html>"),
        ("stream", b'data: {"choices":[]}\n\n', "neither text nor an end"),
        ("stream", b'data: {"content":5}\n\n', "content"),
        ("blocking", b"{}", "neither text nor an end"),
        ("blocking", b"null", "Expected `object`"),
    ],
)
def test_bytes_that_are_not_the_protocol(
    decode: Decode, mode: Mode, body: bytes, words: str
) -> None:
    (failure,) = decode(PROTOCOL, mode, body)
    assert isinstance(failure, Failure)
    assert failure.code == "malformed"
    assert words in failure.detail


# --- requests ---------------------------------------------------------------------------------

FULL = Request(
    prompt="Name three rivers.",
    system="Be brief.",
    temperature=0.0,
    top_p=1.0,
    seed=7,
    max_tokens=64,
    stop=("\n\n",),
    think="low",
    params={"cache_prompt": False, "stream": "perhaps"},
)


@pytest.mark.parametrize("mode", MODES)
def test_the_whole_request(target: Target, mode: Mode) -> None:
    call = protocol(PROTOCOL).call(target, FULL, mode, "k3y")
    assert call.headers["Authorization"] == "Bearer k3y"
    assert json.loads(call.body) == {
        "model": "m",
        "prompt": "Name three rivers.",
        "n_predict": 64,
        "temperature": 0.0,
        "top_p": 1.0,
        "seed": 7,
        "stop": ["\n\n"],
        "cache_prompt": False,
        "stream": mode == "stream",
    }


def test_what_cannot_be_sent_is_told(target: Target) -> None:
    assert protocol(PROTOCOL).unsent(target, FULL) == ("system", "think")
    assert protocol(PROTOCOL).unsent(target, Request(prompt="x", seed=7)) == ()


@pytest.mark.parametrize(
    "base", ["", "/", "/v1", "/v1/", "/completion", "/v1/completions", "/v1/chat/completions"]
)
def test_the_route_stands_beside_the_version(base: str) -> None:
    target = Target(protocol=PROTOCOL, url=f"http://h:8080/api{base}")
    speaker = protocol(PROTOCOL)
    call = speaker.call(target, Request(prompt="x"), "stream", None)
    assert call.url == "http://h:8080/api/completion"
    assert speaker.models_url(target) == "http://h:8080/api/v1/models"
