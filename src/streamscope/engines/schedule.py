"""A server with a known schedule, in a process of ours: what times can be held against."""

import http.client
import urllib.parse
from typing import TypeVar

import msgspec

from streamscope.calibration import Schedule, Written
from streamscope.engines.child import Announcement, Child
from streamscope.engines.engine import EngineError
from streamscope.engines.schedule_frames import MODEL

T = TypeVar("T")

START_LIMIT_S = 20.0
"""How long starting may take, in seconds."""

_PAGE_LIMIT_S = 10.0


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that was given.

    Attributes:
        request: Its number.
        mode: How it was delivered.
        pieces: How many pieces of text it had.
    """

    request: int
    mode: str
    pieces: int


class ScheduleEngine:
    """A schedule server that runs. It never outlives us.

    Attributes:
        url: Its base URL; it speaks ``openai-chat``.
        model: The name of its only model.
    """

    def __init__(self, child: Child, ready: Announcement) -> None:
        self._child = child
        self.url = ready.url
        self.model = ready.model

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._child.pid

    @property
    def alive(self) -> bool:
        """Whether its process still runs."""
        return self._child.alive

    def written(self, model: str) -> Written:
        """Return what was done for the answer that named its model so. It waits for the network.

        Raises:
            EngineError: There is no such answer, or the server is gone.
        """
        number = model.removeprefix(f"{MODEL}-")
        return self._get(f"/schedule/{urllib.parse.quote(number, safe='')}", Written)

    def answers(self) -> list[Answered]:
        """Return what was answered so far, oldest first. It waits for the network.

        Raises:
            EngineError: The server is gone.
        """
        return self._get("/schedule", list[Answered])

    def close(self) -> None:
        """End its process now. Safe to call from any thread, and more than once."""
        self._child.close()

    def _get(self, path: str, kind: type[T]) -> T:
        parts = urllib.parse.urlsplit(self.url)
        connection = http.client.HTTPConnection(
            parts.hostname or "", parts.port, timeout=_PAGE_LIMIT_S
        )
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise EngineError(f"The schedule server does not answer any more: {error}.") from error
        finally:
            connection.close()
        if response.status != http.client.OK:
            raise EngineError(f"The schedule server knows nothing of {path}.")
        return msgspec.json.decode(body, type=kind)


async def start(
    schedule: Schedule | None = None, *, timeout_s: float = START_LIMIT_S
) -> ScheduleEngine:
    """Start a schedule server.

    Args:
        schedule: What it keeps to when a request brings no schedule of its own.
        timeout_s: How long starting may take, in seconds.

    Raises:
        EngineError: The process would not start.
    """
    usual = schedule or Schedule(writes=100, gap_ns=20_000_000)
    child = Child("streamscope.engines.schedule_child", usual, name="The schedule server")
    return ScheduleEngine(child, await child.announced(Announcement, timeout_s))
