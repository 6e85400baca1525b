"""What is remembered of a prompt on a target: medians, and when what could be read."""

from collections.abc import Mapping

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from streamscope.measure.conventions import Reader
from streamscope.measure.reader import Curves, curves
from streamscope.trace import ChannelName
from streamscope.tui.ended import EndedRun
from streamscope.tui.faces import bad
from streamscope.tui.widgets.plot import NO_TEXT, NOTHING, UNDER_WAY, ReadablePlot

POINTS = 400
"""Moments at which the curves are looked up: more than a wide terminal has dots."""


class MemoryPanel(Horizontal):
    """Medians on the left; on the right, where there is room, the plot of the last pair."""

    def compose(self) -> ComposeResult:
        """Lay out both halves."""
        yield Static(id="medians")
        yield ReadablePlot()

    @property
    def room(self) -> int:
        """Cells of a line of the medians."""
        return self.query_one("#medians").size.width

    def show(self, medians: Content) -> None:
        """Draw the medians."""
        self.query_one("#medians", Static).update(medians)

    def show_problem(self, sentence: str) -> None:
        """Say why there are none."""
        self.show(bad(sentence))

    def show_pair(
        self, pair: Mapping[ChannelName, EndedRun], reader: Reader, *, under_way: bool = False
    ) -> None:
        """Draw when what could be read in a pair, or in one run of it.

        Args:
            pair: The runs that are over.
            reader: Whose line is drawn.
            under_way: Whether there is more to come: without any run, that is said.
        """
        a, b = (pair[name].run.trace if name in pair else None for name in ("A", "B"))
        known: Curves | None = None if a is None and b is None else curves(a, b, reader, POINTS)
        message = UNDER_WAY if under_way else NOTHING
        if known is not None and not any((*known.a, *known.b)):
            known, message = None, NO_TEXT
        self.query_one(ReadablePlot).show(known, message)

    def mark(self, position_s: float | None) -> None:
        """Mark a moment in the plot, s since sent; ``None`` for none."""
        self.query_one(ReadablePlot).mark(position_s)

    def clear(self) -> None:
        """Show nothing."""
        self.show(Content())
        self.query_one(ReadablePlot).show(None)
