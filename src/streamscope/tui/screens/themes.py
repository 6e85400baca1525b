"""Choose a colour theme: moving through the list shows each at once."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList

from streamscope.tui.themes import is_own


class ThemePicker(ModalScreen[bool]):
    """Move to see a theme, enter keeps it, esc goes back to the one before."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "go_back", "Close")]

    def __init__(self) -> None:
        super().__init__()
        self._before = self.app.theme
        # Ours and the person's own come before those that Textual brings.
        names = self.app.available_themes
        self._names = sorted(names, key=lambda name: (not is_own(names[name]), name))

    def compose(self) -> ComposeResult:
        """Lay out the dialog."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "theme"
            dialog.border_subtitle = "enter keeps it · esc goes back"
            yield OptionList(*(Content(name) for name in self._names))

    def on_mount(self) -> None:
        """Stand on the present theme."""
        options = self.query_one(OptionList)
        options.highlighted = self._names.index(self._before)

    @on(OptionList.OptionHighlighted)
    def _show(self, event: OptionList.OptionHighlighted) -> None:
        self.app.theme = self._names[event.option_index]

    @on(OptionList.OptionSelected)
    def _keep(self) -> None:
        self.dismiss(True)

    def action_go_back(self) -> None:
        """Take the theme back that was there before."""
        self.app.theme = self._before
        self.dismiss(False)
