"""What the person wants to measure, and the servers that it came to."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from streamscope.engines.addresses import is_loopback
from streamscope.engines.choose import Wanted, place
from streamscope.engines.engine import Engine
from streamscope.sides import Side, Sides
from streamscope.trace import ChannelName, Layout, Mode, Request, Target
from streamscope.trial.plan import Channel

Report = Callable[[str, float | None], None]
"""Told what is being done, in words for the screen, and the share done (0 to 1) where known."""


class NoServerError(Exception):
    """There is nothing to measure; the text is a sentence for a person."""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What the person wants to measure. Empty members are found out.

    Attributes:
        engine: What answers when no URL is named.
        url: Base URL of a server.
        protocol: How it speaks.
        model: Its model.
        named: Whether the person named the URL, and did not merely choose what had been found or
            measured before: only then can it be the server of their own key.
        named_once: Whether it is measured again, alone: it counts as named if it was named on this
            machine before, and no other is now. A history may have come from somebody else.
    """

    engine: Wanted = "auto"
    url: str = ""
    protocol: str = ""
    model: str = ""
    named: bool = True
    named_once: bool = False

    @classmethod
    def again(cls, target: Target, engine: str) -> "Wish":
        """Return the wish for a server that answered before.

        Args:
            target: The server, as it was called.
            engine: Name of the engine of ours that it was, or empty.
        """
        if engine == "simulator":  # whose models are profiles
            return cls(engine="simulator", protocol=target.protocol, model=target.model)
        if engine == "local":  # which has one model only, at another port each time
            return cls(engine="local", protocol=target.protocol)
        return cls(url=target.url, protocol=target.protocol, model=target.model, named=False)


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """A server that is ready to be measured.

    Attributes:
        target: The server.
        key: Its key.
        headers: What is sent beside the key, or in its place.
        engine: Name of the engine of ours that it is, or empty.
        reason: Why it was chosen, a sentence.
        caution: What must be known before trusting its answers, or empty.
        contended: Whether two live requests would disturb each other.
        uncached: Whether it is told not to cache prompts, so that no run has its prefill for
            nothing.
        version: Version of the server, where known.
        proxy: HTTP proxy to go through.
        process: The engine, if it is one of ours.
    """

    target: Target
    key: str | None = None
    headers: Mapping[str, str] = {}
    engine: str = ""
    reason: str = ""
    caution: str = ""
    contended: bool = True
    uncached: bool = False
    version: str = ""
    proxy: str | None = None
    process: Engine | None = None

    def __repr__(self) -> str:
        return f"Setup({self.identity!r})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """Show which server it is, and never the key."""
        return [("identity", self.identity)]

    @property
    def identity(self) -> str:
        """Name that lasts: an engine of ours has another port at each start."""
        where = self.engine or place(self.target.url)
        return f"{self.target.protocol} {where} {self.target.model}".rstrip()

    @property
    def place(self) -> str:
        """Host and port, or what stands in for them."""
        return self.engine or place(self.target.url)

    @property
    def layout(self) -> Layout:
        """How a pair is measured unless the person says otherwise."""
        return "apart" if self.contended else "race"

    @property
    def here(self) -> bool:
        """Whether it shares this machine's processor with whoever measures it."""
        return bool(self.engine) or is_loopback(self.target.url)

    @property
    def alive(self) -> bool:
        """Whether it can still answer, as far as that is known: an engine's process may be gone."""
        return self.process is None or self.process.alive

    def fill(self, request: Request) -> Request:
        """Return a request with what this server wants in every request of its own added."""
        return request if self.process is None else self.process.fill(request)

    def channel(self, name: ChannelName, mode: Mode, request: Request) -> Channel:
        """Return a side of a comparison that asks this server."""
        return Channel(
            name=name,
            target=self.target,
            mode=mode,
            request=self.fill(request),
            key=self.key,
            headers=self.headers,
            proxy=self.proxy,
            engine=self.engine,
            server_version=self.version,
        )


DELIVERY: tuple[Mode, Mode] = ("stream", "blocking")
"""How channels A and B deliver unless the person says otherwise."""


