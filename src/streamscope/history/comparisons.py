"""Comparisons: how they were to be carried out, lists of them, and single ones with their runs."""

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import get_args

import msgspec

from streamscope.history.codec import clean
from streamscope.history.groups import Group, Part, group_id, group_of_row, target_of_row
from streamscope.history.insert import utc_text
from streamscope.history.rows import ComparisonRow
from streamscope.history.runs import load
from streamscope.plan import Plan
from streamscope.trace import ChannelName, Run

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
    (SELECT count(DISTINCT pair) FROM kept_runs AS bad WHERE comparison_id = told.comparison_id
        AND left_out NOT IN ('', 'warmup', 'cancelled', 'busy')
        AND NOT EXISTS (SELECT 1 FROM kept_runs AS good WHERE good.comparison_id = bad.comparison_id
            AND good.pair = bad.pair AND good.channel = bad.channel
            AND good.left_out IN ('', 'busy'))) AS failed_pairs,
    (SELECT count(*) FROM (SELECT pair FROM kept_runs
        WHERE comparison_id = told.comparison_id
            AND (left_out = '' OR (left_out = 'busy' AND :busy))
        GROUP BY pair HAVING min(channel) <> max(channel))) AS pairs
FROM comparisons AS told WHERE comparison_id = :comparison
"""

# What a side is: as its first measured run was, or its first at all.
_SHOWN = """
SELECT channel, mode, protocol, url, model, prompt, target_key, engine, params_sha, layout, regime,
    group_id
FROM run_list WHERE comparison_id = ? AND channel = ?
ORDER BY warmup, started_utc, seq LIMIT 1
"""

_CHANNELS: tuple[ChannelName, ...] = get_args(ChannelName)


def begin(connection: sqlite3.Connection, comparison_id: str, plan: Plan) -> None:
    """Keep how a comparison is to be carried out; of one that is continued, the newer plan."""
    connection.execute(
        "INSERT INTO comparisons (comparison_id, begun_utc, plan) VALUES (?, ?, ?) "
        "ON CONFLICT DO UPDATE SET plan = excluded.plan",
        (clean(comparison_id), utc_text(datetime.now(UTC)), msgspec.json.encode(plan).decode()),
    )


def adopt(connection: sqlite3.Connection, comparison_id: str, plan: Plan) -> None:
    """Keep how a comparison was carried out elsewhere; what is known of it already stays."""
    connection.execute(
        "INSERT INTO comparisons (comparison_id, begun_utc, plan) VALUES (?, ?, ?) "
        "ON CONFLICT DO UPDATE SET plan = excluded.plan WHERE plan IS NULL",
        (clean(comparison_id), utc_text(datetime.now(UTC)), msgspec.json.encode(plan).decode()),
    )


def plan_of(connection: sqlite3.Connection, comparison_id: str) -> Plan | None:
    """Return how a comparison was carried out; ``None`` if nobody knows."""
    found = connection.execute(
        "SELECT plan FROM comparisons WHERE comparison_id = ?", (clean(comparison_id),)
    ).fetchone()
    return None if found is None else _plan(found["plan"])


def listed(
    connection: sqlite3.Connection,
    limit: int,
    group: Group | None,
    before: str | None,
    *,
    busy: bool = False,
) -> list[ComparisonRow]:
    """Return up to ``limit`` comparisons that have runs, the one with the newest run first.

    ``before`` names the comparison after which the list goes on, for lists read page by page. With
    ``busy``, pairs on a busy machine count.
    """
    number = None if group is None else group_id(connection, group)
    bound = {
        "limit": max(limit, 0),
        "before": None if before is None else clean(before),
        "group": number,
    }
    found = connection.execute(_NEWEST if group is None else _NEWEST_OF_GROUP, bound).fetchall()
    return [_row(connection, comparison_id, number, busy=busy) for (comparison_id,) in found]


def _row(
    connection: sqlite3.Connection, comparison_id: str, group: int | None = None, *, busy: bool
) -> ComparisonRow:
    """Return the comparison of this id, which must have runs, with that group's name if given."""
    told = connection.execute(_TOLD, {"comparison": comparison_id, "busy": busy}).fetchone()
    found = (connection.execute(_SHOWN, (comparison_id, name)).fetchone() for name in _CHANNELS)
    sides = [side for side in found if side is not None]
    shown = next((side for side in sides if side["group_id"] == group), sides[0])
    return ComparisonRow(
        comparison_id=comparison_id,
        started_utc=told["started_utc"],
        group=group_of_row(shown),
        target=target_of_row(shown),
        parts={
            side["channel"]: Part(group=group_of_row(side), mode=side["mode"]) for side in sides
        },
        targets={side["channel"]: target_of_row(side) for side in sides},
        plan=_plan(told["plan"]),
        pairs=told["pairs"],
        runs=told["runs"],
        failed=told["failed"],
        busy=told["busy"],
        failed_pairs=told["failed_pairs"],
        note=told["note"],
        tags=read_tags(told["tags"]),
    )


def whole(
    connection: sqlite3.Connection, comparison_id: str, *, busy: bool = False
) -> tuple[ComparisonRow, list[Run]]:
    """Return the comparison of this id, which must have runs, and all its runs, oldest first.

    With ``busy``, pairs on a busy machine count.

    Raises:
        HistoryError: One of them cannot be decoded any more.
    """
    ids = connection.execute(
        "SELECT run_id FROM kept_runs WHERE comparison_id = ? ORDER BY started_utc, seq",
        (comparison_id,),
    ).fetchall()
    runs = [load(connection, run_id) for (run_id,) in ids]
    return _row(connection, comparison_id, busy=busy), runs


def read_tags(text: str) -> tuple[str, ...]:
    """Return the tags in a column."""
    return tuple(msgspec.json.decode(text, type=Sequence[str]))


def _plan(text: str | None) -> Plan | None:
    """Return the plan in a column; ``None`` for one that this version cannot read."""
    try:
        return None if text is None else msgspec.json.decode(text, type=Plan)
    except msgspec.MsgspecError:
        return None
