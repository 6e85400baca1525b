"""The history: every run that was measured, in one SQLite file."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import closing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from streamscope.history import queries
from streamscope.history.database import connect, open_database
from streamscope.history.errors import HistoryError, explain
from streamscope.history.groups import Group, GroupValues, RunRow
from streamscope.history.insert import insert_run
from streamscope.history.migrations import Step
from streamscope.history.schema import STEPS
from streamscope.history.writer import Writer
from streamscope.trace import Mode, Run

CLOSE_S = 10.0
"""How long ``close`` waits for runs that are still to be written, in seconds."""

NEWEST = 1000
"""How many runs a mode are pooled at most: the newest. More would tell no more."""


class History:
    """Saves runs and finds them again. Every method may be called from any thread.

    One thread writes, each read has a connection of its own, and several programs may use the same
    file at once. Every method that reads raises ``HistoryError`` if it cannot.
    """

    def __init__(self, path: Path, writer: Writer) -> None:
        self._path = path
        self._writer = writer

    @classmethod
    def open(cls, path: Path, *, steps: Sequence[Step] = STEPS) -> Self:
        """Open the history at ``path``; create or upgrade it first if needed.

        A damaged file is set aside under a dated name; ``notice`` then says so.

        Args:
            path: The database file. It and its directory are made for their owner alone.
            steps: The way to the newest schema.

        Raises:
            HistoryError: It cannot be used; one sentence says why and what to do.
        """
        return cls(path, Writer(path, lambda: open_database(path, steps)))

    @property
    def path(self) -> Path:
        """The database file."""
        return self._path

    @property
    def notice(self) -> str:
        """What a person should know about the file, such as damage; empty if nothing."""
        return self._writer.notice

    def save(self, run: Run, figures: Mapping[str, float | None]) -> Future[None]:
        """Save ``run``, which has ended, well or badly, with its figures; return at once.

        Figures that are NaN or infinite are stored as having no value. The future fails with a
        ``HistoryError`` if the run could not be saved; it cannot be cancelled.
        """
        kept = dict(figures)
        return self._writer.submit(lambda connection: insert_run(connection, run, kept))

    def count(self) -> int:
        """Return the number of saved runs."""
        with self._view() as connection:
            return queries.count(connection)

    def prompts(self, contains: str = "", limit: int = 200) -> list[str]:
        """Return up to ``limit`` different prompts, the most recently used first.

        Args:
            contains: Only prompts with this text in them, upper or lower case.
            limit: How many at most.
        """
        with self._view() as connection:
            return queries.prompts(connection, contains, limit)

    def recent(
        self, limit: int, group: Group | None = None, *, before: str | None = None
    ) -> list[RunRow]:
        """Return up to ``limit`` runs without their traces, newest first.

        Args:
            limit: How many at most.
            group: Only runs of this group.
            before: Id of the last run of the page before; the list goes on after it.
        """
        with self._view() as connection:
            return queries.recent(connection, limit, group, before)

    def values(
        self, group: Group, names: Iterable[str], *, newest: int = NEWEST
    ) -> dict[Mode, GroupValues]:
        """Return the figures ``names`` of the runs of ``group`` that may be pooled, by mode.

        Both modes are always there. At most the ``newest`` runs of each mode are pooled.
        """
        with self._view() as connection:
            return queries.values(connection, group, names, newest)

    def load(self, run_id: str) -> Run:
        """Return a whole run, with its trace.

        Raises:
            HistoryError: There is no such run, or its trace cannot be decoded any more.
        """
        with self._view() as connection:
            return queries.load(connection, run_id)

    def last_pair(self, group: Group) -> tuple[Run, Run] | None:
        """Return the newest stream and blocking run of one pair of ``group``, both ended well."""
        with self._view() as connection:
            return queries.last_pair(connection, group)

    def close(self, timeout: float = CLOSE_S) -> None:
        """Write what is still to be saved, then close. Calling it again does nothing more.

        Raises:
            HistoryError: That took longer than ``timeout`` seconds.
        """
        self._writer.close(timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @contextmanager
    def _view(self) -> Iterator[sqlite3.Connection]:
        """Hold one consistent view of the database for a block."""
        if self._writer.closed:
            raise HistoryError(f"The history {self._path} is closed: open it again to read it.")
        try:
            with closing(connect(self._path, "ro")) as connection:
                connection.execute("BEGIN")
                yield connection
        except sqlite3.Error as error:
            raise explain(error, self._path) from error
