"""Whether the machine changed while it was measured: drift over the runs, and place in the pair."""

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate, combinations

import msgspec

from streamscope.measure.inference import Estimate, shift
from streamscope.measure.ranks import tie_sizes
from streamscope.measure.statistics import median

LEAST = 6
"""Fewer values show no drift: chance draws lines through them."""

MOST_EXACT = 60
"""Up to so many values the test of a trend counts all orders."""

MOST_SLOPES = 300
"""Above so many values only those half a series apart are compared: time grows with n, not n²."""


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """How values changed from the first run to the last.

    Attributes:
        share: Last over first, less 1: 0.07 is 7 % more at the end.
        n: Number of values.
        p: Two-sided probability that values in chance order rise or fall as much (Kendall's test);
            ``None`` if all are equal.
    """

    share: float
    n: int
    p: float | None = None


def drift(values_in_order: Sequence[float]) -> Drift | None:
    """Fit a line through the logarithms in their order, by Theil-Sen, and compare its ends.

    The slope is the median of all slopes between two values, so that single slow runs don't bend
    it. Values that are not positive or not finite are left out, and keep their place.

    Args:
        values_in_order: One a run, in the order of measurement.

    Returns:
        ``None`` below six usable values.
    """
    points = [(place, math.log(v)) for place, v in enumerate(values_in_order) if _usable(v)]
    n = len(points)
    if n < LEAST:
        return None
    if n <= MOST_SLOPES:
        couples = [(early, late) for i, late in enumerate(points) for early in points[:i]]
    else:
        couples = list(zip(points[: n // 2], points[n - n // 2 :], strict=True))
    slope = median([(late[1] - early[1]) / (late[0] - early[0]) for early, late in couples])
    return Drift(
        share=math.expm1(min(slope * (points[-1][0] - points[0][0]), 709.0)),
        n=n,
        p=trend_p([value for _, value in points]),
    )


def trend_p(values_in_order: Sequence[float]) -> float | None:
    """Test by Kendall's rank correlation with the order whether values rise or fall.

    Exact up to 60 different values; with ties, or above, the normal approximation with its variance
    corrected for ties, as in Kendall 1970, Rank Correlation Methods.

    Returns:
        The two-sided p; ``None`` if there is no order to speak of, as all values are equal.
    """
    n = len(values_in_order)
    couples = combinations(values_in_order, 2)
    score = sum((late > early) - (late < early) for early, late in couples)
    ties = [size for size in tie_sizes(values_in_order) if size > 1]
    if n < 2 or ties == [n]:
        return None
    if not ties and n <= MOST_EXACT:
        counts = _inversions(n)
        most = (len(counts) - 1 - abs(score)) // 2  # inversions of an order as extreme as this one
        return min(1.0, 2 * sum(counts[: most + 1]) / math.factorial(n))
    doubled = sum(size * (size - 1) * (2 * size + 5) for size in ties)
    variance = (n * (n - 1) * (2 * n + 5) - doubled) / 18
    return math.erfc(abs(score) / math.sqrt(2 * variance))


@lru_cache(maxsize=128)
def _inversions(n: int) -> tuple[int, ...]:
    """Count the orders of ``n`` different values by their number of inversions."""
    counts = [1]
    for size in range(2, n + 1):
        sums = list(accumulate(counts, initial=0))
        length = len(counts) + size - 1
        counts = [
            sums[min(at + 1, len(sums) - 1)] - sums[max(0, at + 1 - size)] for at in range(length)
        ]
    return tuple(counts)


def position_effect(a_first: Sequence[float], b_first: Sequence[float]) -> Estimate | None:
    """Estimate what it does to a run to go second in its pair, as a ratio of second over first.

    How the channels differ stands in both orders alike, and what the place does stands in them the
    other way round: half the shift between the logarithms of the two is the effect of the place
    alone, however much the channels differ (a two-period crossover: Hills and Armitage 1979; by
    ranks: Koch 1972).

    Args:
        a_first: Ratio of A over B of each pair in which A went first.
        b_first: The same of those in which B did.

    Returns:
        ``None`` unless both orders occurred. Its interval is missing below four pairs of each.
    """
    forwards, backwards = ([math.log(v) for v in side if _usable(v)] for side in (a_first, b_first))
    if not forwards or not backwards:
        return None
    found = shift(backwards, forwards)
    low, high = (
        None if bound is None else math.exp(bound / 2) for bound in (found.low, found.high)
    )
    return msgspec.structs.replace(found, estimate=math.exp(found.estimate / 2), low=low, high=high)


def _usable(value: float) -> bool:
    return math.isfinite(value) and value > 0
