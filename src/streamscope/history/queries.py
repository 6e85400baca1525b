"""Reading the history. Each function takes a connection that holds one consistent view."""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import get_args

import msgspec

from streamscope.history.codec import clean, decode_request, decode_trace
from streamscope.history.errors import HistoryError
from streamscope.history.groups import Group, GroupValues, RunRow, text_sha
from streamscope.trace import Mode, Run, ServerTimings, Target, Tokens

_LIST = """
SELECT seq, run_id, comparison_id, started_utc, channel, mode, pair, position, warmup,
       protocol, url, model, server_version, ended, fault_code, fault_sentence, status, clock,
       tokens_prompt, tokens_output, tokens_reasoning, tokens_cached, load_s, queue_s, prefill_s,
       decode_s, server_total_s, prefill_tokens, decode_tokens, timings_source, n_chunks,
       n_reasoning_chunks, output_sha, reasoning_sha, flags, prompt, target_key, engine,
       params_sha, layout, regime
FROM run_list
"""

_NEWEST = " ORDER BY started_utc DESC, seq DESC LIMIT :limit"

# Two searches that the index answers in order beat one that has to sort the whole group.
_POOL = """
WITH same AS (
    SELECT seq, started_utc FROM runs
    WHERE group_id = :group AND mode = :mode AND left_out = '' AND server_version = :version
    ORDER BY started_utc DESC, seq DESC LIMIT :newest
), unknown AS (
    SELECT seq, started_utc FROM runs
    WHERE group_id = :group AND mode = :mode AND left_out = '' AND server_version = ''
        AND :version <> ''
    ORDER BY started_utc DESC, seq DESC LIMIT :newest
), pooled AS (
    SELECT * FROM same UNION ALL SELECT * FROM unknown
    ORDER BY started_utc DESC, seq DESC LIMIT :newest
)
SELECT figures.name, figures.value
FROM pooled CROSS JOIN figures ON figures.seq = pooled.seq
WHERE figures.name IN (SELECT value FROM json_each(:names)) AND figures.value IS NOT NULL
ORDER BY pooled.started_utc, pooled.seq
"""

# The plus keeps SQLite from searching the whole group for each partner.
_LAST_PAIR = """
SELECT a.run_id AS stream, b.run_id AS blocking
FROM runs AS a CROSS JOIN runs AS b
    ON b.comparison_id = a.comparison_id AND b.pair = a.pair AND +b.group_id = a.group_id
WHERE a.group_id = ? AND a.mode = 'stream' AND a.left_out = ''
    AND b.mode = 'blocking' AND b.left_out = ''
ORDER BY a.started_utc DESC, a.seq DESC, b.started_utc DESC, b.seq DESC LIMIT 1
"""


def count(connection: sqlite3.Connection) -> int:
    """Return the number of runs."""
    (runs,) = connection.execute("SELECT count(*) FROM runs").fetchone()
    return int(runs)


def prompts(connection: sqlite3.Connection, contains: str, limit: int) -> list[str]:
    """Return up to ``limit`` prompts with ``contains`` in them in any case, newest first."""
    rows = connection.execute(
        "SELECT text FROM prompts WHERE instr(folded, ?) > 0 "
        "ORDER BY newest_utc DESC, prompt_id DESC LIMIT ?",
        (clean(contains).casefold(), max(limit, 0)),
    )
    return [text for (text,) in rows]


def recent(
    connection: sqlite3.Connection, limit: int, group: Group | None, before: str | None
) -> list[RunRow]:
    """Return up to ``limit`` runs, newest first, of ``group`` or of all.

    ``before`` names the run after which the list goes on, for lists read page by page.
    """
    where: list[str] = []
    bound: dict[str, object] = {"limit": max(limit, 0)}
    if group is not None:
        where.append("group_id = :group")
        bound["group"] = _group_id(connection, group)
    if before is not None:
        where.append(
            "(started_utc, seq) < (SELECT started_utc, seq FROM runs WHERE run_id = :before)"
        )
        bound["before"] = clean(before)
    conditions = f" WHERE {' AND '.join(where)}" if where else ""
    rows = connection.execute(_LIST + conditions + _NEWEST, bound).fetchall()
    figures = _figures(connection, [row["seq"] for row in rows])
    return [_run_row(row, figures[row["seq"]]) for row in rows]


def values(
    connection: sqlite3.Connection, group: Group, names: Iterable[str], newest: int
) -> dict[Mode, GroupValues]:
    """Return the figures of ``group`` by mode: of its newest runs that may be pooled.

    A server's figures may change with its version, so only runs of the newest version are pooled,
    with those whose version is not known.
    """
    wanted = list(names)
    group_id = _group_id(connection, group)
    counts = connection.execute(
        "SELECT mode, left_out, server_version, count(*) AS runs, max(started_utc) AS newest_utc "
        "FROM runs WHERE group_id = ? GROUP BY mode, left_out, server_version",
        (group_id,),
    ).fetchall()
    version = max(
        ((row["newest_utc"], row["server_version"]) for row in counts if _known_version(row)),
        default=("", ""),
    )[1]
    answer: dict[Mode, GroupValues] = {}
    for mode in get_args(Mode):
        runs: Counter[str] = Counter()
        for row in counts:
            if row["mode"] == mode:
                other = not row["left_out"] and row["server_version"] not in (version, "")
                runs["version" if other else row["left_out"]] += row["runs"]
        pooled = runs.pop("", 0)
        if pooled > newest:
            runs["older"] = pooled - newest
        listed: dict[str, list[float]] = {name: [] for name in wanted}
        bound = {
            "group": group_id,
            "mode": mode,
            "version": version,
            "newest": max(newest, 0),
            "names": msgspec.json.encode(wanted).decode(),
        }
        for name, value in connection.execute(_POOL, bound):
            listed[name].append(value)
        answer[mode] = GroupValues(
            values=listed, n=min(pooled, max(newest, 0)), excluded=dict(sorted(runs.items()))
        )
    return answer


