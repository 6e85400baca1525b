"""Statistics for few repeats: medians, percentiles, and intervals that claim no distribution."""

import math
from collections.abc import Sequence

import msgspec

SMALLEST_SAMPLE = 5
"""Fewer values get no interval: min to max of four covers the median only 87.5 % of the time."""


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """An interval for a median.

    Attributes:
        low: Lower bound, one of the values.
        high: Upper bound, one of the values.
        coverage: Probability that such an interval holds the true median, 0 to 1.
        low_rank: Rank of the lower bound among the sorted values, from 1.
        high_rank: Rank of the upper bound.
    """

    low: float
    high: float
    coverage: float
    low_rank: int
    high_rank: int


def finite(values: Sequence[float]) -> None:
    """Refuse values that are no numbers to reckon with.

    Raises:
        ValueError: If one is infinite or not a number.
    """
    for value in values:
        if not math.isfinite(value):
            raise ValueError(f"values must be finite numbers, not {value}")


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return a percentile of sorted values, linear between neighbours (type 7, as in NumPy).

    Args:
        ordered: Values in ascending order; at least one.
        share: 0 to 1.

    Raises:
        ValueError: If there are no values, or the share is out of range.
    """
    if not ordered:
        raise ValueError("a percentile needs at least one value")
    if not 0 <= share <= 1:
        raise ValueError(f"the share must be between 0 and 1, not {share}")
    place = (len(ordered) - 1) * share
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def median(values: Sequence[float]) -> float:
    """Return the median of values in any order.

    Raises:
        ValueError: If there are none.
    """
    return percentile(sorted(values), 0.5)


def median_interval(values: Sequence[float], confidence: float = 0.95) -> Interval | None:
    """Return the narrowest interval of order statistics that covers the median often enough.

    From the sorted values, ``[x_k, x_(n+1-k)]`` covers the median with probability
    ``1 - 2 * sum(C(n, i) for i < k) / 2**n``, whatever the distribution. With five values no such
    interval reaches 95 %; minimum to maximum is returned with its true coverage, 93.75 %.

    Args:
        values: In any order.
        confidence: The coverage to reach, 0 to 1.

    Returns:
        ``None`` below five values.
    """
    n = len(values)
    if n < SMALLEST_SAMPLE:
        return None
    rank, coverage = 1, _coverage(n, 1)
    while rank < n // 2 and (narrower := _coverage(n, rank + 1)) >= confidence:
        rank, coverage = rank + 1, narrower
    ordered = sorted(values)
    return Interval(
        low=ordered[rank - 1],
        high=ordered[n - rank],
        coverage=coverage,
        low_rank=rank,
        high_rank=n + 1 - rank,
    )


def _coverage(n: int, rank: int) -> float:
    outside = sum(math.comb(n, i) for i in range(rank))
    return 1.0 - 2 * outside / (1 << n)
