"""From the records of the JSON schema back to runs, exactly as they were."""

import functools
import hashlib
import typing
from collections.abc import Iterator
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from streamscope.plan import Plan
from streamscope.report.records import RunRecord, TargetRecord
from streamscope.trace import Chunk, MarkName, Request, Run, SharedRead, Target, TextKind, Trace

LONGEST_NS = 366 * 86_400 * 1_000_000_000
"""No run takes a year, in ns: a time beyond it is a damaged one."""

EARLIEST_TEXT_NS = -1_000_000_000
"""Text can't come before the request was sent; clocks may disagree by less than this, in ns."""

LATE_TEXT_NS = 1_000_000_000
"""Text that comes after the server's own end mark was still listened to for so long, in ns."""

MOST_PAIRS = 1000
"""No plan has more pairs or warm-ups."""

LONGEST_COOLDOWN_S = 3600.0

_ENDS: tuple[MarkName, ...] = ("done", "error", "cancelled")
_MARKS: frozenset[str] = frozenset(typing.get_args(MarkName))
_HEXADECIMAL = frozenset("0123456789abcdef")
_ID_LENGTH = 32
_Struct = TypeVar("_Struct", bound=msgspec.Struct)


class RecordError(ValueError):
    """A record contradicts itself. Its text is a clause: ``its times go back``."""


class _Shared(msgspec.Struct, frozen=True, kw_only=True):
    """What is read of a comparison: not its medians, which follow from its runs."""

    target: TargetRecord | None = None
    request: Request | None = None
    runs: list[dict[str, Any]]


def from_line(content: dict[str, Any]) -> Run:
    """Restore the run of a decoded line.

    Raises:
        RecordError: The line does not follow the schema, or contradicts itself.
    """
    return _restored(content, _Shared(runs=[content]))


def from_comparison(content: dict[str, Any]) -> Iterator[Run]:
    """Restore all runs of a decoded comparison.

    Returns:
        The runs in their order. After an error the iterator goes on with the next run.

    Raises:
        RecordError: The document or, from ``next``, a run does not follow the schema.
    """
    shared = _convert(content, _Shared)
    return map(functools.partial(_restored, shared=shared), shared.runs)


def plan_of(content: dict[str, Any]) -> Plan | None:
    """Return the plan that a decoded line or comparison carries.

    ``None`` where it carries none, or one that this version can't carry out: its runs are good all
    the same.
    """
    try:
        plan = msgspec.convert(content.get("plan"), Plan | None, str_keys=True)
    except msgspec.ValidationError:
        return None
    return plan if plan is not None and _feasible(plan) else None


def _feasible(plan: Plan) -> bool:
    return (
        1 <= plan.repeat <= MOST_PAIRS
        and 1 <= plan.least <= MOST_PAIRS
        and 0 <= plan.warmup <= MOST_PAIRS
        and 0 <= plan.cooldown_s <= LONGEST_COOLDOWN_S
        and (plan.until is None or 0 < plan.until <= 1)
    )


def _restored(content: dict[str, Any], shared: _Shared) -> Run:
    # Figures and notes are made anew, so that those of another version do no harm.
    made_anew: dict[str, Any] = {"figures": {}, "estimated": [], "notes": []}
    record = _convert(content | made_anew, RunRecord)
    target = shared.target if record.target is msgspec.UNSET else record.target
    request = shared.request if record.request is msgspec.UNSET else record.request
    if target is None or request is None:
        raise RecordError("its target or its request is missing")
    comparison_id = record.comparison_id
    if not comparison_id:
        # Documents had no ids of comparisons once: what they hold identifies them as well.
        comparison_id = _derived(*(str(run.get("run_id")) for run in shared.runs))
    return _run(record, target, request, comparison_id)


def _convert(content: object, to: type[_Struct]) -> _Struct:
    try:
        return msgspec.convert(content, to, str_keys=True)
    except msgspec.ValidationError as error:
        raise RecordError(str(error)) from None


