"""Live figures agree with the exact ones that replace them, at any point of the run."""

from collections.abc import Callable

import pytest

from streamscope.measure.figures import measure
from streamscope.measure.live import LiveFigures
from streamscope.trace import Chunk, Trace


def feed(trace: Trace) -> LiveFigures:
    live = LiveFigures()
    for chunk in trace.chunks:
        live.add(chunk)
    return live


def test_at_the_end_they_are_the_exact_ones(every_tool: Trace) -> None:
    live, exact = feed(every_tool), measure(every_tool)
    assert live.t_any_s == exact["t_any_s"]
    assert live.ttfv_s == exact["ttfv_s"]
    assert live.chunks == exact["chunks"]
    assert live.chunks_per_s == exact["chunks_per_s"]
    assert live.gaps.median_ms == exact["gap_p50_ms"]
    assert live.gaps.p95_ms == exact["gap_p95_ms"]
    assert live.gaps.max_ms == exact["gap_max_ms"]
    assert live.answer_chars == len(every_tool.text())
    assert live.reasoning_chars == 2


def test_before_anything_came_there_is_nothing() -> None:
    live = LiveFigures()
    assert (live.kind, live.t_any_s, live.ttfv_s, live.chunks_per_s) == (None, None, None, None)


def test_the_rate_is_that_of_what_is_arriving(build_trace: Callable[..., Trace]) -> None:
    live = LiveFigures()
    for t_ns in (0, 100_000_000, 200_000_000):
        live.add(Chunk(t_ns, "reasoning", "x", 0))
    assert live.chunks_per_s == pytest.approx(10)
    assert (live.kind, live.ttfv_s, live.t_any_s) == ("reasoning", None, 0)
    live.add(Chunk(500_000_000, "answer", "x", 1))
    assert live.chunks_per_s is None
    live.add(Chunk(520_000_000, "answer", "x", 2))
    assert live.chunks_per_s == pytest.approx(50)
    assert live.since_ns == 500_000_000
