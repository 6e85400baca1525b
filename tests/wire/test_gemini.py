"""Gemini, by the bytes of the reference."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from streamscope.trace import Ended, FaultCode, Mode, Request, Target, TextKind, Tokens
from streamscope.wire.events import End, Event, Failure, Finish, Flag, Model, Ping, Text, Usage
from streamscope.wire.registry import protocol

Decode = Callable[[str, Mode, bytes], list[Event]]

PROTOCOL = "gemini"
GEMINI = Target(
    protocol=PROTOCOL, url="https://generativelanguage.googleapis.com", model="gemini-2.5-flash"
)
MODES: tuple[Mode, ...] = ("stream", "blocking")


def text(events: Sequence[Event], kind: TextKind = "answer") -> str:
    return "".join(e.text for e in events if isinstance(e, Text) and e.kind == kind)


def sse(*payloads: Any) -> bytes:
    texts = [p if isinstance(p, str) else json.dumps(p, ensure_ascii=False) for p in payloads]
    return "".join(f"data: {text}\r\n\r\n" for text in texts).encode()


def chunk(*parts: Any, finish: str | None = None, **members: Any) -> dict[str, Any]:
    """Return a chunk; a part that is a string is text."""
    shaped = [{"text": part} if isinstance(part, str) else part for part in parts]
    candidate = {"content": {"parts": shaped, "role": "model"}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], **members}


def body(mode: Mode, value: dict[str, Any]) -> bytes:
    return sse(value) if mode == "stream" else json.dumps(value).encode()


THOUGHT = {"text": "They", "thought": True}
COUNTS = {
    "promptTokenCount": 9,
    "candidatesTokenCount": 5,
    "thoughtsTokenCount": 3,
    "cachedContentTokenCount": 4,
    "totalTokenCount": 17,
}
STREAM = sse(
    chunk(
        THOUGHT,
        usageMetadata={"promptTokenCount": 9, "totalTokenCount": 9},
        modelVersion="gemini-x",
        responseId="r1",
    ),
    chunk("Ni", modelVersion="gemini-x"),
    chunk("le €", finish="STOP", usageMetadata=COUNTS, modelVersion="gemini-x"),
)


def test_a_stream(decode_split: Decode) -> None:
    assert decode_split(PROTOCOL, "stream", STREAM) == [
        Model("gemini-x"),
        Text("reasoning", "They"),
        Usage(Tokens(prompt=9)),
        Text("answer", "Ni"),
        Text("answer", "le €"),
        Finish("stop"),
        # The counts of the candidates leave the thoughts out; those of a run have them in.
        Usage(Tokens(prompt=9, output=8, reasoning=3, cached=4)),
        End(),
    ]


def test_a_blocking_answer(decode_split: Decode) -> None:
    answer = chunk(THOUGHT, "Nile", finish="STOP", usageMetadata=COUNTS, modelVersion="gemini-x")
    assert decode_split(PROTOCOL, "blocking", json.dumps(answer, indent=1).encode()) == [
        Model("gemini-x"),
        Text("reasoning", "They"),
        Text("answer", "Nile"),
        Finish("stop"),
        Usage(Tokens(prompt=9, output=8, reasoning=3, cached=4)),
        End(),
    ]


def test_text_comes_with_the_read_that_completed_it() -> None:
    decoder = protocol(PROTOCOL).decoder("stream")
    reads = [sse(chunk("a")), sse(chunk("b")), sse(chunk("c", finish="STOP"))]
    assert [text(decoder.feed(read)) for read in reads] == ["a", "b", "c"]
    assert decoder.finish() == [End()]


def test_counts_after_the_reason_to_finish_are_read(decode: Decode) -> None:
    events = decode(
        PROTOCOL,
        "stream",
        sse(chunk("x", finish="STOP"), {"usageMetadata": {"promptTokenCount": 2}}),
    )
    assert events == [Text("answer", "x"), Finish("stop"), Usage(Tokens(prompt=2)), End()]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("reason", "ended"),
    [("STOP", "stop"), ("MAX_TOKENS", "length"), ("SAFETY", "filter"), ("RECITATION", "filter"),
     ("LANGUAGE", "filter"), ("BLOCKLIST", "filter"), ("PROHIBITED_CONTENT", "filter"),
     ("SPII", "filter"), ("IMAGE_SAFETY", "filter"), ("NO_IMAGE", "filter"),
     ("OTHER", "incomplete"), ("MALFORMED_FUNCTION_CALL", "incomplete"),
     ("UNEXPECTED_TOOL_CALL", "incomplete"), ("TOO_MANY_TOOL_CALLS", "incomplete"),
     ("BRAND_NEW", "stop")],
)  # fmt: skip
def test_reasons(decode: Decode, mode: Mode, reason: str, ended: Ended) -> None:
    # No parts: a reason alone, as when all was withheld.
    value = {"candidates": [{"finishReason": reason, "index": 0}]}
    assert decode(PROTOCOL, mode, body(mode, value)) == [Finish(ended), End()]


def test_no_reason_is_no_end(decode: Decode) -> None:
    cut = sse(chunk("Ni"), chunk("le", finish="FINISH_REASON_UNSPECIFIED"))
    assert decode(PROTOCOL, "stream", cut) == [Text("answer", "Ni"), Text("answer", "le")]


@pytest.mark.parametrize("mode", MODES)
def test_a_blocked_prompt(decode: Decode, mode: Mode) -> None:
    value = {
        "promptFeedback": {"blockReason": "SAFETY"},
        "usageMetadata": {"promptTokenCount": 4},
    }
    events = decode(PROTOCOL, mode, body(mode, value))
    assert events == [Finish("filter"), Usage(Tokens(prompt=4)), End()]


@pytest.mark.parametrize("mode", MODES)
def test_tool_calls(decode: Decode, mode: Mode) -> None:
    call = {"functionCall": {"name": "weather", "args": {"city": "Oslo"}}, "thoughtSignature": "A="}
    code = {"executableCode": {"language": "PYTHON", "code": "1+1"}}
    events = decode(PROTOCOL, mode, body(mode, chunk(call, code, finish="STOP")))
    assert text(events, "tool") == 'weather{"city":"Oslo"}1+1'
    assert text(events) == ""
    assert events[-2:] == [Finish("tool"), End()]


def test_parts_without_text_are_no_text(decode: Decode) -> None:
    signature = {"thoughtSignature": "A="}
    events = decode(
        PROTOCOL,
        "stream",
        sse(
            chunk(signature, "", {"text": "", "thought": True}, {"inlineData": {"data": "A="}}),
            {"candidates": []},
            {"candidates": [{"content": {"role": "model"}}]},
            {"candidates": [{"content": None}]},
            {"responseId": "r1"},
            chunk("\n"),
        ),
    )
    assert events == [Text("answer", "\n")]


def test_only_the_first_of_several_candidates(decode: Decode) -> None:
    value = chunk("one", finish="STOP")
    value["candidates"].append({**chunk("two")["candidates"][0], "index": 1})
    assert text(decode(PROTOCOL, "blocking", json.dumps(value).encode())) == "one"


@pytest.mark.parametrize("mode", MODES)
def test_tags_are_split_where_the_server_did_not(decode: Decode, mode: Mode) -> None:
    value = chunk("<think>hm</th", "ink>Nile", finish="STOP")
    events = decode(PROTOCOL, mode, body(mode, value))
    assert (text(events, "reasoning"), text(events)) == ("hm", "Nile")


def test_lone_surrogates_do_not_end_a_run(decode: Decode) -> None:
    raw = rb'data: {"candidates":[{"content":{"parts":[{"text":"a\ud83d"}]}}]}' + b"\r\n\r\n"
    assert text(decode(PROTOCOL, "stream", raw)) == "a\N{REPLACEMENT CHARACTER}"


def test_an_array_of_chunks_is_as_good_as_a_stream(decode: Decode) -> None:
    # What a proxy sends that drops ``alt=sse``.
    array = json.dumps([chunk("Ni"), chunk("le", finish="STOP")]).encode()
    events = decode(PROTOCOL, "stream", array)
    assert text(events) == "Nile"
    assert events[-1] == End()


def test_comments_are_signs_of_life(decode: Decode) -> None:
    events = decode(PROTOCOL, "stream", b": keep-alive\r\n\r\ndata: : keepalive\r\n\r\n" + STREAM)
    assert events[:2] == [Ping(), Ping()]
    assert text(events) == "Nile €"


ERROR = {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}


@pytest.mark.parametrize(
    "error",
    [
        sse(ERROR),
        sse([ERROR]),
        json.dumps(ERROR).encode(),
        json.dumps(ERROR, indent=2).encode() + b"\n",
        json.dumps([ERROR], indent=2).encode(),
        b"event: error\ndata: " + json.dumps(ERROR["error"]).encode() + b"\n\n",
    ],
    ids=["data", "array", "bare", "bare lines", "bare array", "event"],
)
def test_an_error_in_a_stream(decode: Decode, error: bytes) -> None:
    events = decode(PROTOCOL, "stream", sse(chunk("Ni")) + error)
    assert events == [Text("answer", "Ni"), Failure("busy", "The model is overloaded.")]


@pytest.mark.parametrize("error", [ERROR, [ERROR]])
def test_an_error_in_place_of_an_answer(decode: Decode, error: Any) -> None:
    events = decode(PROTOCOL, "blocking", json.dumps(error).encode())
    assert events == [Failure("busy", "The model is overloaded.")]


@pytest.mark.parametrize(
    ("mode", "raw"),
    [("stream", b"<html>\n"), ("stream", b"data: {}\n\n"), ("stream", b"data: 5\n\n"),
     ("stream", sse({"choices": [{"delta": {"content": "x"}}]})),
     ("stream", sse({"candidates": [{"content": {"parts": [{"text": 5}]}}]})),
     ("blocking", b"{}"), ("blocking", b"null"), ("blocking", STREAM),
     ("blocking", b'{"candidates":[]}')],
)  # fmt: skip
def test_bytes_that_are_not_the_protocol(decode: Decode, mode: Mode, raw: bytes) -> None:
    (failure,) = decode(PROTOCOL, mode, raw)
    assert isinstance(failure, Failure)
    assert failure.code == "malformed"


def test_a_chunk_that_the_end_cut_is_no_complaint_about_its_form(decode: Decode) -> None:
    events = decode(PROTOCOL, "stream", sse(chunk("x")) + STREAM[:50])
    assert events == [Text("answer", "x"), Flag("unterminated")]


def test_a_blocking_answer_that_was_cut(decode: Decode) -> None:
    whole = json.dumps(chunk("Nile", finish="STOP")).encode()
    assert decode(PROTOCOL, "blocking", whole[:-9]) == [Flag("unterminated")]


@pytest.mark.parametrize("number", [b"-5", b"NaN", b"1e400", b'"many"', b"{}"])
def test_a_figure_that_cannot_be_costs_no_answer(decode: Decode, number: bytes) -> None:
    answer = chunk("x", finish="STOP", usageMetadata={"candidatesTokenCount": "NUMBER"})
    raw = json.dumps(answer).encode().replace(b'"NUMBER"', number)
    events = decode(PROTOCOL, "blocking", raw)
    assert text(events) == "x"
    assert Flag("impossible-figures") in events
    assert not [event for event in events if isinstance(event, Usage)]


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
    params={"generationConfig.topK": 5, "safetySettings": []},
)


@pytest.mark.parametrize("mode", MODES)
def test_whole_requests(mode: Mode) -> None:
    speaker = protocol(PROTOCOL)
    call = speaker.call(GEMINI, FULL, mode, "k3y")
    base = "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash"
    method = ":streamGenerateContent?alt=sse" if mode == "stream" else ":generateContent"
    assert (call.method, call.url) == ("POST", base + method)
    assert call.headers["x-goog-api-key"] == "k3y"
    assert call.headers["Accept-Encoding"] == "identity"
    assert "Authorization" not in call.headers
    assert "k3y" not in call.url
    assert json.loads(call.body) == {
        "contents": [{"role": "user", "parts": [{"text": "Name three rivers."}]}],
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "generationConfig": {
            "temperature": 0.0,
            "topP": 1.0,
            "seed": 7,
            "maxOutputTokens": 64,
            "stopSequences": ["\n\n"],
            "thinkingConfig": {"includeThoughts": False, "thinkingBudget": 0},
            "topK": 5,
        },
        "safetySettings": [],
    }
    assert speaker.unsent(GEMINI, FULL) == ()


def test_the_least_request() -> None:
    call = protocol(PROTOCOL).call(GEMINI, Request(prompt="x"), "blocking", None)
    assert json.loads(call.body) == {"contents": [{"role": "user", "parts": [{"text": "x"}]}]}
    assert "x-goog-api-key" not in call.headers


@pytest.mark.parametrize(
    ("model", "think", "config"),
    [
        ("gemini-2.5-flash", True, {"includeThoughts": True, "thinkingBudget": -1}),
        ("gemini-2.5-pro", "low", {"includeThoughts": True, "thinkingBudget": 1024}),
        ("gemini-2.5-pro", "high", {"includeThoughts": True, "thinkingBudget": 24576}),
        ("gemini-3-pro", "low", {"includeThoughts": True, "thinkingLevel": "LOW"}),
        ("gemini-3-pro", True, {"includeThoughts": True, "thinkingBudget": -1}),
        ("gemini-2.5-flash-lite", False, {"includeThoughts": False, "thinkingBudget": 0}),
        ("gemini-2.5-flash", "none", {"includeThoughts": False, "thinkingBudget": 0}),
    ],
)
def test_thinking(model: str, think: bool | str, config: dict[str, Any]) -> None:
    target = Target(protocol=PROTOCOL, url="https://h", model=model)
    call = protocol(PROTOCOL).call(target, Request(prompt="x", think=think), "stream", None)
    assert json.loads(call.body)["generationConfig"] == {"thinkingConfig": config}


@pytest.mark.parametrize("model", ["gemini-2.5-pro", "gemini-3-pro", "gemini-flash-latest"])
def test_models_that_cannot_but_think_are_not_told_not_to(model: str) -> None:
    target = Target(protocol=PROTOCOL, url="https://h", model=model)
    asked = Request(prompt="x", think=False)
    assert protocol(PROTOCOL).unsent(target, asked) == ("think",)
    assert protocol(PROTOCOL).unsent(target, Request(prompt="x", think=True)) == ()
    body = json.loads(protocol(PROTOCOL).call(target, asked, "stream", None).body)
    assert "generationConfig" not in body
    own = {"generationConfig.thinkingConfig": {"thinkingBudget": 128}}
    named = Request(prompt="x", think=False, params=own)
    assert protocol(PROTOCOL).unsent(target, named) == ()


@pytest.mark.parametrize(
    ("model", "path"),
    [("models/g", "/v1beta/models/g"), ("tunedModels/g-1", "/v1beta/tunedModels/g-1"),
     ("a b?c", "/v1beta/models/a%20b%3Fc")],
)  # fmt: skip
def test_model_names_in_the_path(model: str, path: str) -> None:
    target = Target(protocol=PROTOCOL, url="https://h/v1beta", model=model)
    call = protocol(PROTOCOL).call(target, Request(prompt="x"), "blocking", None)
    assert call.url == f"https://h{path}:generateContent"


def test_model_lists() -> None:
    speaker = protocol(PROTOCOL)
    assert speaker.models_url(GEMINI).endswith(".com/v1beta/models?pageSize=1000")
    listed = {
        "models": [
            {"name": "models/g", "supportedGenerationMethods": ["generateContent"]},
            {"name": "models/embed", "supportedGenerationMethods": ["embedContent"]},
            {"name": "models/old"},
            {},
        ]
    }
    assert speaker.parse_models(json.dumps(listed).encode()) == ["g", "old"]
    for other in (b"", b"{}", b'{"models":null}', b'{"models":[1]}', b"[]"):
        assert speaker.parse_models(other) == []


@pytest.mark.parametrize(
    ("status", "error", "code", "words"),
    [
        (400, {"code": 400, "message": "API key not valid. Please pass a valid API key.",
               "status": "INVALID_ARGUMENT"}, "auth", "API key"),
        (400, {"code": 400, "message": "Thinking budget 0 is invalid"}, "request", "--think"),
        (403, {"code": 403, "message": "no", "status": "PERMISSION_DENIED"}, "auth", "key"),
        (404, {"code": 404, "message": "models/x is not found for API version v1beta"},
         "model", "--model"),
        (429, {"code": 429, "message": "quota", "status": "RESOURCE_EXHAUSTED"}, "busy", "wait"),
        (500, {"code": 500, "message": "oops", "status": "INTERNAL"}, "server", "oops"),
        (503, {"code": 503, "message": "The model is overloaded."}, "busy", "wait"),
        (504, {"code": 504, "message": "deadline", "status": "DEADLINE_EXCEEDED"}, "server", "504"),
    ],
)  # fmt: skip
def test_errors_before_the_stream(
    status: int, error: dict[str, Any], code: FaultCode, words: str
) -> None:
    for value in ({"error": error}, [{"error": error}]):
        fault = protocol(PROTOCOL).fault(GEMINI, status, json.dumps(value).encode())
        assert (fault.code, fault.status) == (code, status)
        assert words in fault.sentence


def test_a_wrong_path_is_not_said_to_want_a_version() -> None:
    fault = protocol(PROTOCOL).fault(GEMINI, 404, b"<title>Error 404</title>")
    assert fault.code == "url"
    assert "/v1beta/models/gemini-2.5-flash" in fault.sentence
    assert "end in /v1" not in fault.sentence