def load(connection: sqlite3.Connection, run_id: str) -> Run:
    """Return the whole run of this id.

    Raises:
        HistoryError: There is no such run, or it cannot be decoded any more.
    """
    row = connection.execute(
        "SELECT * FROM run_list JOIN traces USING (seq) WHERE run_id = ?", (clean(run_id),)
    ).fetchone()
    if row is None:
        raise HistoryError(f"There is no run {run_id} in the history: see the list for its runs.")
    return Run(
        run_id=row["run_id"],
        comparison_id=row["comparison_id"],
        channel=row["channel"],
        target=_target(row),
        request=decode_request(row["prompt"], row["params"]),
        trace=decode_trace(row["trace"]),
        layout=row["layout"],
        regime=row["regime"],
        pair=row["pair"],
        position=row["position"],
        warmup=bool(row["warmup"]),
        engine=row["engine"],
        server_version=row["server_version"],
    )


def last_pair(connection: sqlite3.Connection, group: Group) -> tuple[Run, Run] | None:
    """Return the newest pair of which both runs may be pooled, the stream first.

    Raises:
        HistoryError: One of them cannot be decoded any more.
    """
    row = connection.execute(_LAST_PAIR, (_group_id(connection, group),)).fetchone()
    if row is None:
        return None
    return load(connection, row["stream"]), load(connection, row["blocking"])


def _known_version(row: sqlite3.Row) -> bool:
    return not row["left_out"] and bool(row["server_version"])


def _group_id(connection: sqlite3.Connection, group: Group) -> int | None:
    """Return the id of ``group``, or ``None``, which equals nothing in SQL, if it has no runs."""
    row = connection.execute(
        "SELECT group_id FROM groups JOIN prompts USING (prompt_id) WHERE prompts.sha = ? "
        "AND target_key = ? AND engine = ? AND params_sha = ? AND layout = ? AND regime = ?",
        (
            text_sha(group.prompt),
            clean(group.target),
            clean(group.engine),
            group.params,
            group.layout,
            group.regime,
        ),
    ).fetchone()
    return row and int(row["group_id"])


def _figures(
    connection: sqlite3.Connection, seqs: Sequence[int]
) -> dict[int, dict[str, float | None]]:
    """Return the figures of the runs ``seqs``, by run and name."""
    found: dict[int, dict[str, float | None]] = {seq: {} for seq in seqs}
    rows = connection.execute(
        "SELECT seq, name, figures.value FROM json_each(?) AS wanted "
        "CROSS JOIN figures ON figures.seq = wanted.value",
        (msgspec.json.encode(seqs).decode(),),
    )
    for seq, name, value in rows:
        found[seq][name] = value
    return found


def _target(row: sqlite3.Row) -> Target:
    return Target(protocol=row["protocol"], url=row["url"], model=row["model"])


def _run_row(row: sqlite3.Row, figures: dict[str, float | None]) -> RunRow:
    return RunRow(
        run_id=row["run_id"],
        comparison_id=row["comparison_id"],
        started_utc=row["started_utc"],
        group=Group(
            prompt=row["prompt"],
            target=row["target_key"],
            engine=row["engine"],
            params=row["params_sha"],
            layout=row["layout"],
            regime=row["regime"],
        ),
        target=_target(row),
        channel=row["channel"],
        mode=row["mode"],
        pair=row["pair"],
        position=row["position"],
        warmup=bool(row["warmup"]),
        server_version=row["server_version"],
        ended=row["ended"],
        fault_code=row["fault_code"],
        fault_sentence=row["fault_sentence"],
        status=row["status"],
        clock=row["clock"],
        tokens=Tokens(
            prompt=row["tokens_prompt"],
            output=row["tokens_output"],
            reasoning=row["tokens_reasoning"],
            cached=row["tokens_cached"],
        ),
        server=ServerTimings(
            load_s=row["load_s"],
            queue_s=row["queue_s"],
            prefill_s=row["prefill_s"],
            decode_s=row["decode_s"],
            total_s=row["server_total_s"],
            prefill_tokens=row["prefill_tokens"],
            decode_tokens=row["decode_tokens"],
            source=row["timings_source"],
        ),
        n_chunks=row["n_chunks"],
        n_reasoning_chunks=row["n_reasoning_chunks"],
        output_sha=row["output_sha"],
        reasoning_sha=row["reasoning_sha"],
        flags=tuple(msgspec.json.decode(row["flags"])),
        figures=figures,
    )
