"""Ollama's native API, by the bytes of the reference."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from streamscope.trace import Ended, Mode, Request, ServerTimings, Target, TextKind, Tokens
from streamscope.wire.events import (
    End,
    Event,
    Failure,
    Finish,
    Flag,
    Model,
    Text,
    Timings,
    Usage,
)
from streamscope.wire.registry import protocol

MODES: tuple[Mode, ...] = ("stream", "blocking")
Decode = Callable[[str, Mode, bytes], list[Event]]

METRICS = (
    b'"done":true,"done_reason":"stop","total_duration":1894003210,"load_duration":41203987,'
    b'"prompt_eval_count":21,"prompt_eval_duration":96113000,"eval_count":83,'
    b'"eval_duration":1702551000}'
)
TIMINGS = ServerTimings(
    load_s=0.041203987,
    prefill_s=0.096113,
    decode_s=1.702551,
    total_s=1.89400321,
    decode_tokens=83,
    source="ollama",
)


def stream(thinking: bytes, answer: bytes, end: bytes) -> bytes:
    """Return the three lines of the reference, with the text as a route holds it."""
    head = b'{"model":"qwen3:4b","created_at":"2026-08-21T10:00:'
    return b"".join(
        (
            head + b'00.51234Z",' + thinking + b',"done":false}\n',
            head + b'00.53011Z",' + answer + b',"done":false}\n',
            head + b'01.90210Z",' + end + b"," + METRICS + b"\n",
        )
    )


CHAT = stream(
    b'"message":{"role":"assistant","content":"","thinking":"They"}',
    b'"message":{"role":"assistant","content":"Nile"}',
    b'"message":{"role":"assistant","content":""}',
)
GENERATE = stream(
    b'"response":"","thinking":"They"',
    b'"response":"Nile"',
    b'"response":""',
)
BLOCKING = {
    "ollama-chat": b'"message":{"role":"assistant","content":"Nile","thinking":"They"}',
    "ollama-generate": b'"response":"Nile","thinking":"They","context":[1,2,3]',
}
BASE_NS = 1_787_306_400_000_000_000
"""2026-08-21T10:00:00Z."""


def text(events: Sequence[Event], kind: TextKind = "answer") -> str:
    return "".join(e.text for e in events if isinstance(e, Text) and e.kind == kind)


def line(**members: Any) -> bytes:
    return json.dumps({"model": "m", "done": False, **members}).encode() + b"\n"


def said(content: str, **members: Any) -> bytes:
    return line(message={"role": "assistant", "content": content}, **members)


@pytest.mark.parametrize(("name", "body"), [("ollama-chat", CHAT), ("ollama-generate", GENERATE)])
def test_a_stream(decode: Decode, name: str, body: bytes) -> None:
    assert decode(name, "stream", body) == [
        Model("qwen3:4b"),
        Text("reasoning", "They", BASE_NS + 512_340_000),
        Text("answer", "Nile", BASE_NS + 530_110_000),
        Finish("stop"),
        Usage(Tokens(prompt=21, output=83)),
        Timings(TIMINGS),
        End(),
    ]


@pytest.mark.parametrize("name", list(BLOCKING))
def test_a_blocking_answer(decode: Decode, name: str) -> None:
    head = b'{"model":"qwen3:4b","created_at":"2026-08-21T10:00:01.90210Z",'
    body = head + BLOCKING[name] + b"," + METRICS
    stamp = BASE_NS + 1_902_100_000
    assert decode(name, "blocking", body) == [
        Model("qwen3:4b"),
        Text("reasoning", "They", stamp),
        Text("answer", "Nile", stamp),
        Finish("stop"),
        Usage(Tokens(prompt=21, output=83)),
        Timings(TIMINGS),
        End(),
    ]


def test_the_last_line_without_its_end(decode: Decode) -> None:
    assert decode("ollama-chat", "stream", CHAT.rstrip()) == decode("ollama-chat", "stream", CHAT)
    with_crs = CHAT.replace(b"\n", b"\r\n\r\n")
    assert decode("ollama-chat", "stream", with_crs) == decode("ollama-chat", "stream", CHAT)


def test_text_in_the_done_line_counts(decode: Decode) -> None:
    body = said("Ni") + said("le", done=True, done_reason="length")
    events = decode("ollama-chat", "stream", body)
    assert text(events) == "Nile"
    assert events[-2:] == [Finish("length"), End()]


def test_cached_tokens_tell_what_was_evaluated(decode: Decode) -> None:
    body = said(
        "x",
        done=True,
        prompt_eval_count=21,
        prompt_eval_cached_count=16,
        prompt_eval_duration=56_000_000,
        eval_count=2,
        eval_duration=1,
        total_duration=60_000_000,
    )
    events = decode("ollama-chat", "stream", body)
    assert Usage(Tokens(prompt=21, output=2, cached=16)) in events
    (timings,) = [event.server for event in events if isinstance(event, Timings)]
    assert timings.prefill_tokens == 5
    assert timings.prefill_s == 0.056


@pytest.mark.parametrize(
    ("reason", "expected"),
    [("stop", [Finish("stop")]), ("length", [Finish("length")]), (None, []),
     ("load", [Finish("stop"), Flag("load")]), ("unload", [Finish("stop"), Flag("unload")])],
)  # fmt: skip
def test_reasons(decode: Decode, reason: Ended | None, expected: list[Event]) -> None:
    body = line(response="", done=True, **({"done_reason": reason} if reason else {}))
    streamed, blocking = (decode("ollama-generate", mode, body) for mode in MODES)
    assert streamed == blocking == [Model("m"), *expected, End()]


def test_lines_without_text_are_no_text(decode: Decode) -> None:
    body = said("") + line(message={"role": "assistant"}) + line(response=None, thinking="")
    assert decode("ollama-chat", "stream", body) == [Model("m")]


@pytest.mark.parametrize("mode", ["stream", "blocking"])
def test_an_aborted_generation_has_no_end(decode: Decode, mode: Mode) -> None:
    # Over 30 equal pieces: status 200, and ``done`` stays false.
    assert decode("ollama-chat", mode, said(" ha ha")) == [Model("m"), Text("answer", " ha ha")]


def test_tool_calls(decode: Decode) -> None:
    call = {"function": {"name": "weather", "arguments": {"city": "Oslo"}}}
    body = line(message={"content": "", "tool_calls": [call]}) + said(
        "", done=True, done_reason="stop"
    )
    events = decode("ollama-chat", "stream", body)
    assert text(events, "tool") == 'weather{"city":"Oslo"}'
    assert Finish("tool") in events


@pytest.mark.parametrize("mode", ["stream", "blocking"])
def test_tags_are_split_where_the_server_did_not(decode: Decode, mode: Mode) -> None:
    pieces = (
        ["<th", "ink>hm</", "think>", "Nile"] if mode == "stream" else ["<think>hm</think>Nile"]
    )
    lines = [said(piece, done=piece == pieces[-1]) for piece in pieces]
    events = decode("ollama-chat", mode, b"".join(lines))
    assert (text(events, "reasoning"), text(events)) == ("hm", "Nile")


def test_what_was_held_back_is_never_lost(decode: Decode) -> None:
    for ending in (b"", line(response="", done=True), line(error="boom")):
        assert text(decode("ollama-generate", "stream", line(response="<th") + ending)) == "<th"


@pytest.mark.parametrize("mode", ["stream", "blocking"])
def test_lone_surrogates_do_not_end_a_run(decode: Decode, mode: Mode) -> None:
    body = rb'{"response":"a\ud83d","done":true}'
    assert text(decode("ollama-generate", mode, body)) == "a\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        (b'{"error":"an error was encountered while running the model"}',
         Failure("server", "an error was encountered while running the model")),
        (b'{"error":"prediction aborted, token repeat limit reached"}',
         Failure("server", "prediction aborted, token repeat limit reached")),
        (b'{"error":{"message":"boom","code":503,"type":"overloaded"}}',
         Failure("server", "boom")),
    ],
)  # fmt: skip
def test_an_error_line(decode: Decode, body: bytes, failure: Failure) -> None:
    events = decode("ollama-chat", "stream", said("x") + body + b"\n" + CHAT)
    assert events == [Model("m"), Text("answer", "x"), failure]
    assert decode("ollama-chat", "blocking", body) == [failure]


@pytest.mark.parametrize(
    ("mode", "body"),
    [("stream", b"<html>\n"), ("stream", b"Ollama is running"), ("stream", b"[1]\n"),
     ("stream", b'{"status":"ok"}\n'), ("stream", b'{"message":{"content":5}}\n'),
     ("stream", b"data: {}\n\n"),
     ("blocking", b"{}"), ("blocking", CHAT), ("blocking", b"null")],
)  # fmt: skip
def test_bytes_that_are_not_the_protocol(decode: Decode, mode: Mode, body: bytes) -> None:
    (failure,) = decode("ollama-chat", mode, body)
    assert isinstance(failure, Failure)
    assert failure.code == "malformed"


def test_a_line_that_the_end_cut_is_no_complaint_about_its_form(decode: Decode) -> None:
    events = decode("ollama-chat", "stream", said("x") + CHAT[:50])
    assert events == [Model("m"), Text("answer", "x"), Flag("unterminated")]


FULL = Request(
    prompt="Name three rivers.",
    system="Be brief.",
    temperature=0.0,
    top_p=1.0,
    seed=7,
    max_tokens=64,
    stop=("\n\n",),
    think=False,
    params={"keep_alive": "5m", "options.num_ctx": 4096},
)
OPTIONS = {
    "temperature": 0.0,
    "top_p": 1.0,
    "seed": 7,
    "num_predict": 64,
    "stop": ["\n\n"],
    "num_ctx": 4096,
}


@pytest.mark.parametrize("mode", ["stream", "blocking"])
def test_whole_requests(ollama: Target, mode: Mode) -> None:
    common = {
        "model": "qwen3:4b",
        "think": False,
        "keep_alive": "5m",
        "options": OPTIONS,
        "stream": mode == "stream",
    }
    generate = protocol("ollama-generate").call(ollama, FULL, mode, None)
    assert generate.url == "http://127.0.0.1:11434/api/generate"
    assert json.loads(generate.body) == common | {
        "prompt": "Name three rivers.",
        "system": "Be brief.",
    }
    chat = protocol("ollama-chat").call(ollama, FULL, mode, "k3y")
    assert chat.url == "http://127.0.0.1:11434/api/chat"
    assert chat.headers["Authorization"] == "Bearer k3y"
    assert json.loads(chat.body) == common | {
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Name three rivers."},
        ]
    }


@pytest.mark.parametrize("name", ["ollama-chat", "ollama-generate"])
def test_stream_is_sent_both_ways_and_cannot_be_overruled(ollama: Target, name: str) -> None:
    request = Request(prompt="x", think="low", params={"stream": "perhaps"})
    for mode in MODES:
        body = json.loads(protocol(name).call(ollama, request, mode, None).body)
        assert body["stream"] is (mode == "stream")
        assert body["think"] == "low"
        assert "options" not in body


def test_model_lists(ollama: Target) -> None:
    speaker = protocol("ollama-chat")
    assert speaker.models_url(ollama) == "http://127.0.0.1:11434/api/tags"
    tags = b'{"models":[{"name":"qwen3:4b","model":"qwen3:4b","size":1},{"model":"x"},{"name":""}]}'
    assert speaker.parse_models(tags) == ["qwen3:4b", "x"]
    for other in (b"", b"Ollama is running", b'{"models":null}', b'{"models":[1]}', b"[]"):
        assert speaker.parse_models(other) == []


@pytest.mark.parametrize(
    "number",
    [b"-5", b"1e18", b"1e400", b"NaN", b"-Infinity", b'"many"', b"true", b"9" * 5000, b"{}"],
)
@pytest.mark.parametrize("name", ["total_duration", "eval_duration", "eval_count"])
def test_a_figure_that_cannot_be_costs_no_answer(decode: Decode, name: str, number: bytes) -> None:
    last = b'{"response":"x","done":true,"done_reason":"stop","load_duration":5,"%s":%s}\n'
    events = decode("ollama-generate", "stream", last % (name.encode(), number))
    assert events[0] == Text("answer", "x")
    assert events[-2:] == [Flag("impossible-figures"), End()]
    assert all(each == Tokens() for each in (e.tokens for e in events if isinstance(e, Usage)))
    assert not [event for event in events if isinstance(event, Timings)]


def test_figures_that_can_be_are_not_told_of(decode: Decode) -> None:
    last = b'{"response":"\\"eval_count\\": NaN","done":true,"eval_count":2,"load_duration":0}\n'
    assert Flag("impossible-figures") not in decode("ollama-generate", "stream", last)
