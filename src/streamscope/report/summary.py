"""Many runs to one number a figure: medians, their intervals, and what was left out."""

import math
from collections.abc import Sequence
from typing import Literal, TypeAlias

import msgspec

from streamscope.measure.figures import FIGURES, Figures, measure
from streamscope.measure.inference import log_ratios, paired_ratio, signed_rank_p
from streamscope.measure.notes import Note, pair_notes, run_notes
from streamscope.measure.server_side import RELOAD_S
from streamscope.measure.statistics import median, median_interval
from streamscope.measure.trust import busy_words_of
from streamscope.report.comparison import Comparison
from streamscope.trace import ChannelName, Run

Reason: TypeAlias = Literal[
    "warmups", "retried", "failed", "busy", "loaded", "cut", "apart", "unpaired"
]
"""Why a run is not pooled: the name of its member of ``Counts``."""


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
        retried: Left out because they were made once more, mostly as they had failed.
        busy: Left out because the machine was too busy for their times to be trusted.
        loaded: Left out because the server loaded the model in them, and not in all.
        cut: Left out because they hit a token limit that the two channels do not share.
        apart: Left out because they were made under another regime or layout than the plan's.
        unpaired: Left out because the other run of their pair is missing or left out, while other
            pairs are whole: the verdict knows pairs only, and medians are of what it knows.
    """

    pooled: int = 0
    warmups: int = 0
    failed: int = 0
    retried: int = 0
    busy: int = 0
    loaded: int = 0
    cut: int = 0
    apart: int = 0
    unpaired: int = 0


class Ratio(msgspec.Struct, frozen=True, kw_only=True):
    """One figure of A over the same of B.

    Attributes:
        estimate: The ratio.
        method: How it was made. ``hodges-lehmann``: the typical ratio within pairs. ``medians``:
            the median of A over that of B, untested, where there are no pairs.
        low: Lower bound of its interval; null where none of 95 % exists, as below six pairs.
        high: Upper bound of it.
        coverage: Probability, 0 to 1, that such an interval holds the true ratio.
        p: Exact two-sided probability of the signed-rank test that the ratio is 1; null if all
            pairs are equal, or there are none.
        n: Number of pairs behind it; 0 for ``medians``.
    """

    estimate: float
    method: Literal["hodges-lehmann", "medians"] = "hodges-lehmann"
    low: float | None = None
    high: float | None = None
    coverage: float | None = None
    p: float | None = None
    n: int = 0


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of a comparison.

    Attributes:
        figures: By channel and name of figure.
        counts: By channel.
        ratios: A over B, by name of figure, where both have it.
    """

    figures: dict[ChannelName, dict[str, Spread]]
    counts: dict[ChannelName, Counts]
    ratios: dict[str, Ratio]

    def spread(self, channel: ChannelName, name: str) -> Spread | None:
        """Return one figure of one channel."""
        return self.figures.get(channel, {}).get(name)


