"""Wrap text into rows while it grows. Pure: no screen, no clock.

The wrap is greedy and needs nothing but the text from the start of a row to decide where that
row ends. So text that is appended can only change the last row, and appending costs time in
proportion to what is new. Words break at spaces and tabs, which hang unseen over the edge;
wide (CJK) characters may be parted anywhere, but punctuation stays with what it belongs to;
a word longer than a row is cut at the edge, but never inside a cluster.
"""

import re
from bisect import bisect_right
from collections.abc import Mapping
from typing import Final, NamedTuple

from rich.cells import get_character_cell_size

from streamscope.trace import TextKind
from streamscope.tui.widgets.clusters import MAX_CLUSTER, clusters, is_broken, is_simple

TAB: Final = 8
"""Distance of tab stops, in cells."""

_BROKEN = "\ufffd"
_TOO_WIDE = "…"

_spaces = re.compile(" *").match

_STAYS_BEHIND = frozenset(
    "!%),.:;?]}’”»›…‥—–‧·℃、。〃々〉》」』】〕〗〙〛〞！％），．：；？］｝～ー・"
)
_STAYS_BEFORE = frozenset("([{‘“«‹〈《「『【〔〖〘〚〝（［｛＄￥￡")


class Row(NamedTuple):
    """One row on the screen.

    Attributes:
        line: Index of the logical line that it is a part of.
        start: Offset of its text in that line, in code points.
        text: Its text, with the spaces at its end that hang over the edge.
    """

    line: int
    start: int
    text: str


class Line(NamedTuple):
    """One logical line: text between two newlines, or of one kind.

    Attributes:
        kind: What its text is.
        row: Index of its first row.
    """

    kind: TextKind
    row: int


class Piece(NamedTuple):
    """A part of a row as it is drawn.

    Attributes:
        text: What is drawn.
        start: Offset in the row's text of the first code point that it stands for.
        end: Offset behind the last one.
    """

    text: str
    start: int
    end: int

    @property
    def literal(self) -> bool:
        """Whether the text is drawn as it is, so that it may be parted between clusters."""
        return len(self.text) == self.end - self.start


def wrap(text: str, width: int) -> list[str]:
    """Part a text without newlines into rows; joined, they are the text. Never empty."""
    width = max(1, width)
    # Spaces that hang cost nothing on the screen, but a row must not grow without end.
    bound = MAX_CLUSTER * (width + 2)
    return (_wrap_simple if is_simple(text) else _wrap_any)(text, width, bound)


def _wrap_simple(text: str, width: int, bound: int) -> list[str]:
    rows: list[str] = []
    position = 0
    while len(text) - position > width:
        space = text.rfind(" ", position, position + width + 1)
        end = position + width
        if space >= 0:
            hanging = _spaces(text, space, position + bound)
            assert hanging is not None
            end = hanging.end()
            if end == len(text):
                break
        rows.append(text[position:end])
        position = end
    rows.append(text[position:])
    return rows


def _wrap_any(text: str, width: int, bound: int) -> list[str]:
    rows: list[str] = []
    row = 0  # where the row starts
    column = 0
    chance = 0  # the last place in the row where it may be broken, and its column
    chance_column = 0
    before = ""  # the first character of the cluster before
    for start, end, cells in clusters(text):
        char = text[start]
        if char == "\t" or (char == " " and end == start + 1):
            if end - row > bound:
                rows.append(text[row:start])
                row, column = start, 0
            column += TAB - column % TAB if char == "\t" else 1
            chance, chance_column = end, column
        else:
            cells = min(cells, width)
            if start > row and _may_part(before, char):
                chance, chance_column = start, column
            while column + cells > width and start > row:
                cut = chance if chance > row else start
                rows.append(text[row:cut])
                column = column - chance_column if cut == chance else 0
                row = cut
            column += cells
        before = char
    rows.append(text[row:])
    return rows


def _may_part(before: str, char: str) -> bool:
    """Whether a row may end between two characters, neither of which is a space."""
    if before in _STAYS_BEFORE or char in _STAYS_BEHIND:
        return False
    return get_character_cell_size(before) == 2 or get_character_cell_size(char) == 2


