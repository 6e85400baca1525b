"""One run stands for its channel: which, and why it, is said."""

from collections.abc import Callable

import pytest

from streamscope.plan import Plan
from streamscope.report.accounts import typical
from streamscope.report.comparison import Comparison
from streamscope.report.table import as_text
from streamscope.report.verbose import of_run, verbose
from streamscope.trace import Fault, Run, Trace

Build = Callable[..., Comparison]
BuildTrace = Callable[..., Trace]


def test_the_run_nearest_the_median_stands_for_its_channel(
    build_comparison: Build, build_stream: BuildTrace, build_blocking: BuildTrace
) -> None:
    totals = (9.0, 5.0, 6.5, 30.0)  # the median is 7.75
    comparison = build_comparison(
        [build_stream(1.0, total) for total in totals], [build_blocking(9.0) for _ in totals]
    )
    run, why = typical(comparison, "A")
    assert run.pair == 1
    assert why == "pair 1, whose total of 9.00 s is nearest the median of 4 runs, 7.75 s"


def test_runs_that_are_not_pooled_stand_for_nothing(
    build_comparison: Build, build_stream: BuildTrace, build_blocking: BuildTrace
) -> None:
    comparison = build_comparison(
        [build_stream(1.0, 5.0), build_stream(1.0, 9.0, ended="cancelled")],
        [build_blocking(5.0), build_blocking(9.0)],
    )
    run, why = typical(comparison, "A")
    assert (run.pair, why) == (1, "pair 1, the only run in the medians")


def test_where_nothing_is_pooled_the_last_run_is_shown(build_run: Callable[..., Run]) -> None:
    trace = Trace(mode="stream", marks={"sent": 0, "error": 2_000_000_000}, ended="error")
    trace.fault = Fault(code="silence", sentence="Nothing came.")
    comparison = Comparison(plan=Plan(repeat=1), runs=[build_run(trace)])
    assert typical(comparison, "A")[1] == "pair 1, the last run: none of them is in the medians"
    with pytest.raises(ValueError, match="channel B has no runs"):
        typical(comparison, "B")
    assert "It failed in the last of these: waiting for headers." in as_text(verbose(comparison))


def test_each_channel_has_its_bars_and_its_words(long_comparison: Comparison) -> None:
    said = as_text(verbose(long_comparison))
    assert "A stream · pair 3, whose total" in said
    assert "B blocking · pair 3, whose total" in said
    assert said.count("in all") == 2
    assert "generating" in said
    assert max(map(len, said.splitlines())) <= 80


@pytest.mark.parametrize("width", [40, 80, 200])
def test_bars_take_the_width_that_there_is(
    build_run: Callable[..., Run], build_stream: BuildTrace, width: int
) -> None:
    said = as_text(of_run(build_run(build_stream(1.0, 5.0))), width)
    (line,) = [line for line in said.splitlines() if line.startswith("in all")]
    assert len(line) == min(width, 100)
