"""What choosing a server means: for which channels it is, and how they deliver."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from streamscope.engines.choose import place
from streamscope.trace import ChannelName, Mode
from streamscope.trial.setup import DELIVERY, Matchup, Wish, Wishes

Scope = Literal["both", "A", "B"]
"""For which channels a server is chosen."""

SCOPES: Final[tuple[Scope, ...]] = ("both", "A", "B")

Modes = tuple[Mode, Mode]

WAYS: Final[dict[Modes, str]] = {
    ("stream", "blocking"): "A streams, B blocks",
    ("stream", "stream"): "both stream",
    ("blocking", "blocking"): "both block",
    ("blocking", "stream"): "A blocks, B streams",
}
"""How both channels can deliver, in the order in which a key goes through them."""

_BOTH_STREAM: Final[Modes] = ("stream", "stream")


class Aim(msgspec.Struct, frozen=True, kw_only=True):
    """What is compared at present, and what a choice changes of it.

    Attributes:
        a: The server that channel A asks; ``None`` where there is none yet.
        b: The server that channel B asks; the same one, mostly.
        scope: For which channels a server is chosen.
        modes: How they are to deliver; ``None`` for what is usual.
    """

    a: Wish | None = None
    b: Wish | None = None
    scope: Scope = "both"
    modes: Modes | None = None

    @classmethod
    def at(cls, matchup: Matchup | None) -> Aim:
        """Begin with what is compared at present, if anything is."""
        if matchup is None:
            return cls()
        a, b = (Wish.again(setup.target, setup.engine) for setup in (matchup.a, matchup.b))
        usual = usual_modes(one_server=matchup.one_server)
        return cls(a=a, b=b, modes=None if matchup.modes == usual else matchup.modes)

    def next_scope(self) -> Aim:
        """Choose for the next of both channels, A alone, and B alone."""
        at = SCOPES.index(self.scope)
        return msgspec.structs.replace(self, scope=SCOPES[(at + 1) % len(SCOPES)])

    def next_modes(self, wish: Wish) -> Aim:
        """Deliver in the next way; ``wish`` is what would be chosen."""
        ways = list(WAYS)
        chosen = ways[(ways.index(self.ways(wish)) + 1) % len(ways)]
        usual = usual_modes(one_server=self.choose(wish).one_server)
        return msgspec.structs.replace(self, modes=None if chosen == usual else chosen)

    def ways(self, wish: Wish) -> Modes:
        """Return how both channels would deliver once this server is chosen."""
        return self.modes or usual_modes(one_server=self.choose(wish).one_server)

    def choose(self, wish: Wish) -> Wishes:
        """Return what is wanted once this server is chosen; the other channel keeps its own."""
        a, b = self.a, self.b
        if self.scope == "both" or (a is None and self.scope == "A"):
            a, b = wish, None
        elif self.scope == "A":
            a = wish
        else:
            a, b = a or Wish(), wish
        assert a is not None
        return Wishes(a=a, b=None if a == b else b, modes=self.modes or (None, None))

    def now(self, wish: Wish) -> tuple[ChannelName, ...]:
        """Return the channels that ask this server at present."""
        channels: tuple[tuple[ChannelName, Wish | None], ...] = (("A", self.a), ("B", self.b))
        return tuple(name for name, asked in channels if asked is not None and same(asked, wish))


def usual_modes(*, one_server: bool) -> Modes:
    """Return how both channels deliver unless the person says otherwise."""
    return DELIVERY if one_server else _BOTH_STREAM


def same(one: Wish, other: Wish) -> bool:
    """Whether two wishes name the same server and model, however they write its address."""
    return _key(one) == _key(other) and (
        one.protocol == other.protocol or not (one.protocol and other.protocol)
    )


def _key(wish: Wish) -> tuple[str, str, str]:
    return (wish.engine, place(wish.url) if wish.url else "", wish.model)
