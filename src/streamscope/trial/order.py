"""Who goes first: arrangements of channels that favour none of them.

A machine warms up, throttles, and fills its caches while it is measured. Which channel stands where
in a block of runs, one run a channel, decides whom that hurts.
"""

import random
from collections.abc import Sequence
from typing import TypeVar

from streamscope.plan import Order

T = TypeVar("T")


def arrangement(order: Order, channels: Sequence[T], block: int, seed: int = 0) -> tuple[T, ...]:
    """Return the channels in the order in which they run in a block.

    Args:
        order: The rule.
        channels: All channels, at least one.
        block: Number of the block, from 0.
        seed: Seeds the random order: the same one always gives the same order, so that a
            comparison that is continued goes on as it had begun.
    """
    forwards = tuple(channels)
    match order:
        case "ab":
            return forwards
        case "ba":
            return forwards[::-1]
        case "abba":
            return forwards if block % 2 == 0 else forwards[::-1]
        case "random":
            chance = random.Random(f"{seed}/{block}")  # noqa: S311 (an order, not a secret)
            return tuple(chance.sample(forwards, len(forwards)))
        case "latin":
            rows = latin_square(len(forwards))
            return tuple(forwards[place] for place in rows[block % len(rows)])


def latin_square(size: int) -> list[tuple[int, ...]]:
    """Return the rows of a Latin square that is balanced for carry-over effects.

    Every number from 0 to ``size - 1`` stands at every place equally often, and follows every
    other one equally often. An even size needs ``size`` rows, an odd one twice as many (Williams
    1949, Experimental designs balanced for the estimation of residual effects of treatments).
    """
    first = [0]
    for step in range(1, size):
        first.append((first[-1] + (step if step % 2 else -step)) % size)
    rows = [tuple((place + row) % size for place in first) for row in range(size)]
    return rows if size % 2 == 0 else rows + [row[::-1] for row in rows]
