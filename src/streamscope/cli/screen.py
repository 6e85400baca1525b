"""``streamscope``: the app."""

import gc
from collections.abc import Mapping
from typing import TYPE_CHECKING

from streamscope import settings
from streamscope.cli import start
from streamscope.cli.arguments import AppOptions
from streamscope.cli.parsing import UsageError
from streamscope.settings import Config
from streamscope.trace import ChannelName, Request, Run

if TYPE_CHECKING:
    from streamscope.trial.session import Session


def show(options: AppOptions) -> int:
    """Open the app; return the exit code when it was left."""
    places = settings.places()
    config = settings.load(places.config_file)
    request = start.request(options, config, start.prompt(options))
    start.check_url(options.url, flag=False)
    return open_app(
        options,
        config,
        request,
        otherwise="The app needs a terminal to draw on: `streamscope run PROMPT` measures without"
        " one.",
    )


def open_app(
    options: AppOptions,
    config: Config,
    request: Request,
    *,
    recorded: Mapping[ChannelName, Run] | None = None,
    otherwise: str,
) -> int:
    """Open the app; return the exit code when it was left.

    Args:
        options: The command line.
        config: What the person has set.
        request: Prompt and parameters to open with.
        recorded: Runs to be replayed, if that is what the app is opened for.
        otherwise: What to say where there is no terminal.

    Raises:
        UsageError: There is no terminal, or channels are said that mean nothing.
        SettingsError: The config file says such channels.
    """
    if options.a or options.b or config.a or config.b:  # else there is nothing to refuse
        start.wishes(options, config)
    # Little of what is made before the first picture is garbage: the main screen switches the
    # collector on again, and has it pass over all of this.
    gc.disable()
    from streamscope.tui.app import StreamscopeApp

    if not start.at_terminal():
        raise UsageError(otherwise)
    places = settings.places()

    def open_session() -> "Session":
        busy = config.trust.include_busy
        history = start.history(options, places, include_busy=busy)
        return start.session(options, config, places, history)

    app = StreamscopeApp(
        open_session=open_session,
        config=config,
        places=places,
        request=request,
        theme=options.theme,
        recorded=recorded,
    )
    app.run()
    return app.return_code or 0
