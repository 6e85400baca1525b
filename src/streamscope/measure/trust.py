"""Whether the machine left the probe enough time to see what it says that it saw.

The thresholds are conventions, found by experiment; ``docs/trust.md`` tells how.
"""

from typing import Literal, TypeAlias

import msgspec

from streamscope.measure.conventions import Trust
from streamscope.measure.values import NS_PER_MS, NS_PER_S
from streamscope.trace import Trace

DoubtCode: TypeAlias = Literal["late", "merged", "stolen", "throttled"]
"""What stood in the way: looking late, reads that held several segments, other guests of the same
hypervisor, or a quota."""

DEFAULTS = Trust()
"""The conventions as they are when nobody has changed them."""


class Doubt(msgspec.Struct, frozen=True):
    """A reason not to trust the times of a run.

    Attributes:
        code: Short name, stable, for files and filters.
        sentence: One sentence for people.
    """

    code: DoubtCode
    sentence: str


def doubts(trace: Trace, thresholds: Trust = DEFAULTS) -> tuple[Doubt, ...]:
    """Return the reasons not to trust a run, the gravest first; none where nobody looked.

    Whoever looks late at a stamp of the kernel's still reads the right time. Only what queued
    meanwhile has lost its own: so there late looks count where reads held several segments.
    """
    observer = trace.observer
    if observer is None:
        return ()
    found: list[Doubt] = []
    lag_ns = observer.lag_p99_ns
    merged, share = merged_reads(trace)
    if lag_ns is not None and lag_ns > thresholds.lag_ms * NS_PER_MS:
        late = (
            f"The machine was busy: arrivals were looked at up to {_ms(observer.lag_max_ns)} late"
        )
        if share > thresholds.merged_share:
            found.append(Doubt("merged", f"{late}, and {merged} reads held several segments."))
        elif trace.clock == "read":
            found.append(Doubt("late", f"{late}."))
    if observer.stolen is not None and observer.stolen > thresholds.stolen_share:
        found.append(
            Doubt("stolen", f"The hypervisor took {observer.stolen:.0%} of the processor time.")
        )
    length_s = run_s(trace)
    if (observer.throttled_s or 0.0) > thresholds.throttled_share * length_s:
        found.append(
            Doubt("throttled", f"A quota stopped the processes for {observer.throttled_s:.1f} s.")
        )
    return tuple(found)


def is_busy(trace: Trace, thresholds: Trust = DEFAULTS) -> bool:
    """Tell whether the machine was too busy for a run to be pooled with others."""
    return bool(doubts(trace, thresholds))


def merged_reads(trace: Trace) -> tuple[int, float]:
    """Return how many reads of a stream held several segments, and what share of all that is."""
    if trace.mode == "blocking" or not trace.reads:
        return 0, 0.0
    merged = sum((read.segments or 1) > 1 for read in trace.shared.values())
    return merged, merged / trace.reads


def run_s(trace: Trace) -> float:
    """Return how long a run took from sending on, s."""
    last = trace.chunks[-1].t_ns if trace.chunks else 0
    return max([last, *trace.marks.values()]) / NS_PER_S


def _ms(ns: int | None) -> str:
    return f"{(ns or 0) / NS_PER_MS:.0f} ms"
