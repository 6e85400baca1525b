"""Which runs a comparison consists of, and in which order.

Two live requests on a server with one slot queue behind each other, so runs are measured one at a
time unless a race is asked for. Alternating which channel goes first (A B, B A, A B …) keeps a
machine that slowly warms up or throttles from favouring one of them: the mean positions of both
are the same after every second pair (metrics, chapter on experimental design).
"""

from typing import Any, Literal

import msgspec

from streamscope.trace import ChannelName, Layout, Mode, Regime, Request, Target

Order = Literal["abba", "ab", "ba"]
"""Who goes first in a pair: by turns, always A, or always B."""


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """One side of a comparison.

    Attributes:
        name: The side.
        target: The server.
        mode: How the answer is delivered.
        key: The server's key. Never leaves the process but to the probe.
    """

    name: ChannelName
    target: Target
    mode: Mode
    key: str | None = None

    def __repr__(self) -> str:
        return f"Channel({self.name!r}, {self.target!r}, {self.mode!r})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """Show everything but the key."""
        return [("name", self.name), ("target", self.target), ("mode", self.mode)]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How a comparison is to be carried out.

    Attributes:
        pairs: Number of pairs.
        warmups: Runs on each channel before, which are dropped.
        order: Who goes first.
        layout: Apart, or both at once.
        regime: Whether the prompt may be in the server's cache.
        prefill_only: Whether a warm-up stops after one token: it loads the model and fills the
            cache, which is all that an interactive pair needs.
        first_pair: How many pairs of the same comparison went before, for the order.
    """

    pairs: int = 1
    warmups: int = 0
    order: Order = "abba"
    layout: Layout = "apart"
    regime: Regime = "warm"
    prefill_only: bool = False
    first_pair: int = 0


class Step(msgspec.Struct, frozen=True):
    """One run of a plan.

    Attributes:
        channel: The side.
        pair: Number of the pair, from 1; 0 for a warm-up.
        position: 1 if it goes first in its pair, 2 if second.
        warmup: Whether it is dropped.
    """

    channel: ChannelName
    pair: int
    position: int
    warmup: bool = False


def steps(plan: Plan) -> list[tuple[Step, ...]]:
    """Return the runs of a plan in order; runs that go at once stand in one tuple.

    A plan whose warm-ups only prefill needs one run for them, as there is one cache to fill.
    """
    order: list[tuple[Step, ...]] = []
    for _ in range(plan.warmups):
        order.append((Step("A", 0, 1, True),))
        if not plan.prefill_only:
            order.append((Step("B", 0, 2, True),))
    for pair in range(1, plan.pairs + 1):
        a_first = plan.order == "ab" or (plan.order == "abba" and (pair + plan.first_pair) % 2 == 1)
        sides: tuple[ChannelName, ChannelName] = ("A", "B") if a_first else ("B", "A")
        first, second = Step(sides[0], pair, 1), Step(sides[1], pair, 2)
        if plan.layout == "race":
            order.append((first, second))
        else:
            order.extend([(first,), (second,)])
    return order


def warmup_request(request: Request, *, prefill_only: bool) -> Request:
    """Return what a warm-up asks: the same, or only its first token."""
    return msgspec.structs.replace(request, max_tokens=1) if prefill_only else request
