"""What is cut says so, and where the rest is."""

import pytest
from textual.app import App, ComposeResult
from textual.widgets import Static

from streamscope.tui.widgets.verdict_panel import VerdictPanel

SENTENCE = "Stream it: first text much sooner. "


class PanelApp(App[None]):
    """Two lines for whatever there is to say."""

    CSS = "VerdictPanel { height: 2; }"

    def compose(self) -> ComposeResult:
        yield VerdictPanel()

    async def on_mount(self) -> None:
        await self.query_one(VerdictPanel).fill()

    def say(self, text: str) -> None:
        """Put a text there."""
        self.query_one(".said", Static).update(text)

    @property
    def more(self) -> bool:
        """Whether it says that there is more."""
        return bool(self.query_one(".more").display)


@pytest.mark.parametrize(("times", "cut"), [(1, False), (2, False), (6, True)])
async def test_only_what_is_cut_says_that_there_is_more(times: int, cut: bool) -> None:
    app = PanelApp()
    async with app.run_test(size=(40, 10)) as pilot:
        app.say(SENTENCE * times)
        await pilot.pause()
        assert app.more is cut
        app.say("")
        await pilot.pause()
        assert not app.more


async def test_a_wider_terminal_shows_all_again() -> None:
    app = PanelApp()
    async with app.run_test(size=(40, 10)) as pilot:
        app.say(SENTENCE * 4)
        await pilot.pause()
        assert app.more
        await pilot.resize_terminal(120, 10)
        await pilot.pause()
        assert not app.more
