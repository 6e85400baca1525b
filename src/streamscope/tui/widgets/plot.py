"""What could be read, when: text over time for both channels, and the reader between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from streamscope.tui.widgets.plot_drawing import BELOW, Drawing, draw
from streamscope.tui.widgets.sanitize import one_line

if TYPE_CHECKING:
    from rich.style import Style
    from textual.events import Resize

    from streamscope.measure.reader import Curves

NOTHING: Final = "Nothing could be read yet: a run draws it."
"""What stands there without curves."""

UNDER_WAY: Final = "Drawn when the answer is there."
"""What stands there while the first run of a pair is under way."""

NO_TEXT: Final = "Nothing came that could be read."
"""What stands there when no run brought any text."""

TOO_SMALL: Final = "too small for a plot"
"""What stands there where it can't be drawn."""

MARK: Final = "│"
"""Stands at the moment that is marked, wherever nothing else does."""


class ReadablePlot(Widget):
    """Draws how much could be read at each moment, as large as it is allowed to be.

    A rises as text comes, B in one step; the dotted line is a reader who begins with the first
    word and waits where none is there.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "readable-plot--a",
        "readable-plot--b",
        "readable-plot--reader",
        "readable-plot--axis",
        "readable-plot--words",
        "readable-plot--mark",
    }

    DEFAULT_CSS = """
    ReadablePlot {
        width: 1fr;
        height: 1fr;
        min-height: 6;

        & > .readable-plot--a { color: $channel-a; }
        & > .readable-plot--b { color: $channel-b; }
        & > .readable-plot--reader { color: $reader; }
        & > .readable-plot--axis { color: $dim-lane; }
        & > .readable-plot--words { color: $dim-lane; }
        & > .readable-plot--mark { color: $verdict; }
    }
    """

    HELP = """
    ## What could be read, when

    Upwards: words (characters in Chinese and Japanese) that were there to read. To the right:
    seconds since the request was sent. **A** is a ramp, **B** a step. The dotted line is a reader
    at your speed, who begins with the first word of A and waits where A has no next one.
    """

    def __init__(
        self,
        *,
        name: str | None = None,
        id: str | None = None,  # noqa: A002 - Textual's own name for it
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._curves: Curves | None = None
        self._message = NOTHING
        self._position_s: float | None = None
        self._drawing: Drawing | None = None
        self._drawn = False
        self._strips: dict[int, Strip] = {}
        self.tooltip = (
            "How much could be read at each moment: A as it came, B all at once, and how far "
            "a reader at your speed would be."
        )

    @property
    def curves(self) -> Curves | None:
        """What is drawn; ``None`` where a sentence stands instead."""
        return self._curves

    def show(self, curves: Curves | None, message: str = NOTHING) -> None:
        """Draw curves, or say in a sentence why there are none."""
        if (curves, message) == (self._curves, self._message):
            return
        self._curves, self._message = curves, message
        self._draw_anew()

    def mark(self, position_s: float | None) -> None:
        """Mark a moment, s since sent, with an upright line; ``None`` takes it away."""
        before = self._mark_column
        self._position_s = position_s
        if self._mark_column != before:
            self.refresh()

    def on_resize(self, event: Resize) -> None:
        """Draw for the new size."""
        del event
        self._draw_anew()

    def notify_style_update(self) -> None:
        """Draw in the colours of a new theme."""
        super().notify_style_update()
        self._strips.clear()

    def render_line(self, y: int) -> Strip:
        """Render one row."""
        if not self._drawn:
            self._drawing = self._draw()
            self._drawn = True
        if self._drawing is None:
            return self._say(y)
        if y not in self._strips:
            runs = self._drawing.rows[y] if y < len(self._drawing.rows) else []
            segments = [Segment(text, self._ink(ink)) for text, ink in runs]
            self._strips[y] = Strip(segments).adjust_cell_length(self.size.width, self.rich_style)
        return self._marked(y, self._strips[y])

    @property
    def _mark_column(self) -> int | None:
        if self._drawing is None or self._position_s is None:
            return None
        return self._drawing.column(self._position_s)

    def _draw(self) -> Drawing | None:
        if self._curves is None:
            return None
        return draw(self._curves, self.size.width, self.size.height)

    def _draw_anew(self) -> None:
        self._drawn = False
        self._strips.clear()
        self.refresh()

    def _marked(self, y: int, strip: Strip) -> Strip:
        """Draw the mark over a row of the plot, where nothing else stands."""
        column = self._mark_column
        if column is None or y >= self.size.height - BELOW:
            return strip
        before, cell, after = strip.divide([column, column + 1, strip.cell_length])
        if cell.text.strip():
            return strip
        return Strip.join([before, Strip([Segment(MARK, self._ink("mark"))], 1), after])

    def _say(self, y: int) -> Strip:
        """Say in the middle, in one line, why there is no plot."""
        width = self.size.width
        said = self._message if self._curves is None else TOO_SMALL
        text = one_line(said, width).center(width) if y == (self.size.height - 1) // 2 else ""
        return Strip([Segment(text, self._ink("words"))]).adjust_cell_length(width, self.rich_style)

    def _ink(self, name: str | None) -> Style:
        return self.get_component_rich_style(f"readable-plot--{name}") if name else self.rich_style
