"""Where the time of both runs went: bars on one axis in time, and what is to be said of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from textual.content import Content

from streamscope.measure.values import NS_PER_S
from streamscope.measure.waterfall import SPANS, Row, Span, SpanName, rows, waterfall
from streamscope.report.evidence_words import server_words
from streamscope.report.phases_words import length_words, phase_remarks
from streamscope.tui.evidence import SIDES, headings
from streamscope.tui.faces import muted, plain
from streamscope.tui.widgets.ticks import axis, tick

if TYPE_CHECKING:
    from streamscope.trace import ChannelName, Trace
    from streamscope.tui.evidence import Pair

WIDEST: Final = 160
"""Cells beyond which bars grow no longer."""

SLIVER: Final = "▏"
"""What is too short for its own glyph."""

_LABEL: Final = 24
_LENGTH: Final = 10
_LEAST_BAR: Final = 10
_TICK: Final = 9
"""Cells that a number on the axis wants to itself."""

_EIGHTHS: Final = " ▏▎▍▌▋▊▉"
_FULL: Final = "█"
_WAIT: Final = "·"
_GLYPHS: Final[Mapping[SpanName, str]] = {
    "thinking": "░",
    "answering": _FULL,
    "calling": _FULL,
    "receiving": _FULL,
}
_SERVER: Final = "▒"
_COLOURS: Final[dict[ChannelName, str]] = {"A": "$channel-a", "B": "$channel-b"}

LEGEND: Final = "· waits  ░ thinks  █ text comes  ▒ the server's own account  ▏ too short"


def phases_page(pair: Pair, width: int) -> Content:
    """Draw both runs on one axis, one line a span, and say below what is special.

    Args:
        pair: The runs.
        width: Cells of a line.
    """
    spans = {side: waterfall(pair[side].run.trace) for side in SIDES if side in pair}
    every = [span for found in spans.values() for span in found]
    if not every:
        return muted("Neither run got so far that anything could be timed.")
    room = max(_LEAST_BAR, min(width, WIDEST) - _LABEL - _LENGTH - 1)
    scale = _Scale(every, room)
    lines, names = [scale.heading()], headings(pair)
    for side, found in spans.items():
        lines.append(Content.styled(names[side], f"bold {_COLOURS[side]}"))
        lines += [_line(row, side, scale) for row in rows(found)]
        lines += [Content()]
    lines.append(muted(LEGEND))
    for side in spans:
        lines += [Content(), *_told(side, names[side], pair[side].run.trace)]
    return Content("\n").join(lines)


class _Scale:
    """Cells to time: from the first mark of both runs to the last, in a number of cells."""

    def __init__(self, spans: Iterable[Span], room: int) -> None:
        spans = list(spans)
        self.room = room
        self.start_ns = min(span.start_ns for span in spans)
        end_ns = max(span.end_ns for span in spans)
        self.length_ns = max(1, end_ns - self.start_ns)
        self.end_s = max(0, end_ns) / NS_PER_S

    def cell(self, moment_ns: int) -> float:
        """Return where a moment lies, in cells from the left edge."""
        return (moment_ns - self.start_ns) * self.room / self.length_ns

    def heading(self) -> Content:
        """Return the line with the numbers of the axis: seconds since the request was sent."""
        cells = [" "] * self.room
        ticks = axis(self.end_s, max(1, self.room // _TICK)).ticks if self.end_s else (0.0,)
        for value in ticks:
            text = f"{tick(value)} s" if value else "0"
            at = math.floor(self.cell(round(value * NS_PER_S)))
            if at + len(text) <= self.room:
                cells[at : at + len(text)] = text
        title = f"{'where the time went':<{_LABEL + _LENGTH + 1}}"
        return Content.assemble((title, "bold"), muted("".join(cells).rstrip()))


def _line(row: Row, side: ChannelName, scale: _Scale) -> Content:
    """Draw a span: its name, its length, and its bars; what could be read has the side's colour."""
    server = row.source == "server"
    label = f"  {f'  {_SERVER} ' if server else ''}{SPANS[row.name].label}"
    glyph = _SERVER if server else _GLYPHS.get(row.name, _WAIT)
    length = f"{'~' if row.estimated else ''}{length_words(row.length_ns)}"
    read = glyph == _FULL
    return Content.assemble(
        (f"{label:<{_LABEL}}", "" if read else "$text-muted"),
        (f"{length:>{_LENGTH}} ", "" if not server else "$text-muted"),
        (_bar(row, scale, glyph), _COLOURS[side] if read else "$dim-lane"),
    )


def _bar(row: Row, scale: _Scale, glyph: str) -> str:
    """Draw spans, however short, on a cell at least."""
    cells = [" "] * scale.room
    for span in row.spans:
        begin, end = scale.cell(span.start_ns), scale.cell(span.end_ns)
        first = min(scale.room - 1, math.floor(begin))
        if end - begin < 0.5:
            cells[first] = SLIVER
            continue
        last = max(first + 1, math.floor(end) if glyph == _FULL else round(end))
        cells[first:last] = glyph * (last - first)
        part = math.floor((end - last) * len(_EIGHTHS)) if glyph == _FULL else 0
        if part > 0 and last < scale.room:
            cells[last] = _EIGHTHS[part]
    return "".join(cells[: scale.room]).rstrip()


def _told(side: ChannelName, name: str, trace: Trace) -> list[Content]:
    """Say what is special about a run, and what its server says of itself."""
    said = [*phase_remarks(trace), *server_words(trace, drawn=True)]
    heading = Content.styled(name, f"bold {_COLOURS[side]}")
    lines = [plain(each) for each in said] or [muted("The server gives no times of its own.")]
    return [heading, *(Content.assemble("• ", line) for line in lines)]
