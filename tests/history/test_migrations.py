"""An older database is brought to the newest schema, whole or not at all; a newer one is spared."""

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from streamscope.history import History, HistoryError
from streamscope.history.database import open_database
from streamscope.history.migrations import APPLICATION_ID, Step
from streamscope.history.schema import STEPS
from streamscope.trace import Run

SCHEMAS = Path(__file__).parent / "schemas"


def split_names(connection: sqlite3.Connection) -> None:
    """Carry over every row, as a step does that SQL alone cannot write."""
    connection.execute("CREATE TABLE people (first TEXT, last TEXT) STRICT")
    for (name,) in connection.execute("SELECT name FROM old").fetchall():
        connection.execute("INSERT INTO people VALUES (?, ?)", name.split(" "))
    connection.execute("DROP TABLE old")


def split_names_and_fail(connection: sqlite3.Connection) -> None:
    split_names(connection)
    raise RuntimeError("in the middle")


FIRST: Step = (
    "CREATE TABLE old (name TEXT) STRICT",
    "INSERT INTO old VALUES ('Ada Lovelace'), ('Alan Turing')",
)
INVENTED: tuple[Step, ...] = (
    FIRST,
    split_names,
    ("ALTER TABLE people ADD COLUMN born INTEGER", "CREATE INDEX by_last ON people (last)"),
)


def brought_to(path: Path, steps: Sequence[Step]) -> None:
    open_database(path, steps).connection.close()


