"""The app: themes, keys, and the main screen."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import App
from textual.binding import Binding
from textual.signal import Signal

from streamscope import __version__, settings
from streamscope.settings import Config, Places
from streamscope.trace import ChannelName, Request, Run
from streamscope.tui import commands
from streamscope.tui.screens.main import MainScreen
from streamscope.tui.themes import DEFAULT_THEME, default_variables, load_themes
from streamscope.tui.widgets.sanitize import one_line

if TYPE_CHECKING:
    from streamscope.trial.session import Session


class StreamscopeApp(App[None]):
    """Streaming and blocking, side by side."""

    TITLE = "streamscope"
    CSS_PATH = "streamscope.tcss"
    BINDINGS = [
        Binding("ctrl+p", "command_palette", "all", tooltip="Show every command"),
        commands.SaveScreen.binding(),  # on every screen, not only on the main one
    ]
    COMMANDS = {commands.MainCommands}
    HELP_TITLE = f"streamscope {__version__}"
    HELP_ABOUT = """
    What does streaming change about this answer, from this model, for the person who waits?
    """
    HELP_LICENSE = "MIT"

    def __init__(
        self,
        *,
        open_session: "Callable[[], Session]",
        config: Config,
        places: Places,
        request: Request,
        theme: str = "",
        recorded: "Mapping[ChannelName, Run] | None" = None,
    ) -> None:
        """Prepare the app.

        Args:
            open_session: Makes what finds or starts a server and measures it; called in a thread
                when the first picture is on the screen.
            config: What the person has set.
            places: Where files are kept.
            request: Prompt and parameters to open with.
            theme: Theme for this time only.
            recorded: Runs to be replayed; then no server is looked for until one is needed.
        """
        super().__init__()
        self.frame_out: Signal[int] = Signal(self, "frame out")
        self.open_session = open_session
        self.session: Session | None = None
        self.config = config
        self.places = places
        self.request = request
        self._recorded = recorded
        themes, self._problems = load_themes(places.themes)
        for each in themes:
            self.register_theme(each)
        wanted = theme or config.theme or DEFAULT_THEME
        if wanted not in self.available_themes:
            self._problems.append(
                f"There is no theme named {wanted!r}: the default is used; f2 shows all."
            )
            wanted = DEFAULT_THEME
        # Set before anything is drawn, it costs nothing; later, everything is styled twice.
        self.set_reactive(StreamscopeApp.theme, wanted)
        self.stylesheet.set_variables(self.get_css_variables())
        for mode, on in (("dark", self.current_theme.dark), ("light", not self.current_theme.dark)):
            self.set_class(on, f"-{mode}-mode", update=False)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Return our own colours for themes that do not define them."""
        return default_variables(dark=self.current_theme.dark)

    def get_default_screen(self) -> MainScreen:
        """Return the main screen: no empty one is drawn before it."""
        return MainScreen(self._make_session, self.request, self.config, self._recorded)

    def post_display_hook(self) -> None:
        """Tell when a frame is out: its bytes are on their way to the terminal."""
        self.frame_out.publish(time.monotonic_ns())

    def on_mount(self) -> None:
        """Bind the person's keys, and say what was wrong with config and themes."""
        self._bind_keys()
        for problem in self._problems:
            self.notify(one_line(problem, 400), severity="warning", timeout=10, markup=False)

    def _make_session(self) -> "Session":
        self.session = self.open_session()
        return self.session

    def action_save_screen_command(self) -> None:
        """Save a picture of whatever is shown, in the current folder."""
        from streamscope.tui.saved import free_name, saved_words

        try:
            name = free_name(Path(), time.strftime("streamscope-%Y-%m-%d-%H%M%S"), ".svg")
            path = Path(self.save_screenshot(filename=name, path="."))
        except OSError as error:
            self.notify(
                f"The picture can't be saved here: {error.strerror}.",
                severity="error",
                timeout=12,
                markup=False,
            )
        else:
            self.notify(saved_words("Saved as", path, self.size.width), markup=False)

    async def action_quit(self) -> None:
        """Leave; what is measured is stopped first, so that what had come is kept."""
        for screen in self.screen_stack:
            if isinstance(screen, MainScreen):
                await screen.stop_measuring()
        self.exit()

    async def on_unmount(self) -> None:
        """End every process and keep what is still to be kept."""
        if self.session is not None:
            await self.session.close()

    def _bind_keys(self) -> None:
        """Give commands the keys that the config file names."""
        known = {command.__name__ for command in commands.ALL}
        keymap: dict[str, str] = {}
        for name, key in self.config.keys.items():
            if name in known:
                keymap[name] = key
            else:
                self._problems.append(
                    f"The config file binds {name!r}, which is no command: "
                    f"the commands are {', '.join(sorted(known))}."
                )
        self._problems += _shared_keys(keymap)
        self.set_keymap(keymap)

    def keep_theme(self) -> None:
        """Remember the present theme."""
        try:
            settings.remember(self.places.config_file, ("theme",), self.theme)
        except settings.SettingsError as error:
            self.notify(str(error), severity="warning", markup=False)

    def keep_layout(self, target: str, layout: str) -> None:
        """Remember whether this target is measured apart or as a race."""
        try:
            settings.remember(self.places.config_file, ("layouts", target), layout)
        except settings.SettingsError as error:
            self.notify(str(error), severity="warning", markup=False)


def _shared_keys(keymap: dict[str, str]) -> list[str]:
    """Say which keys the config file gives to a command while another one has them too."""
    owners: dict[str, list[str]] = {}
    for command in commands.ALL:
        keys = keymap.get(command.__name__, command.key_binding())
        for key in {key.strip() for key in keys.split(",")}:
            owners.setdefault(key, []).append(command.__name__)
    return [
        f"The key {key!r} belongs to {' and '.join(names)}: only one of them gets it, so give the"
        " others another one in the config file."
        for key, names in owners.items()
        if len(names) > 1
    ]
