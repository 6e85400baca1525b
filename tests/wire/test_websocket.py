"""Conversations in messages: what is sent first, and what the messages that come back mean."""

import itertools
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamscope.trace import FaultCode, Mode, Request, Target, TextKind, Tokens
from streamscope.wire.base import Decoder
from streamscope.wire.bodies import MessageBody
from streamscope.wire.events import End, Event, Failure, Finish, Flag, Model, Ping, Text, Usage
from streamscope.wire.tokens import TokenReader
from streamscope.wire.websocket import WebSocket, WebSocketText, closed

MODES: tuple[Mode, ...] = ("stream", "blocking")


def text(events: Sequence[Event], kind: TextKind = "answer") -> str:
    return "".join(e.text for e in events if isinstance(e, Text) and e.kind == kind)


def message(value: Any) -> bytes:
    """Return a message: JSON of anything but text, which stands for itself."""
    return (value if isinstance(value, str) else json.dumps(value)).encode()


def heard(decoder: Decoder, messages: Sequence[Any]) -> list[list[Event]]:
    """Return the events of each message, and of the close."""
    fed = [list(decoder.feed(message(each))) for each in messages]
    return [*fed, list(decoder.finish())]


def stream(*messages: Any) -> list[Event]:
    return list(itertools.chain.from_iterable(heard(WebSocket().decoder("stream"), messages)))


NILE = [Text("answer", "Nile"), Text("answer", " and")]
UNMARKED = [Finish("stop"), Flag("unmarked")]


@pytest.mark.parametrize(
    ("messages", "end"),
    [
        # Tutorials: bare text, with any of their ends.
        (["Nile", " and", "[DONE]"], End()),
        (["Nile", " and", "[END]"], End()),
        (["Nile", " and", {"done": True}], End()),
        (["Nile", " and", '"[DONE]"'], Text("answer", '"[DONE]"')),
        # Objects, under any of their names.
        ([{"token": "Nile"}, {"token": " and"}, {"done": True}], End()),
        ([{"text": "Nile"}, {"text": " and"}, "[DONE]"], End()),
        ([{"type": "token", "content": "Nile"}, {"type": "token", "content": " and"},
          {"type": "done"}], End()),
        (['"Nile"', '" and"', '"[DONE]"'], End()),
        # text-generation-webui, as it was.
        ([{"event": "text_stream", "message_num": 0, "text": "Nile"},
          {"event": "text_stream", "message_num": 1, "text": " and"},
          {"event": "stream_end", "message_num": 2}], End()),
    ],
)  # fmt: skip
def test_conventions(messages: list[Any], end: Event) -> None:
    events = stream(*messages)
    assert events[:2] == NILE
    assert end in events[2:3]


def test_each_message_is_an_event_of_its_own() -> None:
    # White space, digits and colons are text; what looks like framing is none here.
    pieces = [" ", "1", ":", "\n", "data: x", "a\n\nb", "{"]
    events = heard(WebSocket().decoder("stream"), pieces)
    assert events == [*([Text("answer", piece)] for piece in pieces), UNMARKED]


def test_a_close_without_an_end_mark_is_an_end_too() -> None:
    assert stream({"token": "Nile"}, {"token": " and"}) == [*NILE, *UNMARKED]
    assert stream() == []


def test_nothing_follows_the_end() -> None:
    assert stream({"token": "Nile"}, {"done": True}, {"token": "late"}) == [NILE[0], End()]


def test_signs_of_life() -> None:
    assert stream({"type": "ping"}, {"token": "Nile"}, "", "[DONE]") == [Ping(), NILE[0], End()]


def test_thinking() -> None:
    for messages in (
        [{"thinking": "hm"}, {"token": "Nile"}, "[DONE]"],
        ["<th", "ink>hm</think>", "Nile", "[DONE]"],
    ):
        events = stream(*messages)
        assert (text(events, "reasoning"), text(events)) == ("hm", "Nile")


