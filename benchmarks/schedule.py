"""Schedules, what a server did of them, and the server as a child of a benchmark."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).resolve().parents[1]
"""The checkout: benchmarks run as modules of it."""

MODEL = "schedule"
"""The server's only model; its answers add the number of the request."""


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


@dataclass(frozen=True)
class Log:
    """What the server did for one request; times are monotonic, in ns.

    Attributes:
        request: Its number, from 1.
        mode: ``stream`` or ``blocking``.
        due_ns: When each chunk was to be written; a blocking answer is one chunk.
        before_ns: Taken just before each write.
        after_ns: Taken just after it.
    """

    request: int
    mode: str
    due_ns: list[int]
    before_ns: list[int]
    after_ns: list[int]

    def lateness_ms(self) -> list[float]:
        """Return how late each write began, in ms, in ascending order."""
        pairs = zip(self.before_ns, self.due_ns, strict=True)
        return sorted((began - due) / 1e6 for began, due in pairs)


class ScheduleServer:
    """The server as a child process, and its logs. A context manager: leaving it ends everything.

    Attributes:
        url: Its base URL.
    """

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self._logs: dict[int, Log] = {}
        self._news = threading.Condition()
        self.url = ""

    def __enter__(self) -> Self:
        self._dir = tempfile.TemporaryDirectory()
        schedule = self._schedule
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "benchmarks.schedule_server", "--owned"),
                *("--chunks", str(schedule.chunks), "--gap", str(schedule.gap_ms)),
                *("--first", str(schedule.first_ms), "--log", self._dir.name),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        self.url = json.loads(self._process.stdout.readline())["url"]
        self._listener = threading.Thread(target=self._listen, args=(self._process.stdout,))
        self._listener.start()
        return self

    def _listen(self, lines: Iterable[str]) -> None:
        for line in lines:
            log = Log(**json.loads(Path(json.loads(line)["log"]).read_text()))
            with self._news:
                self._logs[log.request] = log
                self._news.notify_all()

    def log(self, model: str, timeout_s: float = 10.0) -> Log:
        """Return the log of the answer that named its model so.

        Raises:
            TimeoutError: That request has not been answered.
        """
        number = int(model.removeprefix(f"{MODEL}-"))
        with self._news:
            if not self._news.wait_for(lambda: number in self._logs, timeout_s):
                raise TimeoutError(f"the server has no log of request {number}")
            return self._logs[number]

    def wait_for_stream(self, timeout_s: float) -> Log:
        """Wait until an answer of full length has been streamed; return the newest one's log.

        Raises:
            TimeoutError: None has.
        """

        def whole() -> list[Log]:
            return [
                log
                for log in self._logs.values()
                if log.mode == "stream" and len(log.due_ns) == self._schedule.chunks
            ]

        with self._news:
            if not self._news.wait_for(whole, timeout_s):
                raise TimeoutError(f"no whole answer was streamed within {timeout_s:g} s")
            return max(whole(), key=lambda log: log.request)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # The group: answers still under way are processes, too.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        with self._process:
            self._listener.join()
        self._dir.cleanup()
