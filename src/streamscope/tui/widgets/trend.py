"""A figure over time: small bars on a common foot of zero, with the change in words."""

from collections.abc import Sequence
from typing import Final

import msgspec
from textual.content import Content
from textual.widget import Widget

from streamscope.report import words

LABEL_CELLS: Final = 15
WORDS_CELLS: Final = 28
LEAST_BARS: Final = 8
"""Cells for bars below which none are drawn: the words remain."""

MOST_ROWS: Final = 4
MOST_BAR: Final = 4
"""Cells that one bar is wide at most, its gap included."""

_TIMES: Final = 3
_EIGHTHS: Final = " ▁▂▃▄▅▆▇█"


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """One figure over time.

    Attributes:
        label: What it is.
        values: Its values, s, the oldest first.
        style: What the bars are drawn with.
    """

    label: str
    values: tuple[float, ...]
    style: str = ""


def bars(values: Sequence[float], cells: int, rows: int) -> list[str]:
    """Draw values as bars that stand on zero.

    Args:
        values: None below zero. Where there are more than cells, the last ones are drawn.
        cells: Room across.
        rows: Room upwards.

    Returns:
        So many rows, from the top, all of the same length.
    """
    shown = values[-cells:] if cells > 0 else []
    if not shown:
        return [""] * rows
    top = max(shown) or 1.0
    wide = max(1, min(MOST_BAR, cells // len(shown)))
    bar, gap = (wide - 1, 1) if wide > 1 else (1, 0)
    most = 8 * rows - (1 if rows < MOST_ROWS else 4)  # what stands above is not touched
    drawn = []
    for row in reversed(range(rows)):
        line = ""
        for value in shown:
            # Something that is there is seen, however small.
            eighths = max(1, round(value / top * most)) if value > 0 else 0
            line += _EIGHTHS[min(8, max(0, eighths - 8 * row))] * bar + " " * gap
        drawn.append(line)
    return drawn


def change_words(values: Sequence[float]) -> str:
    """Say first and last value and how the last stands to the first: ``0.24 → 0.26 s, +8 %``."""
    first, last = words.seconds(values[0]), words.seconds(values[-1])
    if first.split(" ")[1:] == last.split(" ")[1:]:
        first = first.split(" ")[0]
    said = f"{first} → {last}"
    if not values[0]:
        return said
    times = values[-1] / values[0]
    if times >= _TIMES:
        return f"{said}, {times:,.0f}×"
    change = 100 * (times - 1)
    if abs(change) < 0.5:
        return f"{said}, ±0 %"
    return f"{said}, {'+' if change > 0 else '−'}{abs(change):,.0f} %"


class Trend(Widget):
    """Figures over time, one below the other; each stands on a zero of its own."""

    DEFAULT_CSS = """
    Trend { height: 4; width: 1fr; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._series: tuple[Series, ...] = ()
        self._span = ""

    def show(self, series: Sequence[Series], span: str = "") -> None:
        """Draw these, with what is said of the time they span; nothing at all if there are none."""
        self._series, self._span = tuple(series), span
        self.display = bool(series)
        self.refresh()

    def render(self) -> Content:
        """Return the picture."""
        if not self._series:
            return Content()
        width, height = self.size
        rows = max(1, min(MOST_ROWS, (height - 1) // len(self._series)))
        cells = width - LABEL_CELLS - WORDS_CELLS
        lines = [Content.styled(self._span, "$text-muted")]
        for each in self._series:
            lines += _lines(each, cells if cells >= LEAST_BARS else 0, rows)
        return Content("\n").join(lines)


def _lines(series: Series, cells: int, rows: int) -> list[Content]:
    """Return the rows of one figure; its name and its words stand at the foot."""
    drawn = bars(series.values, cells, rows)
    lines = [Content.assemble(" " * LABEL_CELLS, (row, series.style)) for row in drawn[: rows - 1]]
    foot = Content.assemble(
        (f"{series.label:<{LABEL_CELLS}}", "$text-muted"),
        (drawn[-1], series.style),
        "  " if drawn[-1] else "",
        change_words(series.values),
    )
    return [*lines, foot]
