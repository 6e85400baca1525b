"""responses: what real servers sent, and what the reference says that they may send."""

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

PROTOCOL = "openai-responses"
MODES: tuple[Mode, ...] = ("stream", "blocking")


def text(events: Sequence[Event], kind: TextKind = "answer") -> str:
    return "".join(e.text for e in events if isinstance(e, Text) and e.kind == kind)


def only(events: Sequence[Event], *kinds: type) -> list[Event]:
    return [event for event in events if isinstance(event, kinds)]


def sse(*events: tuple[str, dict[str, Any]]) -> bytes:
    return "".join(
        f"event: {kind}\ndata: {json.dumps({'type': kind, **members})}\n\n"
        for kind, members in events
    ).encode()


def delta(kind: str, said: str) -> tuple[str, dict[str, Any]]:
    return f"response.{kind}.delta", {"item_id": "i", "output_index": 0, "delta": said}


def response(status: str = "completed", **members: Any) -> dict[str, Any]:
    head = {"id": "resp_1", "object": "response", "model": "m", "status": status, "error": None}
    return {**head, "output": [], "usage": None, "incomplete_details": None, **members}


def last(status: str = "completed", **members: Any) -> tuple[str, dict[str, Any]]:
    return f"response.{status}", {"response": response(status, **members)}


def whole(*items: dict[str, Any], **members: Any) -> bytes:
    return json.dumps(response(**{"output": list(items), **members})).encode()


def message(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"type": "message", "role": "assistant", "content": list(parts)}


def said(words: str) -> dict[str, Any]:
    return {"type": "output_text", "text": words, "annotations": []}


CREATED = ("response.created", {"response": response("in_progress")})

# --- recorded ---------------------------------------------------------------------------------

PARIS = "The capital of France is Paris."
HELP = "I'm here to help you"
RIVER = (
    "The river. It's a timeless and majestic creature, a testament to the power of nature's "
    "flow. In ancient times"
)


@pytest.mark.parametrize(
    ("name", "words", "ended", "tokens"),
    [
        # llama.cpp says ``completed`` of what its limit cut, too.
        ("llamacpp/responses_stream", "Traditional Chinese cuisine is a traditional Chinese dish",
         "stop", Tokens(prompt=40, output=8, cached=39)),
        ("llamacpp/responses_blocking", "Traditional Chinese is a style of Chinese martial",
         "stop", Tokens(prompt=40, output=8, cached=39)),
        ("vllm/responses_stream", PARIS,
         "stop", Tokens(prompt=42, output=8, reasoning=0, cached=0)),
        ("vllm/responses_blocking", PARIS,
         "stop", Tokens(prompt=42, output=8, reasoning=0, cached=0)),
        # vLLM ends with an event named ``completed`` whatever the status in it.
        ("vllm/responses_stream_incomplete", HELP,
         "length", Tokens(prompt=36, output=6, reasoning=0, cached=0)),
        ("vllm/responses_blocking_incomplete", HELP,
         "length", Tokens(prompt=36, output=6, reasoning=0, cached=0)),
        ("vllm/interval4_responses_stream", RIVER,
         "length", Tokens(prompt=40, output=24, reasoning=0, cached=0)),
    ],
)  # fmt: skip
def test_recorded_answers(
    load: Load, decode: Decode, name: str, words: str, ended: Ended, tokens: Tokens
) -> None:
    status, mode, body = load(name)
    assert status == 200
    answer = decode(PROTOCOL, mode, body)
    assert text(answer) == words
    assert only(answer, Finish) == [Finish(ended)]
    assert only(answer, Failure, Flag) == []
    assert only(answer, Usage) == [Usage(tokens)]
    assert answer[-1] == End()
    assert len(only(answer, Model)) == 1


def test_llama_cpp_timings_stand_beside_the_response(load: Load, decode: Decode) -> None:
    answer = decode(PROTOCOL, "stream", load("llamacpp/responses_stream")[2])
    assert only(answer, Timings) == [
        Timings(
            ServerTimings(
                prefill_s=10.815 / 1000,
                decode_s=66.32 / 1000,
                prefill_tokens=1,
                decode_tokens=8,
                source="llama.cpp",
            )
        )
    ]


