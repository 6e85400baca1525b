"""The editor sends with enter, takes new lines, and asks for older prompts only at its edges."""

import pytest
from textual import on
from textual.app import App, ComposeResult

from streamscope.tui.widgets.prompt import PromptEditor


class PromptApp(App[None]):
    """One editor, and what it asked for."""

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self.editor = PromptEditor(text)
        self.asked: list[str] = []

    def compose(self) -> ComposeResult:
        yield self.editor

    @on(PromptEditor.Submitted)
    def sent(self) -> None:
        self.asked.append("run")

    @on(PromptEditor.WantsHistory)
    def wants(self, event: PromptEditor.WantsHistory) -> None:
        self.asked.append("older" if event.step > 0 else "newer")


async def test_enter_sends_and_leaves_the_text() -> None:
    app = PromptApp()
    async with app.run_test() as pilot:
        await pilot.press("h", "i", "enter")
        assert app.asked == ["run"]
        assert app.editor.text == "hi"


@pytest.mark.parametrize("key", ["alt+enter", "shift+enter", "ctrl+j"])
async def test_a_new_line_can_be_begun(key: str) -> None:
    app = PromptApp()
    async with app.run_test() as pilot:
        await pilot.press("a", key, "b")
        assert app.editor.text == "a\nb"
        assert app.asked == []


async def test_up_and_down_move_within_the_text_and_ask_at_its_edges() -> None:
    app = PromptApp("one\ntwo")
    async with app.run_test() as pilot:
        await pilot.press("down")
        assert app.asked == []
        await pilot.press("down", "up")
        assert app.asked == ["newer"]
        await pilot.press("up")
        assert app.asked == ["newer", "older"]


async def test_a_text_that_is_put_in_can_be_written_on() -> None:
    app = PromptApp("old")
    async with app.run_test() as pilot:
        app.editor.put("one\ntwo")
        await pilot.press("!")
        assert app.editor.text == "one\ntwo!"


async def test_what_is_pasted_stays_as_it_is() -> None:
    app = PromptApp()
    async with app.run_test() as pilot:
        app.editor.insert("[bold]\x1b[31mred\n")
        await pilot.pause()
        assert app.editor.text == "[bold]\x1b[31mred\n"
        assert app.asked == []
