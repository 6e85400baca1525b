"""chat/completions: what real servers sent, and what the reference says that they may send."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
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

PROTOCOL = "openai-chat"


def text(events: Sequence[Event], kind: TextKind = "answer") -> str:
    return "".join(e.text for e in events if isinstance(e, Text) and e.kind == kind)


def only(events: Sequence[Event], *kinds: type) -> list[Event]:
    return [event for event in events if isinstance(event, kinds)]


def sse(*payloads: Any, done: bool = True) -> bytes:
    texts = [p if isinstance(p, str) else json.dumps(p) for p in payloads]
    return "".join(f"data: {text}\n\n" for text in [*texts, *["[DONE]"][: int(done)]]).encode()


def delta(finish: str | None = None, **members: Any) -> dict[str, Any]:
    return {"model": "m", "choices": [{"index": 0, "delta": members, "finish_reason": finish}]}


def whole(finish: str | None = "stop", **members: Any) -> bytes:
    choice = {"index": 0, "message": members, "finish_reason": finish}
    return json.dumps({"object": "chat.completion", "model": "m", "choices": [choice]}).encode()


# --- recorded ---------------------------------------------------------------------------------

RIVER = (
    "The river is a timeless and majestic creature, a tale of ancient magic and the power of "
    "the human imagination. In ancient"
)
CUISINE = (
    "Traditional Chinese is a style of Chinese cuisine that emphasizes simplicity, local "
    "ingredients, and traditional food preparation."
)
PARIS = "The capital of France is Paris."
CACHELESS = Tokens(prompt=40, output=24, cached=0)  # recorded with --enable-prompt-tokens-details


@pytest.mark.parametrize(
    ("name", "said", "ended", "tokens"),
    [
        ("llamacpp/chat_stream", CUISINE, "stop", Tokens(prompt=40, output=21, cached=0)),
        ("llamacpp/chat_stream_no_usage", CUISINE, "stop", Tokens(prompt=40, output=21, cached=0)),
        ("llamacpp/chat_blocking", CUISINE, "stop", Tokens(prompt=40, output=21, cached=0)),
        (
            "llamacpp/chat_blocking_length",
            "Traditional Chinese is a style",
            "length",
            Tokens(prompt=40, output=5, cached=39),
        ),
        (
            "llamacpp/chat_stream_timings_per_token",
            "Traditional Chinese is a style of",
            "length",
            Tokens(prompt=40, output=6, cached=0),
        ),
        ("vllm/chat_stream", PARIS, "stop", None),
        ("vllm/chat_stream_usage", PARIS, "stop", Tokens(prompt=42, output=8)),
        ("vllm/chat_stream_usage_continuous", PARIS, "stop", Tokens(prompt=42, output=8)),
        ("vllm/chat_blocking", PARIS, "stop", Tokens(prompt=42, output=8)),
        (
            "vllm/chat_stream_length",
            "There was a time when the",
            "length",
            Tokens(prompt=36, output=6),
        ),
        (
            "vllm/chat_blocking_length",
            "There was a time when the",
            "length",
            Tokens(prompt=36, output=6),
        ),
        ("vllm/chat_stream_unicode", "🎉🚀🚀🎉🚀🎉🚀🎉", "length", Tokens(prompt=57, output=24)),
        ("vllm/chat_stream_stop", "1. 1\n2. 2\n", "stop", Tokens(prompt=38, output=11)),
        ("vllm/chat_stream_raw_chunked", RIVER, "length", Tokens(prompt=40, output=24)),
        ("vllm/interval4_chat_stream_continuous", RIVER, "length", CACHELESS),
        ("vllm/interval4_force_usage_chat_stream", RIVER, "length", CACHELESS),
        (
            "vllm/prompt_details_chat_blocking",
            RIVER,
            "length",
            CACHELESS,
        ),
        # Two answers to one prompt: only the first is the answer; the counts are of both.
        (
            "vllm/chat_stream_n2",
            "Paris – The City's heart and soul",
            "length",
            Tokens(prompt=42, output=16),
        ),
        (
            "vllm/chat_blocking_n2",
            "Paris – The City's heart and soul",
            "length",
            Tokens(prompt=42, output=16),
        ),
    ],
)
def test_recorded_answers(
    load: Load, decode: Decode, name: str, said: str, ended: Ended, tokens: Tokens | None
) -> None:
    status, mode, body = load(name)
    assert status == 200
    answer = decode(PROTOCOL, mode, body)
    assert text(answer) == said
    assert text(answer, "reasoning") == text(answer, "tool") == ""
    assert only(answer, Finish) == [Finish(ended)]
    assert only(answer, Failure, Flag) == []
    assert answer[-1] == End()
    counts = [event.tokens for event in answer if isinstance(event, Usage)]
    assert (counts[-1] if counts else None) == tokens
    assert len(only(answer, Model)) == 1


def test_the_same_seed_says_the_same_in_both_modes(load: Load, decode: Decode) -> None:
    for stream, blocking in [
        ("llamacpp/chat_stream", "llamacpp/chat_blocking"),
        ("vllm/chat_stream", "vllm/chat_blocking"),
        ("vllm/chat_stream_length", "vllm/chat_blocking_length"),
    ]:
        streamed = decode(PROTOCOL, "stream", load(stream)[2])
        assert text(streamed) == text(decode(PROTOCOL, "blocking", load(blocking)[2]))


def test_roles_and_empty_pieces_are_no_text(load: Load, decode: Decode) -> None:
    # 21 tokens made 19 pieces of text; the role and the finish chunk are none.
    answer = decode(PROTOCOL, "stream", load("llamacpp/chat_stream")[2])
    pieces = [event for event in answer if isinstance(event, Text)]
    assert all(piece.text for piece in pieces)
    assert answer[:2] == [Model("smollm2-135m"), Text("answer", "Traditional")]


def test_events_come_with_the_read_that_completed_them(timeline: list[bytes]) -> None:
    decoder = protocol(PROTOCOL).decoder("stream")
    texts = [text(decoder.feed(read)) for read in timeline]
    assert texts[:3] == ["Traditional", " Chinese", " is"]
    assert "".join(texts) == CUISINE
    assert all(texts[:-1])  # each read but the last, which ends the stream, brought text


def test_llama_cpp_timings(load: Load, decode: Decode) -> None:
    answer = decode(PROTOCOL, "blocking", load("llamacpp/chat_blocking")[2])
    assert only(answer, Timings) == [
        Timings(
            ServerTimings(
                prefill_s=348.507 / 1000,
                decode_s=285.702 / 1000,
                prefill_tokens=40,
                decode_tokens=21,
                source="llama.cpp",
            )
        )
    ]


def test_a_server_that_died_leaves_text_without_an_end(load: Load, decode: Decode) -> None:
    answer = decode(PROTOCOL, "stream", load("llamacpp/killed_mid_stream")[2])
    assert text(answer).startswith("The history of traditional Chinese characters")
    assert [event for event in answer if not isinstance(event, Text)] == [Model("smollm2-135m")]


@pytest.mark.parametrize("name", ["vllm/engine_killed_chat_stream", "vllm/sigterm_chat_stream"])
def test_done_after_an_error_is_no_success(load: Load, decode: Decode, name: str) -> None:
    body = load(name)[2]
    assert body.rstrip().endswith(b"data: [DONE]")
    answer = decode(PROTOCOL, "stream", body)
    assert text(answer).startswith("The river is a timeless")
    assert only(answer, End, Finish) == []
    failure = answer[-1]
    assert isinstance(failure, Failure)
    assert failure.code == "server"
    assert failure.detail.startswith("EngineCore encountered an issue.")


# --- by the reference -------------------------------------------------------------------------


@pytest.mark.parametrize("member", ["reasoning", "reasoning_content"])
def test_reasoning_is_kept_apart(decode: Decode, member: str) -> None:
    answer = decode(
        PROTOCOL, "stream", sse(delta(**{member: "hm"}), delta(content="Nile"), delta("stop"))
    )
    assert (text(answer, "reasoning"), text(answer)) == ("hm", "Nile")
    answer = decode(PROTOCOL, "blocking", whole(content="Nile", **{member: "hm"}))
    assert (text(answer, "reasoning"), text(answer)) == ("hm", "Nile")


def test_reasoning_in_both_members_is_said_once(decode: Decode) -> None:
    both = delta(reasoning="hm", reasoning_content="hm", content="Nile")
    answer = decode(PROTOCOL, "stream", sse(both))
    assert only(answer, Text) == [Text("reasoning", "hm"), Text("answer", "Nile")]


def test_tags_are_split_where_the_server_did_not(decode: Decode) -> None:
    pieces = ["<thi", "nk>h", "m</", "think>", "Ni", "le"]
    answer = decode(PROTOCOL, "stream", sse(*(delta(content=piece) for piece in pieces)))
    assert (text(answer, "reasoning"), text(answer)) == ("hm", "Nile")
    answer = decode(PROTOCOL, "blocking", whole(content="".join(pieces)))
    assert (text(answer, "reasoning"), text(answer)) == ("hm", "Nile")


def test_tags_are_text_where_the_server_did(decode: Decode) -> None:
    answer = decode(PROTOCOL, "stream", sse(delta(reasoning="hm"), delta(content="<think>x")))
    assert (text(answer, "reasoning"), text(answer)) == ("hm", "<think>x")


@pytest.mark.parametrize(
    "ending",
    [b"data: [DONE]\n\n", b"", b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n',
     b'data: {"error":{"message":"x"}}\n\n'],
)  # fmt: skip
def test_what_was_held_back_is_never_lost(decode: Decode, ending: bytes) -> None:
    body = sse(delta(content="<thin"), done=False) + ending
    assert text(decode(PROTOCOL, "stream", body)) == "<thin"


def test_chunks_without_text(decode: Decode) -> None:
    answer = decode(
        PROTOCOL,
        "stream",
        sse(
            {"model": "", "choices": []},
            {"choices": None},
            {"object": "chat.completion.chunk", "prompt_progress": {"total": 9, "processed": 3}},
            {"choices": [{"delta": None, "finish_reason": None}]},
            {"choices": [{"index": None, "delta": {"role": "assistant", "content": None}}]},
            {"choices": [{"index": 1, "delta": {"content": "another"}, "finish_reason": "stop"}]},
        ),
    )
    assert answer == [End()]


def test_text_in_the_finish_chunk_counts(decode: Decode) -> None:
    answer = decode(PROTOCOL, "stream", sse(delta("length", content="Nile")))
    assert answer == [Model("m"), Text("answer", "Nile"), Finish("length"), End()]


def test_tool_calls(decode: Decode) -> None:
    def call(**function: str) -> dict[str, Any]:
        return delta(tool_calls=[{"index": 0, "id": "c1", "function": function}])

    streamed = sse(
        call(name="weather", arguments=""),
        call(arguments='{"city":'),
        call(arguments='"Oslo"}'),
        delta("tool_calls"),
    )
    answer = decode(PROTOCOL, "stream", streamed)
    assert text(answer, "tool") == 'weather{"city":"Oslo"}'
    assert text(answer) == ""
    assert only(answer, Finish) == [Finish("tool")]

    function = {"name": "weather", "arguments": '{"city":"Oslo"}'}
    for said in ({"tool_calls": [{"function": function}]}, {"function_call": function}):
        # ``stop`` is what some servers say whatever it was.
        blocking = decode(PROTOCOL, "blocking", whole("stop", content=None, **said))
        assert text(blocking, "tool") == text(answer, "tool")
        assert only(blocking, Finish) == [Finish("tool")]


def test_a_refusal_is_what_the_person_reads(decode: Decode) -> None:
    answer = decode(
        PROTOCOL, "stream", sse(delta(refusal="I "), delta(refusal="won't."), delta("stop"))
    )
    assert text(answer) == "I won't."
    assert {event.reason for event in answer if isinstance(event, Finish)} == {"filter"}
    assert answer[-1] == End()


@pytest.mark.parametrize(
    ("reason", "ended"),
    [("stop", "stop"), ("length", "length"), ("tool_calls", "tool"), ("function_call", "tool"),
     ("content_filter", "filter"), ("abort", "incomplete"), ("repetition", "filter"),
     ("max_tokens", "length"), ("MAX_TOKENS", "length"), ("never heard of", "stop")],
)  # fmt: skip
def test_finish_reasons(decode: Decode, reason: str, ended: Ended) -> None:
    streamed = decode(PROTOCOL, "stream", sse(delta(reason, content="x")))
    blocking = decode(PROTOCOL, "blocking", whole(reason, content="x"))
    assert only(streamed, Finish) == only(blocking, Finish) == [Finish(ended)]


def test_usage_is_taken_from_any_chunk_and_zero_is_no_count(decode: Decode) -> None:
    usage = {
        "prompt_tokens": 21,
        "completion_tokens": 9.0,
        "prompt_tokens_details": {"cached_tokens": 16},
        "completion_tokens_details": {"reasoning_tokens": 4},
    }
    zero = {"prompt_tokens": 0, "completion_tokens": 0, "prompt_tokens_details": None}
    body = sse(
        delta(content="x") | {"usage": zero},
        delta("stop") | {"usage": usage},
        {"choices": [], "usage": zero},
    )
    assert only(decode(PROTOCOL, "stream", body), Usage) == [
        Usage(Tokens(prompt=21, output=9, reasoning=4, cached=16))
    ]


def test_vllm_metrics(decode: Decode) -> None:
    metrics = {"time_to_first_token_ms": 50.0, "queue_time_ms": 2.0, "generation_time_ms": 900}
    answer = decode(PROTOCOL, "stream", sse({"choices": [], "metrics": metrics}))
    assert only(answer, Timings) == [
        Timings(ServerTimings(queue_s=0.002, prefill_s=0.05, decode_s=0.9, source="vllm"))
    ]


@pytest.mark.parametrize("extra", [None, {}, [], "fast", {"prompt_ms": 0}])
def test_odd_timings_cost_no_answer(decode: Decode, extra: Any) -> None:
    body = sse(delta("stop", content="x") | {"timings": extra, "metrics": extra})
    answer = decode(PROTOCOL, "stream", body)
    assert answer == [Model("m"), Text("answer", "x"), Finish("stop"), End()]


@pytest.mark.parametrize("number", ["-5", "1e18", "1e400", "NaN", "-Infinity", '"x"', "true"])
@pytest.mark.parametrize(
    "extra",
    [
        '{"timings":{"predicted_ms":%s}}',
        '{"metrics":{"generation_time_ms":%s}}',
        '{"usage":{"completion_tokens":%s}}',
        '{"usage":{"completion_tokens_details":{"reasoning_tokens":%s}}}',
    ],
)
def test_a_figure_that_cannot_be_is_left_out_and_told(
    decode: Decode, extra: str, number: str
) -> None:
    body = sse(delta("stop", content="x")).replace(b"data: [DONE]", b"data: %s\n\ndata: [DONE]")
    answer = decode(PROTOCOL, "stream", body % (extra % number).encode())
    assert answer == [
        Model("m"), Text("answer", "x"), Finish("stop"), Flag("impossible-figures"), End(),
    ]  # fmt: skip


def test_keep_alives_are_pings_and_no_text(decode: Decode) -> None:
    body = b": OPENROUTER PROCESSING\n\n:\n\ndata: : keepalive\n\n" + sse(delta(content="x"))
    answer = decode(PROTOCOL, "stream", body)
    assert answer == [Ping(), Ping(), Ping(), Model("m"), Text("answer", "x"), End()]


def test_an_empty_event_is_nothing(decode: Decode) -> None:
    body = b"event: ping\ndata:\n\ndata\n\n" + sse(delta(content="x"))
    assert decode(PROTOCOL, "stream", body) == [Model("m"), Text("answer", "x"), End()]


def test_line_separators_inside_text(decode: Decode) -> None:
    said = "a\N{LINE SEPARATOR}b\x85c\x0cd"
    body = f'data: {{"choices":[{{"delta":{{"content":"{said}"}}}}]}}\n\n'.encode()
    assert text(decode(PROTOCOL, "stream", body)) == said


def test_lone_surrogates_do_not_end_a_run(decode: Decode) -> None:
    body = rb'{"choices":[{"index":0,"delta":{"content":"a\ud83d"},"finish_reason":null}]}'
    answer = decode(PROTOCOL, "stream", b"data: " + body + b"\n\n" + sse(delta(content="b")))
    assert text(answer) == "a\N{REPLACEMENT CHARACTER}b"
    blocking = decode(PROTOCOL, "blocking", body.replace(b"delta", b"message"))
    assert text(blocking) == "a\N{REPLACEMENT CHARACTER}"
    assert blocking[-1] == End()


# --- errors inside a good response ------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "code", "detail"),
    [
        # vLLM, and DONE behind it
        (sse({"error": {"message": "boom", "type": "X", "param": None, "code": 500}}),
         "server", "boom"),
        # llama.cpp, then and now
        (b'data: {"error":{"code":500,"message":"boom","type":"server_error"}}\n\n',
         "server", "boom"),
        (b'error: {"code":503,"message":"Loading model","type":"unavailable_error"}\n\n',
         "loading", "Loading model"),
        # OpenAI
        (b'data: {"error":{"message":"slow down","type":"rate_limit_error","code":null}}\n\n',
         "busy", "slow down"),
        # OpenRouter: an error and choices together
        (sse({"error": {"code": 502, "message": "upstream"},
              "choices": [{"delta": {"content": ""}, "finish_reason": "error"}]}, done=False),
         "server", "upstream"),
        (sse(delta("error")), "server", "finish_reason: error"),
        # named events, strings, and JSON without ``data:``
        (b'event: error\ndata: {"message":"boom","code":429}\n\n', "busy", "boom"),
        (b"event: error\ndata: boom\n\n", "server", "boom"),
        (b'event: error\ndata: "boom"\n\n', "server", "boom"),
        (sse({"error": "boom"}), "server", "boom"),
        (sse({"object": "error", "message": "boom", "code": 401}), "auth", "boom"),
        (b'{"error":"Unexpected endpoint or method. (POST /x)"}',
         "server", "Unexpected endpoint or method. (POST /x)"),
        (b'{\n  "error": {\n    "message": "boom"\n  }\n}\n', "server", "boom"),
        (b'[{\n  "error": {"message": "boom", "code": 404}\n}]\n', "server", "boom"),
    ],
)  # fmt: skip
def test_errors_in_a_stream(decode: Decode, body: bytes, code: FaultCode, detail: str) -> None:
    before = sse(delta(content="x"), done=False)
    answer = decode(PROTOCOL, "stream", before + body)
    assert text(answer) == "x"
    assert answer[-1] == Failure(code, detail)
    assert len(only(answer, Failure)) == 1
    assert only(answer, End) == []


@pytest.mark.parametrize(
    ("mode", "body", "words"),
    [
        ("stream", b"<!DOCTYPE html>\n<html>hello</html>\n", "<!DOCTYPE html>"),
        ("stream", b"data: Nile\n\n", "Nile"),
        ("stream", b'data: {"choices":[{"delta":{"content":5}}]}\n\n', "choices[0]"),
        ("stream", b'data: {"choices":"none"}\n\n', "$.choices"),
        ("stream", b'data: {"usage":"many"}\n\n', "usage"),
        ("stream", b'data: "text"\n\n', "Expected `object`"),
        ("stream", b"data: " + b"[" * 5000 + b"\n\n", "[[["),
        ("stream", b'data: {"cho', '{"cho'),
        ("blocking", b"Nile", "Nile"),
        ("blocking", b"{}", "no choices"),
        ("blocking", b'{"choices":[]}', "no choices"),
        ("blocking", sse(delta(content="x")), "data:"),
        ("blocking", b'{"choices":[{"message":{"content":["x"]}}]}', "content"),
    ],
)
def test_bytes_that_are_not_the_protocol(
    decode: Decode, mode: Mode, body: bytes, words: str
) -> None:
    (failure,) = only(decode(PROTOCOL, mode, body), Failure)
    assert isinstance(failure, Failure)
    assert failure.code == "malformed"
    assert words in failure.detail


def test_an_event_that_the_end_cut_is_no_complaint_about_its_form(decode: Decode) -> None:
    body = sse(delta(content="x"), done=False) + b'data: {"choices":[{"del'
    answer = decode(PROTOCOL, "stream", body)
    assert answer == [Model("m"), Text("answer", "x"), Flag("unterminated")]
    cut = whole(content="x")[:-10]
    assert decode(PROTOCOL, "blocking", cut) == [Flag("unterminated")]


def test_the_end_mark_without_its_blank_line(decode: Decode) -> None:
    answer = decode(PROTOCOL, "stream", sse(delta(content="x")).removesuffix(b"\n\n"))
    assert answer[1:] == [Text("answer", "x"), Flag("unterminated"), End()]


@pytest.mark.parametrize("end", [b"data:  [DONE] \n\n", b"event: done\n\n", b"[DONE]\n"])
def test_other_end_marks(decode: Decode, end: bytes) -> None:
    body = sse(delta(content="x"), done=False) + end + sse(delta(content="after"))
    assert decode(PROTOCOL, "stream", body) == [Model("m"), Text("answer", "x"), End()]


def test_without_an_end_mark_there_is_no_end(decode: Decode) -> None:
    assert decode(PROTOCOL, "stream", b"") == []
    assert decode(PROTOCOL, "blocking", b" \n") == []
    # Ollama's /v1 swallows an error that way.
    swallowed = sse({"model": "", "choices": [{"delta": {"content": ""}}]}, done=False)
    assert decode(PROTOCOL, "stream", swallowed) == []


def test_a_whole_answer_to_a_stream_request_is_flagged(decode: Decode) -> None:
    answer = decode(PROTOCOL, "stream", whole(content="Nile"))
    assert text(answer) == "Nile"
    assert answer[-2:] == [Flag("not-streamed"), End()]


def test_a_blocking_decoder_holds_everything() -> None:
    decoder = protocol(PROTOCOL).decoder("blocking")
    body = whole(content="Nile")
    assert [list(decoder.feed(body[i : i + 9])) for i in range(0, len(body), 9)] == [[]] * (
        -(-len(body) // 9)
    )
    assert Text("answer", "Nile") in decoder.finish()


# --- requests ---------------------------------------------------------------------------------

FULL = Request(
    prompt="Name three rivers.",
    system="Be brief.",
    temperature=0.0,
    top_p=1.0,
    seed=7,
    max_tokens=64,
    stop=("\n\n",),
)


def body_of(target: Target, request: Request, mode: Mode) -> dict[str, Any]:
    call = protocol(PROTOCOL).call(target, request, mode, None)
    assert call.method == "POST"
    found: dict[str, Any] = json.loads(call.body)
    return found


def test_the_whole_request(target: Target) -> None:
    common = {
        "model": "m",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Name three rivers."},
        ],
        "temperature": 0.0,
        "top_p": 1.0,
        "seed": 7,
        "max_tokens": 64,
        "stop": ["\n\n"],
    }
    streaming = {"stream": True, "stream_options": {"include_usage": True}}
    assert body_of(target, FULL, "stream") == common | streaming
    assert body_of(target, FULL, "blocking") == common | {"stream": False}


def test_what_is_not_set_is_left_to_the_server(target: Target) -> None:
    bare = Target(protocol=PROTOCOL, url=target.url)
    assert body_of(bare, Request(prompt="x"), "blocking") == {
        "messages": [{"role": "user", "content": "x"}],
        "stream": False,
    }


def test_openai_wants_another_name_for_the_limit() -> None:
    hosted = Target(protocol=PROTOCOL, url="https://api.openai.com/v1", model="m")
    body = body_of(hosted, FULL, "stream")
    assert body["max_completion_tokens"] == 64
    assert "max_tokens" not in body
    lookalike = Target(protocol=PROTOCOL, url="https://notopenai.com/v1", model="m")
    assert body_of(lookalike, FULL, "stream")["max_tokens"] == 64


@pytest.mark.parametrize(
    ("think", "effort", "enabled"),
    [(True, "medium", True), (False, "none", False), ("low", "low", True), ("none", "none", False)],
)
def test_thinking(target: Target, think: bool | str, effort: str, enabled: bool) -> None:
    request = Request(prompt="x", think=think)
    for mode in ("stream", "blocking"):
        body = body_of(target, request, mode)
        # The switch of the template does it there, and older servers refuse the word "none".
        assert body.get("reasoning_effort") == (effort if enabled else None)
        assert body["chat_template_kwargs"] == {"enable_thinking": enabled}
    for url, model in (
        ("https://api.openai.com/v1", "gpt-5.1"),
        ("https://openrouter.ai/api/v1", "m"),
    ):
        hosted = body_of(Target(protocol=PROTOCOL, url=url, model=model), request, "stream")
        assert hosted["reasoning_effort"] == effort
        assert "chat_template_kwargs" not in hosted


@pytest.mark.parametrize(
    ("url", "model", "unsent"),
    [
        ("https://api.openai.com/v1", "gpt-5-mini", ("temperature", "top_p", "think")),
        ("https://x.openai.azure.com/openai/v1", "o4-mini", ("temperature", "top_p", "think")),
        ("https://api.openai.com/v1", "gpt-5.2", ("temperature", "top_p")),
        ("https://api.openai.com/v1", "gpt-4o", ("think",)),
        ("https://api.openai.com/v1", "gpt-5-chat-latest", ("think",)),
        ("https://api.mistral.ai/v1", "o1", ("think",)),
        ("http://127.0.0.1:8000", "gpt-5", ()),
        ("http://127.0.0.1:11434", "o3-mini", ()),
    ],
)
def test_what_hosted_models_refuse_is_left_out_and_told(
    url: str, model: str, unsent: tuple[str, ...]
) -> None:
    target = Target(protocol=PROTOCOL, url=url, model=model)
    asked = msgspec.structs.replace(FULL, think=False)
    assert protocol(PROTOCOL).unsent(target, asked) == unsent
    for mode in ("stream", "blocking"):
        body = body_of(target, asked, mode)
        assert ("temperature" in body, "top_p" in body) == (("temperature" not in unsent),) * 2
        told = {"reasoning_effort", "chat_template_kwargs"} & set(body)
        assert bool(told) == ("think" not in unsent)


def test_what_a_person_names_is_sent_and_not_told_as_left_out() -> None:
    hosted = Target(protocol=PROTOCOL, url="https://api.openai.com/v1", model="o3")
    params = {"temperature": 0.5, "reasoning_effort": "minimal"}
    asked = Request(prompt="x", temperature=0.2, think=False, params=params)
    assert protocol(PROTOCOL).unsent(hosted, asked) == ()
    body = body_of(hosted, asked, "stream")
    assert (body["temperature"], body["reasoning_effort"]) == (0.5, "minimal")


def test_azure_takes_the_limit_as_openai_does() -> None:
    azure = Target(protocol=PROTOCOL, url="https://x.openai.azure.com/openai/v1", model="mine")
    assert body_of(azure, FULL, "stream")["max_completion_tokens"] == 64
    assert protocol(PROTOCOL).shortest(azure, FULL).max_tokens == 16


def test_params_come_last_but_do_not_switch_the_mode(target: Target) -> None:
    request = Request(
        prompt="x",
        temperature=1.0,
        params={
            "temperature": 0.5,
            "cache_prompt": False,
            "stream": False,
            "stream_options.continuous_usage_stats": True,
            "chat_template_kwargs.enable_thinking": False,
        },
    )
    body = body_of(target, request, "stream")
    assert body["stream"] is True
    assert body["stream_options"] == {"continuous_usage_stats": True, "include_usage": True}
    assert body["chat_template_kwargs"] == {"enable_thinking": False}
    assert body["temperature"] == 0.5
    blocking = body_of(target, request, "blocking")
    assert blocking["stream"] is False
    assert "stream_options" not in blocking
    same = {"stream", "stream_options"}
    assert {k: v for k, v in body.items() if k not in same} == {
        k: v for k, v in blocking.items() if k not in same
    }


def test_headers_and_routes(target: Target) -> None:
    call = protocol(PROTOCOL).call(target, FULL, "stream", "k3y")
    assert call.url == "http://127.0.0.1:8000/v1/chat/completions"
    assert call.headers["Authorization"] == "Bearer k3y"
    assert call.headers["Accept-Encoding"] == "identity"
    assert b"k3y" not in call.body
    assert protocol(PROTOCOL).models_url(target) == "http://127.0.0.1:8000/v1/models"


def test_model_lists(load: Load) -> None:
    speaker = protocol(PROTOCOL)
    assert speaker.parse_models(load("vllm/models")[2]) == ["smollm2"]
    assert speaker.parse_models(load("llamacpp/get_v1_models")[2]) == ["smollm2-135m"]
    for other in (b"", b"<html>", b"{}", b'{"data":null}', b'{"data":[{"id":5}]}', b"[]"):
        assert speaker.parse_models(other) == []


@pytest.mark.parametrize("name", [PROTOCOL, "openai-completions"])
def test_json_without_any_choices_is_no_answer(decode: Decode, name: str) -> None:
    assert decode(name, "stream", b'{"status":"ok"}') == [
        Failure("malformed", 'no answer in it: {"status":"ok"}')
    ]
    assert decode(name, "stream", b'{"detail":"Not allowed"}') == [Failure("server", "Not allowed")]
    # Gateways put chunks of their own between the others.
    odd = b'data: {"x":1}\n\ndata: {"choices":[]}\n\n'
    assert decode(name, "stream", odd) == []
