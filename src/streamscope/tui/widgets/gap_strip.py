"""One line that shows how evenly text came."""

import math
from collections.abc import Sequence
from typing import ClassVar, Final

from rich.text import Text
from textual.widget import Widget

from streamscope.measure.gaps import STALL_FLOOR_MS, STALL_MEDIANS
from streamscope.tui.widgets.sanitize import one_line

LEVELS: Final = "▁▂▃▄▅▆▇█"
"""Bars for gaps, linear from 0 to the longest."""

STALL: Final = "!"
"""Stands for a stretch with a stall in it, so that it does not rely on a colour."""

LABEL: Final = "gaps "

MIN_BARS: Final = 8
"""Cells that the bars keep; rather than take them, the words become fewer."""

NUMBER: Final = 4
"""Cells of a number, whatever it is: nothing moves when digits change."""

_S_PER_MS: Final = 1e-3
_LEAST_MS: Final = 0.1
_WITH_TENTHS_MS: Final = 9.95
_TEN_SECONDS_MS: Final = 9_999.5
_LONGEST_S: Final = 999.5


def number(ms: float | None) -> str:
    """Write a duration in four cells: milliseconds, or seconds with their unit from 10 s on."""
    if ms is None or not math.isfinite(ms):
        return "–".rjust(NUMBER)
    if ms >= _TEN_SECONDS_MS:
        seconds = ms * _S_PER_MS
        return f"{seconds:.0f}s".rjust(NUMBER) if seconds < _LONGEST_S else ">16m"
    if 0 < ms < _LEAST_MS:
        return f"<{_LEAST_MS}"
    return (f"{ms:.1f}" if 0 < ms < _WITH_TENTHS_MS else f"{ms:.0f}").rjust(NUMBER)


def stall_threshold(median_ms: float | None) -> float:
    """Return the length, in ms, above which a gap is a stall."""
    return max(STALL_FLOOR_MS, STALL_MEDIANS * (median_ms or 0.0))


def peaks(bins: Sequence[float], cells: int) -> list[float]:
    """Bring bins down to a number of cells, keeping the longest gap of each stretch."""
    count = len(bins)
    if count <= cells:
        return list(bins)
    return [max(bins[cell * count // cells : (cell + 1) * count // cells]) for cell in range(cells)]


def bars(gaps: Sequence[float], threshold_ms: float) -> str:
    """Draw one character a gap: a bar, a stall, or a space where there was no gap."""
    longest = max(gaps, default=0.0)
    drawn = []
    for gap in gaps:
        if gap > threshold_ms:
            drawn.append(STALL)
        elif gap > 0:
            drawn.append(LEVELS[min(len(LEVELS), math.ceil(gap / longest * len(LEVELS))) - 1])
        else:
            drawn.append(" ")
    return "".join(drawn)


class GapStrip(Widget):
    """Shows the gaps between chunks as bars, oldest first, with their scale in words.

    Words give way to the bars where it is narrow; nothing ever wraps.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "gap-strip--bar",
        "gap-strip--stall",
        "gap-strip--words",
    }

    DEFAULT_CSS = """
    GapStrip {
        height: 1;
        width: 1fr;

        & > .gap-strip--bar { color: $reader; }
        & > .gap-strip--stall { color: $stall; text-style: bold; }
        & > .gap-strip--words { color: $dim-lane; }
    }
    """

    def __init__(
        self,
        *,
        name: str | None = None,
        id: str | None = None,  # noqa: A002 - Textual's own name for it
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._bins: tuple[float, ...] = ()
        self._words: tuple[tuple[str, str], ...] = ()
        self._threshold_ms = STALL_FLOOR_MS
        self._message: str | None = ""
        self.tooltip = (
            f"The longest gap between chunks in each stretch of the answer. {STALL} marks a stall: "
            f"longer than {STALL_FLOOR_MS:.0f} ms and than {STALL_MEDIANS:.0f} medians."
        )

    def show(
        self,
        bins: Sequence[float],
        median_ms: float | None,
        p95_ms: float | None,
        max_ms: float | None,
        count: int,
    ) -> None:
        """Draw gaps.

        Args:
            bins: Longest gap of each stretch in ms, oldest first; 0 where there was none.
            median_ms: Median of all gaps, in ms.
            p95_ms: 95th percentile, in ms.
            max_ms: The longest, in ms.
            count: Number of gaps. Below two, a median and a percentile say nothing.
        """
        if count < 2:
            median_ms = p95_ms = None
        if count < 1:
            max_ms = None
            bins = ()
        typical = number(median_ms)
        unit = "   " if typical.endswith("s") else " ms"
        words = (
            (LABEL, f"  median {typical}{unit} · p95 {number(p95_ms)} · max {number(max_ms)}"),
            ("", f" {typical}{unit} p95{number(p95_ms)} max{number(max_ms)}"),
            (LABEL, f"  median {typical}{unit}"),
            (LABEL, ""),
        )
        state = (tuple(bins), words, stall_threshold(median_ms), None)
        if state != (self._bins, self._words, self._threshold_ms, self._message):
            self._bins, self._words, self._threshold_ms, self._message = state
            self.refresh()

    def show_message(self, text: str) -> None:
        """Say something instead, on one line."""
        if text != self._message:
            self._message = text
            self.refresh()

    def render(self) -> Text:
        """Return the line for the present width."""
        width = self.size.width
        words = self.get_component_rich_style("gap-strip--words")
        if self._message is not None:
            return Text(one_line(self._message, width), style=words, no_wrap=True)
        label, scale = next(
            (wording for wording in self._words if width - sum(map(len, wording)) >= MIN_BARS),
            ("", ""),
        )
        cells = max(0, width - len(label) - len(scale))
        line = Text(label, style=words, no_wrap=True, overflow="crop", end="")
        bar = self.get_component_rich_style("gap-strip--bar")
        stall = self.get_component_rich_style("gap-strip--stall")
        for glyph in bars(peaks(self._bins, cells), self._threshold_ms).ljust(cells):
            line.append(glyph, style=stall if glyph == STALL else bar)
        return line.append(scale, style=words)
