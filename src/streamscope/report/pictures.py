"""Which plots a comparison gets: of a typical pair, and of all its runs."""

from typing import Literal

from streamscope.measure.conventions import Conventions
from streamscope.measure.figures import BY_NAME, measure
from streamscope.measure.reader import curves
from streamscope.measure.timing import survey
from streamscope.measure.values import NS_PER_S
from streamscope.report.channels import head
from streamscope.report.sections import Section
from streamscope.report.svg_plots import (
    Lines,
    SpreadRow,
    gap_histogram,
    gaps_plot,
    readable_plot,
    spread_plot,
)
from streamscope.sides import Sides
from streamscope.trace import SUMMARY_FLAG, ChannelName, Run

MARGIN = 1.05
"""The time axis goes on a little, so that the last step is seen as one."""

POINTS = 240
"""Points of each line: three pixels apart."""

_SPREADS = ("ttfv_s", "total_s")
_SIDES: dict[ChannelName, Literal["a", "b"]] = {"A": "a", "B": "b"}
"""Channels and their colours."""


def pictures(section: Section, conventions: Conventions) -> list[str]:
    """Return the plots of a comparison as SVG, those without anything to show left out."""
    seen = _typical(section)
    plots = []
    if seen:
        a, b = seen.get("A"), seen.get("B")
        traces = (a.trace if a else None, b.trace if b else None)
        end = max(survey(trace).last_text_ns or 0 for trace in traces if trace) / NS_PER_S
        drawn = curves(*traces, conventions.reader, POINTS, until_s=end * MARGIN)
        title = f"What could be read, when: {_which(section, seen)}"
        plots.append(readable_plot(drawn, title, _lines(section.sides)))
    if section.pooled:
        plots.append(spread_plot(_rows(section)))
    for name, run in seen.items():
        arrivals = survey(run.trace).arrivals_ns
        if run.trace.mode == "stream" and len(arrivals) > 2:
            which = f"{name} of pair {run.pair}"
            side = _SIDES[name]
            plots.append(gaps_plot(arrivals, f"Gaps between chunks, over time ({which})", side))
            plots.append(gap_histogram(arrivals, f"Gaps between chunks, by length ({which})", side))
    return plots


def _lines(sides: Sides | None) -> Lines:
    """Name the lines of what could be read; the reader follows A."""
    if sides is None or sides.question == "delivery":
        return Lines()
    a, b = (head(sides, side, sides.side(side).mode) for side in _SIDES)
    return Lines(
        names=(a, b, "the reader of A"),
        said=("with A", "with B"),
        steps=(sides.a.mode == "blocking", sides.b.mode == "blocking"),
        one_text=sides.question != "models",
    )


def _typical(section: Section) -> dict[ChannelName, Run]:
    """Return the pair whose totals are nearest to the medians, by channel.

    Where there is no whole pair, each channel has its own such run.
    """
    pairs: dict[int, dict[ChannelName, Run]] = {}
    alone: dict[ChannelName, list[Run]] = {}
    for run in section.pooled:
        if SUMMARY_FLAG not in run.trace.flags and run.trace.text():
            pairs.setdefault(run.pair, {})[run.channel] = run
            alone.setdefault(run.channel, []).append(run)
    whole = [pair for pair in pairs.values() if len(pair) == len(section.comparison.channels())]
    if whole:
        return min(whole, key=lambda pair: sum(_off(section, run) for run in pair.values()))
    return {
        channel: min(runs, key=lambda run: _off(section, run)) for channel, runs in alone.items()
    }


def _off(section: Section, run: Run) -> float:
    """Return how far a run's total is from the median of its channel, as a share."""
    spread, total = section.summary.spread(run.channel, "total_s"), measure(run.trace)["total_s"]
    if spread is None or total is None or spread.median <= 0:
        return 0.0
    return abs(total / spread.median - 1)


def _which(section: Section, seen: dict[ChannelName, Run]) -> str:
    """Say which runs are drawn, and that they are single ones."""
    pairs = {run.pair for run in seen.values()}
    of = len({run.pair for run in section.pooled})
    if len(pairs) > 1:
        return " and ".join(f"{name} of pair {run.pair}" for name, run in seen.items())
    one = "pair" if len(seen) == 2 else f"{next(iter(seen))} of pair"
    rank = f", the most typical of {of}" if of > 1 else ""
    return f"{one} {pairs.pop()}{rank}"


def _rows(section: Section) -> list[SpreadRow]:
    rows, usual = [], section.comparison.question == "delivery"
    for name in _SPREADS:
        for channel in section.comparison.channels():
            runs = [run for run in section.pooled if run.channel == channel]
            spread = section.summary.spread(channel, name)
            if not runs or spread is None:
                continue
            values = [measure(run.trace)[name] for run in runs]
            rows.append(
                SpreadRow(
                    label=f"{BY_NAME[name].label}, {runs[0].trace.mode if usual else channel}",
                    side=_SIDES[channel],
                    values=[value for value in values if value is not None],
                    low=spread.low,
                    high=spread.high,
                )
            )
    return rows
