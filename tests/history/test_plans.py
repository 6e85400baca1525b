"""Reads stay fast in a long history: SQLite answers them from indexes, without sorting it all."""

import sqlite3
from collections.abc import Callable
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
    return history.last_pair(Group.of(run))


def loaded(history: History, run: Run) -> object:
    return history.load(run.run_id)


def searched(history: History, run: Run) -> object:
    return history.prompts("a")


def counted(history: History, run: Run) -> object:
    return history.count()


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


@pytest.mark.parametrize(
    "read",
    [pool, listed, listed_further, listed_of_group, paired, loaded, searched, counted],
    ids=lambda read: read.__name__,
)
def test_no_read_goes_through_the_whole_history(
    path: Path, make_run: Callable[..., Run], statements: list[str], read: Read
) -> None:
    with History.open(path) as history:
        run = make_run(server_version="1")
        for each in (run, make_run("blocking"), make_run(server_version="2")):
            history.save(each, {"a": 1.0}).result()
        read(history, run)

    plans: list[str] = []
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            if "SELECT" in statement:
                plan = connection.execute(f"EXPLAIN QUERY PLAN {statement}")
                plans += [detail for *_, detail in plan]
    assert plans
    for detail in plans:
        assert not detail.startswith("USE TEMP B-TREE FOR GROUP BY"), plans
        table = detail.partition(" ")[2].partition(" ")[0]
        if detail.startswith("SCAN") and table in ("runs", "a", "b", "groups", "prompts"):
            assert "USING" in detail, plans
        if read is paired and detail.startswith("SEARCH b"):
            assert "runs_of_comparison" in detail, plans
