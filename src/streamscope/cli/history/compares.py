"""``streamscope history compare``: two comparisons, or two groups, against each other."""

from collections.abc import Sequence

import msgspec
from rich import box
from rich.console import Group as Lines
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from streamscope import sides
from streamscope.cli import planning, results
from streamscope.cli.history.arguments import COMPARE_FORMATS
from streamscope.cli.history.medians import Values, pooled_values
from streamscope.cli.history.naming import answered
from streamscope.cli.history.place import SHORT, Desk
from streamscope.cli.parsing import UsageError
from streamscope.cli.words import shortened
from streamscope.history import ComparisonRow, Part
from streamscope.measure.conventions import Thresholds
from streamscope.measure.figures import BY_NAME
from streamscope.measure.statistics import median
from streamscope.measure.verdict import Finding, judge_samples
from streamscope.report.verdict_words import finding_mark, finding_words
from streamscope.report.words import NONE, figure_words, plain
from streamscope.sides import MODE_WORDS
from streamscope.trace import ChannelName, Mode, Target
from streamscope.trial.plan import CHANNELS

RATES = ("server_tok_per_s", "e2e_tok_per_s")
"""Rates, of which the first one known is tested."""

TEXT_RATES = ("e2e_char_per_s",)
"""The same of different models, whose tokens are no common unit."""

LENGTH = "output_tokens"
NAMES = {"ttfv_s", "total_s", *RATES, *TEXT_RATES, LENGTH}

