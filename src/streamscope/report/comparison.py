"""A comparison that was carried out: its plan and its runs. What every report is made from."""

import msgspec

from streamscope.plan import Plan
from streamscope.trace import SUMMARY_FLAG, ChannelName, Run


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
        """Return the measured pairs, A first, by number of pair.

        A run that failed and was made once more counts as what it became in the end.
        """
        last: dict[tuple[int, ChannelName], Run] = {}
        for run in self.runs:
            before = last.get((run.pair, run.channel))
            if not run.warmup and (run.trace.ok or before is None or not before.trace.ok):
                last[run.pair, run.channel] = run
        numbers = sorted({pair for pair, _ in last})
        return [
            (last[pair, "A"], last[pair, "B"])
            for pair in numbers
            if (pair, "A") in last and (pair, "B") in last
        ]


def is_import(comparison: Comparison) -> bool:
    """Tell whether only summaries of its runs are known, so that its plan is none."""
    return any(SUMMARY_FLAG in run.trace.flags for run in comparison.runs)
