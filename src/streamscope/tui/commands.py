"""What a person can do: one class a command.

A command's docstring is its help text; binding, footer, palette entry and help page all come from
the class. Any key can be given to another command in the config file, by the class's name.
"""

from textual_enhanced.commands import Command, CommandHits, CommandsProvider


class RunPair(Command):
    """Send the prompt to both channels and time them"""

    COMMAND = "Run"
    FOOTER_TEXT = "run"
    BINDING_KEY = "ctrl+r"
    SHOW_IN_FOOTER = True


class Compare(Command):
    """Measure pairs until the medians are known, or a number of them, and say what they support"""

    COMMAND = "Compare: medians of many pairs"
    FOOTER_TEXT = "compare"
    BINDING_KEY = "ctrl+n"
    SHOW_IN_FOOTER = True


class StopRuns(Command):
    """Stop what is running at once; what has come is kept"""

    COMMAND = "Stop"
    FOOTER_TEXT = "stop"
    BINDING_KEY = "escape"
    SHOW_IN_FOOTER = True


class ReplayPair(Command):
    """Play the last pair again, both panes on one clock; again to pause"""

    COMMAND = "Replay or pause"
    FOOTER_TEXT = "replay"
    BINDING_KEY = "ctrl+g"
    SHOW_IN_FOOTER = True


class Slower(Command):
    """Play the replay slower"""

    COMMAND = "Replay slower"
    BINDING_KEY = "f8"


class Faster(Command):
    """Play the replay faster"""

    COMMAND = "Replay faster"
    BINDING_KEY = "f9"


class StepBack(Command):
    """Move the replay back by a tenth of a second"""

    COMMAND = "Replay: step back"
    BINDING_KEY = "shift+f8"


class StepForward(Command):
    """Move the replay on by a tenth of a second"""

    COMMAND = "Replay: step on"
    BINDING_KEY = "shift+f9"


class ToggleLayout(Command):
    """Switch between apart (one after the other) and a race (both at once)"""

    COMMAND = "Layout: apart or race"
    BINDING_KEY = "ctrl+t"


class ChangeDisplay(Command):
    """Choose how the replay shows each side: as it came, batched, debounced, steady, held back"""

    COMMAND = "Replay: how each side is displayed"
    BINDING_KEY = "ctrl+l"


class ShowHistory(Command):
    """Show everything that was ever measured: medians, trends, notes, export, delete"""

    COMMAND = "History: older runs, trends, export"
    FOOTER_TEXT = "history"
    BINDING_KEY = "f3"
    SHOW_IN_FOOTER = True


class ShowDetails(Command):
    """Show the evidence: intervals, every figure with its formula, what the reader gains"""

    COMMAND = "Why: details and evidence"
    FOOTER_TEXT = "why"
    BINDING_KEY = "f5"
    SHOW_IN_FOOTER = True


class BlindTest(Command):
    """Watch the pair without knowing which side is which, and say which felt faster"""

    COMMAND = "Blind test"
    BINDING_KEY = "f6"


class FindPrompt(Command):
    """Search the prompts that were sent before"""

    COMMAND = "Find a prompt"
    BINDING_KEY = "f7"


class ChooseTarget(Command):
    """Choose server and model, for both channels or for one, and how they deliver"""

    COMMAND = "Target: choose server and model"
    FOOTER_TEXT = "target"
    BINDING_KEY = "f4"
    SHOW_IN_FOOTER = True


class ChangeTheme(Command):
    """Choose the colour theme; it is remembered"""

    COMMAND = "Theme"
    BINDING_KEY = "f2"


class Calibrate(Command):
    """Find out how wrong the times are that this machine measures, with this app painting"""

    COMMAND = "Calibrate this machine"
    BINDING_KEY = "shift+f4"


class CopyAnswer(Command):
    """Copy the answer of the pane in focus (of A while the prompt has it)"""

    COMMAND = "Copy the answer"
    BINDING_KEY = "ctrl+o"


class SaveScreen(Command):
    """Save a picture of the screen as SVG in the folder that streamscope was started in"""

    COMMAND = "Save a picture of the screen (SVG)"
    BINDING_KEY = "f12"
    ACTION = "app.save_screen_command"


class Help(Command):
    """Show what the keys do and what the numbers mean"""

    FOOTER_TEXT = "help"
    BINDING_KEY = "f1"
    SHOW_IN_FOOTER = True


class Quit(Command):
    """Leave; what has been measured is kept"""

    BINDING_KEY = "ctrl+q"
    ACTION = "app.quit"


ALL: tuple[type[Command], ...] = (
    RunPair,
    Compare,
    StopRuns,
    ReplayPair,
    Slower,
    Faster,
    StepBack,
    StepForward,
    ChangeDisplay,
    ToggleLayout,
    ShowHistory,
    ChooseTarget,
    ShowDetails,
    BlindTest,
    FindPrompt,
    Calibrate,
    CopyAnswer,
    ChangeTheme,
    SaveScreen,
    Help,
    Quit,
)
"""Every command of the main screen, in the order in which help and palette show them."""


class MainCommands(CommandsProvider):
    """The commands of the main screen, for the palette."""

    @classmethod
    def prompt(cls) -> str:
        """Return what stands in the empty search field."""
        return "Search for commands…"

    def commands(self) -> CommandHits:
        """Yield every command that can be used right now."""
        for command in ALL:
            yield from self.maybe(command)
