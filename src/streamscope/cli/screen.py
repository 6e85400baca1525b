"""``streamscope``: the app."""

import gc
from typing import TYPE_CHECKING

from streamscope import settings
from streamscope.cli import start
from streamscope.cli.arguments import AppOptions
from streamscope.cli.parsing import UsageError

if TYPE_CHECKING:
    from streamscope.trial.session import Session


def show(options: AppOptions) -> int:
    """Open the app; return the exit code when it was left."""
    # Little of what is made before the first picture is garbage: the main screen switches the
    # collector on again, and has it pass over all of this.
    gc.disable()
    from streamscope.tui.app import StreamscopeApp

    places = settings.places()
    config = settings.load(places.config_file)
    request = start.request(options, config, start.prompt(options))
    start.check_url(options)
    if not start.at_terminal():
        raise UsageError(
            "The app needs a terminal to draw on: `streamscope run PROMPT` measures without one."
        )

    def open_session() -> "Session":
        return start.session(options, config, places, start.history(options, places))

    app = StreamscopeApp(
        open_session=open_session,
        config=config,
        places=places,
        request=request,
        theme=options.theme,
    )
    app.run()
    return app.return_code or 0
