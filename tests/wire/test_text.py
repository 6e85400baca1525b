"""Plain text in chunks."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamscope.trace import TextKind
from streamscope.wire.events import End, Event, Failure, Text
from streamscope.wire.registry import protocol
from streamscope.wire.text import WholeTextBody


def text(events: Sequence[Event], kind: TextKind = "answer") -> str:
    return "".join(e.text for e in events if isinstance(e, Text) and e.kind == kind)


def stream(*reads: bytes) -> list[list[Event]]:
    """Return the events of each read, and of the end."""
    decoder = protocol("text").decoder("stream")
    return [*(list(decoder.feed(read)) for read in reads), list(decoder.finish())]


def blocking(*reads: bytes) -> list[Event]:
    decoder = protocol("text-get").decoder("blocking")
    assert [event for read in reads for event in decoder.feed(read)] == []
    return list(decoder.finish())


def said(piece: str) -> list[Event]:
    return [Text("answer", piece)]


def test_a_stream_is_cut_where_the_reads_are() -> None:
    assert stream(b"Nile", b" and", b"\n") == [said("Nile"), said(" and"), said("\n"), [End()]]


def test_nothing_is_trimmed_and_white_space_is_text() -> None:
    assert stream(b"\n\n", b"  a ") == [said("\n\n"), said("  a "), [End()]]


def test_characters_that_reads_cut_are_put_together() -> None:
    assert stream(b"\xe2\x82", b"\xac", b"\xf0\x9f") == [
        [], said("€"), [], [*said("\N{REPLACEMENT CHARACTER}"), End()],
    ]  # fmt: skip


def test_a_byte_order_mark_is_no_text() -> None:
    assert stream(b"\xef", b"\xbb\xbfNile") == [[], said("Nile"), [End()]]


def test_bytes_that_are_no_utf_8_do_not_end_a_run() -> None:
    assert stream(b"a\xffb") == [said("a\N{REPLACEMENT CHARACTER}b"), [End()]]


def test_thinking() -> None:
    reads = stream(b"<th", b"ink>hm</think>", b"Nile")
    events = [event for read in reads for event in read]
    assert (text(events, "reasoning"), text(events)) == ("hm", "Nile")


def test_what_was_held_back_is_never_lost() -> None:
    assert stream(b"<th") == [[], [*said("<th"), End()]]


def test_a_blocking_answer_is_one_text() -> None:
    assert blocking(b"Nile ", b"and \xe2\x82", b"\xac") == [*said("Nile and €"), End()]
    assert blocking(b"<think>hm</think>Nile") == [Text("reasoning", "hm"), *said("Nile"), End()]


def test_an_empty_body() -> None:
    assert stream() == [[End()]]
    assert blocking() == [End()]


@pytest.mark.parametrize("size", [1, 100])
def test_a_whole_text_is_bounded(size: int) -> None:
    decoder = WholeTextBody(limit=32)
    body = b"x" * 64
    events = [e for i in range(0, 64, size) for e in decoder.feed(body[i : i + size])]
    assert [*events, *decoder.finish()] == [Failure("oversize", "32 bytes in one piece")]


@given(st.lists(st.binary(max_size=9)))
def test_no_text_depends_on_the_reads(reads: list[bytes]) -> None:
    whole = b"".join(reads)
    pieces = [event for read in stream(*reads) for event in read]
    assert text(pieces) == text([event for read in stream(whole) for event in read])
    assert text(pieces) == text(blocking(*reads))
    assert text(pieces) == text(blocking(whole))
    assert pieces[-1] == End()
