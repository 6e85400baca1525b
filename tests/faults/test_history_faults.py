"""What can happen to the history's file, and what is done then: no run lost, one clear sentence."""

import os
import sqlite3
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from streamscope.history import Group, History, HistoryError, Imported, database, edits
from streamscope.history.errors import explain
from streamscope.trace import Chunk, Request, Run, Target, Trace


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


def a_run(number: int, chunks: int = 100) -> Run:
    return Run(
        run_id=f"{number:032x}",
        comparison_id="c" * 32,
        channel="A",
        target=Target(protocol="ollama-chat", url="http://127.0.0.1:11434", model="m"),
        request=Request(prompt=f"prompt {number}"),
        trace=Trace(
            mode="stream",
            started_utc=f"2026-10-17T12:00:{number:02}Z",
            chunks=[Chunk(i, "answer", f"word {i} of {number} ", i) for i in range(chunks)],
            ended="stop",
        ),
    )


def fill(path: Path, runs: int = 20) -> None:
    with History.open(path) as history:
        for number in range(runs):
            history.save(a_run(number), {"total_s": 1.0}).result()


def garbage(path: Path) -> None:
    path.write_bytes(b"This is no database at all. " * 400)


def header(path: Path) -> None:
    overwrite(path, 0, b"\xff" * 64)


def schema_page(path: Path) -> None:
    overwrite(path, 100, b"\xff" * 2000)


def middle(path: Path) -> None:
    overwrite(path, 4096 * 4, b"\xff" * 4096 * 4)


