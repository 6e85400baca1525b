"""Anthropic's messages: what real servers sent, and what the reference says that they may send."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from streamscope.trace import Ended, FaultCode, Mode, Request, Target, TextKind, Tokens
from streamscope.wire.events import End, Event, Failure, Finish, Flag, Model, Ping, Text, Usage
from streamscope.wire.registry import protocol

Load = Callable[[str], tuple[int, Mode, bytes]]
Decode = Callable[[str, Mode, bytes], list[Event]]

PROTOCOL = "anthropic"
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


def message(*content: dict[str, Any], stop_reason: str | None = "end_turn", **members: Any) -> Any:
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x"}
    return {**head, "content": list(content), "stop_reason": stop_reason, **members}


def start(**usage: Any) -> tuple[str, dict[str, Any]]:
    return "message_start", {"message": message(stop_reason=None, usage=usage)}


def block(kind: str, **members: Any) -> tuple[str, dict[str, Any]]:
    return "content_block_start", {"index": 0, "content_block": {"type": kind, **members}}


def delta(kind: str, **members: Any) -> tuple[str, dict[str, Any]]:
    return "content_block_delta", {"index": 0, "delta": {"type": kind, **members}}


def said(words: str) -> tuple[str, dict[str, Any]]:
    return delta("text_delta", text=words)


def ending(reason: str | None = "end_turn", **usage: Any) -> tuple[str, dict[str, Any]]:
    return "message_delta", {"delta": {"stop_reason": reason}, "usage": usage}


STOP: tuple[str, dict[str, Any]] = ("message_stop", {})


def whole(*content: dict[str, Any], **members: Any) -> bytes:
    return json.dumps(message(*content, **members)).encode()


# --- recorded ---------------------------------------------------------------------------------

PARIS = "The capital of France is Paris."
STYLE = "Traditional Chinese is a traditional Chinese art style, blending traditional Chinese"
SYSTEM = "The Chinese language is a multi-ethnic and multilingual language system"
RIVER = (
    "The river is a timeless and majestic creature, a testament to the beauty and complexity of "
    "nature. The river is a river"
)


@pytest.mark.parametrize(
    ("name", "words", "ended", "tokens"),
    [
        # Counted without the cache there, with it here.
        ("llamacpp/anthropic_messages_stream", STYLE,
         "length", Tokens(prompt=40, output=12, cached=39)),
        ("llamacpp/anthropic_messages_blocking", SYSTEM,
         "length", Tokens(prompt=40, output=12, cached=39)),
        ("vllm/messages_stream", PARIS, "stop", Tokens(prompt=42, output=8)),
        ("vllm/messages_blocking", PARIS, "stop", Tokens(prompt=42, output=8)),
        ("vllm/messages_stream_max_tokens", "I'm here to help you",
         "length", Tokens(prompt=36, output=6)),
        ("vllm/interval4_messages_stream", RIVER,
         "length", Tokens(prompt=40, output=24, cached=0)),
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
    assert only(answer, Usage)[-1] == Usage(tokens)
    assert answer[-1] == End()
    assert len(only(answer, Model)) == 1


def test_a_stream_that_was_cut_leaves_text_without_an_end(load: Load, decode: Decode) -> None:
    body = load("vllm/messages_stream")[2]
    before, mark, _ = body.partition(b"event: content_block_stop")
    assert mark
    answer = decode(PROTOCOL, "stream", before)
    assert text(answer) == PARIS
    assert only(answer, Finish, End, Failure) == []
    # The count of output at the start is a placeholder.
    assert only(answer, Usage) == [Usage(Tokens(prompt=42))]
    blocking = load("vllm/messages_blocking")[2].strip()
    assert decode(PROTOCOL, "blocking", blocking[:-20]) == [Flag("unterminated")]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("vllm/err_unknown_model_messages", "model"),
        ("vllm/err_prompt_too_long_messages_stream", "request"),
        ("vllm/err_temperature_banana_messages", "request"),
        ("vllm/auth_missing_messages", "auth"),
        ("vllm/auth_x_api_key_messages", "auth"),
        ("vllm/err_wrong_path", "url"),
        ("llamacpp/503_loading", "loading"),
    ],
)
def test_recorded_refusals(load: Load, target: Target, name: str, code: FaultCode) -> None:
    status, _, body = load(name)
    fault = protocol(PROTOCOL).fault(target, status, body)
    assert (fault.code, fault.status) == (code, status)
    assert ("/v1/messages" in fault.sentence) is (code == "url")


# --- by the reference -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind", "words", "code"),
    [
        (400, "invalid_request_error", "max_tokens: Field required", "request"),
        (401, "authentication_error", "invalid x-api-key", "auth"),
        (402, "billing_error", "no credit", "request"),
        (403, "permission_error", "no", "auth"),
        (404, "not_found_error", "model: claude-y", "model"),
        (413, "request_too_large", "over 32 MB", "request"),
        (429, "rate_limit_error", "slow down", "busy"),
        (500, "api_error", "boom", "server"),
        (529, "overloaded_error", "Overloaded", "busy"),
    ],
)
def test_refusals(target: Target, status: int, kind: str, words: str, code: FaultCode) -> None:
    error = {"type": "error", "error": {"type": kind, "message": words}, "request_id": "req_1"}
    fault = protocol(PROTOCOL).fault(target, status, json.dumps(error).encode())
    assert fault.code == code
    assert fault.detail == words
    assert fault.sentence.endswith(".")


def test_a_stream(decode: Decode) -> None:
    body = sse(
        start(input_tokens=21, cache_read_input_tokens=0, output_tokens=1),
        block("text", text=""),
        ("ping", {}),
        said("Ni"),
        said("le"),
        ("content_block_stop", {"index": 0}),
        ending(output_tokens=5),
        STOP,
    )
    assert decode(PROTOCOL, "stream", body) == [
        Model("claude-x"), Usage(Tokens(prompt=21, cached=0)), Ping(), Text("answer", "Ni"),
        Text("answer", "le"), Finish("stop"), Usage(Tokens(prompt=21, output=5, cached=0)), End(),
    ]  # fmt: skip


def test_thinking_is_kept_apart(decode: Decode) -> None:
    body = sse(
        start(input_tokens=21),
        block("thinking", thinking="", signature=""),
        delta("thinking_delta", thinking="hm"),
        delta("signature_delta", signature="c2ln"),
        ("content_block_stop", {"index": 0}),
        block("redacted_thinking", data="eHl6"),
        block("text", text=""),
        said("<think>x"),
        delta("citations_delta", citation={"cited_text": "y"}),
        ending(output_tokens=9, output_tokens_details={"thinking_tokens": 4}),
        STOP,
    )
    answer = decode(PROTOCOL, "stream", body)
    assert (text(answer, "reasoning"), text(answer)) == ("hm", "<think>x")
    assert Usage(Tokens(prompt=21, output=9, reasoning=4)) in answer
    blocks: list[dict[str, Any]] = [
        {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "eHl6"},
        {"type": "text", "text": "<think>x", "citations": None},
    ]
    answer = decode(PROTOCOL, "blocking", whole(*blocks))
    assert only(answer, Text) == [Text("reasoning", "hm"), Text("answer", "<think>x")]


@pytest.mark.parametrize("mode", MODES)
def test_thinking_without_its_text_is_no_text(decode: Decode, mode: Mode) -> None:
    streamed = sse(
        block("thinking", thinking="", signature=""),
        delta("thinking_delta", thinking=""),
        said("x"),
        STOP,
    )
    blocking = whole({"type": "thinking", "thinking": ""}, {"type": "text", "text": "x"})
    answer = decode(PROTOCOL, mode, streamed if mode == "stream" else blocking)
    assert only(answer, Text) == [Text("answer", "x")]


@pytest.mark.parametrize("mode", MODES)
def test_tags_are_split_where_the_server_did_not(decode: Decode, mode: Mode) -> None:
    pieces = ["<thi", "nk>h", "m</", "think>", "Ni", "le"]
    body = sse(*map(said, pieces), STOP)
    if mode == "blocking":
        body = whole({"type": "text", "text": "".join(pieces)})
    answer = decode(PROTOCOL, mode, body)
    assert (text(answer, "reasoning"), text(answer)) == ("hm", "Nile")


@pytest.mark.parametrize("rest", [b"", sse(STOP), sse(ending()), b'data: {"error":"x"}\n\n'])
def test_what_was_held_back_is_never_lost(decode: Decode, rest: bytes) -> None:
    assert text(decode(PROTOCOL, "stream", sse(said("<th")) + rest)) == "<th"


def test_tool_calls(decode: Decode) -> None:
    body = sse(
        block("tool_use", id="t", name="weather", input={}),
        delta("input_json_delta", partial_json=""),
        delta("input_json_delta", partial_json='{"city":'),
        delta("input_json_delta", partial_json='"Oslo"}'),
        ending("tool_use"),
        STOP,
    )
    called = {"type": "tool_use", "id": "t", "name": "weather", "input": {"city": "Oslo"}}
    for answer in (
        decode(PROTOCOL, "stream", body),
        decode(PROTOCOL, "blocking", whole(called, stop_reason="tool_use")),
    ):
        assert text(answer, "tool") == 'weather{"city":"Oslo"}'
        assert text(answer) == ""
        assert only(answer, Finish) == [Finish("tool")]


def test_a_tool_of_the_server_does_not_end_the_answer(decode: Decode) -> None:
    body = sse(block("server_tool_use", name="search", input={}), said("Nile"), ending(), STOP)
    answer = decode(PROTOCOL, "stream", body)
    assert (text(answer, "tool"), text(answer)) == ("search", "Nile")
    assert only(answer, Finish) == [Finish("stop")]


@pytest.mark.parametrize(
    ("reason", "ended"),
    [("end_turn", "stop"), ("max_tokens", "length"), ("stop_sequence", "stop"),
     ("tool_use", "tool"), ("pause_turn", "incomplete"), ("refusal", "filter"),
     ("model_context_window_exceeded", "length"), ("never heard of", "stop")],
)  # fmt: skip
def test_reasons(decode: Decode, reason: str, ended: Ended) -> None:
    streamed = decode(PROTOCOL, "stream", sse(said("x"), ending(reason), STOP))
    blocking = decode(
        PROTOCOL, "blocking", whole({"type": "text", "text": "x"}, stop_reason=reason)
    )
    for answer in (streamed, blocking):
        assert only(answer, Finish) == [Finish(ended)]
        assert answer[-1] == End()


@pytest.mark.parametrize(
    ("first", "then", "tokens"),
    [
        # Anthropic: cumulative, cache apart
        ({"input_tokens": 3, "cache_creation_input_tokens": 10, "cache_read_input_tokens": 8,
          "output_tokens": 1},
         {"output_tokens": 5}, Tokens(prompt=21, output=5, cached=8)),
        # Ollama: an estimate first
        ({"input_tokens": 5, "output_tokens": 0},
         {"input_tokens": 21, "output_tokens": 5}, Tokens(prompt=21, output=5)),
        # a gateway that fills in zeros
        ({"input_tokens": 13, "cache_read_input_tokens": 8},
         {"input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 5},
         Tokens(prompt=21, output=5, cached=8)),
        ({}, {"output_tokens": 5}, Tokens(output=5)),
    ],
)  # fmt: skip
def test_usage_is_taken_together(
    decode: Decode, first: dict[str, Any], then: dict[str, Any], tokens: Tokens
) -> None:
    answer = decode(PROTOCOL, "stream", sse(start(**first), said("x"), ending(**then), STOP))
    assert only(answer, Usage)[-1] == Usage(tokens)


def test_the_last_of_several_reports_counts(decode: Decode) -> None:
    body = sse(start(input_tokens=9), ending(None, output_tokens=3), ending(output_tokens=5), STOP)
    answer = decode(PROTOCOL, "stream", body)
    assert only(answer, Usage)[-1] == Usage(Tokens(prompt=9, output=5))
    assert only(answer, Finish) == [Finish("stop")]


@pytest.mark.parametrize("number", [-5, 1e18, float("nan"), "x", True])
@pytest.mark.parametrize("mode", MODES)
def test_a_figure_that_cannot_be_is_left_out_and_told(
    decode: Decode, mode: Mode, number: Any
) -> None:
    body = sse(said("x"), ending(output_tokens=number), STOP)
    if mode == "blocking":
        body = whole({"type": "text", "text": "x"}, usage={"output_tokens": number})
    answer = decode(PROTOCOL, mode, body)
    assert answer[-4:] == [
        Text("answer", "x"), Finish("stop"), Flag("impossible-figures"), End(),
    ]  # fmt: skip


def test_events_without_text(decode: Decode) -> None:
    body = b": ping\n\n" + sse(
        ("message_start", {}),
        ("ping", {}),
        ("content_block_start", {}),
        ("content_block_delta", {}),
        ("message_delta", {}),
        ("message_delta", {"delta": {"stop_reason": None}, "usage": None}),
        ("something_new", {"delta": 5, "message": "odd", "usage": []}),
        block("web_search_tool_result", content=[{"type": "web_search_result"}]),
        delta("new_delta", text="no text"),
        said(""),
        said("\n"),
    )
    assert decode(PROTOCOL, "stream", body) == [Ping(), Ping(), Text("answer", "\n")]


def test_the_name_of_the_event_stands_in_for_its_type(decode: Decode) -> None:
    piece = b'event: content_block_delta\ndata: {"delta":{"type":"text_delta","text":"Nile"}}\n\n'
    answer = decode(PROTOCOL, "stream", piece + b"event: message_stop\ndata: {}\n\n")
    assert answer == [Text("answer", "Nile"), End()]


def test_a_whole_answer_to_a_stream_request_is_flagged(load: Load, decode: Decode) -> None:
    answer = decode(PROTOCOL, "stream", load("vllm/messages_blocking")[2])
    assert text(answer) == PARIS
    assert answer[-2:] == [Flag("not-streamed"), End()]


@pytest.mark.parametrize(
    ("body", "code", "detail"),
    [
        (sse(("error", {"error": {"type": "overloaded_error", "message": "Overloaded"}})),
         "busy", "Overloaded"),
        (sse(("error", {"error": {"type": "api_error", "message": "boom"}})), "server", "boom"),
        (sse(("error", {"error": {"type": "authentication_error", "message": "boom"}})),
         "auth", "boom"),
        # llama.cpp, vLLM
        (b'event: error\ndata: {"error":{"code":500,"message":"boom","type":"server_error"}}\n\n',
         "server", "boom"),
        (b'data: {"error":{"message":"boom","code":500}}\n\ndata: [DONE]\n\n', "server", "boom"),
        (b"event: error\ndata: boom\n\n", "server", "boom"),
        (b'{"type":"error","error":{"type":"rate_limit_error","message":"slow"}}\n',
         "busy", "slow"),
    ],
)  # fmt: skip
def test_errors_in_a_stream(decode: Decode, body: bytes, code: FaultCode, detail: str) -> None:
    answer = decode(PROTOCOL, "stream", sse(start(), said("x")) + body + sse(ending(), STOP))
    assert answer == [Model("claude-x"), Text("answer", "x"), Failure(code, detail)]


def test_an_error_in_place_of_a_blocking_answer(decode: Decode) -> None:
    body = b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'
    assert decode(PROTOCOL, "blocking", body) == [Failure("busy", "Overloaded")]


@pytest.mark.parametrize(
    ("mode", "body", "words"),
    [
        ("stream", b"<html>\n", "<html>"),
        ("stream", b'data: {"choices":[{"delta":{"content":"x"}}]}\n\n', "no content"),
        ("stream", sse(delta("text_delta", text=5)), "text"),
        ("stream", sse(("content_block_delta", {"delta": "x"})), "Expected `object`"),
        ("blocking", b"{}", "no content"),
        ("blocking", b'{"content":"Nile"}', "content"),
        ("blocking", sse(start()), "event:"),
    ],
)
def test_bytes_that_are_not_the_protocol(
    decode: Decode, mode: Mode, body: bytes, words: str
) -> None:
    (failure,) = decode(PROTOCOL, mode, body)
    assert isinstance(failure, Failure)
    assert failure.code == "malformed"
    assert words in failure.detail


@pytest.mark.parametrize("mode", MODES)
def test_lone_surrogates_do_not_end_a_run(decode: Decode, mode: Mode) -> None:
    body = sse(said("a?"), STOP) if mode == "stream" else whole({"type": "text", "text": "a?"})
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
    think=False,
    params={"stream": "perhaps", "top_k": 1},
)


@pytest.mark.parametrize("mode", MODES)
def test_the_whole_request(target: Target, mode: Mode) -> None:
    call = protocol(PROTOCOL).call(target, FULL, mode, None)
    assert (call.method, call.url) == ("POST", "http://127.0.0.1:8000/v1/messages")
    assert json.loads(call.body) == {
        "model": "m",
        "max_tokens": 64,
        "system": "Be brief.",
        "messages": [{"role": "user", "content": "Name three rivers."}],
        "temperature": 0.0,
        "top_p": 1.0,
        "top_k": 1,
        "stop_sequences": ["\n\n"],
        "thinking": {"type": "disabled"},
        "stream": mode == "stream",
    }


def test_what_is_not_set_is_left_to_the_server_but_for_the_limit(target: Target) -> None:
    body = json.loads(protocol(PROTOCOL).call(target, Request(prompt="x"), "stream", None).body)
    assert body == {
        "model": "m",
        "max_tokens": 4096,
        "messages": [{"role": "user", "content": "x"}],
        "stream": True,
    }


def test_a_limit_that_nobody_set_is_told() -> None:
    added = protocol(PROTOCOL).limit_added
    assert added(Request(prompt="x")) == 4096
    assert added(Request(prompt="x", max_tokens=9)) is None
    assert added(Request(prompt="x", params={"max_tokens": 9})) is None
    assert protocol("openai-chat").limit_added(Request(prompt="x")) is None


def test_what_cannot_be_sent_is_told(target: Target) -> None:
    assert protocol(PROTOCOL).unsent(target, FULL) == ("seed",)
    assert protocol(PROTOCOL).unsent(target, Request(prompt="x", stop=("a",))) == ()


ANTHROPIC = "https://api.anthropic.com"


def hosted(model: str) -> Target:
    return Target(protocol=PROTOCOL, url=ANTHROPIC, model=model)


@pytest.mark.parametrize(
    ("model", "adaptive"),
    [("claude-3-5-sonnet-20241022", False), ("claude-opus-4-20250514", False),
     ("claude-haiku-4-5-20251001", False), ("claude-opus-4-6", False), ("claude-opus-4-7", True),
     ("anthropic/claude-opus-4.7", True),
     ("claude-sonnet-4-10", True), ("claude-opus-5", True), ("claude-opus-5-20260801", True),
     ("qwen3:4b", False), ("", False)],
)  # fmt: skip
def test_thinking_as_models_of_that_age_take_it(model: str, adaptive: bool) -> None:
    def members(think: bool | str, limit: int | None = None) -> dict[str, Any]:
        request = Request(prompt="x", think=think, max_tokens=limit)
        found = json.loads(protocol(PROTOCOL).call(hosted(model), request, "stream", None).body)
        assert "chat_template_kwargs" not in found
        return {key: found[key] for key in ("thinking", "output_config") if key in found}

    assert members(False) == {"thinking": {"type": "disabled"}}
    if adaptive:
        shown = {"thinking": {"type": "adaptive", "display": "summarized"}}
        assert members(True) == shown
        assert members("high") == shown | {"output_config": {"effort": "high"}}
        return
    budgets: list[tuple[bool | str, int | None, int]] = [
        (True, None, 2048), ("low", None, 1024), ("high", 8000, 6000), ("low", 1025, 1024),
    ]  # fmt: skip
    for think, limit, budget in budgets:
        enabled = {"type": "enabled", "budget_tokens": budget}
        assert members(think, limit) == {"thinking": enabled}
    # No room for the smallest budget, and the limit is the person's.
    assert members(True, 1024) == {}


SAMPLED = ("temperature", "top_p")


@pytest.mark.parametrize(
    ("model", "think", "limit", "unsent"),
    [
        ("claude-sonnet-4-5", None, None, ()),
        ("claude-sonnet-4-5", False, None, ()),
        ("claude-sonnet-4-5", True, None, SAMPLED),
        ("claude-sonnet-4-5", True, 512, ("think",)),
        ("claude-opus-4-7", None, None, SAMPLED),
        ("claude-opus-4-7", True, 512, SAMPLED),
    ],
)
@pytest.mark.parametrize("url", [ANTHROPIC, "http://127.0.0.1:4000"])
def test_what_claude_refuses_is_left_out_and_told(
    url: str, model: str, think: bool | None, limit: int | None, unsent: tuple[str, ...]
) -> None:
    target = Target(protocol=PROTOCOL, url=url, model=model)
    asked = Request(prompt="x", temperature=0.2, top_p=0.9, think=think, max_tokens=limit)
    speaker = protocol(PROTOCOL)
    assert speaker.unsent(target, asked) == unsent
    for mode in MODES:
        body = json.loads(speaker.call(target, asked, mode, None).body)
        assert ("temperature" in body, "top_p" in body) == ((unsent[:2] != SAMPLED),) * 2
        assert ("thinking" in body) == (think is not None and "think" not in unsent)


def test_other_models_take_a_temperature_while_they_think() -> None:
    local = Target(protocol=PROTOCOL, url="http://127.0.0.1:11434", model="qwen3:4b")
    asked = Request(prompt="x", temperature=0.2, think=True, max_tokens=64)
    assert protocol(PROTOCOL).unsent(local, asked) == ()
    body = json.loads(protocol(PROTOCOL).call(local, asked, "stream", None).body)
    assert (body["temperature"], body["thinking"]["type"]) == (0.2, "enabled")


def test_a_limit_named_as_the_server_does_bounds_the_budget() -> None:
    asked = Request(prompt="x", think=True, params={"max_tokens": 2000})
    call = protocol(PROTOCOL).call(hosted("claude-sonnet-4-5"), asked, "stream", None)
    assert json.loads(call.body)["thinking"]["budget_tokens"] == 1024


def test_keys(target: Target) -> None:
    def sent(called: Target, key: str | None) -> dict[str, str]:
        headers = protocol(PROTOCOL).call(called, Request(prompt="x"), "stream", key).headers
        assert headers["anthropic-version"] == "2023-06-01"
        return {name: headers[name] for name in ("x-api-key", "Authorization") if name in headers}

    assert sent(hosted("m"), "k3y") == {"x-api-key": "k3y"}
    # vLLM takes the one, other servers the other.
    assert sent(target, "k3y") == {"x-api-key": "k3y", "Authorization": "Bearer k3y"}
    lookalike = Target(protocol=PROTOCOL, url="https://notanthropic.com", model="m")
    assert "Authorization" in sent(lookalike, "k3y")
    assert sent(target, None) == sent(target, "") == {}


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("https://h", "https://h/v1/messages"),
        ("https://h/", "https://h/v1/messages"),
        ("https://h/v1", "https://h/v1/messages"),
        ("https://h/v1/messages", "https://h/v1/messages"),
        ("https://h/anthropic", "https://h/anthropic/v1/messages"),
        ("https://h/v1/account/anthropic", "https://h/v1/account/anthropic/v1/messages"),
        ("http://v1", "http://v1/v1/messages"),
    ],
)
def test_routes(base: str, url: str) -> None:
    target = Target(protocol=PROTOCOL, url=base, model="m")
    call = protocol(PROTOCOL).call(target, Request(prompt="x"), "stream", None)
    assert call.url == url
    models = url.replace("/messages", "/models")
    assert protocol(PROTOCOL).models_url(target) == models


def test_models() -> None:
    speaker = protocol(PROTOCOL)
    assert speaker.models_url(hosted("m")) == f"{ANTHROPIC}/v1/models?limit=1000"
    listed = b'{"data":[{"type":"model","id":"claude-x","display_name":"X"}],"has_more":false}'
    assert speaker.parse_models(listed) == ["claude-x"]
