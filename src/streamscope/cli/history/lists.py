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
from streamscope.cli.history.listed import NAMES, Listed, Pooled, comparisons, groups
from streamscope.cli.history.place import SHORT, Desk
from streamscope.cli.words import both_seconds, local, shortened
from streamscope.report.csv_runs import safe
from streamscope.report.words import NONE, plain
from streamscope.trace import Mode

MODES: tuple[Mode, ...] = ("stream", "blocking")
WIDTH = 80
INDENT = SHORT + 3
Line = Listed | Pooled


def run(desk: Desk) -> int:
    """List comparisons, or the groups that they form."""
    options = desk.options
    form = planning.output_format(options.format, options.output, LIST_FORMATS)
    listed: Sequence[Line] = groups(desk) if options.groups else comparisons(desk)
    if form == "json":
        text = msgspec.json.encode(listed).decode() + "\n"
        there = results.deliver_text(text, options.output, form)
    elif form == "csv":
        text = _csv(listed, Pooled if options.groups else Listed)
        there = results.deliver_text(text, options.output, form)
    else:
        there = results.deliver_table(_lines(desk, listed), options.output)
    return 0 if there else 1


def path(desk: Desk) -> int:
    """Tell where the history is."""
    return 0 if results.deliver_text(f"{desk.history.path}\n") else 1


def _lines(desk: Desk, listed: Sequence[Line]) -> RenderableType:
    """Return the list for people: two or three lines each, 80 columns."""
    options = desk.options
    if not listed:
        sought = f" with {options.search!r} in it" if options.search else ""
        return Text(f"There is nothing{sought} in the history {desk.history.path}.")
    first, second = ("newest ID", "newest run") if options.groups else ("ID", "started")
    head = f"{first:<{INDENT}}{second:<18}{'pairs':>5}  first text           total"
    lines = [Text(head, "bold")]
    for each in listed:
        lines += _block(each)
    if len(listed) == options.limit:
        lines.append(Text(f"These are the newest {options.limit}: --limit N shows more.", "dim"))
    return Lines(*lines)


def _block(each: Line) -> list[Text]:
    named, when = _named(each)
    start = f"{named[:SHORT]:<{INDENT}}{local(when):<18}{each.pairs:>5}"
    figures = f"{_versus(each, 'ttfv_s'):<20} {_versus(each, 'total_s')}"
    blocks = [Text(f"{start}  {figures}")]
    for words in filter(None, (_about(each), _remarks(each))):
        shown = shortened(words, WIDTH - INDENT)
        blocks.append(Text(" " * INDENT + shown, "dim", no_wrap=True, overflow="ellipsis"))
    return blocks


def _named(each: Line) -> tuple[str, str]:
    """Return the id that a line shows, and the moment."""
    if isinstance(each, Pooled):
        return each.newest_id, each.newest_utc
    return each.id, each.started_utc


def _about(each: Line) -> str:
    """Say what answered, under which conditions if they are special, and what was asked."""
    conditions = [
        each.target.model or each.target.url,
        each.engine,
        "race" if each.layout == "race" else "",
        "cold" if each.regime == "cold" else "",
        each.prompt,
    ]
    return " · ".join(plain(words) for words in conditions if words)


def _remarks(each: Line) -> str:
    """Say what became of it, if not all went well, and what a person wrote about it."""
    became = [] if isinstance(each, Pooled) else [each.state, _failed(each.failed)]
    became.append(_busy(each.busy))
    wrote = " ".join([f"#{plain(tag)}" for tag in each.tags] + [plain(each.note)]).strip()
    return " · ".join(filter(None, [*became, wrote]))


def _failed(runs: int) -> str:
    return f"{runs:,} {'run' if runs == 1 else 'runs'} failed" if runs else ""


def _busy(runs: int) -> str:
    return f"{runs:,} {'run' if runs == 1 else 'runs'} busy" if runs else ""


def _versus(each: Line, name: str) -> str:
    a, b = (_median(each, mode, name) for mode in MODES)
    return NONE if a is None and b is None else both_seconds(a, b)


def _median(each: Line, mode: Mode, name: str) -> float | None:
    found = each.figures.get(mode, {}).get(name)
    return None if found is None else found.estimate


def _csv(listed: Sequence[Line], kind: type[Line]) -> str:
    """Return a table for other programs: a row each, medians by mode."""
    written = io.StringIO()
    table = csv.writer(written)
    names = ("newest_id", "newest_utc") if kind is Pooled else ("id", "started_utc", "state")
    own = (*names, "pairs", "runs", "engine", "layout", "regime", "prompt", "note")
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
