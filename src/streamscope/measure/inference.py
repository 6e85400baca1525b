"""Estimates and tests for few repeats that assume no distribution: exact where it matters.

Estimates come with the *true* coverage of their interval, because for few values there is no
interval of exactly 95 %. Values that are not finite are refused with a ``ValueError``: whoever
asks leaves them out first, and says so.
"""

import math
from collections.abc import Sequence
from statistics import NormalDist

import msgspec

from streamscope.measure.ranks import (
    doubled_ranks,
    pairwise_differences,
    sized_subset_sums,
    subset_sums,
    tie_sizes,
    walsh_averages,
)
from streamscope.measure.repeats import (
    autocorrelation,
    effective_n,
    half_width,
    narrow_enough,
    noise_floor,
)
from streamscope.measure.statistics import finite, median, median_interval

__all__ = [
    "Estimate",
    "autocorrelation",
    "effective_n",
    "half_width",
    "hodges_lehmann",
    "log_ratios",
    "mann_whitney_p",
    "median_estimate",
    "narrow_enough",
    "noise_floor",
    "paired_ratio",
    "ratio_unpaired",
    "shift",
    "sign_test_p",
    "signed_rank_p",
    "wilson",
]

MOST_EXACT = 60
"""Above so many differences the signed-rank distribution is taken as normal."""

MOST_EXACT_BOTH = 80
"""Above so many values in both samples the Mann-Whitney distribution is taken as normal."""

_NORMAL = NormalDist()
_LARGEST_EXPONENT = 709.0  # exp of more is no float


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """A value with its interval.

    Attributes:
        estimate: The value.
        low: Lower bound; ``None`` where no interval reaches the wanted confidence.
        high: Upper bound, likewise.
        coverage: True coverage of the interval, 0 to 1, likewise; never below what was wanted
            but for the rounding of a normal approximation.
        n: Number of values or pairs behind it; of both samples together if they are unpaired.
    """

    estimate: float
    low: float | None = None
    high: float | None = None
    coverage: float | None = None
    n: int

    def excludes(self, value: float) -> bool:
        """Whether there is an interval and the value lies outside."""
        return self.low is not None and self.high is not None and not self.low <= value <= self.high

    def within(self, low: float, high: float) -> bool:
        """Whether there is an interval and it lies between two bounds."""
        return (
            self.low is not None and self.high is not None and low <= self.low <= self.high <= high
        )


def median_estimate(values: Sequence[float], confidence: float = 0.95) -> Estimate:
    """Return the median with its interval of order statistics.

    Raises:
        ValueError: If there are no values, or one is not finite.
    """
    _check(values, confidence)
    interval = median_interval(values, confidence)
    if interval is None or interval.coverage < confidence:
        return Estimate(estimate=median(values), n=len(values))
    return Estimate(
        estimate=median(values),
        low=interval.low,
        high=interval.high,
        coverage=interval.coverage,
        n=len(values),
    )


