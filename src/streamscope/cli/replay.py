"""``streamscope replay``: a recorded pair in the app, without a server."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from streamscope import settings
from streamscope.cli.arguments import AppOptions, check_line
from streamscope.cli.parsing import Parser, whole
from streamscope.cli.screen import open_app
from streamscope.history import History, HistoryError
from streamscope.report.exchange import ExchangeError, parse_lines, read_lines
from streamscope.trace import ChannelName, Run

EXIT_FAILED = 1
SIDES: tuple[ChannelName, ...] = ("A", "B")

Recorded = dict[ChannelName, Run]


def run(argv: list[str]) -> int:
    """Open the app on what was recorded; return the exit code when it was left."""
    check_line(argv)
    said = _parser().parse_args(argv)
    config = settings.load(settings.places().config_file)
    try:
        runs = from_file(said.what) if _is_file(said.what) else from_history(said.what)
        recorded = choose(runs, said.pair)
    except (ExchangeError, HistoryError) as error:
        print(f"streamscope: {error}", file=sys.stderr)
        return EXIT_FAILED
    return open_app(
        AppOptions(theme=said.theme),
        config,
        next(iter(recorded.values())).request,
        recorded=recorded,
        otherwise="A replay needs a terminal to draw on: `streamscope history show` tells the"
        " figures of what is in the history without one.",
    )


def from_file(name: str) -> list[Run]:
    """Read the runs of a trace file.

    Raises:
        ExchangeError: It can't be read, or holds a line that is no run.
    """
    try:
        with Path(name).open("rb") as file:
            return list(parse_lines(read_lines(file), name))
    except OSError as error:
        raise ExchangeError(f"{name} can't be read: {error.strerror}.") from error


def from_history(named: str) -> list[Run]:
    """Return the runs of a comparison of the history; of a run that is named, those of its pair.

    Raises:
        HistoryError: There is nothing of that name.
    """
    with History.open(settings.places().history_file) as history:
        kind, whole_id = history.find(named)
        if kind == "comparison":
            return history.comparison(whole_id)[1]
        one = history.load(whole_id)
        _, runs = history.comparison(one.comparison_id)
    return [each for each in runs if each.pair == one.pair and each.channel != one.channel] + [one]


def choose(runs: Iterable[Run], pair: int | None = None) -> Recorded:
    """Return the pair that is to be replayed: the last one that is whole, else a run alone.

    Args:
        runs: What was recorded.
        pair: Number of the pair; ``None`` for any.

    Raises:
        ExchangeError: There is no such pair, or no text in any.
    """
    pairs: dict[tuple[str, int], Recorded] = {}
    for each in _shown(runs):
        if pair is None or each.pair == pair:
            pairs.setdefault((each.comparison_id, each.pair), {})[each.channel] = each
    if not pairs:
        which = f"no pair {pair} that" if pair is not None else "no run that"
        raise ExchangeError(f"There is {which} has any text to replay.")
    wholes = [found for found in pairs.values() if len(found) == len(SIDES)]
    found = (wholes or list(pairs.values()))[-1]
    return {side: found[side] for side in SIDES if side in found}


def _shown(runs: Iterable[Run]) -> Iterator[Run]:
    """Yield the runs that show something when they happen again."""
    return (run for run in runs if run.trace.chunks and not run.warmup)


def _is_file(what: str) -> bool:
    """Tell a file from an id: what is there, or looks like a name."""
    return Path(what).exists() or "." in what or "/" in what


def _parser() -> Parser:
    parser = Parser(
        "streamscope replay",
        description="Watch a recorded pair again, without a server: panes, clock and figures.",
        epilog="The last whole pair is shown unless --pair names another one.",
    )
    parser.add_argument(
        "what",
        metavar="FILE|ID",
        help="a file of `history export` or `run --format json|jsonl`, a comparison or a run of "
        "the history, or last",
    )
    parser.add_argument("--pair", type=whole(1), metavar="N", help="number of the pair")
    parser.add_argument("--theme", default="", metavar="NAME")
    return parser
