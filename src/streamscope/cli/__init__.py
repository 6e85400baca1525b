"""The front door: arguments to calls, nothing else.

Exit codes: 0 done, 1 something failed (what there is is printed and kept all the same), 2 bad
usage, 3 no server, 130 interrupted.
"""

import os
import sys
from collections.abc import Sequence

from streamscope.cli import arguments
from streamscope.cli.parsing import UsageError

EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    from streamscope.settings import SettingsError

    said = sys.argv[1:] if argv is None else list(argv)
    _open_streams()
    try:
        return _run(said)
    except (SettingsError, UsageError) as error:
        print(f"streamscope: {error}", file=sys.stderr)
        return EXIT_USAGE
    except KeyboardInterrupt:  # before or after there was a run to stop
        return EXIT_INTERRUPTED


def _open_streams() -> None:
    """Open those standard streams that the shell has closed: nothing comes in, or is printed."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115


def _run(said: list[str]) -> int:
    """Carry out a command line. Only what it needs is imported: the first picture comes soon."""
    match said:
        case ["run", *rest]:
            from streamscope.cli import headless
            from streamscope.cli.run_arguments import parse_run

            return headless.run(parse_run(rest))
        case ["history", *rest]:
            from streamscope.cli.history import run as history

            return history(rest)
        case ["replay", *rest]:
            from streamscope.cli.replay import run as replay

            return replay(rest)
        case ["calibrate", *rest]:
            from streamscope.cli.calibrate import run as calibrate

            return calibrate(rest)
        case ["serve", *rest]:
            from streamscope.cli.serve import run as serve

            return serve(rest)
        case ["doctor", *rest]:
            from streamscope.cli.doctor import run as doctor

            return doctor(rest)
    from streamscope.cli.screen import show

    return show(arguments.parse(said))
