"""Where the time of a run went, in words and as bars in a text."""

from collections.abc import Iterable, Mapping, Sequence

from streamscope.measure.figures import measure
from streamscope.measure.values import NS_PER_MS, NS_PER_S
from streamscope.measure.waterfall import (
    SPANS,
    Row,
    Span,
    SpanName,
    headers_with_text,
    rows,
    waterfall,
)
from streamscope.report.words import seconds
from streamscope.trace import Ended, Trace

LEAST_WIDTH = 40
"""Columns below which bars are not made smaller."""

_LABEL = 24
_LENGTH = 9
_LEAST_BAR = 4
_NOTICED = 0.02
"""Share by which a server's duration may exceed the time there was before it is spoken of."""

_BROKEN: Mapping[Ended, str] = {"error": "It failed", "cancelled": "It was stopped"}

_WAIT, _SERVER, _SLIVER = ("·", "."), ("▒", "="), ("▏", "|")
_GLYPHS: Mapping[SpanName, tuple[str, str]] = {
    "thinking": ("░", "-"),
    "answering": ("█", "#"),
    "calling": ("█", "#"),
    "receiving": ("█", "#"),
}
"""What each span is drawn with, and with what where only ASCII can be written. Others are waits."""

_BEFORE_SENDING = frozenset({"resolving", "connecting", "securing"})


def phases_words(trace: Trace) -> list[str]:
    """Say where the time went, one sentence or list a line; lengths are measured, or marked ``~``.

    The first line holds the spans of ours, which add up to the whole; then comes what is special.
    """
    spans = waterfall(trace)
    if not spans:
        return ["It did not get so far that anything could be timed."]
    found = rows(spans)
    ours = (_row_words(row) for row in found if row.source == "ours")
    return [" · ".join(ours), *_server_words(spans, found), *phase_remarks(trace)]


def phase_remarks(trace: Trace) -> list[str]:
    """Say what is special about where the time went, beside the lengths; often nothing is.

    The lengths are those that ``phase_bars`` writes, the server's among them.
    """
    spans = waterfall(trace)
    lines = []
    if trace.connection == "reused":
        lines.append("Connection reused: nothing to connect.")
    if trace.mode == "stream" and headers_with_text(trace):
        lines.append("The headers came with the first text: they say nothing about prefill.")
    lines += _cut_words(spans)
    if spans and trace.ended is not None and trace.ended in _BROKEN:
        lines.append(f"{_BROKEN[trace.ended]} in the last of these: {_last(spans)}.")
    return lines


def phase_bars(trace: Trace, width: int = 80, *, ascii_only: bool = False) -> list[str]:
    """Draw a run as one line a span, then what they come to: label, bar, length.

    However short a span is, its place is seen. What could be read is drawn full, thinking light,
    waits as dots; the server's own account, indented, lies below the span that holds it. The whole
    is more than the total of a run, which begins when it is sent and ends with its last text: both
    are named where they differ.

    Args:
        trace: The run.
        width: Columns; never fewer than ``LEAST_WIDTH``.
        ascii_only: Whether nothing but ASCII can be written.
    """
    spans = waterfall(trace)
    if not spans:
        return []
    room = max(LEAST_WIDTH, width) - _LABEL - _LENGTH - 2
    room = max(_LEAST_BAR, room)
    start = spans[0].start_ns
    scale = max(1, max(span.end_ns for span in spans) - start)
    lines = []
    for row in rows(spans):
        glyphs = _glyph(row, ascii_only=ascii_only), _SLIVER[ascii_only]
        bar = _bar(row.spans, start, scale, room, *glyphs)
        label = "  " * (row.source == "server") + SPANS[row.name].label
        lines.append(f"{label:<{_LABEL}} {bar} {_length_words(row):>{_LENGTH}}")
    sums = [(_whole_label(spans[0]), length_words(scale))]
    total_s = measure(trace)["total_s"]
    if total_s is not None and (total := length_words(round(total_s * NS_PER_S))) != sums[0][1]:
        text = "whole body" if trace.mode == "blocking" else "last text"
        sums.append((f"total: sent to the {text}", total))
    return lines + [f"{name:<{_LABEL + room + 1}} {length:>{_LENGTH}}" for name, length in sums]


def length_words(length_ns: int) -> str:
    """Write how long something lasted: ``0.21 ms``, ``35.0 ms``, ``7.69 s``."""
    if 0 < length_ns < 1000:
        return "<0.001 ms"
    return "0 ms" if length_ns <= 0 else seconds(length_ns / NS_PER_S)


def _whole_label(first: Span) -> str:
    if first.start_ns >= 0:
        return "in all"
    return f"in all, {'connecting' if first.name in _BEFORE_SENDING else 'sending'} included"


def _length_words(row: Row) -> str:
    return f"{'~' if row.estimated else ''}{length_words(row.length_ns)}"


def _row_words(row: Row) -> str:
    turns = f" in {len(row.spans)} stretches" if len(row.spans) > 1 else ""
    return f"{SPANS[row.name].label} {_length_words(row)}{turns}"


def _server_words(spans: Sequence[Span], found: Sequence[Row]) -> list[str]:
    """Say what the server did while we waited, and in which of our spans that lies."""
    parts = [_row_words(row) for row in found if row.source == "server" and row.length_ns]
    if not parts:
        return []
    first = next(index for index, span in enumerate(spans) if span.source == "server")
    holder = SPANS[spans[first - 1].name].label
    return [f"While {holder}, as the server's durations tell: {' · '.join(parts)}."]


def _cut_words(spans: Iterable[Span]) -> list[str]:
    """Say which durations of the server's were longer than the time there was."""
    return [
        f"The server's {length_words(span.claimed_ns)} of {SPANS[span.name].label} are more than"
        f" the {length_words(span.length_ns)} there were for it: cut in the drawing."
        for span in spans
        if span.claimed_ns is not None and _matters(span.claimed_ns - span.length_ns, span)
    ]


def _matters(over_ns: int, span: Span) -> bool:
    return over_ns > max(NS_PER_MS, _NOTICED * span.length_ns)


def _last(spans: Sequence[Span]) -> str:
    return SPANS[[span for span in spans if span.source == "ours"][-1].name].label


def _glyph(row: Row, *, ascii_only: bool) -> str:
    glyphs = _SERVER if row.source == "server" else _GLYPHS.get(row.name, _WAIT)
    return glyphs[ascii_only]


def _bar(spans: Iterable[Span], start: int, scale: int, room: int, glyph: str, sliver: str) -> str:
    """Draw spans on a scale, each on a cell at least; a sliver is less than half of one."""
    cells = [" "] * room
    for span in spans:
        first = min(room - 1, (span.start_ns - start) * room // scale)
        if 2 * span.length_ns * room < scale:
            cells[first] = sliver
            continue
        last = max(first + 1, -(-(span.end_ns - start) * room // scale))
        cells[first:last] = glyph * (min(last, room) - first)
    return "".join(cells)
