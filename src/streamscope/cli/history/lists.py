"""``streamscope history list`` and ``path``."""

import csv
import io
from collections.abc import Sequence

import msgspec
from rich.console import Group as Lines
from rich.console import RenderableType
from rich.text import Text

from streamscope.cli import planning, results
from streamscope.cli.history.arguments import LIST_FORMATS
from streamscope.cli.history.place import SHORT, Desk
from streamscope.cli.words import both_seconds, local, shortened
from streamscope.history import ComparisonRow, GroupRow
from streamscope.measure.inference import Estimate, median_estimate
from streamscope.plan import Plan
from streamscope.report.csv_runs import safe
from streamscope.report.words import NONE, plain
from streamscope.trace import Layout, Mode, Regime, Target

NAMES = ("ttfv_s", "total_s", "server_tok_per_s", "e2e_tok_per_s", "output_tokens")
"""Figures of which a list tells the medians."""

MODES: tuple[Mode, ...] = ("stream", "blocking")
WIDTH = 80
INDENT = SHORT + 2
MANY = 1_000_000


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a list, as JSON has it.

    Attributes:
        id: Id of the comparison; of a group that of its newest one.
        started_utc: Start of the comparison; of a group that of its newest run.
        target: The server.
        engine: The engine of ours that answered, or empty.
        layout: Whether its pairs were measured apart or as races.
        regime: Whether prompts may have been cached.
        prompt: What was asked.
        pairs: Whole pairs.
        runs: Runs of all kinds.
        note: Its note.
        tags: Its tags.
        failed: Runs that failed; absent for groups.
        plan: How it was carried out; absent for groups, and where nobody knows.
        figures: Medians by mode and name of figure, of groups.
    """

    id: str
    started_utc: str
    target: Target
    engine: str
    layout: Layout
    regime: Regime
    prompt: str
    pairs: int
    runs: int
    note: str
    tags: tuple[str, ...]
    failed: int | msgspec.UnsetType = msgspec.UNSET
    plan: Plan | msgspec.UnsetType = msgspec.UNSET
    figures: dict[Mode, dict[str, Estimate]] | msgspec.UnsetType = msgspec.UNSET


def run(desk: Desk) -> int:
    """List groups, or comparisons one by one."""
    options = desk.options
    listed = _comparisons(desk) if options.each else _groups(desk)
    form = planning.output_format(options.format, options.output, LIST_FORMATS)
    if form == "json":
        text = msgspec.json.encode(listed).decode() + "\n"
        there = results.deliver_text(text, options.output)
    elif form == "csv":
        there = results.deliver_text(_csv(listed), options.output)
    else:
        there = results.deliver_table(_lines(desk, listed), options.output)
    return 0 if there else 1


def path(desk: Desk) -> int:
    """Tell where the history is."""
    return 0 if results.deliver_text(f"{desk.history.path}\n", "") else 1


def _groups(desk: Desk) -> list[Listed]:
    options, history = desk.options, desk.history
    found = history.groups(options.limit, contains=options.search, names=NAMES)
    return [_group(row, history.comparisons(1, row.group)) for row in found]


def _group(row: GroupRow, newest: Sequence[ComparisonRow]) -> Listed:
    return Listed(
        id=newest[0].comparison_id if newest else "",
        started_utc=row.started_utc,
        target=row.target,
        engine=row.group.engine,
        layout=row.group.layout,
        regime=row.group.regime,
        prompt=row.request.prompt,
        pairs=row.pairs,
        runs=row.runs,
        note=row.note or (newest[0].note if newest else ""),
        tags=tuple(dict.fromkeys([*row.tags, *(newest[0].tags if newest else ())])),
        figures={
            mode: {name: median_estimate(values) for name, values in each.values.items() if values}
            for mode, each in row.values.items()
        },
    )


def _comparisons(desk: Desk) -> list[Listed]:
    options, history = desk.options, desk.history
    if not options.search:
        return [_comparison(row) for row in history.comparisons(options.limit)]
    groups = history.groups(MANY, contains=options.search)
    rows = [row for each in groups for row in history.comparisons(options.limit, each.group)]
    found = {row.comparison_id: row for row in rows}
    newest = sorted(found.values(), key=lambda row: row.started_utc, reverse=True)
    return [_comparison(row) for row in newest[: options.limit]]


def _comparison(row: ComparisonRow) -> Listed:
    return Listed(
        id=row.comparison_id,
        started_utc=row.started_utc,
        target=row.target,
        engine=row.group.engine,
        layout=row.group.layout,
        regime=row.group.regime,
        prompt=row.group.prompt,
        pairs=row.pairs,
        runs=row.runs,
        note=row.note,
        tags=row.tags,
        failed=row.failed,
        plan=row.plan or msgspec.UNSET,
    )


def _lines(desk: Desk, listed: Sequence[Listed]) -> RenderableType:
    """Return the list for people: two lines each, 80 columns."""
    options = desk.options
    if not listed:
        sought = f" with {options.search!r} in it" if options.search else ""
        return Text(f"There is nothing{sought} in the history {desk.history.path}.")
    last = "failed" if options.each else "first text           total"
    head = f"{'ID':<{INDENT}}{'newest':<18}{'pairs':>5}  {last}"
    lines = [Text(head, "bold")]
    for each in listed:
        lines += _block(each)
    if len(listed) == options.limit:
        lines.append(Text(f"These are the newest {options.limit}: --limit N shows more.", "dim"))
    return Lines(*lines)


def _block(each: Listed) -> list[Text]:
    start = f"{each.id[:SHORT]:<{INDENT}}{local(each.started_utc):<18}{each.pairs:>5}"
    if isinstance(each.failed, int):
        figures = str(each.failed) if each.failed else NONE
    else:
        figures = f"{_versus(each, 'ttfv_s'):<20} {_versus(each, 'total_s')}"
    blocks = [Text(f"{start}  {figures}")]
    for words in filter(None, (_about(each), _remarks(each))):
        shown = shortened(words, WIDTH - INDENT)
        blocks.append(Text(" " * INDENT + shown, "dim", no_wrap=True, overflow="ellipsis"))
    return blocks


def _about(each: Listed) -> str:
    """Say what answered, under which conditions if they are special, and what was asked."""
    conditions = [
        each.target.model or each.target.url,
        each.engine,
        "race" if each.layout == "race" else "",
        "cold" if each.regime == "cold" else "",
        each.prompt,
    ]
    return " · ".join(plain(words) for words in conditions if words)


def _remarks(each: Listed) -> str:
    return " ".join([f"#{plain(tag)}" for tag in each.tags] + [plain(each.note)]).strip()


def _versus(each: Listed, name: str) -> str:
    a, b = (_median(each, mode, name) for mode in MODES)
    return NONE if a is None and b is None else both_seconds(a, b)


def _median(each: Listed, mode: Mode, name: str) -> float | None:
    if each.figures is msgspec.UNSET:
        return None
    found = each.figures.get(mode, {}).get(name)
    return None if found is None else found.estimate


def _csv(listed: Sequence[Listed]) -> str:
    """Return a table for other programs: a row each, medians by mode."""
    written = io.StringIO()
    table = csv.writer(written)
    own = ("id", "started_utc", "pairs", "runs", "engine", "layout", "regime", "prompt", "note")
    columns = [f"{mode}_{name}" for mode in MODES for name in NAMES]
    table.writerow([*own, "protocol", "url", "model", "tags", *columns])
    for each in listed:
        medians = [_median(each, mode, name) for mode in MODES for name in NAMES]
        target = each.target
        table.writerow(
            [safe(str(getattr(each, name))) for name in own]
            + [safe(text) for text in (*msgspec.structs.astuple(target), " ".join(each.tags))]
            + ["" if value is None else value for value in medians]
        )
    return written.getvalue()
