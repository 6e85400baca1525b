"""The reader waits where words are late, reads every script, and is never twice as soon through."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamscope.measure.conventions import Reader
from streamscope.measure.reader import (
    Reading,
    available,
    curves,
    finish_ratio,
    read,
    reader_at,
    units_of,
)
from streamscope.trace import Chunk, TextKind, Trace

Build = Callable[..., Trace]
Piece = tuple[float, TextKind, str]

TOY_S = (0.5, 0.7, 0.9, 2.0, 2.2, 2.4)
FOUR_A_SECOND = Reader(words_per_minute=240)


def words_at(*times_s: float) -> list[Piece]:
    return [(time, "answer", "word ") for time in times_s]


def whole(trace: Trace, at_ns: int) -> Trace:
    """Return the blocking response of the same generation, complete at a moment."""
    return Trace(mode="blocking", marks={"done": at_ns}, chunks=trace.chunks, ended="stop")


def needed(reading: Reading | None) -> Reading:
    assert reading is not None
    return reading


def test_the_worked_toy(build_trace: Build) -> None:
    stream = build_trace(words_at(*TOY_S))
    a = needed(read(stream, FOUR_A_SECOND))
    assert a.unit == "word"
    assert a.units == 6
    assert a.start_s == 0.5
    assert a.idle_s == pytest.approx(1.25)
    assert a.stall_s == pytest.approx(0.75)
    assert a.stalls == 1
    assert a.finish_s == pytest.approx(2.75)
    assert a.reading_s == pytest.approx(1.5)

    b = needed(read(whole(stream, 2_400_000_000), FOUR_A_SECOND))
    assert b.start_s == b.idle_s == 2.4
    assert (b.stall_s, b.stalls) == (0, 0)
    assert b.finish_s == pytest.approx(3.90)
    assert finish_ratio(a, b) == pytest.approx(1.418, abs=0.0005)


@pytest.mark.parametrize(
    ("tok_per_s", "speed_up"),
    [(2, 1.364), (3, 1.539), (4, 1.711), (5.2, 1.911), (8, 1.614), (20, 1.247), (50, 1.099)],
)
def test_finishing_is_won_most_at_the_speed_of_reading(
    tok_per_s: float, speed_up: float, build_trace: Build
) -> None:
    """75 words of 100 tokens, the first token due after 1 s, at 238 words a minute."""
    times = [1 + word * 100 / 75 / tok_per_s for word in range(1, 76)]
    stream = build_trace(words_at(*times))
    a, b = needed(read(stream)), needed(read(whole(stream, stream.chunks[-1].t_ns)))
    assert finish_ratio(a, b) == pytest.approx(speed_up, abs=0.0005)
    if tok_per_s == 2:
        assert a.stall_s == pytest.approx(30.7, abs=0.05)
        assert a.stalls == 74


@pytest.mark.parametrize(
    ("words_per_minute", "speed_up"),
    [(175, 1.071), (238, 1.095), (300, 1.117), (600, 1.211), (1000, 1.311)],
)
def test_the_original_experiments_long_answer(
    words_per_minute: float, speed_up: float, build_trace: Build
) -> None:
    """About 397 words, first text at 9.71 s, the last at 20.13 s."""
    times = [9.71 + i * (20.13 - 9.71) / 396 for i in range(397)]
    stream = build_trace(words_at(*times))
    reader = Reader(words_per_minute=words_per_minute)
    a, b = needed(read(stream, reader)), needed(read(whole(stream, 20_130_000_000), reader))
    assert finish_ratio(a, b) == pytest.approx(speed_up, abs=0.0005)
    if words_per_minute == 238:
        assert a.finish_s == pytest.approx(109.8, abs=0.05)
        assert b.finish_s == pytest.approx(120.2, abs=0.05)


def test_chinese_is_read_by_characters(build_trace: Build) -> None:
    """450 characters at 255 a minute: 115.6 s against 126.0 s, a ratio of 1.090."""
    pieces = [(9.71 + i * (20.13 - 9.71) / 449, "answer", "字") for i in range(450)]
    stream = build_trace(pieces)
    a, b = needed(read(stream)), needed(read(whole(stream, 20_130_000_000)))
    assert (a.unit, a.units) == ("character", 450)
    assert a.finish_s == pytest.approx(115.6, abs=0.05)
    assert b.finish_s == pytest.approx(126.0, abs=0.05)
    assert finish_ratio(a, b) == pytest.approx(1.090, abs=0.0005)


def test_each_script_takes_its_own_time(build_trace: Build) -> None:
    reading = needed(
        read(
            build_trace([(1, "answer", "the GPU 和 the CPU 共享")]),
            Reader(words_per_minute=60, characters_per_minute=120),
        )
    )
    assert reading.units == 7
    assert reading.reading_s == pytest.approx(4 * 1 + 3 * 0.5)
    assert reading.unit == "word"


def test_a_few_foreign_names_do_not_make_a_chinese_text_english(build_trace: Build) -> None:
    assert needed(read(build_trace([(1, "answer", "GPU和CPU共享统一内存")]))).unit == "character"


def test_a_word_can_be_read_when_its_last_letter_is_there(build_trace: Build) -> None:
    pieces = [
        (1, "answer", "one tw"),
        (2, "answer", "o"),
        (3, "answer", " three"),
        (4, "answer", "."),
    ]
    assert units_of(build_trace(pieces)).visible_s == [1, 2, 4]


def test_spaces_at_the_end_keep_nobody_waiting(build_trace: Build) -> None:
    assert needed(read(build_trace([(1, "answer", "yes"), (9, "answer", "\n\n")]))).start_s == 1


def test_thinking_is_not_what_the_reader_reads(build_trace: Build) -> None:
    reading = read(build_trace([(1, "reasoning", "let me see"), (3, "answer", "yes")]))
    assert (needed(reading).start_s, needed(reading).units) == (3, 1)


@pytest.mark.parametrize("mode", ["stream", "blocking"])
@pytest.mark.parametrize("pieces", [[], [(1, "reasoning", "hm")], [(1, "answer", "[{ 🙂")]])
def test_nothing_to_read(mode: str, pieces: list[Piece], build_trace: Build) -> None:
    trace = build_trace(pieces, mode=mode, marks_s={"done": 2})
    assert read(trace) is None
    assert available(trace, [0, 5]) == [0, 0]
    assert reader_at(trace, [0, 5]) == [0, 0]


@pytest.mark.parametrize("speed", [0, -1, math.inf, math.nan])
def test_a_reader_who_does_not_read_is_refused(speed: float, build_trace: Build) -> None:
    with pytest.raises(ValueError, match="more than 0 words a minute"):
        read(build_trace(words_at(1)), Reader(words_per_minute=speed))
    with pytest.raises(ValueError, match="more than 0 characters a minute"):
        read(build_trace(words_at(1)), Reader(characters_per_minute=speed))


def test_a_clock_that_steps_back_unreads_nothing(build_trace: Build) -> None:
    trace = build_trace(words_at(1.0, 0.9999, 1.2))
    assert units_of(trace).visible_s == [1.0, 1.0, 1.2]


def test_what_could_be_read_and_what_was(build_trace: Build) -> None:
    stream = build_trace(words_at(*TOY_S))
    times = [3.0, 0.0, 0.5, 0.625, 1.25, 1.6, 2.0, 2.125]
    assert available(stream, times) == [6, 0, 1, 1, 3, 3, 4, 4]
    assert reader_at(stream, times, FOUR_A_SECOND) == pytest.approx([6, 0, 0, 0.5, 3, 3, 3, 3.5])


def test_the_lines_of_the_plot(build_trace: Build) -> None:
    a = build_trace(words_at(1, 2, 3, 4))
    b = whole(a, 5_000_000_000)
    plot = curves(a, b, Reader(words_per_minute=30), points=6)
    assert plot.times_s == [0, 1, 2, 3, 4, 5]
    assert plot.a == [0, 1, 2, 3, 4, 4]
    assert plot.b == [0, 0, 0, 0, 0, 4]
    assert plot.reader == [0, 0, 0.5, 1, 1.5, 2]
    assert (plot.unit, plot.end_s) == ("word", 5)
    assert curves(a, b, Reader(), points=3, until_s=20).times_s == [0, 10, 20]


@given(st.integers(2, 10**11))
def test_the_plot_reaches_what_comes_last(at_ns: int) -> None:
    a = Trace(mode="stream", ended="stop", chunks=[Chunk(at_ns // 2, "answer", "word", 0)])
    plot = curves(a, whole(a, at_ns), Reader(), points=400)
    assert (plot.a[-1], plot.b[-1]) == (1, 1)
    assert plot.times_s[-1] == plot.end_s


def test_the_plot_of_one_side_has_its_reader(build_trace: Build) -> None:
    b = build_trace([(2, "answer", "字字")], mode="blocking", marks_s={"done": 2})
    plot = curves(None, b, Reader(), points=2)
    assert (plot.a, plot.b, plot.unit, plot.end_s) == ([], [0, 2], "character", 2)
    assert len(plot.reader) == 2


def test_the_plot_of_nothing() -> None:
    plot = curves(None, None, Reader(), points=3)
    assert (plot.times_s, plot.a, plot.b, plot.reader) == ([0, 0, 0], [], [], [0, 0, 0])


def test_a_plot_has_two_ends(build_trace: Build) -> None:
    with pytest.raises(ValueError, match="at least 2 points"):
        curves(None, None, Reader(), points=1)


def test_a_long_answer_is_read_at_once(build_trace: Build) -> None:
    """Anything that is not linear in 200,000 chunks takes longer than a test may."""
    chunks = [Chunk(i * 10_000_000, "answer", " word", i) for i in range(1, 200_001)]
    trace = Trace(mode="stream", chunks=chunks, ended="stop")
    assert needed(read(trace)).units == 200_000
    assert curves(trace, trace, Reader(), points=200).a[-1] == 200_000


texts = st.sampled_from(["one ", "two", " three", "字", "、", "内存 ", " -", "\n"])
generations = st.lists(st.tuples(st.integers(0, 3_000_000_000), texts), min_size=1, max_size=60)
speeds = st.floats(20, 2000)


def stream_of(generation: list[tuple[int, str]]) -> Trace:
    chunks, now = [], 0
    for i, (gap, text) in enumerate(generation):
        now += gap
        chunks.append(Chunk(now, "answer", text, i))
    return Trace(mode="stream", chunks=chunks, ended="stop")


@given(generations, speeds, speeds)
def test_no_stream_is_read_twice_as_soon(
    generation: list[tuple[int, str]], words_per_minute: float, characters_per_minute: float
) -> None:
    generation = [*generation, (0, "end")]
    reader = Reader(words_per_minute=words_per_minute, characters_per_minute=characters_per_minute)
    stream = stream_of(generation)
    a = needed(read(stream, reader))
    b = needed(read(whole(stream, stream.chunks[-1].t_ns), reader))
    ratio = finish_ratio(a, b)
    assert ratio is not None
    assert 1 - 1e-12 <= ratio < 2


@given(generations, speeds, speeds)
def test_the_closed_form_agrees_with_the_recursion(
    generation: list[tuple[int, str]], words_per_minute: float, characters_per_minute: float
) -> None:
    reader = Reader(words_per_minute=words_per_minute, characters_per_minute=characters_per_minute)
    stream = stream_of(generation)
    units = units_of(stream)
    reading = read(stream, reader)
    if reading is None:
        assert units.kinds == []
        return
    before = idle = 0.0
    for visible, kind in zip(units.visible_s, units.kinds, strict=True):
        idle = max(idle, visible - before)
        before += 60 / (words_per_minute if kind == "word" else characters_per_minute)
    assert reading.idle_s == pytest.approx(idle, abs=1e-9)
    assert reading.reading_s == pytest.approx(before)
    assert reading.finish_s == pytest.approx(idle + before)
    assert reading.stall_s == pytest.approx(idle - units.visible_s[0], abs=1e-9)


@given(generations, speeds, st.integers(2, 40))
def test_the_reader_never_reads_what_is_not_there(
    generation: list[tuple[int, str]], words_per_minute: float, points: int
) -> None:
    stream = stream_of(generation)
    plot = curves(stream, None, Reader(words_per_minute=words_per_minute), points)
    assert all(read_so_far <= there for read_so_far, there in zip(plot.reader, plot.a, strict=True))
    assert plot.reader == sorted(plot.reader)
    assert plot.a == sorted(plot.a)
