"""Figures of one group that may be pooled: by mode, by pair, and over time."""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import get_args

import msgspec

from streamscope.history.codec import clean
from streamscope.history.groups import Group, Part, group_id
from streamscope.history.insert import BUSY
from streamscope.history.rows import GroupValues, PairValues, TrendPoint
from streamscope.history.runs import figures_of
from streamscope.trace import SUMMARY_FLAG, Mode

MODES: tuple[Mode, ...] = get_args(Mode)

_COUNTS = """
SELECT mode, left_out, server_version, count(*) AS runs, max(started_utc) AS newest_utc
FROM kept_runs WHERE group_id = ? GROUP BY mode, left_out, server_version
"""

# Searches that the index answers in order beat one that has to sort the whole group.
_SEARCH = """
SELECT * FROM (
    SELECT seq, started_utc FROM kept_runs
    WHERE group_id = :group AND mode = :mode AND left_out = {reason} AND {version}
    ORDER BY started_utc DESC, seq DESC LIMIT :newest
)
"""

_VERSIONS = ("server_version = :version", "server_version = '' AND :version <> ''")
_REASONS = ("''", "'busy' AND :busy")

_POOL = f"""
WITH pooled AS (
    {
    " UNION ALL ".join(
        _SEARCH.format(reason=reason, version=version)
        for reason in _REASONS
        for version in _VERSIONS
    )
}
    ORDER BY started_utc DESC, seq DESC LIMIT :newest
)
SELECT figures.name, figures.value
FROM pooled CROSS JOIN figures ON figures.seq = pooled.seq
WHERE figures.name IN (SELECT value FROM json_each(:names)) AND figures.value IS NOT NULL
ORDER BY pooled.started_utc, pooled.seq
"""  # noqa: S608 (our own names)

# The newest run of A first; of two runs of B of one pair, the newer. The sides may have been the
# other way round, unless both are of one kind.
_PAIRED = """
SELECT a.seq AS a, a.comparison_id, a.pair, a.output_sha, (
    SELECT b.seq FROM kept_runs AS b
    WHERE b.comparison_id = a.comparison_id AND b.pair = a.pair AND b.group_id = :b
        AND b.mode = :b_mode AND b.seq <> a.seq AND (:a_channel = '' OR b.channel <> :a_channel)
        AND (b.left_out = '' OR (b.left_out = 'busy' AND :busy))
        AND b.server_version IN (:b_version, '')
    ORDER BY b.left_out, b.started_utc DESC, b.seq DESC LIMIT 1
) AS b
FROM kept_runs AS a
WHERE a.group_id = :a AND +a.mode = :a_mode AND (:a_channel = '' OR +a.channel = :a_channel)
    AND (+a.left_out = '' OR (+a.left_out = 'busy' AND :busy))
    AND +a.server_version IN (:a_version, '')
ORDER BY a.started_utc DESC, a.seq DESC
"""

# By the channels, whatever they are: A and B may be of one group.
_PAIRED_IN = """
SELECT a.seq AS a, a.comparison_id, a.pair, (
    SELECT b.seq FROM kept_runs AS b
    WHERE b.comparison_id = a.comparison_id AND b.pair = a.pair AND b.channel = 'B'
        AND (b.left_out = '' OR (b.left_out = 'busy' AND :busy))
    ORDER BY b.left_out, b.started_utc DESC, b.seq DESC LIMIT 1
) AS b
FROM json_each(:comparisons) AS wanted
CROSS JOIN kept_runs AS a ON a.comparison_id = wanted.value
WHERE a.channel = 'A' AND (a.left_out = '' OR (a.left_out = 'busy' AND :busy))
ORDER BY a.started_utc DESC, a.seq DESC
"""

_TREND = """
WITH latest AS (
    SELECT comparison_id FROM parts WHERE group_id = :group
    ORDER BY newest_utc DESC, comparison_id DESC LIMIT :newest
)
SELECT runs.comparison_id, runs.started_utc, runs.mode, runs.left_out, figures.value
FROM latest CROSS JOIN kept_runs AS runs ON runs.comparison_id = latest.comparison_id
LEFT JOIN figures ON figures.seq = runs.seq AND figures.name = :name
WHERE +runs.group_id = :group
ORDER BY runs.started_utc, runs.seq
"""


def values(
    connection: sqlite3.Connection,
    group: Group,
    names: Iterable[str],
    newest: int,
    *,
    busy: bool = False,
) -> dict[Mode, GroupValues]:
    """Return the figures of ``group`` by mode: of its newest runs that may be pooled."""
    return values_of(connection, group_id(connection, group), list(names), newest, busy=busy)


def values_of(
    connection: sqlite3.Connection,
    group: int | None,
    names: Sequence[str],
    newest: int,
    *,
    busy: bool = False,
) -> dict[Mode, GroupValues]:
    """Return the figures of the group of this id, by mode.

    A server's figures may change with its version, so only runs of the newest version are pooled,
    with those whose version is not known. With ``busy``, so are runs on a busy machine.
    """
    newest = max(newest, 0)
    counts = connection.execute(_COUNTS, (group,)).fetchall()
    counted = _counted(busy=busy)
    version = _version(counts, counted)
    answer: dict[Mode, GroupValues] = {}
    for mode in MODES:
        runs: Counter[str] = Counter()
        for row in counts:
            if row["mode"] == mode:
                reason = "" if row["left_out"] in counted else row["left_out"]
                other = not reason and row["server_version"] not in (version, "")
                runs["version" if other else reason] += row["runs"]
        pooled = runs.pop("", 0)
        if pooled > newest:
            runs["older"] = pooled - newest
        listed: dict[str, list[float]] = {name: [] for name in names}
        bound = {
            "group": group,
            "mode": mode,
            "version": version,
            "newest": newest,
            "busy": busy,
            "names": msgspec.json.encode(names).decode(),
        }
        if names and pooled:
            for name, value in connection.execute(_POOL, bound):
                listed[name].append(value)
        answer[mode] = GroupValues(
            values=listed, n=min(pooled, newest), excluded=dict(sorted(runs.items()))
        )
    return answer