def hodges_lehmann(differences: Sequence[float], confidence: float = 0.95) -> Estimate:
    """Estimate the typical difference of pairs, with the interval of the signed-rank test.

    The estimate is the median of all averages ``(d_i + d_j) / 2``, ``i <= j``. Of the sorted
    averages, as many are dropped from each end as the exact distribution allows (a normal one
    above 60 differences). Five differences have no interval of 95 %, four none of 90 %.

    Raises:
        ValueError: If there are no differences, or one is not finite.
    """
    _check(differences, confidence)
    n = len(differences)
    count = n * (n + 1) // 2
    if n <= MOST_EXACT:
        dropped, coverage = _droppable(subset_sums(tuple(range(1, n + 1))), confidence)
    else:
        dropped, coverage = _droppable_normal(
            count / 2, math.sqrt(n * (n + 1) * (2 * n + 1) / 24), confidence
        )
    middle = [(count + 1) // 2, count // 2 + 1]
    ends = [dropped, count + 1 - dropped] if dropped else []
    return _from_order(walsh_averages(differences, middle + ends), coverage, n)


def paired_ratio(pairs: Sequence[tuple[float, float]], confidence: float = 0.95) -> Estimate | None:
    """Estimate the typical ratio ``a / b`` of pairs: Hodges-Lehmann of its logarithm.

    Returns:
        ``None`` if there are no pairs, or a value is not positive: it has no ratio.

    Raises:
        ValueError: If a value is not finite.
    """
    logs = log_ratios(pairs)
    return None if not logs else _exp(hodges_lehmann(logs, confidence))


def log_ratios(pairs: Sequence[tuple[float, float]]) -> list[float] | None:
    """Return ``ln(a / b)`` of each pair, exactly 0 for equal values.

    Returns:
        ``None`` if a value is not positive.

    Raises:
        ValueError: If a value is not finite.
    """
    for pair in pairs:
        finite(pair)
    if any(value <= 0 for pair in pairs for value in pair):
        return None
    return [math.log(a) - math.log(b) for a, b in pairs]


def signed_rank_p(differences: Sequence[float]) -> float | None:
    """Test whether differences lie around zero (Wilcoxon), two-sided.

    Zeros are dropped, ties share their mean rank. Exact up to 60 differences, ties included, by
    counting sign patterns; above that normal with corrections for ties and continuity.

    Returns:
        ``None`` if nothing but zeros is left.

    Raises:
        ValueError: If a value is not finite.
    """
    finite(differences)
    moved = [value for value in differences if value != 0]
    n = len(moved)
    if not n:
        return None
    sizes = [abs(value) for value in moved]
    ranks = doubled_ranks(sizes)
    positive = sum(rank for rank, value in zip(ranks, moved, strict=True) if value > 0)
    smaller = min(positive, sum(ranks) - positive)
    if n <= MOST_EXACT:
        return min(1.0, 2 * sum(subset_sums(tuple(sorted(ranks)))[: smaller + 1]) / (1 << n))
    ties = sum(size**3 - size for size in tie_sizes(sizes))
    variance = n * (n + 1) * (2 * n + 1) / 24 - ties / 48
    return _two_sided_normal(smaller / 2, n * (n + 1) / 4, variance)


def shift(x: Sequence[float], y: Sequence[float], confidence: float = 0.95) -> Estimate:
    """Estimate by how much ``x`` lies above ``y``: the median of all ``x_i - y_j``.

    The interval is that of the Mann-Whitney test, exact up to 80 values in both samples.

    Raises:
        ValueError: If a sample is empty, or a value is not finite.
    """
    _check(x, confidence)
    _check(y, confidence)
    small, large = sorted((len(x), len(y)))
    count, both = small * large, small + large
    if both <= MOST_EXACT_BOTH:
        sums = sized_subset_sums(tuple(range(1, both + 1)), small)
        least = small * (small + 1) // 2  # the smallest rank sum stands for U = 0
        dropped, coverage = _droppable(sums[least:], confidence)
    else:
        dropped, coverage = _droppable_normal(
            count / 2, math.sqrt(count * (both + 1) / 12), confidence
        )
    middle = [(count + 1) // 2, count // 2 + 1]
    ends = [dropped, count + 1 - dropped] if dropped else []
    return _from_order(pairwise_differences(x, y, middle + ends), coverage, both)


def ratio_unpaired(
    x: Sequence[float], y: Sequence[float], confidence: float = 0.95
) -> Estimate | None:
    """Estimate the ratio of ``x`` over ``y``, samples that are not paired: shift of logarithms.

    Returns:
        ``None`` if a sample is empty, or a value is not positive.

    Raises:
        ValueError: If a value is not finite.
    """
    finite(x)
    finite(y)
    if not x or not y or min(x) <= 0 or min(y) <= 0:
        return None
    return _exp(shift([math.log(v) for v in x], [math.log(v) for v in y], confidence))


def mann_whitney_p(x: Sequence[float], y: Sequence[float]) -> float | None:
    """Test whether two samples lie at the same place (Mann-Whitney), two-sided.

    Twice the smaller tail. Exact up to 80 values in both samples, given their ties; above that
    normal with corrections for ties and continuity.

    Returns:
        ``None`` if a sample is empty.

    Raises:
        ValueError: If a value is not finite.
    """
    finite(x)
    finite(y)
    if not x or not y:
        return None
    if len(x) > len(y):
        x, y = y, x
    ranks = doubled_ranks([*x, *y])
    rank_sum = sum(ranks[: len(x)])
    both = len(ranks)
    if both <= MOST_EXACT_BOTH:
        sums = sized_subset_sums(tuple(sorted(ranks)), len(x))
        tail = min(sum(sums[: rank_sum + 1]), sum(sums[rank_sum:]))
        return min(1.0, 2 * tail / math.comb(both, len(x)))
    ties = sum(size**3 - size for size in tie_sizes([*x, *y]))
    count = len(x) * len(y)
    variance = count / 12 * (both + 1 - ties / (both * (both - 1)))
    u = rank_sum / 2 - len(x) * (len(x) + 1) / 2
    return _two_sided_normal(min(u, count - u), count / 2, variance)


def sign_test_p(wins: int, losses: int) -> float:
    """Test whether wins and losses are equally likely, exact and two-sided; 1 if there are none.

    Raises:
        ValueError: If a count is negative.
    """
    if min(wins, losses) < 0:
        raise ValueError(f"wins and losses can't be negative, as in {wins} and {losses}")
    n = wins + losses
    tail = sum(math.comb(n, i) for i in range(min(wins, losses) + 1))
    return min(1.0, 2 * tail / (1 << n))


def wilson(successes: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return Wilson's interval of a share, 0 to 1; all of that if nothing was counted.

    Raises:
        ValueError: If there are not between 0 and ``n`` successes.
    """
    _confidence(confidence)
    if not 0 <= successes <= n:
        raise ValueError(f"there can't be {successes} successes in {n}")
    if n == 0:
        return 0.0, 1.0
    z = _NORMAL.inv_cdf((1 + confidence) / 2)
    share = successes / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == n else min(1.0, centre + half)
    return low, high


def _confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise ValueError(f"the confidence must lie between 0 and 1, not at {confidence}")


def _check(values: Sequence[float], confidence: float) -> None:
    _confidence(confidence)
    finite(values)
    if not values:
        raise ValueError("an estimate needs at least one value")


def _droppable(counts: Sequence[int], confidence: float) -> tuple[int, float]:
    """Return how many ordered values may be dropped from each end, and the coverage left."""
    total, outside = sum(counts), 0
    for dropped, count in enumerate(counts):
        if 1 - 2 * (outside + count) / total < confidence:
            return dropped, 1 - 2 * outside / total
        outside += count
    raise AssertionError("the whole distribution can't lie outside")  # confidence is positive


def _droppable_normal(mean: float, sd: float, confidence: float) -> tuple[int, float]:
    """Do the same from a normal distribution, with a correction for continuity."""
    dropped = math.floor(mean + 0.5 + _NORMAL.inv_cdf((1 - confidence) / 2) * sd)
    return dropped, 1 - 2 * _NORMAL.cdf((dropped - 0.5 - mean) / sd)


def _two_sided_normal(smaller: float, mean: float, variance: float) -> float:
    """Return twice the lower tail, with a correction for continuity."""
    if variance <= 0:
        return 1.0
    return min(1.0, 2 * _NORMAL.cdf((smaller + 0.5 - mean) / math.sqrt(variance)))


def _from_order(found: Sequence[float], coverage: float, n: int) -> Estimate:
    """Make an estimate from the two middle values and, where they exist, the two bounds."""
    middle = found[0] if found[0] == found[1] else found[0] / 2 + found[1] / 2
    if len(found) == 2:
        return Estimate(estimate=middle, n=n)
    return Estimate(estimate=middle, low=found[2], high=found[3], coverage=coverage, n=n)


def _exp(estimate: Estimate) -> Estimate:
    """Take an estimate back from logarithms."""

    def back(value: float) -> float:
        return math.exp(min(value, _LARGEST_EXPONENT))

    return Estimate(
        estimate=back(estimate.estimate),
        low=None if estimate.low is None else back(estimate.low),
        high=None if estimate.high is None else back(estimate.high),
        coverage=estimate.coverage,
        n=estimate.n,
    )
