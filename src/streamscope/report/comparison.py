"""A comparison that was carried out: its plan and its runs. What every report is made from."""

from typing import Literal, TypeAlias

import msgspec

from streamscope.trace import ChannelName, Layout, Regime, Run

Order: TypeAlias = Literal["abba", "ab", "ba", "race"]
"""Which channel goes first in each pair; in a race neither does."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How the runs were to be made.

    Attributes:
        order: Order within the pairs.
        layout: Whether the runs of a pair were measured apart or at once.
        regime: Whether the prompt may have been cached.
        warmup: Warm-ups for each channel, dropped from all figures.
        repeat: Number of pairs; the most there may be if ``until`` is set.
        until: Half-width of the median's interval at which to stop, as a share of the median.
    """

    order: Order = "abba"
    layout: Layout = "apart"
    regime: Regime = "warm"
    warmup: int = 1
    repeat: int = 6
    until: float | None = None


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """A plan carried out, as far as it got.

    Attributes:
        plan: The plan.
        runs: All runs in the order in which they were made, warm-ups and failures included.
    """

    plan: Plan
    runs: list[Run]

    def of(self, channel: ChannelName) -> list[Run]:
        """Return the runs of one channel."""
        return [run for run in self.runs if run.channel == channel]

    def channels(self) -> list[ChannelName]:
        """Return the channels that have runs, A first."""
        names: tuple[ChannelName, ...] = ("A", "B")
        return [name for name in names if self.of(name)]

    def pairs(self) -> list[tuple[Run, Run]]:
        """Return the measured pairs of which both runs exist."""
        seconds = {run.pair: run for run in self.of("B") if not run.warmup}
        return [
            (run, seconds[run.pair])
            for run in self.of("A")
            if not run.warmup and run.pair in seconds
        ]
