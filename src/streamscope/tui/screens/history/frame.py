"""What the screens of the history have in common: a list, what is told of its line, and deeds."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import msgspec
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Static

from streamscope.history import History, HistoryError
from streamscope.tui.faces import bad, muted
from streamscope.tui.screens.history.chosen import Chosen
from streamscope.tui.screens.history.commands import ALL, BOUND, HistoryCommands
from streamscope.tui.widgets.ends import Ends
from streamscope.tui.widgets.rows import Cell, Column, RowList
from streamscope.tui.widgets.sanitize import one_line
from streamscope.tui.widgets.trend import Series, Trend

if TYPE_CHECKING:
    from textual.timer import Timer

    from streamscope.measure.conventions import Conventions

Row = TypeVar("Row")
T = TypeVar("T")

PAUSE_S: Final = 0.06
"""How long the highlight must rest before what is told of its line is read."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What is told of a line.

    Attributes:
        write: Writes it for a number of cells.
        series: What is drawn below it.
        span: What is said of the time that the drawing spans.
    """

    write: Callable[[int], Content]
    series: tuple[Series, ...] = ()
    span: str = ""


class Listing(Screen[Chosen], Generic[Row]):
    """A list from the history. The line that is highlighted is told of, and can be acted upon."""

    COMMAND_MESSAGES = ALL
    BINDINGS = [
        *BOUND,
        Binding("ctrl+down", "scroll_told(1)", show=False),
        Binding("ctrl+up", "scroll_told(-1)", show=False),
    ]
    COMMANDS = {HistoryCommands}
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide"), (160, "-vast")]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (32, "-tall")]

    DEFAULT_CSS = """
    Listing { background: $background; layout: vertical; }
    Listing > #title { background: $panel; padding: 0 1; }
    Listing > #search {
        height: 1; border: none; padding: 0 1; background: $surface;
        &:focus { border: none; }
    }
    Listing > #body { height: 1fr; layout: vertical; }
    Listing > #problem { height: 1fr; padding: 1 2; display: none; }
    Listing #told {
        height: 13;
        border-top: solid $border-blurred;
        padding: 0 1;
        scrollbar-size-vertical: 1;
        & > Static { width: 1fr; height: auto; }
    }
    Listing.-tall #told { height: 50%; }
    Listing.-tall #told > Trend { height: 7; margin: 1 0 0 0; }
    Listing.-vast > #body { layout: horizontal; }
    Listing.-vast #told {
        height: 100%; width: 42%; border-top: none; border-left: solid $border-blurred;
        padding: 0 2;
    }
    Listing.-vast.-tall #told > Trend { height: 13; }
    Listing > #footer { height: 1; background: $footer-background; }
    """

    ORDINARY = ""
    """What stands at the right of the title."""

    changed: bool
    """Whether something was described, deleted or brought back."""

    def __init__(self, history: History, conventions: Conventions) -> None:
        """Prepare.

        Args:
            history: What is shown.
            conventions: Margins by which verdicts are made.
        """
        super().__init__()
        self._history = history
        self._conventions = conventions
        self._now = datetime.now(UTC)
        self._told: Told | None = None
        self._resting: Timer | None = None
        self._complete = False
        self.changed = False

    # ------------------------------------------------------------------- what a screen must say

    @abstractmethod
    def columns(self) -> Sequence[Column]:
        """Return the columns of the list."""

    @abstractmethod
    def cells(self, row: Row) -> Mapping[str, Cell]:
        """Return the cells of a row."""

    @abstractmethod
    def read_rows(self, after: Sequence[Row], limit: int) -> list[Row]:
        """Read up to so many rows that follow those given, in a thread."""

    @abstractmethod
    def read_told(self, row: Row) -> Told:
        """Read what is told of a row, in a thread."""

    @abstractmethod
    def nothing(self) -> str:
        """Say why the list is empty."""

    @abstractmethod
    def heading(self) -> Content:
        """Return the title."""

    def open(self, row: Row) -> None:
        """Go into a row."""

    # ----------------------------------------------------------------------------------- drawing

    def compose(self) -> ComposeResult:
        """Lay out title, list, what is told of a line, and the keys."""
        yield Ends(id="title")
        yield from self.compose_above()
        yield Static(id="problem")
        with Container(id="body"):
            yield RowList[Row](self.columns(), self.cells, id="rows")
            with VerticalScroll(id="told", can_focus=False):
                yield Static()
                yield Trend()
        with Container(id="footer"):
            yield Footer(compact=True, show_command_palette=False)

    def compose_above(self) -> ComposeResult:
        """Lay out what stands above the list."""
        yield from ()

    def on_mount(self) -> None:
        """Read the first page."""
        self._draw_title()
        self.load()

    @property
    def listed(self) -> RowList[Row]:
        """The list."""
        found: RowList[Row] = self.query_one("#rows", RowList)
        return found

    def _draw_title(self) -> None:
        self.query_one("#title", Ends).show(self.heading(), muted(self.ORDINARY))

    def _draw_told(self) -> None:
        if not self.is_open:
            return
        told = self.query_one("#told", VerticalScroll)
        if self._told is None:
            told.query_one(Static).update("")
            told.query_one(Trend).show(())
            return
        width = told.scrollable_content_region.width
        told.query_one(Static).update(self._told.write(max(20, width)))
        told.query_one(Trend).show(self._told.series, self._told.span)

    def on_resize(self) -> None:
        """Write for the new width."""
        self.call_after_refresh(self._draw_told)

    def show_problem(self, sentence: str | Content) -> None:
        """Say something instead of the list; nothing shows the list again."""
        problem, body = self.query_one("#problem", Static), self.query_one("#body")
        problem.display = bool(sentence)
        body.display = not sentence
        problem.update(sentence)
        if not sentence and self.focused is None:
            # What is hidden loses the focus.
            self.set_focus(self.query_one(str(self.AUTO_FOCUS)))

    # ----------------------------------------------------------------------------------- reading

    @property
    def is_open(self) -> bool:
        """Whether the screen is still there: somebody may have gone back, or left, meanwhile."""
        return self.app.is_running and self in self.app.screen_stack

    async def in_thread(self, read: Callable[..., T], *args: object) -> T:
        """Read something in a thread.

        Raises:
            CancelledError: The screen was closed meanwhile, so nobody wants it any more.
        """
        try:
            return await asyncio.to_thread(read, *args)
        finally:
            if not self.is_open:
                raise asyncio.CancelledError

    @work(group="rows", exclusive=True)
    async def load(self, *, at: int = 0, least: int = 0) -> None:
        """Read the list anew, at least so many rows, and highlight one of them."""
        wanted = max(least, self.page)
        try:
            rows = await self.in_thread(self.read_rows, (), wanted)
        except HistoryError as error:
            self.show_problem(bad(str(error)))
            return
        self._now = datetime.now(UTC)
        self._complete = len(rows) < wanted
        self._told = None
        self.listed.fill(rows, at=at)
        self.show_problem("" if rows else muted(self.nothing()))
        self._draw_title()
        self.refresh_bindings()
        self.loaded()

    page = 50
    """Rows that are read at once."""

    def loaded(self) -> None:
        """Do what waits for the list."""

    @property
    def _reading(self) -> bool:
        """Whether the list, or more of it, is being read."""
        return any(
            worker.group == "rows" and worker.node is self and not worker.is_finished
            for worker in self.workers
        )

    @on(RowList.NearEnd)
    def _near_end(self) -> None:
        if not (self._complete or self._reading):
            self._load_more()

    @work(group="rows", exclusive=True)
    async def _load_more(self) -> None:
        try:
            rows = await self.in_thread(self.read_rows, tuple(self.listed.rows), self.page)
        except HistoryError as error:
            self.say(str(error))
            return
        self._complete = len(rows) < self.page
        self.listed.append(rows)

    def reload(self) -> None:
        """Read the list anew after a change, and stay where we are."""
        self.load(at=self.listed.at, least=len(self.listed.rows))

    @on(RowList.Highlighted)
    def _highlighted(self) -> None:
        if self._resting is not None:
            self._resting.stop()
        self._resting = self.set_timer(PAUSE_S, self._tell)

    @work(group="told", exclusive=True)
    async def _tell(self) -> None:
        """Tell of the line on which the highlight rests."""
        row = self.listed.row
        if row is None:
            self._told = None
        else:
            try:
                self._told = await self.in_thread(self.read_told, row)
            except HistoryError as error:
                sentence = bad(str(error))
                self._told = Told(write=lambda _width: sentence)
        self._draw_told()
        if self.is_open:
            self.query_one("#told").scroll_home(animate=False)

    @on(RowList.Chosen)
    def _opened(self) -> None:
        row = self.listed.row
        if row is not None:
            self.open(row)

    # ----------------------------------------------------------------------------------- moving

    def action_move(self, action: str) -> None:
        """Move in the list."""
        self.listed.move(action)

    def action_scroll_told(self, step: int) -> None:
        """Scroll what is told of a line."""
        told = self.query_one("#told")
        if step > 0:
            told.scroll_down(animate=False)
        else:
            told.scroll_up(animate=False)

    def leave(self, chosen: Chosen | None = None) -> None:
        """Close, if this is what is seen: a key that came twice must not close what lies below."""
        if self.is_active:
            self.dismiss(chosen)

    def action_go_back_command(self) -> None:
        """Go back."""
        self.leave()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keep commands of the main screen, and those that nothing here can take, out of reach."""
        if not action.endswith("_command"):
            return super().check_action(action, parameters)
        return hasattr(self, f"action_{action}")

    def action_help_command(self) -> None:
        """Show what the keys do."""
        from textual_enhanced.dialogs import HelpScreen  # Markdown is not needed before

        self.app.push_screen(HelpScreen(self))

    def say(self, sentence: str) -> None:
        """Say what could not be done."""
        self.notify(one_line(sentence, 400), severity="error", timeout=12, markup=False)
