"""What a schedule server sends can be checked to the piece, wherever its writes are cut."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamscope.calibration import Cut, Schedule
from streamscope.engines import schedule_frames as shapes
from streamscope.wire.events import End, Text, Usage
from streamscope.wire.registry import protocol

CUTS: tuple[Cut, ...] = ("", "line", "character")

schedules = st.builds(
    Schedule,
    writes=st.integers(1, 40),
    gap_ns=st.just(1_000_000),
    tokens=st.integers(1, 20),
    cut=st.sampled_from(CUTS),
)


def bodies(data: bytes) -> bytes:
    """Take the chunks of HTTP apart."""
    body = b""
    while data:
        size, _, rest = data.partition(b"\r\n")
        body += rest[: int(size, 16)]
        data = rest[int(size, 16) + 2 :]
    return body


@given(schedules)
def test_each_piece_comes_whole_with_the_write_that_is_said_to_complete_it(
    schedule: Schedule,
) -> None:
    texts = shapes.pieces(schedule.writes * schedule.tokens)
    made = shapes.frames(7, texts, schedule)
    assert len(made.writes) == schedule.writes
    decoder = protocol("openai-chat").decoder("stream")
    seen: list[tuple[str, int]] = []
    for index, write in enumerate(made.writes):
        seen += [
            (event.text, index) for event in decoder.feed(bodies(write)) if isinstance(event, Text)
        ]
    assert seen == list(zip(texts, made.completed, strict=True))
    last = decoder.feed(bodies(made.tail))
    assert any(isinstance(event, End) for event in last)
    (usage,) = [event for event in last if isinstance(event, Usage)]
    assert usage.tokens.output == len(texts)


@given(st.integers(1, 3_000))
def test_no_piece_is_like_another_and_each_has_a_character_that_can_be_cut(count: int) -> None:
    texts = shapes.pieces(count)
    assert len(set(texts)) == len(texts) == count
    assert all(not text.isascii() for text in texts)


def test_a_cut_write_ends_inside_a_line_and_a_cut_character_is_no_text() -> None:
    texts = shapes.pieces(8)
    for cut in ("line", "character"):
        made = shapes.frames(1, texts, Schedule(writes=4, gap_ns=1, tokens=2, cut=cut))
        assert not any(bodies(write).endswith(b"\n") for write in made.writes[:-1])
        assert bodies(made.writes[-1]).endswith(b"\n\n")
    with pytest.raises(UnicodeDecodeError):
        bodies(made.writes[0]).decode()


def test_a_blocking_answer_says_the_same() -> None:
    texts = shapes.pieces(200)
    page = shapes.whole(3, texts)
    head, _, body = page.partition(b"\r\n\r\n")
    found = re.search(rb"Content-Length: (\d+)", head)
    assert found is not None
    assert int(found[1]) == len(body)
    decoder = protocol("openai-chat").decoder("blocking")
    events = [*decoder.feed(body), *decoder.finish()]
    assert [event.text for event in events if isinstance(event, Text)] == ["".join(texts)]