def test_a_stream_that_was_cut_leaves_text_without_an_end(load: Load, decode: Decode) -> None:
    body = load("vllm/responses_stream")[2]
    before, mark, _ = body.partition(b"event: response.output_text.done")
    assert mark
    answer = decode(PROTOCOL, "stream", before)
    assert text(answer) == PARIS
    assert only(answer, Finish, End, Failure, Usage) == []
    blocking = load("vllm/responses_blocking")[2].strip()
    assert decode(PROTOCOL, "blocking", blocking[:-20]) == [Flag("unterminated")]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("vllm/err_unknown_model_responses", "model"),
        ("vllm/err_prompt_too_long_responses_stream", "request"),
        ("vllm/err_missing_input_responses", "request"),
        ("vllm/auth_missing_chat", "auth"),
        ("vllm/err_wrong_path", "url"),
        ("llamacpp/503_loading", "loading"),
    ],
)
def test_recorded_refusals(load: Load, target: Target, name: str, code: FaultCode) -> None:
    status, _, body = load(name)
    fault = protocol(PROTOCOL).fault(target, status, body)
    assert (fault.code, fault.status) == (code, status)
    assert ("/v1/responses" in fault.sentence) is (code == "url")


# --- by the reference -------------------------------------------------------------------------

USAGE = {
    "input_tokens": 21,
    "input_tokens_details": {"cached_tokens": 16, "cache_write_tokens": 0},
    "output_tokens": 9,
    "output_tokens_details": {"reasoning_tokens": 4},
    "total_tokens": 30,
}
TOKENS = Tokens(prompt=21, output=9, reasoning=4, cached=16)


@pytest.mark.parametrize("kind", ["reasoning_summary_text", "reasoning_text"])
def test_a_stream_with_thinking(decode: Decode, kind: str) -> None:
    reasoning = {"item": {"id": "rs_1", "type": "reasoning", "summary": []}}
    part = {"part": {"type": "output_text", "text": "", "annotations": []}}
    body = sse(
        CREATED,
        ("response.in_progress", {"response": response("in_progress")}),
        ("response.output_item.added", reasoning),
        delta(kind, "Rivers"),
        (f"response.{kind}.done", {"text": "Rivers"}),
        ("response.output_item.added", {"item": message()}),
        ("response.content_part.added", part),
        delta("output_text", "Nile"),
        ("response.output_text.done", {"text": "Nile"}),
        ("response.content_part.done", {"part": said("Nile")}),
        ("response.output_item.done", {"item": message(said("Nile"))}),
        last(output=[message(said("Nile"))], usage=USAGE),
    )
    assert decode(PROTOCOL, "stream", body) == [
        Model("m"), Text("reasoning", "Rivers"), Text("answer", "Nile"), Usage(TOKENS),
        Finish("stop"), End(),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "thinking",
    [
        {"summary": [{"type": "summary_text", "text": "Rivers"}]},
        {"summary": [], "content": [{"type": "reasoning_text", "text": "Rivers"}]},
        {"summary": None, "content": None, "encrypted_content": "xyz"},
    ],
)
def test_a_blocking_answer_with_thinking(decode: Decode, thinking: dict[str, Any]) -> None:
    reasoning = {"id": "rs_1", "type": "reasoning", **thinking}
    answer = decode(PROTOCOL, "blocking", whole(reasoning, message(said("Nile")), usage=USAGE))
    assert text(answer, "reasoning") in ("Rivers", "")
    assert bool(text(answer, "reasoning")) is ("encrypted_content" not in thinking)
    assert answer[-4:] == [Text("answer", "Nile"), Usage(TOKENS), Finish("stop"), End()]


@pytest.mark.parametrize("mode", MODES)
def test_tags_are_split_where_the_server_did_not(decode: Decode, mode: Mode) -> None:
    pieces = ["<thi", "nk>h", "m</", "think>", "Ni", "le"]
    streamed = sse(*(delta("output_text", piece) for piece in pieces), last())
    body = streamed if mode == "stream" else whole(message(*map(said, pieces)))
    answer = decode(PROTOCOL, mode, body)
    assert (text(answer, "reasoning"), text(answer)) == ("hm", "Nile")


@pytest.mark.parametrize(
    "ending",
    [b"", b"data: [DONE]\n\n", sse(last()), sse(last("failed")), b'data: {"error":"x"}\n\n'],
)
def test_what_was_held_back_is_never_lost(decode: Decode, ending: bytes) -> None:
    assert text(decode(PROTOCOL, "stream", sse(delta("output_text", "<th")) + ending)) == "<th"


