"""The records of the JSON schema, typed: the reference in ``docs/json.md`` is made from them.

Members may be added to a version; a reader must ignore those that it does not know. Members that
were added later have defaults, so that documents of before are still read.
"""

from typing import Literal

import msgspec

from streamscope.measure.advice import Decision
from streamscope.measure.findings import Finding, Kind
from streamscope.measure.notes import Note
from streamscope.plan import Plan
from streamscope.report.summary import Counts, Ratio, SharedNote, Spread
from streamscope.sides import Question
from streamscope.trace import (
    Basis,
    ChannelName,
    Clock,
    Connection,
    Ended,
    Fault,
    Layout,
    Mode,
    Observer,
    Regime,
    Request,
    ServerTimings,
    Shown,
    TextKind,
    Tokens,
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


class ChannelRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One channel of a comparison.

    Attributes:
        target: The server of its first run.
        mode: How it delivers.
        engine: The engine of ours that answers (local, simulator), or empty.
    """

    target: TargetRecord
    mode: Mode
    engine: str = ""


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
        clock: Where arrival times come from: the kernel's stamp or the return of the read; null
            for an imported summary.
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
        comparison_id: The comparison that it was made in, 32 hexadecimal digits.
        nonce: What was put before the prompt so that no cache could know it; empty when warm.
        chunk_reads: For each chunk the index of the read that brought its end; chunks with the
            same index came together.
        chunk_server_ns: For each chunk the server's own stamp, ns since the epoch, or null; empty
            where no chunk has one.
        headers: Response headers that explain timing.
        reads: Number of reads that brought body bytes.
        body_bytes: Number of body bytes.
        pings: Signs of life that were no text.
        connection: Whether its connection was opened for it, or left open by a run before.
        segments: TCP segments that brought the response; null where that is not known.
        shared: Reads that held more than one piece of text or more than one segment, by index:
            bytes, and segments or null. Their parts have one arrival time between them.
        observer: What measuring took, and what stood in its way; null where nobody looked.
        shown: How long text took to the screen; null where there was none.
        error_ns_p99: By how much its arrival times may be wrong, 99th percentile, ns; null where
            nothing is claimed: the machine was not calibrated, or was busy, or text came faster
            than what was calibrated.
        calibration: What that rests on; null where the machine was not calibrated.
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
    clock: Clock | None
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
    comparison_id: str = ""
    nonce: str = ""
    chunk_reads: list[int] = []
    chunk_server_ns: list[int | None] = []
    headers: dict[str, str] = {}
    reads: int = 0
    body_bytes: int = 0
    pings: int = 0
    connection: Connection = "fresh"
    segments: int | None = None
    shared: dict[int, tuple[int, int | None]] = {}
    observer: Observer | None = None
    shown: Shown | None = None
    error_ns_p99: int | None = None
    calibration: Basis | None = None


class SummaryRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of all pooled runs.

    Attributes:
        A: Medians of channel A by name of figure.
        B: Medians of channel B by name of figure.
        ratio: A over B by name of figure, where both have it.
        counts: What became of the runs, by channel.
    """

    A: dict[str, Spread]
    B: dict[str, Spread]
    ratio: dict[str, Ratio]
    counts: dict[str, Counts] = {}


class VerdictRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What the comparison shows, and what to do.

    ``kind`` is one of: ``different``, ``equivalent`` (within the margin), ``inconclusive``, and
    ``unknown``, where nothing can be said.

    Attributes:
        sentence: The verdict for people.
        ttfv_s: Kind of what was found of the first text.
        total_s: Kind of what was found of the total, up to the end mark where both sides have one.
        tok_per_s: Kind of what was found of the rate; of two models, of the characters a second.
        decision: What to do; ``fix-the-wait``: streaming can't help before the first text. Null
            where anything else than delivery was compared.
        reason: Why, or why nothing can be said: a clause; else empty.
        break_even_tokens: Length of the answer from which streaming is worth it on this server;
            null without a rate.
        break_even_s: The same as seconds of streaming text.
        pairs: Number of pairs that were judged.
        same_output: How many of them had equal answers.
        compared_output: Of how many that is known.
        findings: All that was found of first text, total and rate.
    """

    sentence: str
    ttfv_s: Kind
    total_s: Kind
    tok_per_s: Kind
    decision: Decision | None
    reason: str
    break_even_tokens: int | None
    break_even_s: float | None
    pairs: int
    same_output: int
    compared_output: int
    findings: list[Finding]


class ComparisonRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A comparison. All members whose names end in ``_ns`` are integers in nanoseconds.

    Attributes:
        schema: Name and version of this schema.
        streamscope: Version of the program.
        clock: ``kernel`` if all arrival times are the kernel's, else ``read``; null without runs,
            and for imported summaries.
        error_ns_p99: By how much arrival times may be wrong, 99th percentile, ns: the largest of
            its runs'; null where none has one.
        calibration: What that rests on, as it was when the run with that error was made; null
            where the machine was not calibrated.
        target: The server of the first run; null without runs.
        channels: What each channel is, by name; only those with runs.
        question: What they can be compared for. ``delivery``: streaming with blocking, nothing else
            being different. ``same-model``: another server, protocol or mode for one model.
            ``models``: two models, whose totals are of answers of their own length. Null where
            one has no runs, and the plan does not name it.
        request: The request of the first run; null without runs.
        plan: What was to be done; null where nobody knows, as of runs that came without it.
        runs: All runs, in the order in which they were made.
        summary: Medians and ratios.
        notes: What must be known before believing them, each said once.
        verdict: What they show, and what to do; null unless both channels have runs.
    """

    schema: Literal["streamscope/comparison/1"] = COMPARISON_SCHEMA
    streamscope: str
    clock: Clock | None
    error_ns_p99: int | None
    calibration: Basis | None
    target: TargetRecord | None
    request: Request | None
    plan: Plan | None
    runs: list[RunRecord]
    summary: SummaryRecord
    notes: list[SharedNote]
    verdict: VerdictRecord | None = None
    question: Question | None = None
    channels: dict[str, ChannelRecord] = {}


class RunLine(RunRecord, frozen=True, kw_only=True):
    """One run that stands alone, as a line of JSON Lines.

    Its members are those of a run in a comparison, target and request always among them, and:

    Attributes:
        schema: Name and version of this schema.
        streamscope: Version of the program.
        plan: What was to be done in its comparison; null where nobody knows, and for a run alone.
    """

    schema: Literal["streamscope/run/1"] = RUN_SCHEMA
    streamscope: str
    plan: Plan | None = None
