"""Votes of blind tests: which of two hidden replays felt faster."""

import sqlite3

from streamscope.history.codec import clean
from streamscope.history.groups import Group, group_id
from streamscope.history.insert import finite
from streamscope.history.rows import VoteRow

_COLUMNS = VoteRow.__struct_fields__

# The columns are our own. Votes about runs that came from elsewhere belong to no group.
_LIST = f"""
SELECT {", ".join(_COLUMNS)} FROM votes
WHERE NOT EXISTS (SELECT 1 FROM runs
    WHERE run_id IN (stream_run, blocking_run) AND deletion_id IS NOT NULL)
"""  # noqa: S608 (our own names)

_OF_GROUP = """
AND EXISTS (SELECT 1 FROM kept_runs WHERE run_id = stream_run AND group_id = :group)
"""


def vote(connection: sqlite3.Connection, row: VoteRow) -> None:
    """Keep one vote."""
    marks = ", ".join("?" for _ in _COLUMNS)
    connection.execute(
        f"INSERT INTO votes ({', '.join(_COLUMNS)}) VALUES ({marks})",  # noqa: S608 (our own names)
        (
            clean(row.voted_utc),
            clean(row.stream_run),
            clean(row.blocking_run),
            row.choice,
            finite(row.felt_stream_s),
            finite(row.felt_blocking_s),
            finite(row.first_s),
            finite(row.stream_total_s),
            finite(row.blocking_s),
        ),
    )


def votes(connection: sqlite3.Connection, group: Group | None) -> list[VoteRow]:
    """Return the votes about stream runs of ``group``, or all, in the order of voting."""
    number = None if group is None else group_id(connection, group)
    rows = connection.execute(
        f"{_LIST} {'' if group is None else _OF_GROUP} ORDER BY vote_id", {"group": number}
    )
    return [VoteRow(**dict(row)) for row in rows]
