"""``streamscope history compare``: two comparisons, or two groups, against each other."""

from collections.abc import Sequence

import msgspec
from rich import box
from rich.console import Group as Lines
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from streamscope.cli import planning, results
from streamscope.cli.history.arguments import COMPARE_FORMATS
from streamscope.cli.history.medians import Values, pooled_values
from streamscope.cli.history.place import SHORT, Desk
from streamscope.cli.parsing import UsageError
from streamscope.cli.words import shortened
from streamscope.history import ComparisonRow, Group
from streamscope.measure.conventions import Thresholds
from streamscope.measure.figures import BY_NAME
from streamscope.measure.statistics import median
from streamscope.measure.verdict import Finding, judge_samples
from streamscope.report.verdict_words import finding_mark, finding_words
from streamscope.report.words import NONE, figure_words, plain
from streamscope.trace import Mode, Target

RATES = ("server_tok_per_s", "e2e_tok_per_s")
LENGTH = "output_tokens"
TESTED: tuple[tuple[Mode, str], ...] = (
    ("stream", "ttfv_s"),
    ("stream", "total_s"),
    ("stream", RATES[0]),
    ("stream", RATES[1]),
    ("blocking", "total_s"),
    ("blocking", RATES[0]),
    ("blocking", RATES[1]),
)
"""What is tested: by mode and name of figure."""

ABOUT = 46
"""Characters of a prompt that stand beside its comparison."""


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One of the two.

    Attributes:
        comparison_id: The comparison that was named.
        target: Its server.
        group: The runs that its own may be pooled with.
        pooled: Whether all of them are taken, and not only its own.
        values: Figures of the runs that are taken, by mode.
    """

    comparison_id: str
    target: Target
    group: Group
    pooled: bool
    values: Values

    def of(self, mode: Mode, name: str) -> list[float]:
        """Return the values of one figure in one mode."""
        return self.values.get(mode, {}).get(name, [])


class Tested(msgspec.Struct, frozen=True, kw_only=True):
    """What was found of one figure in one mode; ``a`` is the first of the two, ``b`` the second."""

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
    if same or (options.pooled and first.group == second.group):
        raise UsageError("Both ids name the same: give the ids of two that differ.")
    compared = compare(first, second, desk.conventions.thresholds)
    if planning.output_format(options.format, options.output, COMPARE_FORMATS) == "json":
        text = msgspec.json.encode(compared).decode() + "\n"
        there = results.deliver_text(text, options.output, "json")
    else:
        there = results.deliver_table(_report(compared), options.output)
    return 0 if there else 1


def compare(first: Side, second: Side, thresholds: Thresholds) -> Compared:
    """Test what both have values of."""
    tested: list[Tested] = []
    for mode, name in TESTED:
        a, b = first.of(mode, name), second.of(mode, name)
        known = any(each.mode == mode and each.finding.name in RATES for each in tested)
        if (a and b) and not (name in RATES and known):
            margin = thresholds.wait_margin if name == "ttfv_s" else thresholds.margin
            finding = judge_samples(name, a, b, margin)
            tested.append(Tested(mode=mode, finding=finding))
    return Compared(first=first, second=second, tested=tested, cautions=_cautions(first, second))


def _side(desk: Desk, named: str) -> Side:
    row, comparison = desk.comparison(named)
    names = {name for _, name in TESTED} | {LENGTH}
    pooled = desk.options.pooled
    values = _pooled(desk, row, names) if pooled else pooled_values(comparison, names)
    return Side(
        comparison_id=row.comparison_id,
        target=row.target,
        group=row.group,
        pooled=pooled,
        values=values,
    )


def _pooled(desk: Desk, row: ComparisonRow, names: set[str]) -> Values:
    found = desk.history.values(row.group, sorted(names))
    return {mode: each.values for mode, each in found.items()}


def _cautions(first: Side, second: Side) -> list[str]:
    """Say what else differs."""
    said = []
    if differs := _differences(first.group, second.group):
        said.append(f"They differ in {', '.join(differs)}.")
    lengths = [
        sorted({value for mode in ("stream", "blocking") for value in side.of(mode, LENGTH)})
        for side in (first, second)
    ]
    if all(lengths) and lengths[0] != lengths[1]:
        said.append(
            "The answers differ in length, so totals are of different work; rates are comparable."
        )
    said.append(
        "The two were not measured by turns: what changed on machine or server in between "
        "counts, too."
    )
    return said


def _differences(a: Group, b: Group) -> list[str]:
    names = {
        "target": "server or model",
        "prompt": "prompt",
        "params": "parameters",
        "layout": "layout",
        "regime": "regime",
    }
    return [words for name, words in names.items() if getattr(a, name) != getattr(b, name)]


def _report(compared: Compared) -> RenderableType:
    sides = (compared.first, compared.second)
    lines: list[RenderableType] = [
        Text(_about(number, side), no_wrap=True, overflow="ellipsis")
        for number, side in enumerate(sides, 1)
    ]
    if not compared.tested:
        return Lines(*lines, Text(), Text("Can't tell: they have no figure in common."))
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for heading in ("", "1", "2", "1 vs 2", "p"):
        table.add_column(heading)
    for each in compared.tested:
        name, finding = each.finding.name, each.finding
        cells = [_cell(side.of(each.mode, name), name) for side in sides]
        p = NONE if finding.p is None else f"{finding.p:.4f}" if finding.p >= 0.0001 else "<0.0001"
        label = Text(f"{each.mode} {BY_NAME[name].short}")
        table.add_row(label, *cells, Text(finding_mark(finding)), Text(p))
    lines += [Text(), table, Text()]
    lines += [
        Text(
            f"· {'streaming' if each.mode == 'stream' else 'blocking'}: "
            f"{finding_words(each.finding)}"
        )
        for each in compared.tested
    ]
    lines += [Text(f"· {words}") for words in compared.cautions]
    lines.append(Text(_legend(compared.tested), "dim"))
    return Lines(*lines)


def _about(number: int, side: Side) -> str:
    n = max((len(values) for mode in side.values.values() for values in mode.values()), default=0)
    words = [side.target.model or side.target.url, side.group.engine]
    words.append(shortened(plain(side.group.prompt), ABOUT))
    said = " · ".join(plain(each) for each in words if each)
    pooled = ", pooled" if side.pooled else ""
    return f"{number}  {side.comparison_id[:SHORT]} (n={n}{pooled})  {said}"


def _cell(values: Sequence[float], name: str) -> Text:
    return Text(figure_words(BY_NAME[name], median(values)))


def _legend(tested: Sequence[Tested]) -> str:
    return f"Medians. p: Mann-Whitney test, two-sided, of each of {len(tested)} figures by itself."
