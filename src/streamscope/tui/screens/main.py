"""The main screen: prompt, both panes, what came of it, and what is remembered."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import msgspec
from textual import on, work
from textual.app import ComposeResult
from textual.containers import Container, VerticalScroll
from textual.screen import Screen
from textual.widgets import Static

from streamscope.settings import Config, SettingsError
from streamscope.trace import ChannelName, Layout, Request, Run
from streamscope.tui import commands, faces
from streamscope.tui.recall import Recall
from streamscope.tui.widgets.ends import Ends
from streamscope.tui.widgets.prompt import PromptEditor
from streamscope.tui.widgets.sanitize import one_line

if TYPE_CHECKING:
    from textual.content import Content
    from textual.timer import Timer

    from streamscope.trial.plan import Step
    from streamscope.trial.session import Session, Setup, Wish
    from streamscope.trial.trial import Trial
    from streamscope.tui.app import StreamscopeApp
    from streamscope.tui.ended import EndedRun
    from streamscope.tui.shows import LiveShow, ReplayShow
    from streamscope.tui.widgets.channel_pane import ChannelPane

TICK_S = 1 / 20
"""How often clocks and bars are redrawn while something moves. Nothing ticks at rest."""

TYPING_S = 0.25
"""How long nothing must have been typed before the prompt is looked up in the history."""


class MainScreen(Screen[None]):
    """The instrument."""

    COMMAND_MESSAGES = commands.ALL
    BINDINGS = commands.RunPair.bindings(*commands.ALL)
    COMMANDS = {commands.MainCommands}
    HELP = faces.HELP
    AUTO_FOCUS = "#prompt"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (72, "-medium"), (100, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-tiny"), (18, "-short"), (30, "-tall")]

    def __init__(
        self, open_session: Callable[[], Session], request: Request, config: Config
    ) -> None:
        super().__init__()
        self._open_session = open_session
        self._session: Session | None = None
        self._request = request
        self._config = config
        self._setup: Setup | None = None
        self._trial: Trial | None = None
        self._layout: Layout = "apart"
        self._wanted = 0
        self._opening = True
        self._panes: dict[ChannelName, ChannelPane] = {}
        self._show: LiveShow | None = None
        self._replay: ReplayShow | None = None
        self._recall = Recall()
        self._typing: Timer | None = None
        self._doing = ""

    # ------------------------------------------------------------------ what is on the screen

    def compose(self) -> ComposeResult:
        """Lay out the frame: enough to see what this is, and to begin to type.

        What fills it is imported and mounted once that is on the screen.
        """
        yield Ends(id="title")
        yield Ends(id="notice")
        yield PromptEditor(self._request.prompt, id="prompt")
        with Container(id="panes"):
            for channel, title in (("a", "A streaming"), ("b", "B blocking")):
                frame = Container(id=f"frame-{channel}", classes=f"channel-{channel}")
                frame.border_title = title
                yield frame
        yield VerticalScroll(id="verdict")
        yield Container(id="history")
        yield Container(id="footer")

    def on_mount(self) -> None:
        """Begin to look for a server, once the first picture is on the screen."""
        self._ticker = self.set_interval(TICK_S, self._tick, pause=True)
        prompt = self._prompt
        prompt.border_title = "prompt"
        prompt.border_subtitle = faces.RUN_KEY
        self.query_one("#history").border_title = "history"
        self._draw_title()
        self._notice.show(faces.muted("looking for a server"))
        self._prompt.move_cursor(self._prompt.document.end)
        self.call_after_refresh(self._begin)

    def on_resize(self) -> None:
        """Choose what fits."""
        self._draw_title()

    @property
    def _prompt(self) -> PromptEditor:
        return self.query_one(PromptEditor)

    @property
    def _notice(self) -> Ends:
        return self.query_one("#notice", Ends)

    @property
    def _streamscope(self) -> StreamscopeApp:
        from streamscope.tui.app import StreamscopeApp

        assert isinstance(self.app, StreamscopeApp)
        return self.app

    def _draw_title(self) -> None:
        self.query_one("#title", Ends).show(
            faces.title(self._setup, short=self.size.width < 100),
            faces.state(self._layout, self._doing),
        )

    def _say(self, problem: str) -> None:
        self.notify(one_line(problem, 400), severity="error", timeout=12, markup=False)

    async def _begin(self) -> None:
        """Fill the frame and go to work, now that there is something to look at."""
        from textual.widgets import Footer

        from streamscope.tui.widgets.channel_pane import ChannelPane

        self._panes = {
            "A": ChannelPane("A", "stream", id="pane-a"),
            "B": ChannelPane("B", "blocking", id="pane-b"),
        }
        for name, pane in self._panes.items():
            await self.query_one(f"#frame-{name.lower()}").mount(pane)
        await self.query_one("#verdict").mount(Static())
        await self.query_one("#history").mount(Static(id="medians"), Static(id="recent"))
        await self.query_one("#footer").mount(Footer(compact=True, show_command_palette=False))
        self.refresh_bindings()
        # What is there now stays: the collector need not walk through it while text streams.
        gc.collect()
        gc.freeze()
        gc.enable()
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
            if self._session is None:
                self._session = await asyncio.to_thread(self._open_session)
                if self._session.notice:
                    self._say(self._session.notice)
            setup = await self._session.open(self._report, wish)
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
        self._show = None
        self._draw_history()
        if self._wanted:
            pairs, self._wanted = self._wanted, 0
            self._measure(pairs)

    def _no_server(self, why: str) -> None:
        """Say why there is nothing to measure, and what can be done."""
        self._wanted = 0
        self._show = None
        self._draw_title()
        self._verdict.update("")
        self.query_one("#history").border_title = "history"
        for part in ("#medians", "#recent"):
            self.query_one(part, Static).update("")
        self._notice.show(faces.bad(why))
        self._panes["A"].rest(one_line(why, 400), "no server")
        self._panes["B"].rest(faces.WITHOUT_SERVER, "no server")

    def _report(self, doing: str, share: float | None) -> None:
        self._notice.show(faces.progress(doing, share), faces.waiting_run(self._wanted))

    # ------------------------------------------------------------------------------- measuring

    @property
    def _busy(self) -> bool:
        return self._trial is not None

    def action_run_pair_command(self) -> None:
        """Run one pair, live, and play it again when both were measured apart."""
        self._start(1)

    def action_repeat_pairs_command(self) -> None:
        """Measure several pairs."""
        self._start(self._config.repeat)

    @on(PromptEditor.Submitted)
    def _submitted(self) -> None:
        self._start(1)

    def _start(self, pairs: int) -> None:
        if self._busy:
            self.notify("A run is under way: esc stops it.", markup=False)
            return
        if not self._prompt.text.strip():
            self.notify("The prompt is empty: type one, or find one with f3.", markup=False)
            return
        if self._setup is not None and not self._setup.alive:
            self._setup = None  # an engine of ours died: start it again
        if self._setup is None:
            self._wanted = pairs
            if self._opening:
                self.notify("It runs as soon as the server is ready.", markup=False)
            else:
                self._open()
            return
        self._measure(pairs)

    def _asked(self, setup: Setup) -> Request:
        """Return what is asked with the present prompt."""
        return setup.fill(msgspec.structs.replace(self._request, prompt=self._prompt.text))

    @work(group="measure", exclusive=True)
    async def _measure(self, pairs: int) -> None:
        """Carry out some pairs, and draw them."""
        setup, session = self._setup, self._session
        assert setup is not None
        assert session is not None
        self._end_replay()
        request = self._asked(setup)
        layout: Layout = "apart" if pairs > 1 else self._layout
        plan = session.interactive_plan(setup, request, pairs, layout)
        from streamscope.tui.shows import LiveShow

        show = self._show = LiveShow(self._panes, self._run_changed)
        self._recall.forget()
        self._verdict.update("")
        trial = session.trial(setup, request, plan, show)
        self._trial = trial
        self._ticker.resume()
        try:
            await trial.carry_out()
        finally:
            self._trial = None
            self._doing = ""
            if self.is_running:  # the app may be on its way out
                self._draw_title()
            if not self._replaying:
                self._ticker.pause()
        for pane in self._panes.values():
            if pane.trace is None:
                pane.rest(faces.NOT_RUN, "not run")
        self._draw_verdict()
        await session.saved()
        self._draw_history()
        for problem in session.problems():
            self._say(problem)
        whole = {"A", "B"} <= show.last.keys() and not trial.stopped
        if (
            whole
            and plan.layout == "apart"
            and pairs == 1
            and all(ended.run.trace.chunks for ended in show.last.values())
        ):
            self._begin_replay()

    def _run_changed(self, step: Step, run: Run | None) -> None:
        trial = self._trial
        if trial is None:
            return
        self._doing = faces.doing(step, trial.plan)
        self._draw_title()
        if run is not None and trial.plan.pairs > 1:
            self._draw_history()

    def action_stop_runs_command(self) -> None:
        """Stop the runs, or the replay."""
        if self._trial is not None:
            self._trial.stop()
        elif self._wanted:
            self._wanted = 0
            self.notify("It will not run by itself any more.", markup=False)
        elif self._replay is not None:
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

    # -------------------------------------------------------------------------------- replaying

    @property
    def _replaying(self) -> bool:
        return self._replay is not None and self._replay.playing

    def _begin_replay(self) -> None:
        from streamscope.tui.shows import ReplayShow

        pair = self._show.last if self._show is not None else {}
        if not {"A", "B"} <= pair.keys():
            pair = self._remembered_pair()
        if not pair:
            self.notify(
                "Nothing to replay: this prompt has no whole pair yet.", markup=False, timeout=3
            )
            return
        self._replay = ReplayShow(self._panes, pair)
        self._verdict.update(self._verdict_of(pair))
        self._ticker.resume()

    def _remembered_pair(self) -> dict[ChannelName, EndedRun]:
        """Return the newest whole pair of this prompt that the history holds, if there is one."""
        if self._setup is None or self._session is None:
            return {}
        from streamscope.tui.ended import EndedRun

        request = self._asked(self._setup)
        pair = self._session.last_pair(self._setup, request, self._layout)
        return {run.channel: EndedRun(run=run, figures=figures) for run, figures in pair}

    def _end_replay(self) -> None:
        if self._replay is not None:
            self._replay.leave()
            self._replay = None
            self._prompt.border_subtitle = faces.RUN_KEY
            self._doing = ""
            self._draw_title()

    def action_replay_pair_command(self) -> None:
        """Begin a replay, pause it, or go on."""
        if self._busy:
            return
        if self._replay is None:
            self._begin_replay()
        else:
            self._replay.toggle()
            self._ticker.resume()

    def action_slower_command(self) -> None:
        """Halve the speed."""
        self._with_replay(lambda replay: replay.change_speed(-1))

    def action_faster_command(self) -> None:
        """Double the speed."""
        self._with_replay(lambda replay: replay.change_speed(1))

    def action_step_back_command(self) -> None:
        """Go back a little, and pause."""
        self._with_replay(lambda replay: replay.step(-1))

    def action_step_forward_command(self) -> None:
        """Go on a little, and pause."""
        self._with_replay(lambda replay: replay.step(1))

    def _with_replay(self, act: Callable[[ReplayShow], None]) -> None:
        if self._busy:
            return
        if self._replay is None:
            self._begin_replay()
        if self._replay is not None:
            act(self._replay)
            self._ticker.resume()

    def _tick(self) -> None:
        """Draw what moves; stop ticking when nothing does."""
        if self._busy:
            assert self._show is not None
            self._show.tick()
        elif self._replay is not None:
            self._replay.tick()
            self._prompt.border_subtitle = faces.REPLAY_KEYS
            self._doing = faces.replaying(
                self._replay.position_s,
                self._replay.clock.speed,
                playing=self._replay.playing,
                finished=self._replay.finished,
            )
            self._draw_title()
            if self._replay.finished:
                self._prompt.border_subtitle = faces.RUN_KEY
            if not self._replay.playing:
                self._ticker.pause()
        else:
            self._ticker.pause()

    # ---------------------------------------------------------------------------- what came of it

    @property
    def _verdict(self) -> Static:
        return self.query_one("#verdict > Static", Static)

    def _verdict_of(self, pair: Mapping[ChannelName, EndedRun]) -> Content:
        from streamscope.tui import results

        return results.verdict(pair, contended=self._setup is None or self._setup.contended)

    def _draw_verdict(self) -> None:
        if self._show is not None:
            self._verdict.update(self._verdict_of(self._show.last))

    @on(PromptEditor.Changed)
    def _prompt_changed(self) -> None:
        """Look the prompt up when typing pauses: a key press never waits for the database."""
        if self._typing is not None:
            self._typing.stop()
        self._typing = self.set_timer(TYPING_S, self._draw_history)

    def _draw_history(self) -> None:
        """Show the medians of this prompt on this target, and its newest runs."""
        if self._setup is None or self._session is None:
            return
        from streamscope.history import HistoryError
        from streamscope.tui import results

        request = self._asked(self._setup)
        try:
            memory = self._session.memory(self._setup, request, self._layout)
        except HistoryError as error:
            self.query_one("#medians", Static).update(faces.bad(str(error)))
            return
        self.query_one("#history").border_title = results.history_title(memory, self._layout)
        self.query_one("#medians", Static).update(results.medians(memory))
        self.query_one("#recent", Static).update(results.recent(memory))

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

    def action_choose_target_command(self) -> None:
        """Choose server and model."""
        from streamscope.tui.screens.targets import TargetPicker

        if self._busy:
            self.notify("A run is under way: esc stops it.", markup=False)
            return

        if self._session is None:
            return

        def opened(wish: Wish | None) -> None:
            if wish is not None:
                self._end_replay()
                self._open(wish)

        self.app.push_screen(TargetPicker(self._session, self._setup), opened)

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
