"""The pane shows all text in time, leaves readers where they are, and gives text back whole."""

import pytest
from textual.app import App, ComposeResult
from textual.geometry import Offset
from textual.selection import SELECT_ALL, Selection

from streamscope.tui.themes import default_variables
from streamscope.tui.widgets.text_pane import TextPane

FAMILY = "👩‍👩‍👧"


class PaneApp(App[None]):
    """One pane that fills the screen."""

    def __init__(self, placeholder: str = "") -> None:
        super().__init__()
        self.pane = TextPane(placeholder)

    def compose(self) -> ComposeResult:
        yield self.pane

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return default_variables()

    @property
    def shown(self) -> list[str]:
        """What stands in the pane, without the space behind it."""
        return [self.pane.render_line(y).text.rstrip() for y in range(self.pane.size.height)]

    def write(self, *texts: str) -> None:
        for text in texts:
            self.pane.append("answer", text)
        self.pane.flush()


def numbered(count: int, first: int = 0) -> str:
    return "".join(f"line {number}\n" for number in range(first, first + count))


@pytest.fixture
def app() -> PaneApp:
    return PaneApp()


SIZE = (21, 5)  # one column is the scroll bar


async def test_text_is_wrapped_to_the_pane(app: PaneApp) -> None:
    async with app.run_test(size=SIZE):
        app.write("the quick brown fox jumps over ", "the lazy dog")
        assert app.shown == ["the quick brown fox", "jumps over the lazy", "dog", "", ""]


async def test_text_is_drawn_without_being_asked(app: PaneApp) -> None:
    async with app.run_test(size=SIZE) as pilot:
        app.pane.append("answer", "hello")
        while app.pane.backlog:
            await pilot.pause()
        assert app.shown[0] == "hello"


