"""What the screens of the history read. It may take a moment: called in threads only."""

from collections.abc import Iterable, Sequence

import msgspec

from streamscope.history import (
    ComparisonRow,
    Group,
    GroupRow,
    GroupValues,
    History,
    PairValues,
    TrendPoint,
)
from streamscope.measure.conventions import Conventions, Thresholds
from streamscope.measure.figures import Figures, measure
from streamscope.measure.statistics import median
from streamscope.measure.verdict import Finding, Judgement, PairFigures, judge, judge_samples
from streamscope.report.comparison import Comparison
from streamscope.report.judging import judge_comparison
from streamscope.report.recalled import recalled
from streamscope.sides import Sides
from streamscope.trace import ChannelName, Mode, Run
from streamscope.trial.past import EVIDENCE
from streamscope.tui.screens.history.compared import contest_of

PAGE = 50
"""Groups, or comparisons, that are read at once."""

LISTED = ("ttfv_s", "total_s")
"""Figures of the list."""

RATES = ("server_tok_per_s", "e2e_tok_per_s")
"""Rates, the better one first."""

SHOWN = (*LISTED, *RATES)
"""Figures of the details."""

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
        judgement: What its own pairs show: of a stream and a whole answer.
        others: What else it was compared with, each time, the newest first, if it has no such
            pairs.
        first: First text over time.
        total: Total over time.
    """

    values: dict[Mode, GroupValues]
    judgement: Judgement
    others: tuple[Sides, ...]
    first: list[TrendPoint]
    total: list[TrendPoint]


def about_group(history: History, group: Group, thresholds: Thresholds) -> AboutGroup:
    """Read what is told of a group."""
    pairs = history.pairs(*group.delivered(), EVIDENCE, newest=MOST_PAIRS)
    rows = [] if pairs else history.comparisons(PAGE, group)
    contests = [sides for row in rows if (sides := contest_of(row)) is not None]
    return AboutGroup(
        values=history.values(group, SHOWN),
        others=tuple(contests),
        judgement=judge(
            [PairFigures(a=pair.a, b=pair.b, same_output=pair.same_output) for pair in pairs],
            thresholds,
        ),
        first=history.trend(group, "ttfv_s", newest=MOST_POINTS),
        total=history.trend(group, "total_s", newest=MOST_POINTS),
    )


def newest_pair(history: History, group: Group) -> dict[ChannelName, Run]:
    """Return the newest whole pair of a group; nothing if there is none.

    Its streamed and its blocking runs are looked for first, then what they were compared with.
    """
    pair = history.last_pair(*group.delivered())
    for row in () if pair else history.comparisons(PAGE, group):
        if len(row.parts) == 2 and pair is None:
            pair = history.last_pair(row.parts["A"], row.parts["B"])
    return {} if pair is None else {run.channel: run for run in pair}


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
    comparison = recalled(row.plan, runs, include_busy=busy)
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


def contest_medians(history: History, rows: Sequence[ComparisonRow]) -> dict[str, Medians]:
    """Return the medians of those comparisons whose channels differ in more than the delivery.

    They are of whole pairs, so that each channel has its own runs, also where both are one group;
    there is none where no pair is whole.
    """
    pairs: dict[str, list[PairValues]] = {
        row.comparison_id: [] for row in rows if contest_of(row) is not None
    }
    for pair in history.pairs_in(pairs, LISTED):
        pairs[pair.comparison_id].append(pair)
    return {
        name: Medians(
            first=_of_all(pair.a["ttfv_s"] for pair in found),
            a=_of_all(pair.a["total_s"] for pair in found),
            b=_of_all(pair.b["total_s"] for pair in found),
        )
        for name, found in pairs.items()
    }


def _of_all(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def _median(point: TrendPoint, mode: Mode) -> float | None:
    values = point.values[mode]
    return median(values) if values else None
