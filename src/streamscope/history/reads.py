"""Everything that the history can be asked."""

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager

from streamscope.history import comparisons, overview, pools, runs, votes
from streamscope.history.errors import HistoryError
from streamscope.history.find import Kind, find, find_comparison
from streamscope.history.groups import Group, Part
from streamscope.history.rows import (
    ComparisonRow,
    GroupRow,
    GroupValues,
    PairValues,
    RunRow,
    TrendPoint,
    VoteRow,
)
from streamscope.plan import Plan
from streamscope.trace import Mode, Run

NEWEST = 1000
"""How many runs a mode are pooled at most: the newest. More would tell no more."""

BATCH = 50
"""How many whole runs are read at a time: a long trace takes some megabytes."""


class Reads(ABC):
    """The half of the history that only reads. Each read sees one moment of the database.

    Every method raises ``HistoryError`` if it cannot read.

    Attributes:
        include_busy: Whether runs on a busy machine are pooled like others.
    """

    include_busy = False

    @abstractmethod
    def _view(self) -> AbstractContextManager[sqlite3.Connection]:
        """Hold one consistent view of the database for a block."""

    def count(self) -> int:
        """Return the number of saved runs."""
        with self._view() as db:
            return runs.count(db)

    def prompts(self, contains: str = "", limit: int = 200) -> list[str]:
        """Return up to ``limit`` different prompts, the most recently used first.

        Args:
            contains: Only prompts with this text in them, upper or lower case.
            limit: How many at most.
        """
        with self._view() as db:
            return runs.prompts(db, contains, limit)

    def recent(
        self, limit: int, group: Group | None = None, *, before: str | None = None
    ) -> list[RunRow]:
        """Return up to ``limit`` runs without their traces, newest first.

        Args:
            limit: How many at most.
            group: Only runs of this group.
            before: Id of the last run of the page before; the list goes on after it.
        """
        with self._view() as db:
            return runs.recent(db, limit, group, before)

    def groups(
        self,
        limit: int = 200,
        *,
        contains: str = "",
        names: Iterable[str] = (),
        newest: int = 100,
        offset: int = 0,
    ) -> list[GroupRow]:
        """Return up to ``limit`` groups, that with the newest run first.

        Args:
            limit: How many at most.
            contains: Only groups in which all these words occur, upper or lower case: in the
                prompt, the target (protocol, URL or engine, model), notes or tags, also those of
                its comparisons. ``#word`` is a whole tag.
            names: The figures to pool.
            newest: How many runs a mode are pooled at most.
            offset: How many groups to leave out first, for lists read page by page.
        """
        with self._view() as db:
            return overview.groups(
                db, limit, contains, list(names), newest, offset, busy=self.include_busy
            )

    def values(
        self, group: Group, names: Iterable[str], *, newest: int = NEWEST
    ) -> dict[Mode, GroupValues]:
        """Return the figures ``names`` of the runs of ``group`` that may be pooled, by mode.

        Both modes are always there. At most the ``newest`` runs of each mode are pooled.
        """
        with self._view() as db:
            return pools.values(db, group, names, newest, busy=self.include_busy)

    def pairs(
        self, a: Part, b: Part, names: Iterable[str], *, newest: int = 200
    ) -> list[PairValues]:
        """Return the figures ``names`` of the ``newest`` pairs of two parts, oldest first.

        Only pairs of which both runs may be pooled, as for ``values``.
        """
        with self._view() as db:
            return pools.pairs(db, a, b, names, newest, busy=self.include_busy)

    def pairs_in(self, comparison_ids: Iterable[str], names: Iterable[str]) -> list[PairValues]:
        """Return the figures ``names`` of all pairs of some comparisons, A and B, oldest first.

        Only pairs of which both runs may be pooled; versions of the server are not told apart.
        """
        with self._view() as db:
            return pools.pairs_in(db, comparison_ids, names, busy=self.include_busy)

    def trend(self, group: Group, name: str, *, newest: int = 100) -> list[TrendPoint]:
        """Return figure ``name`` in the ``newest`` comparisons of ``group``, oldest first.

        Comparisons without any value are left out. Versions of the server are not told apart.
        """
        with self._view() as db:
            return pools.trend(db, group, name, newest, busy=self.include_busy)

    def comparisons(
        self, limit: int = 50, group: Group | None = None, *, before: str | None = None
    ) -> list[ComparisonRow]:
        """Return up to ``limit`` comparisons, that with the newest run first.

        Args:
            limit: How many at most.
            group: Only comparisons with runs of this group.
            before: Id of the last comparison of the page before; the list goes on after it.
        """
        with self._view() as db:
            return comparisons.listed(db, limit, group, before, busy=self.include_busy)

    def plan(self, comparison_id: str) -> Plan | None:
        """Return how a comparison was to be carried out; ``None`` if nobody knows."""
        with self._view() as db:
            return comparisons.plan_of(db, comparison_id)

    def comparison(self, comparison_id: str) -> tuple[ComparisonRow, list[Run]]:
        """Return a comparison with its whole runs, in the order in which they were made.

        Args:
            comparison_id: Its id, the first digits of it (at least four), or ``last``.

        Raises:
            HistoryError: No comparison, or more than one, is named so; or a trace cannot be
                decoded any more.
        """
        with self._view() as db:
            found = find_comparison(db, comparison_id)
            return comparisons.whole(db, found, busy=self.include_busy)

    def find(self, text: str) -> tuple[Kind, str]:
        """Return whether ``text`` names a run or a comparison, and its whole id.

        Args:
            text: An id, the first digits of one (at least four), or ``last`` for the newest
                comparison.

        Raises:
            HistoryError: Nothing, or more than one, is named so.
        """
        with self._view() as db:
            return find(db, text)

    def load(self, run_id: str) -> Run:
        """Return a whole run, with its trace.

        Raises:
            HistoryError: There is no such run, or its trace cannot be decoded any more.
        """
        with self._view() as db:
            return runs.load(db, run_id)

    def last_pair(self, a: Part, b: Part) -> tuple[Run, Run] | None:
        """Return the newest pair of a run of each of two parts that ended well and count."""
        with self._view() as db:
            return runs.last_pair(db, a, b, busy=self.include_busy)

    def export(self, group: Group | None = None, comparison_id: str | None = None) -> Iterator[Run]:
        """Return whole runs one after the other, oldest first: all, or those of one of both.

        They are read as they are asked for, a few at a time; nothing is held open in between.

        Raises:
            HistoryError: After all others, if some cannot be decoded any more.
        """
        place: runs.Place | None = runs.Place()
        unreadable = 0
        while place is not None:
            loaded: list[Run] = []
            with self._view() as db:
                ids, place = runs.batch(db, place, BATCH, group, comparison_id)
                for run_id in ids:
                    try:
                        loaded.append(runs.load(db, run_id))
                    except HistoryError:
                        unreadable += 1
            yield from loaded
        if unreadable:
            which = "1 run" if unreadable == 1 else f"{unreadable} runs"
            raise HistoryError(
                f"{which} in the history cannot be decoded any more: all others were exported."
            )

    def votes(self, group: Group | None = None) -> list[VoteRow]:
        """Return the votes about runs of ``group``, or all, in the order in which they were given.

        Votes about runs that were deleted are not among them.
        """
        with self._view() as db:
            return votes.votes(db, group)
