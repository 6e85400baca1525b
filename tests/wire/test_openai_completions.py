"""completions: what real servers sent, and what the reference says that they may send."""

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

PROTOCOL = "openai-completions"
MODES: tuple[Mode, ...] = ("stream", "blocking")


def text(events: Sequence[Event], kind: TextKind = "answer") -> str:
    return "".join(e.text for e in events if isinstance(e, Text) and e.kind == kind)


def only(events: Sequence[Event], *kinds: type) -> list[Event]:
    return [event for event in events if isinstance(event, kinds)]


def chunk(said: str | None = "", finish: str | None = None, **members: Any) -> dict[str, Any]:
    choice = {"text": said, "index": 0, "logprobs": None, "finish_reason": finish}
    return {"object": "text_completion", "model": "m", "choices": [choice], **members}


def sse(*payloads: Any, done: bool = True) -> bytes:
    texts = [*map(json.dumps, payloads), *["[DONE]"][: int(done)]]
    return "".join(f"data: {each}\n\n" for each in texts).encode()


# --- recorded ---------------------------------------------------------------------------------

STATES = " Paris.\n\nThe United States has"
TWO = " Paris.\n\nThe answer is: 2\n\nThe answer is: 2"


@pytest.mark.parametrize(
    ("name", "said", "ended", "tokens"),
    [
        ("llamacpp/completions_stream", STATES, "length", Tokens(prompt=5, output=8, cached=0)),
        ("llamacpp/completions_blocking", STATES, "length", Tokens(prompt=5, output=8, cached=4)),
        ("vllm/completions_stream", TWO, "stop", Tokens(prompt=5, output=19)),
        ("vllm/completions_stream_continuous", TWO, "stop", Tokens(prompt=5, output=19)),
        ("vllm/completions_blocking", TWO, "stop", Tokens(prompt=5, output=19)),
        ("vllm/interval4_completions_stream", TWO, "stop", Tokens(prompt=5, output=19, cached=0)),
    ],
)
def test_recorded_answers(
    load: Load, decode: Decode, name: str, said: str, ended: Ended, tokens: Tokens
) -> None:
    status, mode, body = load(name)
    assert status == 200
    answer = decode(PROTOCOL, mode, body)
    assert text(answer) == said
    assert only(answer, Finish) == [Finish(ended)]
    assert only(answer, Failure, Flag) == []
    assert answer[-1] == End()
    assert only(answer, Usage)[-1] == Usage(tokens)
    assert len(only(answer, Model)) == 1


def test_llama_cpp_timings(load: Load, decode: Decode) -> None:
    answer = decode(PROTOCOL, "stream", load("llamacpp/completions_stream")[2])
    assert only(answer, Timings) == [
        Timings(
            ServerTimings(
                prefill_s=22.927 / 1000,
                decode_s=49.816 / 1000,
                prefill_tokens=5,
                decode_tokens=8,
                source="llama.cpp",
            )
        )
    ]


def test_a_stream_that_was_cut_leaves_text_without_an_end(load: Load, decode: Decode) -> None:
    body = load("vllm/completions_stream")[2]
    answer = decode(PROTOCOL, "stream", body[: len(body) // 2])
    assert TWO.startswith(text(answer))
    assert len(text(answer)) > 10
    assert only(answer, Finish, End, Failure) == []
    blocking = load("vllm/completions_blocking")[2].strip()
    assert decode(PROTOCOL, "blocking", blocking[:-20]) == [Flag("unterminated")]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("vllm/err_unknown_model_completions", "model"),
        ("vllm/err_prompt_too_long_completions_stream", "request"),
        ("vllm/auth_missing_chat", "auth"),
        ("llamacpp/503_loading", "loading"),
        ("llamacpp/apikey_nokey", "auth"),
        ("llamacpp/err_404", "url"),
    ],
)
def test_recorded_refusals(load: Load, target: Target, name: str, code: FaultCode) -> None:
    status, _, body = load(name)
    fault = protocol(PROTOCOL).fault(target, status, body)
    assert (fault.code, fault.status) == (code, status)
    assert ("/v1/completions" in fault.sentence) is (code == "url")


# --- by the reference -------------------------------------------------------------------------


def test_text_in_the_finish_chunk_counts(decode: Decode) -> None:
    answer = decode(PROTOCOL, "stream", sse(chunk("Ni"), chunk("le", "length")))
    assert answer == [
        Model("m"), Text("answer", "Ni"), Text("answer", "le"), Finish("length"), End(),
    ]  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
