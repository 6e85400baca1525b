"""The front door: arguments to calls, nothing else.

Exit codes: 0 done, 1 a run failed (what there is is printed and kept all the same), 2 bad usage,
3 no server, 130 interrupted.
"""

import sys
from collections.abc import Sequence

from streamscope.cli import arguments

EXIT_USAGE, EXIT_INTERRUPTED = 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    from streamscope.settings import SettingsError

    try:
        options = arguments.parse(sys.argv[1:] if argv is None else list(argv))
        if options.command == "run":
            from streamscope.cli.headless import run

            return run(options)
        from streamscope.cli.screen import show

        return show(options)
    except (SettingsError, arguments.UsageError) as error:
        print(f"streamscope: {error}", file=sys.stderr)
        return EXIT_USAGE
    except KeyboardInterrupt:  # before or after there was a run to stop
        return EXIT_INTERRUPTED
