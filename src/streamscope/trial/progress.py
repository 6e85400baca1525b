"""How far a comparison has come, and how long it will still take, as honestly as can be said."""

import math
from collections.abc import Sequence

import msgspec

from streamscope.measure.inference import half_width, narrow_enough
from streamscope.plan import Plan
from streamscope.trace import Run

JUDGED = ("ttfv_s", "total_s")
"""Figures whose medians must be known narrowly enough, on both channels."""

Measured = Sequence[tuple[Run, Run]]
"""The whole pairs so far."""


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """Where a comparison stands.

    Attributes:
        pairs: Whole pairs so far.
        least: Fewest pairs that there will be.
        most: Most pairs that there will be.
        width: Half-width of the widest of the judged intervals, as a share of its median;
            ``None`` as long as there is none, or where no width was asked for.
        wanted: The width at which it ends by itself; ``None`` for a fixed number of pairs.
        elapsed_s: Time since it began, s.
        left_s: Time that it will probably still take, from and to, s; ``None`` before the first
            pair is done, unless warm-ups were as long as a pair.
        made_good: Pairs of before it was continued that do not count: as many further numbers
            there are.
    """

    pairs: int
    least: int
    most: int
    width: float | None
    wanted: float | None
    elapsed_s: float
    left_s: tuple[float, float] | None
    made_good: int = 0

    def of(self, pair: int) -> str:
        """Say of how many a pair is: ``of 6``, ``of 6 to 30``, or ``of up to 30``."""
        least, most = self.least + self.made_good, self.most + self.made_good
        if least == most:
            return f"of {most}"
        return f"of {least} to {most}" if pair < least else f"of up to {most}"


class Values:
    """The judged figures of both channels, pair by pair."""

    def __init__(self) -> None:
        self._lists: dict[tuple[str, str], list[float]] = {}
        self.pairs = 0

    def add(self, a: dict[str, float | None], b: dict[str, float | None]) -> None:
        """Take the figures of one more whole pair."""
        self.pairs += 1
        for side, figures in (("A", a), ("B", b)):
            for name in JUDGED:
                value = figures.get(name)
                if value is not None:
                    self._lists.setdefault((side, name), []).append(value)

    @property
    def width(self) -> float | None:
        """Half-width of the widest interval, as a share of its median; ``None`` before 6 pairs."""
        widths = [half_width(values) for values in self._lists.values()]
        known = [width for width in widths if width is not None]
        return max(known) if known and len(known) == len(widths) else None

    def narrow(self, share: float, least: int) -> bool:
        """Whether all medians are known to within a share of themselves."""
        if self.pairs < least or not self._lists:
            return False
        return all(narrow_enough(values, share, least) for values in self._lists.values())


def pairs_needed(pairs: int, width: float | None, plan: Plan) -> tuple[int, int]:
    """Return how many pairs there will be in all: at least, and at most.

    The width of an interval shrinks with the square root of the number of pairs, roughly; so
    that is a guess, and the plan's bounds hold it.
    """
    if plan.until is None:
        return plan.repeat, plan.repeat
    least = min(max(plan.least, pairs), plan.repeat)
    if width is None or pairs < plan.least:
        return least, plan.repeat
    if width <= plan.until:
        return pairs, pairs
    guess = math.ceil(pairs * (width / plan.until) ** 2)
    return least, max(least, min(guess, plan.repeat))


def progress(
    plan: Plan,
    values: Values,
    *,
    elapsed_s: float,
    measured_s: float,
    pairs_now: int,
    guessed_s: float | None = None,
    made_good: int = 0,
) -> Progress:
    """Say where a comparison stands.

    Args:
        plan: What is carried out.
        values: The judged figures of its whole pairs.
        elapsed_s: Time since it began, s; since it was continued, if it was.
        measured_s: Time that the pairs of ``pairs_now`` took, pauses between them included, s.
        pairs_now: Pairs that were gone through in that time, failed ones too.
        guessed_s: How long a pair will take by what its warm-ups took, s; ``None`` if they tell
            nothing.
        made_good: Pairs of before it was continued that do not count.
    """
    width = values.width if plan.until is not None else None
    least, most = pairs_needed(values.pairs, width, plan)
    left = None
    each = measured_s / pairs_now if pairs_now else guessed_s
    if each is not None:
        left = (
            max(0.0, each * (least - values.pairs)),
            max(0.0, each * (most - values.pairs)),
        )
    return Progress(
        pairs=values.pairs,
        least=least,
        most=most,
        width=width,
        wanted=plan.until,
        elapsed_s=elapsed_s,
        left_s=left,
        made_good=made_good,
    )
