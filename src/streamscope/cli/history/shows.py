"""``streamscope history show``: a comparison's report, or a run's figures."""

from collections.abc import Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from streamscope.cli import planning, results
from streamscope.cli.history.listed import state_words
from streamscope.cli.history.place import SHORT, Desk
from streamscope.cli.run_arguments import check_verbose
from streamscope.cli.words import local, shortened
from streamscope.history import ComparisonRow
from streamscope.measure.figures import FIGURES, measure
from streamscope.measure.notes import run_notes
from streamscope.report.recalled import recalled
from streamscope.report.verbose import of_run
from streamscope.report.words import figure_words, plain
from streamscope.trace import Run

PROMPT = 300
"""Characters of a prompt that are shown."""


def run(desk: Desk) -> int:
    """Show what the id names."""
    options, history = desk.options, desk.history
    form = planning.output_format(options.format, options.output)
    check_verbose(form, verbose=options.verbose)
    kind, whole_id = history.find(options.ids[0])
    if kind == "run":
        one = history.load(whole_id)
        if form == "table":
            table = Group(_run_table(one), *([Text(), of_run(one)] if options.verbose else []))
            return 0 if results.deliver_table(table, options.output) else 1
        # A run alone, in formats that know runs only as parts of a comparison.
        form = "jsonl" if form == "json" else form
        comparison = recalled(None, [one], include_busy=desk.include_busy)
    else:
        row, runs = history.comparison(whole_id)
        comparison = desk.as_comparison(row, runs)
        if form == "table":
            shown = results.tables([comparison], desk.conventions, more=options.verbose)
            head = _head(row, runs, include_busy=desk.include_busy)
            table = Group(head, shown)
            return 0 if results.deliver_table(table, options.output) else 1
    return 0 if results.deliver([comparison], form, options.output, desk.conventions) else 1


def _head(row: ComparisonRow, runs: Sequence[Run], *, include_busy: bool) -> RenderableType:
    """Say which comparison it is, how far it came, what it asked, and what was noted about it."""
    counted = f"{row.pairs} {'pair' if row.pairs == 1 else 'pairs'}"
    state = state_words(row.plan, runs, include_busy=include_busy)
    named = row.comparison_id[:SHORT]
    lines = [Text(f"{named} · {local(row.started_utc)} · {state or counted}", "dim")]
    if state:
        lines.append(Text(f"`streamscope run --continue {named}` goes on.", "dim"))
    lines.append(Text(shortened(plain(row.group.prompt), PROMPT)))
    remarks = [f"#{plain(tag)}" for tag in row.tags] + [plain(row.note)]
    if any(remarks):
        lines.append(Text(" ".join(filter(None, remarks)), "italic"))
    return Group(*lines, Text())


def _run_table(one: Run) -> RenderableType:
    trace = one.trace
    place = "warm-up" if one.warmup else f"pair {one.pair}"
    said = [
        f"run {one.run_id[:SHORT]} of comparison {one.comparison_id[:SHORT]}",
        f"{one.channel} {trace.mode}, {place}, {local(trace.started_utc)}",
        " · ".join(plain(each) for each in (one.target.model, one.target.url, one.engine) if each),
        shortened(plain(one.request.prompt), PROMPT),
        f"ended: {trace.ended}" + (f", {', '.join(trace.flags)}" if trace.flags else ""),
    ]
    figures = measure(trace)
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    table.add_column("figure")
    table.add_column("value", justify="right")
    table.add_column("name in files", style="dim")
    for figure in FIGURES:
        value = figures[figure.name]
        if value is not None:
            words = figure_words(figure, value, estimated=figure.name in figures.estimated)
            table.add_row(Text(figure.label), Text(words), Text(figure.name))
    notes = [f"· {plain(note.sentence)}" for note in run_notes(one)]
    if trace.fault is not None:
        notes.insert(0, f"✗ {plain(trace.fault.sentence)}")
    return Group(*map(Text, said), Text(), table, *map(Text, notes))