class Wishes(msgspec.Struct, frozen=True, kw_only=True):
    """What the person wants to compare with what. Empty members are found out.

    Attributes:
        a: The server that channel A asks.
        b: The server that channel B asks; ``None`` for the same one.
        modes: How A and B deliver; ``None`` for what is usual.
    """

    a: Wish = Wish()
    b: Wish | None = None
    modes: tuple[Mode | None, Mode | None] = (None, None)

    @classmethod
    def again(cls, sides: Sides) -> "Wishes":
        """Return the wishes for two channels that were compared before.

        Of two servers nobody knows any more which one the person's own key is for, so that neither
        counts as named, even if both were.
        """
        a, b = (Wish.again(side.target, side.engine) for side in (sides.a, sides.b))
        modes = (sides.a.mode, sides.b.mode)
        if sides.a.place == sides.b.place:
            a, b = (msgspec.structs.replace(wish, named_once=True) for wish in (a, b))
        return cls(a=a, b=None if a == b else b, modes=modes)

    @property
    def one_server(self) -> bool:
        """Whether both channels ask the same."""
        return self.b is None or self.b == self.a

    def matchup(self, a: Setup, b: Setup) -> "Matchup":
        """Return the comparison of two servers as they were found.

        Usually one server is asked in both modes, and two servers both stream.
        """
        usual = DELIVERY if a.target == b.target else ("stream", "stream")
        modes = tuple(said or else_ for said, else_ in zip(self.modes, usual, strict=True))
        return Matchup(a=a, b=b, modes=(modes[0], modes[1]))


class Matchup(msgspec.Struct, frozen=True, kw_only=True):
    """What is compared with what: a server and a mode for each channel.

    Attributes:
        a: The server that channel A asks.
        b: The server that channel B asks; mostly the same.
        modes: How each delivers.
    """

    a: Setup
    b: Setup
    modes: tuple[Mode, Mode] = DELIVERY

    @classmethod
    def of(cls, setup: Setup) -> "Matchup":
        """Return the usual one: a server's stream against the same server's whole answer."""
        return cls(a=setup, b=setup)

    def setup(self, name: ChannelName) -> Setup:
        """Return the server that a channel asks."""
        return self.a if name == "A" else self.b

    def mode(self, name: ChannelName) -> Mode:
        """Return how a channel delivers."""
        return self.modes[0] if name == "A" else self.modes[1]

    def side(self, name: ChannelName) -> Side:
        """Return what a channel is."""
        setup = self.setup(name)
        return Side(target=setup.target, mode=self.mode(name), engine=setup.engine)

    @property
    def sides(self) -> Sides:
        """What both channels are."""
        return Sides(a=self.side("A"), b=self.side("B"))

    @property
    def one_server(self) -> bool:
        """Whether both channels ask the same model of the same server in the same protocol."""
        return self.a.target == self.b.target

    @property
    def identity(self) -> str:
        """Name that lasts. That of the usual matchup is its server's."""
        if self.sides.question == "delivery":
            return self.a.identity
        names = zip((self.a.identity, self.b.identity), self.modes, strict=True)
        return " | ".join(f"{identity} {mode}" for identity, mode in names)

    @property
    def contended(self) -> bool:
        """Whether two live requests would disturb each other."""
        return self.a.contended or self.b.contended

    @property
    def here(self) -> bool:
        """Whether one of them shares this machine's processor."""
        return self.a.here or self.b.here

    @property
    def uncached(self) -> bool:
        """Whether no run has its prefill for nothing."""
        return self.a.uncached and self.b.uncached

    @property
    def layout(self) -> Layout:
        """How a pair is measured unless the person says otherwise."""
        return "apart" if self.contended else "race"

    @property
    def alive(self) -> bool:
        """Whether both can still answer, as far as that is known."""
        return self.a.alive and self.b.alive

    @property
    def reason(self) -> str:
        """Why these, in a sentence, or one for each."""
        return _both(self.a.reason, self.b.reason)

    @property
    def caution(self) -> str:
        """What must be known before trusting their answers, or empty."""
        return _both(self.a.caution, self.b.caution)

    def channels(self, request: Request) -> dict[ChannelName, Channel]:
        """Return the two sides of a comparison that asks this of both.

        A limit that one server needs holds for the other one, too, or else the longer answer would
        be compared with one that was cut.
        """
        filled = [setup.fill(request).max_tokens for setup in (self.a, self.b)]
        limit = min((each for each in filled if each is not None), default=None)
        request = msgspec.structs.replace(request, max_tokens=limit)
        return {
            "A": self.a.channel("A", self.modes[0], request),
            "B": self.b.channel("B", self.modes[1], request),
        }


def _both(a: str, b: str) -> str:
    """Return what is said of either channel, or of both at once."""
    if a == b:
        return a
    return " ".join(f"{name}: {said}" for name, said in (("A", a), ("B", b)) if said)
