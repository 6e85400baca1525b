"""The pane that shows an answer while it streams."""

import asyncio
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import ClassVar, Final

from rich.style import Style
from textual.actions import SkipAction
from textual.cache import LRUCache
from textual.geometry import Size
from textual.reactive import reactive, var
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

from streamscope.trace import TextKind
from streamscope.tui.widgets.clusters import snap
from streamscope.tui.widgets.row_strips import INDENTS, centred_line, row_strip, selected_part
from streamscope.tui.widgets.sanitize import Sanitizer
from streamscope.tui.widgets.sightings import Sightings
from streamscope.tui.widgets.wrapping import Document, Rewrap, Row

FLUSH_S: Final = 1 / 30
"""Least time between two paints of new text, in seconds, where nobody else sets the pace."""

WORK_S: Final = 0.008
"""Longest block of work before other events get their turn, in seconds."""

REST_S: Final = 0.008
"""Time left to others between two blocks, in seconds, when one was not enough."""

SLICE: Final = 2048
"""Characters that are wrapped between two looks at the clock."""

CACHED_ROWS: Final = 512
"""Drawn rows that are kept."""

NARROW: Final = 12
"""Width, in cells, below which lanes are drawn without their gutter."""


class TextPane(ScrollView, can_focus=True):
    """Shows one answer while it streams, in time proportional to what is new.

    Text is untrusted: it is made harmless before it is drawn, and markup in it means nothing.
    Reasoning and tool calls are lanes of their own, with a gutter. The pane follows the end
    while the reader is there; a reader who scrolled up, or who selected text, stays with what
    they read. Nothing wakes up while nothing is pending.

    It fills the space it is given; it does not size itself by its text, and draws no border.

    Attributes:
        ask: Asks for a call of ``paint`` soon, where something else sets the pace; with ``None``
            the pane has timers of its own.
    """

    ALLOW_SELECT = True

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "text-pane--answer",
        "text-pane--reasoning",
        "text-pane--tool",
        "text-pane--placeholder",
    }

    DEFAULT_CSS = """
    TextPane {
        height: 1fr;
        width: 1fr;
        color: $foreground;
        overflow-x: hidden;
        overflow-y: scroll;
        scrollbar-size-vertical: 1;
        scrollbar-background: $background 0%;
        scrollbar-background-hover: $background 0%;
        scrollbar-background-active: $background 0%;

        & > .text-pane--reasoning, & > .text-pane--tool, & > .text-pane--placeholder {
            color: $dim-lane;
        }
    }
    """

    placeholder: reactive[str] = reactive("")
    """What is said in the middle while there is no text."""

    following: var[bool] = var(True, init=False)
    """Whether the pane follows the end. Changes with where the reader scrolls."""

    def __init__(
        self,
        placeholder: str = "",
        *,
        name: str | None = None,
        id: str | None = None,  # noqa: A002 - Textual's own name for it
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self.set_reactive(TextPane.placeholder, placeholder)
        self._received: list[str] = []  # answer text, as it came
        self._pending: deque[tuple[TextKind, str, int | None]] = deque()
        self._sightings = Sightings()
        self._seen_more = asyncio.Event()
        self.ask: Callable[[], None] | None = None
        self._sanitizer = Sanitizer()
        self._kind: TextKind = "answer"
        self._document = Document(1, {})
        self._rewrap: Rewrap | None = None
        self._timer: Timer | None = None
        self._worked_at = 0.0
        self._top = (0, 0)  # line and offset at the top, while the reader is not at the end
        self._placing = False
        self._strips: LRUCache[int, Strip] = LRUCache(CACHED_ROWS)
        self._styles_of: dict[str, Style] = {}

    # What the owner of the pane calls.

    def append(self, kind: TextKind, text: str, came_ns: int | None = None) -> None:
        """Add text at the end. It is drawn at the next paint, about 33 ms later at most.

        Args:
            kind: What it is.
            text: The text. Untrusted.
            came_ns: When it came, ns on the monotonic clock, if the way to the eye is of interest.
        """
        if not text:
            return
        if kind == "answer":
            self._received.append(text)
        last = (len(text) - 1) // SLICE * SLICE
        for start in range(0, last, SLICE):
            self._pending.append((kind, text[start : start + SLICE], None))
        self._pending.append((kind, text[last:], came_ns))
        self._schedule()

    def clear(self) -> None:
        """Forget all text, and follow the end again."""
        self._received.clear()
        self._pending.clear()
        self._sightings = Sightings()
        self._seen_more.set()
        self._sanitizer = Sanitizer()
        latest = self._rewrap.result if self._rewrap is not None else self._document
        self._document = Document(latest.width, latest.indents)
        self._rewrap = None
        self._stop_timer()
        self._top = (0, 0)
        if self.is_attached and self in self.screen.selections:
            # Its offsets would point into text to come.
            self.screen.selections = {
                widget: selection
                for widget, selection in self.screen.selections.items()
                if widget is not self
            }
        self.following = True
        self._text_changed(0)

    def flush(self) -> None:
        """Draw everything that is pending now, however long it takes."""
        if self._has_room:
            self._work(until=None)

    @property
    def plain_text(self) -> str:
        """The answer as received, for copying and saving; not made harmless for a terminal."""
        if len(self._received) > 1:
            self._received[:] = ["".join(self._received)]
        return self._received[0] if self._received else ""

    @property
    def is_empty(self) -> bool:
        """Whether no text of any kind has come."""
        return not (self._document.lines or self._pending)

    @property
    def backlog(self) -> int:
        """Characters that came but are not yet wrapped; 0 when the pane is up to date."""
        return sum(len(text) for _, text, _ in self._pending)

    def paint(self) -> None:
        """Lay out what has come, for the next frame; what takes too long is left for later."""
        self._stop_timer()
        if self._has_room and not self._work(until=monotonic() + WORK_S):
            self._schedule(REST_S)

    def frame_out(self, now_ns: int) -> None:
        """Take note that a frame is out, at a time of the monotonic clock in ns."""
        if self.screen.is_active:
            self._sightings.frame(now_ns, self.scroll_offset.y)
        else:
            self._sightings.lose()  # something else is being looked at
        self._seen_more.set()

    async def all_seen(self) -> list[tuple[int, int]]:
        """Wait until all text is on the screen, or known never to be.

        Returns:
            When each piece came, if that was told, and the frame that showed it: both in ns on the
            monotonic clock. Pieces that nobody could see are not among them: those that left the
            view before there was a frame, or came while the reader was elsewhere. Text that is
            laid out at once counts as one: its end must be in view.
        """
        while self._sightings.waiting or (self._pending and self._has_room):
            self._seen_more.clear()
            await self._seen_more.wait()
        return self._sightings.seen

    def copy_text(self) -> str:
        """Copy the selection, or else the whole answer, to the clipboard; return it."""
        selection = self.text_selection
        chosen = self.get_selection(selection) if selection is not None else None
        text = chosen[0] if chosen is not None else self.plain_text
        self.app.copy_to_clipboard(text)
        return text

    # When work is done.

    def _schedule(self, delay: float | None = None) -> None:
        """Make sure that work is done soon, if there is a size to do it for."""
        if self._timer is not None or not self._has_room:
            return
        if delay is None and self.ask is not None:
            self.ask()
            return
        if delay is None:
            delay = max(0.001, self._worked_at + FLUSH_S - monotonic())
        self._timer = self.set_timer(delay, self.paint, name="flush")

    @property
    def _has_room(self) -> bool:
        """Whether there is a size to wrap text for."""
        return self.is_attached and self.scrollable_content_region.width > 0

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None

    def _work(self, until: float | None) -> bool:
        """Wrap what is pending, up to a time of the monotonic clock; return whether all is done."""
        self._worked_at = monotonic()
        while self._rewrap is not None:
            if self._rewrap.step(SLICE):
                self._adopt(self._rewrap.result)
            elif until is not None and monotonic() > until:
                return False
        if not self._pending:
            return True
        first = max(0, len(self._document.rows) - 1)
        was_empty = not self._document.lines
        ends: list[tuple[int, int]] = []
        while self._pending:
            kind, text, came = self._next_text()
            self._document.append(kind, text)
            ends += [(self._document.height - 1, came_ns) for came_ns in came]
            if until is not None and monotonic() > until:
                break
        self._text_changed(0 if was_empty else first)
        self._expect(ends)
        return not self._pending

    def _expect(self, ends: list[tuple[int, int]]) -> None:
        """Follow those pieces that the next frame shows, by the row of their end."""
        if ends and self.screen.is_active:
            top = self.scroll_offset.y
            for row, came_ns in ends:
                if top <= row < top + self.size.height:
                    self._sightings.laid_out(row, came_ns)
        self._seen_more.set()

    def _next_text(self) -> tuple[TextKind, str, list[int]]:
        """Take pending text of one kind, about a slice of it, and make it harmless.

        Returns:
            Its kind, the text, and when those pieces came that end in it, in ns.
        """
        kind = self._pending[0][0]
        parts: list[str] = []
        came: list[int] = []
        size = 0
        while self._pending and self._pending[0][0] == kind and size < SLICE:
            _, text, came_ns = self._pending.popleft()
            parts.append(text)
            size += len(text)
            if came_ns is not None:
                came.append(came_ns)
        if kind != self._kind:
            self._document.append(self._kind, self._sanitizer.finish())
            self._kind = kind
        return kind, self._sanitizer.feed("".join(parts)), came

    # Size and place.

    def on_resize(self) -> None:
        """Wrap anew for the new width, in slices, and keep the reader's place."""
        width = self.scrollable_content_region.width
        if not width:
            return
        if self.scroll_y >= self.max_scroll_y:
            self.following = True
        latest = self._rewrap.result if self._rewrap is not None else self._document
        if width != latest.width:
            self._rewrap = Rewrap(self._document, width, INDENTS if width >= NARROW else {})
            self.paint()
        else:
            self._keep_place()
            self._resume()

    def on_show(self) -> None:
        """Go on with what came while the pane was hidden."""
        self._resume()

    def _resume(self) -> None:
        if self._pending or self._rewrap is not None:
            self._schedule()

    def _adopt(self, document: Document) -> None:
        """Show a document that was wrapped anew, the same text at the top."""
        self._rewrap = None
        self._document = document
        self._sightings.lose()  # rows have other numbers
        self._text_changed(0)
        if not self.following and document.lines:
            self._scroll_to_row(document.row_at(*self._top))

    def _text_changed(self, first: int) -> None:
        """Take note that the rows from ``first`` on are new or other than they were."""
        if first == 0:
            self._strips.clear()
        self._strips.discard(first)
        self._resize_content(Size(self._document.width, self._document.height))
        top, height = self.scroll_offset.y, self.size.height
        if first == 0:
            self.refresh()
        elif first < top + height:
            begin = max(first, top)
            self.refresh_lines(begin, top + height - begin)
        self._keep_place()

    def _resize_content(self, size: Size) -> None:
        """Set how far the pane scrolls.

        Setting ``virtual_size`` itself would lay out the whole screen for each new row. Here
        nothing but the scroll bar depends on it, because that is always shown.
        """
        self.set_reactive(Widget.virtual_size, size)
        if self.is_attached:
            self.vertical_scrollbar.window_virtual_size = size.height

    def _keep_place(self) -> None:
        """Go to the end if the reader is there; a selection holds the view."""
        if self.is_attached and self.following and self.text_selection is None:
            self._scroll_to_row(self.max_scroll_y)

    def _scroll_to_row(self, row: int) -> None:
        if self.scroll_y == row == self.scroll_target_y:
            return
        self._placing = True
        try:
            self.scroll_to(y=row, animate=False, force=True)
        finally:
            self._placing = False

    def watch_scroll_target_y(self, target: float) -> None:
        """Follow the end from when the reader means to go there, and no longer than that."""
        if not self._placing:
            self.following = target >= self.max_scroll_y

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Remember the text at the top."""
        super().watch_scroll_y(old_value, new_value)
        rows = self._document.rows
        if rows and not self._placing:
            row = rows[min(round(new_value), len(rows) - 1)]
            self._top = (row.line, row.start)

    def action_scroll_end(self) -> None:
        """Go to the end and follow it."""
        if not self.max_scroll_y:
            raise SkipAction
        self.following = True
        self._scroll_to_row(self.max_scroll_y)

    # Selection, in logical lines and code points: appended text and new widths do not move it.

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return the selected text without the breaks of the wrap and without gutters."""
        lines = self._document.lines
        if not lines:
            return None
        start, end = selection
        first = 0 if start is None else min(start.y, len(lines) - 1)
        last = len(lines) - 1 if end is None else min(end.y, len(lines) - 1)
        texts = [self._document.line_text(line) for line in range(first, last + 1)]
        if end is not None and end.y == last:
            texts[-1] = texts[-1][: self._snap(last, end.x, up=True)]
        if start is not None and start.y == first:
            texts[0] = texts[0][self._snap(first, start.x, up=False) :]
        return "\n".join(texts), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        """Draw the selection; go on following once it is gone."""
        self.refresh()
        if selection is None:
            self._keep_place()

    def _snap(self, line: int, offset: int, *, up: bool) -> int:
        """Move an offset of a line off the inside of a cluster."""
        row = self._document.rows[self._document.row_at(line, offset)]
        return row.start + snap(row.text, offset - row.start, up=up)

    # Drawing.

    def notify_style_update(self) -> None:
        """Forget what was drawn in the old styles."""
        super().notify_style_update()
        self._strips.clear()
        self._styles_of.clear()

    def render_line(self, y: int) -> Strip:
        """Draw one line of the pane."""
        width = self.scrollable_content_region.width
        document = self._document
        if self.is_empty:
            return self._placeholder_line(y, width)
        index = self.scroll_offset.y + y
        if index >= document.height:
            return Strip.blank(width, self._style("answer"))
        row = document.rows[index]
        self._sightings.drawn(index)
        selection = self.text_selection
        selected = selected_part(row, selection) if selection is not None else None
        if selected is not None:
            return self._draw_row(row, width, selected)
        strip = self._strips.get(index)
        if strip is None or strip.cell_length != width:
            strip = self._strips[index] = self._draw_row(row, width, None)
        return strip

    def _draw_row(self, row: Row, width: int, selected: tuple[int, int] | None) -> Strip:
        style = self._style(self._document.lines[row.line].kind)
        marked = style + self._style("selection") if selected is not None else style
        return row_strip(self._document, row, width, style, marked, selected or (0, 0))

    def _placeholder_line(self, y: int, width: int) -> Strip:
        return centred_line(
            self.placeholder, y, width, self.size.height, self._style("placeholder")
        )

    def _style(self, part: str) -> Style:
        """Return the style of a kind of text, of the placeholder, or of the selection."""
        style = self._styles_of.get(part)
        if style is None:
            if part == "selection":
                style = self.screen.get_component_rich_style("screen--selection")
            else:
                style = self.get_component_rich_style(f"text-pane--{part}")
            self._styles_of[part] = style
        return style
