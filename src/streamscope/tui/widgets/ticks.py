"""Where an axis ends, and which round numbers stand on it."""

import math
from typing import Final, NamedTuple

_ROUND: Final = (1, 2, 5, 10)
_FIFTH: Final = 5
_LEAST: Final = 1e-9  # a nanosecond; what is less is nothing


class Axis(NamedTuple):
    """An axis from zero.

    Attributes:
        top: Where it ends; above zero.
        ticks: Round numbers on it, rising from zero.
    """

    top: float
    ticks: tuple[float, ...]


def axis(largest: float, most: int, *, whole: bool = False) -> Axis:
    """Return an axis that holds a number and is not much longer.

    Its end moves in fifths of a tick, so that it stands still while the number grows a little.

    Args:
        largest: What must lie on it.
        most: Stretches between ticks that there is room for.
        whole: Whether only whole numbers have a meaning.
    """
    if not (math.isfinite(largest) and largest >= _LEAST):
        largest = 1.0
    step = _round_up(largest / max(1, most))
    if whole:
        step = max(1.0, step)
    minor = max(1.0, step / _FIFTH) if whole else step / _FIFTH
    # A hair of slack: 3 fifths of 0.1 must not become 4 by a rounding error.
    top = max(1, math.ceil(largest / minor - 1e-9)) * minor
    ticks = tuple(step * i for i in range(int(top / step + 1e-9) + 1))
    return Axis(top, ticks if len(ticks) > 1 else (0.0, top))


def tick(value: float) -> str:
    """Write a number on an axis: ``0``, ``2.5``, ``1000``."""
    return (
        f"{value:.6f}".rstrip("0").rstrip(".") if value < 1 else f"{value:,.10g}".replace(",", "")
    )


def _round_up(value: float) -> float:
    """Return the next number of the kind 1, 2, 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(power * step for step in _ROUND if value <= power * step * (1 + 1e-9))