def pairs(
    connection: sqlite3.Connection,
    a: Part,
    b: Part,
    names: Iterable[str],
    newest: int,
    *,
    busy: bool = False,
) -> list[PairValues]:
    """Return the figures of the ``newest`` pairs of two parts, oldest first.

    Both runs of each ended by themselves, on the newest known version of their server or on one
    that did not say its version; and without ``busy``, on a machine that was not too busy.
    """
    found: dict[tuple[str, int], sqlite3.Row] = {}
    bound: dict[str, object] = {
        "busy": busy,
        "a_mode": a.mode,
        "b_mode": b.mode,
        "a_channel": "A" if a == b else "",
    }
    for side, part in (("a", a), ("b", b)):
        number = group_id(connection, part.group)
        counts = connection.execute(_COUNTS, (number,)).fetchall()
        bound |= {side: number, f"{side}_version": _version(counts, _counted(busy=busy))}
    for row in connection.execute(_PAIRED, bound):
        if len(found) >= newest:
            break
        if row["b"] is not None:
            # Of two runs of A of one pair, the newer.
            found.setdefault((row["comparison_id"], row["pair"]), row)
    return _pair_values(connection, list(reversed(found.values())), list(names))


def pairs_in(
    connection: sqlite3.Connection,
    comparison_ids: Iterable[str],
    names: Iterable[str],
    *,
    busy: bool = False,
) -> list[PairValues]:
    """Return the figures of all pairs of channels A and B of some comparisons, oldest first.

    Both runs of each ended by themselves, and without ``busy`` on a machine that was not too busy.
    Versions of the server are not told apart: one comparison is looked at by itself.
    """
    found: dict[tuple[str, int], sqlite3.Row] = {}
    wanted = msgspec.json.encode([clean(each) for each in comparison_ids]).decode()
    for row in connection.execute(_PAIRED_IN, {"comparisons": wanted, "busy": busy}):
        if row["b"] is not None:
            # Of two runs of A of one pair, the newer.
            found.setdefault((row["comparison_id"], row["pair"]), row)
    return _pair_values(connection, list(reversed(found.values())), list(names))


def _pair_values(
    connection: sqlite3.Connection, oldest_first: Sequence[sqlite3.Row], wanted: Sequence[str]
) -> list[PairValues]:
    """Return the figures of pairs, given by the ``seq`` of each run."""
    seqs = [seq for row in oldest_first for seq in (row["a"], row["b"])]
    figures, outputs = figures_of(connection, seqs), _outputs(connection, seqs)
    return [
        PairValues(
            comparison_id=row["comparison_id"],
            pair=row["pair"],
            a={name: figures[row["a"]].get(name) for name in wanted},
            b={name: figures[row["b"]].get(name) for name in wanted},
            same_output=_same(outputs[row["a"]], outputs[row["b"]]),
        )
        for row in oldest_first
    ]


def trend(
    connection: sqlite3.Connection, group: Group, name: str, newest: int, *, busy: bool = False
) -> list[TrendPoint]:
    """Return figure ``name`` in the ``newest`` comparisons of ``group``, oldest first.

    Versions of the server are not told apart: a trend is there to show what changed. A comparison
    in which no run has a value is left out.
    """
    bound = {
        "group": group_id(connection, group),
        "name": name,
        "newest": max(newest, 0),
    }
    counted = _counted(busy=busy)
    points: dict[str, TrendPoint] = {}
    for row in connection.execute(_TREND, bound):
        point = points.setdefault(
            row["comparison_id"],
            TrendPoint(
                comparison_id=row["comparison_id"],
                started_utc=row["started_utc"],
                values={mode: [] for mode in MODES},
            ),
        )
        if row["left_out"] in counted and row["value"] is not None:
            point.values[row["mode"]].append(row["value"])
    return [point for point in points.values() if any(point.values.values())]


def _counted(*, busy: bool) -> tuple[str, ...]:
    """Return what ``left_out`` says of runs that are pooled."""
    return ("", BUSY) if busy else ("",)


def _version(counts: Sequence[sqlite3.Row], counted: Sequence[str]) -> str:
    """Return the version of the server that the newest run which says one was answered by."""
    known = [
        (row["newest_utc"], row["server_version"])
        for row in counts
        if row["left_out"] in counted and row["server_version"]
    ]
    return str(max(known, default=("", ""))[1])


def _outputs(connection: sqlite3.Connection, seqs: Sequence[int]) -> dict[int, str | None]:
    """Return the hashes of the answers of the runs ``seqs``; ``None`` where no text is known."""
    rows = connection.execute(
        "SELECT seq, output_sha, flags FROM json_each(?) AS wanted "
        "CROSS JOIN kept_runs ON kept_runs.seq = wanted.value",
        (msgspec.json.encode(seqs).decode(),),
    )
    return {
        seq: None if SUMMARY_FLAG in msgspec.json.decode(flags) else sha for seq, sha, flags in rows
    }


def _same(a: str | None, b: str | None) -> bool | None:
    return None if a is None or b is None else a == b
