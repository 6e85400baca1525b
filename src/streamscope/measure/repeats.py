"""What repeats in their order are worth: independence, width of the interval, noise."""

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import NormalDist, stdev

from streamscope.measure.statistics import finite, median, median_interval

NOTABLE_AUTOCORRELATION = 0.3
"""Above it repeats are worth fewer independent ones; below it, it may well be chance."""


def autocorrelation(values: Sequence[float]) -> float | None:
    """Return the correlation of each value with the next, -1 to 1.

    Returns:
        ``None`` below three values, or if all are the same.

    Raises:
        ValueError: If a value is not finite.
    """
    finite(values)
    if len(values) < 3:
        return None
    mean = math.fsum(values) / len(values)
    around = [value - mean for value in values]
    spread = math.fsum(each * each for each in around)
    if spread == 0 or min(values) == max(values):
        return None
    return math.fsum(a * b for a, b in pairwise(around)) / spread


def effective_n(values: Sequence[float]) -> float:
    """Return how many independent values these, in the order of measurement, are worth.

    ``n (1 - rho) / (1 + rho)`` if their autocorrelation ``rho`` is above 0.3, else ``n``.
    """
    rho = autocorrelation(values)
    if rho is None or rho <= NOTABLE_AUTOCORRELATION:
        return float(len(values))
    return len(values) * (1 - rho) / (1 + rho)


def half_width(values: Sequence[float], confidence: float = 0.95) -> float | None:
    """Return half the width of the median's interval, as a share of the median.

    Returns:
        ``None`` where there is no such interval (below six values at 95 %), or the median is not
        positive.

    Raises:
        ValueError: If a value is not finite.
    """
    finite(values)
    interval = median_interval(values, confidence)
    if interval is None or interval.coverage < confidence or (middle := median(values)) <= 0:
        return None
    return (interval.high - interval.low) / 2 / middle


def narrow_enough(values: Sequence[float], share: float, least: int) -> bool:
    """Say whether measuring may stop: enough values, and the median's interval is narrow.

    Stopping by width keeps the interval's coverage; stopping by p value would not keep the error.

    Args:
        values: One a repeat.
        share: Largest half-width, as a share of the median.
        least: Fewest values.
    """
    if len(values) < least:
        return False
    width = half_width(values)
    return width is not None and width <= share


def noise_floor(values: Sequence[float]) -> float | None:
    """Return by how much two medians of so many values would differ if nothing differed.

    The 95th percentile of ``|ratio - 1|`` of two medians of ``n`` such values. An approximation:
    normal values with the relative standard deviation of these, whose median has the variance
    ``sd**2 * (pi / 2) / (n + pi / 2 - 1)``, about 1 % too small a spread for few odd ``n``, up to
    7 % too large for even ones.

    Returns:
        ``None`` below three values, or if their median is not positive.

    Raises:
        ValueError: If a value is not finite.
    """
    finite(values)
    n = len(values)
    if n < 3 or (middle := median(values)) <= 0:
        return None
    of_median = stdev(values) / middle * math.sqrt(math.pi / 2 / (n + math.pi / 2 - 1))
    return NormalDist().inv_cdf(0.975) * math.sqrt(2) * of_median
