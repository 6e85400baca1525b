"""What values in pairs show of one figure: different, equivalent, or nothing yet.

``different``: the 95 % interval of the ratio excludes 1. ``equivalent``: its 90 % interval lies
within the margin, which is two one-sided tests at 5 %. Both may hold: different but negligible.
That no difference was found never makes two channels equal.
"""

import math
from collections.abc import Sequence
from typing import Literal, TypeGuard

import msgspec

from streamscope.measure.inference import (
    Estimate,
    effective_n,
    hodges_lehmann,
    log_ratios,
    mann_whitney_p,
    paired_ratio,
    ratio_unpaired,
    signed_rank_p,
)
from streamscope.measure.statistics import median

Kind = Literal["different", "equivalent", "inconclusive", "unknown"]
"""What can be said. ``unknown``: nothing at all, and the reason says why."""

DIFFERENT_AT = 0.95
"""Confidence of the interval that shows a difference."""

EQUIVALENT_AT = 0.90
"""Confidence of the interval that shows equivalence: two one-sided tests at 5 %."""

MOST_MORE = 200
"""More further pairs than these are not worth counting."""

LEAST_DIFFERENT = 6
LEAST_EQUIVALENT = 5
"""Fewest pairs that have an interval at these confidences."""

# Mean range of two, three, … normal values in standard deviations: brings the range of a few
# pairs to what six would show.
_MEAN_RANGE = {2: 1.128, 3: 1.693, 4: 2.059, 5: 2.326, 6: 2.534}


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What can be said of one figure.

    Attributes:
        name: The figure.
        kind: What can be said.
        negligible: Different, and yet equivalent within the margin.
        ratio: Ratio of A over B with its 95 % interval; ``None`` if there is none at all.
        inner: The same with the 90 % interval that decides on equivalence.
        a: Median of A over the values in use.
        b: Median of B.
        p: Exact p of the signed-rank test (Mann-Whitney if not paired).
        n: Pairs in use (values of the smaller sample if not paired).
        effective_n: How many independent pairs those are worth; less than ``n`` only if
            neighbours resemble each other.
        margin: The margin of equivalence, as a share.
        more: About so many more pairs would decide it in most cases, at most 200; only if
            inconclusive, ``None`` if that can't be estimated.
        reason: Why nothing, or nothing yet, can be said: a clause.
    """

    name: str
    kind: Kind
    negligible: bool = False
    ratio: Estimate | None = None
    inner: Estimate | None = None
    a: float | None = None
    b: float | None = None
    p: float | None = None
    n: int = 0
    effective_n: float = 0.0
    margin: float
    more: int | None = None
    reason: str = ""


def judge_pairs(name: str, values: Sequence[tuple[float, float]], margin: float) -> Finding:
    """Judge one figure from its pairs of values.

    Args:
        name: The figure.
        values: A's and B's value of each pair, in the order of measurement.
        margin: Ratios within ``1 / (1 + margin)`` and ``1 + margin`` are equivalent.
    """
    usable = [pair for pair in values if all(positive(value) for value in pair)]
    n = len(usable)
    logs = log_ratios(usable) or []
    finding = Finding(
        name=name,
        kind="unknown",
        ratio=paired_ratio(usable, DIFFERENT_AT),
        inner=paired_ratio(usable, EQUIVALENT_AT),
        a=median([a for a, _ in usable]) if usable else None,
        b=median([b for _, b in usable]) if usable else None,
        p=signed_rank_p(logs),
        n=n,
        effective_n=effective_n(logs),
        margin=margin,
    )
    if n < 2:
        return msgspec.structs.replace(finding, reason="fewer than two pairs")
    return _classified(finding, _more(logs, margin))


def judge_samples(name: str, a: Sequence[float], b: Sequence[float], margin: float) -> Finding:
    """Judge one figure from two samples that are not paired, such as two groups of the history.

    Args:
        name: The figure.
        a: Values of one group.
        b: Values of the other.
        margin: As for pairs.
    """
    xs, ys = ([value for value in side if positive(value)] for side in (a, b))
    n = min(len(xs), len(ys))
    finding = Finding(
        name=name,
        kind="unknown",
        ratio=ratio_unpaired(xs, ys, DIFFERENT_AT),
        inner=ratio_unpaired(xs, ys, EQUIVALENT_AT),
        a=median(xs) if xs else None,
        b=median(ys) if ys else None,
        p=mann_whitney_p(xs, ys),
        n=n,
        effective_n=float(n),
        margin=margin,
    )
    if n < 2:
        return msgspec.structs.replace(finding, reason="fewer than two values on one side")
    return _classified(finding, None)


def _classified(finding: Finding, more: int | None) -> Finding:
    """Decide from the intervals."""
    low, high = 1 / (1 + finding.margin), 1 + finding.margin
    differs = finding.ratio is not None and finding.ratio.excludes(1)
    equals = finding.inner is not None and finding.inner.within(low, high)
    if differs:
        return msgspec.structs.replace(finding, kind="different", negligible=equals)
    if equals:
        return msgspec.structs.replace(finding, kind="equivalent")
    reason = ""
    if finding.inner is None or finding.inner.low is None:
        reason = f"n={finding.n} is too few for an interval"
    elif finding.ratio is None or finding.ratio.low is None:
        reason = f"n={finding.n} is too few for a 95 % interval"
    return msgspec.structs.replace(finding, kind="inconclusive", more=more, reason=reason)


def _more(logs: Sequence[float], margin: float) -> int | None:
    """Estimate how many more pairs would show a difference or equivalence, whichever is nearer.

    Half the width of an interval shrinks with the root of the number of pairs; it must become
    narrower than the distance from 1, or than the room left within the margin. Intervals of few
    pairs are wider than that law makes of them, so the number is on the safe side: drawing normal
    values, so many more decided it in about three cases of four.
    """
    n = len(logs)
    outer, inner = hodges_lehmann(logs, DIFFERENT_AT), hodges_lehmann(logs, EQUIVALENT_AT)
    at, half, inner_half = n, _half(outer), _half(inner)
    if half is None or inner_half is None:
        at = LEAST_DIFFERENT  # too few for an interval: take the range that six would have
        half = inner_half = (max(logs) - min(logs)) / 2 * _MEAN_RANGE[at] / _MEAN_RANGE[n]
    distance = abs(outer.estimate)
    room = math.log1p(margin) - distance
    wanted = []
    if distance > 0:
        ratio = half / distance
        wanted.append(max(LEAST_DIFFERENT, at * ratio * ratio))
    if room > 0:
        ratio = inner_half / room
        wanted.append(max(LEAST_EQUIVALENT, at * ratio * ratio))
    if not wanted:
        return None
    return max(1, math.ceil(min(min(wanted) - n, MOST_MORE)))


def _half(estimate: Estimate) -> float | None:
    if estimate.low is None or estimate.high is None:
        return None
    return (estimate.high - estimate.low) / 2


def positive(value: float | None) -> TypeGuard[float]:
    """Tell whether a value can be part of a ratio."""
    return value is not None and math.isfinite(value) and value > 0
