"""What opens above the main screen: details, history, blind test, prompts, help, themes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING

from textual import on, work

from streamscope.plan import Plan
from streamscope.trace import ChannelName, Request, Run
from streamscope.tui import faces
from streamscope.tui.recall import Recall
from streamscope.tui.screens.servers import Servers
from streamscope.tui.widgets.prompt import PromptEditor

if TYPE_CHECKING:
    from streamscope.calibration import Calibration
    from streamscope.measure.verdict import Judgement
    from streamscope.sides import Sides
    from streamscope.tui.screens.history import Chosen


class Dialogs(Servers):
    """Opens other screens, and does what is chosen there."""

    _judgement: Judgement | None = None
    _validity: list[str]
    _recall: Recall

    @abstractmethod
    def _play(self, runs: Mapping[ChannelName, Run]) -> None:
        """Replay runs that were measured some other time."""

    # ---------------------------------------------------------------------------- looking closer

    def action_show_details_command(self) -> None:
        """Show the evidence: while pairs are measured, that of the last whole one."""
        pair = self._pair() if self._panes else {}
        if not pair:
            run = "the first one is under way" if self._busy else "run the prompt"
            self.notify(f"There is no whole pair to look at yet: {run}.", markup=False)
        else:
            from streamscope.tui.screens.details import DetailsScreen

            self.app.push_screen(
                DetailsScreen(
                    pair,
                    self._judgement,
                    self._config.conventions,
                    self._validity,
                    self._calibration(),
                )
            )

    def _calibration(self) -> Calibration | None:
        """Return what times are good for here: also in a replay, where there is no session."""
        if self._session is not None:
            return self._session.calibration
        from streamscope.history import calibrations

        return calibrations.read(self._streamscope.places.calibration_file)

    def action_blind_test_command(self) -> None:
        """Show the pair without saying which side is which."""
        if self._busy:
            self.notify(f"{faces.BUSY} Then a blind test can play the pair.", markup=False)
            return
        pair = self._pair() if self._panes else {}
        if not pair:
            self.notify("A blind test needs a whole pair: run the prompt first.", markup=False)
        else:
            from streamscope.tui.screens.blind import BlindScreen

            self._end_replay()
            history = None if self._session is None else self._session.history
            self.app.push_screen(BlindScreen(pair, history))

    @work(group="history", exclusive=True)
    async def action_show_history_command(self) -> None:
        """Show everything that was ever measured, and do what is chosen there."""
        if not self._panes:
            return
        session = await self._with_session()
        if session.history is None:
            self.notify("No history is kept in this session.", markup=False)
            return
        from streamscope.tui.screens.history import HistoryScreen

        self._end_replay()
        screen = HistoryScreen(session.history, self._config.conventions)
        self.app.push_screen(screen, self._chosen_in_history)

    def _chosen_in_history(self, chosen: Chosen | None) -> None:
        """Do what was chosen among older runs."""
        from streamscope.tui.screens import history

        self._draw_history()
        if self._busy and isinstance(chosen, history.Replay | history.Rerun):
            self.notify(f"{faces.BUSY} Then older runs can be shown here.", markup=False)
            return
        match chosen:
            case history.Replay(pair=pair):
                self._play(pair)
            case history.UsePrompt(text=text):
                self._prompt.put(text)
            case history.Rerun():
                self._rerun(chosen.request, chosen.plan, chosen.sides)

    def _rerun(self, request: Request, plan: Plan, sides: Sides) -> None:
        """Ask the same again, on the same channels, apart or as a race as it was."""
        from streamscope.trial.setup import Wishes

        self._request = request
        self._prompt.put(request.prompt)
        self._wanted = plan
        self._open(Wishes.again(sides), plan.layout)

    @work(group="calibrate", exclusive=True)
    async def action_calibrate_command(self) -> None:
        """Find out how wrong this machine's times are; from then on runs carry that."""
        if self._busy or not self._panes:
            self.notify(faces.BUSY, markup=False)
            return
        session = await self._with_session()
        from streamscope.history import HistoryError
        from streamscope.trial import calibration_kept as kept
        from streamscope.trial.calibration import plan
        from streamscope.tui.screens.calibrate import CalibrateScreen

        self._end_replay()
        screen = CalibrateScreen(plan())
        made = await self.app.push_screen_wait(screen)
        if made is None:
            stopped = "" if screen.problem else "Stopped: "
            self.notify(f"{stopped}nothing was kept.".capitalize(), markup=False)
            return
        if kept.supersedes(made, session.calibration):
            session.calibration = made
            self._draw_title()
        if session.history is None:
            return  # nothing is to be kept
        try:
            said = kept.keep(self._streamscope.places.calibration_file, made)
        except HistoryError as error:
            self._say(str(error))
        else:
            self.notify(said, markup=False)

    # ---------------------------------------------------------------------------- older prompts

    @on(PromptEditor.WantsHistory)
    def _older_prompt(self, event: PromptEditor.WantsHistory) -> None:
        text = self._recall.step(event.step, self._prompt.text, self._prompts)
        if text is not None:
            self._prompt.put(text)

    def _prompts(self, contains: str) -> list[str]:
        return [] if self._session is None else self._session.past.prompts(contains)

    def action_find_prompt_command(self) -> None:
        """Search older prompts."""
        from streamscope.tui.screens.prompts import PromptSearch

        def put(text: str | None) -> None:
            if text is not None:
                self._prompt.put(text)
                self._prompt.focus()

        self.app.push_screen(PromptSearch(self._prompts), put)

    # ------------------------------------------------------------------------------- the rest

    def action_help_command(self) -> None:
        """Show what the keys do and what the numbers mean."""
        from textual_enhanced.dialogs import HelpScreen  # Markdown is not needed before

        self.app.push_screen(HelpScreen(self))

    def action_change_theme_command(self) -> None:
        """Choose a theme."""
        from streamscope.tui.screens.themes import ThemePicker

        def closed(kept: bool | None) -> None:
            if kept:
                self._streamscope.keep_theme()

        self.app.push_screen(ThemePicker(), closed)

    def action_copy_answer_command(self) -> None:
        """Copy an answer to the clipboard."""
        if not self._panes:
            return
        focused = next(
            (pane for pane in self._panes.values() if pane.has_focus_within), self._panes["A"]
        )
        text = focused.text.plain_text
        if text:
            self.app.copy_to_clipboard(text)
            self.notify(f"The answer of {focused.channel} is on the clipboard.", markup=False)
        else:
            self.notify(f"There is no answer in {focused.channel} to copy.", markup=False)
