"""The schedule server that streamscope brings along, as a benchmark uses it."""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from streamscope import calibration
from streamscope.calibration import Written
from streamscope.engines import schedule as engine
from streamscope.engines.schedule_frames import MODEL

__all__ = ["MODEL", "ROOT", "Schedule", "ScheduleServer", "lateness_ms"]

ROOT = Path(__file__).resolve().parents[1]
"""The checkout: benchmarks run as modules of it."""

_POLL_S = 0.2


@dataclass(frozen=True)
class Schedule:
    """When what is written.

    Attributes:
        chunks: Pieces of text in an answer, fewer if the request wants fewer tokens.
        gap_ms: From one to the next.
        first_ms: From the request to the first.
    """

    chunks: int
    gap_ms: float
    first_ms: float = 100.0

    @property
    def exact(self) -> calibration.Schedule:
        """The same, as the server is told it."""
        return calibration.Schedule(
            writes=self.chunks,
            gap_ns=round(self.gap_ms * 1e6),
            first_ns=round(self.first_ms * 1e6),
        )


def lateness_ms(written: Written) -> list[float]:
    """Return how late each write began, in ms, in ascending order."""
    pairs = zip(written.before_ns, written.due_ns, strict=True)
    return sorted((began - due) / 1e6 for began, due in pairs)


class ScheduleServer:
    """The server, in a process of its own. A context manager: leaving it ends the process."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule

    def __enter__(self) -> Self:
        self._engine = asyncio.run(engine.start(self._schedule.exact))
        return self

    @property
    def url(self) -> str:
        """Its base URL."""
        return self._engine.url

    def log(self, model: str) -> Written:
        """Return what was done for the answer that named its model so.

        Raises:
            EngineError: That request has not been answered.
        """
        return self._engine.written(model)

    def wait_for_stream(self, timeout_s: float) -> Written:
        """Wait until an answer of full length has been streamed; return what was done for it.

        Raises:
            TimeoutError: None has.
        """
        until = time.monotonic() + timeout_s
        # It can't be over sooner, and whoever asks disturbs the writing.
        time.sleep(min(timeout_s, self._schedule.chunks * self._schedule.gap_ms / 1e3))
        while time.monotonic() < until:
            for each in reversed(self._engine.answers()):
                if each.mode == "stream" and each.pieces == self._schedule.chunks:
                    return self._engine.written(f"{MODEL}-{each.request}")
            time.sleep(_POLL_S)
        raise TimeoutError(f"no whole answer was streamed within {timeout_s:g} s")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._engine.close()
