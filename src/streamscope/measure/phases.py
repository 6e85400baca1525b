"""What a run is doing, always in a word, so that slow never looks like stuck."""

from typing import Literal, TypeAlias

import msgspec

from streamscope.measure.live import LiveFigures
from streamscope.measure.values import NS_PER_S
from streamscope.trace import Ended, MarkName, TextKind, Trace

PhaseName: TypeAlias = Literal[
    "connecting",  # name, TCP, TLS
    "sending",  # the request is on its way
    "waiting",  # nothing to read yet: queue, load, prefill, or thinking in silence
    "thinking",  # reasoning text arrives
    "answering",  # answer text arrives
    "calling",  # a tool call arrives
    "receiving",  # bytes of a blocking body arrive; none can be read yet
    "finishing",  # the text is over, the response is not
    "done",
    "incomplete",  # over, without the protocol's end mark, or withheld by a filter
    "failed",
    "stopped",
]

_FINAL: dict[Ended, PhaseName] = {
    "stop": "done",
    "length": "done",
    "tool": "done",
    "filter": "incomplete",
    "incomplete": "incomplete",
    "error": "failed",
    "cancelled": "stopped",
}
_OF_KIND: dict[TextKind, PhaseName] = {
    "reasoning": "thinking",
    "answer": "answering",
    "tool": "calling",
}
_FINAL_MARKS: tuple[MarkName, ...] = ("cancelled", "error", "closed", "done")
_BEFORE_TEXT: tuple[tuple[MarkName, PhaseName], ...] = (
    ("sent", "waiting"),
    ("sending", "sending"),
    ("connecting", "connecting"),
)


class Phase(msgspec.Struct, frozen=True, kw_only=True):
    """A phase and its age.

    Attributes:
        name: The word for it.
        since_ns: When it began, ns since sent (negative before that).
        elapsed_s: How long it has lasted; for a final phase, how long ago it ended.
    """

    name: PhaseName
    since_ns: int
    elapsed_s: float


def phase(trace: Trace, now_ns: int, live: LiveFigures | None = None) -> Phase:
    """Name what a run is doing.

    Args:
        trace: The run so far.
        now_ns: The present, on the clock of the trace's marks.
        live: Its live figures. With them the answer takes constant time; without them, time
            proportional to the chunks of the present kind.
    """
    name, since = _now(trace, live)
    since = now_ns if since is None else since
    return Phase(name=name, since_ns=since, elapsed_s=max(0, now_ns - since) / NS_PER_S)


def _now(trace: Trace, live: LiveFigures | None) -> tuple[PhaseName, int | None]:
    marks = trace.marks
    if trace.ended is not None:
        ends = (marks[name] for name in _FINAL_MARKS if name in marks)
        return _FINAL[trace.ended], next(ends, max(marks.values(), default=None))
    for mark in ("done", "finish"):
        if mark in marks:
            return "finishing", marks[mark]
    if trace.mode == "blocking":
        if "first_byte" in marks:
            return "receiving", marks["first_byte"]
    elif trace.chunks:
        kind = trace.chunks[-1].kind
        if live is not None and live.kind == kind:
            return _OF_KIND[kind], live.since_ns
        return _OF_KIND[kind], _stretch_start(trace, kind)
    for mark, name in _BEFORE_TEXT:
        if mark in marks:
            return name, marks[mark]
    return "connecting", None


def _stretch_start(trace: Trace, kind: TextKind) -> int:
    """Return when the unbroken stretch of one kind at the end of the chunks began."""
    start = trace.chunks[-1].t_ns
    for chunk in reversed(trace.chunks):
        if chunk.kind != kind:
            break
        start = chunk.t_ns
    return start
