"""A field wakes nobody up."""

from textual.app import App, ComposeResult

from streamscope.tui.widgets.field import Field


async def test_its_cursor_stands_still() -> None:
    class OneField(App[None]):
        def compose(self) -> ComposeResult:
            yield Field()

    app = OneField()
    async with app.run_test():
        field = app.query_one(Field)
        assert app.focused is field
        assert not field.cursor_blink
