"""Bringing a database to the newest schema, one transaction a step."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from streamscope.history.errors import HistoryError

Step: TypeAlias = tuple[str, ...] | Callable[[sqlite3.Connection], None]
"""One change of the schema: SQL statements in order, or a function that carries it out.

It runs inside a transaction and must not end it (``executescript`` would).
"""

APPLICATION_ID = 0x5353_4350
"""Marks a database file as a history of ours (``PRAGMA application_id``; "SSCP")."""


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Hold the write lock for a block; commit at its end, or roll back if it raises."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # SQLite has already rolled back after some errors, such as a full disk.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def check_version(connection: sqlite3.Connection, steps: Sequence[Step], path: Path) -> int:
    """Return how many ``steps`` the database has behind it, without changing it.

    Raises:
        HistoryError: It was written by a newer version, or belongs to another program.
    """
    # One statement sees one moment, also while another program is upgrading the file.
    version, application, tables = connection.execute(
        "SELECT user_version, application_id, (SELECT count(*) FROM sqlite_schema) "
        "FROM pragma_user_version, pragma_application_id"
    ).fetchone()
    if application not in (0, APPLICATION_ID) or (version == 0 and tables):
        raise HistoryError(
            f"{path} is a database of another program: move it away, "
            "or choose another place for the history."
        )
    if version > len(steps):
        raise HistoryError(
            f"The history {path} was written by a newer version of streamscope: update "
            "streamscope to use it; it was left as it is."
        )
    return int(version)


def migrate(connection: sqlite3.Connection, steps: Sequence[Step], path: Path) -> None:
    """Apply every step that the database does not have behind it.

    Each step commits together with its ``user_version``, so that a crash leaves the schema before
    or after it, never between. Several programs may do this at once: each looks at the version
    again when it has the write lock.

    Raises:
        HistoryError: As for ``check_version``.
        sqlite3.Error: A step failed; it was rolled back.
    """
    while check_version(connection, steps, path) < len(steps):
        with transaction(connection):
            version = check_version(connection, steps, path)
            if version == len(steps):
                return
            _apply(connection, steps[version])
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {version + 1}")


def _apply(connection: sqlite3.Connection, step: Step) -> None:
    if callable(step):
        step(connection)
        return
    for statement in step:
        connection.execute(statement)
