"""A server of which everything is known, as a child of a benchmark; what it was told, what it did.

``known_server`` is the process, ``scripts`` says what it writes when. This module has what both
sides share, and needs nothing but Python's library.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

ROOT = Path(__file__).resolve().parents[1]
"""The checkout: benchmarks run as modules of it."""

MODEL = "mock-schedule"
"""The server's only model. Tools that look tokenizers up by name know that a mock has none."""

CHAT, OLLAMA_CHAT = "/v1/chat/completions", "/api/chat"
"""The two routes on which it answers."""

Moment = Literal["begun", "done"]


@dataclass(frozen=True)
class Answer:
    """What the server did for one request; times are monotonic, in ns.

    Attributes:
        request: Its number among all streamed or all blocking answers, from 1.
        path: The route on which it came.
        stream: Whether a stream was asked for.
        arrived_ns: When the request had arrived: by the kernel's clock where that can be had.
        due_ns: When each write was to begin.
        before_ns: Taken just before each write.
        after_ns: Taken just after it.
        texts: Pieces of text in each write.
    """

    request: int
    path: str
    stream: bool
    arrived_ns: int
    due_ns: list[int]
    before_ns: list[int]
    after_ns: list[int]
    texts: list[int]

    @property
    def wrote_ns(self) -> list[int]:
        """When the write that brought each piece of text began."""
        return [
            at for at, texts in zip(self.before_ns, self.texts, strict=True) for _ in range(texts)
        ]

    def lateness_ms(self) -> list[float]:
        """Return how late each write that brought text began, in ms."""
        columns = zip(self.before_ns, self.due_ns, self.texts, strict=True)
        return [(began - due) / 1e6 for began, due, texts in columns if texts]


class KnownServer:
    """The server as a child process, and its logs. A context manager: leaving it ends everything.

    Attributes:
        url: Its root, without a path.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        watch: Callable[[Moment, int], None] | None = None,
    ) -> None:
        """Prepare.

        Args:
            arguments: What ``known_server`` is to serve, as it is said on its command line.
            watch: Told, in a thread, when a streamed answer begins and ends, with its number.
        """
        self._arguments = list(arguments)
        self._watch = watch
        self._answers: list[Answer] = []
        self._news = threading.Condition()
        self.url = ""

    def __enter__(self) -> Self:
        self._dir = tempfile.TemporaryDirectory()
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "benchmarks.known_server", "--log", self._dir.name),
                *self._arguments,
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
            news = json.loads(line)
            if self._watch is not None and news["stream"]:
                self._watch("done" if "log" in news else "begun", news["request"])
            if "log" in news:
                answer = Answer(**json.loads(Path(news["log"]).read_text()))
                with self._news:
                    self._answers.append(answer)
                    self._news.notify_all()

    def streamed(self, count: int, timeout_s: float = 10.0) -> list[Answer]:
        """Return the first streamed answers, once there are so many.

        Raises:
            TimeoutError: There are fewer.
        """
        with self._news:

            def found() -> list[Answer]:
                return sorted((a for a in self._answers if a.stream), key=lambda a: a.request)

            if not self._news.wait_for(lambda: len(found()) >= count, timeout_s):
                raise TimeoutError(f"{len(found())} answers were streamed, {count} were expected")
            return found()[:count]

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # The group: connections that are still open have processes, too.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        with self._process:
            self._listener.join()
        self._dir.cleanup()
