"""Show the text of a recorded stream later, or together, as an app might.

What arrives and what is shown are two things: apps batch, debounce, smooth, or hold back until
they have validated everything. Pacing a trace makes a trace of what would have been *shown*, so
that it can be replayed and measured like any other. Nothing is ever shown before it arrived, and
the marks of the run stay where they are.

Whatever still waits for its batch or its timer is shown when the response ends.
"""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Literal, TypeAlias

import msgspec

from streamscope.measure.gaps import Gaps, gap_statistics
from streamscope.measure.timing import survey
from streamscope.measure.values import NS_PER_MS, NS_PER_S
from streamscope.trace import Chunk, MarkName, TextKind, Trace

PacingKind: TypeAlias = Literal["raw", "batch", "debounce", "smooth", "whole"]

SLOWEST = 0.1
"""Lowest steady rate, chunks a second: below it nobody would see the end of an answer."""

_ENDS: tuple[MarkName, ...] = ("done", "error", "cancelled", "closed")


class Pacing(msgspec.Struct, frozen=True):
    """A way of showing a stream.

    ``raw``: as it came. ``batch``: so many chunks at a time. ``debounce``: what is pending is
    shown a fixed time after the first of it came, and the timer starts again with the next chunk;
    this is what apps mean by the word, though a strict debounce would start anew at every chunk
    and show nothing until the stream pauses. ``smooth``: at a steady rate, or as it comes where
    that is slower. ``whole``: all at the end mark, as an app must that validates or filters first.

    Attributes:
        kind: Which way.
        amount: ``batch``: chunks. ``debounce``: ms. ``smooth``: chunks a second, 0 for the
            stream's own mean rate. Otherwise unused.

    Raises:
        ValueError: If the amount makes no sense for the kind.
    """

    kind: PacingKind
    amount: float = 0

    def __post_init__(self) -> None:
        if not math.isfinite(self.amount) or self.amount < 0:
            raise ValueError(f"pacing needs an amount that is not negative, not {self.amount:g}")
        if self.kind == "batch" and (self.amount < 1 or self.amount != int(self.amount)):
            raise ValueError(f"a batch must be a whole number of chunks, not {self.amount:g}")
        if self.kind == "debounce" and self.amount == 0:
            raise ValueError("a debounce needs a time above 0 ms")
        if self.kind == "smooth" and 0 < self.amount < SLOWEST:
            raise ValueError(
                f"a steady rate must be 0 or at least {SLOWEST:g} chunks a second,"
                f" not {self.amount:g}"
            )

    @property
    def label(self) -> str:
        """What it does, for people."""
        if self.kind == "batch":
            return f"{self.amount:g} chunk{'' if self.amount == 1 else 's'} at a time"
        if self.kind == "debounce":
            return f"every {self.amount:g} ms"
        if self.kind == "smooth":
            return f"steady {self.amount:g} /s" if self.amount else "steady at its own rate"
        return "as it came" if self.kind == "raw" else "held back whole"


RAW = Pacing("raw")
PRESETS: tuple[Pacing, ...] = (
    RAW,
    Pacing("batch", 5),
    Pacing("debounce", 50),
    Pacing("debounce", 100),
    Pacing("smooth"),
    Pacing("whole"),
)
"""The ways that are offered, the plainest first."""


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """What pacing cost and what it won, for the answer; thinking is not counted.

    Attributes:
        delay_mean_ms: Mean delay of the answer's chunks; 0 without any, as are the other delays.
        delay_max_ms: The longest.
        first_delay_ms: That of the first.
        end_delay_ms: That of the last.
        gap_cv_before: Variation of the gaps as they came; ``None`` below two gaps.
        gap_cv_after: As they were shown.
        gap_p95_before_ms: 95th percentile of the gaps as they came; ``None`` without gaps.
        gap_p95_after_ms: As they were shown.
        stalls_before: Stalls as they came; ``None`` without gaps.
        stalls_after: As they were shown.
    """

    delay_mean_ms: float
    delay_max_ms: float
    first_delay_ms: float
    end_delay_ms: float
    gap_cv_before: float | None
    gap_cv_after: float | None
    gap_p95_before_ms: float | None
    gap_p95_after_ms: float | None
    stalls_before: int | None
    stalls_after: int | None