def test_tool_calls(decode: Decode) -> None:
    item = {"type": "function_call", "name": "weather", "call_id": "c", "arguments": ""}
    body = sse(
        ("response.output_item.added", {"item": item}),
        delta("function_call_arguments", '{"city":'),
        delta("function_call_arguments", '"Oslo"}'),
        ("response.function_call_arguments.done", {"arguments": '{"city":"Oslo"}'}),
        last(),
    )
    streamed = decode(PROTOCOL, "stream", body)
    called = item | {"arguments": '{"city":"Oslo"}'}
    for answer in (streamed, decode(PROTOCOL, "blocking", whole(called))):
        assert text(answer, "tool") == 'weather{"city":"Oslo"}'
        assert text(answer) == ""
        assert only(answer, Finish) == [Finish("tool")]


def test_tool_calls_with_free_text(decode: Decode) -> None:
    item = {"type": "custom_tool_call", "name": "sql ", "input": ""}
    body = sse(
        ("response.output_item.added", {"item": item}),
        delta("custom_tool_call_input", "select 1"),
        last(),
    )
    streamed = decode(PROTOCOL, "stream", body)
    blocking = decode(PROTOCOL, "blocking", whole(item | {"input": "select 1"}))
    assert text(streamed, "tool") == text(blocking, "tool") == "sql select 1"


@pytest.mark.parametrize("mode", MODES)
def test_a_refusal_is_what_the_person_reads(decode: Decode, mode: Mode) -> None:
    streamed = sse(delta("refusal", "I "), delta("refusal", "won't."), last())
    part = {"type": "refusal", "refusal": "I won't."}
    answer = decode(PROTOCOL, mode, streamed if mode == "stream" else whole(message(part)))
    assert text(answer) == "I won't."
    assert {event.reason for event in answer if isinstance(event, Finish)} == {"filter"}
    assert answer[-1] == End()


@pytest.mark.parametrize(
    ("status", "reason", "ended"),
    [("completed", None, "stop"), ("incomplete", "max_output_tokens", "length"),
     ("incomplete", "content_filter", "filter"), ("incomplete", "new", "incomplete"),
     ("incomplete", None, "incomplete"), ("cancelled", None, "incomplete")],
)  # fmt: skip
def test_reasons(decode: Decode, status: str, reason: str | None, ended: Ended) -> None:
    details = {"incomplete_details": reason and {"reason": reason}}
    streamed = decode(PROTOCOL, "stream", sse(delta("output_text", "x"), last(status, **details)))
    blocking = decode(PROTOCOL, "blocking", whole(message(said("x")), status=status, **details))
    for answer in (streamed, blocking):
        assert only(answer, Finish) == [Finish(ended)]
        assert answer[-1] == End()


@pytest.mark.parametrize("status", ["queued", "in_progress"])
def test_an_answer_that_is_not_finished_has_no_end(decode: Decode, status: str) -> None:
    answer = decode(PROTOCOL, "blocking", whole(message(said("x")), status=status))
    assert answer == [Model("m"), Text("answer", "x")]


def test_events_without_text(decode: Decode) -> None:
    body = b": ping\n\n" + sse(
        CREATED,
        ("response.queued", {"response": response("queued")}),
        ("response.web_search_call.searching", {"item_id": "ws", "response": None, "delta": {}}),
        ("response.output_item.added", {"item": {"type": "mcp_list_tools", "content": "odd"}}),
        ("response.output_item.added", {}),
        ("response.audio.delta", {"delta": 5}),
        delta("output_text", ""),
        ("keepalive", {"sequence_number": 3}),
        delta("output_text", "\n"),
    ).replace(b'"response": null', b'"response": {}')
    assert decode(PROTOCOL, "stream", body) == [Ping(), Model("m"), Text("answer", "\n")]


def test_the_name_of_the_event_stands_in_for_its_type(decode: Decode) -> None:
    body = b'event: response.output_text.delta\ndata: {"delta":"Nile"}\n\n' + sse(last())
    assert text(decode(PROTOCOL, "stream", body)) == "Nile"


def test_an_end_without_a_response_is_an_end(decode: Decode) -> None:
    for body in (b'data: {"type":"response.completed"}\n\n', b"data: [DONE]\n\n"):
        answer = decode(PROTOCOL, "stream", sse(delta("output_text", "x")) + body)
        assert answer[0] == Text("answer", "x")
        assert answer[-1] == End()