RESPONSE = {
    "model": "m",
    "status": "completed",
    "usage": {"input_tokens": 9, "output_tokens": 5},
}
OPENAI: list[Any] = [
    {"type": "response.created", "response": {"model": "m", "status": "in_progress"}},
    {"type": "response.in_progress", "response": {}},
    {"type": "response.reasoning_summary_text.delta", "delta": "They"},
    {"type": "response.output_text.delta", "delta": "Nile"},
    {"type": "response.output_text.delta", "delta": " and"},
    {"type": "response.output_text.done", "text": "Nile and"},
    {"type": "response.completed", "response": RESPONSE},
]


def test_openai_s_events() -> None:
    assert stream(*OPENAI) == [
        Model("m"),
        Text("reasoning", "They"),
        *NILE,
        Usage(Tokens(prompt=9, output=5)),
        Finish("stop"),
        End(),
    ]


def test_openai_s_events_after_a_greeting() -> None:
    assert text(stream({"type": "session.created"}, *OPENAI)) == "Nile and"


def test_openai_s_events_that_were_cut_have_no_end() -> None:
    assert stream(*OPENAI[:4]) == [Model("m"), Text("reasoning", "They"), NILE[0]]


def test_text_about_openai_s_events_is_text() -> None:
    said = '{"type": "response.created"}'
    assert stream({"token": "Nile"}, {"token": said}, "[DONE]") == [
        NILE[0], Text("answer", said), End(),
    ]  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("error", "failure"),
    [
        ({"error": "boom"}, Failure("server", "boom")),
        ({"type": "error", "message": "boom"}, Failure("server", "boom")),
        ({"type": "error", "error": {"type": "rate_limit_error", "message": "slow"}},
         Failure("busy", "slow")),
    ],
)  # fmt: skip
def test_errors(mode: Mode, error: Any, failure: Failure) -> None:
    for begun in ([], OPENAI[:1], [{"token": ""}], [" "]):
        *_, last = [e for fed in heard(WebSocket().decoder(mode), [*begun, error]) for e in fed]
        assert last == failure


def test_a_failed_response() -> None:
    failed = {"type": "response.failed", "response": {"error": {"message": "boom"}}}
    assert stream(OPENAI[0], failed)[-1] == Failure("server", "boom")


@pytest.mark.parametrize(
    "messages",
    [[{"token": "Nile"}, "rubbish"], [OPENAI[0], "rubbish"], [{"tok": "Nile"}],
     ['{"token": "Ni']],
)  # fmt: skip
def test_messages_that_are_no_convention(messages: list[Any]) -> None:
    last = stream(*messages)[-1]
    assert isinstance(last, Failure)
    assert last.code == "malformed"


def test_a_blocking_channel_hears_nothing_before_the_end() -> None:
    answer = Text("answer", "Nile and")
    counted = [Model("m"), Usage(Tokens(prompt=9, output=5)), Finish("stop"), End()]
    for messages, events in (
        (["Nile", " and", "[DONE]"], [answer, End()]),
        (OPENAI[3:], [answer, *counted]),
    ):
        *before, last, close = heard(WebSocket().decoder("blocking"), messages)
        assert not any(before)
        assert last == events
        assert close == []
    *before, close = heard(WebSocket().decoder("blocking"), [{"text": "Nile and"}])
    assert not any(before)
    assert close == [answer, *UNMARKED]


def test_messages_are_bounded() -> None:
    body = MessageBody(TokenReader(), limit=4)
    assert body.feed(b"Nile") == [NILE[0]]
    assert body.feed(b"Amazon") == [Failure("oversize", "4 bytes in one piece")]
    assert body.feed(b"x") == body.finish() == []


@given(
    st.lists(
        st.binary(max_size=9)
        | st.sampled_from([message(each) for each in [*OPENAI, {"token": "x"}, {"done": True}]]),
        max_size=6,
    ),
    st.sampled_from(MODES),
)
def test_any_messages(messages: list[bytes], mode: Mode) -> None:
    decoder = WebSocket().decoder(mode)
    events = [event for each in messages for event in decoder.feed(each)]
    events += decoder.finish()
    assert not any(isinstance(event, End | Failure) for event in events[:-1])


