"""What a person can do in the history: one class a command, as on the main screen."""

# A docstring is the help text, which stands in tables without a full stop.
# ruff: noqa: D415

from textual.binding import Binding
from textual_enhanced.commands import Command, CommandHits, CommandsProvider

from streamscope.tui.commands import Help


class WriteNote(Command):
    """Write a note about what is highlighted"""

    COMMAND = "Note"
    FOOTER_TEXT = "note"
    BINDING_KEY = "f2"
    SHOW_IN_FOOTER = True


class WriteTags(Command):
    """Give tags to what is highlighted; the search finds them as #tag"""

    COMMAND = "Tags"
    FOOTER_TEXT = "tags"
    BINDING_KEY = "f3"
    SHOW_IN_FOOTER = True


class CompareGroups(Command):
    """Mark a line, and on another one: compare both, as samples that are not paired"""

    COMMAND = "Compare two lines"
    FOOTER_TEXT = "compare"
    BINDING_KEY = "f4"
    SHOW_IN_FOOTER = True


class ReplayChosen(Command):
    """Play the newest pair of what is highlighted again"""

    COMMAND = "Replay this pair"
    FOOTER_TEXT = "replay"
    BINDING_KEY = "f5"
    SHOW_IN_FOOTER = True


class RunAgain(Command):
    """Measure the same once more, by the same plan, on the same server"""

    COMMAND = "Run again"
    FOOTER_TEXT = "again"
    BINDING_KEY = "f6"
    SHOW_IN_FOOTER = True


class ExportRuns(Command):
    """Write what is highlighted to a file: JSON Lines, JSON, CSV, Markdown or HTML"""

    COMMAND = "Export: save runs to a file"
    FOOTER_TEXT = "save"
    BINDING_KEY = "f7"
    SHOW_IN_FOOTER = True


class DeleteChosen(Command):
    """Delete what is highlighted; one key brings it back"""

    COMMAND = "Delete"
    FOOTER_TEXT = "delete"
    BINDING_KEY = "f8,delete"
    SHOW_IN_FOOTER = True


class UndoDelete(Command):
    """Bring back what was deleted last"""

    COMMAND = "Undo the deletion"
    FOOTER_TEXT = "undo"
    BINDING_KEY = "ctrl+z"


class TakePrompt(Command):
    """Put this prompt into the editor of the main screen"""

    COMMAND = "Use this prompt"
    BINDING_KEY = "f9"


class GoBack(Command):
    """Go back"""

    COMMAND = "Back"
    FOOTER_TEXT = "back"
    BINDING_KEY = "escape"
    SHOW_IN_FOOTER = True


ALL: tuple[type[Command], ...] = (
    WriteNote,
    WriteTags,
    CompareGroups,
    ReplayChosen,
    RunAgain,
    ExportRuns,
    DeleteChosen,
    UndoDelete,
    TakePrompt,
    GoBack,
)
"""Every command of the history, in the order in which footer and palette show them."""

BOUND = Command.bindings(
    *ALL, Binding(Help.key_binding(), Help.action_name(), show=False, id=Help.__name__)
)
"""Their keys, and that of the help, of which the title speaks."""


class HistoryCommands(CommandsProvider):
    """The commands of the history, for the palette."""

    @classmethod
    def prompt(cls) -> str:
        """Return what stands in the empty search field."""
        return "Search for commands…"

    def commands(self) -> CommandHits:
        """Yield every command that can be used right now."""
        for command in ALL:
            yield from self.maybe(command)
