"""Fair by default: one test for each thing that both channels owe to every server."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from streamscope.probe.websocket import Opening
from streamscope.trace import Mode, Request, Target
from streamscope.wire.base import HttpCall
from streamscope.wire.registry import PROTOCOLS, protocol

MODES: tuple[Mode, ...] = ("stream", "blocking")
ASKED = Request(
    prompt="Why?",
    system="Be brief.",
    temperature=0.5,
    top_p=0.9,
    seed=7,
    max_tokens=64,
    stop=("END",),
    think=False,
)
SAMPLING = {"temperature": 0.5, "top_p": 0.9}
OPENAI = {**SAMPLING, "seed": 7, "max_tokens": 64, "stop": ["END"]}
OFF = {"chat_template_kwargs": {"enable_thinking": False}}
OLLAMA = {
    "options": {**SAMPLING, "seed": 7, "num_predict": 64, "stop": ["END"]},
    "think": False,
}
SENT: dict[str, dict[str, Any]] = {
    "ollama-chat": OLLAMA,
    "ollama-generate": {**OLLAMA, "system": "Be brief."},
    "openai-chat": {**OPENAI, "reasoning_effort": "none", **OFF},
    "openai-completions": OPENAI,
    "openai-responses": {
        **SAMPLING,
        "max_output_tokens": 64,
        "instructions": "Be brief.",
        "reasoning": {"effort": "none"},
        **OFF,
    },
    "llamacpp-completion": {**SAMPLING, "seed": 7, "n_predict": 64, "stop": ["END"]},
    "anthropic": {
        **SAMPLING,
        "max_tokens": 64,
        "stop_sequences": ["END"],
        "system": "Be brief.",
        "thinking": {"type": "disabled"},
    },
    "gemini": {
        "generationConfig": {
            "temperature": 0.5,
            "topP": 0.9,
            "seed": 7,
            "maxOutputTokens": 64,
            "stopSequences": ["END"],
            "thinkingConfig": {"thinkingBudget": 0, "includeThoughts": False},
        },
    },
    "lmstudio": {**SAMPLING, "max_output_tokens": 64, "system_prompt": "Be brief.",
                 "reasoning": "off"},
    "token-sse": OPENAI,
    "token-sse-get": {"temperature": ["0.5"], "top_p": ["0.9"], "seed": ["7"],
                      "max_tokens": ["64"], "stop": ["END"]},
    "text": OPENAI,
    "text-get": {"temperature": ["0.5"], "top_p": ["0.9"], "seed": ["7"],
                 "max_tokens": ["64"], "stop": ["END"]},
    "websocket": OPENAI,
    "websocket-text": {},
}  # fmt: skip
"""What every protocol makes of the same request, by the names that its servers know."""

SWITCHES = ("stream", "stream_options")


def call(
    name: str, mode: Mode, request: Request = ASKED, url: str = "http://127.0.0.1:11434"
) -> HttpCall:
    target = Target(protocol=name, url=url, model="gemini-2.5-flash" if name == "gemini" else "m")
    return protocol(name).call(target, request, mode, None)


def members(name: str, mode: Mode, **more: Any) -> dict[str, Any]:
    """Return what is sent, as a body or in the query."""
    made = call(name, mode, **more)
    if name == "websocket-text":
        assert made.body == b"Why?"
        return {}
    found: dict[str, Any] = (
        json.loads(made.body) if made.body else parse_qs(urlsplit(made.url).query)
    )
    return found


@pytest.mark.parametrize("name", list(PROTOCOLS))
def test_both_channels_are_asked_the_same(name: str) -> None:
    stream, blocking = (members(name, mode) for mode in MODES)
    for body in (stream, blocking):
        for switch in SWITCHES:
            body.pop(switch, None)
    assert stream == blocking


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", list(PROTOCOLS))
def test_everything_goes_by_the_name_that_the_server_knows(name: str, mode: Mode) -> None:
    sent = members(name, mode)
    assert {member: sent.get(member) for member in SENT[name]} == SENT[name]


@pytest.mark.parametrize("name", list(PROTOCOLS))
def test_what_is_not_sent_is_said(name: str) -> None:
    """Each member is either somewhere in the request, or named as one that is not."""
    values: dict[str, Any] = {
        "system": "Rivers!", "temperature": 0.123, "top_p": 0.456, "seed": 123_321,
        "max_tokens": 4_711, "stop": ("STOP!",), "think": "high",
    }  # fmt: skip
    plain = json.dumps(members(name, "stream", request=Request(prompt="Why?")), sort_keys=True)
    for member, value in values.items():
        request = Request(prompt="Why?", **{member: value})
        target = Target(protocol=name, url="http://127.0.0.1:11434", model="gemini-2.5-flash")
        said = member in protocol(name).unsent(target, request)
        sent = json.dumps(members(name, "stream", request=request), sort_keys=True) != plain
        assert sent != said, member


@pytest.mark.parametrize("name", ["openai-chat", "openai-completions"])
def test_counts_are_asked_for_where_they_would_not_come_by_themselves(name: str) -> None:
    assert members(name, "stream")["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", list(PROTOCOLS))
def test_compression_is_refused(name: str, mode: Mode) -> None:
    made = call(name, mode)
    if made.method == "WEBSOCKET":
        made = Opening(made).call
        assert "Sec-WebSocket-Extensions" not in made.headers
    assert made.headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize(
    ("url", "limit"),
    [("https://api.openai.com/v1", "max_completion_tokens"), ("http://127.0.0.1:1", "max_tokens")],
)
def test_the_limit_has_the_name_that_the_server_heeds(url: str, limit: str) -> None:
    """OpenAI's newer models refuse the old name; Ollama ignores the new one."""
    sent = members("openai-chat", "stream", url=url)
    assert [name for name in sent if name.endswith("tokens")] == [limit]


@pytest.mark.parametrize("name", list(PROTOCOLS))
def test_a_warm_up_has_the_same_options_and_another_limit(name: str) -> None:
    target = Target(protocol=name, url="http://127.0.0.1:1", model="m")
    short = protocol(name).shortest(target, ASKED)
    assert short.max_tokens == 1
    assert (short.prompt, short.system, short.think) == (ASKED.prompt, ASKED.system, False)


@pytest.mark.parametrize(
    ("name", "url", "limit", "think"),
    [
        ("openai-chat", "https://api.openai.com/v1", 16, True),
        ("openai-responses", "https://api.openai.com/v1", 16, True),
        ("anthropic", "https://api.anthropic.com", 1, None),
        ("anthropic", "http://127.0.0.1:4000", 1, None),
        ("openai-chat", "http://127.0.0.1:4000", 1, True),
    ],
)
def test_a_warm_up_is_one_that_the_server_grants(
    name: str, url: str, limit: int, think: bool | None
) -> None:
    target = Target(protocol=name, url=url, model="claude-3-7-sonnet")
    request = Request(prompt="Why?", max_tokens=4096, think=True)
    short = protocol(name).shortest(target, request)
    assert (short.max_tokens, short.think) == (limit, think)
