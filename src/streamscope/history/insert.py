"""Writing runs: their rows, their figures, their traces."""

import math
import sqlite3
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import msgspec

from streamscope.history.codec import clean, encode_params, encode_trace, storable, storable_request
from streamscope.history.errors import HistoryError
from streamscope.history.groups import Group, text_sha
from streamscope.history.rows import Imported
from streamscope.trace import Run

BUSY = "busy"
"""Why a run is left out that may be pooled all the same, if that is wanted."""

_INT64 = range(-(2**63), 2**63)


def insert_run(
    connection: sqlite3.Connection, run: Run, figures: Mapping[str, float | None]
) -> None:
    """Add ``run`` and its ``figures`` to the database; the caller holds a transaction.

    Raises:
        HistoryError: A run of this id is already there.
        sqlite3.Error: The database refused.
    """
    run = storable(run)
    if connection.execute("SELECT 1 FROM runs WHERE run_id = ?", (run.run_id,)).fetchone():
        raise HistoryError(f"Run {run.run_id} is already in the history: give it an id of its own.")
    started = started_utc(run)
    columns = _columns(run, _group_id(connection, run), started)
    names, marks = ", ".join(columns), ", ".join(f":{name}" for name in columns)
    # The names are our own, from ``_columns``; every value is bound.
    seq = connection.execute(
        f"INSERT INTO runs ({names}) VALUES ({marks})",  # noqa: S608
        columns,
    ).lastrowid
    connection.executemany(
        "INSERT INTO figures (seq, name, value) VALUES (?, ?, ?)",
        [(seq, name, value) for name, value in _storable_figures(figures).items()],
    )
    connection.execute(
        "INSERT INTO traces (seq, trace) VALUES (?, ?)", (seq, encode_trace(run.trace))
    )


def import_runs(
    connection: sqlite3.Connection, runs: Iterable[tuple[Run, Mapping[str, float | None]]]
) -> Imported:
    """Add those ``runs`` that are not there; the caller holds a transaction.

    A run that was deleted comes back as it was.
    """
    added = known = 0
    for run, figures in runs:
        found = connection.execute(
            "SELECT seq, deletion_id FROM runs WHERE run_id = ?", (clean(run.run_id),)
        ).fetchone()
        if found is None:
            insert_run(connection, run, figures)
        elif found["deletion_id"] is not None:
            connection.execute("UPDATE runs SET deletion_id = NULL WHERE seq = ?", (found["seq"],))
        else:
            known += 1
            continue
        added += 1
    return Imported(added=added, known=known)


def started_utc(run: Run) -> str:
    """Return the start of ``run`` in UTC, with microseconds, so that text order is time order.

    A trace that does not say when it started counts as started now.
    """
    try:
        started = datetime.fromisoformat(run.trace.started_utc)
        started = started.astimezone(UTC) if started.tzinfo else started.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        started = datetime.now(UTC)
    return utc_text(started)


def utc_text(moment: datetime) -> str:
    """Return ``moment``, which is in UTC, as text whose order is the order of time."""
    return moment.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def left_out(run: Run) -> str:
    """Return why ``run`` is not pooled with others; empty if it is."""
    if run.warmup:
        return "warmup"
    if not run.trace.ok:
        return run.trace.ended or "unfinished"
    return BUSY if run.trace.busy else ""


def _group_id(connection: sqlite3.Connection, run: Run) -> int:
    """Return the id of the group of ``run``; add it and its prompt if they are new."""
    group = Group.of(run)
    sha = text_sha(group.prompt)
    # When either was used last follows from their runs: triggers see to it.
    connection.execute(
        "INSERT INTO prompts (sha, text, folded, newest_utc) VALUES (?, ?, ?, '') "
        "ON CONFLICT DO NOTHING",
        (sha, group.prompt, group.prompt.casefold()),
    )
    (prompt_id,) = connection.execute(
        "SELECT prompt_id FROM prompts WHERE sha = ?", (sha,)
    ).fetchone()
    (group_id,) = connection.execute(
        "INSERT INTO groups (prompt_id, target_key, engine, params_sha, layout, regime, params, "
        "folded_target) VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
        # Without a change, RETURNING would return nothing. An older version that had the file
        # open when the schema changed leaves the folded target empty.
        "ON CONFLICT DO UPDATE SET folded_target = excluded.folded_target RETURNING group_id",
        (
            prompt_id,
            group.target,
            group.engine,
            group.params,
            group.layout,
            group.regime,
            encode_params(storable_request(run.request)).decode(),
            group.target.casefold(),
        ),
    ).fetchone()
    return int(group_id)


def _columns(run: Run, group_id: int, started: str) -> dict[str, object]:
    """Return the row of ``run`` by column."""
    trace, fault, tokens, server = run.trace, run.trace.fault, run.trace.tokens, run.trace.server
    return {
        "run_id": run.run_id,
        "group_id": group_id,
        "started_utc": started,
        "mode": trace.mode,
        "left_out": left_out(run),
        "comparison_id": run.comparison_id,
        "channel": run.channel,
        "pair": _nearest(run.pair),
        "position": _nearest(run.position),
        "warmup": run.warmup,
        "nonce": run.nonce,
        "protocol": run.target.protocol,
        "url": run.target.url,
        "model": run.target.model,
        "server_model": trace.model,
        "server_version": run.server_version,
        "ended": trace.ended,
        "fault_code": fault and fault.code,
        "fault_sentence": fault and fault.sentence,
        "status": _fitting(trace.status),
        "clock": trace.clock,
        "tokens_prompt": _fitting(tokens.prompt),
        "tokens_output": _fitting(tokens.output),
        "tokens_reasoning": _fitting(tokens.reasoning),
        "tokens_cached": _fitting(tokens.cached),
        "load_s": finite(server.load_s),
        "queue_s": finite(server.queue_s),
        "prefill_s": finite(server.prefill_s),
        "decode_s": finite(server.decode_s),
        "server_total_s": finite(server.total_s),
        "prefill_tokens": _fitting(server.prefill_tokens),
        "decode_tokens": _fitting(server.decode_tokens),
        "timings_source": server.source,
        "n_chunks": len(trace.chunks),
        "n_reasoning_chunks": sum(chunk.kind == "reasoning" for chunk in trace.chunks),
        "output_sha": text_sha(trace.text("answer")),
        "reasoning_sha": text_sha(trace.text("reasoning")),
        "flags": msgspec.json.encode(trace.flags).decode(),
    }


def _storable_figures(figures: Mapping[str, float | None]) -> dict[str, float | None]:
    """Return ``figures`` with names that are text and values that can be averaged."""
    return {clean(name): finite(value) for name, value in figures.items()}


def finite(value: float | None) -> float | None:
    """Return ``value`` if it is a number that can be averaged, else ``None``."""
    return float(value) if value is not None and math.isfinite(value) else None


def _fitting(value: int | None) -> int | None:
    """Return ``value`` if it fits a column (64 bits), else ``None``."""
    return value if value is not None and value in _INT64 else None


def _nearest(value: int) -> int:
    """Return ``value``, or the nearest that fits a column (64 bits)."""
    return max(_INT64.start, min(value, _INT64.stop - 1))
