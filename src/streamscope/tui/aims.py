"""What choosing a server means: for which channels it is, and how they deliver."""

from __future__ import annotations

from typing import Final, Literal
from urllib.parse import urlsplit

import msgspec

from streamscope.key_owners import authority
from streamscope.trace import ChannelName, Mode, Request, Target
from streamscope.trial.setup import DELIVERY, Matchup, Wish, Wishes
from streamscope.wire.registry import PROTOCOLS
from streamscope.wire.urls import address_of

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
    if (one.engine, one.model) != (other.engine, other.model):
        return False
    if one.protocol and other.protocol and one.protocol != other.protocol:
        return False
    protocol = one.protocol or other.protocol
    return _called(one, protocol) == _called(other, protocol)


def _called(wish: Wish, protocol: str) -> tuple[str, str, str]:
    """Return what a wish calls in a protocol: scheme, host with port, and path.

    A base URL may end before its version or with it: what is called tells that this is the same.
    """
    if not wish.url:
        return ("", "", "")
    url, speaker = wish.url, PROTOCOLS.get(protocol)
    if speaker is not None:
        target = Target(protocol=protocol, url=url, model=wish.model)
        url = speaker.call(target, Request(prompt=""), "stream", None).url
    parts = urlsplit(url)
    host, colon, port = authority(url).rpartition(":")
    return (parts.scheme, f"{_plain_host(host)}{colon}{port}", parts.path.rstrip("/"))


def _plain_host(host: str) -> str:
    """Return a host in one spelling; a name of this machine is the address that it stands for."""
    if host == "localhost":
        return "127.0.0.1"
    address = address_of(host.strip("[]"))
    if address is None:
        return host
    if address.is_unspecified:  # who connects to it gets to this machine
        return "127.0.0.1" if address.version == 4 else "::1"
    return str(address)
