"""The survey finds the moments at which text could be read, in both modes."""

from collections.abc import Callable

from streamscope.measure.timing import survey
from streamscope.trace import Trace

Build = Callable[..., Trace]


def test_moments_of_the_worked_trace(every_tool: Trace) -> None:
    timing = survey(every_tool)
    assert timing.first_any_ns == timing.first_reasoning_ns == 500_000_000
    assert timing.first_answer_ns == 1_000_000_000
    assert timing.last_answer_ns == timing.last_text_ns == 1_850_000_000
    assert timing.ten_words_ns is None
    assert (timing.answer.chunks, timing.reasoning.chunks) == (5, 2)
    assert len(timing.arrivals_ns) == 5


def test_ten_words_are_found_in_the_piece_that_brings_the_tenth(build_trace: Build) -> None:
    pieces = [(0.1 * i, "answer", " word") for i in range(1, 13)]
    assert survey(build_trace(pieces)).ten_words_ns == 1_000_000_000


def test_twenty_chinese_characters_are_ten_words(build_trace: Build) -> None:
    pieces = [(0.1 * i, "answer", "内存") for i in range(1, 13)]
    assert survey(build_trace(pieces)).ten_words_ns == 1_000_000_000


def test_words_of_thinking_are_no_words_of_the_answer(build_trace: Build) -> None:
    pieces = [(0.1, "reasoning", "a b c d e f g h i j k"), (0.2, "answer", "yes")]
    assert survey(build_trace(pieces)).ten_words_ns is None


def test_chunks_of_one_read_are_one_arrival_and_came_together(build_trace: Build) -> None:
    timing = survey(build_trace([(t, "answer", "x") for t in (0.1, 0.1, 0.2, 0.2005, 0.3)]))
    assert len(timing.arrivals_ns) == 4
    assert timing.together == 2


def test_a_chunk_exactly_a_millisecond_later_came_apart(build_trace: Build) -> None:
    assert survey(build_trace([(0.1, "answer", "x"), (0.101, "answer", "x")])).together == 0


def test_tool_calls_end_the_total_but_start_no_text(build_trace: Build) -> None:
    timing = survey(build_trace([(0.1, "tool", "{}"), (0.5, "answer", "x"), (0.9, "tool", "{}")]))
    assert timing.first_any_ns == 500_000_000
    assert timing.last_answer_ns == 500_000_000
    assert timing.last_text_ns == 900_000_000


def test_blocking_text_can_be_read_when_the_body_is_whole(build_trace: Build) -> None:
    trace = build_trace(
        [(1.9, "reasoning", "why"), (1.9, "answer", "a b c d e f g h i j")],
        mode="blocking",
        marks_s={"first_byte": 0.2, "done": 2.0, "closed": 2.1},
    )
    timing = survey(trace)
    assert timing.first_any_ns == timing.first_answer_ns == timing.last_text_ns == 2_000_000_000
    assert timing.ten_words_ns == 2_000_000_000
    assert timing.arrivals_ns == []
    assert not timing.at_once


def test_blocking_without_an_end_mark_is_over_when_the_wire_is(build_trace: Build) -> None:
    pieces = [(1.9, "answer", "x")]
    closed = build_trace(pieces, mode="blocking", marks_s={"closed": 2.1})
    assert survey(closed).last_text_ns == 2_100_000_000
    assert survey(build_trace(pieces, mode="blocking")).last_text_ns == 1_900_000_000


def test_an_empty_blocking_body_has_a_total_but_no_text(build_trace: Build) -> None:
    timing = survey(build_trace(mode="blocking", marks_s={"done": 2.0}))
    assert timing.last_text_ns == 2_000_000_000
    assert timing.first_any_ns is None


def test_nothing_happened_yet(build_trace: Build) -> None:
    for mode in ("stream", "blocking"):
        timing = survey(build_trace(mode=mode, ended=None))
        assert timing.last_text_ns is None
        assert not timing.complete
        assert not timing.at_once
