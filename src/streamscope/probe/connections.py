"""Connections that a run has left open, for a later run that asks to use one again."""

import asyncio
from typing import NamedTuple

import httpx

from streamscope.probe.transport import StampedTransport
from streamscope.trace import Clock

IDLE_S = 30.0
"""How long a connection is kept that nobody uses, in seconds. Most servers end it after 5."""


class Way(NamedTuple):
    """Where a connection leads, and how. What is said over it, keys too, does not matter.

    Attributes:
        scheme: ``http`` or ``https``.
        host: Name or address.
        port: Port.
        proxy: Proxy that it goes through, with its password; empty for none.
        clock: Where its arrival times come from.
    """

    scheme: str
    host: str
    port: int
    proxy: str
    clock: Clock

    @classmethod
    def to(cls, url: httpx.URL, proxy: str | None, clock: Clock) -> "Way":
        """Return the way to a URL."""
        port = url.port or {"http": 80, "https": 443}.get(url.scheme, 0)
        return cls(url.scheme, url.host, port, proxy or "", clock)


class Connections:
    """Keeps open connections for a while. Each is used by one run at a time."""

    def __init__(self, idle_s: float = IDLE_S) -> None:
        """Keep none yet.

        Args:
            idle_s: How long one is kept that nobody uses, in seconds.
        """
        self._idle_s = idle_s
        self._idle: dict[Way, list[StampedTransport]] = {}
        self._closing: dict[StampedTransport, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def take(self, way: Way) -> StampedTransport | None:
        """Return the connection that was used last, if there is one; it is the taker's now."""
        idle = self._idle.get(way)
        if not idle:
            return None
        transport = idle.pop()
        self._closing.pop(transport).cancel()
        transport.wire.on_stray = None
        if not idle:
            del self._idle[way]
        return transport

    def keep(self, way: Way, transport: StampedTransport) -> None:
        """Keep an open connection for whoever comes next, for as long as nothing comes over it.

        What comes then is the other side's end, or nothing that an answer may begin with.
        """
        transport.wire.on_stray = lambda: self._drop(way, transport)
        self._idle.setdefault(way, []).append(transport)
        self._closing[transport] = asyncio.get_running_loop().call_later(
            self._idle_s, self._drop, way, transport
        )

    def _drop(self, way: Way, transport: StampedTransport) -> None:
        transport.wire.on_stray = None
        self._idle[way].remove(transport)
        if not self._idle[way]:
            del self._idle[way]
        self._closing.pop(transport).cancel()
        task = asyncio.get_running_loop().create_task(transport.aclose())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def aclose(self) -> None:
        """Close all connections that are kept."""
        for way in list(self._idle):
            while transport := self.take(way):
                await transport.aclose()
