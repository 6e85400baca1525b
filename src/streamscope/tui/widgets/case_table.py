"""The cases of a calibration, and what came of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from streamscope.measure.calibration import is_kept, is_whole
from streamscope.report import calibration_words as words
from streamscope.trial.calibration import Item
from streamscope.tui.faces import muted

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from streamscope.calibration import Case

WIDE: Final = sum(column.width for column in words.COLUMNS) + 1
"""Cells that the whole table takes, the mark of the case under way included."""


class CaseTable(Vertical):
    """The cases: what is still to come, what is under way, and what came of the others."""

    DEFAULT_CSS = """
    CaseTable { height: 100%; }
    CaseTable > Static { height: 2; }
    CaseTable > VerticalScroll { height: 1fr; scrollbar-size-vertical: 1; }
    CaseTable > VerticalScroll > Static { height: auto; }
    """

    def __init__(self, items: Sequence[Item]) -> None:
        """Show cases of which none is done yet."""
        super().__init__(id="table")
        self._items = list(items)
        self._cases: dict[int, Case] = {}
        self._number = 0
        self._head = Static()
        self._lines = Static()
        self._scroll = VerticalScroll(self._lines)

    def compose(self) -> ComposeResult:
        """Lay out the head, which stays, and the lines."""
        yield self._head
        yield self._scroll

    def on_resize(self) -> None:
        """Choose the columns that fit."""
        self.draw()

    def begin(self, number: int, items: Sequence[Item]) -> None:
        """Mark the case under way, from 1; which there are is known better now."""
        self._number, self._items = number, list(items)
        self.draw()
        self._scroll.scroll_to(y=max(0, number + 1 - self._scroll.size.height), animate=False)

    def end(self, number: int, case: Case) -> None:
        """Show what came of a case."""
        self._cases[number] = case
        self.draw()

    def rest(self) -> None:
        """Mark none any more."""
        self._number = 0
        self.draw()

    def draw(self) -> None:
        """Draw all lines anew: there are few, and they change seldom."""
        wide = self.size.width >= WIDE
        above, below = words.heads(wide=wide)
        self._head.update(muted(f" {above}\n {below}"))
        lines = [self._line(number, wide=wide) for number in range(1, len(self._items) + 1)]
        self._lines.update(Content("\n").join(lines))

    def _line(self, number: int, *, wide: bool) -> Content:
        case = self._cases.get(number)
        if case is None:
            item = self._items[number - 1]
            schedule = item.schedule
            asked = words.waiting_cells(schedule.gap_ns, schedule.tokens, schedule.cut, item.clock)
            text = words.line(asked, wide=wide)
            now = number == self._number
            return Content.styled(f"▸{text}", "bold $accent") if now else muted(f" {text}")
        text = f" {words.line(words.cells(case), wide=wide)}"
        return Content.styled(text, "$bad" if not is_whole(case) else _kept_style(case))


def _kept_style(case: Case) -> str:
    return "" if is_kept(case) else "$warn"
