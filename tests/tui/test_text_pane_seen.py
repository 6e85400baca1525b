"""A pane knows which frame showed each piece first, and tells nothing of what nobody could see."""

import asyncio

import pytest
from textual.app import App, ComposeResult
from textual.screen import Screen

from streamscope.trace import TextKind
from streamscope.tui.themes import default_variables
from streamscope.tui.widgets.text_pane import SLICE, TextPane
from tests.tui.hands import PATIENCE_S

SIZE = (21, 5)  # one column is the scroll bar


class SeenApp(App[None]):
    """One pane that fills the screen, and a clock that counts frames."""

    def __init__(self) -> None:
        super().__init__()
        self.pane = TextPane()
        self.frames = 0

    def compose(self) -> ComposeResult:
        yield self.pane

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return default_variables()

    def post_display_hook(self) -> None:
        """Tell the pane of the frame, by its number."""
        self.frames += 1
        if self.pane.is_attached:
            self.pane.frame_out(self.frames)

    def write(self, text: str, came: int, kind: TextKind = "answer") -> None:
        """Let a piece come."""
        self.pane.append(kind, text, came)

    async def seen(self) -> list[tuple[int, int]]:
        """Return what was seen, once all is."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.pane.all_seen()


@pytest.fixture
def app() -> SeenApp:
    return SeenApp()


async def test_pieces_laid_out_together_are_seen_in_the_same_frame(app: SeenApp) -> None:
    async with app.run_test(size=SIZE):
        before = app.frames
        for came in (-3, -2, -1):
            app.write("word ", came)
        seen = await app.seen()
        assert [came for came, _ in seen] == [-3, -2, -1]
        (frame,) = {frame for _, frame in seen}
        assert frame > before


async def test_each_piece_is_seen_in_the_frame_after_it_came(app: SeenApp) -> None:
    async with app.run_test(size=SIZE):
        frames = []
        for came in range(3):
            app.write("word\n", came)
            frames.append((await app.seen())[-1][1])
        assert frames == sorted(set(frames))
        assert [came for came, _ in await app.seen()] == [0, 1, 2]


async def test_thinking_and_answer_are_both_seen(app: SeenApp) -> None:
    async with app.run_test(size=SIZE):
        app.write("hm ", 1, "reasoning")
        app.write("yes", 2)
        assert [came for came, _ in await app.seen()] == [1, 2]


async def test_a_whole_answer_is_seen_when_its_end_is(app: SeenApp) -> None:
    async with app.run_test(size=SIZE):
        app.write("word " * SLICE, 7)
        assert [came for came, _ in await app.seen()] == [7]
        assert app.pane.backlog == 0


async def test_what_nobody_timed_is_not_told(app: SeenApp) -> None:
    async with app.run_test(size=SIZE):
        app.pane.append("answer", "replayed")
        assert await app.seen() == []
        assert app.pane.backlog == 0


async def test_text_below_a_reader_who_scrolled_up_is_not_seen(app: SeenApp) -> None:
    async with app.run_test(size=SIZE) as pilot:
        app.write("".join(f"line {number}\n" for number in range(20)), 1)
        assert len(await app.seen()) == 1
        app.pane.scroll_home(animate=False)
        await pilot.pause()
        assert not app.pane.following
        app.write("out of sight\n" * 9, 2)
        assert [came for came, _ in await app.seen()] == [1]
        app.pane.action_scroll_end()
        await pilot.pause()
        assert [came for came, _ in await app.seen()] == [1]


async def test_text_behind_another_screen_is_not_seen(app: SeenApp) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await app.push_screen(Screen[None]())
        app.write("behind", 1)
        app.pane.paint()
        assert await app.seen() == []
        app.pop_screen()
        await pilot.pause()
        assert await app.seen() == []


async def test_a_cleared_pane_forgets_what_it_waited_for(app: SeenApp) -> None:
    async with app.run_test(size=SIZE):
        app.write("word", 1)
        app.pane.clear()
        assert await app.seen() == []
        app.write("other", 2)
        assert [came for came, _ in await app.seen()] == [2]


async def test_another_width_loses_nothing_but_the_numbers_of_rows(app: SeenApp) -> None:
    async with app.run_test(size=SIZE) as pilot:
        app.write("word " * 50, 1)
        await app.seen()
        await pilot.resize_terminal(13, 5)
        app.write("after", 2)
        assert [came for came, _ in await app.seen()][-1] == 2
