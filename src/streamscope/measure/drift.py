"""Whether the machine changed while it was measured: drift over the runs, and place in the pair."""

import math
from collections.abc import Sequence

import msgspec

from streamscope.measure.inference import Estimate, paired_ratio
from streamscope.measure.statistics import median

LEAST = 6
"""Fewer values show no drift: chance draws lines through them."""

MOST_SLOPES = 300
"""Above so many values only those half a series apart are compared: time grows with n, not n²."""


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """How values changed from the first run to the last.

    Attributes:
        share: Last over first, less 1: 0.07 is 7 % more at the end.
        n: Number of values.
    """

    share: float
    n: int


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
    return Drift(share=math.expm1(min(slope * (points[-1][0] - points[0][0]), 709.0)), n=n)


def position_effect(firsts: Sequence[float], seconds: Sequence[float]) -> Estimate | None:
    """Estimate what it does to a run to go second in its pair, as a ratio of second over first.

    Take a figure that both modes share, such as the total, of pairs in balanced order: then the
    difference of the modes cancels out, and only widens the interval.

    Args:
        firsts: The value of whichever run went first, one a pair.
        seconds: The value of the other, in the same order of pairs.

    Returns:
        ``None`` if no pair has two usable values.

    Raises:
        ValueError: If there are not as many of both.
    """
    if len(firsts) != len(seconds):
        raise ValueError(
            f"each pair has a first and a second run, not {len(firsts)} and {len(seconds)}"
        )
    return paired_ratio(
        [
            (second, first)
            for first, second in zip(firsts, seconds, strict=True)
            if _usable(first) and _usable(second)
        ]
    )


def _usable(value: float) -> bool:
    return math.isfinite(value) and value > 0
