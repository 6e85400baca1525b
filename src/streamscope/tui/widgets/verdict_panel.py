"""What came of the runs, in the few lines that there are for it."""

from textual.containers import VerticalScroll
from textual.widgets import Static

MORE = "… f5"
"""Stands at the end of what is cut: there is more, and which key shows it."""


class VerdictPanel(VerticalScroll):
    """A text that is cut where it has too many lines; then it says so, and where the rest is."""

    DEFAULT_CSS = """
    VerdictPanel {
        & > .more {
            dock: right;
            width: 5;
            height: 100%;
            content-align: right bottom;
            color: $accent;
            display: none;
        }
        &.-cut > .more { display: block; }
    }
    """

    async def fill(self) -> None:
        """Mount what is in it; until then it is empty."""
        await self.mount(Static(classes="said"), Static(MORE, classes="more", markup=False))
        self.watch(self, "show_vertical_scrollbar", self._cut, init=False)

    def _cut(self, cut: bool) -> None:
        self.set_class(cut, "-cut")