ABOUT = 46
"""Characters of a prompt that stand beside its comparison."""


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One of the two.

    Attributes:
        comparison_id: The comparison that was named.
        targets: The server of each channel.
        parts: The runs that those of each channel may be pooled with.
        pooled: Whether all of them are taken, and not only its own.
        values: Figures of the runs that are taken, by channel.
    """

    comparison_id: str
    targets: dict[ChannelName, Target]
    parts: dict[ChannelName, Part]
    pooled: bool
    values: Values

    def of(self, channel: ChannelName, name: str) -> list[float]:
        """Return the values of one figure on one channel."""
        return self.values.get(channel, {}).get(name, [])

    @property
    def sides(self) -> dict[ChannelName, sides.Side]:
        """What each channel was."""
        return {
            name: sides.Side(target=self.targets[name], mode=part.mode, engine=part.group.engine)
            for name, part in self.parts.items()
        }


class Tested(msgspec.Struct, frozen=True, kw_only=True):
    """What was found of one figure on one channel.

    Attributes:
        channel: The channel, of both.
        mode: How it delivered, in both.
        finding: What was found; its ``a`` is the first of the two, ``b`` the second.
    """

    channel: ChannelName
    mode: Mode
    finding: Finding


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """The whole of it, as JSON has it.

    Attributes:
        first: One of the two.
        second: The other.
        tested: What was found.
        cautions: What must be known before believing it.
    """

    first: Side
    second: Side
    tested: list[Tested]
    cautions: list[str]


def run(desk: Desk) -> int:
    """Compare what two ids name."""
    options = desk.options
    first, second = (_side(desk, named) for named in options.ids)
    same = first.comparison_id == second.comparison_id
    if same or (options.pooled and first.parts == second.parts):
        raise UsageError("Both ids name the same: give the ids of two that differ.")
    compared = compare(first, second, desk.conventions.thresholds)
    if planning.output_format(options.format, options.output, COMPARE_FORMATS) == "json":
        text = msgspec.json.encode(compared).decode() + "\n"
        there = results.deliver_text(text, options.output, "json")
    else:
        there = results.deliver_table(_report(compared), options.output)
    return 0 if there else 1


def compare(first: Side, second: Side, thresholds: Thresholds) -> Compared:
    """Test what both have values of: channel by channel, where both deliver in the same mode."""
    tested: list[Tested] = []
    for channel in CHANNELS:
        parts = [side.parts[channel] for side in (first, second) if channel in side.parts]
        if len(parts) < len(CHANNELS) or parts[0].mode != parts[1].mode:
            continue
        if first.pooled and parts[0] == parts[1]:  # the same runs, on this channel
            continue
        for name in _tested_names(channel, first, second):
            margin = thresholds.wait_margin if name == "ttfv_s" else thresholds.margin
            values = first.of(channel, name), second.of(channel, name)
            finding = judge_samples(name, *values, margin)
            tested.append(Tested(channel=channel, mode=parts[0].mode, finding=finding))
    return Compared(first=first, second=second, tested=tested, cautions=_cautions(first, second))


def _tested_names(channel: ChannelName, first: Side, second: Side) -> list[str]:
    """Return what is tested of one channel: waits, and the best rate that both have."""

    def known(*names: str) -> list[str]:
        return [name for name in names if first.of(channel, name) and second.of(channel, name)]

    streams = first.parts[channel].mode == "stream"
    waits = known("ttfv_s", "total_s") if streams else known("total_s")
    another = first.targets[channel].model != second.targets[channel].model
    return waits + known(*(TEXT_RATES if another else RATES))[:1]


def _side(desk: Desk, named: str) -> Side:
    row, comparison = desk.comparison(named)
    pooled = desk.options.pooled
    return Side(
        comparison_id=row.comparison_id,
        targets=row.targets,
        parts=row.parts,
        pooled=pooled,
        values=_pooled(desk, row) if pooled else pooled_values(comparison, NAMES),
    )


def _pooled(desk: Desk, row: ComparisonRow) -> Values:
    return {
        name: desk.history.values(part.group, sorted(NAMES))[part.mode].values
        for name, part in row.parts.items()
    }


def _cautions(first: Side, second: Side) -> list[str]:
    """Say what else differs."""
    said = []
    if differs := _differences(first, second):
        said.append(f"They differ in {', '.join(differs)}.")
    lengths = [[set(side.of(channel, LENGTH)) for side in (first, second)] for channel in CHANNELS]
    if any(all(each) and each[0] != each[1] for each in lengths):
        said.append(
            "The answers differ in length, so totals are of different work; rates are comparable."
        )
    said.append(
        "The two were not measured by turns: what changed on machine or server in between "
        "counts, too."
    )
    return said


def _differences(first: Side, second: Side) -> list[str]:
    names = {
        "target": "server or model",
        "prompt": "prompt",
        "params": "parameters",
        "layout": "layout",
        "regime": "regime",
    }
    both = [
        (first.parts[channel].group, second.parts[channel].group)
        for channel in CHANNELS
        if channel in first.parts and channel in second.parts
    ]
    return [
        words
        for name, words in names.items()
        if any(getattr(a, name) != getattr(b, name) for a, b in both)
    ]


def _report(compared: Compared) -> RenderableType:
    both = (compared.first, compared.second)
    lines: list[RenderableType] = [
        Text(_about(number, side), no_wrap=True, overflow="ellipsis")
        for number, side in enumerate(both, 1)
    ]
    if not compared.tested:
        return Lines(*lines, Text(), Text("Can't tell: they have no figure in common."))
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for heading in ("", "1", "2", "1 vs 2", "p"):
        table.add_column(heading)
    for each in compared.tested:
        name, finding = each.finding.name, each.finding
        cells = [_cell(side.of(each.channel, name), name) for side in both]
        p = NONE if finding.p is None else f"{finding.p:.4f}" if finding.p >= 0.0001 else "<0.0001"
        label = Text(f"{_called(each, compared.tested, each.mode)} {BY_NAME[name].short}")
        table.add_row(label, *cells, Text(finding_mark(finding)), Text(p))
    lines += [Text(), table, Text()]
    lines += [
        Text(
            f"· {_called(each, compared.tested, MODE_WORDS[each.mode])}: "
            f"{finding_words(each.finding)}"
        )
        for each in compared.tested
    ]
    lines += [Text(f"· {words}") for words in compared.cautions]
    lines.append(Text(_legend(compared.tested), "dim"))
    return Lines(*lines)


def _called(each: Tested, tested: Sequence[Tested], mode: str) -> str:
    """Name a channel: by its mode, unless both deliver in the same."""
    alike = any(one.mode == each.mode and one.channel != each.channel for one in tested)
    return f"{each.channel} {mode}" if alike else mode


def _about(number: int, side: Side) -> str:
    found = [values for of_channel in side.values.values() for values in of_channel.values()]
    n = max(map(len, found), default=0)
    pooled = ", pooled" if side.pooled else ""
    words = [*answered(side.sides), shortened(plain(_prompt(side)), ABOUT)]
    said = " · ".join(plain(each) for each in words if each)
    return f"{number}  {side.comparison_id[:SHORT]} (n={n}{pooled})  {said}"


def _prompt(side: Side) -> str:
    return next(iter(side.parts.values())).group.prompt


def _cell(values: Sequence[float], name: str) -> Text:
    return Text(figure_words(BY_NAME[name], median(values)))


def _legend(tested: Sequence[Tested]) -> str:
    return f"Medians. p: Mann-Whitney test, two-sided, of each of {len(tested)} figures by itself."