class SharedNote(msgspec.Struct, frozen=True, kw_only=True):
    """A remark that some of the runs share.

    Attributes:
        code: Short name.
        sentence: What is to be said, in the words of the first of those runs; of busy ones, with
            the worst of all.
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
    reasons = left_out(comparison)
    figures: dict[ChannelName, dict[str, Spread]] = {}
    counts: dict[ChannelName, Counts] = {}
    for channel in comparison.channels():
        pooled: list[Figures] = []
        dropped: dict[Reason, int] = {}
        for run, each, reason in zip(comparison.runs, measured, reasons, strict=True):
            if run.channel != channel:
                continue
            if reason is None:
                pooled.append(each)
            else:
                dropped[reason] = dropped.get(reason, 0) + 1
        figures[channel] = spreads(pooled)
        counts[channel] = Counts(pooled=len(pooled), **dropped)
    pairs = pooled_pairs(comparison, measured)
    return Summary(figures=figures, counts=counts, ratios=_ratios(figures, pairs))


def left_out(comparison: Comparison) -> list[Reason | None]:
    """Tell of each run why it is not pooled; ``None`` for those that are."""
    shared_cap = _shares_cap(comparison)
    final = comparison.final()
    always = _always_loading(comparison)
    reasons = [
        _why_left_out(run, comparison, final[run.pair, run.channel], shared_cap, always)
        for run in comparison.runs
    ]
    whole = _whole_pairs(comparison.runs, reasons)
    return [
        "unpaired" if whole and reason is None and run.pair not in whole else reason
        for run, reason in zip(comparison.runs, reasons, strict=True)
    ]


def _whole_pairs(runs: Sequence[Run], reasons: Sequence[Reason | None]) -> set[int]:
    """Return the numbers of the pairs of which both runs are good."""
    good = {
        (run.channel, run.pair) for run, reason in zip(runs, reasons, strict=True) if reason is None
    }
    return {pair for channel, pair in good if channel == "A" and ("B", pair) in good}


def pooled_pairs(
    comparison: Comparison, measured: Sequence[Figures]
) -> list[tuple[tuple[Run, Figures], tuple[Run, Figures]]]:
    """Return the pairs of which both runs are pooled, each run with its figures, A first."""
    pooled = {
        id(run): figures
        for run, figures, reason in zip(
            comparison.runs, measured, left_out(comparison), strict=True
        )
        if reason is None
    }
    return [
        ((a, pooled[id(a)]), (b, pooled[id(b)]))
        for a, b in comparison.pairs()
        if id(a) in pooled and id(b) in pooled
    ]


def pooled_values(
    comparison: Comparison, measured: Sequence[Figures], channel: ChannelName, name: str
) -> list[float]:
    """Return the values of one figure over the pooled runs of a channel, as they were measured."""
    return [
        value
        for run, figures, why in zip(comparison.runs, measured, left_out(comparison), strict=True)
        if run.channel == channel
        and why is None
        and (value := figures[name]) is not None
        and math.isfinite(value)
    ]


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
        notes = _gather([run_notes(run) for run in runs], channel)
        busy = busy_words_of([run.trace for run in runs])
        gathered += [
            msgspec.structs.replace(note, sentence=busy) if note.code == "busy" else note
            for note in notes
        ]
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


def _why_left_out(
    run: Run, comparison: Comparison, final: Run, shared_cap: bool, always: set[ChannelName]
) -> Reason | None:
    if run.warmup:
        return "warmups"
    if run is not final:
        return "retried"
    if not run.trace.ok:
        return "failed"
    if run.trace.busy and not comparison.include_busy:
        return "busy"
    if run.trace.ended == "length" and not shared_cap:
        return "cut"
    plan = comparison.plan
    if (run.layout, run.regime) != (plan.layout, plan.regime):
        return "apart"
    return "loaded" if _loaded(run) and run.channel not in always else None


def _loaded(run: Run) -> bool:
    return (run.trace.server.load_s or 0) > RELOAD_S


def _always_loading(comparison: Comparison) -> set[ChannelName]:
    """Return the channels on which every good run loads: there that is part of the answer."""
    return {
        channel
        for channel in comparison.channels()
        if all(_loaded(run) for run in comparison.of(channel) if run.trace.ok and not run.warmup)
    }


def _shares_cap(comparison: Comparison) -> bool:
    """Tell whether all runs had the same token limit on purpose, so that cut ones compare."""
    caps = {run.request.max_tokens for run in comparison.runs}
    return len(caps) == 1 and None not in caps


def _ratios(
    figures: dict[ChannelName, dict[str, Spread]],
    pairs: Sequence[tuple[tuple[Run, Figures], tuple[Run, Figures]]],
) -> dict[str, Ratio]:
    a, b = figures.get("A", {}), figures.get("B", {})
    found = {}
    for name in a:
        if name not in b:
            continue
        values = [
            (over, under)
            for (_, of_a), (_, of_b) in pairs
            if (over := of_a[name]) is not None and (under := of_b[name]) is not None
        ]
        ratio = _paired(values) or _of_medians(a[name], b[name])
        if ratio is not None:
            found[name] = ratio
    return found


def _paired(values: Sequence[tuple[float, float]]) -> Ratio | None:
    estimate, logarithms = paired_ratio(values), log_ratios(values)
    if estimate is None or logarithms is None:
        return None
    return Ratio(
        estimate=estimate.estimate,
        low=estimate.low,
        high=estimate.high,
        coverage=estimate.coverage,
        p=signed_rank_p(logarithms),
        n=estimate.n,
    )


def _of_medians(a: Spread, b: Spread) -> Ratio | None:
    if b.median <= 0:
        return None
    return Ratio(estimate=a.median / b.median, method="medians")
