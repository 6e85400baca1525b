"""The database file: made, opened, checked, and set aside when it is damaged."""

import os
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NamedTuple

from streamscope.history.errors import HistoryError, explain, is_damage, primary_code
from streamscope.history.migrations import Step, check_version, migrate

BUSY_S = 15.0
"""How long to wait, in seconds, while another program writes."""

CHECKED_BYTES = 16 * 1024 * 1024
"""Files up to this size, in bytes, are checked page by page when opened.

A larger one would hold up the start; there, damage shows in the header, in the schema, or when a
page is used.
"""

_ASIDE_TRIES = 3


class Opened(NamedTuple):
    """A database that is ready to be written.

    Attributes:
        connection: In autocommit; usable from any one thread at a time.
        file: Which file it is, to notice later whether it was replaced.
        notice: What a person should know about the opening; empty if nothing.
    """

    connection: sqlite3.Connection
    file: os.stat_result
    notice: str


def connect(path: Path, access: Literal["ro", "rw"]) -> sqlite3.Connection:
    """Connect to the database at ``path``, which must exist.

    Raises:
        sqlite3.Error: There is no such file, or it may not be opened.
    """
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={access}",
        uri=True,
        timeout=BUSY_S,
        isolation_level=None,
        check_same_thread=False,
    )
    connection.row_factory = sqlite3.Row
    return connection


def open_database(path: Path, steps: Sequence[Step]) -> Opened:
    """Open the database at ``path`` for writing; create, upgrade or replace it as needed.

    Raises:
        HistoryError: It cannot be used; one sentence says why and what to do.
    """
    notice = ""
    try:
        for _ in range(_ASIDE_TRIES):
            _create(path)
            file = path.stat()
            try:
                return Opened(_ready(path, steps), file, notice)
            except sqlite3.Error as error:
                if not is_damage(error):
                    raise
            notice = set_aside(path, file) or notice
    except (sqlite3.Error, OSError) as error:
        raise explain(error, path) from error
    raise HistoryError(
        f"The history {path} is damaged again as soon as it is made: check its disk, "
        "or choose another place for it."
    )


def set_aside(path: Path, file: os.stat_result) -> str:
    """Rename the damaged database ``file`` at ``path`` and return a sentence that says so.

    Nothing happens, and the sentence is empty, if another program has done it already.

    Raises:
        OSError: The file may not be renamed.
    """
    with suppress(FileNotFoundError):
        if os.path.samestat(path.stat(), file):
            aside = _free_name(path)
            # The log goes first: left behind, it could be taken for the new database's own.
            for suffix in ("-wal", "-shm", ""):
                with suppress(FileNotFoundError):
                    _beside(path, suffix).rename(_beside(aside, suffix))
            return (
                f"The history {path} was damaged: it was set aside as {aside.name}, "
                "and a new one was begun."
            )
    return ""


def _create(path: Path) -> None:
    """Make sure that ``path`` is a file for its owner alone, whatever the umask is."""
    if path.is_dir():
        raise HistoryError(
            f"The history {path} is a directory: move it away, "
            "or choose another place for the history."
        )
    if not path.parent.is_dir():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.parent.chmod(0o700)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    # SQLite gives its -wal and -shm files the mode of the database itself.
    for suffix in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            file = _beside(path, suffix)
            if file.stat().st_mode & 0o777 != 0o600:
                file.chmod(0o600)


def _ready(path: Path, steps: Sequence[Step]) -> sqlite3.Connection:
    """Check, upgrade and return the database at ``path``."""
    inspect(path, steps)
    connection = connect(path, "rw")
    try:
        _use_wal(connection)
        migrate(connection, steps, path)
        # A run took seconds to measure; waiting for the disk once a run is worth it.
        connection.execute("PRAGMA synchronous = FULL")
        # What is deleted is overwritten, not only forgotten.
        connection.execute("PRAGMA secure_delete = ON")
        # Only now: a step may have to rebuild a table that others refer to.
        connection.execute("PRAGMA foreign_keys = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def inspect(path: Path, steps: Sequence[Step]) -> None:
    """Look at the database without changing a byte of it: a newer one must stay as it is.

    Even to close an ordinary connection can write, by moving the log into the database.

    Raises:
        HistoryError: It was written by a newer version, or belongs to another program.
        sqlite3.Error: It is not there, can't be read, or is damaged.
        OSError: The same.
    """
    with closing(connect(path, "ro")) as connection:
        try:
            check_version(connection, steps, path)
            if path.stat().st_size > CHECKED_BYTES:
                return
            (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        except sqlite3.Error as error:
            # A crash while the file was first made: only a writer can finish or undo that.
            if primary_code(error) == sqlite3.SQLITE_READONLY:
                return
            raise
    if found != "ok":
        damage = sqlite3.DatabaseError(found)
        damage.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise damage


def _use_wal(connection: sqlite3.Connection) -> None:
    """Let readers and a writer work at once. SQLite does not wait for others here, so we do."""
    give_up = time.monotonic() + BUSY_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if primary_code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
                raise
            time.sleep(0.01)
        else:
            return


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _free_name(path: Path) -> Path:
    """Return a dated name beside ``path`` that no file has yet."""
    stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    number = 1
    while True:
        again = f"-{number}" if number > 1 else ""
        name = _beside(path, f".damaged-{stamp}{again}")
        if not name.exists():
            return name
        number += 1
