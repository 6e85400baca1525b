"""The main screen: what is measured, what came of it, and where to look closer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import msgspec
from textual import on, work

from streamscope.plan import Plan
from streamscope.settings import Config, SettingsError
from streamscope.trace import ChannelName, Request, Run
from streamscope.tui import commands, faces
from streamscope.tui.recall import Recall
from streamscope.tui.screens.replays import Pair, Replays
from streamscope.tui.widgets.prompt import PromptEditor
from streamscope.tui.widgets.sanitize import one_line

if TYPE_CHECKING:
    from textual.timer import Timer

    from streamscope.measure.verdict import Judgement
    from streamscope.trace import Target
    from streamscope.trial.plan import Course, Step
    from streamscope.trial.session import Session, Setup, Wish
    from streamscope.trial.trial import Trial
    from streamscope.tui.ended import EndedRun
    from streamscope.tui.screens.compare import Asked
    from streamscope.tui.screens.history import Chosen
    from streamscope.tui.shows import LiveShow

TICKS_A_SECOND = 20
"""How often the ticker ticks in a second: the title line follows once a second."""

TYPING_S = 0.25
"""How long nothing must have been typed before the prompt is looked up in the history."""


class MainScreen(Replays):
    """The instrument."""

    COMMAND_MESSAGES = commands.ALL
    BINDINGS = commands.RunPair.bindings(*commands.ALL)
    COMMANDS = {commands.MainCommands}
    HELP = faces.HELP

    def __init__(
        self,
        open_session: Callable[[], Session],
        request: Request,
        config: Config,
        recorded: Mapping[ChannelName, Run] | None = None,
    ) -> None:
        """Prepare.

        Args:
            open_session: Makes what finds a server and measures it; called in a thread.
            request: Prompt and parameters to open with.
            config: What the person has set.
            recorded: Runs to be replayed; then no server is looked for until one is needed.
        """
        super().__init__(request.prompt)
        self._open_session = open_session
        self._session: Session | None = None
        self._request = request
        self._config = config
        self._recorded = dict(recorded or {})
        self._trial: Trial | None = None
        self._wanted: Plan | None = None
        self._opening = not self._recorded
        self._show: LiveShow | None = None
        self._last: dict[ChannelName, EndedRun] = {}
        self._judgement: Judgement | None = None
        self._validity: list[str] = []
        self._recall = Recall()
        self._typing: Timer | None = None
        self._step: Step | None = None
        self._ticks = 0

    def _filled(self) -> None:
        """Look for a server, or show what was recorded."""
        super()._filled()
        if self._recorded:
            self._notice.show(faces.muted(faces.RECORDED))
            self._play(self._recorded)
        else:
            self._open()

    # ------------------------------------------------------------------------ finding a server

    @work(group="open", exclusive=True)
    async def _open(self, wish: Wish | None = None) -> None:
        """Find a server, or start one, and say which and why."""
        self._setup = None
        self._opening = True
        # What measures is imported only now that there is something to look at.
        from streamscope.history import HistoryError
        from streamscope.trial.session import NoServerError

        try:
            session = await self._with_session()
            setup = await session.open(self._report, wish)
        except HistoryError as error:
            self.app.exit(return_code=1, message=f"streamscope: {error}")
            return
        except (NoServerError, SettingsError) as error:
            self._no_server(str(error))
            return
        finally:
            self._opening = False
        self._setup = setup
        self._layout = self._config.layouts.get(setup.identity, setup.layout)
        self._notice.show(faces.notice(setup))
        self._draw_title()
        for pane in self._panes.values():
            pane.rest(faces.ready(pane.mode, setup))
        self._forget_pair()
        self._draw_history()
        if self._wanted is not None:
            plan, self._wanted = self._wanted, None
            self._measure(plan)

    async def _with_session(self) -> Session:
        if self._session is None:
            self._session = await asyncio.to_thread(self._open_session)
            if self._session.notice:
                self._say(self._session.notice)
        return self._session

    def _forget_pair(self) -> None:
        """Be without a pair: the panes are empty."""
        self._show = None
        self._last = {}
        self._judgement = None
        self._validity = []
        self._verdict.update("")
        self._memory.show_pair({}, self._config.reader)

    def _no_server(self, why: str) -> None:
        """Say why there is nothing to measure, and what can be done."""
        self._wanted = None
        self._draw_title()
        self._forget_pair()
        self.query_one("#history").border_title = "history"
        self._memory.clear()
        self._notice.show(faces.bad(why))
        self._panes["A"].rest(one_line(why, 400), "no server")
        self._panes["B"].rest(faces.WITHOUT_SERVER, "no server")

    def _report(self, doing: str, share: float | None) -> None:
        self._notice.show(
            faces.progress(doing, share), faces.waiting_run(waits=self._wanted is not None)
        )

    # ------------------------------------------------------------------------------- measuring

    @property
    def _busy(self) -> bool:
        return self._trial is not None

    @property
    def _one_pair(self) -> Plan:
        return Plan(repeat=1, layout=self._layout)

    def action_run_pair_command(self) -> None:
        """Run one pair, live, and play it again when both were measured apart."""
        self._start(self._one_pair)

    @on(PromptEditor.Submitted)
    def _submitted(self) -> None:
        self._start(self._one_pair)

    def action_compare_command(self) -> None:
        """Ask how a comparison is to be made, and make it."""
        if not self._may_start():
            return
        from streamscope.tui.screens.compare import CompareDialog, unfinished_of

        stopped = None
        if self._setup is not None and self._session is not None:
            stopped = self._session.unfinished(self._setup, self._asked(self._setup))

        def chosen(asked: Asked | None) -> None:
            if asked is None:
                return
            if asked.resume and stopped is not None:
                self._measure(stopped.plan, stopped)
            else:
                self._start(asked.plan)

        dialog = CompareDialog(
            self._config.comparison.plan, pair_s=self._pair_s, unfinished=unfinished_of(stopped)
        )
        self.app.push_screen(dialog, chosen)

    @property
    def _pair_s(self) -> float | None:
        """How long the pair in the panes took, s."""
        from streamscope.trial.replay import end_ns

        if not {"A", "B"} <= self._last.keys():
            return None
        return sum(end_ns(ended.run.trace) for ended in self._last.values()) / 1e9

    def _may_start(self) -> bool:
        """Whether something can be measured now; says why not."""
        if self._busy:
            self.notify("A run is under way: esc stops it.", markup=False)
        elif not self._panes:
            return False
        elif not self._prompt.text.strip():
            self.notify("The prompt is empty: type one, or find one with f7.", markup=False)
        else:
            return True
        return False

    def _start(self, plan: Plan) -> None:
        """Measure, as soon as there is a server."""
        if not self._may_start():
            return
        if self._setup is not None and not self._setup.alive:
            self._setup = None  # an engine of ours died: start it again
        if self._setup is None:
            self._wanted = plan
            if self._opening:
                self.notify("It runs as soon as the server is ready.", markup=False)
            else:
                self._end_replay()
                self._open()
            return
        self._measure(plan)

    def _asked(self, setup: Setup) -> Request:
        """Return what is asked with the present prompt."""
        return setup.fill(msgspec.structs.replace(self._request, prompt=self._prompt.text))

    @work(group="measure", exclusive=True)
    async def _measure(self, plan: Plan, course: Course | None = None) -> None:
        """Carry out a plan, or go on with one, and draw it."""
        setup, session = self._setup, self._session
        assert setup is not None
        assert session is not None
        from streamscope.tui.shows import LiveShow

        self._end_replay()
        self._show_plain()
        request = self._asked(setup)
        course = course or session.course(setup, request, plan)
        self._judgement = None
        self._validity = []
        self._verdict.update("")
        show = self._show = LiveShow(self._panes, self._run_changed)
        self._recall.forget()
        trial = self._trial = session.trial(setup, request, course, show)
        self._ticker.resume()
        try:
            await trial.carry_out()
        finally:
            self._trial = None
            self._doing = ""
            if self.is_running:  # the app may be on its way out
                self._draw_title()
            self._ticker.pause()
        for pane in self._panes.values():
            if pane.trace is None:
                pane.rest(faces.NOT_RUN, "not run")
        self._last = dict(show.last)
        self._draw_verdict(self._last)
        await session.saved()
        self._judgement = await asyncio.to_thread(self._judge, setup, request, plan)
        if plan.repeat > 1:
            self._validity = await asyncio.to_thread(self._believe, trial)
        self._draw_verdict(self._last)
        self._draw_history()
        for problem in session.problems():
            self._say(problem)
        if plan.repeat > 1:
            self.notify(faces.ended(trial.progress, stopped=trial.stopped), markup=False)
        elif plan.layout == "apart" and not trial.stopped and _readable(self._last):
            self._begin_replay()

    def _judge(self, setup: Setup, request: Request, plan: Plan) -> Judgement | None:
        """Return what all pairs of a request support; ``None`` where there are none to read."""
        from streamscope.history import HistoryError
        from streamscope.measure.verdict import judge

        assert self._session is not None
        try:
            pairs = self._session.pairs(setup, request, plan.layout, plan.regime)
        except HistoryError:
            return None  # the panel below says so
        return judge(pairs, self._config.verdict) if pairs else None

    def _believe(self, trial: Trial) -> list[str]:
        """Return what speaks for and against a comparison that was carried out."""
        from streamscope.report.comparison import Comparison
        from streamscope.report.validity import validity_of

        comparison = Comparison(plan=trial.plan, runs=list(trial.runs))
        return validity_of(comparison, self._config.conventions)

    def _run_changed(self, step: Step, run: Run | None) -> None:
        if self._trial is None:
            return
        self._step = step
        self._draw_doing()
        if run is not None and self._trial.plan.repeat > 1:
            self._draw_history()
            if self._show is not None and step.position == len(self._panes):
                self._memory.show_pair(self._show.last, self._config.reader)

    def _draw_doing(self) -> None:
        """Name the run under way, and how far the comparison has come."""
        trial = self._trial
        if trial is not None and self._step is not None:
            at = trial.progress if trial.plan.repeat > 1 else None
            self._doing = faces.doing(self._step, trial.plan, at)
            self._draw_title()

    def action_stop_runs_command(self) -> None:
        """Stop the runs, or the replay."""
        if self._trial is not None:
            self._trial.stop()
        elif self._wanted is not None:
            self._wanted = None
            self.notify("It will not run by itself any more.", markup=False)
        elif self._panes:
            self._end_replay()

    def action_toggle_layout_command(self) -> None:
        """Switch between apart and race, for this target, from now on."""
        if self._setup is None or self._busy:
            return
        self._layout = "race" if self._layout == "apart" else "apart"
        self._draw_title()
        self._draw_history()
        self._streamscope.keep_layout(self._setup.identity, self._layout)
        self.notify(faces.LAYOUTS[self._layout], markup=False)

    def _tick(self) -> None:
        """Draw what moves."""
        if self._show is None or not self._busy:
            super()._tick()
            return
        self._show.tick()
        self._ticks += 1
        if self._ticks % TICKS_A_SECOND == 0:
            self._draw_doing()

    # ---------------------------------------------------------------------------- what came of it

    def _pair(self) -> Pair:
        """Return the pair that the panes show, or else the newest one of this prompt."""
        if {"A", "B"} <= self._last.keys():
            return self._last
        if self._setup is None or self._session is None:
            return {}
        from streamscope.tui.ended import EndedRun

        request = self._asked(self._setup)
        pair = self._session.last_pair(self._setup, request, self._layout)
        self._last = {run.channel: EndedRun(run=run, figures=figures) for run, figures in pair}
        if self._last:
            self._judgement = self._judge(self._setup, request, self._one_pair)
        return self._last

    def _play(self, runs: Mapping[ChannelName, Run]) -> None:
        """Replay runs that were measured some other time, and be with their prompt."""
        from streamscope.measure.figures import measure
        from streamscope.tui.ended import EndedRun

        self._end_replay()
        self._forget_pair()
        self._show_plain()
        self._last = {
            name: EndedRun(run=run, figures=measure(run.trace)) for name, run in runs.items()
        }
        self._prompt.put(next(iter(runs.values())).request.prompt)
        for name, pane in self._panes.items():
            if name not in runs:
                pane.rest(faces.NOT_RECORDED, "not recorded")
        self._replaying.begin(self._last)
        self._draw_verdict(self._last)

    def _draw_verdict(self, pair: Pair) -> None:
        """Say what came of a pair, and of all pairs that are like it."""
        from streamscope.tui import results

        contended = self._setup is None or self._setup.contended
        self._verdict.update(results.verdict(pair, self._judgement, contended=contended))
        self._memory.show_pair(pair, self._config.reader)

    @on(PromptEditor.Changed)
    def _prompt_changed(self) -> None:
        """Look the prompt up when typing pauses: a key press never waits for the database."""
        if self._typing is not None:
            self._typing.stop()
        self._typing = self.set_timer(TYPING_S, self._draw_history)

    def _draw_history(self) -> None:
        """Show the medians of this prompt on this target."""
        if self._setup is None or self._session is None:
            return
        from streamscope.history import HistoryError
        from streamscope.tui import results

        request = self._asked(self._setup)
        try:
            memory = self._session.memory(self._setup, request, self._layout)
        except HistoryError as error:
            self._memory.show_problem(str(error))
            return
        judgement = self._judge(self._setup, request, self._one_pair)
        self.query_one("#history").border_title = results.history_title(memory, self._layout)
        self._memory.show(results.medians(memory, judgement))

    # ---------------------------------------------------------------------------- looking closer

    def _pair_at_rest(self, otherwise: str) -> Pair:
        """Return the pair; say something else where there is none, or while it is measured."""
        pair = {} if self._busy or not self._panes else self._pair()
        if not pair:
            self.notify(otherwise, markup=False)
        return pair

    def action_show_details_command(self) -> None:
        """Show the evidence."""
        pair = self._pair_at_rest("There is no whole pair to look at yet: run the prompt.")
        if pair:
            from streamscope.tui.screens.details import DetailsScreen

            conventions = self._config.conventions
            self.app.push_screen(DetailsScreen(pair, self._judgement, conventions, self._validity))

    def action_blind_test_command(self) -> None:
        """Show the pair without saying which side is which."""
        pair = self._pair_at_rest("A blind test needs a whole pair: run the prompt first.")
        if pair:
            from streamscope.tui.screens.blind import BlindScreen

            self._end_replay()
            history = None if self._session is None else self._session.history
            self.app.push_screen(BlindScreen(pair, history))

    @work(group="history", exclusive=True)
    async def action_show_history_command(self) -> None:
        """Show everything that was ever measured, and do what is chosen there."""
        if self._busy or not self._panes:
            self.notify("A run is under way: esc stops it.", markup=False)
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
        match chosen:
            case history.Replay(pair=pair):
                self._play(pair)
            case history.UsePrompt(text=text):
                self._prompt.put(text)
            case history.Rerun():
                self._rerun(chosen.request, chosen.plan, chosen.target, chosen.engine)

    def _rerun(self, request: Request, plan: Plan, target: Target, engine: str) -> None:
        """Ask the same again, of the same server."""
        from streamscope.trial.session import Wish

        self._request = request
        self._prompt.put(request.prompt)
        self._wanted = plan
        self._open(
            Wish(engine="local" if engine == "local" else "simulator", model="")
            if engine
            else Wish(url=target.url, protocol=target.protocol, model=target.model)
        )

    # ------------------------------------------------------------------------- prompts and targets

    @on(PromptEditor.WantsHistory)
    def _older_prompt(self, event: PromptEditor.WantsHistory) -> None:
        text = self._recall.step(event.step, self._prompt.text, self._prompts)
        if text is not None:
            self._prompt.put(text)

    def _prompts(self, contains: str) -> list[str]:
        return [] if self._session is None else self._session.prompts(contains)

    def action_find_prompt_command(self) -> None:
        """Search older prompts."""
        from streamscope.tui.screens.prompts import PromptSearch

        def put(text: str | None) -> None:
            if text is not None:
                self._prompt.put(text)
                self._prompt.focus()

        self.app.push_screen(PromptSearch(self._prompts), put)

    @work(group="target", exclusive=True)
    async def action_choose_target_command(self) -> None:
        """Choose server and model."""
        from streamscope.tui.screens.targets import TargetPicker

        if self._busy:
            self.notify("A run is under way: esc stops it.", markup=False)
            return
        if not self._panes:
            return
        session = await self._with_session()

        def opened(wish: Wish | None) -> None:
            if wish is not None:
                self._end_replay()
                self._open(wish)

        self.app.push_screen(TargetPicker(session, self._setup), opened)

    # ----------------------------------------------------------------------------------- the rest

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

    def action_save_screen_command(self) -> None:
        """Save a picture."""
        try:
            path = self.app.save_screenshot(path=".")
        except OSError as error:
            self._say(f"The picture can't be saved here: {error.strerror}.")
        else:
            self.notify(f"Saved as {path}.", markup=False)


def _readable(pair: Pair) -> bool:
    """Tell whether both sides brought something to read."""
    return {"A", "B"} <= pair.keys() and all(ended.run.trace.chunks for ended in pair.values())
