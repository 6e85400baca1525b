"""Comparisons and runs as JSON: a versioned schema, typed, for scripts and for checking us.

The structs below are the schema: the reference in ``docs/json.md`` is made from them. Members may
be added to a version; a reader must ignore those that it does not know.
"""

from typing import Any, Literal

import msgspec

from streamscope import __version__
from streamscope.measure.figures import Figures, measure
from streamscope.measure.notes import Note, run_notes
from streamscope.measure.timing import survey
from streamscope.plan import Plan
from streamscope.report.comparison import Comparison
from streamscope.report.summary import SharedNote, Spread, Summary, shared_notes, summarise
from streamscope.trace import (
    ChannelName,
    Clock,
    Ended,
    Fault,
    Layout,
    Mode,
    Regime,
    Request,
    Run,
    ServerTimings,
    TextKind,
    Tokens,
    Trace,
)

COMPARISON_SCHEMA: Literal["streamscope/comparison/1"] = "streamscope/comparison/1"
RUN_SCHEMA: Literal["streamscope/run/1"] = "streamscope/run/1"


class TargetRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The server that was asked.

    Attributes:
        protocol: How it was spoken to.
        url: Base URL, without credentials.
        model: Model name that was asked for.
        server_version: Version of the server, empty where it is unknown.
    """

    protocol: str
    url: str
    model: str
    server_version: str = ""


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One request on one channel.

    Attributes:
        run_id: Unique, 32 hexadecimal digits.
        channel: The side on which it ran.
        mode: How the answer was delivered.
        pair: Number of its pair, from 1; 0 for a warm-up.
        position: 1 if it ran first in its pair, 2 if second.
        warmup: Whether it only served to warm up.
        layout: Whether the pair was measured apart or at once.
        regime: Whether the prompt may have been cached.
        engine: The engine of ours that answered (local, simulator), or empty.
        target: The server; absent where it is the comparison's.
        request: What was asked; absent where it is the comparison's.
        ended: How it ended; stop, length and tool are good endings.
        error: Why it failed, or null.
        started_utc: Wall-clock time of the start, ISO 8601, for people only.
        sent_monotonic_ns: The zero of all its times, on the machine's monotonic clock, ns.
        clock: Where arrival times come from: the kernel's stamp or the return of the read.
        marks_ns: When things happened, ns since sent; those that did not are absent. Beside the
            marks of the wire: first_any, first_answer, last_text, the moments at which text could
            be read.
        chunks: All text as it arrived: ns since sent, kind, characters.
        figures: All figures by name, null where there is none.
        estimated: Names of the figures that are estimates.
        tokens: Token counts by the server, null where it gives none.
        server: Durations by the server, in seconds, null where it gives none.
        status: HTTP status, or null.
        model: The model's name as the server said it.
        text: The answer. Lone surrogates are replaced by U+FFFD.
        reasoning: The reasoning.
        tool: The tool calls.
        flags: What makes this run special, as short names.
        notes: What must be known before believing its figures.
    """

    run_id: str
    channel: ChannelName
    mode: Mode
    pair: int
    position: int
    warmup: bool
    layout: Layout
    regime: Regime
    engine: str
    target: TargetRecord | msgspec.UnsetType = msgspec.UNSET
    request: Request | msgspec.UnsetType = msgspec.UNSET
    ended: Ended | None
    error: Fault | None
    started_utc: str
    sent_monotonic_ns: int
    clock: Clock
    marks_ns: dict[str, int]
    chunks: list[tuple[int, TextKind, int]]
    figures: dict[str, float | None]
    estimated: list[str]
    tokens: Tokens
    server: ServerTimings
    status: int | None
    model: str
    text: str
    reasoning: str
    tool: str
    flags: list[str]
    notes: list[Note]


class RatioRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One figure of A over the same of B.

    Attributes:
        estimate: The ratio.
        method: How it was made; ``medians``: median of A over median of B, untested.
    """

    estimate: float
    method: Literal["medians"] = "medians"


class SummaryRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of all pooled runs.

    Attributes:
        A: Medians of channel A by name of figure.
        B: Medians of channel B by name of figure.
        ratio: A over B by name of figure, where both have it.
    """

    A: dict[str, Spread]
    B: dict[str, Spread]
    ratio: dict[str, RatioRecord]


class ComparisonRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A comparison. All members whose names end in ``_ns`` are integers in nanoseconds.

    Attributes:
        schema: Name and version of this schema.
        streamscope: Version of the program.
        clock: ``kernel`` if all arrival times are the kernel's, else ``read``; null without runs.
        error_ns_p99: Timing error of this machine, 99th percentile, ns; null until calibrated.
        target: The server of the first run; null without runs.
        request: The request of the first run; null without runs.
        plan: What was to be done.
        runs: All runs, in the order in which they were made.
        summary: Medians and ratios.
        notes: What must be known before believing them, each said once.
    """

    schema: Literal["streamscope/comparison/1"] = COMPARISON_SCHEMA
    streamscope: str
    clock: Clock | None
    error_ns_p99: int | None
    target: TargetRecord | None
    request: Request | None
    plan: Plan
    runs: list[RunRecord]
    summary: SummaryRecord
    notes: list[SharedNote]


class RunLine(RunRecord, frozen=True, kw_only=True):
    """One run that stands alone, as a line of JSON Lines.

    Its members are those of a run in a comparison, target and request always among them, and:

    Attributes:
        schema: Name and version of this schema.
        streamscope: Version of the program.
        comparison_id: The comparison that it belongs to, 32 hexadecimal digits.
    """

    schema: Literal["streamscope/run/1"] = RUN_SCHEMA
    streamscope: str
    comparison_id: str


def to_json(comparison: Comparison) -> bytes:
    """Write a comparison as one JSON document, without a newline at its end."""
    return _encode(comparison_record(comparison))


def to_jsonl(run: Run) -> bytes:
    """Write a run as one line of JSON Lines, with its newline."""
    line = RunLine(
        streamscope=__version__,
        comparison_id=run.comparison_id,
        target=_target(run),
        request=run.request,
        **_members(run, measure(run.trace)),
    )
    return _encode(line) + b"\n"


def comparison_record(comparison: Comparison) -> ComparisonRecord:
    """Gather everything that the JSON document of a comparison says."""
    measured = [measure(run.trace) for run in comparison.runs]
    first = comparison.runs[0] if comparison.runs else None
    target = _target(first) if first else None
    request = first.request if first else None
    return ComparisonRecord(
        streamscope=__version__,
        clock=_clock(comparison),
        error_ns_p99=None,
        target=target,
        request=request,
        plan=comparison.plan,
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
    )


def _members(run: Run, figures: Figures) -> dict[str, Any]:
    """Return the members that both records of a run share."""
    trace = run.trace
    return {
        "run_id": run.run_id,
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
        "clock": trace.clock,
        "marks_ns": _marks(trace),
        "chunks": [(chunk.t_ns, chunk.kind, len(chunk.text)) for chunk in trace.chunks],
        "figures": figures.values,
        "estimated": sorted(figures.estimated),
        "tokens": trace.tokens,
        "server": trace.server,
        "status": trace.status,
        "model": trace.model,
        "text": trace.text(),
        "reasoning": trace.text("reasoning"),
        "tool": trace.text("tool"),
        "flags": trace.flags,
        "notes": list(run_notes(run)),
    }


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


def _clock(comparison: Comparison) -> Clock | None:
    clocks = {run.trace.clock for run in comparison.runs}
    if not clocks:
        return None
    return "kernel" if clocks == {"kernel"} else "read"


def _summary(summary: Summary) -> SummaryRecord:
    return SummaryRecord(
        A=summary.figures.get("A", {}),
        B=summary.figures.get("B", {}),
        ratio={name: RatioRecord(estimate=value) for name, value in summary.ratios.items()},
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