def pace(trace: Trace, pacing: Pacing) -> Trace:
    """Return a run as it would have been shown.

    Chunks of all kinds are paced together and keep their order. What is shown at one moment is
    one arrival: the same time, the same read. The last text may come after the end mark.

    Args:
        trace: The run as it was recorded. It is not changed. A blocking one is returned as it is.
        pacing: How to show it.
    """
    if pacing.kind == "raw" or trace.mode == "blocking" or not trace.chunks:
        return trace
    arrived: list[int] = []
    for chunk in trace.chunks:  # a clock may step back by less than it resolves
        arrived.append(max(chunk.t_ns, arrived[-1]) if arrived else chunk.t_ns)
    end = max(arrived[-1], _end(trace))
    if pacing.kind == "smooth":
        shown = _smooth(trace.chunks, arrived, pacing.amount)
    else:
        shown = _SHOWN[pacing.kind](arrived, end, pacing.amount)
    return msgspec.structs.replace(
        trace,
        marks=dict(trace.marks),
        chunks=_retimed(trace.chunks, shown),
        flags=[*trace.flags, f"paced:{pacing.kind}"],
    )


def effect(raw: Trace, paced: Trace) -> Effect:
    """Compare a run with the same run as it was shown.

    Raises:
        ValueError: If they are not of the same run.
    """
    if len(raw.chunks) != len(paced.chunks):
        raise ValueError("only a run and its own paced copy can be compared")
    delays = [
        (shown.t_ns - came.t_ns) / NS_PER_MS
        for came, shown in zip(raw.chunks, paced.chunks, strict=True)
        if came.kind == "answer"
    ] or [0.0]
    before, after = _gaps(raw), _gaps(paced)
    return Effect(
        delay_mean_ms=math.fsum(delays) / len(delays),
        delay_max_ms=max(delays),
        first_delay_ms=delays[0],
        end_delay_ms=delays[-1],
        gap_cv_before=before.cv if before else None,
        gap_cv_after=after.cv if after else None,
        gap_p95_before_ms=before.p95_ms if before else None,
        gap_p95_after_ms=after.p95_ms if after else None,
        stalls_before=before.stalls if before else None,
        stalls_after=after.stalls if after else None,
    )


def _gaps(trace: Trace) -> Gaps | None:
    return gap_statistics(survey(trace).arrivals_ns)


def _end(trace: Trace) -> int:
    """Return when an app knew that nothing more would come; 0 if it never did."""
    return next((trace.marks[name] for name in _ENDS if name in trace.marks), 0)


def _retimed(chunks: Sequence[Chunk], shown: Sequence[int]) -> list[Chunk]:
    """Give chunks new times; those of one moment share a read, counted from 0."""
    reads = [0]
    for before, after in pairwise(shown):
        reads.append(reads[-1] + (after > before))
    return [
        Chunk(t_ns, chunk.kind, chunk.text, read, chunk.server_ns)
        for chunk, t_ns, read in zip(chunks, shown, reads, strict=True)
    ]


def _batched(arrived: Sequence[int], end: int, amount: float) -> list[int]:
    size, count = int(amount), len(arrived)
    lasts = (i // size * size + size - 1 for i in range(count))
    return [arrived[last] if last < count else end for last in lasts]


def _debounced(arrived: Sequence[int], end: int, amount: float) -> list[int]:
    shown: list[int] = []
    flush = arrived[0] - 1
    for now in arrived:
        if now > flush:
            flush = min(now + round(amount * NS_PER_MS), end)
        shown.append(flush)
    return shown


def _whole(arrived: Sequence[int], end: int, _amount: float) -> list[int]:
    return [end] * len(arrived)


_SHOWN: dict[PacingKind, Callable[[Sequence[int], int, float], list[int]]] = {
    "batch": _batched,
    "debounce": _debounced,
    "whole": _whole,
}


def _smooth(chunks: Sequence[Chunk], arrived: Sequence[int], rate: float) -> list[int]:
    """Keep an even distance: ``r_i = max(v_i, r_(i-1) + 1 / rate)``.

    A stream's own rate is taken for each kind of text, from its first chunk to its last: the pace
    of the thinking says nothing about that of the answer.
    """
    steps = _own_steps(chunks, arrived) if not rate else {}
    step = NS_PER_S / rate if rate else 0.0
    shown: list[int] = []
    earliest = -math.inf
    for chunk, came in zip(chunks, arrived, strict=True):
        now = max(came, earliest)
        shown.append(round(now))
        earliest = now + steps.get(chunk.kind, step)
    return shown


def _own_steps(chunks: Sequence[Chunk], arrived: Sequence[int]) -> dict[TextKind, float]:
    """Return the mean distance (ns) of the chunks of each kind; 0 for a single one."""
    times: dict[TextKind, list[int]] = {}
    for chunk, came in zip(chunks, arrived, strict=True):
        times.setdefault(chunk.kind, []).append(came)
    return {
        kind: (each[-1] - each[0]) / (len(each) - 1) if len(each) > 1 else 0.0
        for kind, each in times.items()
    }
