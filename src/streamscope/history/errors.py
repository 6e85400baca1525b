"""What a person is told when the history cannot do what was asked."""

import errno
import sqlite3
from pathlib import Path

_FULL = {errno.ENOSPC, errno.EDQUOT}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}


class HistoryError(Exception):
    """The history cannot be opened, read or written.

    Its text is one sentence for a person: what failed, where, and what to do.
    """


def primary_code(error: sqlite3.Error) -> int:
    """Return SQLite's primary result code for ``error``; 0 if SQLite did not raise it."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def is_damage(error: sqlite3.Error) -> bool:
    """Return whether ``error`` says that the file itself is damaged or no database at all."""
    return primary_code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def explain(error: sqlite3.Error | OSError, path: Path) -> HistoryError:
    """Turn what the system said about the database at ``path`` into a sentence for a person."""
    if isinstance(error, sqlite3.Error):
        return HistoryError(_database_sentence(error, path))
    if error.errno in _FULL:
        return HistoryError(_full(path))
    if error.errno in _FORBIDDEN:
        return HistoryError(_forbidden(path))
    reason = error.strerror or type(error).__name__
    return HistoryError(
        f"The history {path} cannot be opened ({reason}): "
        "make its directory usable, or choose another place for it."
    )


def _database_sentence(error: sqlite3.Error, path: Path) -> str:
    match primary_code(error):
        case sqlite3.SQLITE_FULL:
            return _full(path)
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
            return _forbidden(path)
        case sqlite3.SQLITE_CANTOPEN:
            return (
                f"The history {path} cannot be opened: make sure that the file is there and that "
                "you may write to it and to its directory."
            )
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return f"Another program keeps the history {path} locked: close it, and try again."
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return (
                f"The history {path} is damaged: move it away to begin a new one; "
                "`sqlite3 FILE .recover` may save its runs."
            )
        case _:
            return (
                f"The history {path} cannot be used ({error}): check its disk, or move it away "
                "to begin a new one."
            )


def _full(path: Path) -> str:
    return f"The disk is full, so the history {path} cannot grow: free some space, and try again."


def _forbidden(path: Path) -> str:
    return (
        f"The history {path} cannot be written: make the file and its directory writable, "
        "or choose another place for it."
    )
