"""Turn rows of text into strips of styled cells that know which character lies where."""

from itertools import pairwise
from typing import Final

from rich.segment import Segment
from rich.style import Style
from textual.selection import Selection
from textual.strip import Strip

from streamscope.trace import TextKind
from streamscope.tui.widgets.clusters import snap
from streamscope.tui.widgets.wrapping import Document, Piece, Row, draw, wrap

GUTTERS: Final[dict[TextKind, str]] = {"reasoning": "▏ ", "tool": "┆ "}
"""What marks the rows of a lane, in two cells, so that it does not rely on a colour."""

INDENTS: Final[dict[TextKind, int]] = {kind: len(gutter) for kind, gutter in GUTTERS.items()}
"""Cells that the gutter of each lane takes."""


def row_strip(
    document: Document,
    row: Row,
    width: int,
    style: Style,
    marked: Style,
    selected: tuple[int, int],
) -> Strip:
    """Draw one row.

    Args:
        document: Where the row comes from.
        row: The row.
        width: Cells of the strip.
        style: Style of the text.
        marked: Style of selected text.
        selected: Start and end of what is selected in the row's text; equal for nothing.
    """
    kind = document.lines[row.line].kind
    first, last = selected

    def segment(text: str, offset: int, look: Style) -> Segment:
        # By this mark, Textual knows which character lies under the pointer.
        return Segment(text, look + Style.from_meta({"offset": (row.start + offset, row.line)}))

    gutter = GUTTERS.get(kind, "")[: document.indents.get(kind, 0)]
    segments = [segment(cell, 0, style) for cell in gutter]
    pieces = draw(row.text, document.width_of(kind))
    for piece in _divide(pieces, selected) if first < last else pieces:
        inside = first <= piece.start < last
        segments.append(segment(piece.text, piece.start, marked if inside else style))
    if not pieces:
        segments.append(segment(" ", 0, style))  # so that an empty row can be pointed at
    return Strip(segments).crop_extend(0, width, style)


def selected_part(row: Row, selection: Selection) -> tuple[int, int] | None:
    """Return start and end of what is selected in a row's text, in whole clusters, if any."""
    span = selection.get_span(row.line)
    if span is None:
        return None
    start, end = span
    first = snap(row.text, max(0, start - row.start), up=False)
    last = len(row.text) if end == -1 else snap(row.text, end - row.start, up=True)
    return (first, last) if first < min(last, len(row.text)) else None


def centred_line(text: str, y: int, width: int, height: int, style: Style) -> Strip:
    """Return one line of a pane in whose middle a text stands."""
    lines = [line for paragraph in text.split("\n") for line in wrap(paragraph, width)]
    index = y - max(0, (height - len(lines)) // 2)
    if not 0 <= index < len(lines):
        return Strip.blank(width, style)
    shown = "".join(piece.text for piece in draw(lines[index].rstrip(), width))
    line = Strip([Segment(shown, style)])
    left = Strip.blank((width - line.cell_length) // 2, style)
    return Strip.join([left, line]).crop_extend(0, width, style)


def _divide(pieces: list[Piece], selected: tuple[int, int]) -> list[Piece]:
    """Cut pieces at the edges of the selection, which lie between clusters."""
    divided: list[Piece] = []
    for piece in pieces:
        text, start, end = piece
        if not piece.literal:
            divided.append(piece)
            continue
        edges = [start, *(edge for edge in selected if start < edge < end), end]
        divided.extend(Piece(text[a - start : b - start], a, b) for a, b in pairwise(edges))
    return divided
