"""The calibration: the real pane paints what a server with a known schedule sends, case by case."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Static
from textual.worker import Worker, WorkerCancelled, WorkerState

from streamscope.measure.calibration import CalibrationError
from streamscope.report import calibration_words as words
from streamscope.trial.calibration import Calibrating, Item, Progress
from streamscope.tui.course_words import about_time
from streamscope.tui.faces import bad, muted, plain
from streamscope.tui.paint_clock import PaintClock
from streamscope.tui.widgets.case_table import WIDE, CaseTable
from streamscope.tui.widgets.channel_pane import ChannelPane
from streamscope.tui.widgets.ends import Ends
from streamscope.tui.widgets.phase_track import scale_ns

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from streamscope.calibration import Calibration, Case
    from streamscope.trace import Chunk, Trace

BAR: Final = 24
"""Cells of the bar that shows how far it has come."""

PURPOSE: Final = "how wrong are the times that this machine measures?"


class CalibrateScreen(Screen["Calibration | None"]):
    """Carries out a calibration and paints it as a run is painted.

    Attributes:
        calibration: What came of it; ``None`` while it runs, and when it did not come to its end.
        problem: Why it did not, if nobody stopped it: a sentence.
    """

    HELP = """
    A server of streamscope's own writes pieces of text at moments that it knows, and the probe
    that measures all runs reads them, while this screen paints them as a run is painted. What the
    probe says they arrived is held against what the server knows.

    `esc` stops it, and nothing is kept; at the end it closes the screen.
    """
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "stop", "stop"),
        Binding("escape,enter", "close", "close", key_display="esc"),
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE + 75, "-beside")]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (32, "-tall")]
    CSS = """
    CalibrateScreen { layout: vertical; background: $background; }
    CalibrateScreen > #title { background: $panel; padding: 0 1; }
    CalibrateScreen > #doing { padding: 0 1; }
    CalibrateScreen > #body { height: 1fr; layout: vertical; }
    CalibrateScreen #body > Container {
        width: 100%;
        height: 1fr;
        min-height: 7;
        border: round $border-blurred;
        border-title-color: $text-muted;
        padding: 0 1;
    }
    CalibrateScreen #body > #cases { height: 18; padding: 0; }
    CalibrateScreen.-short #body > #cases { height: 9; }
    CalibrateScreen.-beside #body { layout: horizontal; }
    CalibrateScreen.-beside #body > Container { width: 1fr; height: 100%; }
    CalibrateScreen.-beside #body > #cases { width: 116; height: 100%; padding: 0 1; }
    CalibrateScreen > #said { height: 6; padding: 0 1; scrollbar-size-vertical: 1; }
    CalibrateScreen.-short > #said { height: 3; }
    CalibrateScreen #said > Static { height: auto; }
    CalibrateScreen > #footer { height: 1; background: $footer-background; }
    """

    def __init__(
        self,
        items: Sequence[Item],
        *,
        closes: bool = False,
        begun: Callable[[Progress, Item], None] = lambda *_: None,
    ) -> None:
        """Prepare.

        Args:
            items: The cases.
            closes: Whether it closes by itself at the end: nobody is there to do it.
            begun: Told when a case begins.
        """
        super().__init__()
        self.calibration: Calibration | None = None
        self.problem = ""
        self._closes = closes
        self._calibrating = Calibrating(items, self, painted=True)
        self._clock = PaintClock(self, self._paint)
        self._pane = ChannelPane("A", "stream", id="pane-a")
        self._table = CaseTable(items)
        self._phase = ""
        self._begun = begun
        self._work: Worker[None] | None = None

    def compose(self) -> ComposeResult:
        """Lay out the pane that paints, and the cases."""
        yield Ends(id="title")
        yield Ends(id="doing")
        with Container(id="body"):
            with Container(id="stream", classes="channel-a"):
                yield self._pane
            with Container(id="cases"):
                yield self._table
        with VerticalScroll(id="said"):
            yield Static()
        with Container(id="footer"):
            yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        """Begin as soon as there is something to look at."""
        self.query_one("#stream").border_title = "what arrives, painted as a run is"
        self.query_one("#cases").border_title = "how far its times were off, in ms"
        self._pane.text.ask = self._clock.ask
        self._say(muted(PURPOSE[:1].upper() + PURPOSE[1:]))
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        self._pane.rest("")
        self._clock.resume()
        self._work = self._calibrate()

    @work(group="calibrate", exclusive=True)
    async def _calibrate(self) -> None:
        """Carry it out; whatever its end, no process is left."""
        try:
            self.calibration = await self._calibrating.carry_out()
        except CalibrationError as error:
            self.problem = str(error)

    async def on_unmount(self) -> None:
        """Leave no process behind, however the app ends."""
        if self._work is not None and not self._work.is_finished:
            self._work.cancel()
            with suppress(WorkerCancelled):
                await self._work.wait()

    # ------------------------------------------------------------------- what the trial tells

    def doing(self, words_: str) -> None:
        """Name what is being done."""
        self._phase = words_

    def case_started(self, number: int, item: Item, tries: int) -> None:
        """Get the pane and the table ready."""
        again = "" if tries == 1 else f" · the server was late, try {tries}"
        self._phase = f"{words.described(item.schedule, item.clock)}{again}"
        if tries == 1:
            self._begun(self._calibrating.progress, item)
        self._table.begin(number, self._calibrating.items)
        self._pane.begin()

    def moved(self, trace: Trace, new: list[Chunk]) -> None:
        """Hand the news to the pane, as in a run."""
        self._pane.take(trace, new)

    def case_ended(self, number: int, case: Case) -> None:
        """Show what came of it."""
        self._table.end(number, case)

    # ----------------------------------------------------------------------------- painting

    def _paint(self, moves: bool = True) -> None:
        """Draw all text that has come, and maybe what moves: one update of the screen."""
        if not self.is_running:  # it is being taken down
            return
        if moves:
            self._tick()
        self._pane.text.paint()

    def _tick(self) -> None:
        """Draw what moves by itself."""
        trace = self._pane.trace
        if trace is not None and trace.sent_monotonic_ns:
            now_ns = trace.marks.get("closed", time.monotonic_ns() - trace.sent_monotonic_ns)
            self._pane.tick(now_ns, scale_ns(now_ns))
        self._draw_progress()

    def _draw_progress(self) -> None:
        at = self._calibrating.progress
        done = self._ended
        share = 1.0 if done else at.elapsed_s / max(at.elapsed_s + at.left_s, 1e-9)
        full = round(BAR * share)
        bar = Content.assemble(
            ("━" * full, "$accent"), ("━" * (BAR - full), "$border-blurred"), f"  {self._phase}"
        )
        left = "" if done else f"about {about_time(at.left_s)} left"
        self.query_one("#doing", Ends).show(bar, muted(left))
        where = f"case {at.number:2} of {at.of} · {at.elapsed_s:3.0f} s" if at.number else ""
        self.query_one("#title", Ends).show(
            Content.assemble(("streamscope calibrate", "bold")), muted(where)
        )

    def _say(self, content: Content) -> None:
        self.query_one("#said > Static", Static).update(content)

    # ---------------------------------------------------------------------------- its end

    @property
    def _ended(self) -> bool:
        return self._work is not None and self._work.is_finished

    @on(Worker.StateChanged)
    def _over(self, event: Worker.StateChanged) -> None:
        """Say what came of it, or leave if it was stopped."""
        if event.worker is not self._work or not self._work.is_finished:
            return
        self._clock.pause()
        if event.state is WorkerState.CANCELLED or self._closes:
            self._leave()
            return
        self._phase = "ended before its end" if self.problem else "done"
        self._draw_progress()
        self._table.rest()
        self.refresh_bindings()
        if self.calibration is None:
            self._say(bad(self.problem))
            return
        said = [plain(words.summary(self.calibration), "bold")]
        said += [muted(remark) for remark in words.remarks(self.calibration)]
        self._say(Content("\n").join(said))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what can be done now."""
        del parameters
        if action == "stop":
            return not self._ended
        if action == "close":
            return self._ended
        return True

    def action_stop(self) -> None:
        """Stop it at once; nothing is kept."""
        if self._work is None:
            self._leave()
        else:
            self._work.cancel()

    def action_close(self) -> None:
        """Close the screen."""
        self._leave()

    def _leave(self) -> None:
        if len(self.app.screen_stack) > 1:
            self.dismiss(self.calibration)
        else:
            self.app.exit()
