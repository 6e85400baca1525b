"""Reads stay fast in a long history: SQLite answers them from indexes, without sorting it all."""

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Literal

import pytest

from streamscope.history import Group, History, database, store
from streamscope.trace import Run

Read = Callable[[History, Run], object]


def pool(history: History, run: Run) -> object:
    return history.values(Group.of(run), ["a", "b"])


def listed(history: History, run: Run) -> object:
    return history.recent(200)


def listed_further(history: History, run: Run) -> object:
    return history.recent(200, before=run.run_id)


def listed_of_group(history: History, run: Run) -> object:
    return history.recent(200, Group.of(run), before=run.run_id)


def paired(history: History, run: Run) -> object:
    return history.last_pair(*Group.of(run).delivered())


def loaded(history: History, run: Run) -> object:
    return history.load(run.run_id)


def searched(history: History, run: Run) -> object:
    return history.prompts("a")


def counted(history: History, run: Run) -> object:
    return history.count()


def grouped(history: History, run: Run) -> object:
    return history.groups(50, names=["a", "b"], offset=50)


def grouped_and_searched(history: History, run: Run) -> object:
    return history.groups(50, contains="say hello #tag")


def compared(history: History, run: Run) -> object:
    return history.comparisons(50)


def compared_further(history: History, run: Run) -> object:
    return history.comparisons(50, before=run.comparison_id)


def compared_of_group(history: History, run: Run) -> object:
    return history.comparisons(50, Group.of(run), before=run.comparison_id)


def compared_whole(history: History, run: Run) -> object:
    return history.comparison(run.comparison_id)


def found(history: History, run: Run) -> object:
    return history.find(run.run_id[:8]), history.find("last")


def in_pairs(history: History, run: Run) -> object:
    return history.pairs(*Group.of(run).delivered(), ["a", "b"])


def over_time(history: History, run: Run) -> object:
    return history.trend(Group.of(run), "a")


def exported(history: History, run: Run) -> object:
    return list(history.export())


def exported_of_group(history: History, run: Run) -> object:
    return list(history.export(Group.of(run)))


def exported_of_comparison(history: History, run: Run) -> object:
    return list(history.export(comparison_id=run.comparison_id))


def voted(history: History, run: Run) -> object:
    return history.votes(Group.of(run))


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Everything that reads asked SQLite, with its values in place."""
    asked: list[str] = []
    connect = database.connect

    def listening(path: Path, access: Literal["ro", "rw"]) -> sqlite3.Connection:
        connection = connect(path, access)
        connection.set_trace_callback(asked.append)
        return connection

    monkeypatch.setattr(store, "connect", listening)
    return asked


READS: list[Read] = [
    pool,
    listed,
    listed_further,
    listed_of_group,
    paired,
    loaded,
    searched,
    counted,
    grouped,
    grouped_and_searched,
    compared,
    compared_further,
    compared_of_group,
    compared_whole,
    found,
    in_pairs,
    over_time,
    exported,
    exported_of_group,
    exported_of_comparison,
    voted,
]

LARGE = {"runs", "figures", "traces", "groups", "prompts", "comparisons", "parts"}
"""Tables that grow with the history, under any of their names below."""

ALIASES = {"a", "b", "newest", "told"}


@pytest.mark.parametrize("read", READS, ids=lambda read: read.__name__)
def test_no_read_goes_through_the_whole_history(
    path: Path, make_run: Callable[..., Run], statements: list[str], read: Read
) -> None:
    with History.open(path) as history:
        run = make_run(run_id="1234abcd" * 4, server_version="1")
        for each in (run, make_run("blocking"), make_run(server_version="2")):
            history.save(each, {"a": 1.0}).result()
        read(history, run)

    plans = list(explained(path, statements))
    assert plans
    for detail in plans:
        assert not detail.startswith("USE TEMP B-TREE FOR GROUP BY"), plans
        table = detail.partition(" ")[2].partition(" ")[0]
        if detail.startswith("SCAN") and table in LARGE | ALIASES:
            assert "USING" in detail, plans
        if read is paired and detail.startswith("SEARCH b"):
            assert "runs_of_pair" in detail, plans


@pytest.mark.parametrize(
    "read", [listed, listed_further, listed_of_group, grouped, compared, compared_of_group]
)
def test_lists_come_out_of_an_index_in_their_order(
    path: Path, make_run: Callable[..., Run], statements: list[str], read: Read
) -> None:
    """A page is read, not the whole list to be sorted; only a page itself may be sorted."""
    with History.open(path) as history:
        run = make_run()
        history.save(run, {"a": 1.0}).result()
        read(history, run)

    paging = [each for each in statements if "LIMIT 50" in each or "LIMIT 200" in each]
    assert paging
    newest = r"USING (COVERING )?INDEX (runs|groups|comparisons|parts)_newest"
    for statement in paging:
        assert re.search(newest, "\n".join(explained(path, [statement]))), statement


@pytest.mark.parametrize("read", READS, ids=lambda read: read.__name__)
def test_no_read_can_see_what_was_deleted(
    path: Path, make_run: Callable[..., Run], statements: list[str], read: Read
) -> None:
    """Runs are read through views that leave deleted ones out, or by a number that these gave."""
    with History.open(path) as history:
        run = make_run()
        history.save(run, {"a": 1.0}).result()
        read(history, run)

    for statement in statements:
        for name in re.findall(r"\b(?:FROM|JOIN)\s+runs\b(.*)", statement):
            # The newest run of a group, and the votes that are hidden because of a deleted run.
            assert name.startswith(" AS newest ON newest.seq = (") or read is voted, statement


def explained(path: Path, statements: list[str]) -> Iterator[str]:
    """Return each step of the plans of ``statements``."""
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            if "SELECT" in statement:
                for *_, detail in connection.execute(f"EXPLAIN QUERY PLAN {statement}"):
                    yield detail