def test_tags_are_split_where_the_server_did_not(decode: Decode, mode: Mode) -> None:
    pieces = ["<thi", "nk>h", "m</", "think>", "Ni", "le"]
    whole = json.dumps(chunk("".join(pieces), "stop")).encode()
    body = sse(*map(chunk, pieces)) if mode == "stream" else whole
    answer = decode(PROTOCOL, mode, body)
    assert (text(answer, "reasoning"), text(answer)) == ("hm", "Nile")


@pytest.mark.parametrize("ending", [b"data: [DONE]\n\n", b"", b'data: {"error":"x"}\n\n'])
def test_what_was_held_back_is_never_lost(decode: Decode, ending: bytes) -> None:
    body = sse(chunk("<thin"), done=False) + ending
    assert text(decode(PROTOCOL, "stream", body)) == "<thin"


def test_ollama_thinks_in_silence(decode: Decode) -> None:
    # Thinking is dropped, but its chunks come; each has a usage of zero, the last one the true one.
    zero = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    body = sse(
        chunk("", usage=zero),
        chunk("", usage=zero),
        chunk("Nile", usage=zero),
        chunk("", "stop", usage=zero),
        chunk(usage=zero | {"prompt_tokens": 9, "completion_tokens": 7}) | {"choices": []},
    )
    assert decode(PROTOCOL, "stream", body) == [
        Model("m"), Text("answer", "Nile"), Finish("stop"), Usage(Tokens(prompt=9, output=7)),
        End(),
    ]  # fmt: skip


def test_chunks_without_text(decode: Decode) -> None:
    body = sse(
        {"choices": []},
        {"choices": None},
        {"choices": [{"index": None, "text": None}]},
        {"choices": [{"index": 1, "text": "another", "finish_reason": "stop"}]},
        {"prompt_progress": {"total": 9, "processed": 3}, "choices": [{"text": ""}]},
    )
    assert decode(PROTOCOL, "stream", body) == [End()]


@pytest.mark.parametrize(
    ("reason", "ended"),
    [("stop", "stop"), ("length", "length"), ("content_filter", "filter"),
     ("abort", "incomplete"), ("repetition", "filter"), ("never heard of", "stop")],
)  # fmt: skip
def test_finish_reasons(decode: Decode, reason: str, ended: Ended) -> None:
    streamed = decode(PROTOCOL, "stream", sse(chunk("x"), chunk("", reason)))
    blocking = decode(PROTOCOL, "blocking", json.dumps(chunk("x", reason)).encode())
    assert only(streamed, Finish) == only(blocking, Finish) == [Finish(ended)]


def test_vllm_metrics(decode: Decode) -> None:
    metrics = {"time_to_first_token_ms": 50.0, "queue_time_ms": 2.0, "generation_time_ms": 900}
    answer = decode(PROTOCOL, "stream", sse({"choices": [], "metrics": metrics}))
    assert only(answer, Timings) == [
        Timings(ServerTimings(queue_s=0.002, prefill_s=0.05, decode_s=0.9, source="vllm"))
    ]


@pytest.mark.parametrize("number", ["-5", "1e400", "NaN", '"x"'])
def test_a_figure_that_cannot_be_is_left_out_and_told(decode: Decode, number: str) -> None:
    body = sse(chunk("x", "stop"), chunk(usage={"completion_tokens": 0}) | {"choices": []})
    answer = decode(PROTOCOL, "stream", body.replace(b'tokens": 0', b'tokens": ' + number.encode()))
    assert answer[-3:] == [Finish("stop"), Flag("impossible-figures"), End()]


def test_keep_alives_are_pings_and_no_text(decode: Decode) -> None:
    answer = decode(PROTOCOL, "stream", b":\n\n: keep-alive\n\n" + sse(chunk(" ")))
    assert answer == [Ping(), Ping(), Model("m"), Text("answer", " "), End()]


