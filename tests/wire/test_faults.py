"""Every failure is one sentence: what failed, where, what to do, and never a key."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamscope.trace import Fault, FaultCode, Mode, Target
from streamscope.wire import faults
from streamscope.wire.events import Failure
from streamscope.wire.messages import MESSAGE_CHARS, clean, read_report
from streamscope.wire.registry import protocol

Load = Callable[[str], tuple[int, Mode, bytes]]

OPENAI = Target(protocol="openai-chat", url="http://127.0.0.1:8000", model="m")
OLLAMA = Target(protocol="ollama-chat", url="http://127.0.0.1:11434", model="qwen3:4b")


def refused(target: Target, status: int, body: Any) -> Fault:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return protocol(target.protocol).fault(target, status, data)


def check(fault: Fault) -> None:
    """Hold a fault to what all of them promise."""
    sentence = fault.sentence
    assert sentence.endswith(".")
    assert not sentence.endswith("..")
    assert ": " in sentence
    assert sentence.isprintable()
    assert len(sentence) < 1000
    assert len(fault.detail) <= MESSAGE_CHARS


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("llamacpp/503_loading", "loading", "Loading model"),
        ("llamacpp/apikey_nokey", "auth", "Invalid API Key"),
        ("llamacpp/err_404", "url", "/v1/chat/completions"),
        ("llamacpp/err_bad_param_stream", "request", "type must be boolean"),
        ("llamacpp/err_missing_messages", "request", "'messages' is required"),
        ("llamacpp/err_too_long_stream", "request", "shorten the prompt"),
        ("vllm/auth_missing_chat", "auth", "Unauthorized"),
        ("vllm/auth_wrong_chat_stream", "auth", "Unauthorized"),
        ("vllm/err_unknown_model_chat", "model", "--model"),
        ("vllm/err_wrong_path", "url", "does it end in /v1?"),
        ("vllm/err_wrong_method_get_chat", "url", "Method Not Allowed"),
        ("vllm/err_prompt_too_long_chat_stream", "request", "shorten the prompt"),
        ("vllm/err_max_tokens_too_big_chat_stream", "request", "--max-tokens"),
        ("vllm/err_temperature_banana", "request", "banana"),
        ("vllm/err_malformed_json_chat", "request", "json_invalid"),
        ("vllm/err_stream_options_without_stream", "request", "Stream options"),
        ("vllm/engine_killed_chat_blocking", "server", "EngineCore"),
        ("vllm/sigterm_chat_blocking", "server", "log"),
    ],
)
def test_recorded_refusals(load: Load, name: str, code: FaultCode, words: str) -> None:
    status, _, body = load(name)
    fault = refused(OPENAI, status, body)
    check(fault)
    assert (fault.code, fault.status) == (code, status)
    assert words in fault.sentence
    assert OPENAI.url in fault.sentence


@pytest.mark.parametrize(
    ("status", "body", "code", "words"),
    [
        (404, {"error": "model 'qwen3:4b' not found"}, "model", "`ollama pull qwen3:4b`"),
        (404, b"404 page not found", "url", "/api/chat"),
        (400, {"error": "model is required"}, "model", "ollama pull"),
        (400, {"error": '"qwen3:4b" does not support thinking'}, "request", "--think"),
        (400, {"error": '"qwen3:4b" does not support chat'}, "request", "does not support chat"),
        (400, {"error": 'invalid think value: "huge"'}, "request", "--think"),
        (401, {"error": "unauthorized", "signin_url": "https://x"}, "auth", "API key"),
        (403, b"", "auth", "host name in the URL"),
        (499, {"error": "request canceled"}, "request", "request canceled"),
        (500, {"error": 'option "stop" must be of type array'}, "request", "option"),
        (500, {"error": "model requires more system memory (9 GiB)"}, "server", "9 GiB"),
        (502, {"error": "upstream"}, "server", "may be down"),
        (503, {"error": "server busy, please try again.  maximum pending requests exceeded"},
         "busy", "run again"),
    ],
)  # fmt: skip
def test_ollama_refusals(status: int, body: Any, code: FaultCode, words: str) -> None:
    fault = refused(OLLAMA, status, body)
    check(fault)
    assert (fault.code, fault.status) == (code, status)
    assert words in fault.sentence


@pytest.mark.parametrize(
    ("protocol", "said", "way"),
    [
        ("openai-chat", "Unsupported value: 'temperature' does not support 0.2 with this model.",
         "--param temperature=null"),
        ("anthropic", "`temperature` may only be set to 1 when thinking is enabled.",
         "--param temperature=null"),
        ("openai-responses", "Unrecognized request argument supplied: seed", "--param seed=null"),
        ("gemini", "Invalid topP: unsupported", "--param generationConfig.topP=null"),
        ("ollama-chat", "invalid option seed", "--param options.seed=null"),
        ("openai-chat", "Unrecognized request argument supplied: reasoning_effort",
         "--param reasoning_effort=null"),
        ("openai-chat", "extra field chat_template_kwargs", "--param chat_template_kwargs=null"),
    ],
)  # fmt: skip
def test_what_nobody_asked_for_can_be_left_out(protocol: str, said: str, way: str) -> None:
    target = Target(protocol=protocol, url="http://127.0.0.1:8000", model="m")
    fault = refused(target, 400, json.dumps({"error": {"message": said}}).encode())
    check(fault)
    assert fault.code == "request"
    assert way in fault.sentence


@pytest.mark.parametrize(
    ("status", "body", "code", "words"),
    [
        # Ollama's /v1, OpenAI, OpenRouter, vLLM, FastAPI, Gemini's list, LM Studio
        (404, {"error": {"message": "model 'x' not found", "type": "not_found_error"}},
         "model", "not found"),
        (404, {"error": {"message": "The model x", "code": "model_not_found"}}, "model", "--model"),
        (400, {"error": {"message": "x/y is not a valid model ID", "code": 400}},
         "model", "--model"),
        (429, {"error": {"message": "Rate limit reached"}}, "busy", "wait"),
        (408, b"", "busy", "(408)"),
        (529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
         "busy", "Overloaded"),
        (402, {"error": {"message": "Insufficient credits"}}, "request", "Insufficient credits"),
        (400, {"error": {"message": "Unsupported parameter: 'max_tokens'"}}, "request", "--param"),
        (403, {"error": {"message": "no"}}, "auth", "API key"),
        (422, {"detail": [{"loc": ["body", "prompt"], "msg": "Field required"}]},
         "request", "body.prompt: Field required"),
        (400, [{"error": {"code": 400, "message": "API key not valid", "status": "X"}}],
         "auth", "set the right API key"),
        (400, {"message": "plain"}, "request", "plain"),
        (400, "just a string", "request", "just a string"),
        (400, {"error": {"detail": "inside"}}, "request", "inside"),
        (400, {"error": {"kind": 5}}, "request", '{"kind":5}'),
        (500, b"Internal Server Error", "server", "Internal Server Error"),
        (502, b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>",
         "server", "502 Bad Gateway"),
        (504, b"<p>slow</p>", "server", "slow"),
        (501, {"error": {"type": "not_supported_error", "message": "no"}}, "server", "no"),
        (503, b"", "server", "(503)"),
        (404, b"<title>Models and more</title>", "url", "Models and more"),
        (413, b"", "request", "(413)"),
    ],
)  # fmt: skip
def test_other_refusals(status: int, body: Any, code: FaultCode, words: str) -> None:
    fault = refused(OPENAI, status, body)
    check(fault)
    assert (fault.code, fault.status) == (code, status)
    assert words in fault.sentence


def test_a_sentence_in_full() -> None:
    fault = refused(OPENAI, 404, {"error": {"message": "The model `m` does not exist."}})
    assert fault.sentence == (
        "http://127.0.0.1:8000 does not know the model “m” "
        "(404: “The model `m` does not exist”): name one that it has with --model."
    )
    assert fault.detail == "The model `m` does not exist."


def test_a_missing_model_name_is_asked_for() -> None:
    bare = Target(protocol="openai-chat", url=OPENAI.url)
    fault = refused(bare, 404, {"error": "no such model"})
    assert "wants the name of a model" in fault.sentence


@pytest.mark.parametrize(
    ("body", "leads"),
    [
        (b"https://other.example/v1/chat/completions", "https://other.example/v1/chat/completions"),
        (b"/v2/chat", "http://127.0.0.1:8000/v2/chat"),
        (b'<html><a HREF="https://other.example/">Moved</a></html>', "https://other.example/"),
        (b"https://me:secret@other.example/?key=secret", "https://other.example/"),
        (b"Moved somewhere", None),
        (b"", None),
    ],
)
def test_redirects_name_where_they_lead(body: bytes, leads: str | None) -> None:
    fault = refused(OPENAI, 308, body)
    check(fault)
    assert (fault.code, fault.status) == ("url", 308)
    assert (f"redirects to {leads} (308)" if leads else "redirects (308)") in fault.sentence
    assert "secret" not in fault.sentence + fault.detail


@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        (faults.unreachable(OLLAMA, "[Errno 111]"), "unreachable",
         "at http://127.0.0.1:11434: start Ollama (`ollama serve`), or choose another server"),
        (faults.unreachable(OPENAI, ""), "unreachable", "until its model is loaded"),
        (faults.dns(OPENAI), "unreachable", "The name 127.0.0.1 has no address"),
        (faults.tls(OPENAI, "CERTIFICATE_VERIFY_FAILED"), "tls", "certificate"),
        (faults.tls(OPENAI, "[SSL: WRONG_VERSION_NUMBER]"), "tls", "http://"),
        (faults.bad_url("http://me:secret@h", "No good."), "url", "(No good)"),
        (faults.cut(OPENAI, "peer closed"), "cut", "(peer closed)"),
        (faults.cut(OPENAI, ""), "cut", "whole: look"),
        (faults.silence(OPENAI, 60.0, False), "silence", "nothing for 60 s"),
        (faults.silence(OPENAI, 0.5, True), "silence", "in the middle of its answer, for 0.5 s"),
        (faults.timeout(OPENAI, 300.0), "timeout", "300 s"),
        (faults.timeout(OPENAI, None), "timeout", "--timeout"),
        (faults.oversize("the answer", "9 chunks"), "oversize", "The answer passed the limit of 9"),
        (faults.malformed(OPENAI, "<html>"), "malformed", "is not openai-chat (<html>)"),
    ],
)  # fmt: skip
def test_transport_troubles(fault: Fault, code: FaultCode, words: str) -> None:
    check(fault)
    assert fault.code == code
    assert fault.status is None
    assert words in fault.sentence
    assert "secret" not in fault.sentence


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (Failure("server", "boom"), "inside its answer “boom”: look into the server's log"),
        (Failure("server", ""), "inside its answer: look"),
        (Failure("busy", "slow"), "run again"),
        (Failure("auth", "no"), "API key"),
        (Failure("model", "no"), "--model"),
        (Failure("loading", "Loading model"), "until it is ready"),
        (Failure("request", "exceeds the available context size"), "shorten the prompt"),
        (Failure("malformed", "<html>"), "is not openai-chat"),
        (Failure("oversize", "32 bytes in one piece"), "limit of 32 bytes in one piece"),
    ],
)
def test_failures_inside_an_answer(failure: Failure, words: str) -> None:
    fault = faults.in_stream(OPENAI, failure)
    check(fault)
    assert fault.code == failure.code
    assert words in fault.sentence


@pytest.mark.parametrize(
    ("value", "failure"),
    [
        ({"error": "boom"}, Failure("server", "boom")),
        ({"error": {"message": "m", "code": 429}}, Failure("busy", "m")),
        ({"error": {"message": "m", "code": "429"}}, Failure("busy", "m")),
        ({"error": {"message": "m", "code": 404}}, Failure("server", "m")),
        ({"error": {"message": "model m", "code": 404}}, Failure("model", "model m")),
        ({"error": {"message": "m", "code": 99999}}, Failure("server", "m")),
        ({"error": {"message": "m", "type": "invalid_request_error"}}, Failure("request", "m")),
        ({"error": {"message": "m", "type": "invalid_request_error", "code": "too_long"}},
         Failure("request", "m")),
        ({"error": {"message": "Cannot find m", "type": "model_not_found"}},
         Failure("model", "Cannot find m")),
        ({"error": {"message": "API key not valid. Pass another.", "code": 400}},
         Failure("auth", "API key not valid. Pass another.")),
        ({"error": True}, Failure("server", "true")),
        ({"message": "m", "code": 401}, Failure("auth", "m")),
        ({}, Failure("server", "")),
        (None, Failure("server", "")),
    ],
)  # fmt: skip
def test_errors_that_a_stream_reports(value: Any, failure: Failure) -> None:
    assert faults.reported(value) == failure


KEY = "sk-proj-abcdefghijklmnop"


@pytest.mark.parametrize(
    "message",
    [
        f"Incorrect API key provided: {KEY}. Find yours at https://x.",
        f"Authorization: Bearer {KEY}",
        "bad header 'bearer abcdefghijklmnop'",
        "api_key=abcdefghijklmnop",
        "API key AIzaabcdefghijklmnop is not valid",
        "Incorrect API key provided: sk-abcd*********************mnop.",
    ],
)
def test_keys_that_servers_repeat_are_taken_out(message: str) -> None:
    fault = refused(OPENAI, 401, {"error": {"message": message}})
    check(fault)
    for shown in (fault.sentence, fault.detail):
        assert "mnop" not in shown
        assert "…" in shown


def test_words_about_keys_are_left_alone() -> None:
    message = "Invalid API key: please set one (token: missing)"
    assert clean(message) == message


def test_untrusted_words_are_made_harmless() -> None:
    message = "a\x1b[31mred\x07 b\u202ec\u2028d\x9be\ud800f\nsecond line" + "x" * 9000
    fault = refused(OPENAI, 500, {"error": message})
    check(fault)
    assert "a [31mred  b c d e" in fault.detail
    assert fault.detail.count("\n") == 1
    assert all(char == "\n" or char.isprintable() for char in fault.detail)


@given(st.integers(300, 599), st.binary(max_size=200) | st.text().map(str.encode))
def test_any_body_makes_a_sentence(status: int, body: bytes) -> None:
    check(refused(OPENAI, status, body))


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error", "message", "detail", "code", "type", "msg", "loc"]), inner
        )
    ),
    max_leaves=8,
)


@given(JSON)
def test_any_json_makes_a_sentence(value: Any) -> None:
    check(refused(OLLAMA, 500, json.dumps(value).encode()))
    check(faults.in_stream(OPENAI, faults.reported(value)))


def test_plain_text_is_cut_short() -> None:
    assert read_report(b"x" * 5000).text == "x" * 199 + "…"
    assert len(read_report(json.dumps({"error": "x" * 5000}).encode()).text) == MESSAGE_CHARS


@pytest.mark.parametrize(
    ("mode", "began", "told", "words"),
    [
        ("stream", True, False, "without an end mark"),
        ("blocking", True, False, "in the middle"),
        ("stream", False, False, "before any text"),
        ("stream", True, True, "by its own word"),
    ],
)
def test_answers_that_are_not_whole(mode: Mode, began: bool, told: bool, words: str) -> None:
    fault = faults.incomplete(OPENAI, mode, began=began, told=told)
    check(fault)
    assert (fault.code, words in fault.sentence) == ("cut", True)
    assert "log" in fault.sentence


def test_ollama_breaks_off_what_repeats_itself() -> None:
    fault = faults.incomplete(OLLAMA, "stream", began=True, told=False)
    assert "repeats itself" in fault.sentence
    assert "repeats" not in faults.incomplete(OPENAI, "stream", began=True, told=False).sentence
