"""The prompt editor."""

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import TextArea


def _key(binding: BindingType) -> str:
    return binding.key if isinstance(binding, Binding) else binding[0]


class PromptEditor(TextArea, inherit_bindings=False):
    """An editor that knows the prompts typed before: up and down at its edges bring them back."""

    HELP = """
    ## The prompt

    `enter` runs it, `alt+enter` begins a new line. `up` in the first line and `down` in the last
    one go through the prompts that were sent before; `f7` searches them.
    """

    BINDINGS = [
        # The function keys are the instrument's.
        *(each for each in TextArea.BINDINGS if _key(each) not in ("f6", "f7")),
        Binding("alt+enter,shift+enter,ctrl+j", "new_line", "New line", show=False),
    ]

    class Submitted(Message):
        """The person wants the prompt to be run."""

    class WantsHistory(Message):
        """The person went over the edge of the text.

        Attributes:
            step: 1 for an older prompt, -1 for a newer one.
        """

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    def on_mount(self) -> None:
        """Hide what makes an editor of code."""
        self.show_line_numbers = False
        self.soft_wrap = True
        self.cursor_blink = False  # a blinking cursor would wake an idle app up twice a second

    def on_key(self, event: events.Key) -> None:
        """Run, or go through older prompts, where the editor itself would do nothing useful."""
        if event.key == "enter":
            event.stop()
            event.prevent_default()
            self.post_message(self.Submitted())
            return
        # Bindings are only looked up once an event has bubbled all the way: keys that come faster
        # than that would overtake a deletion, so these are carried out at once.
        edit = {
            "backspace": self.action_delete_left,
            "delete": self.action_delete_right,
            "left": self.action_cursor_left,
            "right": self.action_cursor_right,
        }.get(event.key)
        if edit is not None:
            event.stop()
            event.prevent_default()
            edit()
            return
        row = self.cursor_location[0]
        step = 0
        if event.key == "up" and row == 0:
            step = 1
        elif event.key == "down" and row == self.document.line_count - 1:
            step = -1
        if step:
            event.stop()
            event.prevent_default()
            self.post_message(self.WantsHistory(step))

    def action_new_line(self) -> None:
        """Begin a new line."""
        self.insert("\n")

    def put(self, text: str) -> None:
        """Replace the text and go to its end."""
        self.load_text(text)
        self.move_cursor(self.document.end)
