"""Ask for one line of text."""

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from streamscope.tui.faces import bad, muted
from streamscope.tui.widgets.field import Field


class Ask(ModalScreen[str | None]):
    """A field with a word of advice; enter takes what stands there, esc takes nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "Close")]

    CSS = """
    Ask > .dialog { height: auto; max-width: 84; }
    Ask Static { height: auto; }
    """

    def __init__(
        self,
        title: str,
        *,
        value: str = "",
        hint: str = "",
        objection: Callable[[str], str] = lambda _text: "",
    ) -> None:
        """Prepare.

        Args:
            title: What is asked for.
            value: What stands in the field at first.
            hint: What should be known.
            objection: Says why a text is not taken; empty if it is. Asked again about the same
                text, it may accept it.
        """
        super().__init__()
        self._title = title
        self._value = value
        self._advice = hint
        self._objection = objection

    def compose(self) -> ComposeResult:
        """Lay out the dialog."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = self._title
            dialog.border_subtitle = "enter keeps it · esc closes"
            yield Field(self._value, select_on_focus=False)
            yield Static(muted(self._advice), classes="hint")

    @on(Input.Submitted)
    def _take(self, event: Input.Submitted) -> None:
        text = event.value.strip()
        objection = self._objection(text)
        if objection:
            self.query_one(Static).update(bad(objection))
        else:
            self.dismiss(text)

    @on(Input.Changed)
    def _typed(self) -> None:
        self.query_one(Static).update(Content() if not self._advice else muted(self._advice))
