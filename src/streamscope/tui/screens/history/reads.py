"""What the screens of the history read. It may take a moment: called in threads only."""

from collections.abc import Sequence

import msgspec

from streamscope.history import Group, GroupRow, GroupValues, History, TrendPoint
from streamscope.measure.conventions import Conventions, Thresholds
from streamscope.measure.figures import Figures, measure
from streamscope.measure.statistics import median
from streamscope.measure.verdict import Finding, Judgement, PairFigures, judge, judge_samples
from streamscope.plan import Plan
from streamscope.report.comparison import Comparison
from streamscope.report.judging import judge_comparison
from streamscope.trace import ChannelName, Mode, Run
from streamscope.tui.exporting import plan_of

PAGE = 50
"""Groups, or comparisons, that are read at once."""

LISTED = ("ttfv_s", "total_s")
"""Figures of the list."""

RATES = ("server_tok_per_s", "e2e_tok_per_s")
"""Rates, the better one first."""

SHOWN = (*LISTED, *RATES)
"""Figures of the details."""

EVIDENCE = (
    *SHOWN,
    "done_s",
    "benefit_s",
    "share",
    "visible_tok_per_s",
    "chunks_per_s",
    "output_tokens",
    "visible_tokens",
    "hidden_tokens",
)
"""Figures that a verdict rests on."""

MOST_PAIRS = 200
"""Pairs that a group is judged by: the newest. More would tell hardly more."""

MOST_POINTS = 100
"""Comparisons of a trend."""

MOST_VALUES = 100
"""Values of each mode by which two groups are compared: the newest."""


class AboutGroup(msgspec.Struct, frozen=True, kw_only=True):
    """What is told of a group.

    Attributes:
        values: Its figures by mode.
        judgement: What its pairs show.
        first: First text over time.
        total: Total over time.
    """

    values: dict[Mode, GroupValues]
    judgement: Judgement
    first: list[TrendPoint]
    total: list[TrendPoint]


def about_group(history: History, group: Group, thresholds: Thresholds) -> AboutGroup:
    """Read what is told of a group."""
    pairs = history.pairs(group, EVIDENCE, newest=MOST_PAIRS)
    return AboutGroup(
        values=history.values(group, SHOWN),
        judgement=judge(
            [PairFigures(a=pair.a, b=pair.b, same_output=pair.same_output) for pair in pairs],
            thresholds,
        ),
        first=history.trend(group, "ttfv_s", newest=MOST_POINTS),
        total=history.trend(group, "total_s", newest=MOST_POINTS),
    )


def newest_pair(history: History, group: Group) -> dict[ChannelName, Run]:
    """Return the newest whole pair of a group; nothing if there is none."""
    pair = history.last_pair(group)
    return {} if pair is None else {run.channel: run for run in pair}


def newest_plan(history: History, group: Group) -> Plan:
    """Return the newest plan that a group was measured by, or one that does it justice."""
    newest = history.comparisons(1, group)
    return plan_of(newest[0]) if newest else Plan(layout=group.layout, regime=group.regime)


class AboutComparison(msgspec.Struct, frozen=True, kw_only=True):
    """What is told of a comparison.

    Attributes:
        comparison: What was done.
        measured: The figures of its runs, in their order.
        judgement: What it shows.
    """

    comparison: Comparison
    measured: list[Figures]
    judgement: Judgement


def about_comparison(
    history: History, comparison_id: str, conventions: Conventions
) -> AboutComparison:
    """Read a comparison with all its runs."""
    row, runs = history.comparison(comparison_id)
    busy = conventions.trust.include_busy
    comparison = Comparison(plan=plan_of(row), runs=runs, include_busy=busy)
    measured = [measure(run.trace) for run in runs]
    return AboutComparison(
        comparison=comparison,
        measured=measured,
        judgement=judge_comparison(comparison, measured, conventions),
    )


def pair_of(comparison: Comparison, number: int | None = None) -> dict[ChannelName, Run]:
    """Return a pair of a comparison to be replayed; nothing if there is none.

    Args:
        comparison: The comparison.
        number: The number of the pair, 0 for warm-ups; else the newest that ended well, or the
            newest at all.
    """
    if number is not None:
        return {run.channel: run for run in comparison.runs if run.pair == number}
    pairs = comparison.pairs()
    well = [pair for pair in pairs if all(run.trace.ok for run in pair)]
    chosen = (well or pairs)[-1:]
    return {run.channel: run for pair in chosen for run in pair}


class Versus(msgspec.Struct, frozen=True, kw_only=True):
    """Two groups side by side, not paired.

    Attributes:
        mode: Of which runs.
        first: First text.
        total: Total.
        rate: Tokens per second.
    """

    mode: Mode
    first: Finding
    total: Finding
    rate: Finding


def compare_groups(
    history: History, one: GroupRow, other: GroupRow, thresholds: Thresholds
) -> list[Versus]:
    """Compare two groups in each mode that both have runs of."""
    a = history.values(one.group, EVIDENCE, newest=MOST_VALUES)
    b = history.values(other.group, EVIDENCE, newest=MOST_VALUES)
    modes: tuple[Mode, ...] = ("stream", "blocking")
    return [
        _versus(mode, a[mode].values, b[mode].values, thresholds)
        for mode in modes
        if a[mode].n and b[mode].n
    ]


def _versus(
    mode: Mode,
    a: dict[str, list[float]],
    b: dict[str, list[float]],
    thresholds: Thresholds,
) -> Versus:
    def judged(names: Sequence[str], margin: float) -> Finding:
        name = next((each for each in names if a[each] and b[each]), names[-1])
        return judge_samples(name, a[name], b[name], margin)

    return Versus(
        mode=mode,
        first=judged(("ttfv_s",), thresholds.wait_margin),
        total=judged(("done_s", "total_s"), thresholds.margin),
        rate=judged(RATES, thresholds.margin),
    )


class Medians(msgspec.Struct, frozen=True, kw_only=True):
    """The medians of one comparison, s; ``None`` where there is none.

    Attributes:
        first: First text of A.
        a: Total of A.
        b: Total of B.
    """

    first: float | None = None
    a: float | None = None
    b: float | None = None


def medians(points: Sequence[TrendPoint], mode: Mode) -> tuple[float, ...]:
    """Return the median of each comparison that has values of a mode, the oldest first."""
    return tuple(median(point.values[mode]) for point in points if point.values[mode])


def trend_medians(history: History, group: Group, newest: int) -> dict[str, Medians]:
    """Return the medians of the newest comparisons of a group, by their ids."""
    found: dict[str, Medians] = {}
    for point in history.trend(group, "ttfv_s", newest=newest):
        found[point.comparison_id] = Medians(first=_median(point, "stream"))
    for point in history.trend(group, "total_s", newest=newest):
        found[point.comparison_id] = msgspec.structs.replace(
            found.get(point.comparison_id, Medians()),
            a=_median(point, "stream"),
            b=_median(point, "blocking"),
        )
    return found


def _median(point: TrendPoint, mode: Mode) -> float | None:
    values = point.values[mode]
    return median(values) if values else None
