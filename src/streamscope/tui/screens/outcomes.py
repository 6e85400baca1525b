"""What came of the runs: the verdict, the medians, the plot, and which runs they are about."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from textual import on, work
from textual.content import Content

from streamscope.settings import Config
from streamscope.sides import MODE_WORDS, Sides
from streamscope.trace import ChannelName, Request, Run
from streamscope.tui import faces
from streamscope.tui.recall import Recall
from streamscope.tui.screens.dialogs import Dialogs
from streamscope.tui.screens.replays import Pair
from streamscope.tui.subject import Subject
from streamscope.tui.widgets.prompt import PromptEditor
from streamscope.tui.widgets.sanitize import one_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.timer import Timer

    from streamscope.measure.verdict import Judgement
    from streamscope.trial.session import Session
    from streamscope.trial.setup import Matchup
    from streamscope.trial.trial import Trial
    from streamscope.tui.ended import EndedRun
    from streamscope.tui.shows import LiveShow

TYPING_S = 0.25
"""How long nothing must have been typed before the prompt is looked up in the history."""

SO_FAR = 2
"""Whole pairs from which on a comparison says what they show while it goes on."""

_ASKED_CELLS = 40
"""Cells of a prompt that is named because the editor holds another one."""


class Outcomes(Dialogs):
    """Says what came of runs.

    Panel, verdict and title line are about one subject: that of the runs on the screen, as long as
    they are measured or played again or their prompt stands in the editor; else what the editor
    holds, measured as the next pair will be.
    """

    def __init__(
        self, open_session: Callable[[], Session], request: Request, config: Config
    ) -> None:
        """Prepare.

        Args:
            open_session: Makes what finds a server and measures it; called in a thread.
            request: Prompt and parameters to open with.
            config: What the person has set.
        """
        super().__init__(open_session, request, config)
        self._trial: Trial | None = None
        self._show: LiveShow | None = None
        self._subject: Subject | None = None
        self._in_panel: Subject | None = None
        self._none_yet = False
        self._last: Pair = {}
        self._judgement: Judgement | None = None
        self._validity: list[str] = []
        self._cautions: list[str] = []
        self._recall = Recall()
        self._typing: Timer | None = None
        self._lookup = 0

    # ----------------------------------------------------------------------- what it is about

    @property
    def _busy(self) -> bool:
        return self._trial is not None

    @property
    def _about(self) -> Subject:
        """What panel, verdict and title line are about."""
        held, asked = self._subject, self._asked()
        if held is not None and (held.request == asked or self._busy or self._replaying.doing):
            return held
        return Subject(request=asked, layout=self._layout)

    @property
    def _elsewhere(self) -> str:
        """The prompt that all this is about, where the editor holds another one; else empty."""
        prompt = self._about.request.prompt
        return "" if prompt == self._prompt.text else prompt

    @property
    def _how(self) -> str:
        return self._about.how

    def _be_about(self, subject: Subject | None) -> None:
        """Be about these runs from now on; ``None``: about what the editor holds."""
        self._subject = subject
        self._draw_title()
        self._draw_asked()
        if self._about != self._in_panel or (self._busy and self._none_yet):
            self._draw_history()

    def _draw_asked(self) -> None:
        """Say under the prompt what is measured, where that is another prompt."""
        if self._busy:
            other = one_line(self._elsewhere, _ASKED_CELLS)
            self._prompt.border_subtitle = Content(
                f"measuring: {other}" if other else faces.STOP_KEY
            )

    def _replay_over(self) -> None:
        """Follow the editor, now that nothing else is under way."""
        if self._about != self._in_panel:
            self._draw_title()
            self._draw_history()

    def _forget_pair(self) -> None:
        """Be without a pair: the panes are empty."""
        self._show = None
        self._subject = self._in_panel = None
        self._last = {}
        self._forget_verdict()
        self._draw_plot({})

    def _forget_verdict(self) -> None:
        """Be without a verdict."""
        self._judgement = None
        self._validity, self._cautions = [], []
        self._verdict.update("")

    # ------------------------------------------------------------------------------ the verdict

    def _judge(self, matchup: Matchup, about: Subject) -> Judgement | None:
        """Return what all pairs that are kept of a subject support; ``None`` if there are none."""
        from streamscope.tui.weighing import weigh

        assert self._session is not None
        return weigh(self._session, matchup, about, self._config)

    async def _draw_outcome(self, trial: Trial, matchup: Matchup, about: Subject) -> None:
        """Say what came of a comparison that is over and kept."""
        from streamscope.tui.weighing import believe, weigh_runs

        config = self._config
        judged = await asyncio.to_thread(self._judge, matchup, about)
        self._judgement = judged or await asyncio.to_thread(weigh_runs, trial, config)
        if trial.plan.repeat > 1:
            self._validity, self._cautions = await asyncio.to_thread(believe, trial, config)
        self._draw_verdict(self._last)
        self._draw_history()

    def _draw_verdict(self, pair: Pair) -> None:
        """Say what came of a pair, and of all pairs that are like it."""
        from streamscope.tui import results

        contended = self._matchup is None or self._matchup.contended
        self._verdict.update(
            results.verdict(pair, self._judgement, contended=contended, cautions=self._cautions)
        )
        self._draw_plot(pair)

    def _draw_plot(self, pair: Pair) -> None:
        """Draw when what could be read in a pair, or in one run of it."""
        self._memory.show_pair(pair, self._config.reader)

    # --------------------------------------------------------------------------------- the pair

    def _pair(self) -> Pair:
        """Return the pair that the panes show, or else the newest one of its kind.

        While pairs are measured: the last whole one of them.
        """
        if self._busy:
            return {} if self._show is None else self._show.whole
        if {"A", "B"} <= self._last.keys():
            return self._last
        if self._matchup is None or self._session is None:
            return {}
        from streamscope.tui.ended import EndedRun

        about = self._about
        pair = self._session.past.last_pair(
            self._matchup, about.request, about.layout, about.regime
        )
        self._last = {run.channel: EndedRun(run=run, figures=figures) for run, figures in pair}
        if self._last:
            self._judgement = self._judge(self._matchup, about)
        return self._last

    def _play(self, runs: Mapping[ChannelName, Run]) -> None:
        """Replay runs that were measured some other time, and be with their prompt."""
        from streamscope.report.judging import judge_pair

        self._end_replay()
        self._forget_pair()
        self._show_plain()
        sides = Sides.of(runs.values())
        if sides is None:
            self._displayed = {
                name: f"{name} {MODE_WORDS[run.trace.mode]}" for name, run in runs.items()
            }
        self._be_between(sides)
        self._last = _measured(runs)
        if {"A", "B"} <= runs.keys():
            measured = (self._last["A"].figures, self._last["B"].figures)
            self._judgement = judge_pair(runs["A"], runs["B"], measured, self._config.conventions)
        run = next(iter(runs.values()))
        self._prompt.put(run.request.prompt)
        for name, pane in self._panes.items():
            if name not in runs:
                pane.rest(faces.NOT_RECORDED, "not recorded")
        self._replaying.begin(self._last)
        self._be_about(Subject(request=self._asked(), layout=run.layout, regime=run.regime))
        self._draw_verdict(self._last)
        if self._matchup is None:
            self._memory.show(faces.muted(faces.NO_HISTORY_YET))

    # --------------------------------------------------------------------------------- the panel

    @on(PromptEditor.Changed)
    def _prompt_changed(self) -> None:
        """Look the prompt up when typing pauses: a key press never waits for the database."""
        if self._typing is not None:
            self._typing.stop()
        self._draw_asked()
        self._typing = self.set_timer(TYPING_S, self._look_up)

    def _look_up(self) -> None:
        """Be about what the editor holds now, if that may be."""
        self._draw_title()
        self._draw_history()

    @work(group="memory")
    async def _draw_history(self) -> None:
        """Show the medians of the subject; whoever types does not wait for them."""
        matchup, session = self._matchup, self._session
        if matchup is None or session is None or not self.app.is_running:
            return
        from streamscope.history import HistoryError
        from streamscope.tui import medians

        self._lookup += 1
        lookup, about = self._lookup, self._about
        memory, judgement, problem = None, None, ""
        try:
            await session.saved()
            memory = await asyncio.to_thread(
                session.past.memory, matchup, about.request, about.layout, about.regime
            )
            judgement = await asyncio.to_thread(self._judge, matchup, about)
        except HistoryError as error:
            problem = str(error)
        if lookup != self._lookup or self._matchup is not matchup or not self.app.is_running:
            return  # something newer is looked for, or the app is on its way out
        if memory is None:
            self._memory.show_problem(problem)
            return
        self._in_panel = about
        sides, width = matchup.sides, self._memory.room
        title = medians.history_title(memory, about.how, sides, self._elsewhere)
        self.query_one("#history").border_title = Content(title)
        self._none_yet = judgement is None
        self._memory.show(medians.medians(memory, judgement, sides, width, under_way=self._busy))
        self._draw_beside(matchup, about, judgement)

    def _draw_beside(self, matchup: Matchup, about: Subject, judgement: Judgement | None) -> None:
        """Draw what stands around the medians: what pairs show so far, or nothing of another."""
        from streamscope.tui import results

        if self._trial is not None:
            if judgement is not None and self._trial.progress.pairs >= SO_FAR:
                self._judgement = judgement
                queued = matchup.contended and about.layout == "race"
                self._verdict.update(results.so_far(judgement, queued=queued))
            return
        if not self._last:  # what is known before anything is measured
            self._verdict.update(results.verdict({}, judgement, contended=matchup.contended))
        shown = next(iter(self._last.values()), None)
        if shown is not None and not self._replaying.doing:
            mine = shown.run.request.prompt == about.request.prompt
            pair = self._replaying.shown if self._replaying.on else self._last
            self._draw_plot(pair if mine else {})


def _measured(runs: Mapping[ChannelName, Run]) -> dict[ChannelName, EndedRun]:
    """Return runs with their figures."""
    from streamscope.measure.figures import measure
    from streamscope.tui.ended import EndedRun

    return {name: EndedRun(run=run, figures=measure(run.trace)) for name, run in runs.items()}
