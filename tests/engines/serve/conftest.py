"""Our server in a thread of its own, on a real socket, with its stage at hand."""

import socket
import threading
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from streamscope.engines.profiles import Profile
from streamscope.engines.serve import Service, listen, url_of
from streamscope.engines.stage import Stage
from streamscope.probe.messages import Limits, Start
from streamscope.trace import Mode, Request, Target, Trace

if TYPE_CHECKING:
    from tests.conftest import Bench

DEADLINE_S = 20.0
POLL_S = 0.005

QUICK = Profile(prefill_s=0.01, tokens_per_s=1000, tokens=30)


def failing(failure: str, at: int) -> Profile:
    return Profile(prefill_s=0, tokens_per_s=2000, tokens=30, failure=failure, fail_at=at)  # type: ignore[arg-type] # parametrized


PROFILES = {
    "quick": QUICK,
    "thinker": Profile(prefill_s=0.01, tokens_per_s=1000, tokens=30, thinking_share=0.4),
    "endless": Profile(prefill_s=0.001, tokens_per_s=100, tokens=10_000),
    "flood": Profile(prefill_s=0, tokens_per_s=1e6, tokens=20_000),
    **{
        f"{failure}-{at}": failing(failure, at)
        for failure in ("error", "cut", "stall")
        for at in (0, 5)
    },
}


@dataclass
class House:
    """A running server.

    Attributes:
        url: Where it is.
        stage: Who answers there; its numbers may be read from any thread.
        service: The server.
        thread: Ends when the server has.
    """

    url: str
    stage: Stage
    service: Service
    thread: threading.Thread

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        host, _, port = self.url.removeprefix("http://").rpartition(":")
        return host, int(port)


@contextmanager
def opened(stage: Stage, *, buffer: int | None = None, moment_s: float = 0.05) -> Iterator[House]:
    listener = listen("127.0.0.1", 0)
    if buffer is not None:  # taken over by every connection
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer)
    url = url_of(listener)
    ready = threading.Event()
    service = Service(stage, ready=ready.set, ending=lambda: None, moment_s=moment_s)
    thread = threading.Thread(target=service.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        assert ready.wait(DEADLINE_S)
        yield House(url, stage, service, thread)
    finally:
        service.should_exit = True
        thread.join()


@pytest.fixture(scope="session")
def opening() -> Callable[..., object]:
    """Open a house of its own for a test."""
    return opened


@pytest.fixture(scope="session")
def house() -> Iterator[House]:
    """One house for all tests that leave nothing behind."""
    with opened(Stage(PROFILES, slots=64)) as running:
        yield running


def _within(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + DEADLINE_S
    while not condition() and time.monotonic() < deadline:
        time.sleep(POLL_S)
    return condition()


@pytest.fixture(scope="session")
def within() -> Callable[[Callable[[], bool]], bool]:
    """Poll until a condition holds; give up after a generous deadline."""
    return _within


class Asker:
    """Asks over the real probe."""

    def __init__(self, bench: "Bench") -> None:
        self._bench = bench

    async def __call__(
        self,
        url: str,
        protocol: str,
        mode: Mode = "stream",
        model: str = "quick",
        *,
        stall_s: float = DEADLINE_S,
        **request: object,
    ) -> Trace:
        """Run one request; return its trace."""
        if protocol.startswith("text"):
            url += "/text/stream"
        asked = Request(prompt="Why?", params=request.pop("params", {}), **request)  # type: ignore[arg-type] # members by name
        command = Start(
            run_id=uuid.uuid4().hex,
            target=Target(protocol=protocol, url=url, model=model),
            request=asked,
            mode=mode,
            limits=Limits(connect_s=DEADLINE_S, stall_s=stall_s, total_s=DEADLINE_S),
        )
        return await self._bench.probe.run(command, lambda _trace, _new: None)


@pytest_asyncio.fixture(loop_scope="session")
async def asker(bench: "Bench") -> AsyncIterator[Asker]:
    """Ask over the real probe."""
    yield Asker(bench)