def test_text_that_only_the_end_holds_is_not_lost(decode: Decode) -> None:
    body = sse(CREATED, last(output=[message(said("Nile"))]))
    assert decode(PROTOCOL, "stream", body) == [
        Model("m"), Text("answer", "Nile"), Flag("not-streamed"), Finish("stop"), End(),
    ]  # fmt: skip


def test_a_whole_answer_to_a_stream_request_is_flagged(load: Load, decode: Decode) -> None:
    answer = decode(PROTOCOL, "stream", load("vllm/responses_blocking")[2])
    assert text(answer) == PARIS
    assert Flag("not-streamed") in answer
    assert answer[-1] == End()


@pytest.mark.parametrize("number", [-5, 1e18, float("nan"), "x", True])
@pytest.mark.parametrize("mode", MODES)
def test_a_figure_that_cannot_be_is_left_out_and_told(
    decode: Decode, mode: Mode, number: Any
) -> None:
    usage = {"output_tokens": number}
    streamed = sse(delta("output_text", "x"), last(usage=usage))
    body = streamed if mode == "stream" else whole(message(said("x")), usage=usage)
    answer = decode(PROTOCOL, mode, body)
    assert text(answer) == "x"
    assert answer[-3:] == [Flag("impossible-figures"), Finish("stop"), End()]


FAILED = {"code": "rate_limit_exceeded", "message": "slow down"}


@pytest.mark.parametrize(
    ("body", "code", "detail"),
    [
        (sse(last("failed", error=FAILED)), "busy", "slow down"),
        (sse(last("failed", error={"code": "server_error", "message": "boom"})), "server", "boom"),
        (sse(last("failed")), "server", "the response failed"),
        (b'data: {"type":"response.failed"}\n\n', "server", "the response failed"),
        (sse(("error", {"code": "invalid_api_key", "message": "boom", "param": None})),
         "auth", "boom"),
        (sse(("error", {"code": None, "message": "boom", "sequence_number": 3})),
         "server", "boom"),
        (sse(("error", {"error": {"type": "invalid_request_error", "message": "boom"}})),
         "request", "boom"),
        (b"event: error\ndata: boom\n\n", "server", "boom"),
        # vLLM, and DONE behind it; llama.cpp
        (b'data: {"error":{"message":"boom","code":500}}\n\ndata: [DONE]\n\n', "server", "boom"),
        (b'event: error\ndata: {"code":500,"message":"boom","type":"server_error"}\n\n',
         "server", "boom"),
    ],
)  # fmt: skip
def test_errors_in_a_stream(decode: Decode, body: bytes, code: FaultCode, detail: str) -> None:
    answer = decode(PROTOCOL, "stream", sse(delta("output_text", "x")) + body + sse(last()))
    assert text(answer) == "x"
    assert answer[-1] == Failure(code, detail)
    assert only(answer, End) == []


def test_a_blocking_answer_that_failed(decode: Decode) -> None:
    body = whole(status="failed", error=FAILED)
    assert decode(PROTOCOL, "blocking", body)[-1] == Failure("busy", "slow down")
    body = whole(message(said("x")), status="failed")
    answer = decode(PROTOCOL, "blocking", body)
    assert answer == [Model("m"), Text("answer", "x"), Failure("server", "the response failed")]


@pytest.mark.parametrize(
    ("mode", "body", "words"),
    [
        ("stream", b"<html>\n", "<html>"),
        ("stream", b'data: {"choices":[{"delta":{"content":"x"}}]}\n\n', "no type"),
        ("stream", sse(("response.output_text.delta", {"delta": 5})), "no text"),
        ("stream", sse(("response.output_text.delta", {})), "no text"),
        ("stream", sse(("response.completed", {"response": 5})), "Expected `object`"),
        ("blocking", b"{}", "no output"),
        ("blocking", b'{"choices":[]}', "no output"),
        ("blocking", whole({"type": "message", "content": "Nile"}), "Expected"),
        ("blocking", sse(CREATED), "event:"),
    ],
)
def test_bytes_that_are_not_the_protocol(
    decode: Decode, mode: Mode, body: bytes, words: str
) -> None:
    answer = decode(PROTOCOL, mode, body)
    failure = answer[-1]
    assert isinstance(failure, Failure)
    assert failure.code == "malformed"
    assert words in failure.detail
    assert len(only(answer, Failure)) == 1


