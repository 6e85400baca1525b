"""When pieces of text were seen for the first time: by what was drawn, frame by frame.

A piece is seen in the first frame in which the row that holds its end is drawn. What leaves the
view before any frame has it, because more came than fits, is never seen, and no time is told for
it. Knows no screen and no clock.
"""


class Sightings:
    """Follows pieces of one text from the row that they are laid out in to the frame with it.

    Attributes:
        seen: Arrival and frame of each piece that was seen.
    """

    def __init__(self) -> None:
        self.seen: list[tuple[int, int]] = []
        self._waiting: list[tuple[int, int]] = []  # row and arrival
        self._drawn: set[int] = set()

    @property
    def waiting(self) -> bool:
        """Whether a piece is on its way to the screen."""
        return bool(self._waiting)

    def laid_out(self, row: int, came_ns: int) -> None:
        """Note that a piece ends in a row that is in view and will be drawn.

        Args:
            row: Index of the row.
            came_ns: When the piece had come.
        """
        self._waiting.append((row, came_ns))

    def drawn(self, row: int) -> None:
        """Note that a row is part of the frame that is being made."""
        if self._waiting:
            self._drawn.add(row)

    def frame(self, now_ns: int, top: int) -> None:
        """Note that a frame is out.

        Args:
            now_ns: When.
            top: The first row that it shows: what waits above it has left the view unseen.
        """
        if self._drawn:
            waiting, self._waiting = self._waiting, []
            for row, came_ns in waiting:
                if row in self._drawn:
                    self.seen.append((came_ns, now_ns))
                elif row >= top:
                    self._waiting.append((row, came_ns))
            self._drawn.clear()

    def lose(self) -> None:
        """Follow none of the pieces any more that were not seen yet."""
        self._waiting.clear()
        self._drawn.clear()
