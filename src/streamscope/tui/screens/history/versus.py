"""Two groups of the history side by side."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from streamscope.history import GroupRow
from streamscope.measure.figures import BY_NAME
from streamscope.measure.verdict import Finding
from streamscope.report import words
from streamscope.report.verdict_words import finding_words
from streamscope.tui import when
from streamscope.tui.faces import muted, plain
from streamscope.tui.screens.history import reads
from streamscope.tui.screens.history.about import HEADS, runs_words, short_name
from streamscope.tui.screens.history.lines import SIDE_STYLES, conditions, model_words
from streamscope.tui.screens.history.reads import Versus
from streamscope.tui.widgets.sanitize import one_line

_LABEL: Final = 18


class VersusDialog(ModalScreen[None]):
    """Shows what two groups have to say about each other; esc closes."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,enter,f4", "dismiss", "Close")]

    CSS = """
    VersusDialog > .dialog { height: auto; max-height: 90%; padding: 1 2; }
    VersusDialog Static { height: auto; }
    """

    def __init__(self, write: Callable[[int], Content]) -> None:
        """Take who writes it, for a number of cells."""
        super().__init__()
        self._write = write

    def compose(self) -> ComposeResult:
        """Lay out the dialog."""
        with VerticalScroll(classes="dialog") as dialog:
            dialog.border_title = "two groups, first over second"
            dialog.border_subtitle = "esc closes"
            yield Static()

    def on_resize(self) -> None:
        """Write for the new width."""
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        if not self.app.is_running:
            return
        width = self.query_one(VerticalScroll).scrollable_content_region.width
        self.query_one(Static).update(self._write(width))


def versus_page(
    one: GroupRow, other: GroupRow, found: Sequence[Versus], now: datetime, width: int
) -> Content:
    """Compare two groups: medians, ratio with its interval, p, and what may be said of it."""
    blocks = [Content("\n").join(_named(row, now, width) for row in (one, other))]
    for each in found:
        lines = [
            Content.assemble(
                (f"{HEADS[each.mode]:<{_LABEL}}", f"bold {SIDE_STYLES[each.mode]}"),
                ("1st         2nd         1st over 2nd", "$text-muted"),
            )
        ]
        # What comes whole is first seen when it is all there.
        first = [each.first] if each.mode == "stream" else []
        for finding in (*first, each.total, each.rate):
            lines += _found(finding)
        blocks.append(Content("\n").join(lines))
    if not found:
        blocks.append(muted("No mode has runs that ended well in both."))
    blocks.append(muted(_caution(one, other)))
    return Content("\n\n").join(blocks)


def _named(row: GroupRow, now: datetime, width: int) -> Content:
    about = f"{conditions(row)}{model_words(row.target, row.group.engine)}"
    # Runs that were only compared with those of others make no pairs among themselves.
    many = f"{words.count(row.pairs)} {_pairs(row.pairs)}" if row.pairs else runs_words(row.runs)
    about += f" · {many} · {when.ago(row.started_utc, now)}"
    room = max(10, width - len(about) - 3)
    return Content.assemble(
        (f"{one_line(row.group.prompt, room)}  ", "bold"), plain(about, "$text-muted")
    )


def _pairs(count: int) -> str:
    return "pair" if count == 1 else "pairs"


def _found(finding: Finding) -> list[Content]:
    if finding.a is None or finding.b is None:
        return []
    figure = BY_NAME[finding.name]
    a, b = (words.figure_words(figure, value) for value in (finding.a, finding.b))
    ratio = words.NONE if finding.ratio is None else f"{finding.ratio.estimate:.3g}"
    p = "" if finding.p is None or finding.kind == "unknown" else f"p {_p(finding.p)}"
    numbers = " · ".join(part for part in (ratio, p) if part)
    return [
        Content.assemble(
            (f"{short_name(finding.name):<{_LABEL}}", "$text-muted"),
            f"{a:<12}{b:<12}{numbers}",
        ),
        Content.assemble(" " * _LABEL, (f"→ {finding_words(finding)}", "$verdict")),
    ]


def _p(p: float) -> str:
    return f"= {p:.3f}" if p >= 0.001 else "< 0.001"


def _caution(one: GroupRow, other: GroupRow) -> str:
    said = (
        f"Two samples that are not paired (Mann-Whitney, the newest {reads.MOST_VALUES} of a mode):"
        " whatever else changed between them, such as load or a version, is in the difference too."
    )
    if one.group.prompt != other.group.prompt:
        said += " The prompts differ: rates can be compared, totals hardly."
    return said
