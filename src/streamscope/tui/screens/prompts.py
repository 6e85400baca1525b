"""Search the prompts that were sent before."""

from collections.abc import Callable

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, OptionList, Static

from streamscope.tui.screens.picker import Picker
from streamscope.tui.widgets.sanitize import one_line


class PromptSearch(Picker[str | None]):
    """Type a part of a prompt, choose it with the arrow keys, take it with enter."""

    def __init__(self, prompts: Callable[[str], list[str]]) -> None:
        """Open the search.

        Args:
            prompts: Returns prompts that contain a text, the newest first.
        """
        super().__init__()
        self._prompts = prompts
        self._found: list[str] = []

    def compose(self) -> ComposeResult:
        """Lay out the dialog."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "prompts sent before"
            dialog.border_subtitle = "enter takes it · esc closes"
            yield Input(placeholder="a part of the prompt")
            yield OptionList()
            yield Static(classes="hint")

    def on_mount(self) -> None:
        """Show the newest."""
        self._search("")

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._search(event.value)

    def _search(self, text: str) -> None:
        self._found = self._prompts(text)
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options([Text(one_line(prompt, 200)) for prompt in self._found])
        if self._found:
            options.highlighted = 0
        hint = self.query_one(Static)
        hint.update("" if self._found else "No prompt that was sent before contains that.")

    @on(Input.Submitted)
    def _take(self) -> None:
        index = self.query_one(OptionList).highlighted
        if index is not None and index < len(self._found):
            self.dismiss(self._found[index])

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._found[event.option_index])
