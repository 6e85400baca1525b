"""Into the history: the comparisons of a group, and the runs of a comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from textual import work
from textual.content import Content

from streamscope.history import ComparisonRow, GroupRow, History, HistoryError
from streamscope.measure.figures import Figures
from streamscope.trace import SUMMARY_FLAG, Run
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
        """Return the run, and its partner of the same attempt if there is one."""
        return with_partner(row.run, [each.run for each in self.listed.rows])

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


def with_partner(chosen: Run, runs: Sequence[Run]) -> dict[ChannelName, Run]:
    """Return a run and its partner, by channel; the run alone if it has none.

    The partner is the nearest run of the same attempt at the pair: one that was stopped is made
    anew under the same number.

    Args:
        chosen: The run.
        runs: All runs of its comparison, in the order in which they were made.
    """
    attempt = _attempt(chosen, runs)
    place = attempt.index(chosen)
    others = [at for at, run in enumerate(attempt) if run.channel != chosen.channel]
    nearest = sorted(others, key=lambda at: abs(at - place))[:1]
    return {attempt[at].channel: attempt[at] for at in sorted([place, *nearest])}


def _attempt(chosen: Run, runs: Sequence[Run]) -> list[Run]:
    """Return the runs of the attempt at a pair, or at warming up, that a run belongs to."""
    if SUMMARY_FLAG in chosen.trace.flags:  # they stand in the order of their file
        return [run for run in runs if _of_one_pair(run, chosen)]
    attempts: list[list[Run]] = []
    for run in runs:
        if not attempts or _begins_anew(run, attempts[-1]):
            attempts.append([])
        attempts[-1].append(run)
    return next(attempt for attempt in attempts if chosen in attempt)


def _begins_anew(run: Run, attempt: Sequence[Run]) -> bool:
    """Tell whether a run begins another attempt than the one before it."""
    before = attempt[-1]
    if not _of_one_pair(run, before):
        return True
    if run.layout == "race" and not run.warmup:  # both go at once, and again at once
        return any(run.channel == each.channel for each in attempt)
    return run.position < before.position or before.trace.ended == "cancelled"


def _of_one_pair(one: Run, other: Run) -> bool:
    return (one.pair, one.warmup) == (other.pair, other.warmup)
