"""Two groups of the history side by side."""

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static


class VersusDialog(ModalScreen[None]):
    """Shows what two groups have to say about each other; esc closes."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,enter,f4", "dismiss", "Close")]

    CSS = """
    VersusDialog > .dialog { height: auto; max-height: 90%; padding: 1 2; }
    VersusDialog Static { height: auto; }
    """

    def __init__(self, write: Callable[[int], Content]) -> None:
        """Take who writes it, for a number of cells."""
        super().__init__()
        self._write = write

    def compose(self) -> ComposeResult:
        """Lay out the dialog."""
        with VerticalScroll(classes="dialog") as dialog:
            dialog.border_title = "two groups, first over second"
            dialog.border_subtitle = "esc closes"
            yield Static()

    def on_resize(self) -> None:
        """Write for the new width."""
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        if not self.app.is_running:
            return
        width = self.query_one(VerticalScroll).scrollable_content_region.width
        self.query_one(Static).update(self._write(width))
