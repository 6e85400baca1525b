"""Comparisons and runs as JSON: versioned records, for scripts and for checking us."""

from typing import Any

import msgspec

from streamscope import __version__
from streamscope.measure.calibration import claim_of, claimed_error
from streamscope.measure.conventions import Conventions
from streamscope.measure.figures import Figures, measure
from streamscope.measure.notes import run_notes
from streamscope.measure.timing import survey
from streamscope.measure.verdict import Judgement
from streamscope.plan import Plan
from streamscope.report.comparison import Comparison, is_import
from streamscope.report.judging import judge_comparison
from streamscope.report.records import (
    COMPARISON_SCHEMA,
    RUN_SCHEMA,
    ChannelRecord,
    ComparisonRecord,
    RunLine,
    RunRecord,
    SummaryRecord,
    TargetRecord,
    VerdictRecord,
)
from streamscope.report.summary import Summary, shared_notes, summarise
from streamscope.report.verdict_words import verdict_sentence
from streamscope.trace import Chunk, Clock, Run, TextKind, Trace

__all__ = [
    "COMPARISON_SCHEMA",
    "RUN_SCHEMA",
    "ChannelRecord",
    "ComparisonRecord",
    "RunLine",
    "RunRecord",
    "SummaryRecord",
    "TargetRecord",
    "VerdictRecord",
    "comparison_record",
    "to_json",
    "to_jsonl",
]


_USUAL = Conventions()


def to_json(comparison: Comparison, conventions: Conventions = _USUAL) -> bytes:
    """Write a comparison as one JSON document, without a newline at its end."""
    return _encode(comparison_record(comparison, conventions))


def to_jsonl(run: Run, plan: Plan | None = None) -> bytes:
    """Write a run as one line of JSON Lines, with its newline.

    Args:
        run: The run.
        plan: How its comparison was to be carried out; ``None`` where that is not known, or where
            the line does not stand for a run of a comparison that others belong to.
    """
    line = RunLine(
        streamscope=__version__,
        target=_target(run),
        request=run.request,
        plan=plan,
        **_members(run, measure(run.trace)),
    )
    return _encode(line) + b"\n"


def comparison_record(
    comparison: Comparison, conventions: Conventions = _USUAL
) -> ComparisonRecord:
    """Gather everything that the JSON document of a comparison says."""
    measured = [measure(run.trace) for run in comparison.runs]
    first = comparison.runs[0] if comparison.runs else None
    target = _target(first) if first else None
    request = first.request if first else None
    claim = claim_of([run.trace for run in comparison.runs])
    return ComparisonRecord(
        streamscope=__version__,
        clock=_clock(comparison),
        error_ns_p99=claim.error_ns,
        calibration=claim.basis,
        target=target,
        request=request,
        plan=comparison.known_plan,
        runs=[
            RunRecord(
                target=msgspec.UNSET if _target(run) == target else _target(run),
                request=msgspec.UNSET if run.request == request else run.request,
                **_members(run, figures),
            )
            for run, figures in zip(comparison.runs, measured, strict=True)
        ],
        summary=_summary(summarise(comparison, measured)),
        notes=shared_notes(comparison),
        verdict=_verdict(judge_comparison(comparison, measured, conventions))
        if len(comparison.channels()) == 2
        else None,
        question=comparison.question if comparison.sides else None,
        channels={name: _channel(comparison.of(name)[0]) for name in comparison.channels()},
    )


def _members(run: Run, figures: Figures) -> dict[str, Any]:
    """Return the members that both records of a run share."""
    trace, chunks = run.trace, _whole(run.trace.chunks)
    stamps = [chunk.server_ns for chunk in chunks]
    return {
        "run_id": run.run_id,
        "comparison_id": run.comparison_id,
        "nonce": run.nonce,
        "channel": run.channel,
        "mode": trace.mode,
        "pair": run.pair,
        "position": run.position,
        "warmup": run.warmup,
        "layout": run.layout,
        "regime": run.regime,
        "engine": run.engine,
        "ended": trace.ended,
        "error": trace.fault,
        "started_utc": trace.started_utc,
        "sent_monotonic_ns": trace.sent_monotonic_ns,
        "clock": trace.known_clock,
        "marks_ns": _marks(trace),
        "chunks": [(chunk.t_ns, chunk.kind, len(chunk.text)) for chunk in chunks],
        "chunk_reads": [chunk.read for chunk in chunks],
        "chunk_server_ns": [] if set(stamps) <= {None} else stamps,
        "headers": trace.headers,
        "reads": trace.reads,
        "body_bytes": trace.body_bytes,
        "pings": trace.pings,
        "connection": trace.connection,
        "segments": trace.segments,
        "shared": {index: (read.size, read.segments) for index, read in trace.shared.items()},
        "observer": trace.observer,
        "shown": trace.shown,
        "error_ns_p99": claimed_error(trace),
        "calibration": trace.calibration,
        "figures": figures.values,
        "estimated": sorted(figures.estimated),
        "tokens": trace.tokens,
        "server": trace.server,
        "status": trace.status,
        "model": trace.model,
        "text": _text(chunks, "answer"),
        "reasoning": _text(chunks, "reasoning"),
        "tool": _text(chunks, "tool"),
        "flags": trace.flags,
        "notes": list(run_notes(run)),
    }


