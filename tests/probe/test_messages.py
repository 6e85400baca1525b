"""Frames come back as what they were, and never show a key to whoever prints them."""

import msgspec
import pytest
from rich.console import Console
from rich.pretty import pretty_repr

from streamscope.probe import messages
from streamscope.probe.messages import (
    Cancel,
    Command,
    Fetch,
    Fetched,
    Finished,
    Ping,
    Pong,
    Progress,
    Ready,
    Report,
    Sent,
    Start,
)
from streamscope.trace import Chunk, Request, Target, Trace

START = Start(
    run_id="r",
    target=Target(protocol="openai-chat", url="http://127.0.0.1:1"),
    key="sk-verysecret",
    request=Request(prompt="Why?", stop=("\n",), params={"options": {"num_ctx": 8}}),
    mode="stream",
)


def body(frame: bytes) -> bytes:
    assert int.from_bytes(frame[: messages.HEADER_BYTES], "big") == len(frame) - 4
    return frame[messages.HEADER_BYTES :]


@pytest.mark.parametrize(
    "command",
    [START, Cancel("r"), Fetch(fetch_id=3, url="http://127.0.0.1:1", headers={"A": "b"}), Ping()],
)
def test_a_command_comes_back(command: Command) -> None:
    assert messages.command(body(messages.frame(command))) == command


@pytest.mark.parametrize(
    "report",
    [
        Ready(7),
        Pong(),
        Sent(run_id="r", sent_monotonic_ns=1, started_utc="", clock="read", marks={"sent": 0}),
        Progress(run_id="r", chunks=[Chunk(-1, "answer", "é\x00\x1b", 0, None)]),
        Finished(run_id="r", trace=Trace(mode="blocking", ended="stop")),
        Fetched(fetch_id=1, status=200, body=b"\xff"),
    ],
)
def test_a_report_comes_back(report: Report) -> None:
    assert messages.report(body(messages.frame(report))) == report


def test_a_report_is_no_command() -> None:
    with pytest.raises(msgspec.ValidationError):
        messages.command(body(messages.frame(Ready(7))))


def test_no_way_to_print_a_command_shows_its_key() -> None:
    console = Console(record=True, file=None, quiet=True)
    console.print(START)
    for shown in (repr(START), str(START), f"{START}", pretty_repr(START), repr([START])):
        assert "verysecret" not in shown
        assert "127.0.0.1:1" in shown
