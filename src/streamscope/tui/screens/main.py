"""The main screen: what is measured, what came of it, and where to look closer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from textual import on, work

from streamscope.plan import Plan
from streamscope.settings import Config
from streamscope.trace import ChannelName, Request, Run
from streamscope.tui import commands, faces
from streamscope.tui.recall import Recall
from streamscope.tui.screens.dialogs import Dialogs
from streamscope.tui.screens.replays import Pair
from streamscope.tui.widgets.prompt import PromptEditor

if TYPE_CHECKING:
    from textual.timer import Timer

    from streamscope.measure.verdict import Judgement
    from streamscope.trial.plan import Course, Step
    from streamscope.trial.session import Session
    from streamscope.trial.setup import Setup
    from streamscope.trial.trial import Trial
    from streamscope.tui.ended import EndedRun
    from streamscope.tui.screens.compare import Asked
    from streamscope.tui.shows import LiveShow

ROOM_FOR_REACH = 140
"""Columns from which on the title says how far the error of times reaches."""

TITLE_S = 1.0
"""Time between two updates of the title line while runs are under way, in seconds."""

TYPING_S = 0.25
"""How long nothing must have been typed before the prompt is looked up in the history."""


class MainScreen(Dialogs):
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
        super().__init__(open_session, request, config)
        self._recorded = dict(recorded or {})
        self._trial: Trial | None = None
        self._opening = not self._recorded
        self._show: LiveShow | None = None
        self._last: dict[ChannelName, EndedRun] = {}
        self._judgement: Judgement | None = None
        self._validity: list[str] = []
        self._cautions: list[str] = []
        self._recall = Recall()
        self._typing: Timer | None = None
        self._step: Step | None = None
        self._told = 0.0
        self._lookup = 0

    def _filled(self) -> None:
        """Look for a server, or show what was recorded."""
        super()._filled()
        if self._recorded:
            self._notice.show(faces.muted(faces.RECORDED))
            self._play(self._recorded)
        else:
            self._open()

    def _forget_pair(self) -> None:
        """Be without a pair: the panes are empty."""
        self._show = None
        self._last = {}
        self._judgement = None
        self._validity, self._cautions = [], []
        self._verdict.update("")
        self._draw_plot({})

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

    @work(group="compare", exclusive=True)
    async def action_compare_command(self) -> None:
        """Ask how a comparison is to be made, and make it."""
        if not self._may_start():
            return
        from streamscope.tui.screens.compare import CompareDialog, unfinished_of

        setup, stopped = self._setup, None
        if setup is not None and self._session is not None:
            # Whether the last one is complete takes all of its runs to say.
            request = self._asked(setup)
            stopped = await asyncio.to_thread(self._session.unfinished, setup, request)
            if self._busy or self._setup is not setup or self._asked(setup) != request:
                return  # something else was begun meanwhile

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
        self._validity, self._cautions = [], []
        self._verdict.update("")
        self._memory.show_pair({}, self._config.reader, under_way=True)
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
            self._validity, self._cautions = await asyncio.to_thread(self._believe, trial)
        self._draw_verdict(self._last)
        self._draw_history()
        for problem in session.problems():
            self._say(problem)
        if plan.repeat > 1:
            from streamscope.trial.ending import why_ended, why_lost

            why = why_ended(trial.so_far) or why_lost(trial.so_far)
            said = faces.ended(trial.progress, stopped=trial.stopped, why=why)
            self.notify(said, markup=False)
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

    def _believe(self, trial: Trial) -> tuple[list[str], list[str]]:
        """Return how a comparison was carried out, and what speaks against believing it."""
        from streamscope.report.comparison import Comparison
        from streamscope.report.validity import cautions_of, validity_of

        conventions = self._config.conventions
        busy = conventions.trust.include_busy
        comparison = Comparison(plan=trial.plan, runs=list(trial.runs), include_busy=busy)
        return validity_of(comparison, conventions), cautions_of(comparison, conventions)

    def _run_changed(self, step: Step, run: Run | None) -> None:
        if self._trial is None:
            return
        self._step = step
        self._draw_doing()
        if run is not None:
            self._tell_marked(self._trial, step, run)
        if run is None or step.warmup:
            return
        plan = self._trial.plan
        pair_done = step.position == len(self._panes)
        if pair_done and plan.repeat > 1:
            self._draw_history()
        # Nothing that can wait is done while the other run of a race is under way.
        if self._show is not None and (pair_done or plan.layout == "apart"):
            self._draw_plot(self._show.last)

    def _tell_marked(self, trial: Trial, step: Step, run: Run) -> None:
        """Say that a run is made once more because the machine was busy; panes show the mark."""
        from streamscope.trial.ending import marked_words

        said = marked_words(run.trace, again=True)
        if said and trial.goes_again(step, run.trace):
            where = "warm-up" if step.warmup else f"pair {step.pair}"
            self.notify(f"{step.channel} of {where}: {said}.", severity="warning", markup=False)

    def _error_words(self) -> str:
        """Say how wrong times may be, by the clock of the last run; nothing if not calibrated."""
        calibration = None if self._session is None else self._session.calibration
        if calibration is None:
            return ""
        from streamscope.report.error_words import short_words

        traces = [ended.run.trace for ended in self._last.values()]
        return short_words(calibration, traces, wide=self.size.width >= ROOM_FOR_REACH)

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
        if (now := time.monotonic()) >= self._told + TITLE_S:
            self._told = now
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
        from streamscope.report.judging import judge_pair
        from streamscope.tui.ended import EndedRun

        self._end_replay()
        self._forget_pair()
        self._show_plain()
        self._last = {
            name: EndedRun(run=run, figures=measure(run.trace)) for name, run in runs.items()
        }
        if {"A", "B"} <= runs.keys():
            measured = (self._last["A"].figures, self._last["B"].figures)
            self._judgement = judge_pair(runs["A"], runs["B"], measured, self._config.conventions)
        self._prompt.put(next(iter(runs.values())).request.prompt)
        for name, pane in self._panes.items():
            if name not in runs:
                pane.rest(faces.NOT_RECORDED, "not recorded")
        self._replaying.begin(self._last)
        self._draw_verdict(self._last)
        if self._setup is None:
            self._memory.show(faces.muted(faces.NO_HISTORY_YET))

    def _draw_verdict(self, pair: Pair) -> None:
        """Say what came of a pair, and of all pairs that are like it."""
        from streamscope.tui import results

        contended = self._setup is None or self._setup.contended
        self._verdict.update(
            results.verdict(pair, self._judgement, contended=contended, cautions=self._cautions)
        )
        self._draw_plot(pair)

    def _draw_plot(self, pair: Pair) -> None:
        """Draw when what could be read in a pair, or in one run of it."""
        self._memory.show_pair(pair, self._config.reader)

    @on(PromptEditor.Changed)
    def _prompt_changed(self) -> None:
        """Look the prompt up when typing pauses: a key press never waits for the database."""
        if self._typing is not None:
            self._typing.stop()
        self._typing = self.set_timer(TYPING_S, self._draw_history)

    @work(group="memory")
    async def _draw_history(self) -> None:
        """Show the medians of this prompt on this target; whoever types does not wait for them."""
        setup, session, plan = self._setup, self._session, self._one_pair
        if setup is None or session is None or not self.app.is_running:
            return
        from streamscope.history import HistoryError
        from streamscope.tui import results

        self._lookup += 1
        lookup, request = self._lookup, self._asked(setup)
        memory, judgement, problem = None, None, ""
        try:
            memory = await asyncio.to_thread(session.memory, setup, request, plan.layout)
            judgement = await asyncio.to_thread(self._judge, setup, request, plan)
        except HistoryError as error:
            problem = str(error)
        if lookup != self._lookup or self._setup is not setup or not self.app.is_running:
            return  # something newer is looked for, or the app is on its way out
        if memory is None:
            self._memory.show_problem(problem)
            return
        self.query_one("#history").border_title = results.history_title(memory, plan.layout)
        self._memory.show(results.medians(memory, judgement))
        if not self._last and not self._busy:  # what is known before anything is measured
            self._verdict.update(results.verdict({}, judgement, contended=setup.contended))
        shown = next(iter(self._last.values()), None)
        if shown is not None and shown.run.request.prompt != request.prompt:
            self._draw_plot({})  # it belongs to another prompt


def _readable(pair: Pair) -> bool:
    """Tell whether both sides brought something to read."""
    return {"A", "B"} <= pair.keys() and all(ended.run.trace.chunks for ended in pair.values())
