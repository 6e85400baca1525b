"""Reading runs: lists of them, single ones, and all of them in order."""

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from streamscope.history.codec import clean, decode_request, decode_trace
from streamscope.history.errors import HistoryError
from streamscope.history.groups import Group, Part, group_id, group_of_row, target_of_row
from streamscope.history.insert import BUSY
from streamscope.history.rows import RunRow
from streamscope.trace import Run, ServerTimings, Tokens

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

# The plus keeps SQLite from searching the whole group for each partner.
_LAST_PAIR = """
SELECT a.run_id AS a, b.run_id AS b
FROM kept_runs AS a CROSS JOIN kept_runs AS b
    ON b.comparison_id = a.comparison_id AND b.pair = a.pair AND b.seq <> a.seq
        AND +b.group_id = :b
WHERE a.group_id = :a AND a.mode = :a_mode AND a.left_out IN ('', :busy)
    AND b.mode = :b_mode AND b.left_out IN ('', :busy)
    AND (:one = 0 OR (a.channel, b.channel) = ('A', 'B'))
ORDER BY a.started_utc DESC, a.seq DESC, b.started_utc DESC, b.seq DESC LIMIT 1
"""


def count(connection: sqlite3.Connection) -> int:
    """Return the number of runs."""
    (runs,) = connection.execute("SELECT count(*) FROM kept_runs").fetchone()
    return int(runs)


def prompts(connection: sqlite3.Connection, contains: str, limit: int) -> list[str]:
    """Return up to ``limit`` prompts with ``contains`` in them in any case, newest first."""
    rows = connection.execute(
        "SELECT text FROM prompts WHERE newest_utc > '' AND instr(folded, ?) > 0 "
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
        bound["group"] = group_id(connection, group)
    if before is not None:
        where.append(
            "(started_utc, seq) < (SELECT started_utc, seq FROM kept_runs WHERE run_id = :before)"
        )
        bound["before"] = clean(before)
    conditions = f" WHERE {' AND '.join(where)}" if where else ""
    rows = connection.execute(_LIST + conditions + _NEWEST, bound).fetchall()
    figures = figures_of(connection, [row["seq"] for row in rows])
    return [_run_row(row, figures[row["seq"]]) for row in rows]


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
        target=target_of_row(row),
        request=decode_request(row["prompt"], row["params"]),
        trace=decode_trace(row["trace"]),
        layout=row["layout"],
        regime=row["regime"],
        nonce=row["nonce"],
        pair=row["pair"],
        position=row["position"],
        warmup=bool(row["warmup"]),
        engine=row["engine"],
        server_version=row["server_version"],
    )


def last_pair(
    connection: sqlite3.Connection, a: Part, b: Part, *, busy: bool = False
) -> tuple[Run, Run] | None:
    """Return the newest pair of two parts of which both runs may be pooled.

    With ``busy``, those on a busy machine may.

    Raises:
        HistoryError: One of them cannot be decoded any more.
    """
    bound = {
        "a": group_id(connection, a.group),
        "b": group_id(connection, b.group),
        "a_mode": a.mode,
        "b_mode": b.mode,
        "one": a == b,
        "busy": BUSY if busy else "",
    }
    row = connection.execute(_LAST_PAIR, bound).fetchone()
    if row is None:
        return None
    return load(connection, row["a"]), load(connection, row["b"])


class Place(NamedTuple):
    """Where a reading of all runs, oldest first, has got to.

    Attributes:
        started_utc: Start of the run that was read last.
        seq: Its order of saving.
    """

    started_utc: str = ""
    seq: int = 0


def batch(
    connection: sqlite3.Connection,
    place: Place,
    limit: int,
    group: Group | None,
    comparison_id: str | None,
) -> tuple[list[str], Place | None]:
    """Return the ids of up to ``limit`` runs after ``place``, and the next place if there may be.

    The oldest is first.
    """
    where = ["(started_utc, seq) > (:started, :seq)"]
    bound: dict[str, object] = {"started": place.started_utc, "seq": place.seq, "limit": limit}
    if group is not None:
        where.append("group_id = :group")
        bound["group"] = group_id(connection, group)
    if comparison_id is not None:
        where.append("comparison_id = :comparison")
        bound["comparison"] = clean(comparison_id)
    rows = connection.execute(
        # The conditions are our own, from above; every value is bound.
        "SELECT started_utc, seq, run_id FROM kept_runs "  # noqa: S608 (our own names)
        f"WHERE {' AND '.join(where)} ORDER BY started_utc, seq LIMIT :limit",
        bound,
    ).fetchall()
    last = rows[-1] if len(rows) == limit else None
    return [row["run_id"] for row in rows], last and Place(last["started_utc"], last["seq"])


def figures_of(
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


def _run_row(row: sqlite3.Row, figures: dict[str, float | None]) -> RunRow:
    return RunRow(
        run_id=row["run_id"],
        comparison_id=row["comparison_id"],
        started_utc=row["started_utc"],
        group=group_of_row(row),
        target=target_of_row(row),
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