def _text(chunks: list[Chunk], kind: TextKind) -> str:
    return "".join(chunk.text for chunk in chunks if chunk.kind == kind)


def _whole(chunks: list[Chunk]) -> list[Chunk]:
    """Return the chunks with text that UTF-8 can hold, so that their sizes fit the joined text.

    The first half of a surrogate pair waits for its second half, which may come with the next
    chunk of its kind: only then is there a character. Halves alone become U+FFFD.
    """
    if not any(_split(chunk.text) for chunk in chunks):
        return chunks
    waiting: dict[TextKind, str] = {}
    last = {chunk.kind: index for index, chunk in enumerate(chunks)}
    whole = []
    for index, chunk in enumerate(chunks):
        text = waiting.pop(chunk.kind, "") + chunk.text
        if index < last[chunk.kind] and "\ud800" <= text[-1:] <= "\udbff":
            text, waiting[chunk.kind] = text[:-1], text[-1]
        whole.append(msgspec.structs.replace(chunk, text=_scrub(text)))
    return whole


def _split(text: str) -> bool:
    """Tell whether a text has halves of surrogate pairs."""
    return not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text)


def _marks(trace: Trace) -> dict[str, int]:
    timing = survey(trace)
    text = {
        "first_any": timing.first_any_ns,
        "first_answer": timing.first_answer_ns,
        "last_text": timing.last_text_ns,
    }
    return dict(trace.marks) | {name: t_ns for name, t_ns in text.items() if t_ns is not None}


def _target(run: Run) -> TargetRecord:
    target = run.target
    return TargetRecord(
        protocol=target.protocol,
        url=target.url,
        model=target.model,
        server_version=run.server_version,
    )


def _channel(run: Run) -> ChannelRecord:
    return ChannelRecord(target=_target(run), mode=run.trace.mode, engine=run.engine)


def _clock(comparison: Comparison) -> Clock | None:
    clocks = {run.trace.clock for run in comparison.runs}
    if not clocks or is_import(comparison):
        return None
    return "kernel" if clocks == {"kernel"} else "read"


def _summary(summary: Summary) -> SummaryRecord:
    return SummaryRecord(
        A=summary.figures.get("A", {}),
        B=summary.figures.get("B", {}),
        ratio=summary.ratios,
        counts={str(channel): counts for channel, counts in summary.counts.items()},
    )


def _verdict(judgement: Judgement) -> VerdictRecord:
    advice = judgement.advice
    return VerdictRecord(
        sentence=verdict_sentence(judgement),
        ttfv_s=judgement.first.kind,
        total_s=judgement.total.kind,
        tok_per_s=judgement.rate.kind,
        decision=advice.decision if advice else None,
        reason=advice.reason if advice else judgement.reason,
        break_even_tokens=advice.break_even_tokens if advice else None,
        break_even_s=advice.break_even_s if advice else None,
        pairs=judgement.n,
        same_output=judgement.same_output,
        compared_output=judgement.compared_output,
        findings=[judgement.first, judgement.total, judgement.rate],
    )


def _encode(record: msgspec.Struct) -> bytes:
    """Encode; NaN becomes null, and lone surrogates, which UTF-8 can't hold, U+FFFD."""
    try:
        return msgspec.json.encode(record)
    except UnicodeEncodeError:
        return msgspec.json.encode(_scrub(msgspec.to_builtins(record)))


def _scrub(value: Any) -> Any:
    match value:
        case str():
            # UTF-16 joins surrogates that form a pair, and only then replaces what is left over.
            return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        case dict():
            return {_scrub(key): _scrub(each) for key, each in value.items()}
        case list() | tuple():
            return [_scrub(each) for each in value]
        case _:
            return value
