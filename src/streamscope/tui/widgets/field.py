"""A field for one line of text that lets an idle app be idle."""

from textual.widgets import Input


class Field(Input):
    """An input whose cursor stands still: a blinking one would wake the app up twice a second."""

    def on_mount(self) -> None:
        """Let the cursor stand still."""
        self.cursor_blink = False
