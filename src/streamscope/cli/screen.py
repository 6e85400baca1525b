"""``streamscope``: the app."""

import sys

from streamscope import settings
from streamscope.cli import start
from streamscope.cli.arguments import Options
from streamscope.history import History, HistoryError


def show(options: Options) -> int:
    """Open the app; return the exit code when it was left."""
    from streamscope.tui.app import StreamscopeApp

    places = settings.places()
    config = settings.load(places.config_file)
    request = start.request(options, config, start.prompt(options))
    history = None
    if options.save:
        try:
            history = History.open(places.history_file)
        except HistoryError as error:
            print(f"streamscope: {error} (--no-save opens without it.)", file=sys.stderr)
            return 1
    session = start.session(options, config, places, history)
    app = StreamscopeApp(
        session=session,
        config=config,
        places=places,
        request=request,
        theme=options.theme,
    )
    app.run()
    return app.return_code or 0
