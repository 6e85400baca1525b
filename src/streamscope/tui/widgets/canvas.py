"""A picture of braille dots: two across and four down in every cell of the terminal."""

from collections.abc import Iterator
from typing import Final

DOTS_ACROSS: Final = 2
"""Dots that a cell has side by side."""

DOTS_DOWN: Final = 4
"""Dots that a cell has above each other."""

_EMPTY: Final = 0x2800
_BITS: Final = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))

Run = tuple[str, str | None]
"""Cells beside each other of the same ink; ``None`` is bare paper."""


class Canvas:
    """Dots and letters, each in a named ink. A cell has one ink: the one that came last.

    Dots are addressed from the lower left corner, cells from the upper left. What lies outside is
    left out.
    """

    def __init__(self, width: int, height: int) -> None:
        """Begin with bare paper of so many cells."""
        self.width, self.height = max(0, width), max(0, height)
        cells = self.width * self.height
        self._dots = bytearray(cells)
        self._letters: list[str] = [""] * cells
        self._inks: list[str | None] = [None] * cells

    @property
    def dots_wide(self) -> int:
        """Dots from the left to the right edge."""
        return self.width * DOTS_ACROSS

    @property
    def dots_high(self) -> int:
        """Dots from the lower to the upper edge."""
        return self.height * DOTS_DOWN

    def dot(self, x: int, y: int, ink: str) -> None:
        """Set one dot, counted from the lower left."""
        if not (0 <= x < self.dots_wide and 0 <= y < self.dots_high):
            return
        down = self.dots_high - 1 - y
        cell = down // DOTS_DOWN * self.width + x // DOTS_ACROSS
        self._dots[cell] |= _BITS[down % DOTS_DOWN][x % DOTS_ACROSS]
        self._inks[cell] = ink

    def path(self, ys: list[int | None], ink: str, *, every: int = 1) -> None:
        """Draw a line through one height a column of dots, joined by uprights.

        Args:
            ys: Height in dots at each column from the left; ``None`` lifts the pen.
            ink: What to draw with.
            every: Sets one dot of so many along the way: a dotted line above 1.
        """
        step = 0
        before: int | None = None
        for x, y in enumerate(ys):
            if y is None:
                before = None
                continue
            for height in _upright(before, y):
                if step % every == 0:
                    self.dot(x, height, ink)
                step += 1
            before = y

    def write(self, column: int, row: int, text: str, ink: str) -> None:
        """Write letters over whatever is there, one a cell, from a cell on."""
        if not 0 <= row < self.height:
            return
        for at, letter in enumerate(text, start=column):
            if 0 <= at < self.width:
                self._letters[row * self.width + at] = letter
                self._inks[row * self.width + at] = ink

    def used(self, column: int, row: int, cells: int) -> int:
        """Count those cells of a stretch that carry something; those outside the paper do."""
        taken = 0
        for at in range(column, column + cells):
            inside = 0 <= at < self.width and 0 <= row < self.height
            taken += not inside or self._inks[row * self.width + at] is not None
        return taken

    def lettered(self, column: int, row: int, cells: int) -> int:
        """Count the cells of a stretch on the paper that carry letters."""
        stretch = range(max(0, column), min(self.width, column + cells))
        return sum(bool(self._letters[row * self.width + at]) for at in stretch)

    def rows(self) -> Iterator[list[Run]]:
        """Yield each row, from the top, in runs of one ink."""
        for row in range(self.height):
            runs: list[Run] = []
            for cell in range(row * self.width, (row + 1) * self.width):
                ink = self._inks[cell]
                glyph = self._letters[cell] or (
                    " " if ink is None else chr(_EMPTY + self._dots[cell])
                )
                if runs and runs[-1][1] == ink:
                    runs[-1] = (runs[-1][0] + glyph, ink)
                else:
                    runs.append((glyph, ink))
            yield runs


def _upright(before: int | None, now: int) -> range:
    """Return the heights to set in a column so that it joins the one before."""
    if before is None or before == now:
        return range(now, now + 1)
    return range(before + 1, now + 1) if before < now else range(before - 1, now - 1, -1)
