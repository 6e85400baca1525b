"""Where the time of a typical run of each channel went: bars, and what is to be known of them."""

from collections.abc import Container

import msgspec

from streamscope.measure.figures import measure
from streamscope.measure.statistics import median
from streamscope.report.channels import head
from streamscope.report.comparison import Comparison
from streamscope.report.error_words import clock_words
from streamscope.report.evidence_words import (
    buffering_words,
    observer_words,
    server_words,
)
from streamscope.report.phases_words import phase_bars, phase_remarks
from streamscope.report.summary import left_out, shared_notes
from streamscope.report.words import plain, seconds
from streamscope.trace import ChannelName, Run, Trace

WHERE = "Where the time went"
"""What stands above accounts in a report."""


class Account(msgspec.Struct, frozen=True):
    """Where the time of one run went.

    Attributes:
        heading: Which run it is, and why this one.
        trace: The run.
        said: What is to be known of it beside the lengths, a sentence each; it is plain.
    """

    heading: str
    trace: Trace
    said: list[str]

    def bars(self, width: int = 80, *, ascii_only: bool = False) -> list[str]:
        """Return its spans as lines of so many columns; none where nothing was timed."""
        return phase_bars(self.trace, width, ascii_only=ascii_only)


def accounts(comparison: Comparison) -> list[Account]:
    """Give the account of the typical run of each channel, without what all reports say anyway."""
    sides = comparison.sides
    known = {plain(note.sentence) for note in shared_notes(comparison)}
    made = []
    for channel in comparison.channels():
        run, why = typical(comparison, channel)
        named = head(sides, channel, run.trace.mode)
        made.append(account_of(run, f"{named} · {why}", known))
    return made


def account_of(run: Run, heading: str = "", known: Container[str] = ()) -> Account:
    """Give the account of a run.

    Args:
        run: The run.
        heading: What stands above it.
        known: Sentences that were said elsewhere and are not repeated.
    """
    trace = run.trace
    said = [
        *phase_remarks(trace),
        *server_words(trace, drawn=True),
        *clock_words(trace),
        *observer_words(trace),
        *buffering_words(trace),
    ]
    each = dict.fromkeys(plain(line) for line in said)
    return Account(heading, trace, [line for line in each if line not in known])


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
