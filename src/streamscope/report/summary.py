"""Many runs to one number a figure: medians, their intervals, and what was left out."""

from collections.abc import Sequence

import msgspec

from streamscope.measure.figures import FIGURES, Figures, measure
from streamscope.measure.notes import Note, pair_notes, run_notes
from streamscope.measure.statistics import median, median_interval
from streamscope.report.comparison import Comparison
from streamscope.trace import ChannelName, Run


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """The median of one figure over the pooled runs of one channel.

    Attributes:
        median: In the figure's unit.
        n: Number of runs that have the figure.
        low: Lower bound of the median's interval; null below five runs.
        high: Upper bound of the median's interval; null below five runs.
        coverage: Probability, 0 to 1, that such an interval holds the true median.
        estimated: Whether any of the values was an estimate.
    """

    median: float
    n: int
    low: float | None = None
    high: float | None = None
    coverage: float | None = None
    estimated: bool = False


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the runs of one channel.

    Attributes:
        pooled: Runs that the medians are made of.
        warmups: Warm-ups, left out.
        failed: Left out because they failed, were stopped, withheld or incomplete.
        cut: Left out because they hit a token limit that the two channels do not share.
        apart: Left out because they were made under another regime or layout than the plan's.
    """

    pooled: int = 0
    warmups: int = 0
    failed: int = 0
    cut: int = 0
    apart: int = 0


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of a comparison.

    Attributes:
        figures: By channel and name of figure.
        counts: By channel.
        ratios: Median of A over median of B, by name of figure. A statement about the medians:
            nothing was tested.
    """

    figures: dict[ChannelName, dict[str, Spread]]
    counts: dict[ChannelName, Counts]
    ratios: dict[str, float]

    def spread(self, channel: ChannelName, name: str) -> Spread | None:
        """Return one figure of one channel."""
        return self.figures.get(channel, {}).get(name)


class SharedNote(msgspec.Struct, frozen=True, kw_only=True):
    """A remark that some of the runs share.

    Attributes:
        code: Short name.
        sentence: What is to be said, in the words of the first of those runs.
        channel: The channel of the runs; null if it is about pairs.
        count: How many runs or pairs it holds for.
        of: How many there are.
    """

    code: str
    sentence: str
    channel: ChannelName | None
    count: int
    of: int


def summarise(comparison: Comparison, measured: Sequence[Figures] | None = None) -> Summary:
    """Pool the runs of each channel that may be pooled.

    Args:
        comparison: What was done.
        measured: The figures of its runs, in their order, if they were computed before.
    """
    measured = measured or [measure(run.trace) for run in comparison.runs]
    shared_cap = _shares_cap(comparison)
    figures: dict[ChannelName, dict[str, Spread]] = {}
    counts: dict[ChannelName, Counts] = {}
    for channel in comparison.channels():
        pooled: list[Figures] = []
        left_out = {"warmups": 0, "failed": 0, "cut": 0, "apart": 0}
        for run, each in zip(comparison.runs, measured, strict=True):
            if run.channel != channel:
                continue
            reason = _why_left_out(run, comparison, shared_cap)
            if reason is None:
                pooled.append(each)
            else:
                left_out[reason] += 1
        figures[channel] = spreads(pooled)
        counts[channel] = Counts(pooled=len(pooled), **left_out)
    return Summary(
        figures=figures,
        counts=counts,
        ratios=_ratios(figures.get("A", {}), figures.get("B", {})),
    )


def spreads(pooled: Sequence[Figures]) -> dict[str, Spread]:
    """Return the median and interval of every figure that any of these runs has."""
    found = {}
    for figure in FIGURES:
        values = [value for each in pooled if (value := each[figure.name]) is not None]
        if not values:
            continue
        interval = median_interval(values)
        found[figure.name] = Spread(
            median=median(values),
            n=len(values),
            low=interval.low if interval else None,
            high=interval.high if interval else None,
            coverage=interval.coverage if interval else None,
            estimated=any(figure.name in each.estimated for each in pooled),
        )
    return found


def shared_notes(comparison: Comparison) -> list[SharedNote]:
    """Gather the remarks about all measured runs and pairs, each said once."""
    gathered = []
    for channel in comparison.channels():
        runs = [run for run in comparison.of(channel) if not run.warmup]
        gathered += _gather([run_notes(run) for run in runs], channel)
    gathered += _gather([pair_notes(a, b) for a, b in comparison.pairs()], None)
    return gathered


def _gather(notes: Sequence[tuple[Note, ...]], channel: ChannelName | None) -> list[SharedNote]:
    first: dict[str, str] = {}
    count: dict[str, int] = {}
    for of_one in notes:
        for note in of_one:
            first.setdefault(note.code, note.sentence)
            count[note.code] = count.get(note.code, 0) + 1
    return [
        SharedNote(code=code, sentence=sentence, channel=channel, count=count[code], of=len(notes))
        for code, sentence in first.items()
    ]


def _why_left_out(run: Run, comparison: Comparison, shared_cap: bool) -> str | None:
    if run.warmup:
        return "warmups"
    if not run.trace.ok:
        return "failed"
    if run.trace.ended == "length" and not shared_cap:
        return "cut"
    plan = comparison.plan
    return "apart" if (run.layout, run.regime) != (plan.layout, plan.regime) else None


def _shares_cap(comparison: Comparison) -> bool:
    """Tell whether all runs had the same token limit on purpose, so that cut ones compare."""
    caps = {run.request.max_tokens for run in comparison.runs}
    return len(caps) == 1 and None not in caps


def _ratios(a: dict[str, Spread], b: dict[str, Spread]) -> dict[str, float]:
    return {
        name: spread.median / b[name].median
        for name, spread in a.items()
        if name in b and b[name].median > 0
    }
