"""The picture of what could be read, when, in cells: lines, their names, and axes."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from streamscope.tui.widgets.canvas import DOTS_ACROSS, DOTS_DOWN, Canvas, Run
from streamscope.tui.widgets.ticks import Axis, axis, tick

if TYPE_CHECKING:
    from streamscope.measure.reader import Curves

GUTTER: Final = 5
"""Cells of the upright axis and its numbers, whatever they are: the plot never moves."""

BELOW: Final = 2
"""Rows of the lower axis."""

_LEAST_WIDTH, _LEAST_HEIGHT = GUTTER + 10, 4
_WITH_HEADER = 10  # rows from which the unit has one of its own
_CELLS_A_TICK, _ROWS_A_TICK = 11, 2
_MOST_TICKS = 10
_DOTTED = 3
_APART = 4  # cells between two names in a row
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
    header = height >= _WITH_HEADER
    canvas = Canvas(width - GUTTER, height - BELOW - header)
    seconds = axis(curves.end_s, min(_MOST_TICKS, canvas.width // _CELLS_A_TICK))
    most = max((*curves.a, *curves.b, *curves.reader), default=0)
    units = axis(most, min(_MOST_TICKS, canvas.height // _ROWS_A_TICK), whole=True)
    lines = _lines(curves, canvas, seconds, units)
    for ink in _ORDER:
        canvas.path(lines[ink], ink, every=_DOTTED if ink == "reader" else 1)
    unit = _UNITS[curves.unit]
    if not header:
        canvas.write(*_bare(canvas, len(unit)), unit, "words")
    for ink in reversed(_ORDER):
        _name(canvas, lines[ink], ink)
    rows = _with_axes(canvas, seconds, units)
    if header:
        rows.insert(0, [(f"{unit:<{width}}", "words")])
    return Drawing(rows, seconds, canvas.width)


def _bare(canvas: Canvas, cells: int) -> tuple[int, int]:
    """Return a place of bare paper for so many letters, as far up and to the left as can be."""
    spots = ((column, row) for row in range(canvas.height) for column in range(1, canvas.width))
    free = (spot for spot in spots if not canvas.used(spot[0] - 1, spot[1], cells + 2))
    return next(free, (1, 0))


def _lines(
    curves: Curves, canvas: Canvas, seconds: Axis, units: Axis
) -> dict[str, list[int | None]]:
    """Return the height of each line, in dots, at every column of dots."""
    highest, last = canvas.dots_high - 1, canvas.dots_wide - 1
    times = [x / last * seconds.top for x in range(canvas.dots_wide)]
    step = seconds.top / last

    def heights(values: Sequence[float], *, smooth: bool = False) -> list[int | None]:
        found = [
            _value(curves.times_s, values, at, smooth=smooth)
            if values and at <= curves.end_s + step
            else None
            for at in times
        ]
        # The axis is line enough for the time before there is anything; but whoever has read a
        # word of thousands has a line, however low it lies.
        return [
            None if here is None or not (here or after) else round(here / units.top * highest)
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
    left = ((-1 - len(name), 0), (-len(name), -1))
    right = ((1, 1), (2, 0))
    sides = [*left, *right] if ink == "a" else [*right, *left]
    if ink == "reader":  # who may have no rise to stand beside
        sides.append((0, -1))
    spots = [(column + across, row + down) for column, row in cells for across, down in sides]

    def crowd(spot: tuple[int, int]) -> int:
        column, row = spot
        inside = 0 <= row < canvas.height and 0 <= column <= canvas.width - len(name)
        if not inside:
            return canvas.width + 1
        before = max(0, column - 1)
        after = min(canvas.width, column + len(name) + 1)
        # Two names that stand close to each other would be read as one.
        named = canvas.lettered(column - _APART, row, len(name) + 2 * _APART)
        return canvas.used(before, row, after - before) + named

    column, row = next((spot for spot in spots if not crowd(spot)), None) or min(spots, key=crowd)
    canvas.write(max(0, min(column, canvas.width - len(name))), row, name, ink)


def _cells(canvas: Canvas, heights: list[int | None]) -> list[tuple[int, int]]:
    """Return the cells that a line passes, those first that are the best known by.

    That is the middle of its rise; what it passes at its full height tells least.
    """
    rising: dict[tuple[int, int], None] = {}
    level: dict[tuple[int, int], None] = {}
    highest = max((height for height in heights if height), default=None)
    before: int | None = None
    for x, height in enumerate(heights):
        if height is not None:
            cells = level if before == height == highest else rising
            for y in range(height if before is None else min(before + 1, height), height + 1):
                cells[x // DOTS_ACROSS, canvas.height - 1 - y // DOTS_DOWN] = None
        before = height
    middle = len(rising) // 2
    order = sorted(enumerate(rising), key=lambda each: abs(each[0] - middle))
    return [*(cell for _, cell in order), *level]


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
    if value < 10_000:
        return f"{value:.0f}"
    return f"{value / 1000:.0f}k" if value < 999_500 else f"{value / 1e6:.2g}M"
