"""Whether the machine left the probe, and a server beside it, enough time.

The thresholds are conventions, found by experiment; ``docs/trust.md`` tells how.
"""

from collections.abc import Sequence
from typing import Literal, TypeAlias

import msgspec

from streamscope.measure.conventions import Trust
from streamscope.measure.values import NS_PER_MS, NS_PER_S
from streamscope.trace import Observer, Trace

DoubtCode: TypeAlias = Literal["late", "waited", "stolen", "throttled"]
"""What stood in the way: looking late at what arrived, waiting for a processor, other guests of
the same hypervisor, or a quota."""

USUAL = Trust()
"""The conventions where nobody has changed them."""


_BUSY = "The machine was busy"

_AT_WORST: dict[DoubtCode, str] = {
    "late": "arrivals were looked at up to {:.0f} ms late",
    "waited": "the probe was ready, but had no processor, for up to {:.1f} s of a run",
    "stolen": "a hypervisor took up to {:.0f} % of the processor time",
    "throttled": "a quota stopped the processes for up to {:.1f} s of a run",
}
"""What befell several runs, at worst."""

LEAST_S = 0.1
"""Time lost that is worth a word even in the shortest run, s."""

LEAST_READS = 3
"""Reads that held several segments that are worth a word even in the shortest stream."""


class Doubt(msgspec.Struct, frozen=True):
    """A reason not to trust the times of a run.

    Attributes:
        code: Short name, stable, for files and filters.
        sentence: One sentence for people.
    """

    code: DoubtCode
    sentence: str


def doubts(trace: Trace, thresholds: Trust = USUAL) -> tuple[Doubt, ...]:
    """Return the reasons not to trust a run, the gravest first; none where nobody looked."""
    observer = trace.observer
    if observer is None:
        return ()
    found = (
        Doubt("late", _late(trace, observer, thresholds)),
        Doubt("waited", _waited(trace, observer, thresholds)),
        Doubt("stolen", _stolen(observer, thresholds)),
        Doubt("throttled", _throttled(trace, observer, thresholds)),
    )
    return tuple(doubt for doubt in found if doubt.sentence)


def is_busy(trace: Trace, thresholds: Trust = USUAL) -> bool:
    """Tell whether the machine was too busy for a run to be pooled with others."""
    return bool(doubts(trace, thresholds))


def busy_words(trace: Trace) -> str:
    """Say why a run that was marked as busy was, in one paragraph; empty if it was not marked."""
    if not trace.busy:
        return ""
    # It was marked by the settings of its time, which may have been stricter than the usual ones.
    words = [doubt.sentence for doubt in doubts(trace)] or [f"{_BUSY}."]
    said = words[:1] + [_without_busy(sentence) for sentence in words[1:]]
    return " ".join([*said, "The times of this run can't be trusted."])


def busy_words_of(traces: Sequence[Trace]) -> str:
    """Say why several runs were marked, with the worst that befell any; empty if none was."""
    marked = [trace for trace in traces if trace.busy]
    if len(marked) < 2:
        return busy_words(marked[0]) if marked else ""
    worst: dict[DoubtCode, float] = {}
    for trace in marked:
        for doubt in doubts(trace):
            worst[doubt.code] = max(worst.get(doubt.code, 0.0), _size(doubt.code, trace))
    said = [_AT_WORST[code].format(worst[code]) for code in _AT_WORST if code in worst]
    why = f"{_BUSY}: {', '.join(said)}" if said else _BUSY
    return f"{why}. The times of these runs can't be trusted."


def merged_reads(trace: Trace) -> tuple[int, float]:
    """Return how many reads of a stream held several segments, and what share of all that is."""
    if trace.mode == "blocking" or not trace.reads:
        return 0, 0.0
    merged = sum((read.segments or 1) > 1 for read in trace.shared.values())
    return merged, merged / trace.reads


def length_s(trace: Trace) -> float:
    """Return how long a run took from sending on, s."""
    last = trace.chunks[-1].t_ns if trace.chunks else 0
    return max([last, *trace.marks.values()]) / NS_PER_S


def _without_busy(sentence: str) -> str:
    """Leave out what a sentence before has said already."""
    rest = sentence.removeprefix(f"{_BUSY}: ")
    return rest[:1].upper() + rest[1:]


def _size(code: DoubtCode, trace: Trace) -> float:
    """Return how bad it was, as ``_AT_WORST`` says it."""
    seen = trace.observer
    if seen is None:
        return 0.0
    sizes: dict[DoubtCode, float] = {
        "late": (seen.lag_max_ns or seen.lag_p99_ns or 0) / NS_PER_MS,
        "waited": seen.waited_s or 0.0,
        "stolen": 100 * (seen.stolen or 0.0),
        "throttled": seen.throttled_s or 0.0,
    }
    return sizes[code]


def _late(trace: Trace, observer: Observer, thresholds: Trust) -> str:
    """Say that arrival times are wrong because the probe looked late.

    Whoever looks late at a stamp of the kernel's still reads the right time. Only what queued
    before the read has lost its own: there, late looks count where reads held several segments.
    """
    lag_ns = observer.lag_p99_ns
    merged, share = merged_reads(trace)
    if lag_ns is None:
        return ""
    queued = (
        merged >= LEAST_READS
        and share > thresholds.merged_share
        and lag_ns > thresholds.merged_lag_ms * NS_PER_MS
    )
    by_read = trace.clock == "read" and lag_ns > thresholds.lag_ms * NS_PER_MS
    if not (queued or by_read):
        return ""
    most_ms = (observer.lag_max_ns or lag_ns) / NS_PER_MS
    late = f"The machine was busy: arrivals were looked at up to {most_ms:.0f} ms late"
    if not merged:
        return f"{late}."
    return f"{late}, and {merged} {'read' if merged == 1 else 'reads'} held several segments."


def _waited(trace: Trace, observer: Observer, thresholds: Trust) -> str:
    run_s = length_s(trace)
    waited_s = observer.waited_s or 0.0
    if waited_s <= max(LEAST_S, thresholds.waited_share * run_s):
        return ""
    return (
        "The machine was busy: the probe was ready, but had no processor, for"
        f" {waited_s:.1f} of {run_s:.1f} s."
    )


def _stolen(observer: Observer, thresholds: Trust) -> str:
    if observer.stolen is None or observer.stolen <= thresholds.stolen_share:
        return ""
    return f"The hypervisor took {100 * observer.stolen:.0f} % of the processor time."


def _throttled(trace: Trace, observer: Observer, thresholds: Trust) -> str:
    stopped_s = observer.throttled_s or 0.0
    if stopped_s <= max(LEAST_S, thresholds.throttled_share * length_s(trace)):
        return ""
    return f"A quota stopped the processes for {stopped_s:.1f} s."
