"""The tutorial's endpoint, with every variation that the reference knows."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from streamscope.trace import Mode, TextKind, Tokens
from streamscope.wire.events import End, Event, Failure, Finish, Flag, Model, Ping, Text, Usage
from streamscope.wire.registry import protocol
from streamscope.wire.tokens import PIECES, WHOLES

Decode = Callable[[str, Mode, bytes], list[Event]]

PROTOCOL = "token-sse"
NO_MARK = (Finish("stop"), Flag("unmarked"))
"""What a clean end without any mark is: the answer may be whole, and nobody can tell."""


def text(events: Sequence[Event], kind: TextKind = "answer") -> str:
    return "".join(e.text for e in events if isinstance(e, Text) and e.kind == kind)


def sse(*payloads: Any, end: str = "\n\n") -> bytes:
    texts = [p if isinstance(p, str) else json.dumps(p, ensure_ascii=False) for p in payloads]
    return "".join(f"data: {text}{end}" for text in texts).encode()


NILE = [Text("answer", "Nile"), Text("answer", " and €")]
STREAM = sse({"token": "Nile"}, {"token": " and €"}, "[DONE]")


def test_a_stream(decode_split: Decode) -> None:
    assert decode_split(PROTOCOL, "stream", STREAM) == [*NILE, End()]


def test_get_is_read_as_post_is(decode: Decode) -> None:
    assert decode("token-sse-get", "stream", STREAM) == [*NILE, End()]


def test_text_comes_with_the_read_that_completed_it() -> None:
    decoder = protocol(PROTOCOL).decoder("stream")
    reads = [sse({"token": "a"}), sse({"token": "b"}), sse("[DONE]")]
    assert [text(decoder.feed(read)) for read in reads] == ["a", "b", ""]


# --- payloads ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in PIECES if name != "choices"])
def test_names_of_the_text(decode: Decode, name: str) -> None:
    body = sse({"id": 1, name: "Nile"}, {"id": 2, name: " and €"}, "[DONE]")
    assert decode(PROTOCOL, "stream", body) == [*NILE, End()]


@pytest.mark.parametrize(
    "payload",
    [
        {"token": None, "text": "Nile"},
        {"token": 1234, "text": "Nile"},
        {"token": "", "text": "Nile"},
        {"token": {"id": 7, "text": "Nile", "special": False}, "generated_text": None},
        {"delta": {"content": "Nile"}},
        {"message": {"role": "assistant", "content": "Nile"}},
        {"event": "token", "data": {"token": "Nile"}},
        {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "Nile"}},
        {"choices": [{"delta": {"content": "Nile"}}, {"delta": {"content": "other"}}]},
        {"content": [{"type": "text", "text": "Ni"}, {"type": "text", "text": "le"}]},
        [{"token": "Nile"}],
    ],
)
def test_shapes_of_the_text(decode: Decode, payload: Any) -> None:
    assert text(decode(PROTOCOL, "stream", sse(payload, "[DONE]"))) == "Nile"


def test_strings_of_json(decode_split: Decode) -> None:
    # As FastAPI's own event streams have them.
    body = sse('"Nile"', '" and €"', '"\\n"', '"[DONE]"')
    assert decode_split(PROTOCOL, "stream", body) == [*NILE, Text("answer", "\n"), End()]


def test_bare_text_keeps_its_spaces(decode_split: Decode) -> None:
    body = sse(
        "Nile", " and €", ":", " ", "1", "null", "{", '"', "a\ndata: b", "\ndata: ", "[DONE]"
    )
    expected = ["Nile", " and €", ":", " ", "1", "null", "{", '"', "a\nb", "\n"]
    events = decode_split(PROTOCOL, "stream", body)
    assert events == [*(Text("answer", piece) for piece in expected), End()]


def test_bare_text_that_begins_like_json(decode: Decode) -> None:
    assert text(decode(PROTOCOL, "stream", sse(" ", "{", '"a"', ":1}", "[DONE]"))) == ' {"a":1}'
    # Objects mean something all the same: a token is never a whole one.
    events = decode(PROTOCOL, "stream", sse("Nile", {"done": True}))
    assert events == [Text("answer", "Nile"), End()]


@pytest.mark.parametrize("kind", ["token", "chunk", "update", "message"])
def test_the_name_of_an_event_does_not_matter(decode: Decode, kind: str) -> None:
    body = f"event: {kind}\n".encode() + sse({"token": "Nile"}) + sse("[DONE]")
    assert decode(PROTOCOL, "stream", body) == [NILE[0], End()]
    typed = sse({"type": kind, "content": "Nile"}, "[DONE]")
    assert decode(PROTOCOL, "stream", typed) == [NILE[0], End()]


@pytest.mark.parametrize(
    "kind", ["start", "status", "metadata", "progress", "connected", "usage", "info"]
)
def test_notices_are_no_text(decode: Decode, kind: str) -> None:
    notice = {"message": "Generation started"}
    for body in (
        f"event: {kind}\n".encode() + sse(notice),
        f"event: {kind}\n".encode() + sse("Generation started"),
        sse({"type": kind, **notice}),
    ):
        assert decode(PROTOCOL, "stream", body + STREAM) == [*NILE, End()]


@pytest.mark.parametrize(
    "sign",
    [b": ping - 2026-08-21 10:00:00\r\n\r\n", b": ping\n\n", b":\n\n", sse({"type": "heartbeat"}),
     b"event: ping\ndata: now\n\n", b"event: ping\ndata: {}\n\n"],
)  # fmt: skip
def test_signs_of_life(decode: Decode, sign: bytes) -> None:
    assert decode(PROTOCOL, "stream", sign + STREAM) == [Ping(), *NILE, End()]


def test_framing_of_all_libraries(decode_split: Decode) -> None:
    crlf = STREAM.replace(b"\n", b"\r\n")
    single = sse({"token": "Nile"}, {"token": " and €"}, "[DONE]", end="\n")
    no_space = STREAM.replace(b"data: ", b"data:")
    assert decode_split(PROTOCOL, "stream", crlf) == [*NILE, End()]
    assert decode_split(PROTOCOL, "stream", no_space) == [*NILE, End()]
    assert [e for e in decode_split(PROTOCOL, "stream", single) if not isinstance(e, Flag)] == [
        *NILE,
        End(),
    ]


def test_lines_of_json_in_place_of_events(decode_split: Decode) -> None:
    body = b'{"token":"Nile"}\n{"token":" and \xe2\x82\xac"}\n{"done":true}\n'
    assert decode_split(PROTOCOL, "stream", body) == [*NILE, End()]
    assert decode_split(PROTOCOL, "stream", body.replace(b'{"done":true}\n', b"")) == [
        *NILE,
        *NO_MARK,
    ]


def test_thinking(decode: Decode) -> None:
    for body in (
        sse({"thinking": "hm"}, {"token": "Nile"}, "[DONE]"),
        sse({"reasoning_content": "hm", "content": ""}, {"content": "Nile"}, "[DONE]"),
        sse({"type": "thinking", "content": "hm"}, {"type": "text", "content": "Nile"}, "[DONE]"),
        b"event: thinking\ndata: hm\n\nevent: token\ndata: Nile\n\ndata: [DONE]\n\n",
        sse({"token": "<th"}, {"token": "ink>hm</think>Nile"}, "[DONE]"),
        sse("<think>", "hm", "</think>", "Nile", "[DONE]"),
    ):
        events = decode(PROTOCOL, "stream", body)
        assert (text(events, "reasoning"), text(events)) == ("hm", "Nile")
        assert events[-1] == End()


def test_figures_beside_the_text(decode: Decode) -> None:
    expected = Usage(Tokens(prompt=9, output=5))
    for figures in (
        {"prompt_tokens": 9, "completion_tokens": 5, "elapsed": 1.5},
        {"usage": {"input_tokens": 9, "output_tokens": 5}},
        {"prompt_eval_count": 9, "eval_count": 5, "done_reason": "length"},
    ):
        body = sse({"token": "Nile", "model": "m"}, {"done": True, **figures})
        events = decode(PROTOCOL, "stream", body)
        assert events[:2] == [Model("m"), NILE[0]]
        assert expected in events
        assert (Finish("length") in events) is ("done_reason" in figures)
        assert events[-1] == End()


@pytest.mark.parametrize("number", ["-5", "NaN", "1e400", '"many"'])
def test_a_figure_that_cannot_be_costs_no_answer(decode: Decode, number: str) -> None:
    raw = json.dumps({"token": "x", "prompt_tokens": "N"}).replace('"N"', number)
    events = decode(PROTOCOL, "stream", sse(raw, "[DONE]"))
    assert events == [Text("answer", "x"), Flag("impossible-figures"), End()]


# --- ends -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "end",
    [
        sse("[DONE]"),
        sse(" [DONE] "),
        sse("[END]"),
        sse({"done": True}),
        sse({"token": "", "done": True}),
        sse({"is_finished": True}),
        sse({"type": "done"}),
        sse({"event": "stream_end"}),
        b"event: done\n\n",
        b"event: end\ndata:\n\n",
        b"event: done\ndata: {}\n\n",
        b"event: done\ndata: [DONE]\n\n",
        b"event: complete\ndata: Stream complete\n\n",
        b'event: end\ndata: "bye"\n\n',
        sse("DONE"),
        sse("done"),
        # What ends may say all of it once more.
        sse({"done": True, "text": "Nile and €"}),
        b"event: done\n" + sse({"response": "Nile and €"}),
    ],
)
def test_ends(decode: Decode, end: bytes) -> None:
    begun = sse({"token": "Nile"}, {"token": " and €"})
    assert decode(PROTOCOL, "stream", begun + end + sse({"token": "late"})) == [*NILE, End()]


def test_text_in_the_last_event_counts(decode: Decode) -> None:
    body = sse({"token": "Nile"}, {"token": " and €", "done": True})
    assert decode(PROTOCOL, "stream", body) == [*NILE, End()]


def test_the_end_of_the_bytes_is_an_end_too(decode_split: Decode) -> None:
    body = sse({"token": "Nile"}, {"token": " and €"})
    assert decode_split(PROTOCOL, "stream", body) == [*NILE, *NO_MARK]
    limit = sse({"token": "Nile", "finish_reason": "length"})
    assert decode_split(PROTOCOL, "stream", limit) == [NILE[0], Finish("length")]


@pytest.mark.parametrize(
    "more",
    [
        {"done": False},
        {"is_final": False},
        {"finish_reason": None},
        {"choices": [{"finish_reason": None}]},
        {"event": "text_stream"},
    ],
)
def test_who_speaks_of_the_end_must_say_it(decode: Decode, more: dict[str, Any]) -> None:
    # Without the end that these pieces promise, the answer was cut: no end is made up for it.
    body = sse({"token": "Nile", **more}, {"token": " and €", **more})
    assert decode(PROTOCOL, "stream", body) == NILE
    assert decode(PROTOCOL, "blocking", body)[-1] == Text("answer", "Nile and €")
    assert decode(PROTOCOL, "stream", body + sse({"done": True})) == [*NILE, End()]


def test_an_empty_body_is_no_end(decode: Decode) -> None:
    assert decode(PROTOCOL, "stream", b"") == []
    assert decode(PROTOCOL, "blocking", b"") == []


def test_an_event_that_the_end_cut(decode: Decode) -> None:
    events = decode(PROTOCOL, "stream", sse({"token": "Nile"}) + b'data: {"tok')
    assert events == [NILE[0], Flag("unterminated")]
    # Where text is bare, nobody can tell; the blank line that is missing is told.
    events = decode(PROTOCOL, "stream", b"data: Nile\n\ndata:  an")
    assert events == [NILE[0], Flag("unterminated"), Text("answer", " an"), *NO_MARK]
    assert decode(PROTOCOL, "blocking", b'{"text": "Ni') == [Flag("unterminated")]


# --- errors -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [
        sse({"error": "boom"}),
        sse({"error": {"message": "boom", "code": 500}}),
        sse({"token": "", "error": "boom"}),
        sse({"type": "error", "message": "boom"}),
        sse({"event": "error", "data": "boom"}),
        b"event: error\ndata: boom\n\n",
        b'event: error\ndata: "boom"\n\n',
        b'event: error\ndata: {"detail": "boom"}\n\n',
        b'{"error": "boom"}\n',
    ],
)
@pytest.mark.parametrize("form", ["json", "bare", "first"])
def test_an_error_in_a_stream(decode: Decode, error: bytes, form: str) -> None:
    begun = {"json": sse({"token": "Nile"}), "bare": sse("Nile"), "first": b""}[form]
    events = decode(PROTOCOL, "stream", begun + error + sse("[DONE]"))
    assert events == [*NILE[: 1 if begun else 0], Failure("server", "boom")]


def test_an_error_without_words(decode: Decode) -> None:
    (failure,) = decode(PROTOCOL, "stream", sse({"type": "error", "n": 5}))
    assert failure == Failure("server", '{"type":"error","n":5}')


@pytest.mark.parametrize(
    ("mode", "body", "words"),
    [("stream", b"<html>\n", "html"), ("stream", b"Ollama is running", "Ollama"),
     ("stream", sse({"tok": "Nile"}, {"tok": " and"}, "[DONE]"), '{"tok": "Nile"}'),
     ("stream", sse({"status": "ok"}), '{"status": "ok"}'),
     ("stream", b'data: {"token": "Nile\n\n', "no JSON"),
     ("blocking", b"{}", "no text"), ("blocking", b"null", "null"), ("blocking", b"5", "5"),
     ("blocking", b"<html></html>", "html"), ("blocking", b"Ollama is running", "Ollama"),
     ("blocking", b'{"status":"ok"}', "ok"), ("blocking", b'["a", 5]', "a")],
)  # fmt: skip
def test_bytes_that_are_not_the_protocol(
    decode: Decode, mode: Mode, body: bytes, words: str
) -> None:
    (failure,) = decode(PROTOCOL, mode, body)
    assert isinstance(failure, Failure)
    assert failure.code == "malformed"
    assert words in failure.detail


def test_what_is_no_json_among_json(decode: Decode) -> None:
    events = decode(PROTOCOL, "stream", sse({"token": "Nile"}, " ", "Traceback: boom"))
    assert events == [NILE[0], Failure("malformed", "no JSON: Traceback: boom")]


def test_what_was_held_back_is_never_lost(decode: Decode) -> None:
    for ending in (b"", sse("[DONE]"), sse({"done": True}), sse({"error": "x"}), sse("rubbish")):
        assert text(decode(PROTOCOL, "stream", sse({"token": "<th"}) + ending)) == "<th"


# --- whole answers ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in WHOLES if name != "choices"])
def test_names_of_a_whole_answer(decode: Decode, name: str) -> None:
    body = json.dumps({"id": 1, name: "Nile"}).encode()
    assert decode(PROTOCOL, "blocking", body) == [NILE[0], End()]


@pytest.mark.parametrize(
    "answer",
    [
        "Nile",
        [{"generated_text": "Nile"}],
        {"output": ["Ni", "le"]},
        {"result": {"text": "Nile"}},
        {"choices": [{"text": "Nile"}]},
        {"choices": [{"message": {"role": "assistant", "content": "Nile"}}]},
        {"text": "Nile", "done": True},
        {"status": "ok", "error": None, "response": "Nile"},
    ],
)
def test_shapes_of_a_whole_answer(decode_split: Decode, answer: Any) -> None:
    body = json.dumps(answer).encode()
    assert decode_split(PROTOCOL, "blocking", body) == [NILE[0], End()]


def test_a_whole_answer_of_openai_s_completions(decode: Decode) -> None:
    # The twin of the usual route speaks it.
    answer = {
        "model": "m",
        "choices": [{"text": "<think>hm</think>Nile", "finish_reason": "length"}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 5},
    }
    assert decode(PROTOCOL, "blocking", json.dumps(answer).encode()) == [
        Model("m"),
        Text("reasoning", "hm"),
        Text("answer", "Nile"),
        Usage(Tokens(prompt=9, output=5)),
        Finish("length"),
        End(),
    ]


def test_an_empty_whole_answer(decode: Decode) -> None:
    for body in (b'""', b'{"text": ""}', b'{"text": null}'):
        assert decode(PROTOCOL, "blocking", body) == [End()]


def test_an_error_in_place_of_an_answer(decode: Decode) -> None:
    for body in (b'{"error": "boom"}', b'{"detail": "boom"}'):
        assert decode(PROTOCOL, "blocking", body) == [Failure("server", "boom")]


@pytest.mark.parametrize(
    "body",
    [
        STREAM,
        b": ping\n\n" + STREAM,
        b"event: token\n" + STREAM,
        sse("Nile", " and €", "[DONE]"),
        b'{"token":"Nile"}\n{"token":" and \xe2\x82\xac"}\n{"done":true}\n',
    ],
)
def test_a_stream_in_place_of_a_whole_answer_is_read_to_its_end(
    decode: Decode, body: bytes
) -> None:
    events = [e for e in decode(PROTOCOL, "blocking", body) if not isinstance(e, Ping)]
    assert events == [Flag("streamed"), Text("answer", "Nile and €"), End()]
    decoder = protocol(PROTOCOL).decoder("blocking")
    assert decoder.feed(body) == []
