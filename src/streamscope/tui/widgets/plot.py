"""What could be read, when: text over time for both channels, and the reader between them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from streamscope.tui.widgets.canvas import DOTS_ACROSS, DOTS_DOWN, Canvas, Run
from streamscope.tui.widgets.sanitize import one_line
from streamscope.tui.widgets.ticks import Axis, axis, tick

if TYPE_CHECKING:
    from rich.style import Style
    from textual.events import Resize

    from streamscope.measure.reader import Curves

NOTHING: Final = "Nothing could be read yet: a run draws it."
"""What stands there without curves."""

TOO_SMALL: Final = "too small for a plot"
"""What stands there where it can't be drawn."""

GUTTER: Final = 5
"""Cells of the upright axis and its numbers, whatever they are: the plot never moves."""

MARK: Final = "│"
"""Stands at the moment that is marked, wherever nothing else does."""

_LEAST_WIDTH, _LEAST_HEIGHT = GUTTER + 10, 4
_BELOW = 2  # rows of the lower axis
_CELLS_A_TICK, _ROWS_A_TICK = 11, 2
_MOST_TICKS = 10
_DOTTED = 3
_ORDER: Final = ("reader", "b", "a")  # the last one drawn is seen where lines meet
_NAMES: Final = {"a": "A", "b": "B", "reader": "reader"}
_UNITS: Final = {"word": "words", "character": "characters"}


class Drawing(NamedTuple):
    """A plot in cells.

    Attributes:
        rows: Each row in runs of one ink, from the top.
        seconds: The axis of time, s.
        columns: Cells that the axis of time has.
    """

    rows: list[list[Run]]
    seconds: Axis
    columns: int

    def column(self, at_s: float) -> int | None:
        """Return the cell of a row in which a moment lies, or ``None`` beyond the axis."""
        if not 0 <= at_s <= self.seconds.top:
            return None
        return GUTTER + round(at_s / self.seconds.top * (self.columns * DOTS_ACROSS - 1)) // 2


def draw(curves: Curves, width: int, height: int) -> Drawing | None:
    """Draw curves into so many cells; return ``None`` where that is too few."""
    if width < _LEAST_WIDTH or height < _LEAST_HEIGHT:
        return None
    canvas = Canvas(width - GUTTER, height - _BELOW)
    seconds = axis(curves.end_s, min(_MOST_TICKS, canvas.width // _CELLS_A_TICK))
    most = max((*curves.a, *curves.b, *curves.reader), default=0)
    units = axis(most, min(_MOST_TICKS, canvas.height // _ROWS_A_TICK), whole=True)
    lines = _lines(curves, canvas, seconds, units)
    for ink in _ORDER:
        canvas.path(lines[ink], ink, every=_DOTTED if ink == "reader" else 1)
    canvas.write(1, 0, _UNITS[curves.unit], "words")
    for ink in reversed(_ORDER):
        _name(canvas, lines[ink], ink)
    return Drawing(_with_axes(canvas, seconds, units), seconds, canvas.width)


def _lines(
    curves: Curves, canvas: Canvas, seconds: Axis, units: Axis
) -> dict[str, list[int | None]]:
    """Return the height of each line, in dots, at every column of dots."""
    highest, last = canvas.dots_high - 1, canvas.dots_wide - 1
    times = [x / last * seconds.top for x in range(canvas.dots_wide)]
    step = seconds.top / last

    def heights(values: Sequence[float], *, smooth: bool = False) -> list[int | None]:
        found = [
            round(_value(curves.times_s, values, at, smooth=smooth) / units.top * highest)
            if values and at <= curves.end_s + step
            else None
            for at in times
        ]
        # The axis is line enough for the time before there is anything.
        return [
            None if not here and not after else here
            for here, after in zip(found, [*found[1:], None], strict=True)
        ]

    return {
        "a": heights(curves.a),
        "b": heights(curves.b),
        "reader": heights(curves.reader, smooth=True),
    }


def _value(times: Sequence[float], values: Sequence[float], at: float, *, smooth: bool) -> float:
    """Return the value at a moment: that of the sample before it, or between its neighbours."""
    index = bisect_right(times, at) - 1
    if index < 0:
        return 0.0
    if not smooth or index + 1 >= len(times):
        return values[min(index, len(values) - 1)]
    start, end = times[index], times[index + 1]
    share = (at - start) / (end - start) if end > start else 0.0
    return values[index] + share * (values[index + 1] - values[index])


def _name(canvas: Canvas, heights: list[int | None], ink: str) -> None:
    """Write the name of a line beside it, as near to its middle as there is bare paper."""
    name = _NAMES[ink]
    cells = _cells(canvas, heights)
    if not cells:
        return
    middle = len(cells) // 2
    left = ((-1 - len(name), 0), (-len(name), -1))
    right = ((1, 1), (2, 0))
    spots = [
        (column + across, row + down)
        for _, (column, row) in sorted(enumerate(cells), key=lambda each: abs(each[0] - middle))
        for across, down in (left + right if ink == "a" else right + left)
    ]

    def crowd(spot: tuple[int, int]) -> int:
        column, row = spot
        inside = 0 <= row < canvas.height and 0 <= column <= canvas.width - len(name)
        before = max(0, column - 1)
        after = min(canvas.width, column + len(name) + 1)
        return canvas.used(before, row, after - before) if inside else canvas.width + 1

    column, row = next((spot for spot in spots if not crowd(spot)), None) or min(spots, key=crowd)
    canvas.write(max(0, min(column, canvas.width - len(name))), row, name, ink)


def _cells(canvas: Canvas, heights: list[int | None]) -> list[tuple[int, int]]:
    """Return the cells that a line passes until it is as high as it will be."""
    found: dict[tuple[int, int], None] = {}
    highest = max((height for height in heights if height), default=None)
    before: int | None = None
    for x, height in enumerate(heights):
        if height is not None:
            for y in range(height if before is None else min(before + 1, height), height + 1):
                found[x // DOTS_ACROSS, canvas.height - 1 - y // DOTS_DOWN] = None
            if height == highest:
                break
        before = height
    return list(found)


def _with_axes(canvas: Canvas, seconds: Axis, units: Axis) -> list[list[Run]]:
    """Put the axes to the left of the canvas and below it."""
    highest = canvas.dots_high - 1
    labels = {
        canvas.height - 1 - round(at / units.top * highest) // DOTS_DOWN: _count(at)
        for at in units.ticks
    }
    rows = []
    for row, runs in enumerate(canvas.rows()):
        label = f"{labels.get(row, ''):>{GUTTER - 1}}{'┤' if row in labels else '│'}"
        rows.append([(label, "axis"), *runs])
    line, numbers = [" "] * GUTTER + ["─"] * canvas.width, [" "] * (GUTTER + canvas.width)
    line[GUTTER - 1] = "└"
    for at in seconds.ticks:
        column = round(at / seconds.top * (canvas.dots_wide - 1)) // DOTS_ACROSS
        number = tick(at)
        label = number if at < seconds.ticks[-1] else f"{number} s"
        start = GUTTER + column - (len(number) - 1) // 2
        start = min(start, len(numbers) - len(label))
        line[GUTTER + column] = "┬"
        numbers[start : start + len(label)] = label
    return [*rows, [("".join(line), "axis")], [("".join(numbers), "axis")]]


def _count(value: float) -> str:
    """Write a number of units in at most four cells."""
    return f"{value:.0f}" if value < 10_000 else f"{value / 1000:.3g}k"


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
        if column is None or y >= self.size.height - _BELOW:
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
