"""The one thread that writes to the history."""

import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from queue import SimpleQueue
from typing import Any, NamedTuple, TypeAlias, TypeVar

from streamscope.history.database import Opened, set_aside
from streamscope.history.errors import HistoryError, explain, is_damage
from streamscope.history.migrations import transaction

Result = TypeVar("Result")

Work: TypeAlias = Callable[[sqlite3.Connection], Result]
"""Something to be written, inside a transaction of its own."""


class _Job(NamedTuple):
    work: Work[Any]
    done: Future[Any]


class Writer:
    """Carries out work on the database in order, one transaction each, on a thread of its own.

    If the file turns out to be damaged it is set aside, a new one is begun, and the work that met
    the damage is done there: nothing that was handed over is lost because of it.

    Attributes:
        notice: What a person should know about the database; empty if nothing.
    """

    def __init__(self, path: Path, reopen: Callable[[], Opened]) -> None:
        self._path = path
        self._reopen = reopen
        self.notice = ""
        self._open: Opened | None = None
        self._opened()
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._unfinished = 0
        self._closed = False
        self._lock = threading.Lock()
        # A daemon: a stuck disk must not keep the program from ending. ``close`` drains.
        self._thread = threading.Thread(target=self._run, name="history-writer", daemon=True)
        self._thread.start()

    @property
    def closed(self) -> bool:
        """Whether ``close`` was called."""
        return self._closed

    def submit(self, work: Work[Result]) -> Future[Result]:
        """Queue ``work`` and return at once; the future holds what it returns.

        The future cannot be cancelled, so that stopping whoever waits for it loses nothing. It
        fails with a ``HistoryError`` if the database refused.
        """
        done: Future[Result] = Future()
        done.set_running_or_notify_cancel()
        with self._lock:
            if not self._closed:
                self._unfinished += 1
                self._jobs.put(_Job(work, done))
                return done
        done.set_exception(
            HistoryError(f"The history {self._path} is closed: start streamscope again to save.")
        )
        return done

    def close(self, timeout: float) -> None:
        """Finish what is queued, then close the database. Calling it again does nothing more.

        Raises:
            HistoryError: That took longer than ``timeout`` seconds.
        """
        with self._lock:
            if not self._closed:
                self._closed = True
                self._jobs.put(None)
        self._thread.join(timeout)
        if self._thread.is_alive():
            raise HistoryError(
                f"{self._unfinished} changes could not be written to the history {self._path} "
                f"within {timeout:g} s: see whether its disk is slow or another program locks it."
            )

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            result: Any = None
            failure: Exception | None = None
            try:
                result = self._write(job.work)
            except (sqlite3.Error, OSError) as error:
                failure = explain(error, self._path)
            # Whatever it is, it belongs to whoever waits, and the thread goes on.
            except Exception as error:
                failure = error
            with self._lock:
                self._unfinished -= 1
            if failure is None:
                job.done.set_result(result)
            else:
                job.done.set_exception(failure)
        self._drop()

    def _write(self, work: Work[Result]) -> Result:
        try:
            return self._transact(work)
        except sqlite3.Error as error:
            if not is_damage(error):
                raise
            self._begin_anew()
            return self._transact(work)

    def _transact(self, work: Work[Result]) -> Result:
        connection = self._opened().connection
        with transaction(connection):
            return work(connection)

    def _opened(self) -> Opened:
        """Return the open database; open it if it is not, as after a failure to begin anew."""
        if self._open is None:
            self._open = self._reopen()
            self.notice = self._open.notice or self.notice
        return self._open

    def _begin_anew(self) -> None:
        damaged = self._opened().file
        self._drop()
        self.notice = set_aside(self._path, damaged) or self.notice

    def _drop(self) -> None:
        if self._open is not None:
            self._open.connection.close()
            self._open = None
