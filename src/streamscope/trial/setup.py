"""What the person wants to measure, and the server that it came to."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from streamscope.engines.choose import Wanted, place
from streamscope.engines.engine import Engine
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
    """

    engine: Wanted = "auto"
    url: str = ""
    protocol: str = ""
    model: str = ""

    @classmethod
    def again(cls, target: Target, engine: str) -> "Wish":
        """Return the wish for a server that answered before.

        Args:
            target: The server, as it was called.
            engine: Name of the engine of ours that it was, or empty.
        """
        if engine == "simulator":
            return cls(engine="simulator", model=target.model)  # its profile
        if engine == "local":
            return cls(engine="local")  # which has one model only, at another port each time
        return cls(url=target.url, protocol=target.protocol, model=target.model)


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
    def alive(self) -> bool:
        """Whether it can still answer, as far as that is known: an engine's process may be gone."""
        return self.process is None or self.process.alive

    def channel(self, name: ChannelName, mode: Mode) -> Channel:
        """Return a side of a comparison that asks this server."""
        return Channel(name=name, target=self.target, mode=mode, key=self.key, headers=self.headers)

    def fill(self, request: Request) -> Request:
        """Return a request with what this server wants in every request of its own added."""
        return request if self.process is None else self.process.fill(request)