@pytest.mark.parametrize(
    ("body", "code", "detail"),
    [
        (sse({"error": {"message": "boom", "type": "X", "param": None, "code": 500}}),
         "server", "boom"),
        (b'data: {"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}\n\n',
         "loading", "Loading model"),
        (b'error: {"code":500,"message":"boom","type":"server_error"}\n\n', "server", "boom"),
        (sse({"error": {"code": 429, "message": "slow"}} | chunk("", "error")), "busy", "slow"),
        (sse(chunk("", "error")), "server", "finish_reason: error"),
        (sse({"object": "error", "message": "boom", "code": 401}), "auth", "boom"),
        (b'{"error":"Unexpected endpoint"}', "server", "Unexpected endpoint"),
    ],
)  # fmt: skip
def test_errors_in_a_stream(decode: Decode, body: bytes, code: FaultCode, detail: str) -> None:
    answer = decode(PROTOCOL, "stream", sse(chunk("x"), done=False) + body)
    assert answer == [Model("m"), Text("answer", "x"), Failure(code, detail)]


def test_ollama_swallows_an_error(decode: Decode) -> None:
    body = sse(chunk("x"), {"model": "", "choices": [{"text": ""}]}, done=False)
    assert decode(PROTOCOL, "stream", body) == [Model("m"), Text("answer", "x")]


@pytest.mark.parametrize(
    ("mode", "body", "words"),
    [
        ("stream", b"<!DOCTYPE html>\n", "<!DOCTYPE html>"),
        ("stream", b'data: {"choices":[{"text":5}]}\n\n', "text"),
        ("stream", b"data: Nile\n\n", "Nile"),
        ("blocking", b"{}", "no choices"),
        ("blocking", b'{"choices":[]}', "no choices"),
        ("blocking", sse(chunk("x")), "data:"),
    ],
)
def test_bytes_that_are_not_the_protocol(
    decode: Decode, mode: Mode, body: bytes, words: str
) -> None:
    (failure,) = decode(PROTOCOL, mode, body)
    assert isinstance(failure, Failure)
    assert failure.code == "malformed"
    assert words in failure.detail


def test_a_whole_answer_to_a_stream_request_is_flagged(load: Load, decode: Decode) -> None:
    for name in ("llamacpp/completions_blocking", "vllm/completions_blocking"):
        answer = decode(PROTOCOL, "stream", load(name)[2])
        assert answer[-2:] == [Flag("not-streamed"), End()]


def test_an_answer_of_one_token_is_no_whole_answer(decode: Decode) -> None:
    usage = {"prompt_tokens": 5, "completion_tokens": 1}
    answer = decode(PROTOCOL, "stream", sse(chunk("Nile", "length", usage=usage)))
    assert only(answer, Flag) == []
    assert answer[-1] == End()


def test_a_stream_without_its_end_mark_is_no_whole_answer(decode: Decode) -> None:
    usage = {"prompt_tokens": 5, "completion_tokens": 2}
    body = sse(chunk("Ni"), chunk("le", "stop", usage=usage), done=False)
    assert only(decode(PROTOCOL, "stream", body), Flag, End) == []


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
    params={"cache_prompt": False, "stream": "perhaps"},
)


def test_the_whole_request(target: Target) -> None:
    common = {
        "model": "m",
        "prompt": "Name three rivers.",
        "max_tokens": 64,
        "temperature": 0.0,
        "top_p": 1.0,
        "seed": 7,
        "stop": ["\n\n"],
        "cache_prompt": False,
    }
    streaming = {"stream": True, "stream_options": {"include_usage": True}}
    for mode in MODES:
        rest = streaming if mode == "stream" else {"stream": False}
        call = protocol(PROTOCOL).call(target, FULL, mode, "k3y")
        assert (call.method, call.url) == ("POST", "http://127.0.0.1:8000/v1/completions")
        assert call.headers["Authorization"] == "Bearer k3y"
        assert json.loads(call.body) == common | rest
    assert protocol(PROTOCOL).models_url(target) == "http://127.0.0.1:8000/v1/models"


def test_what_is_not_set_is_left_to_the_server() -> None:
    bare = Target(protocol=PROTOCOL, url="http://h/v1/")
    call = protocol(PROTOCOL).call(bare, Request(prompt="x"), "blocking", None)
    assert json.loads(call.body) == {"prompt": "x", "stream": False}
    assert call.url == "http://h/v1/completions"


def test_what_cannot_be_sent_is_told(target: Target) -> None:
    speaker = protocol(PROTOCOL)
    assert speaker.unsent(target, FULL) == ("system", "think")
    assert speaker.unsent(target, Request(prompt="x", seed=7, stop=("a",))) == ()
    named = Request(prompt="x", think=True, params={"think": True})
    assert speaker.unsent(target, named) == ()
