"""Into the history: the comparisons of a group, and the runs of a comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from textual import work
from textual.content import Content

from streamscope.history import ComparisonRow, GroupRow, History, HistoryError
from streamscope.measure.figures import Figures
from streamscope.trace import Run
from streamscope.tui import naming, when
from streamscope.tui.faces import plain
from streamscope.tui.screens.history import about, compared, lines, reads
from streamscope.tui.screens.history.chosen import Chosen, Rerun
from streamscope.tui.screens.history.deeds import Deeds, Subject
from streamscope.tui.screens.history.frame import Told
from streamscope.tui.screens.history.reads import Medians

if TYPE_CHECKING:
    from streamscope.measure.conventions import Conventions
    from streamscope.trace import ChannelName
    from streamscope.tui.widgets.rows import Cell, Column


class ComparisonsScreen(Deeds[ComparisonRow]):
    """The comparisons of a group, the newest first."""

    HELP = """
    ## Comparisons of a group

    Each line is one comparison, with its own medians; *failed* counts pairs of which a run failed,
    and no further try made up for it. Where A and B differ in more than the delivery, *channels*
    says what they were. `enter` opens its runs. Notes and tags given here belong to the comparison.
    """

    AUTO_FOCUS = "OptionList"
    ORDINARY = "enter opens its runs · f1 help"
    page = reads.PAGE

    def __init__(self, history: History, conventions: Conventions, group: GroupRow) -> None:
        """Take the group."""
        super().__init__(history, conventions)
        self._group = group
        self._medians: dict[str, Medians] = {}

    def columns(self) -> Sequence[Column]:
        """Return the columns of comparisons."""
        return lines.COMPARISON_COLUMNS

    def cells(self, row: ComparisonRow) -> Mapping[str, Cell]:
        """Return the cells of a comparison."""
        medians = self._medians.get(row.comparison_id, Medians())
        return lines.comparison_cells(row, medians, self._now)

    def read_rows(self, after: Sequence[ComparisonRow], limit: int) -> list[ComparisonRow]:
        """Read comparisons, the newest first, and the medians of each."""
        before = after[-1].comparison_id if after else None
        self._medians |= reads.trend_medians(self._history, self._group.group, len(after) + limit)
        rows = self._history.comparisons(limit, self._group.group, before=before)
        self._medians |= reads.contest_medians(self._history, rows)
        return rows

    def read_told(self, row: ComparisonRow) -> Told:
        """Read what is told of a comparison."""
        found = reads.about_comparison(self._history, row.comparison_id, self._conventions)
        return Told(write=lambda width: about.comparison_page(row, found, width))

    def nothing(self) -> str:
        """Say why there are no comparisons."""
        return "All runs of this group are deleted. ctrl+z brings back what was deleted last."

    def heading(self) -> Content:
        """Return the title."""
        return Content.assemble(
            ("history", "bold $accent"),
            "  ",
            plain(
                f"{lines.model_words(self._group.target, self._group.group.engine)} · "
                f"{self._group.group.prompt}"
            ),
        )

    def open(self, row: ComparisonRow) -> None:
        """Go in."""
        self._go_into(row)

    @work(group="open", exclusive=True)
    async def _go_into(self, row: ComparisonRow) -> None:
        """Go into the runs of a comparison."""
        screen = RunsScreen(self._history, self._conventions, self._group, row)
        chosen: Chosen | None = await self.app.push_screen_wait(screen)
        if chosen is not None:
            self.leave(chosen)
        elif screen.changed:
            self.changed = True
            self.reload()

    def subject(self, row: ComparisonRow) -> Subject:
        """Return what commands act upon."""
        return Subject(
            name=f"the comparison of {when.moment(row.started_utc, self._now)}",
            comparison=row.comparison_id,
            described=row.comparison_id,
            note=row.note,
            tags=row.tags,
        )

    def read_pair(self, row: ComparisonRow) -> Mapping[ChannelName, Run]:
        """Read the newest whole pair of a comparison."""
        found = reads.about_comparison(self._history, row.comparison_id, self._conventions)
        return reads.pair_of(found.comparison)

    def read_again(self, row: ComparisonRow) -> Rerun:
        """Read what measures it again, by its own plan."""
        return compared.again(self._history, row)

    def prompt_of(self, row: ComparisonRow) -> str:
        """Return the prompt of the group."""
        return row.group.prompt


class RunLine(NamedTuple):
    """A run with its figures."""

    run: Run
    figures: Figures


class RunsScreen(Deeds[RunLine]):
    """The runs of a comparison, in the order in which they were made."""

    HELP = """
    ## Runs of a comparison

    Every run in the order in which they were made, warm-ups and failures included. `enter` plays
    the pair of a run again. Below the list: what must be known of the run, and its answer.
    """

    AUTO_FOCUS = "OptionList"
    ORDINARY = "enter plays the pair · f1 help"

    def __init__(
        self, history: History, conventions: Conventions, group: GroupRow, row: ComparisonRow
    ) -> None:
        """Take the comparison."""
        super().__init__(history, conventions)
        self._group = group
        self._row = row

    def columns(self) -> Sequence[Column]:
        """Return the columns of runs."""
        return lines.RUN_COLUMNS

    def cells(self, row: RunLine) -> Mapping[str, Cell]:
        """Return the cells of a run."""
        return lines.run_cells(row.run, row.figures, compared.sides_of(self._row))

    def read_rows(self, after: Sequence[RunLine], limit: int) -> list[RunLine]:
        """Read all runs at once: they are not many."""
        del limit
        if after:
            return []
        try:
            found = reads.about_comparison(
                self._history, self._row.comparison_id, self._conventions
            )
        except HistoryError:
            if next(self._history.export(comparison_id=self._row.comparison_id), None) is None:
                return []  # all of them are deleted
            raise
        return [
            RunLine(run, figures)
            for run, figures in zip(found.comparison.runs, found.measured, strict=True)
        ]

    def read_told(self, row: RunLine) -> Told:
        """Return what is told of a run."""
        return Told(write=lambda _width: about.run_page(row.run, row.figures))

    def nothing(self) -> str:
        """Say why there are no runs."""
        return "All runs of this comparison are deleted. ctrl+z brings back what was deleted last."

    def heading(self) -> Content:
        """Return the title."""
        return Content.assemble(
            ("history", "bold $accent"),
            "  ",
            plain(
                f"{when.moment(self._row.started_utc, self._now)} · {self._named} · "
                f"{self._group.group.prompt}"
            ),
        )

    @property
    def _named(self) -> str:
        """What was compared: two channels, or one server."""
        return naming.versus(compared.sides_of(self._row)) or lines.model_words(
            self._group.target, self._group.group.engine
        )

    def open(self, row: RunLine) -> None:
        """Play the pair again."""
        del row
        self.action_replay_chosen_command()

    def subject(self, row: RunLine) -> Subject:
        """Return what commands act upon."""
        run = row.run
        which = "a warm-up" if run.warmup else f"pair {run.pair}"
        return Subject(
            name=f"{run.channel} {run.trace.mode} of {which}",
            runs=(run.run_id,),
        )

    @property
    def exported(self) -> str | None:
        """A run is exported with its comparison."""
        return self._row.comparison_id

    def read_pair(self, row: RunLine) -> Mapping[ChannelName, Run]:
        """Return the runs of the same pair."""
        return {
            each.run.channel: each.run
            for each in self.listed.rows
            if each.run.pair == row.run.pair and each.run.warmup == row.run.warmup
        }

    def read_again(self, row: RunLine) -> Rerun:
        """Read what measures the comparison again."""
        del row
        return compared.again(self._history, self._row)

    def prompt_of(self, row: RunLine) -> str:
        """Return the prompt of the run."""
        return row.run.request.prompt

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Runs have no notes of their own."""
        if action in ("write_note_command", "write_tags_command"):
            return False
        return super().check_action(action, parameters)