def draw(text: str, width: int) -> list[Piece]:
    """Return what of a row's text is drawn: at most ``width`` cells, tabs made of spaces."""
    width = max(1, width)
    if is_simple(text):
        shown = text[:width]
        return [Piece(shown, 0, len(shown))] if shown else []
    pieces: list[Piece] = []
    begun = 0  # where the text that is drawn as it is begins
    column = 0
    for start, end, cells in clusters(text):
        char = text[start]
        instead = ""
        if char == "\t":
            cells = min(TAB - column % TAB, width - column)
            instead = " " * cells
        elif is_broken(char):
            instead = _BROKEN
        elif cells > width:
            cells, instead = 1, _TOO_WIDE
        if column + cells > width or cells <= 0:
            end = start  # the rest are spaces that hang over the edge
        if instead or end == start:
            if start > begun:
                pieces.append(Piece(text[begun:start], begun, start))
            begun = end
        if end == start:
            return pieces
        # One piece a cell, so that each cell of a tab leads back to the tab.
        pieces.extend(Piece(cell, start, end) for cell in instead)
        column += cells
    if begun < len(text):
        pieces.append(Piece(text[begun:], begun, len(text)))
    return pieces


class Document:
    """Text of several kinds, wrapped to a width, that grows at its end.

    Attributes:
        width: Cells of a row, before its indent.
        indents: Cells that rows of a kind leave free at their start.
        rows: All rows.
        lines: All logical lines.
    """

    def __init__(self, width: int, indents: Mapping[TextKind, int]) -> None:
        self.width = width
        self.indents = indents
        self.rows: list[Row] = []
        self.lines: list[Line] = []

    def width_of(self, kind: TextKind) -> int:
        """Return the cells that text of a kind may take in a row; at least 1."""
        return max(1, self.width - self.indents.get(kind, 0))

    @property
    def height(self) -> int:
        """Rows to show: an empty line at the very end is not there yet."""
        count = len(self.rows)
        return count - (count > 0 and not self.rows[-1].text)

    def append(self, kind: TextKind, text: str) -> int:
        """Add text at the end; return the index of the first row that changed.

        Text of another kind than the last begins a new line.
        """
        if not text:
            return len(self.rows)
        if not self.lines or self.lines[-1].kind != kind:
            if self.lines and not self.line_text(len(self.lines) - 1):
                del self.lines[-1], self.rows[-1]
            self._begin_line(kind)
        first = len(self.rows) - 1
        for index, part in enumerate(text.split("\n")):
            if index:
                self._begin_line(kind)
            if part:
                self._extend(kind, part)
        return first

    def resume(self, kind: TextKind, line: int, text: str) -> None:
        """Add text without newlines to the last line, or begin the next one with it."""
        if line == len(self.lines):
            self._begin_line(kind)
        if text:
            self._extend(kind, text)

    def _begin_line(self, kind: TextKind) -> None:
        self.lines.append(Line(kind, len(self.rows)))
        self.rows.append(Row(len(self.lines) - 1, 0, ""))

    def _extend(self, kind: TextKind, text: str) -> None:
        line, start, head = self.rows.pop()
        for part in wrap(head + text, self.width_of(kind)):
            self.rows.append(Row(line, start, part))
            start += len(part)

    def line_text(self, line: int) -> str:
        """Return the text of a logical line."""
        first, end = self._rows_of(line)
        return "".join(row.text for row in self.rows[first:end])

    def row_at(self, line: int, offset: int) -> int:
        """Return the index of the row that holds an offset of a logical line."""
        first, end = self._rows_of(line)
        return max(first, bisect_right(self.rows, offset, first, end, key=_start_of) - 1)

    def _rows_of(self, line: int) -> tuple[int, int]:
        is_last = line + 1 == len(self.lines)
        return self.lines[line].row, len(self.rows) if is_last else self.lines[line + 1].row


def _start_of(row: Row) -> int:
    return row.start


class Rewrap:
    """Wraps a document anew for another width, a slice of work at a time.

    The old document must not change meanwhile.

    Attributes:
        result: The new document; complete once ``step`` has returned ``True``.
    """

    def __init__(self, old: Document, width: int, indents: Mapping[TextKind, int]) -> None:
        self.result = Document(width, indents)
        self._old = old
        self._done = 0

    def step(self, characters: int) -> bool:
        """Wrap about this many characters more; return whether all is done."""
        rows, lines = self._old.rows, self._old.lines
        while characters > 0 and self._done < len(rows):
            line = rows[self._done].line
            begin = self._done
            size = 0
            while (
                self._done < len(rows)
                and rows[self._done].line == line
                and (size < characters or self._done == begin)
            ):
                size += len(rows[self._done].text)
                self._done += 1
            text = "".join(row.text for row in rows[begin : self._done])
            self.result.resume(lines[line].kind, line, text)
            characters -= size + 1
        return self._done == len(rows)
