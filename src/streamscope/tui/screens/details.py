"""The details of the last pair: the evidence for everything that the main screen says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar, Final

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import ContentSwitcher, DataTable, Footer, Static, Tab, Tabs

from streamscope.tui import commands, evidence, judged, naming
from streamscope.tui.blocking_costs import costs_page
from streamscope.tui.faces import muted, plain
from streamscope.tui.instrument_page import instrument_page
from streamscope.tui.phases_page import phases_page
from streamscope.tui.remarks_page import remarks_page
from streamscope.tui.widgets.ends import Ends
from streamscope.tui.widgets.plot import ReadablePlot

if TYPE_CHECKING:
    from streamscope.calibration import Calibration
    from streamscope.measure.conventions import Conventions
    from streamscope.measure.verdict import Judgement
    from streamscope.tui.evidence import FigureRow, Pair

SECTIONS: Final = ("verdict", "read", "figures", "costs", "remarks", "phases", "instrument")
"""The sections, in the order of their keys."""

NOTHING_TO_READ: Final = "Neither run brought anything to read."


class Page(VerticalScroll):
    """A section that is text: it scrolls, and is written anew for another width."""

    def __init__(self, write: Callable[[int], Content], *, id: str) -> None:  # noqa: A002 (Textual's name)
        """Take who writes the text, for a number of cells."""
        super().__init__(id=id)
        self._write = write
        self._width = 0

    def compose(self) -> ComposeResult:
        """Lay out the text."""
        yield Static()

    def on_resize(self) -> None:
        """Write for the new width."""
        self.fit()

    def fit(self) -> None:
        """Write for the present width, if that has not been done."""
        width = self.scrollable_content_region.width
        if width > 0 and width != self._width:
            self._width = width
            self.query_one(Static).update(self._write(width))


class FigureList(DataTable[Text]):
    """A list in which all keys go by lines: its cells are nothing to go to."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "cursor_up", "formula", key_display="↑↓", tooltip="Choose the formula"),
        Binding("down", "cursor_down", show=False),
        Binding("home", "scroll_top", show=False),
        Binding("end", "scroll_bottom", show=False),
    ]


class FigurePage(Vertical):
    """Every figure of both sides; below the list, the formula of the one that is highlighted."""

    HELP = """
    ## The figures

    Every figure of both runs with its unit. `~` marks an estimate, `–` what does not exist. Move
    with the arrow keys: below the list stands how the figure is computed and what it means.

    They are of one pair. *A vs B* compares its waits only, and of those what differs by 50 ms or
    more. It was not tested, and so it stands in brackets where the verdict tests anything.
    """

    def __init__(self, rows: list[FigureRow], pair: Pair, *, id: str) -> None:  # noqa: A002 (Textual's name)
        """Take what is listed."""
        super().__init__(id=id)
        self._rows = rows
        self._pair = pair

    def compose(self) -> ComposeResult:
        """Lay out the list and what is said of one of its lines."""
        yield FigureList(cursor_type="row", zebra_stripes=True, show_row_labels=False)
        yield VerticalScroll(Static(), id="about", can_focus=False)

    def on_mount(self) -> None:
        """Fill the list."""
        names = evidence.headings(self._pair)
        colours = self.app.get_css_variables()
        a, b = colours["channel-a"], colours["channel-b"]
        listed = self.query_one(FigureList)
        listed.add_column(Text("figure", style="bold"))
        for name, style in ((names["A"], a), (names["B"], b)):
            listed.add_column(Text(name, style=f"bold {style}", justify="right"))
        listed.add_column(Text("A vs B", style="bold"))
        for row in self._rows:
            listed.add_row(
                Text(row.figure.label),
                Text(row.a, style=a, justify="right"),
                Text(row.b, style=b, justify="right"),
                Text(row.versus),
            )

    @on(DataTable.RowHighlighted)
    def _say(self, event: DataTable.RowHighlighted) -> None:
        figure = self._rows[event.cursor_row].figure
        self.query_one("#about > Static", Static).update(evidence.about(figure))


