"""A comparison that was carried out: its plan and its runs. What every report is made from."""

import msgspec

from streamscope.plan import Plan
from streamscope.sides import Question, Sides
from streamscope.trace import SUMMARY_FLAG, ChannelName, Run


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """A plan carried out, as far as it got.

    Attributes:
        plan: The plan.
        runs: All runs in the order in which they were made, warm-ups and failures included.
        include_busy: Whether runs on a busy machine are pooled.
        unknown: Members of the plan that nobody knows, as of imported runs: what stands there is
            only usual.
    """

    plan: Plan
    runs: list[Run]
    include_busy: bool = False
    unknown: frozenset[str] = frozenset()

    @property
    def known_plan(self) -> Plan | None:
        """The plan, if all of it is known."""
        return None if self.unknown or is_import(self) else self.plan

    def of(self, channel: ChannelName) -> list[Run]:
        """Return the runs of one channel."""
        return [run for run in self.runs if run.channel == channel]

    def channels(self) -> list[ChannelName]:
        """Return the channels that have runs, A first."""
        names: tuple[ChannelName, ...] = ("A", "B")
        return [name for name in names if self.of(name)]

    @property
    def sides(self) -> Sides | None:
        """Both channels; ``None`` where one has no runs, and the plan does not name it."""
        return Sides.of(self.runs) or self.plan.sides

    @property
    def question(self) -> Question:
        """What it can answer; as long as nobody knows both channels, the usual."""
        sides = self.sides
        return sides.question if sides else "delivery"

    def pairs(self) -> list[tuple[Run, Run]]:
        """Return the measured pairs, A first, by number of pair.

        A run that was made once more counts as what it became in the end.
        """
        last = {key: run for key, run in self.final().items() if not run.warmup}
        numbers = sorted({pair for pair, _ in last})
        return [
            (last[pair, "A"], last[pair, "B"])
            for pair in numbers
            if (pair, "A") in last and (pair, "B") in last
        ]

    def final(self) -> dict[tuple[int, ChannelName], Run]:
        """Return the run that counts, by pair and channel: the last of the best that there are.

        A run that is whole is better than one that failed, and best is one on a quiet machine.
        """
        found: dict[tuple[int, ChannelName], Run] = {}
        for run in self.runs:
            before = found.get((run.pair, run.channel))
            if before is None or self._worth(run) >= self._worth(before):
                found[run.pair, run.channel] = run
        return found

    def _worth(self, run: Run) -> int:
        if not run.trace.ok:
            return 0
        return 1 if run.trace.busy and not self.include_busy else 2


def is_import(comparison: Comparison) -> bool:
    """Tell whether only summaries of its runs are known, so that its plan is none."""
    return any(SUMMARY_FLAG in run.trace.flags for run in comparison.runs)
