"""What can be done with the highlighted line of the history."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec
from textual import work

from streamscope.history import Group, HistoryError
from streamscope.tui import exporting
from streamscope.tui.saved import saved_words
from streamscope.tui.screens.ask import Ask
from streamscope.tui.screens.history.about import runs_words
from streamscope.tui.screens.history.chosen import Replay, Rerun, UsePrompt
from streamscope.tui.screens.history.frame import Listing, Row

if TYPE_CHECKING:
    from streamscope.trace import ChannelName, Run

T = TypeVar("T")

TAG_HINT: Final = "Words, with spaces between them; the search finds each as #word."

NOTE_HINT: Final = "What you will want to know later; the search finds its words."


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """What commands act upon.

    Attributes:
        name: What it is called in a sentence.
        runs: Ids of the runs to delete, if it is runs.
        comparison: Id of the comparison, if it is one.
        group: The group, if it is one.
        described: What note and tags belong to; ``None`` if it can't have any.
        note: Its note.
        tags: Its tags.
    """

    name: str
    runs: tuple[str, ...] = ()
    comparison: str | None = None
    group: Group | None = None
    described: Group | str | None = None
    note: str = ""
    tags: tuple[str, ...] = ()


class Deeds(Listing[Row]):
    """A list whose lines can be described, replayed, measured again, exported and deleted."""

    @abstractmethod
    def subject(self, row: Row) -> Subject:
        """Return what commands act upon."""

    @abstractmethod
    def read_pair(self, row: Row) -> Mapping[ChannelName, Run]:
        """Read the pair to be replayed, in a thread; nothing if there is none."""

    @abstractmethod
    def read_again(self, row: Row) -> Rerun:
        """Read what is needed to measure the same again, in a thread."""

    @property
    def _subject(self) -> Subject | None:
        row = self.listed.row
        return None if row is None else self.subject(row)

    async def _change(self, future: Future[T]) -> T | None:
        """Wait until a change is written, and show it; say why if it can't be."""
        self.changed = True
        try:
            written = await asyncio.wrap_future(future)
        except HistoryError as error:
            self.say(str(error))
            return None
        if self.is_open:
            self.reload()
        return written

    # ------------------------------------------------------------------------- notes and tags

    @work(group="deed", exclusive=True)
    async def action_write_note_command(self) -> None:
        """Ask for a note, and keep it."""
        subject = self._subject
        if subject is None or subject.described is None:
            return
        note = await self.app.push_screen_wait(
            Ask(f"note: {subject.name}", value=subject.note, hint=NOTE_HINT)
        )
        if note is not None:
            await self._change(self._history.annotate(subject.described, note=note))

    @work(group="deed", exclusive=True)
    async def action_write_tags_command(self) -> None:
        """Ask for tags, and keep them."""
        subject = self._subject
        if subject is None or subject.described is None:
            return
        text = await self.app.push_screen_wait(
            Ask(f"tags: {subject.name}", value=" ".join(subject.tags), hint=TAG_HINT)
        )
        if text is not None:
            tags = text.replace(",", " ").split()
            await self._change(self._history.annotate(subject.described, tags=tags))

    # ------------------------------------------------------------------------ deleting and back

    @work(group="deed", exclusive=True)
    async def action_delete_chosen_command(self) -> None:
        """Delete, and say how it comes back."""
        subject = self._subject
        if subject is None:
            return
        deletion = await self._change(
            self._history.delete(
                runs=subject.runs,
                comparisons=() if subject.comparison is None else (subject.comparison,),
                groups=() if subject.group is None else (subject.group,),
            )
        )
        if deletion is not None:
            self.notify(
                f"Deleted: {subject.name}, {runs_words(deletion.runs)}. ctrl+z brings it back.",
                markup=False,
            )

    @work(group="deed", exclusive=True)
    async def action_undo_delete_command(self) -> None:
        """Bring back what was deleted last."""
        back = await self._change(self._history.undo())
        if back is not None:
            said = f"Back again: {runs_words(back)}." if back else "There is no deletion to undo."
            self.notify(said, markup=False)

    # --------------------------------------------------------------------- for the main screen

    @work(group="deed", exclusive=True)
    async def action_replay_chosen_command(self) -> None:
        """Leave, and play the pair again."""
        row = self.listed.row
        if row is None:
            return
        try:
            pair = await self.in_thread(self.read_pair, row)
        except HistoryError as error:
            self.say(str(error))
            return
        if pair:
            self.leave(Replay(pair=pair))
        else:
            self.notify("There is no whole pair to replay.", markup=False)

    @work(group="deed", exclusive=True)
    async def action_run_again_command(self) -> None:
        """Leave, and measure the same again."""
        row = self.listed.row
        if row is None:
            return
        try:
            again = await self.in_thread(self.read_again, row)
        except HistoryError as error:
            self.say(str(error))
            return
        self.leave(again)

    def action_take_prompt_command(self) -> None:
        """Leave, and put the prompt into the editor."""
        row = self.listed.row
        if row is not None:
            self.leave(UsePrompt(text=self.prompt_of(row)))

    @property
    def exported(self) -> str | None:
        """The id of the comparison that is exported whatever is highlighted, if there is one."""
        return None

    @abstractmethod
    def prompt_of(self, row: Row) -> str:
        """Return the prompt of a row."""

    # --------------------------------------------------------------------------------- exporting

    @work(group="deed", exclusive=True)
    async def action_export_runs_command(self) -> None:
        """Ask for a file, and write it."""
        subject = self._subject
        row = self.listed.row
        if subject is None or row is None:
            return
        asked: set[Path] = set()

        def objection(text: str) -> str:
            """Say why a file can't be written; one that is there, only the first time."""
            problem = exporting.problem(text)
            if problem:
                return problem
            path = exporting.path_of(text)
            if path.exists() and path not in asked:
                asked.add(path)
                return f"{path.name} is there already: enter replaces it."
            return ""

        name = f"streamscope-{exporting.slug(self.prompt_of(row))}.md"
        text = await self.app.push_screen_wait(
            Ask(f"export: {subject.name}", value=name, hint=exporting.HINT, objection=objection)
        )
        if text is None:
            return
        path = exporting.path_of(text)
        try:
            written = await asyncio.to_thread(
                exporting.export,
                self._history,
                path,
                group=subject.group,
                comparison=self.exported or subject.comparison,
                conventions=self._conventions,
            )
        except (exporting.ExportError, HistoryError) as error:
            self.say(str(error))
        else:
            said = saved_words(f"{runs_words(written)} written to", path, self.app.size.width)
            self.notify(said, markup=False)