class DetailsScreen(Screen[None]):
    """The evidence: verdict, reading, figures, costs, remarks, phases, and what times are worth."""

    HELP = """
    Everything that the verdict rests on, in seven sections: `1` to `7` open one, `←` and `→` turn
    to the next. What does not fit scrolls with the arrow keys. `esc` goes back.

    - **verdict**: what all pairs support that the history has of this request, older ones too; of
      a pair that was chosen to be played again, what it shows alone. Each finding has the ratio of
      A to B, its interval with the coverage that it truly has, the exact p, and the margin within
      which a difference does not count.
    - **read**: what could be read when, and how far a reader at your speed was; `z` draws it until
      all is read.
    - **figures**: all of them, each with its formula: `↑` and `↓` choose which. Of one pair only
      waits are compared, in brackets where the verdict tests anything.
    - **costs**: what a time-out would have cut, and what stopping early would have saved.
    - **remarks**: what must be known before the figures are believed; of a comparison, how its
      own pairs were made.
    - **phases**: where the time went, both runs on one axis. The server's own account stands below
      the wait that it belongs to; a server tells how long, never when, so its place is inferred.
    - **instrument**: how far the times can be trusted: which clock, its error, what stood in the
      way of measuring, what put pieces together on the way, and how long text took to the screen.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "back", tooltip="Go back to the instrument"),
        *(
            Binding(
                str(number),
                f"open('{section}')",
                "section",
                show=number == 1,
                key_display=f"1-{len(SECTIONS)}",
                tooltip=f"Open the section {section!r}",
            )
            for number, section in enumerate(SECTIONS, start=1)
        ),
        Binding("right", "turn(1)", "next", key_display="←→", priority=True),
        Binding("left", "turn(-1)", "previous", show=False, priority=True),
        Binding("z", "zoom", "zoom", tooltip="Draw until all is there, or until all is read"),
        *commands.Help.bindings(commands.Help),
    ]

    CSS = """
    DetailsScreen { background: $background; }
    DetailsScreen > #title { background: $panel; padding: 0 1; }
    DetailsScreen > Tabs { height: 2; }
    DetailsScreen > ContentSwitcher { height: 1fr; }
    DetailsScreen > ContentSwitcher > * { height: 100%; padding: 0 1; }
    DetailsScreen > #footer { height: 1; background: $footer-background; }

    DetailsScreen Page {
        scrollbar-size-vertical: 1;
        scrollbar-gutter: stable;
        padding: 1 1 0 1;
    }
    DetailsScreen Page > Static, DetailsScreen #section-read > Static { max-width: 120; }
    DetailsScreen #section-phases > Static { max-width: 160; }
    DetailsScreen #section-read > ReadablePlot { height: 1fr; min-height: 8; }
    DetailsScreen #section-read > Static { padding: 1 0 0 0; height: auto; }
    DetailsScreen FigureList {
        height: 1fr;
        background: $background;
        scrollbar-size-vertical: 1;
        & > .datatable--header { background: $panel; color: $text-muted; }
        & > .datatable--odd-row { background: $background; }
        & > .datatable--even-row { background: $surface 60%; }
        & > .datatable--cursor { background: $panel; color: $foreground; text-style: reverse; }
    }
    DetailsScreen #about {
        height: 6;
        border-top: solid $border-blurred;
        padding: 0 1;
        scrollbar-size-vertical: 1;
    }
    """

    def __init__(
        self,
        pair: Pair,
        judgement: Judgement | None,
        conventions: Conventions,
        validity: Sequence[str] = (),
        calibration: Calibration | None = None,
    ) -> None:
        """Take what is shown.

        Args:
            pair: The ended runs, by side; at least one.
            judgement: What several pairs support, if there are several.
            conventions: Whose reading speed, margins and limits count.
            validity: What speaks for and against the comparison that the pair comes from.
            calibration: What the times of this machine are good for, where known.
        """
        super().__init__()
        self._pair = pair
        self._calibration = calibration
        self._judgement = judgement
        self._conventions = conventions
        self._validity = validity
        self._whole = False

    def compose(self) -> ComposeResult:
        """Lay out the sections, one of which is seen."""
        yield Ends(id="title")
        yield Tabs(
            *(
                Tab(Content(f"{number} {section}"), id=f"tab-{section}")
                for number, section in enumerate(SECTIONS, start=1)
            )
        )
        pair, conventions = self._pair, self._conventions
        with ContentSwitcher(initial=f"section-{SECTIONS[0]}"):
            yield Page(
                lambda width: judged.verdict_page(self._judgement, width), id="section-verdict"
            )
            with VerticalScroll(id="section-read"):
                yield ReadablePlot()
                yield Static(evidence.reading_page(pair, conventions.reader))
            yield FigurePage(
                evidence.figure_rows(pair, conventions, self._judgement), pair, id="section-figures"
            )
            yield Page(lambda _: costs_page(pair, conventions), id="section-costs")
            yield Page(
                lambda _: remarks_page(pair, conventions.bands, self._validity),
                id="section-remarks",
            )
            yield Page(lambda width: phases_page(pair, width), id="section-phases")
            yield Page(lambda _: instrument_page(pair, self._calibration), id="section-instrument")
        with Container(id="footer"):
            yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        """Name the pair, draw the plot, and open the first section."""
        run = next(iter(self._pair.values())).run
        named = naming.between(evidence.sides_of(self._pair)) or run.target.model
        self.query_one("#title", Ends).show(
            Content.assemble(
                ("details", "bold $accent"),
                "  ",
                plain(" · ".join(part for part in (named, run.request.prompt) if part)),
            ),
            muted(f"1: {judged.pairs_words(self._judgement)} · 2–7: the pair in the panes"),
        )
        self.query_one(Tabs).can_focus = False
        self._draw()

    def _draw(self) -> None:
        curves = evidence.readable(self._pair, self._conventions.reader, whole=self._whole)
        self.query_one(ReadablePlot).show(curves, NOTHING_TO_READ)

    @on(Tabs.TabActivated)
    def _turn_to(self, event: Tabs.TabActivated) -> None:
        """Show the section of a tab, and let the arrow keys move in it."""
        section = (event.tab.id or "").removeprefix("tab-")
        self.query_one(ContentSwitcher).current = f"section-{section}"
        mover = self._mover(section)
        mover.focus()
        if isinstance(mover, Page):
            # Shown after another one was scrolled, a page is not always told its size.
            self.call_after_refresh(mover.fit)
        self.refresh_bindings()

    def _mover(self, section: str) -> Widget:
        """Return what the arrow keys move in a section."""
        return self.query_one(FigureList if section == "figures" else f"#section-{section}")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keep commands of the main screen, which mean nothing here, out of the palette."""
        if action.endswith("_command"):
            return hasattr(self, f"action_{action}")
        if action == "zoom":
            return self.query_one(ContentSwitcher).current == "section-read"
        return super().check_action(action, parameters)

    def action_open(self, section: str) -> None:
        """Open a section by its name."""
        self.query_one(Tabs).active = f"tab-{section}"

    def action_turn(self, step: int) -> None:
        """Turn to the next section, or the one before; after the last comes the first."""
        tabs = self.query_one(Tabs)
        if step > 0:
            tabs.action_next_tab()
        else:
            tabs.action_previous_tab()

    def action_zoom(self) -> None:
        """Draw the plot until all text is there, or until the reader is through."""
        self._whole = not self._whole
        self._draw()

    def action_help_command(self) -> None:
        """Show what the keys do and what the sections say."""
        from textual_enhanced.dialogs import HelpScreen  # Markdown is not needed before

        self.app.push_screen(HelpScreen(self))
