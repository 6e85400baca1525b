"""The history: every run that was measured, in one SQLite file."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import closing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from streamscope.history import comparisons, edits, votes
from streamscope.history.database import connect, open_database
from streamscope.history.errors import HistoryError, explain
from streamscope.history.groups import Group
from streamscope.history.insert import import_runs, insert_run
from streamscope.history.migrations import Step
from streamscope.history.reads import Reads
from streamscope.history.rows import Deletion, Imported, VoteRow
from streamscope.history.schema import STEPS
from streamscope.history.writer import Writer
from streamscope.plan import Plan
from streamscope.trace import Run

CLOSE_S = 10.0
"""How long ``close`` waits for runs that are still to be written, in seconds."""

BATCH = 50
"""How many imported runs are written in one transaction: a long trace takes some megabytes."""


class History(Reads):
    """Saves runs and finds them again. Every method may be called from any thread.

    One thread writes, each read has a connection of its own, and several programs may use the same
    file at once. Every method that reads raises ``HistoryError`` if it cannot.
    """

    def __init__(self, path: Path, writer: Writer, *, include_busy: bool = False) -> None:
        self._path = path
        self._writer = writer
        self.include_busy = include_busy

    @classmethod
    def open(cls, path: Path, *, steps: Sequence[Step] = STEPS, include_busy: bool = False) -> Self:
        """Open the history at ``path``; create or upgrade it first if needed.

        A damaged file is set aside under a dated name; ``notice`` then says so. What was deleted
        more than a day ago is then removed for good, without anybody waiting for it.

        Args:
            path: The database file. It and its directory are made for their owner alone.
            steps: The way to the newest schema.
            include_busy: Whether runs on a busy machine are pooled like others.

        Raises:
            HistoryError: It cannot be used; one sentence says why and what to do.
        """
        writer = Writer(path, lambda: open_database(path, steps))
        # If that fails, as on a full disk, the next opening does it.
        writer.submit(edits.purge)
        return cls(path, writer, include_busy=include_busy)

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
        return self._writer.submit(lambda db: insert_run(db, run, kept))

    def begin(self, comparison_id: str, plan: Plan) -> Future[None]:
        """Keep how a comparison is about to be carried out; return at once."""
        return self._writer.submit(lambda db: comparisons.begin(db, comparison_id, plan))

    def adopt(self, comparison_id: str, plan: Plan) -> Future[None]:
        """Keep how a comparison of elsewhere was carried out, unless that is known; return at once.

        Its runs are to be added next.
        """
        return self._writer.submit(lambda db: comparisons.adopt(db, comparison_id, plan))

    def add(self, runs: Iterable[tuple[Run, Mapping[str, float | None]]]) -> Imported:
        """Add runs from elsewhere with their figures; wait until they are written.

        Runs whose ids are known are skipped; deleted ones come back. If ``runs`` raises, what came
        before is kept, and adding it all again later adds the rest.

        Raises:
            HistoryError: They could not be written.
        """
        added = known = 0
        batch: list[tuple[Run, Mapping[str, float | None]]] = []

        def write() -> None:
            nonlocal batch, added, known
            full, batch = batch, []
            done = self._writer.submit(lambda db: import_runs(db, full)).result()
            added, known = added + done.added, known + done.known

        try:
            for each in runs:
                batch.append(each)
                if len(batch) >= BATCH:
                    write()
        finally:
            if batch:
                write()
        return Imported(added=added, known=known)

    def annotate(
        self,
        subject: Group | str,
        *,
        note: str | None = None,
        tags: Sequence[str] | None = None,
    ) -> Future[None]:
        """Write a note and tags to a group, or to the comparison of this id; return at once.

        What is ``None`` stays as it is. Tags are kept in lower case, without # and spaces. The
        future fails with a ``HistoryError`` if there is no such group or comparison.
        """
        kept = None if tags is None else list(tags)
        return self._writer.submit(lambda db: edits.annotate(db, subject, note, kept))

    def delete(
        self,
        *,
        runs: Sequence[str] = (),
        comparisons: Sequence[str] = (),
        groups: Sequence[Group] = (),
    ) -> Future[Deletion]:
        """Delete runs by id, and all runs of comparisons and groups; return at once.

        They vanish from everything that reads. ``undo`` brings them back, for a day at least; then
        they are removed for good when the history is opened. What is not there is no error.
        """
        named = list(runs), list(comparisons), list(groups)
        return self._writer.submit(lambda db: edits.delete(db, *named))

    def undo(self) -> Future[int]:
        """Bring back what was deleted last; return at once.

        The future holds how many runs came back: 0 if there was no deletion.
        """
        return self._writer.submit(edits.undo)

    def vote(self, row: VoteRow) -> Future[None]:
        """Keep a vote of a blind test; return at once."""
        return self._writer.submit(lambda db: votes.vote(db, row))

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