@pytest.mark.parametrize(
    ("code", "fault"),
    [(1000, None), (1005, None), (1001, "cut"), (1006, "cut"), (1008, "request"),
     (1011, "server"), (1013, "busy"), (3000, "auth"), (4401, "auth"), (4999, "server")],
)  # fmt: skip
def test_close_codes(code: int, fault: FaultCode | None) -> None:
    failure = closed(code, "")
    assert (failure and failure.code) == fault
    if failure:
        assert str(code) in failure.detail
        assert closed(code, "boom") == Failure(failure.code, "boom")


# --- what is sent -----------------------------------------------------------------------------

FULL = Request(
    prompt="Name three rivers.",
    system="Be brief.",
    temperature=0.0,
    top_p=1.0,
    seed=7,
    max_tokens=64,
    stop=("\n\n",),
    think=False,
    params={"user": "me"},
)


def server(url: str) -> Target:
    return Target(protocol="websocket", url=url, model="m")


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("http://h:8000", "ws://h:8000/ws"),
        ("http://h:8000/chat/stream", "ws://h:8000/chat/stream"),
        ("https://h", "wss://h/ws"),
        ("https://h/v1/responses", "wss://h/v1/responses"),
        ("ws://h:8000/chat", "ws://h:8000/chat"),
        ("wss://h", "wss://h/ws"),
    ],
)
@pytest.mark.parametrize("mode", MODES)
def test_where_to_connect(base: str, url: str, mode: Mode) -> None:
    call = WebSocket().call(server(base), FULL, mode, "k3y")
    assert (call.method, call.url) == ("WEBSOCKET", url)
    assert call.headers == {"Authorization": "Bearer k3y"}
    assert WebSocket().call(server(base), FULL, mode, None).headers == {}


@pytest.mark.parametrize("mode", MODES)
def test_a_first_message_of_json(mode: Mode) -> None:
    target = server("http://h/ws")
    assert json.loads(WebSocket().call(target, FULL, mode, None).body) == {
        "model": "m",
        "prompt": "Name three rivers.",
        "temperature": 0.0,
        "top_p": 1.0,
        "seed": 7,
        "max_tokens": 64,
        "stop": ["\n\n"],
        "user": "me",
        "stream": mode == "stream",
    }
    assert WebSocket().unsent(target, FULL) == ("system", "think")


@pytest.mark.parametrize("mode", MODES)
def test_a_first_message_as_openai_wants_it(mode: Mode) -> None:
    target = server("https://api.openai.com/v1/responses")
    assert json.loads(WebSocket().call(target, FULL, mode, None).body) == {
        "type": "response.create",
        "model": "m",
        "input": "Name three rivers.",
        "instructions": "Be brief.",
        "temperature": 0.0,
        "top_p": 1.0,
        "max_output_tokens": 64,
        "store": False,
        "user": "me",
    }
    assert WebSocket().unsent(target, FULL) == ("seed", "stop", "think")


def test_a_first_message_of_text() -> None:
    target = server("http://h/ws")
    call = WebSocketText().call(target, Request(prompt="Hi \ud800€"), "stream", None)
    assert call.body.decode() == "Hi \N{REPLACEMENT CHARACTER}€"
    assert WebSocketText().unsent(target, FULL) == (
        "system", "temperature", "top_p", "seed", "max_tokens", "stop", "think", "user",
    )  # fmt: skip
    assert WebSocketText().unsent(target, Request(prompt="Hi")) == ()


def test_a_refused_handshake() -> None:
    fault = WebSocket().fault(server("http://h"), 404, b'{"detail":"Not Found"}')
    assert fault.code == "url"
    assert "ws://h/ws" in fault.sentence
    assert WebSocket().fault(server("http://h"), 403, b"").code == "auth"


def test_there_is_no_list_of_models() -> None:
    assert WebSocket().models_url(server("http://h")) == ""
    assert WebSocket().parse_models(b"{}") == []
