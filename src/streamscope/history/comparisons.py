"""Comparisons: how they were to be carried out, lists of them, and single ones with their runs."""

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from streamscope.history.codec import clean
from streamscope.history.groups import Group, group_id, group_of_row, target_of_row
from streamscope.history.insert import utc_text
from streamscope.history.rows import ComparisonRow
from streamscope.history.runs import load
from streamscope.plan import Plan
from streamscope.trace import Run

# The newest comparisons of all, or with a part in one group.
_NEWEST = """
SELECT comparison_id FROM comparisons
WHERE newest_utc > '' AND (:before IS NULL OR (newest_utc, comparison_id) < (
    SELECT newest_utc, comparison_id FROM comparisons WHERE comparison_id = :before))
ORDER BY newest_utc DESC, comparison_id DESC LIMIT :limit
"""

_NEWEST_OF_GROUP = """
SELECT comparison_id FROM parts
WHERE group_id = :group AND (:before IS NULL OR (newest_utc, comparison_id) < (
    SELECT newest_utc, comparison_id FROM parts
    WHERE group_id = :group AND comparison_id = :before))
ORDER BY newest_utc DESC, comparison_id DESC LIMIT :limit
"""

_TOLD = """
SELECT comparison_id, plan, note, tags,
    (SELECT count(*) FROM kept_runs WHERE comparison_id = told.comparison_id) AS runs,
    (SELECT min(started_utc) FROM kept_runs
        WHERE comparison_id = told.comparison_id) AS started_utc,
    (SELECT count(*) FROM kept_runs WHERE comparison_id = told.comparison_id
        AND left_out NOT IN ('', 'warmup', 'cancelled', 'busy')) AS failed,
    (SELECT count(*) FROM kept_runs WHERE comparison_id = told.comparison_id
        AND left_out = 'busy') AS busy,
    (SELECT count(*) FROM (SELECT pair FROM kept_runs
        WHERE comparison_id = told.comparison_id AND left_out = ''
        GROUP BY pair HAVING min(channel) <> max(channel))) AS pairs
FROM comparisons AS told WHERE comparison_id = ?
"""

# Of the group that the list is of, else of the side that stands first.
_SHOWN = """
SELECT protocol, url, model, prompt, target_key, engine, params_sha, layout, regime
FROM run_list WHERE comparison_id = :comparison AND (:group IS NULL OR group_id = :group)
ORDER BY channel, started_utc, seq LIMIT 1
"""


def begin(connection: sqlite3.Connection, comparison_id: str, plan: Plan) -> None:
    """Keep how a comparison is to be carried out; of one that is continued, the newer plan."""
    connection.execute(
        "INSERT INTO comparisons (comparison_id, begun_utc, plan) VALUES (?, ?, ?) "
        "ON CONFLICT DO UPDATE SET plan = excluded.plan",
        (clean(comparison_id), utc_text(datetime.now(UTC)), msgspec.json.encode(plan).decode()),
    )


def listed(
    connection: sqlite3.Connection, limit: int, group: Group | None, before: str | None
) -> list[ComparisonRow]:
    """Return up to ``limit`` comparisons that have runs, the one with the newest run first.

    ``before`` names the comparison after which the list goes on, for lists read page by page.
    """
    number = None if group is None else group_id(connection, group)
    bound = {
        "limit": max(limit, 0),
        "before": None if before is None else clean(before),
        "group": number,
    }
    found = connection.execute(_NEWEST if group is None else _NEWEST_OF_GROUP, bound).fetchall()
    return [row(connection, comparison_id, number) for (comparison_id,) in found]


def row(
    connection: sqlite3.Connection, comparison_id: str, group: int | None = None
) -> ComparisonRow:
    """Return the comparison of this id, which must have runs, with that group's name if given."""
    told = connection.execute(_TOLD, (comparison_id,)).fetchone()
    bound = {"comparison": comparison_id, "group": group}
    shown = connection.execute(_SHOWN, bound).fetchone()
    return ComparisonRow(
        comparison_id=comparison_id,
        started_utc=told["started_utc"],
        group=group_of_row(shown),
        target=target_of_row(shown),
        plan=_plan(told["plan"]),
        pairs=told["pairs"],
        runs=told["runs"],
        failed=told["failed"],
        busy=told["busy"],
        note=told["note"],
        tags=read_tags(told["tags"]),
    )


def whole(connection: sqlite3.Connection, comparison_id: str) -> tuple[ComparisonRow, list[Run]]:
    """Return the comparison of this id, which must have runs, and all its runs, oldest first.

    Raises:
        HistoryError: One of them cannot be decoded any more.
    """
    ids = connection.execute(
        "SELECT run_id FROM kept_runs WHERE comparison_id = ? ORDER BY started_utc, seq",
        (comparison_id,),
    ).fetchall()
    return row(connection, comparison_id), [load(connection, run_id) for (run_id,) in ids]


def read_tags(text: str) -> tuple[str, ...]:
    """Return the tags in a column."""
    return tuple(msgspec.json.decode(text, type=Sequence[str]))


def _plan(text: str | None) -> Plan | None:
    """Return the plan in a column; ``None`` for one that this version cannot read."""
    try:
        return None if text is None else msgspec.json.decode(text, type=Plan)
    except msgspec.MsgspecError:
        return None
