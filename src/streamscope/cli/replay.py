"""``streamscope replay``: a recorded pair in the app, without a server."""

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from streamscope import settings
from streamscope.cli import start
from streamscope.cli.arguments import AppOptions, check_line
from streamscope.cli.parsing import Parser, UsageError, whole
from streamscope.cli.screen import open_app
from streamscope.history import History, HistoryError
from streamscope.report.exchange import ExchangeError, parse_lines, read_lines
from streamscope.trace import ChannelName, Run

EXIT_FAILED = 1
SIDES: tuple[ChannelName, ...] = ("A", "B")

Recorded = dict[ChannelName, Run]

OTHERWISE = (
    "A replay needs a terminal to draw on: `streamscope history show` tells the figures of what is"
    " in the history without one."
)

HALVES = 100
"""Pairs of which one side is still missing that are remembered while a file is read."""


def run(argv: list[str]) -> int:
    """Open the app on what was recorded; return the exit code when it was left.

    Raises:
        UsageError: There is no terminal, which is found out before a long file is read.
    """
    check_line(argv)
    said = _parser().parse_args(argv)
    config = settings.load(settings.places().config_file)
    if not start.at_terminal():
        raise UsageError(OTHERWISE)
    try:
        if _is_file(said.what):
            recorded = from_file(said.what, said.pair)
        else:
            recorded = choose(from_history(said.what), said.pair)
    except (ExchangeError, HistoryError) as error:
        print(f"streamscope: {error}", file=sys.stderr)
        return EXIT_FAILED
    return open_app(
        AppOptions(theme=said.theme),
        config,
        next(iter(recorded.values())).request,
        recorded=recorded,
        otherwise=OTHERWISE,
    )


def from_file(name: str, pair: int | None = None) -> Recorded:
    """Return the pair of a trace file that is to be replayed, as ``choose`` does.

    A file that is damaged has whole pairs before the damage: that is said on standard error.

    Raises:
        ExchangeError: It can't be read, or there is nothing to replay before what can't be.
    """
    taken = _Taken(name)
    try:
        recorded = choose(taken.runs(), pair)
    except ExchangeError as error:
        raise ExchangeError(taken.problem or str(error)) from None
    if taken.problem and len(recorded) < len(SIDES):
        raise ExchangeError(taken.problem)
    if taken.problem:
        shown = next(iter(recorded.values())).pair
        print(f"streamscope: {taken.problem} Pair {shown} stands before it.", file=sys.stderr)
    return recorded


class _Taken:
    """What is read of one file, run by run, up to what can't be read.

    Attributes:
        problem: Why it ended early: a sentence; empty if it did not.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self.problem = ""

    def runs(self) -> Iterator[Run]:
        """Yield the runs."""
        try:
            with Path(self._name).open("rb") as file:
                yield from parse_lines(read_lines(file), self._name)
        except ExchangeError as error:
            self.problem = str(error)
        except OSError as error:
            self.problem = f"{self._name} can't be read: {error.strerror}."


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

    Few runs are held at once, and none is read that can't change what is found.

    Args:
        runs: What was recorded, by pairs.
        pair: Number of the pair; of several comparisons that have it, the first counts. ``None``
            for any.

    Raises:
        ExchangeError: There is no such pair, or no text in any.
    """
    halves: dict[tuple[str, int], Recorded] = {}
    whole: tuple[tuple[str, int], Recorded] | None = None
    for each in _shown(runs):
        key = (each.comparison_id, each.pair)
        if whole is not None and key == whole[0]:  # it was made once more
            whole[1][each.channel] = each
            continue
        if pair is not None and whole is not None:
            break
        if pair is not None and each.pair != pair:
            continue
        found = halves.setdefault(key, {})
        found[each.channel] = each
        if len(found) == len(SIDES):
            whole = (key, halves.pop(key))
        elif len(halves) > HALVES:
            del halves[next(iter(halves))]
    if whole is not None:
        return {side: whole[1][side] for side in SIDES}
    if not halves:
        which = f"no pair {pair} that" if pair is not None else "no run that"
        raise ExchangeError(f"There is {which} has any text to replay.")
    return list(halves.values())[-1]


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
        epilog="The last whole pair is shown unless --pair names another one. Of a damaged file\n"
        "the pairs before the damage can be replayed.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
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
