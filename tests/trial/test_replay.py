"""A replay shows exactly what had happened by the moment that it shows, wherever it was before."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamscope.trace import Chunk, MarkName, Trace
from streamscope.trial.replay import SPEEDS, Playback, ReplayClock, end_ns

MS = 1_000_000


@st.composite
def traces(draw: st.DrawFn) -> Trace:
    """Recorded runs: times never go back, several chunks may share one, some come before zero."""
    gaps = draw(st.lists(st.integers(0, 5), max_size=12))
    at = draw(st.integers(-3, 10))
    chunks: list[Chunk] = []
    for number, gap in enumerate(gaps):
        at += gap
        chunks.append(Chunk(at, "answer", f"{number} ", number))
    marks: dict[MarkName, int] = {"connecting": -4, "sent": 0}
    ends: list[MarkName | None] = ["done", "error", "cancelled", None]
    ended = draw(st.sampled_from(ends))
    if ended is not None:
        marks[ended] = at + draw(st.integers(0, 5))
    return Trace(
        mode=draw(st.sampled_from(("stream", "blocking"))),
        marks=marks,
        chunks=chunks,
        ended="stop",
        flags=["simulated"],
        sent_monotonic_ns=77,
    )


@given(trace=traces(), positions=st.lists(st.integers(0, 80), min_size=1, max_size=20))
def test_a_moment_shows_what_had_happened_by_then(trace: Trace, positions: list[int]) -> None:
    recorded = list(trace.chunks)
    playback = Playback(trace)
    shown: list[Chunk] = []
    for position in positions:
        new, back = playback.advance(position)
        shown = new if back else [*shown, *new]
        due = [chunk for chunk in recorded if chunk.t_ns <= position]
        assert shown == due
        if position >= end_ns(trace):
            assert playback.view is trace
        else:
            view = playback.view
            assert view.chunks == due
            assert view.marks == {k: at for k, at in trace.marks.items() if at <= position}
            assert (view.ended, view.mode, view.flags) == (None, trace.mode, ["simulated"])
    assert trace.chunks == recorded, "what was recorded is not touched"


@given(trace=traces(), positions=st.lists(st.integers(0, 80), min_size=1, max_size=20))
def test_going_forward_never_begins_again(trace: Trace, positions: list[int]) -> None:
    playback = Playback(trace)
    moves = [playback.advance(position) for position in sorted(positions)]
    assert not any(back for _, back in moves)


@given(trace=traces())
def test_at_the_end_it_is_the_recorded_run(trace: Trace) -> None:
    playback = Playback(trace)
    new, back = playback.advance(end_ns(trace))
    assert (new, back) == (trace.chunks, False)
    assert playback.view is trace
    assert playback.advance(end_ns(trace)) == ([], False)


def test_a_run_is_over_when_its_last_word_and_its_end_came() -> None:
    chunks = [Chunk(9 * MS, "answer", "x", 0)]
    assert end_ns(Trace(mode="stream")) == 0
    assert end_ns(Trace(mode="stream", chunks=chunks)) == 9 * MS
    assert end_ns(Trace(mode="stream", chunks=chunks, marks={"done": 12 * MS})) == 12 * MS
    assert end_ns(Trace(mode="stream", marks={"cancelled": 5 * MS, "closed": 80 * MS})) == 5 * MS


def test_the_clock_runs_pauses_and_stops_at_the_end() -> None:
    clock = ReplayClock(end_ns=100, now_ns=1000)
    assert clock.position_ns(1000) == 0
    assert clock.position_ns(1040) == 40
    clock.toggle(1040)
    assert clock.position_ns(5000) == 40
    clock.toggle(5000)
    assert clock.position_ns(5010) == 50
    assert not clock.finished(5059)
    assert clock.finished(5060)
    assert clock.position_ns(9999) == 100


def test_a_finished_clock_begins_again() -> None:
    clock = ReplayClock(end_ns=100, now_ns=0)
    clock.toggle(200)
    assert clock.playing
    assert clock.position_ns(230) == 30
    clock.toggle(230)
    clock.seek(100, 230)
    clock.toggle(300)
    assert clock.playing
    assert clock.position_ns(310) == 10


def test_a_moment_outside_the_run_is_its_beginning_or_its_end() -> None:
    clock = ReplayClock(end_ns=100, now_ns=0)
    clock.seek(-5, 0)
    assert clock.position_ns(0) == 0
    clock.seek(500, 0)
    assert clock.position_ns(0) == 100
    assert ReplayClock(end_ns=-3, now_ns=0).finished(0)


def test_another_speed_starts_from_here() -> None:
    clock = ReplayClock(end_ns=1000, now_ns=0)
    clock.change_speed(1, 100)
    assert clock.speed == 2.0
    assert clock.position_ns(100) == 100
    assert clock.position_ns(150) == 200
    clock.change_speed(-99, 150)
    assert clock.speed == SPEEDS[0]
    clock.change_speed(99, 150)
    assert clock.speed == SPEEDS[-1]


@given(
    moves=st.lists(
        st.tuples(st.sampled_from(("wait", "seek", "toggle", "speed")), st.integers(-50, 200)),
        max_size=30,
    )
)
def test_the_clock_never_leaves_the_run(moves: list[tuple[str, int]]) -> None:
    clock, now = ReplayClock(end_ns=100, now_ns=0), 0
    for what, amount in moves:
        before = clock.position_ns(now)
        if what == "wait":
            now += abs(amount)
            assert clock.position_ns(now) >= before
        elif what == "seek":
            clock.seek(amount, now)
        elif what == "toggle":
            clock.toggle(now)
        else:
            clock.change_speed(amount // 50, now)
            assert clock.position_ns(now) == before
        assert 0 <= clock.position_ns(now) <= clock.end_ns
        assert clock.speed in SPEEDS


@pytest.mark.parametrize("speed", SPEEDS)
def test_speeds_are_multiples_of_the_true_one(speed: float) -> None:
    clock = ReplayClock(end_ns=10**12, now_ns=0)
    clock.change_speed(SPEEDS.index(speed) - SPEEDS.index(1.0), 0)
    assert clock.position_ns(10**9) == int(10**9 * speed)
