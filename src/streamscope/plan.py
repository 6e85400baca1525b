"""How a comparison is to be carried out: shared by what measures, keeps and reports."""

from typing import Literal

import msgspec

from streamscope.sides import Sides
from streamscope.trace import Layout, Regime

Order = Literal["abba", "ab", "ba", "random", "latin"]
"""Who goes first in a block of runs, one run a channel.

``abba``: by turns, forwards and backwards. ``ab``: always in the order of the channels. ``ba``:
always against it. ``random``: drawn anew for each block. ``latin``: the rows of a balanced Latin
square in turn, in which every channel stands at every place, and after every other channel,
equally often; with two channels that is A B, B A.
"""

LEAST = 6
"""Fewest pairs after which a comparison may end by itself: fewer have no 95 % interval."""

MOST = 30
"""Most pairs of a comparison that ends by itself."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How the runs of a comparison are to be made.

    Attributes:
        order: Who goes first in each pair. Means nothing in a race.
        layout: Whether the runs of a pair are measured apart or at once.
        regime: Whether the prompt may have been cached.
        warmup: Warm-ups for each channel, dropped from all figures.
        repeat: Number of pairs; the most there may be if ``until`` is set.
        until: Half-width of the medians' intervals at which to stop, as a share of the median;
            null for exactly ``repeat`` pairs.
        least: Fewest pairs if ``until`` is set.
        cooldown_s: Pause before each measured pair but the first, s.
        seed: Seeds a random order.
        sides: What is compared with what; null for the usual, in which A streams and B blocks what
            one server answers.
        reuse: Whether a run takes the connection that the one before has left open. The first run
            opens it: with warm-ups that is one of them, and all pairs find it open.
    """

    order: Order = "abba"
    layout: Layout = "apart"
    regime: Regime = "warm"
    warmup: int = 1
    repeat: int = LEAST
    until: float | None = None
    least: int = LEAST
    cooldown_s: float = 0.0
    seed: int = 0
    reuse: bool = False
    sides: Sides | None = None
