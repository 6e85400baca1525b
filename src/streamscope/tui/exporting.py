"""Write runs of the history to a file; its ending says in which form."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from streamscope.history import ComparisonRow, Group, History
from streamscope.measure.conventions import Conventions
from streamscope.plan import Plan
from streamscope.report.comparison import Comparison
from streamscope.report.recalled import recalled
from streamscope.trace import Run

HINT: Final = (
    ".jsonl: all there is, to be imported again · .csv: a line a run · .md, .html: a report"
    " · .json: one comparison"
)
"""What a person should know before naming a file."""

_SLUG: Final = 40
_ALL: Final = 1_000_000


class ExportError(Exception):
    """It can't be written; one sentence says why and what to do."""


def slug(text: str) -> str:
    """Return what a file about a prompt may be called: its first words, with hyphens."""
    plain = re.sub(r"[\W_]+", "-", text[: 4 * _SLUG].lower()).strip("-")
    return plain[:_SLUG].strip("-") or "runs"


def path_of(text: str) -> Path:
    """Return the file that a person named, seen from the current folder."""
    path = Path(text.strip())
    try:
        return path.expanduser()
    except RuntimeError:  # there is no such person's home
        return path


def problem(text: str) -> str:
    """Say why a file of this name can't be written; empty if it can."""
    path = path_of(text)
    if path.suffix.lower() not in _WRITERS:
        return f"The name must end in one of {', '.join(_WRITERS)}: it says in which form."
    if not path.parent.is_dir():
        return f"There is no folder {path.parent}: name one that exists."
    if path.is_dir():
        return f"{path.name} is a folder: name a file."
    return ""


def export(
    history: History,
    path: Path,
    *,
    group: Group | None,
    comparison: str | None,
    conventions: Conventions,
) -> int:
    """Write the runs of a group, of a comparison, or of both, to a file. It may take a while.

    The file is complete or not there: it is written beside its place and then moved.

    Args:
        history: Where they are.
        path: The file; its ending says in which form.
        group: Only runs of this group.
        comparison: Only runs of the comparison of this id.
        conventions: Margins and limits of the reports.

    Returns:
        The number of runs.

    Raises:
        ExportError: It can't be written.
        HistoryError: The runs can't be read.
    """
    what = _What(history, group, comparison, conventions)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        try:
            with beside.open("wb") as file:
                for part in _WRITERS[path.suffix.lower()](what):
                    file.write(part)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise ExportError(f"{path} can't be written ({why}): choose another place.") from error
    return what.count


class _What:
    """What is written.

    Attributes:
        conventions: Margins and limits of the reports.
        count: Runs that were read.
    """

    def __init__(
        self,
        history: History,
        group: Group | None,
        comparison: str | None,
        conventions: Conventions,
    ) -> None:
        self._history = history
        self._group = group
        self._comparison = comparison
        self.conventions = conventions
        self.count = 0
        self._plans: dict[str, Plan | None] = {}

    def runs(self) -> Iterator[Run]:
        """Yield the runs one by one, the oldest first."""
        for run in self._history.export(self._group, self._comparison):
            self.count += 1
            yield run

    def comparisons(self) -> list[Comparison]:
        """Return the whole comparisons, the oldest first."""
        read = [self._history.comparison(each) for each in self._ids()]
        read.sort(key=lambda each: each[0].started_utc)
        self.count = sum(len(runs) for _, runs in read)
        busy = self.conventions.trust.include_busy
        return [recalled(row.plan, runs, include_busy=busy) for row, runs in read]

    def line(self, run: Run) -> bytes:
        """Return a run as a line, with the plan of its comparison."""
        from streamscope.report.comparison_json import to_jsonl

        name = run.comparison_id
        if name not in self._plans:
            self._plans[name] = self._history.plan(name)
        return to_jsonl(run, self._plans[name])

    def _ids(self) -> list[str]:
        if self._comparison is not None:
            return [self._comparison]
        return [row.comparison_id for row in self._history.comparisons(_ALL, self._group)]


def plan_of(row: ComparisonRow) -> Plan:
    """Return how a comparison was made; of an imported one, what is known without its runs."""
    guess = Plan(layout=row.group.layout, regime=row.group.regime, repeat=max(1, row.pairs))
    return row.plan or guess


def _jsonl(what: _What) -> Iterator[bytes]:
    return map(what.line, what.runs())


def _csv(what: _What) -> Iterator[bytes]:
    from streamscope.report.csv_runs import csv_lines

    return (line.encode() for line in csv_lines(what.runs()))


def _json(what: _What) -> Iterator[bytes]:
    from streamscope.report.comparison_json import to_json

    comparisons = what.comparisons()
    if len(comparisons) != 1:
        raise ExportError(
            f"A .json file holds one comparison, and these are {len(comparisons)}: choose one of"
            " them, or write a .jsonl file."
        )
    yield to_json(comparisons[0], what.conventions) + b"\n"


def _markdown(what: _What) -> Iterator[bytes]:
    from streamscope.report.markdown import to_markdown

    yield to_markdown(what.comparisons(), what.conventions).encode()


def _html(what: _What) -> Iterator[bytes]:
    from streamscope.report.html import to_html

    yield to_html(what.comparisons(), what.conventions).encode()


_WRITERS: Final[dict[str, Callable[[_What], Iterator[bytes]]]] = {
    ".jsonl": _jsonl,
    ".csv": _csv,
    ".md": _markdown,
    ".html": _html,
    ".json": _json,
}
