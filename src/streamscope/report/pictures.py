"""Which plots a comparison gets: of a typical pair, and of all its runs."""

from streamscope.measure.conventions import Conventions
from streamscope.measure.figures import measure
from streamscope.measure.reader import curves
from streamscope.measure.timing import survey
from streamscope.measure.values import NS_PER_S
from streamscope.report.sections import Section
from streamscope.report.svg_plots import (
    SpreadRow,
    gap_histogram,
    gaps_plot,
    readable_plot,
    spread_plot,
)
from streamscope.trace import SUMMARY_FLAG, ChannelName, Run

MARGIN = 1.05
"""The time axis goes on a little, so that the last step is seen as one."""

POINTS = 240
"""Points of each line: three pixels apart."""

_SPREADS = (("ttfv_s", "first text"), ("total_s", "total"))


def pictures(section: Section, conventions: Conventions) -> list[str]:
    """Return the plots of a comparison as SVG, those without anything to show left out."""
    typical = {name: _typical(section, name) for name in section.comparison.channels()}
    seen = {name: run for name, run in typical.items() if run and run.trace.text()}
    plots = []
    if seen:
        a, b = seen.get("A"), seen.get("B")
        traces = (a.trace if a else None, b.trace if b else None)
        end = max(survey(trace).last_text_ns or 0 for trace in traces if trace) / NS_PER_S
        drawn = curves(*traces, conventions.reader, POINTS, until_s=end * MARGIN)
        plots.append(readable_plot(drawn))
    if section.pooled:
        plots.append(spread_plot(_rows(section)))
    for run in seen.values():
        arrivals = survey(run.trace).arrivals_ns
        if run.trace.mode == "stream" and len(arrivals) > 2:
            plots += [gaps_plot(arrivals), gap_histogram(arrivals)]
    return plots


def _typical(section: Section, channel: ChannelName) -> Run | None:
    """Return the run whose total is nearest to the median."""
    spread = section.summary.spread(channel, "total_s")
    if spread is None:
        return None
    off = [
        (abs(total - spread.median), index)
        for index, run in enumerate(section.pooled)
        if run.channel == channel
        and SUMMARY_FLAG not in run.trace.flags
        and (total := measure(run.trace)["total_s"]) is not None
    ]
    return section.pooled[min(off)[1]] if off else None


def _rows(section: Section) -> list[SpreadRow]:
    rows = []
    for name, label in _SPREADS:
        for channel in section.comparison.channels():
            runs = [run for run in section.pooled if run.channel == channel]
            spread = section.summary.spread(channel, name)
            if not runs or spread is None:
                continue
            values = [measure(run.trace)[name] for run in runs]
            rows.append(
                SpreadRow(
                    label=f"{label}, {runs[0].trace.mode}",
                    side="a" if channel == "A" else "b",
                    values=[value for value in values if value is not None],
                    low=spread.low,
                    high=spread.high,
                )
            )
    return rows
