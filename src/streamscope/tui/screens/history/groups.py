"""The history: everything that was ever measured, by what was asked of whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import TYPE_CHECKING, Final

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.content import Content
from textual.widgets import Input

from streamscope.history import GroupRow, HistoryError
from streamscope.tui.faces import plain
from streamscope.tui.screens.history import about, compared, lines, reads
from streamscope.tui.screens.history.chosen import Chosen, Rerun
from streamscope.tui.screens.history.deeds import Deeds, Subject
from streamscope.tui.screens.history.frame import Told
from streamscope.tui.widgets.field import Field
from streamscope.tui.widgets.sanitize import one_line

if TYPE_CHECKING:
    from textual.timer import Timer

    from streamscope.trace import ChannelName, Run
    from streamscope.tui.widgets.rows import Cell, Column

TYPING_S: Final = 0.15
"""How long nothing must have been typed before the history is searched."""

EMPTY: Final = (
    "Nothing has been measured yet. Whatever you measure is kept here: esc goes back, and enter"
    " runs the prompt."
)

NOT_FOUND: Final = "No prompt, model, server, note or tag has all of these words."


class HistoryScreen(Deeds[GroupRow]):
    """Search, look, compare, and go into what was measured; dismissed with what to do next."""

    HELP = """
    ## The history

    A line is a **group**: runs that asked the same of the same server under the same conditions.
    Only those are pooled. Type to search: every word must occur in the prompt, the model, the
    server, a note or a tag; `#word` is a whole tag. `↑` and `↓` move while you type, `enter` goes
    into the comparisons of a group, and from there into the runs of one. `ctrl+↑` and `ctrl+↓`
    scroll what is told of a line.

    *first* is the first text of streamed runs, *streamed* and *blocking* are the totals of both, to
    the last text. *pairs* are those of a streamed and a blocking run; what was only compared with
    another model or server has none of its own.
    Below the list stand the verdict over the newest pairs of a stream and a whole answer, and the
    **medians** of each mode: each with the interval that order statistics give it and the coverage
    that this interval truly has; fewer than five values have none. **Over time**, each bar is the
    median of one comparison. What was not tested stands in brackets beside what was.

    `f4` marks a line with ◆; on another line it compares both, as samples that are not paired:
    totals up to the end mark, where both modes have done the same work.
    """

    BINDINGS = [
        Binding("down", "move('cursor_down')", show=False),
        Binding("up", "move('cursor_up')", show=False),
        Binding("pagedown", "move('page_down')", show=False),
        Binding("pageup", "move('page_up')", show=False),
    ]
    AUTO_FOCUS = "#search"
    ORDINARY = "enter opens · f1 help"
    page = reads.PAGE

    _marked: GroupRow | None = None
    _typing: Timer | None = None
    _searched = ""
    _places: Mapping[str, Set[str]] = {}
    _opens = False

    # --------------------------------------------------------------------------------- the list

    def columns(self) -> Sequence[Column]:
        """Return the columns of groups."""
        return lines.GROUP_COLUMNS

    def cells(self, row: GroupRow) -> Mapping[str, Cell]:
        """Return the cells of a group."""
        marked = self._marked is not None and row.group == self._marked.group
        place = lines.place_words(row)
        several = len(self._places.get(_model(row), ())) > 1
        return lines.group_cells(row, self._now, marked=marked, place=place if several else "")

    def read_rows(self, after: Sequence[GroupRow], limit: int) -> list[GroupRow]:
        """Read groups that match what was typed, the newest first."""
        rows = self._history.groups(
            limit, contains=self._searched, names=reads.LISTED, offset=len(after)
        )
        places: dict[str, set[str]] = {}
        for row in (*after, *rows):
            places.setdefault(_model(row), set()).add(lines.place_words(row))
        self._places = places
        return rows

    def read_told(self, row: GroupRow) -> Told:
        """Read what is told of a group."""
        found = reads.about_group(self._history, row.group, self._conventions.thresholds)
        now = self._now
        return Told(
            write=lambda width: about.group_page(row, found, now, width),
            series=about.series_of(found),
            span=about.span_of(found, now),
        )

    def nothing(self) -> str:
        """Say why there are no groups."""
        return NOT_FOUND if self._searched.strip() else EMPTY

    def heading(self) -> Content:
        """Return the title."""
        name = Content.styled("history", "bold $accent")
        if self._marked is None:
            return name
        return Content.assemble(
            name,
            "  ",
            plain(f"{lines.MARK} {one_line(self._marked.group.prompt, 40)}", "$verdict"),
            " f4 on another line compares",
        )

    def compose_above(self) -> ComposeResult:
        """Lay out the search."""
        yield Field(placeholder="search: words, #tag", id="search")

    # ---------------------------------------------------------------------------------- search

    @on(Input.Changed, "#search")
    def _typed(self) -> None:
        """Search when typing pauses: a key press never waits for the database."""
        if self._typing is not None:
            self._typing.stop()
        self._typing = self.set_timer(TYPING_S, self._search)

    def _search(self) -> None:
        if not self.is_open:
            return
        self._searched = self.query_one("#search", Input).value
        self.load()

    @on(Input.Submitted, "#search")
    def _entered(self, event: Input.Submitted) -> None:
        """Go into the highlighted group; if the list still lags behind what was typed, wait."""
        if event.value != self._searched or self._reading:
            self._opens = True
            self._typed()
        elif self.listed.row is not None:
            self.open(self.listed.row)

    def loaded(self) -> None:
        """Go into the first group, if enter was pressed before it was found."""
        if self._opens:
            self._opens = False
            if self.listed.row is not None:
                self.open(self.listed.row)

    def open(self, row: GroupRow) -> None:
        """Go in."""
        self._go_into(row)

    @work(group="open", exclusive=True)
    async def _go_into(self, row: GroupRow) -> None:
        """Go into the comparisons of a group."""
        from streamscope.tui.screens.history.drill import ComparisonsScreen

        screen = ComparisonsScreen(self._history, self._conventions, row)
        chosen: Chosen | None = await self.app.push_screen_wait(screen)
        if chosen is not None:
            self.leave(chosen)
        elif screen.changed:
            self.reload()

    # ------------------------------------------------------------------------------------ deeds

    def subject(self, row: GroupRow) -> Subject:
        """Return what commands act upon."""
        return Subject(
            name=f"“{one_line(row.group.prompt, 40)}”",
            group=row.group,
            described=row.group,
            note=row.note,
            tags=row.tags,
        )

    def read_pair(self, row: GroupRow) -> Mapping[ChannelName, Run]:
        """Read the newest whole pair of a group."""
        return reads.newest_pair(self._history, row.group)

    def read_again(self, row: GroupRow) -> Rerun:
        """Read how a group was measured last, and with what it was compared."""
        return compared.newest_again(self._history, row)

    def prompt_of(self, row: GroupRow) -> str:
        """Return the prompt of a group."""
        return row.group.prompt

    def action_compare_groups_command(self) -> None:
        """Mark the group; with another one marked, compare both."""
        row, marked = self.listed.row, self._marked
        if row is None:
            return
        if marked is None or marked.group == row.group:
            self._mark(row if marked is None else None)
        else:
            self._compare(marked, row)

    def _mark(self, row: GroupRow | None) -> None:
        self._marked = row
        self.listed.redraw()
        self._draw_title()

    @work(group="deed", exclusive=True)
    async def _compare(self, one: GroupRow, other: GroupRow) -> None:
        from streamscope.tui.screens.history.versus import VersusDialog, versus_page

        try:
            found = await self.in_thread(
                reads.compare_groups, self._history, one, other, self._conventions.thresholds
            )
        except HistoryError as error:
            self.say(str(error))
            return
        self._mark(None)
        now = self._now
        self.app.push_screen(VersusDialog(lambda width: versus_page(one, other, found, now, width)))


def _model(row: GroupRow) -> str:
    return lines.model_words(row.target, row.group.engine)
