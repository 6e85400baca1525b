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
from streamscope.cli.history.listed import (
    NAMES,
    Listed,
    Measured,
    Medians,
    Pooled,
    comparisons,
    groups,
)
from streamscope.cli.history.naming import answered
from streamscope.cli.history.place import SHORT, Desk
from streamscope.cli.words import both_seconds, local, shortened
from streamscope.report.csv_runs import safe
from streamscope.report.words import NONE, plain
from streamscope.trace import Mode
from streamscope.trial.plan import CHANNELS

MODES: tuple[Mode, ...] = ("stream", "blocking")
OWN = ("pairs", "runs", "layout", "regime", "prompt", "note")
ASKED = ("engine", "protocol", "url", "model")
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
        text = _csv(listed, _columns(Pooled if options.groups else Listed))
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
    # What was only compared with other groups has no pairs of its own: that is not none of some.
    pairs = NONE if isinstance(each, Pooled) and not each.pairs else f"{each.pairs}"
    start = f"{named[:SHORT]:<{INDENT}}{local(when):<18}{pairs:>5}"
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
        *_answered(each),
        "race" if each.layout == "race" else "",
        "cold" if each.regime == "cold" else "",
        each.prompt,
    ]
    return " · ".join(plain(words) for words in conditions if words)


def _answered(each: Line) -> list[str]:
    if isinstance(each, Pooled):
        return [each.target.model or each.target.url, each.engine]
    return answered(each.sides)


def _remarks(each: Line) -> str:
    """Say what became of it, if not all went well, and what a person wrote about it."""
    became = [] if isinstance(each, Pooled) else [each.state, _failed(each.failed_pairs)]
    became.append(_busy(each.busy))
    wrote = " ".join([f"#{plain(tag)}" for tag in each.tags] + [plain(each.note)]).strip()
    return " · ".join(filter(None, [*became, wrote]))


def _failed(pairs: int) -> str:
    return f"{pairs:,} {'pair' if pairs == 1 else 'pairs'} failed" if pairs else ""


def _busy(runs: int) -> str:
    return f"{runs:,} {'run' if runs == 1 else 'runs'} busy" if runs else ""


def _versus(each: Line, name: str) -> str:
    a, b = (_median(medians, name) for medians in _both(each))
    return NONE if a is None and b is None else both_seconds(a, b)


def _both(each: Line) -> list[Medians]:
    """Return the medians of A and B; of a group, what was streamed, and what was not."""
    if isinstance(each, Pooled):
        return [each.figures.get(mode, {}) for mode in MODES]
    known = (each.channels.get(channel) for channel in CHANNELS)
    return [one.figures if one else {} for one in known]


def _median(medians: Medians, name: str) -> float | None:
    found = medians.get(name)
    return None if found is None else found.estimate


def _csv(listed: Sequence[Line], columns: list[str]) -> str:
    """Return a table for other programs: a row each."""
    written = io.StringIO()
    table = csv.DictWriter(written, columns, restval="")
    table.writeheader()
    table.writerows(_row(each) for each in listed)
    return written.getvalue()


def _columns(kind: type[Line]) -> list[str]:
    """Return the columns of a table, those of channels or modes last."""
    if kind is Pooled:
        medians = [f"{mode}_{name}" for mode in MODES for name in NAMES]
        return ["newest_id", "newest_utc", *OWN, "tags", *ASKED, *medians]
    of_channel = ("mode", *ASKED, *NAMES)
    told = [f"{channel}_{name}" for channel in CHANNELS for name in of_channel]
    return ["id", "started_utc", "state", *OWN, "tags", *told]


def _row(each: Line) -> dict[str, str | float]:
    row: dict[str, str | float] = {name: safe(str(getattr(each, name))) for name in OWN}
    row["tags"] = safe(" ".join(each.tags))
    if isinstance(each, Pooled):
        row |= {"newest_id": each.newest_id, "newest_utc": each.newest_utc, **_asked(each)}
        for mode, figures in each.figures.items():
            row |= {f"{mode}_{name}": known.estimate for name, known in figures.items()}
        return row
    row |= {"id": each.id, "started_utc": each.started_utc, "state": each.state}
    for channel, one in each.channels.items():
        medians = {name: known.estimate for name, known in one.figures.items()}
        told: dict[str, str | float] = {"mode": one.mode, **_asked(one), **medians}
        row |= {f"{channel}_{name}": value for name, value in told.items()}
    return row


def _asked(one: Pooled | Measured) -> dict[str, str]:
    target = one.target
    values = (one.engine, target.protocol, target.url, target.model)
    return {name: safe(value) for name, value in zip(ASKED, values, strict=True)}
