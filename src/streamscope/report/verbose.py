"""What stands below a table for whoever wants to know more: one run of each channel, in detail."""

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.text import Text

from streamscope.measure.figures import measure
from streamscope.measure.statistics import median
from streamscope.report.comparison import Comparison
from streamscope.report.evidence_words import (
    buffering_words,
    clock_words,
    observer_words,
    server_words,
)
from streamscope.report.phases_words import LEAST_WIDTH, phase_bars, phase_remarks
from streamscope.report.summary import left_out
from streamscope.report.words import plain, seconds
from streamscope.trace import ChannelName, Run, Trace

MOST_WIDTH = 100
"""Columns that bars take at most: a longer one is not easier to read."""


class Bars:
    """The spans of a run as bars, as wide as the terminal lets them be."""

    def __init__(self, trace: Trace) -> None:
        """Take the run."""
        self._trace = trace

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw; where only ASCII can be written, with ASCII."""
        del console
        width = max(LEAST_WIDTH, min(options.max_width, MOST_WIDTH))
        for line in phase_bars(self._trace, width, ascii_only=options.ascii_only):
            yield Text(line, no_wrap=True, overflow="crop")


def verbose(comparison: Comparison) -> RenderableType:
    """Return where the time went on each channel, and what is to be known about that."""
    parts: list[RenderableType] = []
    for channel in comparison.channels():
        run, why = typical(comparison, channel)
        heading = f"{channel} {run.trace.mode} · {why}"
        parts += [Text(), Text(heading, "bold"), of_run(run)]
    return Group(*parts)


def of_run(run: Run) -> RenderableType:
    """Return where the time of one run went, and what is to be known about it."""
    trace = run.trace
    said = [
        *phase_remarks(trace),
        *server_words(trace),
        *clock_words(trace),
        *observer_words(trace),
        *buffering_words(trace),
    ]
    return Group(Bars(trace), *(Text(f"· {plain(line)}") for line in said))


def typical(comparison: Comparison, channel: ChannelName) -> tuple[Run, str]:
    """Choose the run that stands for a channel, and say which it is and why.

    It is the one of the pooled runs whose total is nearest the median of their totals, the first
    of those where several are. Where none is pooled, it is the last that was made.

    Raises:
        ValueError: The channel has no runs.
    """
    runs = comparison.of(channel)
    if not runs:
        raise ValueError(f"channel {channel} has no runs")
    pooled = [
        (run, total)
        for run, reason in zip(comparison.runs, left_out(comparison), strict=True)
        if run.channel == channel
        and reason is None
        and (total := measure(run.trace)["total_s"]) is not None
    ]
    if not pooled:
        return runs[-1], f"{_place(runs[-1])}, the last run: none of them is in the medians"
    if len(pooled) == 1:
        return pooled[0][0], f"{_place(pooled[0][0])}, the only run in the medians"
    middle = median([total for _, total in pooled])
    run, total = min(pooled, key=lambda each: abs(each[1] - middle))
    return run, (
        f"{_place(run)}, whose total of {seconds(total)} is nearest the median of"
        f" {len(pooled)} runs, {seconds(middle)}"
    )


def _place(run: Run) -> str:
    return "warm-up" if run.warmup else f"pair {run.pair}"
