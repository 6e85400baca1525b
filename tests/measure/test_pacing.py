"""Paced text is late or together, never early, never lost, and can be replayed and measured."""

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamscope.measure.figures import measure
from streamscope.measure.pacing import PRESETS, RAW, Pacing, effect, pace
from streamscope.trace import Chunk, MarkName, TextKind, Trace
from streamscope.trial.replay import Playback, end_ns

Build = Callable[..., Trace]
Piece = tuple[float, TextKind, str]

TIMES_S = (1.00, 1.01, 1.02, 1.10, 1.11, 1.30, 1.60)


@pytest.fixture
def stream(build_trace: Build) -> Trace:
    pieces = [(time, "answer", f" {i}") for i, time in enumerate(TIMES_S)]
    return build_trace(pieces, marks_s={"headers": 0.5, "done": 1.7, "closed": 1.8}, flags=["x"])


def shown(trace: Trace, pacing: Pacing) -> list[float]:
    return [chunk.t_ns / 1e9 for chunk in pace(trace, pacing).chunks]


def test_raw_is_as_it_came(stream: Trace) -> None:
    assert pace(stream, RAW) == stream


def test_a_batch_is_shown_when_its_last_chunk_came_and_the_rest_at_the_end(stream: Trace) -> None:
    assert shown(stream, Pacing("batch", 3)) == [1.02, 1.02, 1.02, 1.30, 1.30, 1.30, 1.70]
    assert shown(stream, Pacing("batch", 1)) == list(TIMES_S)
    assert shown(stream, Pacing("batch", 100)) == [1.70] * 7


def test_a_timer_starts_with_the_first_chunk_that_is_pending(stream: Trace) -> None:
    assert shown(stream, Pacing("debounce", 50)) == [1.05, 1.05, 1.05, 1.15, 1.15, 1.35, 1.65]


def test_what_comes_when_the_timer_runs_out_is_shown_with_it(build_trace: Build) -> None:
    trace = build_trace([(t, "answer", "x") for t in (1.0, 1.05, 1.06)], marks_s={"done": 2})
    assert shown(trace, Pacing("debounce", 50)) == [1.05, 1.05, 1.11]


def test_a_timer_that_runs_at_the_end_is_cut_short(stream: Trace) -> None:
    assert shown(stream, Pacing("debounce", 5000)) == [1.70] * 7


def test_a_steady_rate_shows_nothing_early_and_may_end_after_the_end(stream: Trace) -> None:
    assert shown(stream, Pacing("smooth", 10)) == pytest.approx([1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6])
    assert shown(stream, Pacing("smooth", 5))[-1] == pytest.approx(2.2)
    assert shown(stream, Pacing("smooth", 1000)) == list(TIMES_S)


def test_a_streams_own_rate_ends_with_the_stream(stream: Trace) -> None:
    times = shown(stream, Pacing("smooth"))
    gaps = [after - before for before, after in pairwise(times)]
    assert gaps == pytest.approx([0.1] * 6)
    assert times[-1] == pytest.approx(1.6)


def test_thinking_and_answer_have_a_rate_of_their_own(build_trace: Build) -> None:
    thinking: list[Piece] = [(t, "reasoning", "hm") for t in (1.0, 1.0, 2.0)]
    answer: list[Piece] = [(t, "answer", "x") for t in (5.0, 5.0, 5.4)]
    assert shown(build_trace([*thinking, *answer]), Pacing("smooth")) == pytest.approx(
        [1.0, 1.5, 2.0, 5.0, 5.2, 5.4]
    )


def test_held_back_whole(stream: Trace) -> None:
    assert shown(stream, Pacing("whole")) == [1.7] * 7


@pytest.mark.parametrize(
    ("marks_s", "end_s"),
    [
        ({"error": 3.0}, 3.0),
        ({"cancelled": 2.5, "closed": 2.6}, 2.5),
        ({}, 1.2),
        ({"done": 1}, 1.2),
    ],
)
def test_the_end_of_a_run_without_its_own_end_mark(
    marks_s: dict[MarkName, float], end_s: float, build_trace: Build
) -> None:
    trace = build_trace([(1.1, "answer", "x"), (1.2, "answer", "y")], marks_s=marks_s)
    assert shown(trace, Pacing("whole")) == [end_s, end_s]


def test_a_paced_run_says_so_and_leaves_the_recorded_one_alone(stream: Trace) -> None:
    before = [chunk.t_ns for chunk in stream.chunks]
    paced = pace(stream, Pacing("batch", 3))
    assert paced.flags == ["x", "paced:batch"]
    assert paced.marks == stream.marks
    paced.marks["error"] = 0
    assert stream.flags == ["x"]
    assert "error" not in stream.marks
    assert [chunk.t_ns for chunk in stream.chunks] == before


@pytest.mark.parametrize("pacing", PRESETS, ids=lambda pacing: pacing.label)
def test_a_blocking_response_stays_as_it_is(pacing: Pacing, build_trace: Build) -> None:
    trace = build_trace([(2, "answer", "x")], mode="blocking", marks_s={"done": 2.1})
    assert pace(trace, pacing) == trace
    assert pace(Trace(mode="stream"), pacing) == Trace(mode="stream")


