"""The replay's commands on the main screen."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from streamscope.tui import faces
from streamscope.tui.screens.frame import Frame

if TYPE_CHECKING:
    from streamscope.trace import ChannelName
    from streamscope.tui.ended import EndedRun
    from streamscope.tui.replaying import Looks, Replaying

Pair = Mapping["ChannelName", "EndedRun"]
"""The runs of a pair, by side; empty where there is none."""


class Replays(Frame):
    """Plays pairs again in both panes."""

    _replaying: Replaying

    @property
    @abstractmethod
    def _busy(self) -> bool:
        """Whether something is being measured."""

    @abstractmethod
    def _pair(self) -> Pair:
        """Return the pair that the panes show, or else the newest one of this prompt."""

    @abstractmethod
    def _draw_verdict(self, pair: Pair) -> None:
        """Say what came of a pair, and draw its plot."""

    @abstractmethod
    def _draw_plot(self, pair: Pair) -> None:
        """Draw when what could be read in a pair."""

    @abstractmethod
    def _replay_over(self) -> None:
        """Take note that a replay has ended, or come to its end."""

    def _filled(self) -> None:
        """Get ready to replay: there are panes."""
        from streamscope.tui.replaying import Replaying

        self._replaying = Replaying(self._panes, self._ticker.resume)

    def _begin_replay(self) -> None:
        pair = self._pair()
        if not pair:
            self.notify(
                "Nothing to replay: this prompt has no whole pair yet.", markup=False, timeout=3
            )
            return
        self._replaying.begin(pair)
        self._draw_verdict(pair)
        self._draw_plot(self._replaying.shown)

    def _end_replay(self) -> None:
        if self._replaying.on:
            self._replaying.end()
            self._prompt.border_subtitle = faces.RUN_KEY
            self._doing = ""
            self._memory.mark(None)
            self._draw_title()
            self._replay_over()

    def action_replay_pair_command(self) -> None:
        """Begin a replay, pause it, or go on."""
        if self._busy or not self._panes:
            return
        if self._replaying.on:
            self._replaying.toggle()
        else:
            self._begin_replay()

    def action_slower_command(self) -> None:
        """Halve the speed."""
        self._with_replay(lambda replaying: replaying.change_speed(-1))

    def action_faster_command(self) -> None:
        """Double the speed."""
        self._with_replay(lambda replaying: replaying.change_speed(1))

    def action_step_back_command(self) -> None:
        """Go back a little, and pause."""
        self._with_replay(lambda replaying: replaying.step(-1))

    def action_step_forward_command(self) -> None:
        """Go on a little, and pause."""
        self._with_replay(lambda replaying: replaying.step(1))

    def _with_replay(self, act: Callable[[Replaying], None]) -> None:
        if self._busy or not self._panes:
            return
        if not self._replaying.on:
            self._begin_replay()
        act(self._replaying)

    def action_change_display_command(self) -> None:
        """Choose how the replay shows each side."""
        if self._busy:
            self.notify(f"{faces.BUSY} Then the replay can be displayed otherwise.", markup=False)
            return
        pair = self._pair() if self._panes else {}
        if not pair:
            self.notify("Nothing to display yet: run the prompt first.", markup=False)
            return
        from streamscope.tui.screens.display import DisplayPicker

        def chosen(looks: Looks | None) -> None:
            if looks is not None:
                self._end_replay()
                self._look(looks)
                self._begin_replay()

        self.app.push_screen(DisplayPicker(pair, self._replaying.looks), chosen)

    def _show_plain(self) -> None:
        """Show each side as it is measured, from now on."""
        from streamscope.tui.replaying import PLAIN

        self._look(PLAIN)

    def _look(self, looks: Looks) -> None:
        """Show each side like this, from now on, and write above its pane what it is."""
        from streamscope.tui.replaying import PLAIN, side_title

        self._replaying.looks = looks
        self._displayed = {
            name: side_title(name, look) for name, look in looks.items() if look != PLAIN[name]
        }
        self._draw_sides()

    def _tick(self) -> None:
        """Draw the replay; stop ticking when nothing moves."""
        if self._replaying.on:
            self._replaying.tick()
            finished = self._replaying.finished
            self._prompt.border_subtitle = faces.RUN_KEY if finished else faces.REPLAY_KEYS
            was, self._doing = self._doing, self._replaying.doing
            self._memory.mark(self._replaying.position_s)
            self._draw_title()
            if was and finished:
                self._replay_over()
        if not self._replaying.playing:
            self._ticker.pause()
