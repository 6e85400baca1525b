"""The frame of the main screen: what is drawn where, and nothing of what happens in it."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from streamscope.tui import faces, naming
from streamscope.tui.paint_clock import PaintClock
from streamscope.tui.widgets.ends import Ends
from streamscope.tui.widgets.prompt import PromptEditor
from streamscope.tui.widgets.sanitize import one_line
from streamscope.tui.widgets.verdict_panel import VerdictPanel

if TYPE_CHECKING:
    from streamscope.sides import Sides
    from streamscope.trace import ChannelName, Layout
    from streamscope.trial.setup import Matchup
    from streamscope.tui.app import StreamscopeApp
    from streamscope.tui.widgets.channel_pane import ChannelPane
    from streamscope.tui.widgets.memory_panel import MemoryPanel


class Frame(Screen[None]):
    """Title, notice, prompt, two panes, verdict, what is remembered, and the keys."""

    AUTO_FOCUS = "#prompt"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (72, "-medium"), (100, "-wide")]
    VERTICAL_BREAKPOINTS = [
        (0, "-tiny"),
        (18, "-short"),
        (30, "-tall"),
        (38, "-roomy"),
        (44, "-high"),
    ]

    _ticker: PaintClock
    _memory: MemoryPanel

    def __init__(self, prompt: str) -> None:
        """Prepare.

        Args:
            prompt: What stands in the editor at first.
        """
        super().__init__()
        self._first_prompt = prompt
        self._matchup: Matchup | None = None
        self._sides: Sides | None = None
        self._displayed: dict[ChannelName, str] = {}
        self._layout: Layout = "apart"
        self._doing = ""
        self._panes: dict[ChannelName, ChannelPane] = {}

    def compose(self) -> ComposeResult:
        """Lay out the frame: enough to see what this is, and to begin to type.

        What fills it is imported and mounted once that is on the screen.
        """
        yield Ends(id="title")
        yield Ends(id="notice")
        yield PromptEditor(self._first_prompt, id="prompt")
        with Container(id="panes"):
            for name in naming.USUAL:
                side = name.lower()
                yield Container(id=f"frame-{side}", classes=f"channel-{side}")
        yield VerdictPanel(id="verdict")
        yield Container(id="history")
        yield Container(id="footer")

    def on_mount(self) -> None:
        """Draw what is known at once; fill the rest when that is on the screen."""
        self._ticker = PaintClock(self, self._paint, self._move)
        prompt = self._prompt
        prompt.border_title = "prompt"
        prompt.border_subtitle = faces.RUN_KEY
        self.query_one("#history").border_title = "history"
        self._draw_title()
        self._draw_sides()
        self._notice.show(faces.muted("looking for a server"))
        prompt.move_cursor(prompt.document.end)
        self.call_after_refresh(self._begin)

    def on_resize(self) -> None:
        """Choose what fits."""
        self._draw_title()
        self._draw_sides()

    async def _begin(self) -> None:
        """Fill the frame and go to work, now that there is something to look at."""
        from textual.widgets import Footer

        from streamscope.tui.widgets.channel_pane import ChannelPane
        from streamscope.tui.widgets.memory_panel import MemoryPanel

        self._panes = {
            "A": ChannelPane("A", "stream", id="pane-a"),
            "B": ChannelPane("B", "blocking", id="pane-b"),
        }
        for name, pane in self._panes.items():
            await self.query_one(f"#frame-{name.lower()}").mount(pane)
            pane.text.ask = self._ticker.ask
        self._streamscope.frame_out.subscribe(self, self._frame_out, immediate=True)
        await self.query_one(VerdictPanel).fill()
        self._memory = MemoryPanel()
        await self.query_one("#history").mount(self._memory)
        await self.query_one("#footer").mount(Footer(compact=True, show_command_palette=False))
        self.refresh_bindings()
        # What is there now stays: the collector need not walk through it while text streams.
        gc.collect()
        gc.freeze()
        gc.enable()
        self._filled()

    def _filled(self) -> None:
        """Go to work: the frame is filled."""

    def _paint(self) -> None:
        """Draw all text that has come."""
        if self.is_running:  # and not being taken down
            for pane in self._panes.values():
                pane.text.paint()

    def _move(self) -> None:
        """Draw what moves: with the text, it is one update of the screen."""
        if self.is_running:
            self._tick()

    def _tick(self) -> None:
        """Draw what moves."""

    @property
    def calm(self) -> bool:
        """Whether it paints seldom, so that what is measured has the processor."""
        return self._ticker.calm

    def _frame_out(self, now_ns: int) -> None:
        """Take note of what the frame showed that is out."""
        for pane in self._panes.values():
            pane.text.frame_out(now_ns)

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

    @property
    def _verdict(self) -> Static:
        return self.query_one("#verdict > .said", Static)

    def _draw_title(self) -> None:
        short = self.size.width < 100
        error = "" if short and self._doing else self._error_words()
        self.query_one("#title", Ends).show(
            faces.title(self._matchup, short=short), faces.state(self._how, self._doing, error)
        )

    @property
    def _how(self) -> str:
        """How what is on the screen was measured, or the next pair will be."""
        return self._layout

    def _be_between(self, sides: Sides | None) -> None:
        """Be about these two channels: what the panes are called, and how their empty ones look.

        Args:
            sides: The channels; ``None`` where only one is known, or none.
        """
        self._sides = sides
        if sides is not None:
            for name, pane in self._panes.items():
                pane.deliver(sides.side(name).mode)
        self._draw_sides()

    def _draw_sides(self) -> None:
        """Write above each pane what it shows."""
        for name in naming.USUAL:
            frame = self.query_one(f"#frame-{name.lower()}")
            # Its own width is not known before it was laid out. A border leaves room to both ends.
            stacked = self.has_class("-narrow") and not self.has_class("-tiny")
            room = (self.size.width if stacked else self.size.width // 2) - 6
            frame.border_title = Content(
                self._displayed.get(name) or naming.pane_title(self._sides, name, room)
            )

    def _error_words(self) -> str:
        """Say how wrong times may be; nothing where that is not known."""
        return ""

    def _say(self, problem: str) -> None:
        self.notify(one_line(problem, 400), severity="error", timeout=12, markup=False)
