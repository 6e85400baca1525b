"""The right end always stands at the edge, and the left one gives way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import App, ComposeResult
from textual.content import Content

from streamscope.tui.widgets.ends import Ends


class EndsApp(App[None]):
    """One line."""

    def compose(self) -> ComposeResult:
        yield Ends()

    @property
    def ends(self) -> Ends:
        return self.query_one(Ends)


@pytest.mark.parametrize(
    ("left", "right", "line"),
    [
        ("left", "right", "left           right"),
        ("left", "", "left                "),
        ("", "right", "               right"),
        ("a left that is too long", "right", "a left that i… right"),
        ("左側是一段很長的文字啊", "right", "左側是一段很 … right"),
        ("left", "a right that is much too long", "a right that is muc…"),
    ],
)
async def test_both_ends_fit(left: str, right: str, line: str) -> None:
    app = EndsApp()
    async with app.run_test(size=(20, 3)):
        app.ends.show(Content(left), Content(right))
        assert app.ends.render().plain == line


async def test_what_a_server_says_is_no_markup() -> None:
    app = EndsApp()
    async with app.run_test(size=(20, 3)):
        app.ends.show(Content("[bold]x[/]"), Content("[/]"))
        assert app.ends.render().plain == "[bold]x[/]       [/]"


async def test_the_line_is_exactly_as_wide_as_its_place() -> None:
    app = EndsApp()
    async with app.run_test(size=(20, 3)):

        @given(
            st.text(st.characters(codec="utf-8", exclude_categories=["C"])),
            st.text("ab字", max_size=30),
        )
        def fits(left: str, right: str) -> None:
            app.ends.show(Content(left), Content(right))
            assert app.ends.render().cell_length == 20

        fits()