def test_what_pacing_costs_and_wins(stream: Trace) -> None:
    held = effect(stream, pace(stream, Pacing("debounce", 50)))
    assert held.delay_mean_ms == pytest.approx((50 + 40 + 30 + 50 + 40 + 50 + 50) / 7)
    assert (held.delay_max_ms, held.first_delay_ms, held.end_delay_ms) == (50, 50, 50)

    smooth = effect(stream, pace(stream, Pacing("smooth")))
    assert smooth.first_delay_ms == smooth.end_delay_ms == 0
    assert smooth.delay_max_ms == pytest.approx(290)
    assert (smooth.gap_cv_before or 0) > 1
    assert smooth.gap_cv_after == pytest.approx(0, abs=1e-6)
    assert (smooth.gap_p95_before_ms or 0) > (smooth.gap_p95_after_ms or 0)
    assert (smooth.stalls_before, smooth.stalls_after) == (1, 0)


def test_held_back_whole_there_are_no_gaps_left(stream: Trace) -> None:
    whole = effect(stream, pace(stream, Pacing("whole")))
    assert whole.first_delay_ms == pytest.approx(700)
    assert (whole.gap_cv_after, whole.gap_p95_after_ms, whole.stalls_after) == (None, None, None)


def test_only_the_answer_counts_for_the_effect(build_trace: Build) -> None:
    trace = build_trace([(1, "reasoning", "a"), (2, "answer", "b")], marks_s={"done": 2})
    assert effect(trace, pace(trace, Pacing("whole"))).delay_max_ms == 0
    thought = build_trace([(1, "reasoning", "a")], marks_s={"done": 2})
    assert effect(thought, pace(thought, Pacing("whole"))).delay_mean_ms == 0


def test_runs_that_have_nothing_to_do_with_each_other_have_no_effect(stream: Trace) -> None:
    with pytest.raises(ValueError, match="its own paced copy"):
        effect(stream, Trace(mode="stream"))


@pytest.mark.parametrize(
    ("kind", "amount", "sentence"),
    [
        ("batch", 0, "whole number of chunks"),
        ("batch", 2.5, "whole number of chunks"),
        ("debounce", 0, "above 0 ms"),
        ("smooth", -1, "not negative"),
        ("smooth", 0.01, "at least 0.1 chunks"),
        ("smooth", float("inf"), "not negative"),
        ("whole", float("nan"), "not negative"),
    ],
)
def test_amounts_without_sense_are_refused(kind: str, amount: float, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Pacing(kind, amount)  # type: ignore[arg-type] # the parameter is one of the kinds


def test_labels() -> None:
    ways = [*PRESETS, Pacing("batch", 1), Pacing("smooth", 40)]
    assert [pacing.label for pacing in ways] == [
        "as it came",
        "5 chunks at a time",
        "every 50 ms",
        "every 100 ms",
        "steady at its own rate",
        "held back whole",
        "1 chunk at a time",
        "steady 40 /s",
    ]


def test_a_long_answer_is_paced_at_once() -> None:
    """Anything that is not linear in 200,000 chunks takes longer than a test may."""
    chunks = [Chunk(i * 10_000_000, "answer", " word", i) for i in range(200_000)]
    trace = Trace(mode="stream", chunks=chunks, ended="stop")
    for pacing in PRESETS:
        assert len(pace(trace, pacing).chunks) == 200_000


kinds: st.SearchStrategy[TextKind] = st.sampled_from(["reasoning", "answer", "answer", "tool"])
arrivals = st.lists(
    st.tuples(st.sampled_from([-5, 0, 1_000_000, 33_333_333, 400_000_001]), kinds), max_size=40
)
ways = st.one_of(
    st.sampled_from(PRESETS),
    st.builds(Pacing, st.just("batch"), st.integers(1, 50)),
    st.builds(Pacing, st.just("debounce"), st.floats(0.001, 2000)),
    st.builds(Pacing, st.just("smooth"), st.floats(0.1, 1000)),
)


@given(arrivals, ways, st.integers(0, 2_000_000_000))
def test_a_paced_run_holds_together(
    steps: list[tuple[int, TextKind]], pacing: Pacing, tail: int
) -> None:
    chunks, now = [], 1_000_000_000
    for i, (step, kind) in enumerate(steps):
        now += step
        chunks.append(Chunk(now, kind, f"{i} ", i, server_ns=i))
    last = max((chunk.t_ns for chunk in chunks), default=now)
    trace = Trace(mode="stream", chunks=chunks, ended="stop", marks={"done": last + tail})
    paced = pace(trace, pacing)

    assert [(c.kind, c.text, c.server_ns) for c in paced.chunks] == [
        (c.kind, c.text, c.server_ns) for c in chunks
    ]
    assert all(s.t_ns >= c.t_ns for c, s in zip(chunks, paced.chunks, strict=True))
    if pacing.kind != "raw":
        assert all(
            before.t_ns <= after.t_ns and (before.t_ns == after.t_ns) == (before.read == after.read)
            for before, after in pairwise(paced.chunks)
        )
    if pacing.kind != "smooth":
        assert end_ns(paced) == end_ns(trace)

    playback = Playback(paced)
    new, _ = playback.advance(end_ns(paced))
    assert new == paced.chunks
    assert playback.view is paced
    assert measure(paced)["done_s"] == measure(trace)["done_s"]
    assert effect(trace, paced).delay_max_ms >= 0