async def test_an_idle_pane_wakes_nothing(app: PaneApp, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = []
    set_timer = TextPane.set_timer

    def counted(pane: TextPane, *args: object, **kwargs: object) -> object:
        begun.append(args)
        return set_timer(pane, *args, **kwargs)  # type: ignore[arg-type]  # passed on as given

    monkeypatch.setattr(TextPane, "set_timer", counted)
    async with app.run_test(size=SIZE) as pilot:
        assert begun == []
        for _ in range(100):
            app.pane.append("answer", "word ")
        assert len(begun) == 1
        while app.pane.backlog:
            await pilot.pause()
        assert len(begun) == 1


async def test_text_from_before_the_screen_is_not_lost(app: PaneApp) -> None:
    app.pane.append("answer", "early")
    async with app.run_test(size=SIZE) as pilot:
        while app.pane.backlog:
            await pilot.pause()
        assert app.shown[0] == "early"


async def test_a_hidden_pane_shows_its_text_when_it_is_back(app: PaneApp) -> None:
    async with app.run_test(size=SIZE) as pilot:
        app.pane.display = False
        await pilot.pause()
        app.pane.append("answer", "meanwhile")
        app.pane.display = True
        await pilot.pause()
        while app.pane.backlog:
            await pilot.pause()
        assert app.shown[0] == "meanwhile"


async def test_lanes_have_gutters_and_begin_lines(app: PaneApp) -> None:
    async with app.run_test(size=SIZE):
        app.pane.append("reasoning", "The user wants a poem")
        app.write("Roses")
        app.pane.append("tool", "{}")
        app.pane.flush()
        assert app.shown == ["▏ The user wants a", "▏ poem", "Roses", "┆ {}", ""]


async def test_a_narrow_pane_leaves_the_gutters_out(app: PaneApp) -> None:
    async with app.run_test(size=(5, 3)):
        app.pane.append("reasoning", "abcdef")
        app.pane.flush()
        assert app.shown == ["abcd", "ef", ""]


async def test_text_cannot_steer_the_terminal(app: PaneApp) -> None:
    async with app.run_test(size=SIZE):
        app.write("\x1b[2J[red]no[/red]\r", "\nnext")
        assert app.shown[:2] == ["␛[2J[red]no[/red]", "next"]


async def test_an_emoji_that_comes_in_parts_is_put_together(app: PaneApp) -> None:
    async with app.run_test(size=SIZE):
        for char in f"a{FAMILY}b":
            app.write(char)
        assert app.shown[0] == f"a{FAMILY}b"


async def test_the_placeholder_stands_in_the_middle_until_there_is_text() -> None:
    app = PaneApp("waiting")
    async with app.run_test(size=SIZE):
        assert app.shown == ["", "", "      waiting", "", ""]
        app.pane.placeholder = "the server said a long no"
        assert app.shown == ["", " the server said a", "      long no", "", ""]
        app.pane.placeholder = "one\ntwo"
        assert app.shown == ["", "        one", "        two", "", ""]
        app.write("x")
        assert app.shown[0] == "x"
        app.pane.clear()
        assert app.shown[1].strip() == "one"


async def test_the_pane_follows_the_end(app: PaneApp) -> None:
    async with app.run_test(size=SIZE):
        app.write(numbered(20))
        assert app.shown[-1] == "line 19"
        app.write(numbered(20, 20))
        assert app.shown[-1] == "line 39"


@pytest.mark.parametrize("key", ["up", "pageup", "home"])
async def test_who_scrolled_up_stays_there(app: PaneApp, key: str) -> None:
    async with app.run_test(size=SIZE) as pilot:
        app.pane.focus()
        app.write(numbered(20))
        await pilot.press(key)
        app.write("more\n" * 50)  # while the scroll may still be moving
        await pilot.wait_for_scheduled_animations()
        assert not app.pane.following
        seen = app.shown
        app.write("more\n" * 50)
        await pilot.pause()
        assert app.shown == seen
        assert seen[-1].startswith("line")


async def test_scrolling_back_to_the_end_follows_again(app: PaneApp) -> None:
    async with app.run_test(size=SIZE) as pilot:
        app.write(numbered(20))
        app.pane.scroll_to(y=3, animate=False)
        assert not app.pane.following
        app.pane.scroll_to(y=app.pane.max_scroll_y, animate=False)
        await pilot.pause()
        assert app.pane.following


async def test_the_end_key_goes_back_to_following(app: PaneApp) -> None:
    async with app.run_test(size=SIZE) as pilot:
        app.pane.focus()
        app.write(numbered(20))
        await pilot.press("home")
        await pilot.wait_for_scheduled_animations()
        await pilot.press("end")
        assert app.shown[-1] == "line 19"
        app.write("new")
        assert app.shown[-1] == "new"


async def test_a_new_size_keeps_the_text_at_the_top(app: PaneApp) -> None:
    text = "".join(f"paragraph {number} " + "word " * 30 + "\n" for number in range(30))
    async with app.run_test(size=SIZE) as pilot:
        app.write(text)
        app.pane.scroll_to(y=0, animate=False)
        target = 0
        while "paragraph 15" not in app.shown[0]:
            target += 1
            app.pane.scroll_to(y=target, animate=False)
        for width in (40, 13, 70, 21):
            await pilot.resize_terminal(width, 6)
            app.pane.flush()
            assert "paragraph 15" in app.shown[0]


async def test_a_new_size_keeps_following(app: PaneApp) -> None:
    async with app.run_test(size=SIZE) as pilot:
        app.write(numbered(50), "the very end")
        for size in ((12, 9), (40, 3), (30, 20)):
            await pilot.resize_terminal(*size)
            app.pane.flush()
            assert app.shown[-1].endswith("end")


async def test_text_that_comes_while_it_is_wrapped_anew_is_not_lost(app: PaneApp) -> None:
    async with app.run_test(size=SIZE) as pilot:
        app.write("word " * 20_000)
        await pilot.resize_terminal(33, 7)
        app.write("the end")
        assert app.shown[-1].endswith("the end")
        assert app.pane.get_selection(SELECT_ALL) == ("word " * 20_000 + "the end", "\n")


async def test_clearing_in_the_middle_of_a_new_wrap_keeps_the_new_width(app: PaneApp) -> None:
    async with app.run_test(size=SIZE) as pilot:
        app.write("文字 " * 100_000)  # more than is wrapped in one go
        await pilot.resize_terminal(11, 5)
        app.pane.clear()
        app.write("ten cells.x")
        assert app.shown[:2] == ["ten", "cells.x"]


async def test_a_mouse_selects_the_text_that_is_under_it(app: PaneApp) -> None:
    async with app.run_test(size=SIZE) as pilot:
        app.write("the quick brown fox jumps over the lazy dog\nnext")
        await pilot.mouse_down(app.pane, offset=(4, 0))
        await pilot.hover(app.pane, offset=(9, 1))
        await pilot.mouse_up(app.pane, offset=(9, 1))
        assert app.screen.get_selected_text() == "quick brown fox jumps over"


async def test_a_selection_stays_right_while_text_comes(app: PaneApp) -> None:
    async with app.run_test(size=SIZE) as pilot:
        app.write("select me, please\n")
        await pilot.mouse_down(app.pane, offset=(0, 0))
        await pilot.hover(app.pane, offset=(8, 0))
        await pilot.mouse_up(app.pane, offset=(8, 0))
        app.write(numbered(50))
        assert app.screen.get_selected_text() == "select me"
        assert app.shown[0] == "select me, please", "a selection holds the view"
        await pilot.resize_terminal(8, 5)
        app.pane.flush()
        assert app.screen.get_selected_text() == "select me"
        app.screen.clear_selection()
        await pilot.pause()
        assert app.shown[-1] == "line 49", "once it is gone, the pane follows again"


async def test_a_selection_has_no_gutters(app: PaneApp) -> None:
    async with app.run_test(size=SIZE) as pilot:
        app.pane.append("reasoning", "think about it and then answer")
        app.pane.flush()
        await pilot.mouse_down(app.pane, offset=(0, 0))
        await pilot.hover(app.pane, offset=(4, 1))
        await pilot.mouse_up(app.pane, offset=(4, 1))
        assert app.screen.get_selected_text() == "think about it and the"


@pytest.mark.parametrize(
    ("start", "end", "text"),
    [
        ((0, 0), (3, 0), "one"),
        ((1, 0), (2, 1), "ne\ntw"),
        ((0, 1), None, "two\n\n" + FAMILY + "x"),
        (None, (0, 2), "one\ntwo\n"),
        ((2, 3), (3, 3), FAMILY),
        ((99, 0), (0, 99), "\ntwo\n\n" + FAMILY + "x"),
    ],
)
async def test_what_a_selection_gives(
    app: PaneApp, start: tuple[int, int] | None, end: tuple[int, int] | None, text: str
) -> None:
    async with app.run_test(size=SIZE):
        app.write(f"one\ntwo\n\n{FAMILY}x")
        selection = Selection(start and Offset(*start), end and Offset(*end))
        assert app.pane.get_selection(selection) == (text, "\n")


async def test_a_selection_is_seen(app: PaneApp) -> None:
    async with app.run_test(size=SIZE) as pilot:
        app.write("one two")
        app.screen.selections = {app.pane: Selection(Offset(0, 0), Offset(3, 0))}
        await pilot.pause()
        (one, *_, rest) = [s for s in app.pane.render_line(0) if s.text.strip()]
    assert (one.text, rest.text.strip()) == ("one", "two")
    assert one.style is not None
    assert rest.style is not None
    assert one.style.bgcolor != rest.style.bgcolor


async def test_clearing_forgets_the_selection_and_the_place(app: PaneApp) -> None:
    async with app.run_test(size=SIZE) as pilot:
        app.write(numbered(50))
        app.pane.scroll_to(y=3, animate=False)
        app.screen.selections = {app.pane: SELECT_ALL}
        app.pane.clear()
        await pilot.pause()
        assert app.screen.selections == {}
        assert app.pane.is_empty
        app.write(numbered(20))
        assert app.shown[-1] == "line 19"


async def test_plain_text_is_the_answer_as_it_came(app: PaneApp) -> None:
    async with app.run_test(size=SIZE):
        app.pane.append("reasoning", "hm")
        app.pane.append("answer", "a\r\n\x1b")
        app.pane.append("tool", "{}")
        app.pane.append("answer", "b")
        assert app.pane.plain_text == "a\r\n\x1bb"
        assert app.pane.copy_text() == app.clipboard == "a\r\n\x1bb"


async def test_copying_prefers_the_selection(app: PaneApp) -> None:
    async with app.run_test(size=SIZE):
        app.write("one two")
        app.screen.selections = {app.pane: Selection(Offset(4, 0), None)}
        assert app.pane.copy_text() == app.clipboard == "two"
