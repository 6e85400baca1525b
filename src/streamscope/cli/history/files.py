"""``streamscope history export`` and ``import``."""

import functools
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import nullcontext
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from streamscope import files
from streamscope.cli import planning, results
from streamscope.cli.history.arguments import EXPORT_FORMATS
from streamscope.cli.history.listed import MANY
from streamscope.cli.history.place import SHORT, Desk
from streamscope.cli.interruption import Interruption
from streamscope.cli.run_arguments import Format
from streamscope.cli.words import shortened
from streamscope.history import History, HistoryError, Imported
from streamscope.measure.figures import measure
from streamscope.plan import Plan
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
    """Add runs from files; end at the first line that can't be read, or when interrupted."""
    added = known = 0
    fresh = _Fresh(desk.history)
    with Interruption() as interruption:
        for named in desk.options.words:
            taken = _Taken(named, fresh, interruption)
            done = _add(desk.history, taken, named, interruption)
            added, known = added + done.added, known + done.known
            if interruption.asked:
                kept = f"Stopped: {_counts(added, known)} Importing again goes on from there."
                return _say_ended(
                    kept if added or known else "Stopped: nothing was added.", fresh, 130
                )
            if taken.problem:
                print(f"streamscope: {taken.problem}", file=sys.stderr)
                kept = f"What came before is kept: {_counts(added, known)}"
                return _say_ended(kept if added or known else "Nothing was added.", fresh, 1)
    said = [_counts(added, known), *fresh.lines()]
    return 0 if results.deliver_text("\n".join(said) + "\n") else 1


def _add(history: History, taken: "_Taken", named: str, interruption: Interruption) -> Imported:
    """Add the runs of a file, as far as it can be read."""
    try:
        with _source(named) as file:
            return history.add(taken.runs(file))
    except OSError as error:
        taken.problem = f"{named} can't be read: {error.strerror}."
    except KeyboardInterrupt:  # while nothing came, as from a pipe that nobody writes to
        pass
    finally:
        interruption.release()
    return Imported(added=0, known=0)


def _say_ended(kept: str, fresh: "_Fresh", code: int) -> int:
    """Say what an import that ended early has added; return the exit code."""
    for line in (kept, *fresh.lines()):
        print(line, file=sys.stderr)
    return code


class _Fresh:
    """Comparisons that an import adds to the history, with what was asked in the first of them."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._seen: set[str] = set()
        self._asked: dict[str, str] = {}
        self._count = 0

    def see(self, run: Run, plan: Plan | None) -> None:
        """Take note of the comparison of a run, if it is not in the history yet, and its plan."""
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
        if plan is not None:
            self._history.adopt(name, plan).result()

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

    def __init__(self, named: str, fresh: "_Fresh", interruption: Interruption) -> None:
        self._fresh = fresh
        self._interruption = interruption
        self._named = "standard input" if named == "-" else named
        self.problem = ""

    def runs(self, file: BinaryIO) -> Iterator[tuple[Run, Mapping[str, float | None]]]:
        """Yield runs with their figures."""
        live = sys.stderr.isatty()
        interruption = self._interruption
        count = 0
        try:
            reading = parse_lines(read_lines(file), self._named)
            for run in reading:
                figures = measure(run.trace).values
                interruption.hold()  # while it is kept
                self._fresh.see(run, reading.plan)
                yield run, figures
                if interruption.asked:
                    break
                interruption.release()
                count += 1
                if live and count % EVERY == 0:
                    print(f"\r{count:,} runs read", end="", file=sys.stderr, flush=True)
        except ExchangeError as error:
            self.problem = str(error)
        except OSError as error:
            self.problem = f"{self._named} can't be read any further: {error.strerror}."
        except KeyboardInterrupt:
            pass  # the interruption knows of it
        finally:
            interruption.hold()  # while the last ones are kept
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
    lines = _lines(counted, form, desk)
    first = next(lines, None)  # before a file of that name is overwritten
    if first is None:
        raise _nothing(desk)
    if not output:
        return 0 if results.print_parts(chain([first], lines)) else 1
    try:
        with files.writing(Path(output)) as file:
            file.writelines(line.encode() for line in chain([first], lines))
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


def _lines(runs: Iterator[Run], form: Format, desk: Desk) -> Iterator[str]:
    """Write runs as lines; none, not even a head, if there are none."""
    first = next(runs, None)
    if first is None:
        return
    if form == "csv":
        from streamscope.report.csv_runs import csv_lines

        yield from csv_lines(chain([first], runs))
    else:
        from streamscope.report.comparison_json import to_jsonl

        plan_of = functools.cache(desk.history.plan)
        alone = {whole for kind, whole in map(desk.history.find, desk.options.ids) if kind == "run"}
        for run in chain([first], runs):
            # A run alone would pass for a comparison that was stopped.
            plan = None if run.run_id in alone else plan_of(run.comparison_id)
            yield to_jsonl(run, plan).decode()


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
