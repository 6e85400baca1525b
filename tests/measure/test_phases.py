"""A run always has a phase with a name, whatever its marks."""

from collections.abc import Callable

import pytest

from streamscope.measure.live import LiveFigures
from streamscope.measure.phases import Phase, phase
from streamscope.trace import Trace

Build = Callable[..., Trace]
ANSWER = [
    (0.5, "reasoning", "hm"),
    (0.6, "reasoning", "so"),
    (1.0, "answer", "x"),
    (2, "answer", "y"),
]


@pytest.mark.parametrize(
    ("fields", "name", "elapsed_s"),
    [
        ({}, "connecting", 0),
        ({"marks_s": {"connecting": -0.5}}, "connecting", 3.5),
        ({"marks_s": {"connecting": -0.5, "connected": -0.4}}, "connecting", 3.5),
        ({"marks_s": {"connecting": -0.5, "sending": -0.1}}, "sending", 3.1),
        ({"marks_s": {"sending": -0.1, "sent": 0}}, "waiting", 3),
        ({"marks_s": {"sent": 0, "headers": 0.1, "first_byte": 0.1}}, "waiting", 3),
        ({"pieces": ANSWER[:2], "marks_s": {"sent": 0}}, "thinking", 2.5),
        ({"pieces": ANSWER, "marks_s": {"sent": 0}}, "answering", 2),
        ({"pieces": [*ANSWER, (2.5, "tool", "{}")]}, "calling", 0.5),
        ({"pieces": ANSWER, "marks_s": {"sent": 0, "finish": 2.5}}, "finishing", 0.5),
        ({"pieces": ANSWER, "marks_s": {"finish": 2.5, "done": 2.75}}, "finishing", 0.25),
        ({"mode": "blocking", "marks_s": {"sent": 0}}, "waiting", 3),
        ({"mode": "blocking", "marks_s": {"sent": 0, "headers": 2}}, "waiting", 3),
        ({"mode": "blocking", "marks_s": {"sent": 0, "first_byte": 2}}, "receiving", 1),
        ({"ended": "stop", "marks_s": {"done": 2, "closed": 2.5}}, "done", 0.5),
        ({"ended": "length", "marks_s": {"done": 2}}, "done", 1),
        ({"ended": "tool", "marks_s": {"closed": 2}}, "done", 1),
        ({"ended": "filter", "marks_s": {"closed": 2}}, "incomplete", 1),
        ({"ended": "incomplete", "marks_s": {"closed": 2}}, "incomplete", 1),
        ({"ended": "error", "marks_s": {"error": 2, "first_byte": 1}}, "failed", 1),
        ({"ended": "cancelled", "marks_s": {"cancelled": 2}}, "stopped", 1),
        ({"ended": "error", "marks_s": {"connecting": 1}}, "failed", 2),
        ({"ended": "error"}, "failed", 0),
    ],
)
def test_phases(build_trace: Build, fields: dict[str, object], name: str, elapsed_s: float) -> None:
    trace = build_trace(**{"ended": None} | fields)
    now = phase(trace, 3_000_000_000)
    assert now.name == name
    assert now.elapsed_s == pytest.approx(elapsed_s)


def test_live_figures_only_save_time(build_trace: Build) -> None:
    trace = build_trace(ended=None)
    live = LiveFigures()
    for chunk in build_trace(ANSWER).chunks:
        trace.chunks.append(chunk)
        live.add(chunk)
        assert phase(trace, 3_000_000_000, live) == phase(trace, 3_000_000_000)


def test_a_clock_a_little_behind_makes_no_negative_age(build_trace: Build) -> None:
    trace = build_trace(ANSWER, ended=None)
    assert phase(trace, 0) == Phase(name="answering", since_ns=1_000_000_000, elapsed_s=0)