def asked(path: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


def schema(path: Path) -> list[tuple[object, ...]]:
    return asked(path, "SELECT name, sql FROM sqlite_schema ORDER BY name")


def version(path: Path) -> object:
    return asked(path, "PRAGMA user_version")[0][0]


@pytest.mark.parametrize("behind", range(len(INVENTED) + 1))
def test_every_older_version_is_brought_to_the_newest(path: Path, behind: int) -> None:
    brought_to(path, INVENTED[:behind])
    assert version(path) == behind

    brought_to(path, INVENTED)

    assert version(path) == 3
    assert asked(path, "PRAGMA application_id") == [(APPLICATION_ID,)]
    assert asked(path, "SELECT first, last, born FROM people ORDER BY last") == [
        ("Ada", "Lovelace", None),
        ("Alan", "Turing", None),
    ]


@pytest.mark.parametrize("dump", sorted(SCHEMAS.glob("*.sql")), ids=lambda dump: dump.stem)
def test_every_released_schema_is_brought_to_the_newest(
    path: Path, tmp_path: Path, make_run: Callable[..., Run], dump: Path
) -> None:
    """The dumps are what was released: a step that is edited afterwards is found here."""
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(dump.read_text(encoding="utf-8"))
        connection.execute(f"PRAGMA user_version = {int(dump.stem)}")
    fresh = tmp_path / "fresh.db"
    brought_to(fresh, STEPS)
    run = make_run()

    with History.open(path) as history:
        history.save(run, {"total_s": 1.0}).result()
        assert history.load(run.run_id) == run

    assert schema(path) == schema(fresh)


def test_there_is_a_dump_of_every_schema() -> None:
    assert sorted(int(dump.stem) for dump in SCHEMAS.glob("*.sql")) == list(
        range(1, len(STEPS) + 1)
    )


def test_every_table_is_strict(path: Path) -> None:
    brought_to(path, STEPS)

    tables = asked(
        path,
        "SELECT name, strict FROM pragma_table_list "
        "WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
    )

    assert sorted(tables) == [
        (name, 1)
        for name in (
            "comparisons",
            "deletions",
            "figures",
            "groups",
            "parts",
            "prompts",
            "runs",
            "traces",
            "votes",
        )
    ]


@pytest.mark.parametrize(
    ("broken", "error"),
    [
        ((*INVENTED[:2], ("CREATE TABLE half (a)", "not SQL")), HistoryError),
        ((FIRST, split_names_and_fail), RuntimeError),
    ],
    ids=["statement", "function"],
)
def test_a_step_that_fails_leaves_no_trace(
    path: Path, broken: Sequence[Step], error: type[Exception]
) -> None:
    done = len(broken) - 1
    brought_to(path, INVENTED[:done])
    before = path.read_bytes()

    with pytest.raises(error):
        brought_to(path, broken)

    assert path.read_bytes() == before
    assert version(path) == done
    brought_to(path, INVENTED)
    assert version(path) == 3


def test_a_program_that_dies_within_a_step_leaves_no_trace(path: Path) -> None:
    brought_to(path, (FIRST,))
    dying = """
import os, sys
from pathlib import Path
from streamscope.history.database import open_database

def die(connection):
    connection.execute("CREATE TABLE people (first TEXT) STRICT")
    connection.execute("DELETE FROM old")
    connection.execute("PRAGMA user_version = 2")
    os._exit(9)

open_database(Path(sys.argv[1]), (("SELECT 1",), die))
"""
    died = subprocess.run([sys.executable, "-c", dying, str(path)], check=False)
    assert died.returncode == 9

    assert version(path) == 1
    assert asked(path, "SELECT name FROM old") == [("Ada Lovelace",), ("Alan Turing",)]
    brought_to(path, INVENTED)
    assert version(path) == 3


def test_a_newer_database_is_left_byte_for_byte(path: Path, tmp_path: Path) -> None:
    """Also when its newest pages are still in the log, as after a crash of the newer version."""
    newer = tmp_path / "newer.db"
    brought_to(newer, INVENTED)
    path.parent.mkdir()
    with closing(sqlite3.connect(newer)) as connection:
        connection.execute("INSERT INTO people VALUES ('Grace', 'Hopper', 1906)")
        connection.commit()
        files = {path: newer, path.with_name("history.db-wal"): newer.with_name("newer.db-wal")}
        for copy, original in files.items():
            shutil.copyfile(original, copy)
    before = {file: file.read_bytes() for file in files}
    assert all(before.values())

    with pytest.raises(HistoryError, match="newer version of streamscope: update streamscope"):
        History.open(path, steps=INVENTED[:2])

    assert {file: file.read_bytes() for file in files} == before
    assert asked(path, "SELECT count(*) FROM people") == [(3,)]


@pytest.mark.parametrize("mark", ["PRAGMA user_version = 1", "CREATE TABLE theirs (a)"])
def test_the_database_of_another_program_is_left_byte_for_byte(path: Path, mark: str) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA application_id = 7")
        connection.execute(mark)
    before = path.read_bytes()

    with pytest.raises(HistoryError, match="database of another program"):
        History.open(path)

    assert path.read_bytes() == before


def test_an_older_program_that_still_has_the_file_open_leaves_it_right(path: Path) -> None:
    """It writes what its own version knows; triggers see to the rest."""
    path.parent.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as older:
        older.executescript((SCHEMAS / "1.sql").read_text(encoding="utf-8"))
        older.execute("PRAGMA user_version = 1")
        with History.open(path) as history:
            # In one transaction, as it saves a run: a group without a run may be tidied away.
            older.execute("BEGIN IMMEDIATE")
            older.execute("INSERT INTO prompts VALUES (1, 'sha', 'Why?', 'why?', '')")
            older.execute(
                "INSERT INTO groups (prompt_id, target_key, engine, params_sha, layout, regime, "
                "params) VALUES (1, 'ollama-chat u', '', 'sha', 'apart', 'warm', '{}')"
            )
            older.execute(
                "INSERT INTO runs (run_id, group_id, started_utc, mode, left_out, comparison_id, "
                "channel, pair, position, warmup, protocol, url, model, server_model, "
                "server_version, clock, timings_source, n_chunks, n_reasoning_chunks, output_sha, "
                "reasoning_sha, flags) VALUES ('r', 1, '2026-10-17T12:00:00.000000Z', 'stream', "
                "'', 'c', 'A', 1, 1, 0, 'ollama-chat', 'u', '', '', '', 'read', '', 0, 0, '', '', "
                "'[]')"
            )
            older.execute("COMMIT")

            assert [(row.group.prompt, row.runs) for row in history.groups()] == [("Why?", 1)]
            assert [row.comparison_id for row in history.comparisons()] == ["c"]
            assert history.prompts() == ["Why?"]
