"""Bounds, and the one rule of all framings: nothing follows the end."""

import pytest

from streamscope.wire.base import Decoder
from streamscope.wire.bodies import NdjsonBody, Reader, SseBody, WholeBody
from streamscope.wire.events import End, Event, Failure, Finish, Flag, Ping, Text
from streamscope.wire.lenient import NotValidError


class Echo(Reader):
    """Reads JSON of any shape: ``end`` and ``error`` do what they say."""

    def __init__(self) -> None:
        self.held = ["held"]

    def read(
        self,
        payload: bytes,
        name: str = "message",  # noqa: ARG002 (an echo has no use for it)
    ) -> list[Event]:
        if b"end" in payload:
            return [*self.close(), End()]
        if b"error" in payload:
            return [Failure("server", "x")]
        return [Text("answer", payload.decode())]

    def close(self) -> list[Event]:
        held, self.held = self.held, []
        return [Text("answer", text) for text in held]


HELD = Text("answer", "held")


@pytest.mark.parametrize("last", [End(), Failure("server", "x")])
def test_nothing_follows_the_end(last: Event) -> None:
    word = b'"end"' if last == End() else b'"error"'
    streams: list[tuple[Decoder, bytes]] = [
        (SseBody(Echo()), b"data: 1\n\ndata: " + word + b"\n\ndata: 2\n\n: ping\n\n"),
        (NdjsonBody(Echo()), b"1\n" + word + b"\n2\n"),
    ]
    for decoder, body in streams:
        assert list(decoder.feed(body)) == [Text("answer", "1"), HELD, last]
        assert list(decoder.feed(body)) == []
        assert list(decoder.finish()) == []
    whole = WholeBody(Echo())
    assert list(whole.feed(word)) == []
    assert list(whole.finish()) == [HELD, last]


def test_a_stream_that_just_ends_gives_what_was_held() -> None:
    for decoder, body in (
        (SseBody(Echo()), b": ping\n\n"),
        (NdjsonBody(Echo()), b"\n \n"),
        (WholeBody(Echo()), b"1"),
    ):
        events = [*decoder.feed(body), *decoder.finish()]
        assert events[-1] == HELD
        assert (Ping() in events) is isinstance(decoder, SseBody)


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_too_much_in_one_piece_is_a_clear_failure(size: int) -> None:
    long = b"x" * 64
    for decoder, body in (
        (SseBody(Echo(), limit=32), b"data: 1\n\ndata: " + long + b"\n\ndata: 2\n\n"),
        (NdjsonBody(Echo(), limit=32), b"1\n" + long + b"\n2\n"),
        (WholeBody(Echo(), limit=32), long),
    ):
        events = [e for i in range(0, len(body), size) for e in decoder.feed(body[i : i + size])]
        events += decoder.finish()
        failure = events[-1]
        assert isinstance(failure, Failure)
        assert failure.code == "oversize"
        assert "32 bytes" in failure.detail
        expected = [HELD] if isinstance(decoder, WholeBody) else [Text("answer", "1"), HELD]
        assert events[:-1] == expected


class Closing(Echo):
    """An echo of bare text that takes the end of the bytes for its end."""

    raw = True

    def read(self, payload: bytes, name: str = "message") -> list[Event]:
        if payload.startswith(b"{"):
            raise NotValidError("no text")
        return super().read(payload, name)

    def over(self, *, marked: bool) -> list[Event]:
        return [*self.close(), Finish("length"), *([End()] if marked else [])]


def test_a_reader_decides_what_the_end_of_the_bytes_means() -> None:
    for decoder, body in (
        (SseBody(Closing()), b"data:  :\n\n"),
        (NdjsonBody(Closing()), b" :\n"),
        (WholeBody(Closing()), b":"),
    ):
        events = [*decoder.feed(body), *decoder.finish()]
        said = b":" if isinstance(decoder, WholeBody) else b" :"
        assert events == [Text("answer", said.decode()), HELD, Finish("length")]
    marked = SseBody(Closing())
    assert marked.feed(b"data: [DONE]\n\n") == [HELD, Finish("length"), End()]


def test_an_end_in_the_middle_of_a_payload_means_nothing() -> None:
    for decoder, body in (
        (SseBody(Closing()), b'data: 1\n\ndata: {"a'),
        (NdjsonBody(Closing()), b'1\n{"a'),
    ):
        events = [*decoder.feed(body), *decoder.finish()]
        assert events == [Text("answer", "1"), Flag("unterminated"), HELD]
