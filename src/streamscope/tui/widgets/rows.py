"""A list of lines in columns that fit the width, of which one is highlighted."""

from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

import msgspec
from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList, Static

from streamscope.tui.widgets.sanitize import one_line

Row = TypeVar("Row")

Cell = tuple[str, str]
"""A text, which may be untrusted, and its style."""

NEAR_END = 5
"""So many lines before the last one, more are asked for."""

GAP = 2
"""Cells between columns."""

WIDE = 110
"""Cells of a list from which on there is room for long names."""


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """A column.

    Attributes:
        name: By which a row names its cell.
        title: What stands above it.
        width: In cells; 0 for the one that takes what the others leave.
        wide: The same in a wide list, where that differs.
        right: Whether its texts stand at its right edge.
        least: Cells that the list must have for the column to be seen.
        needed: Whether it is seen even while no row says anything in it.
    """

    name: str
    title: str = ""
    width: int = 0
    wide: int = 0
    right: bool = False
    least: int = 0
    needed: bool = True


def fitted(columns: Sequence[Column], width: int) -> list[tuple[Column, int]]:
    """Return the columns that are seen in a list of so many cells, and how wide each is."""
    seen = [column for column in columns if column.least <= width]
    widths = [(width >= WIDE and column.wide) or column.width for column in seen]
    rest = max(1, width - sum(widths) - GAP * (len(seen) - 1))
    return [(column, fixed or rest) for column, fixed in zip(seen, widths, strict=True)]


def line(fits: Sequence[tuple[Column, int]], cells: Mapping[str, Cell]) -> Content:
    """Return a row on one line; what does not fit its column is cut short."""
    parts: list[Content | str | Cell] = []
    for column, width in fits:
        if parts:
            parts.append(" " * GAP)
        text, style = cells.get(column.name, ("", ""))
        text = one_line(text, width)
        blank = " " * max(0, width - cell_len(text))
        parts += [blank, (text, style)] if column.right else [(text, style), blank]
    return Content.assemble(*parts)


class _Options(OptionList):
    """The list itself. Its ends are ends: there may be more to come below."""

    def action_cursor_down(self) -> None:
        """Move down, unless this is the last line."""
        if self.highlighted is None or self.highlighted < self.option_count - 1:
            super().action_cursor_down()

    def action_cursor_up(self) -> None:
        """Move up, unless this is the first line."""
        if self.highlighted != 0:
            super().action_cursor_up()


class RowList(Vertical, Generic[Row]):
    """Lines in columns, the names of the columns above them."""

    DEFAULT_CSS = """
    RowList {
        height: 1fr;
        & > .heads { height: 1; padding: 0 1; color: $text-muted; background: $panel; }
        & > OptionList, & > OptionList:focus {
            height: 1fr;
            border: none;
            padding: 0;
            background: $background;
            background-tint: $background 0%;
            scrollbar-gutter: stable;
            & > .option-list--option { padding: 0 0 0 1; }
            & > .option-list--option-highlighted {
                background: $accent 22%;
                color: $foreground;
                text-style: bold;
            }
        }
    }
    """

    class Highlighted(Message):
        """Another line is highlighted, or none any more."""

    class Chosen(Message):
        """A line was chosen, with the mouse or the enter key."""

    class NearEnd(Message):
        """The last lines are near: there may be more of them."""

    def __init__(
        self,
        columns: Sequence[Column],
        cells: Callable[[Row], Mapping[str, Cell]],
        *,
        id: str | None = None,  # noqa: A002 (Textual's own name for it)
    ) -> None:
        """Take what is shown of a row.

        Args:
            columns: The columns, from the left.
            cells: Returns the cells of a row, by name of column.
            id: Name in the style sheet.
        """
        super().__init__(id=id)
        self._columns = columns
        self._cells = cells
        self._rows: list[Row] = []
        self._width = 0

    def compose(self) -> ComposeResult:
        """Lay out names and lines."""
        yield Static(classes="heads")
        yield _Options(markup=False)

    @property
    def rows(self) -> Sequence[Row]:
        """All rows."""
        return self._rows

    @property
    def row(self) -> Row | None:
        """The highlighted row."""
        at = self._options.highlighted
        return None if at is None or at >= len(self._rows) else self._rows[at]

    def fill(self, rows: Sequence[Row], *, at: int = 0) -> None:
        """Show these rows instead, and highlight one of them by its number."""
        self._rows = list(rows)
        with self.prevent(OptionList.OptionHighlighted):
            self._draw(at)
        self.post_message(self.Highlighted())

    def append(self, rows: Sequence[Row]) -> None:
        """Show further rows below."""
        seen = self._fits()
        self._rows += rows
        if self._fits() == seen:
            self._options.add_options([line(seen, self._cells(row)) for row in rows])
        else:
            self.redraw()

    def redraw(self) -> None:
        """Write all lines anew: what is said of them has changed."""
        with self.prevent(OptionList.OptionHighlighted):
            self._draw(self._options.highlighted or 0)

    @property
    def at(self) -> int:
        """The number of the highlighted row, from 0."""
        return self._options.highlighted or 0

    def move(self, action: str) -> None:
        """Do what a key would do if the focus were here.

        Args:
            action: ``cursor_up``, ``cursor_down``, ``page_up``, ``page_down``.
        """
        if self._rows:
            getattr(self._options, f"action_{action}")()

    def on_resize(self) -> None:
        """Fit the columns to the width."""
        width = self.size.width - 3  # margins at both sides, the scroll bar
        if width > 0 and width != self._width:
            self._width = width
            self.redraw()

    def _draw(self, at: int) -> None:
        fits = self._fits()
        heads = line(fits, {column.name: (column.title, "") for column in self._columns})
        self.query_one(".heads", Static).update(heads)
        options = self._options
        top = options.scroll_offset.y
        options.clear_options()
        options.add_options([line(fits, self._cells(row)) for row in self._rows])
        if self._rows:
            options.highlighted = min(at, len(self._rows) - 1)
            options.scroll_to(y=top, animate=False)

    def _fits(self) -> list[tuple[Column, int]]:
        columns = [
            column
            for column in self._columns
            if column.needed or any(self._cells(row)[column.name][0] for row in self._rows)
        ]
        return fitted(columns, self._width)

    @property
    def _options(self) -> OptionList:
        return self.query_one(_Options)

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self.post_message(self.Highlighted())
        if event.option_index >= len(self._rows) - NEAR_END:
            self.post_message(self.NearEnd())

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.post_message(self.Chosen())
