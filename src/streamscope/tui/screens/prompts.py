"""Search the prompts that were sent before, and some to begin with."""

from collections.abc import Callable

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, OptionList, Static

from streamscope.tui.screens.picker import Picker
from streamscope.tui.widgets.field import Field
from streamscope.tui.widgets.sanitize import one_line

SAMPLES = (
    "Answer in one sentence: what is Traditional Chinese?",
    "In 400 to 500 words, in at least three paragraphs, explain what unified memory is good for.",
    "請用一句話回答：什麼是繁體中文？",
    "請用約 400-500 字介紹 Apple Silicon 的 unified memory 架構對本地 LLM 推論的影響，至少分三段。",
)
"""A short and a long question, in English and Chinese: what streaming changes depends on length."""


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
            dialog.border_title = "prompts sent before, and samples"
            dialog.border_subtitle = "enter takes it · esc closes"
            yield Field(placeholder="a part of the prompt")
            yield OptionList()
            yield Static(classes="hint")

    def on_mount(self) -> None:
        """Show the newest."""
        self._search("")

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._search(event.value)

    def _search(self, text: str) -> None:
        sent = self._prompts(text)
        wanted = text.casefold()
        samples = [each for each in SAMPLES if wanted in each.casefold() and each not in sent]
        self._found = sent + samples
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options([Text(one_line(prompt, 200)) for prompt in sent])
        options.add_options([Text.assemble(("sample  ", "dim"), each) for each in samples])
        if self._found:
            options.highlighted = 0
        hint = self.query_one(Static)
        hint.update(
            ""
            if self._found
            else "Neither a prompt that was sent before nor a sample contains that."
        )

    @on(Input.Submitted)
    def _take(self) -> None:
        index = self.query_one(OptionList).highlighted
        if index is not None and index < len(self._found):
            self.dismiss(self._found[index])

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._found[event.option_index])