def _run(record: RunRecord, target: TargetRecord, request: Request, comparison_id: str) -> Run:
    for name, number in (("run_id", record.run_id), ("comparison_id", comparison_id)):
        if len(number) != _ID_LENGTH or not _HEXADECIMAL.issuperset(number):
            raise RecordError(f"its {name} is not {_ID_LENGTH} hexadecimal digits")
    if min(record.pair, record.position) < 0:
        raise RecordError("its pair or its position is negative")
    return Run(
        run_id=record.run_id,
        comparison_id=comparison_id,
        channel=record.channel,
        target=Target(protocol=target.protocol, url=target.url, model=target.model),
        request=request,
        trace=_trace(record),
        layout=record.layout,
        regime=record.regime,
        nonce=record.nonce,
        pair=record.pair,
        position=record.position,
        warmup=record.warmup,
        engine=record.engine,
        server_version=target.server_version,
    )


def _trace(record: RunRecord) -> Trace:
    marks = {name: at for name, at in record.marks_ns.items() if name in _MARKS}
    if any(abs(at) > LONGEST_NS for at in marks.values()):
        raise RecordError("one of its times is longer than a year")
    _check_start(record.started_utc)
    chunks = _chunks(record)
    _check_end(marks, chunks)
    return Trace(
        mode=record.mode,
        clock=record.clock or "read",
        sent_monotonic_ns=record.sent_monotonic_ns,
        started_utc=record.started_utc,
        marks=typing.cast("dict[MarkName, int]", marks),
        chunks=chunks,
        ended=record.ended,
        fault=record.error,
        tokens=record.tokens,
        server=record.server,
        model=record.model,
        status=record.status,
        headers=dict(record.headers),
        reads=record.reads,
        body_bytes=record.body_bytes,
        pings=record.pings,
        flags=list(record.flags),
        connection=record.connection,
        segments=record.segments,
        shared={index: SharedRead(*read) for index, read in record.shared.items()},
        observer=record.observer,
        shown=record.shown,
        error_ns_p99=record.error_ns_p99,
        calibration=record.calibration,
    )


def _check_start(started_utc: str) -> None:
    """Refuse a start that is no moment; where none is known there is none."""
    try:
        datetime.fromisoformat(started_utc or "1970-01-01")
    except ValueError:
        raise RecordError(f"its started_utc is {started_utc[:40]!r}, which is no time") from None


def _check_end(marks: dict[str, int], chunks: list[Chunk]) -> None:
    """Refuse an end that lies before what it ends."""
    for name in _ENDS:
        if name in marks and chunks:
            late = marks[name] + LATE_TEXT_NS < chunks[-1].t_ns
            if late or marks[name] < chunks[0].t_ns:
                raise RecordError(f"its mark {name} comes before its text")


def _chunks(record: RunRecord) -> list[Chunk]:
    """Cut the texts into the chunks that they came in."""
    reads = record.chunk_reads or _reads([t_ns for t_ns, _, _ in record.chunks])
    stamps = record.chunk_server_ns or [None] * len(record.chunks)
    if not len(reads) == len(stamps) == len(record.chunks):
        raise RecordError("its lists about chunks differ in length")
    texts: dict[TextKind, str] = {
        "answer": record.text,
        "reasoning": record.reasoning,
        "tool": record.tool,
    }
    begun: dict[TextKind, int] = dict.fromkeys(texts, 0)
    chunks: list[Chunk] = []
    for (t_ns, kind, size), read, stamp in zip(record.chunks, reads, stamps, strict=True):
        if not EARLIEST_TEXT_NS <= t_ns <= LONGEST_NS:
            raise RecordError("the time of one of its chunks can't be")
        if chunks and t_ns < chunks[-1].t_ns:
            raise RecordError("the times of its chunks run backwards")
        if size < 0:
            raise RecordError("one of its chunks has a negative size")
        start, end = begun[kind], begun[kind] + size
        chunks.append(Chunk(t_ns, kind, texts[kind][start:end], read, stamp))
        begun[kind] = end
    if any(begun[kind] != len(text) for kind, text in texts.items()):
        raise RecordError("its chunks don't fit its text")
    return chunks


def _reads(times_ns: list[int]) -> list[int]:
    """Number the reads of lines that don't say them: one read, one time."""
    reads: list[int] = []
    for index, t_ns in enumerate(times_ns):
        same = index > 0 and t_ns == times_ns[index - 1]
        reads.append(0 if index == 0 else reads[-1] + (not same))
    return reads


def _derived(*ids: str) -> str:
    return hashlib.sha256("\n".join(ids).encode()).hexdigest()[:_ID_LENGTH]
