"""The main screen: what is measured, what came of it, and where to look closer."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from textual import on, work
from textual.worker import WorkerError

from streamscope.plan import Plan
from streamscope.settings import Config
from streamscope.sides import Sides
from streamscope.trace import ChannelName, Request, Run
from streamscope.tui import commands, course_words, faces
from streamscope.tui.screens.outcomes import Outcomes
from streamscope.tui.screens.replays import Pair
from streamscope.tui.subject import Subject
from streamscope.tui.widgets.prompt import PromptEditor

if TYPE_CHECKING:
    from streamscope.trial.plan import Course, Step
    from streamscope.trial.session import Session
    from streamscope.trial.trial import Trial
    from streamscope.tui.screens.compare import Asked

ROOM_FOR_REACH = 140
"""Columns from which on the title says how far the error of times reaches."""

TITLE_S = 1.0
"""Time between two updates of the title line while runs are under way, in seconds."""

LEAVING_S = 3.0
"""How long whoever leaves waits for what is measured to be stopped and kept, s, at most."""


class MainScreen(Outcomes):
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
        self._sides = Sides.of(self._recorded.values())
        self._opening = not self._recorded
        self._step: Step | None = None
        self._told = 0.0

    def _filled(self) -> None:
        """Look for a server, or show what was recorded."""
        super()._filled()
        if self._recorded:
            self._notice.show(faces.muted(faces.RECORDED))
            self._play(self._recorded)
        else:
            self._open()

    # ------------------------------------------------------------------------------- measuring

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

        matchup, stopped = self._matchup, None
        if matchup is not None and self._session is not None:
            # Whether the last one is complete takes all of its runs to say.
            request = self._asked()
            stopped = await asyncio.to_thread(self._session.past.unfinished, matchup, request)
            if self._busy or self._matchup is not matchup or self._asked() != request:
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
            self.notify(faces.BUSY, markup=False)
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
        if self._matchup is not None and not self._matchup.alive:
            self._matchup = None  # an engine of ours died: start it again
        if self._matchup is None:
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
        matchup, session = self._matchup, self._session
        assert matchup is not None
        assert session is not None
        from streamscope.tui.shows import LiveShow

        self._end_replay()
        self._show_plain()
        self._be_between(matchup.sides)
        request = self._asked()
        course = course or session.course(matchup, request, plan)
        self._forget_verdict()
        self._memory.show_pair({}, self._config.reader, under_way=True)
        show = self._show = LiveShow(self._panes, self._run_changed)
        self._recall.forget()
        trial = self._trial = session.trial(matchup, request, course, show)
        about = Subject.of(request, trial.plan)
        self._be_about(about)
        # Painting must not take from a server of this machine what many pairs are to measure.
        self._ticker.calm = plan.repeat > 1 and matchup.here
        self._ticker.resume()
        try:
            await trial.carry_out()
        finally:
            self._trial = None
            self._doing = ""
            if self.is_running:  # the app may be on its way out
                self._prompt.border_subtitle = faces.RUN_KEY
                self._draw_title()
            self._ticker.pause()
            self._ticker.calm = False
        for pane in self._panes.values():
            if pane.trace is None:
                pane.rest(faces.NOT_RUN, "not run")
        self._last = dict(show.last)
        self._draw_verdict(self._last)
        await session.saved()
        await self._draw_outcome(trial, matchup, about)
        for problem in session.problems():
            self._say(problem)
        if plan.repeat > 1:
            from streamscope.trial.ending import why_ended, why_lost

            why = why_ended(trial.so_far) or why_lost(trial.so_far)
            kept = plan.layout == "apart" and session.history is not None
            both = {"A", "B"} <= {run.channel for run in trial.runs}
            at, stopped = trial.progress, trial.stopped
            self.notify(
                course_words.ended(at, plan, stopped=stopped, why=why, goes_on=kept and both),
                markup=False,
            )
        elif plan.layout == "apart" and not trial.stopped and _readable(self._last):
            self._begin_replay()

    def _run_changed(self, step: Step, run: Run | None) -> None:
        if self._trial is None:
            return
        self._step = step
        self._draw_doing()
        if run is not None:
            self._tell_marked(self._trial, step, run)
        if run is None or step.warmup:
            return
        self._draw_interim(self._trial.plan, step)

    def _draw_interim(self, plan: Plan, step: Step) -> None:
        """Draw what came of a run while others are still to come."""
        show = self._show
        # Nothing that can wait is done while the other run of a race is under way.
        if show is None or show.live:
            return
        pair_done = plan.layout == "race" or step.position == len(self._panes)
        if plan.repeat == 1:
            self._draw_plot(show.last)
        elif pair_done or not show.whole:
            self._draw_plot(show.whole or show.last)
        if pair_done and plan.repeat > 1:
            self._draw_history()

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
            self._doing = course_words.doing(self._step, trial.plan, at)
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

    async def stop_measuring(self) -> None:
        """Stop what is measured, if anything is, and wait until it is kept, but not for long."""
        if self._trial is None:
            return
        self._trial.stop()
        measuring = [each for each in self.app.workers if each.group == "measure"]
        with contextlib.suppress(WorkerError, TimeoutError):
            async with asyncio.timeout(LEAVING_S):
                await self.app.workers.wait_for_complete(measuring)

    def action_toggle_layout_command(self) -> None:
        """Switch between apart and race, for this target, from now on."""
        if self._matchup is None or self._busy:
            return
        self._layout = "race" if self._about.layout == "apart" else "apart"
        self._be_about(None)
        self._streamscope.keep_layout(self._matchup.identity, self._layout)
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


def _readable(pair: Pair) -> bool:
    """Tell whether both sides brought something to read."""
    return {"A", "B"} <= pair.keys() and all(ended.run.trace.chunks for ended in pair.values())
