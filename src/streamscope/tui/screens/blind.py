"""The blind test: a pair is played again, nobody says which side is which, and the person votes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import ContentSwitcher, Footer, Input, Static

from streamscope.trial.blind import (
    SIDES,
    Round,
    Side,
    UnfitError,
    fair_coin,
    read_seconds,
    subjects,
)
from streamscope.trial.votes import BlindTest
from streamscope.tui import commands
from streamscope.tui.faces import bad, muted
from streamscope.tui.widgets.ends import Ends
from streamscope.tui.widgets.field import Field
from streamscope.tui.widgets.text_pane import TextPane

if TYPE_CHECKING:
    from textual.timer import Timer

    from streamscope.history import History
    from streamscope.trace import ChannelName
    from streamscope.trial.blind import Said, Stage
    from streamscope.tui.ended import EndedRun

TICK_S: Final = 1 / 25
"""How often the replays are drawn."""

ABOUT: Final = (
    "Two answers to the same prompt will come, left and right, as fast as they really came. Sides"
    " are drawn by lot in each round; thinking is not shown. Then you are asked which felt faster,"
    " and how long each made you wait."
)
AGAIN: Final = "The sides are drawn anew. The same questions follow."
WATCH: Final = "Watch both. You can answer as soon as there is text on both sides."
FASTER: Final = "Which felt faster?"
HOW_LONG: Final = "How long did you wait before you could start reading on the {}?"
KEYS: Final = "← or l: left · → or r: right · t: no difference"
READY: Final = "Ready? enter starts."
SKIP: Final = "enter alone skips it"
NOTED: Final = "Your vote counts. Another round, or see what the votes show?"

COUNTING: Final = "Counting the votes …"


class StillPane(TextPane, can_focus=False):
    """A text pane that stays at the top, so that both sides are read from their beginning."""

    def validate_following(self, following: bool) -> bool:
        """Never follow the end."""
        del following
        return False


class SecondsField(Field):
    """A field for a time; the footer shows its keys."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "next"),
        Binding("up", "screen.back", "back", key_display="↑"),
    ]


