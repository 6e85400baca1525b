"""``streamscope history export`` and ``import``."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import nullcontext
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from streamscope.cli import planning, results
from streamscope.cli.history.arguments import EXPORT_FORMATS
from streamscope.cli.history.listed import MANY
from streamscope.cli.history.place import SHORT, Desk
from streamscope.cli.run_arguments import Format
from streamscope.cli.words import shortened
from streamscope.history import History, HistoryError
from streamscope.measure.figures import measure
from streamscope.report.comparison import Comparison
from streamscope.report.exchange import ExchangeError, parse_lines, read_lines
from streamscope.report.words import plain
from streamscope.trace import Run

HANDFUL = 5
"""New comparisons that an import names."""

WIDTH = 80

EVERY = 100
"""Runs between two words about how far an import has come."""


def export(desk: Desk) -> int:
    """Write runs or reports."""
    options = desk.options
    form = planning.output_format(options.format, options.output, EXPORT_FORMATS, "jsonl")
    if form in ("jsonl", "csv"):
        return _export_runs(desk, form)
    comparisons = list(_comparisons(desk))
    if not comparisons:
        raise _nothing(desk)
    text = results.written(comparisons, form, desk.conventions)
    return 0 if results.deliver_text(text, options.output, form) else 1


def take_in(desk: Desk) -> int:
    """Add runs from files; end at the first line that can't be read."""
    added = known = 0
    fresh = _Fresh(desk.history)
    for named in desk.options.words:
        taken = _Taken(named, fresh)
        try:
            with _source(named) as file:
                done = desk.history.add(taken.runs(file))
        except OSError as error:
            taken.problem = f"{named} can't be read: {error.strerror}."
            done = None
        if done is not None:
            added, known = added + done.added, known + done.known
        if taken.problem:
            print(f"streamscope: {taken.problem}", file=sys.stderr)
            kept = f"What came before is kept: {_counts(added, known)}"
            print(kept if added or known else "Nothing was added.", file=sys.stderr)
            for line in fresh.lines():
                print(line, file=sys.stderr)
            return 1
    said = [_counts(added, known), *fresh.lines()]
    return 0 if results.deliver_text("\n".join(said) + "\n") else 1


class _Fresh:
    """Comparisons that an import adds to the history, with what was asked in the first of them."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._seen: set[str] = set()
        self._asked: dict[str, str] = {}
        self._count = 0

    def see(self, run: Run) -> None:
        """Take note of the comparison of a run that is not in the history yet."""
        name = run.comparison_id
        if name in self._seen:
            return
        self._seen.add(name)
        try:
            self._history.find(name)
        except HistoryError:
            self._count += 1
            if self._count <= HANDFUL:
                self._asked[name] = run.request.prompt

    def lines(self) -> list[str]:
        """Return a line each for the first few, with the id that `show` takes, and for the rest."""
        lines = [
            shortened(f"  {name[:SHORT]}  {plain(prompt)}".rstrip(), WIDTH)
            for name, prompt in self._asked.items()
        ]
        if left := self._count - len(self._asked):
            lines.append(f"  and {left:,} more: `streamscope history list` has them.")
        return lines


class _Taken:
    """What is read of one file, up to what can't be read.

    Attributes:
        problem: Why it ended early: a sentence; empty if it did not.
    """

    def __init__(self, named: str, fresh: "_Fresh") -> None:
        self._fresh = fresh
        self._named = "standard input" if named == "-" else named
        self.problem = ""

    def runs(self, file: BinaryIO) -> Iterator[tuple[Run, Mapping[str, float | None]]]:
        """Yield runs with their figures."""
        live = sys.stderr.isatty()
        count = 0
        try:
            for run in parse_lines(read_lines(file), self._named):
                self._fresh.see(run)
                yield run, measure(run.trace).values
                count += 1
                if live and count % EVERY == 0:
                    print(f"\r{count:,} runs read", end="", file=sys.stderr, flush=True)
        except ExchangeError as error:
            self.problem = str(error)
        except OSError as error:
            self.problem = f"{self._named} can't be read any further: {error.strerror}."
        finally:
            if live and count >= EVERY:
                print("\r" + " " * 30 + "\r", end="", file=sys.stderr, flush=True)


def _source(named: str) -> "nullcontext[BinaryIO] | BinaryIO":
    return nullcontext(sys.stdin.buffer) if named == "-" else Path(named).open("rb")


def _counts(added: int, known: int) -> str:
    runs = "run" if added == 1 else "runs"
    there = f", {known:,} known already" if known else ""
    return f"{added:,} {runs} added{there}."


def _export_runs(desk: Desk, form: Format) -> int:
    """Write a line a run as the runs are read: a history of any size fits."""
    output = desk.options.output
    counted = _Counted(_runs(desk))
    lines = _lines(counted, form)
    first = next(lines, None)  # before a file of that name is overwritten
    if first is None:
        raise _nothing(desk)
    if not output:
        return 0 if results.print_parts(chain([first], lines)) else 1
    try:
        with Path(output).open("w", encoding="utf-8", newline="") as file:
            file.writelines(chain([first], lines))
    except OSError as error:
        raise HistoryError(f"{output} can't be written: {error.strerror}.") from error
    runs = "run" if counted.count == 1 else "runs"
    results.say_written(f"{counted.count:,} {runs}", output, form)
    return 0


class _Counted:
    """Runs that are counted while they pass."""

    def __init__(self, runs: Iterable[Run]) -> None:
        self._runs = iter(runs)
        self.count = 0

    def __iter__(self) -> Iterator[Run]:
        return self

    def __next__(self) -> Run:
        run = next(self._runs)
        self.count += 1
        return run


def _lines(runs: Iterator[Run], form: Format) -> Iterator[str]:
    """Write runs as lines; none, not even a head, if there are none."""
    first = next(runs, None)
    if first is None:
        return
    if form == "csv":
        from streamscope.report.csv_runs import csv_lines

        yield from csv_lines(chain([first], runs))
    else:
        from streamscope.report.comparison_json import to_jsonl

        for run in chain([first], runs):
            yield to_jsonl(run).decode()


def _runs(desk: Desk) -> Iterator[Run]:
    """Yield the runs that are to be exported."""
    options, history = desk.options, desk.history
    named = [history.find(each) for each in options.ids]  # all, before the first is written
    if options.all:
        yield from history.export()
    elif options.search:
        for row in history.groups(MANY, contains=options.search):
            yield from history.export(group=row.group)
    for kind, whole_id in named:
        if kind == "run":
            yield history.load(whole_id)
        else:
            yield from history.export(comparison_id=whole_id)


def _comparisons(desk: Desk) -> Iterator[Comparison]:
    """Yield the comparisons that are to be exported, the oldest first."""
    options, history = desk.options, desk.history
    if options.ids:
        for named in options.ids:
            yield desk.comparison(named)[1]
        return
    groups = history.groups(MANY, contains=options.search)
    rows = [row for each in groups for row in history.comparisons(MANY, each.group)]
    found = {row.comparison_id: row for row in rows}
    for row in sorted(found.values(), key=lambda each: each.started_utc):
        yield desk.as_comparison(*history.comparison(row.comparison_id))


def _nothing(desk: Desk) -> HistoryError:
    options = desk.options
    where = f" with {options.search!r} in it" if options.search else ""
    return HistoryError(f"There is nothing{where} to export in the history {desk.history.path}.")
