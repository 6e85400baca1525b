"""Serve the simulator with uvicorn, for as long as the app lives.

Run as ``python -m streamscope.engines.simulator_child``.
"""

import os
import socket
from collections.abc import Generator
from contextlib import contextmanager

import msgspec
import uvicorn

from streamscope.engines.child import Announcement
from streamscope.engines.lifeline import Lifeline
from streamscope.engines.profiles import Profile
from streamscope.engines.serve import configuration, listen, url_of
from streamscope.engines.stage import Stage


class Configuration(msgspec.Struct, frozen=True, kw_only=True):
    """What this child needs to know.

    Attributes:
        profiles: The models, by name; the first answers requests that name none.
        slots: How many requests are answered at once.
        seed: Start of the irregularities.
    """

    profiles: dict[str, Profile]
    slots: int
    seed: int


class _Server(uvicorn.Server):
    """A server that announces itself once it accepts, and leaves signals to the lifeline."""

    def __init__(self, config: uvicorn.Config, line: Lifeline, announcement: Announcement) -> None:
        super().__init__(config)
        self._line, self._announcement = line, announcement

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Announce the URL as soon as it answers."""
        await super().startup(sockets)
        self._line.announce(self._announcement)

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Install no handlers: interrupts stay ignored."""
        yield


def main() -> None:
    """Serve on a free loopback port until the end."""
    line = Lifeline()
    told = line.configuration(Configuration)
    stage = Stage(told.profiles, slots=told.slots, seed=told.seed)
    listener = listen("127.0.0.1", 0)
    url = url_of(listener)
    model = next(iter(told.profiles))
    server = _Server(
        configuration(stage), line, Announcement(url=url, pid=os.getpid(), model=model)
    )
    server.run(sockets=[listener])


if __name__ == "__main__":
    main()
