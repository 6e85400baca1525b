"""``streamscope calibrate``: how wrong the times are that this machine measures."""

import argparse
import asyncio
import contextlib
import math
import shutil
import signal
import sys
from typing import Any, Literal

import msgspec

from streamscope import settings
from streamscope.calibration import Calibration
from streamscope.cli import planning, results, start
from streamscope.cli.arguments import check_line, members
from streamscope.cli.parsing import Parser, whole
from streamscope.cli.progress import LiveLine
from streamscope.cli.run_arguments import Format
from streamscope.history import HistoryError
from streamscope.measure.calibration import is_whole
from streamscope.report.calibration_table import WIDTH, calibration_table
from streamscope.report.calibration_words import described
from streamscope.report.table import as_text
from streamscope.settings import Config, Places
from streamscope.trial.calibration import LEAST_WRITES, USUAL_GAPS_NS, Item, Progress, plan
from streamscope.trial.calibration_kept import keep
from streamscope.tui.calibrate_app import CalibrateApp
from streamscope.tui.screens.calibrate import CalibrateScreen

EXIT_DONE, EXIT_FAILED, EXIT_INTERRUPTED = 0, 1, 130
LEAST_GAP_MS, MOST_GAP_MS = 0.05, 1000.0
MOST_WRITES = 100_000
FORMATS: tuple[Literal["table", "json"], ...] = ("table", "json")
SIZE = (120, 40)
"""Columns and rows of the screen that is painted where nobody sees it."""

DESCRIPTION = """\
Find out how wrong the times are that streamscope measures on this machine. A
server of its own writes text at moments that it knows; the probe reads it as it
reads every answer, while the app paints it; and what the probe says is held
against what the server did. The result is kept for this machine: the app shows
it as ±, and exports carry it.

In a terminal it can be watched, and the result is printed when the screen is
closed. With --format json, with --output, or without a terminal the same is
painted unseen.
"""
EPILOG = """\
It takes 25 to 45 seconds (--quick: 10 to 15), the longer the more of it has to
be made again, and is worth most while the machine does nothing else. One that
rests on less than the one before does not take its place.
docs/calibration.md tells what is measured and what ± means.

exit codes: 0 done; 1 something was lost or came twice, or the result could not
be kept or written; 2 bad usage; 130 interrupted, and nothing was kept.
"""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What can be said to ``streamscope calibrate``."""

    gaps: tuple[float, ...]
    writes: int | None
    quick: bool
    format: Literal["", "table", "json"]
    output: str
    theme: str
    save: bool


def run(argv: list[str]) -> int:
    """Calibrate; print the result; return the exit code."""
    check_line(argv)
    options = _options(argv)
    form = planning.output_format(options.format, options.output, FORMATS)
    planning.check_output(options.output)
    places = settings.places()
    config = settings.load(places.config_file)
    items = plan(
        [round(gap_ms * 1e6) for gap_ms in options.gaps],
        writes=options.writes,
        quick=options.quick,
    )
    seen = form == "table" and not options.output and start.at_terminal()
    screen = watch(items, config, places, options) if seen else paint_unseen(items, config, places)
    if screen.problem:
        print(f"streamscope: {screen.problem}", file=sys.stderr)
        return EXIT_FAILED
    if screen.calibration is None:
        print("Stopped: nothing was kept.", file=sys.stderr)
        return EXIT_INTERRUPTED
    return _hand_over(screen.calibration, form, options, places)


def _options(argv: list[str]) -> Options:
    return Options(**members(_parser().parse_args(argv)))


def watch(
    items: tuple[Item, ...], config: Config, places: Places, options: Options
) -> CalibrateScreen:
    """Calibrate on a screen that the person sees and closes."""
    app = CalibrateApp(
        items,
        config=msgspec.structs.replace(config, theme=options.theme or config.theme),
        places=places,
        closes=False,
        mounted=_stop_by_signal,
    )
    app.run()
    return app.calibrate


def paint_unseen(items: tuple[Item, ...], config: Config, places: Places) -> CalibrateScreen:
    """Calibrate on a screen that is painted all the same; tell of it on standard error."""
    stderr = sys.stderr  # the app puts its own in its place
    width = shutil.get_terminal_size().columns
    line = LiveLine(stderr, width, live=stderr.isatty())

    def begun(at: Progress, item: Item) -> None:
        said = f"case {at.number} of {at.of}: {described(item.schedule, item.clock)}"
        line.show(f"about {at.left_s:.0f} s left · {said}")
        if not line.live:
            print(said, file=stderr, flush=True)

    app = CalibrateApp(
        items, config=config, places=places, closes=True, mounted=_stop_by_signal, begun=begun
    )
    app.run(headless=True, size=SIZE)
    line.clear()
    return app.calibrate


def _stop_by_signal(screen: CalibrateScreen) -> None:
    """Let Ctrl-C and a polite kill stop it; not on Windows, where loops take no signals."""
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(name, screen.action_stop)


def _hand_over(calibration: Calibration, form: Format, options: Options, places: Places) -> int:
    """Keep the result, and print or write it; return the exit code."""
    code = EXIT_DONE if all(map(is_whole, calibration.cases)) else EXIT_FAILED
    if form == "json":
        text = msgspec.json.format(msgspec.json.encode(calibration)).decode() + "\n"
        there = results.deliver_text(text, options.output, form)
    else:
        there = _deliver_table(calibration, options.output)
    if not options.save:
        return code if there else EXIT_FAILED
    try:
        kept = keep(places.calibration_file, calibration)
    except HistoryError as error:
        print(f"streamscope: {error}", file=sys.stderr)
        return EXIT_FAILED
    print(kept, file=sys.stderr)
    return code if there else EXIT_FAILED


def _deliver_table(calibration: Calibration, output: str) -> bool:
    """Print the table, with as much of it as fits on a terminal, or write all of it to a file."""
    if output or not sys.stdout.isatty():
        text = as_text(calibration_table(calibration), WIDTH)
        return results.deliver_text(text, output, "table")
    wide = shutil.get_terminal_size().columns >= WIDTH
    return results.deliver_table(calibration_table(calibration, wide=wide), output)


def _gap(text: str) -> float:
    """Read a gap in ms."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not LEAST_GAP_MS <= value <= MOST_GAP_MS:
        raise argparse.ArgumentTypeError(
            f"must be {LEAST_GAP_MS:g} to {MOST_GAP_MS:g} ms, not {text}"
        )
    return value


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        "streamscope calibrate",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    usual: list[Any] = [gap_ns / 1e6 for gap_ns in USUAL_GAPS_NS]
    tried = parser.add_argument_group("what is tried")
    tried.add_argument(
        "--gaps",
        nargs="+",
        type=_gap,
        default=usual,
        metavar="MS",
        help=f"between two writes, in ms ({' '.join(f'{each:g}' for each in usual)})",
    )
    tried.add_argument(
        "--writes",
        type=whole(LEAST_WRITES, MOST_WRITES),
        metavar="N",
        help="of each case (as many as are worth their time)",
    )
    tried.add_argument("--quick", action="store_true", help="fewer writes, 10 to 15 seconds in all")
    result = parser.add_argument_group("what becomes of the result")
    result.add_argument(
        "--format", default="", choices=FORMATS, help="on standard output (table, for people)"
    )
    result.add_argument("--output", default="", metavar="FILE", help="write it there (.json, .txt)")
    result.add_argument("--no-save", dest="save", action="store_false", help="keep nothing")
    parser.add_argument("--theme", default="", metavar="NAME", help="of the screen, for once")
    return parser
