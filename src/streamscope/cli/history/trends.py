"""``streamscope history trend``: the comparisons of one group after one another."""

from collections.abc import Sequence

import msgspec
from rich import box
from rich.console import Group as Lines
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from streamscope.cli import planning, results
from streamscope.cli.history.arguments import TREND_FORMATS
from streamscope.cli.history.listed import MANY
from streamscope.cli.history.medians import pooled_values
from streamscope.cli.history.place import SHORT, Desk
from streamscope.cli.words import local, shortened
from streamscope.history import ComparisonRow, HistoryError
from streamscope.measure.figures import BY_NAME
from streamscope.measure.inference import Estimate, median_estimate
from streamscope.report.channels import head
from streamscope.report.words import NONE, figure_words, plain, range_words
from streamscope.sides import Sides
from streamscope.trace import ChannelName

SHOWN: tuple[tuple[ChannelName, str], ...] = (("A", "ttfv_s"), ("A", "total_s"), ("B", "total_s"))
"""What a line shows: the figures of channels."""

DAY = len("2026-05-01")
WIDTH = 80


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One comparison, as JSON has it.

    Attributes:
        id: Its id.
        started_utc: Start of its first run.
        n: Runs of a channel that its medians rest on, at most.
        figures: Medians by channel and name of figure, with their intervals.
    """

    id: str
    started_utc: str
    n: int
    figures: dict[ChannelName, dict[str, Estimate]]


def run(desk: Desk) -> int:
    """Tell how what an id names went each time that it was measured."""
    options = desk.options
    row, comparison = desk.comparison(options.ids[0])
    alike = [each for each in desk.history.comparisons(MANY, row.group) if each.parts == row.parts]
    points = _points(desk, alike[: options.limit])
    if planning.output_format(options.format, options.output, TREND_FORMATS) == "json":
        text = msgspec.json.encode(points).decode() + "\n"
        there = results.deliver_text(text, options.output, "json")
    else:
        more = len(alike) > options.limit
        shown = _report(row, comparison.sides, points, more=more)
        there = results.deliver_table(shown, options.output)
    return 0 if there else 1


def _points(desk: Desk, rows: Sequence[ComparisonRow]) -> list[Point]:
    """Return what the comparisons came to, the oldest first; those that can't be read are none."""
    points = []
    for row in reversed(rows):
        try:
            _, runs = desk.history.comparison(row.comparison_id)
        except HistoryError:
            continue
        names = {name for _, name in SHOWN}
        values = pooled_values(desk.as_comparison(row, runs), names)
        counts = [len(known) for of_channel in values.values() for known in of_channel.values()]
        points.append(
            Point(
                id=row.comparison_id,
                started_utc=row.started_utc,
                n=max(counts, default=0),
                figures={
                    channel: {name: median_estimate(known) for name, known in of_channel.items()}
                    for channel, of_channel in values.items()
                },
            )
        )
    return points


def _report(
    row: ComparisonRow, sides: Sides | None, points: Sequence[Point], *, more: bool
) -> RenderableType:
    """Return the table for people."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    table.add_column("day", no_wrap=True)
    table.add_column("comparison", no_wrap=True)
    table.add_column("n", justify="right", no_wrap=True)
    for channel, name in SHOWN:
        part = row.parts.get(channel)
        named = channel if part is None else head(sides, channel, part.mode)
        table.add_column(Text(f"{named}\n{BY_NAME[name].label}"))
    for point in points:
        cells = [_cell(point.figures.get(channel, {}).get(name), name) for channel, name in SHOWN]
        table.add_row(local(point.started_utc)[:DAY], point.id[:SHORT], str(point.n), *cells)
    lines: list[RenderableType] = [
        Text(shortened(plain(row.group.prompt), WIDTH), no_wrap=True, overflow="ellipsis"),
        Text(),
        table,
        Text(),
        Text("Medians, from six values on with an interval. What changed on machine or", "dim"),
        Text("server from one comparison to the next counts, too.", "dim"),
    ]
    if more:
        lines.append(Text(f"These are the newest {len(points)}: --limit N shows more.", "dim"))
    return Lines(*lines)


def _cell(found: Estimate | None, name: str) -> Text:
    if found is None:
        return Text(NONE)
    figure = BY_NAME[name]
    words = figure_words(figure, found.estimate)
    if found.low is None or found.high is None:
        return Text(words)
    return Text(f"{words} ({range_words(figure, found.low, found.high)})")