class BlindScreen(Screen[None]):
    """Rounds of two hidden replays and three questions; at the end, what the votes show."""

    HELP = """
    The last pair is played again, both sides on one clock at true speed. Which side is the stream
    is drawn by lot in each round, and no clock, phase or figure is shown. Vote as soon as there is
    text on both sides; then say how long the wait for the first readable text felt on each, in
    seconds, or press `enter` alone to skip that. `up` goes back by one question, page up and page
    down scroll both sides.

    `esc` ends the test and shows what all votes about this prompt and target come to. Ties are
    left out of the test, and told. One person's votes are about that person.
    """

    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "begin", "start"),
        Binding("enter", "again", "another round"),
        Binding("left,l", "vote('left')", "left", key_display="←"),
        Binding("right,r", "vote('right')", "right", key_display="→"),
        Binding("t,down", "vote('tie')", "no difference"),
        Binding("pagedown", "scroll(1)", "scroll", show=False),
        Binding("pageup", "scroll(-1)", "scroll", show=False),
        Binding("escape", "finish", "end"),
        Binding("escape", "results", "results"),
        Binding("escape", "close", "close"),
        *commands.Help.bindings(commands.Help),
    ]

    CSS = """
    BlindScreen { background: $background; }
    BlindScreen > #title { background: $panel; padding: 0 1; }
    BlindScreen > ContentSwitcher { height: 1fr; }
    BlindScreen > #footer { height: 1; background: $footer-background; }
    BlindScreen #sides { height: 1fr; }
    BlindScreen #sides > Container {
        width: 1fr;
        height: 100%;
        border: round $border-blurred;
        border-title-color: $text-muted;
        padding: 0 1;
    }
    BlindScreen StillPane { background: $background; }
    BlindScreen #asking { height: 5; padding: 1 2 0 2; }
    BlindScreen #question { height: auto; max-height: 3; }
    BlindScreen #asking Input { display: none; height: 1; background: $surface; max-width: 40; }
    BlindScreen #asking.-seconds Input { display: block; }
    BlindScreen #remark { height: 1; }
    BlindScreen #votes { padding: 1 2; scrollbar-size-vertical: 1; }
    """

    def __init__(
        self,
        pair: Mapping[ChannelName, EndedRun],
        history: History | None,
        *,
        coin: Callable[[], bool] = fair_coin,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """Take what is voted on.

        Args:
            pair: The ended runs, by side. A pair that is not fit for it is refused in a sentence.
            history: Where votes are kept; ``None`` if nowhere.
            coin: Whether the stream goes to the left in the next round.
            clock: The monotonic time, ns.
        """
        super().__init__()
        self._kept = history is not None
        self._clock = clock
        self._unfit = ""
        self._test: BlindTest | None = None
        self._round: Round | None = None
        self._number = 1
        self._revealed = False
        try:
            both = subjects((ended.run, ended.figures) for ended in pair.values())
        except UnfitError as error:
            self._unfit = str(error)
        else:
            self._test = BlindTest(both, history, coin=coin)
            self._round = self._test.draw()

    def compose(self) -> ComposeResult:
        """Lay out the round and the page that follows it, of which one is seen."""
        yield Ends(id="title")
        with ContentSwitcher(initial="votes" if self._unfit else "round"):
            with Vertical(id="round"):
                with Horizontal(id="sides"):
                    for side in SIDES:
                        frame = Container(StillPane(id=f"text-{side}"))
                        frame.border_title = side
                        yield frame
                with Vertical(id="asking"):
                    yield Static(id="question")
                    yield SecondsField(placeholder="seconds, such as 2.5", compact=True)
                    yield Static(id="remark")
            yield VerticalScroll(Static(bad(self._unfit), id="page"), id="votes")
        with Container(id="footer"):
            yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        """Ask whether to begin."""
        self._ticker: Timer = self.set_interval(TICK_S, self._tick, pause=True)
        self._draw()

    @property
    def _stage(self) -> Stage | None:
        """Where the round is; ``None`` once there is none any more."""
        return None if self._round is None or self._revealed else self._round.stage

    def _pane(self, side: Side) -> StillPane:
        return self.query_one(f"#text-{side}", StillPane)

    # ---------------------------------------------------------------------------------- drawing

    def _draw(self) -> None:
        """Ask what is to be asked now, and show the keys for it."""
        stage = self._stage
        right = muted(f"round {self._number}") if stage is not None else None
        self.query_one("#title", Ends).show(Content.styled("blind test", "bold $accent"), right)
        if stage is not None:
            self.query_one("#question", Static).update(self._question(stage))
            self.query_one("#remark", Static).update(self._remark(stage))
            field = self.query_one(Input)
            asked = stage in SIDES
            self.query_one("#asking").set_class(asked, "-seconds")
            if asked:
                field.clear()
                field.focus()
            else:
                self.set_focus(None)
        self.refresh_bindings()

    def _question(self, stage: Stage) -> Content:
        if stage in ("left", "right"):
            return Content.styled(HOW_LONG.format(stage.upper()), "bold")
        if stage == "over":
            return Content(NOTED)
        if stage == "ready":
            return Content(ABOUT if self._number == 1 else AGAIN)
        assert self._round is not None
        return Content.styled(FASTER, "bold") if self._round.may_vote else muted(WATCH)

    def _remark(self, stage: Stage) -> Content:
        if stage == "ready":
            return Content.styled(READY, "bold")
        if stage == "watching":
            assert self._round is not None
            return muted(KEYS) if self._round.may_vote else Content()
        return muted(SKIP) if stage in SIDES else Content()

    def _tick(self) -> None:
        """Draw what has come."""
        assert self._round is not None
        now = self._clock()
        could_vote = self._round.may_vote
        for side, text in self._round.advance(now).items():
            self._pane(side).append("answer", text)
        if self._round.may_vote != could_vote:
            self._draw()
        if not self._round.playing(now):
            self._ticker.pause()

    # ------------------------------------------------------------------------------------- keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what can be done now; commands of the main screen mean nothing here."""
        if action.endswith("_command"):
            return hasattr(self, f"action_{action}")
        stage = self._stage
        match action:
            case "begin":
                return stage == "ready"
            case "again":
                return stage == "over"
            case "back":
                return stage in SIDES
            case "finish":
                return stage not in (None, "over")
            case "results":
                return stage == "over"
            case "close":
                return stage is None
            case "vote":
                return self._round is not None and stage is not None and self._round.may_vote
            case "scroll":
                return stage is not None
        return super().check_action(action, parameters)

    def action_begin(self) -> None:
        """Start both replays."""
        assert self._round is not None
        self._round.start(self._clock())
        self._ticker.resume()
        self._draw()

    def action_vote(self, said: Said) -> None:
        """Say which felt faster."""
        assert self._round is not None
        self._round.vote(said)
        self._draw()

    @on(Input.Submitted)
    def _typed(self, event: Input.Submitted) -> None:
        """Take what was typed for the wait on one side."""
        assert self._round is not None
        assert self._test is not None
        try:
            seconds = read_seconds(event.value)
        except ValueError as error:
            self.query_one("#remark", Static).update(bad(str(error)))
            return
        self._round.estimate(seconds)
        if self._round.stage == "over":
            self._test.keep(self._round)
        self._draw()

    def action_back(self) -> None:
        """Go back by one question."""
        assert self._round is not None
        self._round.back()
        self._draw()

    def action_again(self) -> None:
        """Get ready for another round."""
        assert self._test is not None
        self._ticker.pause()
        for side in SIDES:
            self._pane(side).clear()
        self._round = self._test.draw()
        self._number += 1
        self._draw()

    def action_scroll(self, pages: int) -> None:
        """Scroll both sides alike."""
        for side in SIDES:
            pane = self._pane(side)
            pane.scroll_relative(y=pages * max(1, pane.size.height - 1), animate=False)

    def action_finish(self) -> None:
        """End the round that is under way, and show what the votes come to."""
        assert self._round is not None
        assert self._test is not None
        if self._round.stage in SIDES:  # what was said counts, without what was not
            with suppress(ValueError):
                self._round.estimate(read_seconds(self.query_one(Input).value))
            self._test.keep(self._round)
        self.action_results()

    def action_results(self) -> None:
        """Show what the votes come to."""
        assert self._test is not None
        self._revealed = True
        self._ticker.pause()
        self._draw()
        if not (self._test.votes or self._kept):
            self.dismiss()
            return
        self.query_one("#page", Static).update(muted(COUNTING))
        self.query_one(ContentSwitcher).current = "votes"
        self.query_one("#votes").focus()
        self._reveal()

    def action_close(self) -> None:
        """Go back."""
        self.dismiss()

    @work(exclusive=True)
    async def _reveal(self) -> None:
        """Count the votes, and show them."""
        assert self._test is not None
        results = await asyncio.to_thread(self._test.results)
        from streamscope.tui.revealed import count, votes_page

        if not count(results.together) and not results.problems and self.is_current:
            self.dismiss()
            return
        self.query_one("#page", Static).update(votes_page(results, kept=self._kept))

    def action_help_command(self) -> None:
        """Show what the keys do, and what is asked."""
        from textual_enhanced.dialogs import HelpScreen  # Markdown is not needed before

        self.app.push_screen(HelpScreen(self))