def truncated(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def overwrite(path: Path, offset: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)


@pytest.mark.parametrize("damage", [garbage, header, schema_page, middle, truncated])
def test_a_damaged_file_is_set_aside_whole_and_a_new_one_begun(
    path: Path, damage: Callable[[Path], None]
) -> None:
    fill(path)
    damage(path)
    before = path.read_bytes()

    with History.open(path) as history:
        notice = history.notice
        assert history.count() == 0
        history.save(a_run(1), {}).result()
        assert history.load(a_run(1).run_id) == a_run(1)

    (aside,) = path.parent.glob("history.db.damaged-*Z")
    assert aside.read_bytes() == before
    assert notice == (
        f"The history {path} was damaged: it was set aside as {aside.name}, "
        "and a new one was begun."
    )
    with History.open(path) as history:
        assert history.notice == ""
        assert history.count() == 1


def test_the_log_of_a_damaged_file_goes_with_it(path: Path) -> None:
    garbage(path)
    path.with_name("history.db-wal").write_bytes(b"log")
    path.with_name("history.db-shm").write_bytes(b"index")

    with History.open(path) as history:
        assert history.count() == 0

    kept = {file.name.partition("Z")[2]: file for file in path.parent.glob("*.damaged-*")}
    assert set(kept) == {"", "-wal", "-shm"}
    assert kept["-wal"].read_bytes() == b"log"


def test_files_damaged_within_one_second_are_all_kept(path: Path) -> None:
    for number in range(3):
        path.write_bytes(b"damage number %d. " % number * 100)
        History.open(path).close()

    kept = {file.read_bytes()[:15] for file in path.parent.glob("history.db.damaged-*")}
    assert kept == {b"damage number 0", b"damage number 1", b"damage number 2"}


def test_damage_found_while_saving_loses_nothing_that_is_saved_then(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(path)
    # As for a file that is too large to be checked as a whole when it is opened.
    monkeypatch.setattr(database, "CHECKED_BYTES", 0)
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT rootpage FROM sqlite_schema WHERE name = 'sqlite_autoindex_runs_1'"
        (page,) = connection.execute(query).fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    overwrite(path, (page - 1) * size, b"\xff" * size)

    with History.open(path) as history:
        assert history.notice == ""
        with pytest.raises(HistoryError, match="is damaged: move it away"):
            history.load(a_run(0).run_id)
        runs = [a_run(30), a_run(31)]
        assert [history.save(run, {}).result() for run in runs] == [None, None]
        assert [history.load(run.run_id) for run in runs] == runs
        assert "was damaged: it was set aside as history.db.damaged-" in history.notice

    assert len(list(path.parent.glob("history.db.damaged-*Z"))) == 1


def test_a_file_that_another_program_has_replaced_is_not_set_aside(path: Path) -> None:
    """Two programs may find the same damage; the second must not move the new file away."""
    garbage(path)
    damaged = path.stat()
    path.rename(path.with_name("moved by another program"))
    fill(path, 1)

    assert database.set_aside(path, damaged) == ""

    with History.open(path) as history:
        assert history.count() == 1


def test_an_empty_file_is_a_new_history(path: Path) -> None:
    path.touch()

    with History.open(path) as history:
        assert history.notice == ""
        assert history.count() == 0


def test_a_program_that_died_while_it_made_the_file_is_cleaned_up_after(path: Path) -> None:
    """Its rollback journal is still there, which a reader may not use."""
    dying = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA cache_size = 2")
connection.execute("CREATE TABLE kept (text)")
connection.execute("DROP TABLE kept")
connection.execute("BEGIN")
connection.execute("CREATE TABLE half (text)")
connection.execute("INSERT INTO half WITH RECURSIVE n(i) AS "
                   "(SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 9999) SELECT hex(i) FROM n")
os._exit(9)
"""
    died = subprocess.run([sys.executable, "-c", dying, str(path)], check=False)
    assert died.returncode == 9
    assert path.with_name("history.db-journal").exists()

    with History.open(path) as history:
        history.save(a_run(1), {}).result()
        assert (history.notice, history.count()) == ("", 1)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda _: b"", "does not know: update streamscope"),
        (lambda trace: b"\x02" + trace[1:], "does not know: update streamscope"),
        (lambda trace: trace[:-9], "cannot be read any more"),
        (lambda trace: trace[:1] + b"no zlib", "cannot be read any more"),
        (lambda trace: trace[:1] + compressed(b"\xc1"), "cannot be read any more"),
        (lambda trace: trace[:1] + compressed(b"\x81\xa4mode\xa4none"), "cannot be read any more"),
    ],
    ids=["empty", "later format", "cut", "not compressed", "not msgpack", "not a trace"],
)
def test_a_trace_that_cannot_be_decoded_costs_the_replay_and_nothing_else(
    path: Path, damage: Callable[[bytes], bytes], words: str
) -> None:
    fill(path, 2)
    run = a_run(1)
    with closing(sqlite3.connect(path)) as connection:
        connection.create_function("damage", 1, damage)
        connection.execute(
            "UPDATE traces SET trace = damage(trace) "
            "WHERE seq = (SELECT seq FROM runs WHERE run_id = ?)",
            (run.run_id,),
        )
        connection.commit()

    with History.open(path) as history:
        with pytest.raises(HistoryError, match=words):
            history.load(run.run_id)
        assert history.load(a_run(0).run_id) == a_run(0)
        assert [row.run_id for row in history.recent(10)] == [run.run_id, a_run(0).run_id]
        values = history.values(Group.of(run), ["total_s"])["stream"].values
        assert values == {"total_s": [1.0]}


def test_a_trace_that_cannot_be_decoded_does_not_hold_back_the_others(path: Path) -> None:
    fill(path, 3)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE traces SET trace = x'' WHERE seq = 2")
        connection.commit()

    with History.open(path) as history:
        exported = history.export()
        assert [next(exported), next(exported)] == [a_run(0), a_run(2)]
        with pytest.raises(HistoryError, match=r"1 run in .* cannot be decoded .* were exported"):
            next(exported)
        assert [row.runs for row in history.comparisons()] == [3]
        with pytest.raises(HistoryError, match="does not know: update streamscope"):
            history.comparison("last")
        history.delete(runs=[a_run(1).run_id]).result()
        assert history.comparison("last")[1] == [a_run(0), a_run(2)]


def test_a_deletion_for_which_there_is_no_room_deletes_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(path, 3)

    def full(**members: object) -> None:
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    with History.open(path) as history, monkeypatch.context() as patch:
        # The last thing that a deletion does.
        patch.setattr(edits, "Deletion", full)
        with pytest.raises(HistoryError, match="The disk is full"):
            history.delete(comparisons=["c" * 32]).result()
        assert history.count() == 3
    with History.open(path) as history:
        assert history.undo().result() == 0


def test_what_cannot_be_purged_now_is_purged_later(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The history opens all the same while another program keeps the lock."""
    fill(path, 3)
    with History.open(path) as history:
        history.delete(runs=[a_run(0).run_id]).result()
    monkeypatch.setattr(database, "BUSY_S", 0.0)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("UPDATE deletions SET deleted_utc = '2026-01-01'")
        other.execute("BEGIN IMMEDIATE")
        with History.open(path) as history:
            assert history.count() == 2
        other.rollback()
        assert other.execute("SELECT count(*) FROM runs").fetchone() == (3,)
        History.open(path).close()
        assert other.execute("SELECT count(*) FROM runs").fetchone() == (2,)


def test_an_import_that_fails_can_be_repeated(path: Path) -> None:
    runs = [a_run(number, chunks=1) for number in range(60)]
    taken = 0

    def one_by_one() -> Iterator[tuple[Run, dict[str, float | None]]]:
        nonlocal taken
        for run in runs:
            taken += 1
            if taken == 55:
                raise OSError("the stick was pulled out")
            yield run, {}

    with History.open(path) as history:
        with pytest.raises(OSError, match="pulled out"):
            history.add(one_by_one())
        assert history.count() == 54
        assert history.add(one_by_one()) == Imported(added=6, known=54)


def compressed(data: bytes) -> bytes:
    return zlib.compress(data)


def test_a_full_disk_is_said_and_the_next_run_saved_when_there_is_room(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connections: list[sqlite3.Connection] = []
    connect = database.connect

    def remembered(*args: object, **kwargs: object) -> sqlite3.Connection:
        connections.append(connect(*args, **kwargs))  # type: ignore[arg-type]  # passed through
        return connections[-1]

    monkeypatch.setattr(database, "connect", remembered)
    with History.open(path) as history:
        history.save(a_run(1), {}).result()
        pages = connections[-1].execute("PRAGMA page_count").fetchone()[0]
        connections[-1].execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(HistoryError, match=r"The disk is full, so .* free some space"):
            history.save(a_run(2, chunks=20_000), {}).result()
        assert [row.run_id for row in history.recent(10)] == [a_run(1).run_id]

        connections[-1].execute("PRAGMA max_page_count = 1000000")
        history.save(a_run(2, chunks=20_000), {}).result()
        assert history.count() == 2


def test_another_program_that_keeps_the_lock_is_named(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_S", 0.0)
    with History.open(path) as history, closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(HistoryError, match=r"Another program keeps the history .* locked"):
            history.save(a_run(1), {}).result()
        assert history.count() == 0
        other.rollback()
        history.save(a_run(1), {}).result()
        assert history.count() == 1


def test_a_directory_in_its_place_is_named(path: Path) -> None:
    path.mkdir()

    with pytest.raises(HistoryError, match="is a directory: move it away"):
        History.open(path)


def test_a_file_in_place_of_its_directory_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").touch()

    with pytest.raises(HistoryError, match=r"cannot be opened .* choose another place"):
        History.open(tmp_path / "data" / "history.db")


@pytest.mark.parametrize("existing", [False, True])
def test_a_directory_that_may_not_be_written_is_named(existing: bool) -> None:
    """The superuser may write everywhere, so another user tries, in a program of its own."""
    trying = """
import os, sys, tempfile
from pathlib import Path
from streamscope.history import History, HistoryError
# The interpreter may be where other users can't read: what is imported late is imported now.
with tempfile.TemporaryDirectory() as elsewhere:
    History.open(Path(elsewhere, "history.db")).close()
    History.open(Path(elsewhere, "history.db")).close()
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
try:
    History.open(Path(sys.argv[1])).close()
except HistoryError as error:
    print(error)
"""
    # Not below pytest's own directory, which other users may not enter.
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        locked = Path(directory) / "locked"
        locked.mkdir()
        path = locked / "history.db"
        if existing:
            fill(path, 1)
        locked.chmod(0o555)
        tried = subprocess.run(
            [sys.executable, "-c", trying, str(path)], check=True, capture_output=True, text=True
        )
        locked.chmod(0o755)

    sentence = tried.stdout.strip()
    assert sentence.startswith(f"The history {path} cannot be")
    assert "directory" in sentence
    assert sentence.count("\n") == 0


def test_every_result_of_sqlite_has_one_sentence_that_says_what_to_do(path: Path) -> None:
    for code in range(1, 27):
        error = sqlite3.OperationalError("what SQLite says")
        error.sqlite_errorcode = code
        sentence = str(explain(error, path))
        assert str(path) in sentence
        assert sentence.endswith(".")
        assert ": " in sentence
        assert "\n" not in sentence