@pytest.mark.parametrize("mode", MODES)
def test_lone_surrogates_do_not_end_a_run(decode: Decode, mode: Mode) -> None:
    streamed = sse(delta("output_text", "a?"), last())
    body = streamed if mode == "stream" else whole(message(said("a?")))
    answer = decode(PROTOCOL, mode, body.replace(b"a?", rb"a\ud83d"))
    assert text(answer) == "a\N{REPLACEMENT CHARACTER}"
    assert answer[-1] == End()


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
    params={"cache_prompt": False, "stream": "perhaps", "stream_options": {"x": 1}},
)
HOSTED = Target(protocol=PROTOCOL, url="https://api.openai.com/v1", model="m")
OFFICIAL = {
    "model": "m",
    "input": "Name three rivers.",
    "instructions": "Be brief.",
    "temperature": 0.0,
    "top_p": 1.0,
    "max_output_tokens": 64,
    "reasoning": {"effort": "low", "summary": "auto"},
    "store": False,
    "cache_prompt": False,
}
LOCAL = {"seed": 7, "stop": ["\n\n"], "chat_template_kwargs": {"enable_thinking": True}}


@pytest.mark.parametrize("hosted", [True, False])
def test_the_whole_request(target: Target, hosted: bool) -> None:
    called, members = (HOSTED, OFFICIAL) if hosted else (target, OFFICIAL | LOCAL)
    streaming = {"stream": True, "stream_options": {"x": 1}}
    for mode in MODES:
        rest = streaming if mode == "stream" else {"stream": False}
        call = protocol(PROTOCOL).call(called, FULL, mode, "k3y")
        assert (call.method, call.url) == ("POST", f"{called.url.removesuffix('/v1')}/v1/responses")
        assert call.headers["Authorization"] == "Bearer k3y"
        assert json.loads(call.body) == members | rest
    assert protocol(PROTOCOL).models_url(HOSTED) == "https://api.openai.com/v1/models"


def test_what_cannot_be_sent_is_told(target: Target) -> None:
    speaker = protocol(PROTOCOL)
    assert speaker.unsent(HOSTED, FULL) == ("seed", "stop")
    assert speaker.unsent(HOSTED, Request(prompt="x")) == ()
    assert speaker.unsent(target, FULL) == ()
    for url, sent in (
        ("http://127.0.0.1:1234", False), ("http://localhost:11434", False),
        ("http://127.0.0.1:39000", True), ("http://10.0.0.5:8000", True),
        ("http://10.0.0.5:4000", False),
    ):  # fmt: skip
        called = Target(protocol=PROTOCOL, url=url, model="m")
        assert speaker.unsent(called, FULL) == (() if sent else ("seed", "stop"))
        body = json.loads(speaker.call(called, FULL, "stream", None).body)
        assert ("seed" in body, "stop" in body) == (sent, sent)
    thinker = Target(protocol=PROTOCOL, url=HOSTED.url, model="gpt-5")
    assert speaker.unsent(thinker, FULL) == ("temperature", "top_p", "seed", "stop")
    body = json.loads(speaker.call(thinker, FULL, "stream", None).body)
    assert body.keys().isdisjoint(("temperature", "top_p"))


def test_what_is_not_set_is_left_to_the_server() -> None:
    bare = Target(protocol=PROTOCOL, url="http://h/v1/responses")
    call = protocol(PROTOCOL).call(bare, Request(prompt="x"), "blocking", None)
    assert call.url == "http://h/v1/responses"
    assert json.loads(call.body) == {"input": "x", "store": False, "stream": False}


@pytest.mark.parametrize(
    ("think", "reasoning"),
    [(True, {"effort": "medium", "summary": "auto"}), (False, {"effort": "none"}),
     ("high", {"effort": "high", "summary": "auto"})],
)  # fmt: skip
def test_thinking(target: Target, think: bool | str, reasoning: dict[str, str]) -> None:
    request = Request(prompt="x", think=think)
    newer = Target(protocol=PROTOCOL, url=HOSTED.url, model="gpt-5.1")
    for called in (target, newer):
        body = json.loads(protocol(PROTOCOL).call(called, request, "stream", None).body)
        left = called is target and think is False  # its template has a switch for that
        assert body.get("reasoning") == (None if left else reasoning)
        switch = {"enable_thinking": think is not False} if called is target else None
        assert body.get("chat_template_kwargs") == switch
