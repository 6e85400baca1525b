"""What a person changes: notes and tags, deleting, bringing back, and deleting for good.

Each function runs inside a transaction that the caller holds.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from streamscope.history.codec import clean
from streamscope.history.errors import HistoryError
from streamscope.history.groups import Group, group_id
from streamscope.history.insert import utc_text
from streamscope.history.rows import Deletion

UNDO_FOR = timedelta(days=1)
"""How long a deletion can be undone at least; older ones are purged when the history is opened."""

# In this order: what refers to something goes before it.
_PURGE = (
    """
DELETE FROM votes WHERE EXISTS (SELECT 1 FROM runs JOIN deletions USING (deletion_id)
    WHERE run_id IN (stream_run, blocking_run) AND deleted_utc < :before)
""",
    """
DELETE FROM runs WHERE deletion_id IN
    (SELECT deletion_id FROM deletions WHERE deleted_utc < :before)
""",
    "DELETE FROM deletions WHERE deleted_utc < :before",
    # One that was begun and has no runs yet may still be waiting for its first.
    """
DELETE FROM comparisons WHERE newest_utc = '' AND (plan IS NULL OR begun_utc < :before)
    AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.comparison_id = comparisons.comparison_id)
""",
    """
DELETE FROM groups WHERE newest_utc = ''
    AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.group_id = groups.group_id)
""",
    """
DELETE FROM prompts WHERE newest_utc = ''
    AND NOT EXISTS (SELECT 1 FROM groups WHERE groups.prompt_id = prompts.prompt_id)
""",
)


def annotate(
    connection: sqlite3.Connection,
    subject: Group | str,
    note: str | None,
    tags: Sequence[str] | None,
) -> None:
    """Write ``note`` and ``tags`` to a group, or to the comparison of this id; ``None`` keeps.

    Raises:
        HistoryError: There is no such group or comparison.
    """
    table: str
    key: str
    value: str | int | None
    if isinstance(subject, str):
        table, key, value = "comparisons", "comparison_id", clean(subject)
        missing = "There is no such comparison in the history: choose one from the list."
    else:
        table, key, value = "groups", "group_id", group_id(connection, subject)
        missing = "The history holds no runs of this prompt yet: measure it before you describe it."
    # The names are our own; every value is bound.
    old = connection.execute(
        f"SELECT note, tags FROM {table} WHERE {key} = ?",  # noqa: S608 (our own names)
        (value,),
    ).fetchone()
    if old is None:
        raise HistoryError(missing)
    written = old["note"] if note is None else clean(note).strip()
    kept = msgspec.json.decode(old["tags"]) if tags is None else tidy_tags(tags)
    connection.execute(
        f"UPDATE {table} SET note = ?, tags = ?, folded_note = ? WHERE {key} = ?",  # noqa: S608 (our own names)
        (
            written,
            msgspec.json.encode(kept).decode(),
            "\n".join([written, *kept]).strip().casefold(),
            value,
        ),
    )


def tidy_tags(tags: Iterable[str]) -> list[str]:
    """Return ``tags`` as they are kept: each once, in lower case, without # and spaces."""
    tidy = ("-".join(clean(tag).lower().removeprefix("#").split()) for tag in tags)
    return list(dict.fromkeys(tag for tag in tidy if tag))


def delete(
    connection: sqlite3.Connection,
    runs: Sequence[str],
    comparisons: Sequence[str],
    groups: Sequence[Group],
) -> Deletion:
    """Delete these runs, and all runs of these comparisons and groups, as one deletion."""
    deletion = connection.execute(
        "INSERT INTO deletions (deleted_utc) VALUES (?)", (utc_text(datetime.now(UTC)),)
    ).lastrowid
    named: dict[str, list[str | int | None]] = {
        "run_id": [clean(run) for run in runs],
        "comparison_id": [clean(comparison) for comparison in comparisons],
        "group_id": [group_id(connection, group) for group in groups],
    }
    deleted = 0
    for key, values in named.items():
        # The names are our own; every value is bound.
        deleted += connection.executemany(
            f"UPDATE runs SET deletion_id = ? WHERE {key} = ? AND deletion_id IS NULL",  # noqa: S608 (our own names)
            [(deletion, value) for value in values],
        ).rowcount
    if not deleted:
        connection.execute("DELETE FROM deletions WHERE deletion_id = ?", (deletion,))
        return Deletion(deletion_id=0, runs=0)
    return Deletion(deletion_id=deletion or 0, runs=deleted)


def undo(connection: sqlite3.Connection) -> int:
    """Bring back what was deleted last; return how many runs that are."""
    # Not of all deletions: an import may have brought back all that one of them held.
    (newest,) = connection.execute("SELECT max(deletion_id) FROM runs").fetchone()
    back = connection.execute(
        "UPDATE runs SET deletion_id = NULL WHERE deletion_id = ?", (newest,)
    ).rowcount
    connection.execute("DELETE FROM deletions WHERE deletion_id = ?", (newest,))
    return back


def purge(connection: sqlite3.Connection) -> None:
    """Remove for good what was deleted longer ago than ``UNDO_FOR``, and what is then empty."""
    before = utc_text(datetime.now(UTC) - UNDO_FOR)
    for statement in _PURGE:
        connection.execute(statement, {"before": before})
