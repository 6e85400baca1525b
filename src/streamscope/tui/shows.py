"""What the panes show: runs while they happen, and recorded ones again."""

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from streamscope.measure.eye import shown
from streamscope.trace import ChannelName, Chunk, Run, Shown, Trace
from streamscope.trial.plan import Step
from streamscope.trial.replay import Playback, ReplayClock, end_ns
from streamscope.tui import faces
from streamscope.tui.ended import EndedRun
from streamscope.tui.widgets.channel_pane import ChannelPane
from streamscope.tui.widgets.phase_track import scale_ns

if TYPE_CHECKING:
    from streamscope.measure.figures import Figures

Panes = Mapping[ChannelName, ChannelPane]

STEP_NS = 100_000_000
"""How far a step moves a replay."""


class LiveShow:
    """Draws runs while they happen. It is the listener of a trial.

    Attributes:
        last: The runs of the present pair that are over, by side.
        whole: Both runs of the last pair that came to a good end on both sides; empty before.
    """

    def __init__(self, panes: Panes, changed: Callable[[Step, Run | None], None]) -> None:
        """Prepare.

        Args:
            panes: Where to draw.
            changed: Told when a run begins (without it) and when it is over (with it).
        """
        self._panes = panes
        self._changed = changed
        self._under_way: dict[ChannelName, Trace | None] = {}
        self._ended: dict[ChannelName, EndedRun] = {}
        self.last: dict[ChannelName, EndedRun] = {}
        self.whole: dict[ChannelName, EndedRun] = {}

    @property
    def live(self) -> bool:
        """Whether a run is under way."""
        return bool(self._under_way)

    def run_started(self, step: Step, started_ns: int) -> None:
        """Get the pane ready."""
        del started_ns
        if step.position == 1 and not self._under_way:
            # What the panes still hold belongs to the pair before: not to be seen beside this one.
            self.last.clear()
            self._ended.clear()
            for name, pane in self._panes.items():
                if name != step.channel:
                    pane.rest(faces.TURN_COMES, "its turn comes next")
        self._ended.pop(step.channel, None)
        self._under_way[step.channel] = None
        self._panes[step.channel].begin(warmup=step.warmup)
        self._changed(step, None)

    def run_moved(self, step: Step, trace: Trace, new: list[Chunk]) -> None:
        """Hand the news to the pane."""
        if step.channel in self._under_way:
            self._under_way[step.channel] = trace
            self._panes[step.channel].take(trace, new, live=True)

    async def painted(self, step: Step, trace: Trace) -> Shown | None:
        """Say when the text of a run was on the screen."""
        del trace
        pane = self._panes[step.channel]
        if not pane.screen.is_current:  # covered by another one: nothing of it is seen
            return None
        return shown(await pane.text.all_seen())

    def run_ended(self, step: Step, run: Run, figures: "Figures") -> None:
        """Draw the exact figures."""
        self._under_way.pop(step.channel, None)
        ended = self._ended[step.channel] = EndedRun(run=run, figures=figures)
        # A warm-up is dropped, but why it failed is worth knowing.
        if not step.warmup or run.trace.fault is not None:
            self.last[step.channel] = ended
        if len(self.last) == len(self._panes) and all(
            each.run.trace.ok and not each.run.warmup for each in self.last.values()
        ):
            self.whole = dict(self.last)
        scale = self._scale(time.monotonic_ns())
        self._panes[step.channel].finish(ended, scale)
        self._rescale(scale)
        self._changed(step, run)

    def tick(self) -> None:
        """Draw the present."""
        now = time.monotonic_ns()
        scale = self._scale(now)
        for name, trace in self._under_way.items():
            if trace is not None and trace.sent_monotonic_ns:
                self._panes[name].tick(now - trace.sent_monotonic_ns, scale)
        self._rescale(scale)

    def _rescale(self, scale: int) -> None:
        """Draw the bars of runs that are over on the scale of those that are not."""
        for name, ended in self._ended.items():
            if name not in self._under_way:
                self._panes[name].rescale(end_ns(ended.run.trace), scale)

    def _scale(self, now_ns: int) -> int:
        """Return a scale that holds all that both panes show."""
        needed = [end_ns(ended.run.trace) for ended in self._ended.values()]
        needed += [
            now_ns - trace.sent_monotonic_ns
            for trace in self._under_way.values()
            if trace is not None and trace.sent_monotonic_ns
        ]
        return scale_ns(max(needed, default=0))


class ReplayShow:
    """Plays a pair again, both panes on one clock from the moment of sending."""

    def __init__(self, panes: Panes, pair: Mapping[ChannelName, EndedRun]) -> None:
        self._panes = panes
        self._pair = dict(pair)
        self._playbacks = {name: Playback(ended.run.trace) for name, ended in pair.items()}
        end = max(end_ns(ended.run.trace) for ended in pair.values())
        self._scale = scale_ns(end)
        self._drawn: set[ChannelName] = set()
        self.clock = ReplayClock(end, time.monotonic_ns())
        self._at_ns = 0
        for name in self._pair:
            self._begin(name)

    def _begin(self, name: ChannelName) -> None:
        self._panes[name].begin(self._pair[name].run.trace.mode)

    @property
    def playing(self) -> bool:
        """Whether time passes in it."""
        return self.clock.playing and not self.finished

    @property
    def finished(self) -> bool:
        """Whether its end is drawn: time may have come to it before anybody has looked."""
        return self._at_ns >= self.clock.end_ns

    @property
    def position_s(self) -> float:
        """The moment that is drawn, s since sent."""
        return self._at_ns / 1e9

    def tick(self) -> None:
        """Draw the moment that the clock has come to."""
        position = self._at_ns = self.clock.position_ns(time.monotonic_ns())
        for name, playback in self._playbacks.items():
            pane = self._panes[name]
            new, back = playback.advance(position)
            if back:
                self._begin(name)
                self._drawn.discard(name)
            if playback.view is playback.trace:
                if name not in self._drawn:
                    pane.take(playback.trace, new)
                    pane.finish(self._pair[name], self._scale)
                    self._drawn.add(name)
            else:
                pane.take(playback.view, new)
                pane.tick(position, self._scale)

    def toggle(self) -> None:
        """Pause, go on, or begin again."""
        self.clock.toggle(time.monotonic_ns())

    def step(self, steps: int) -> None:
        """Move by some tenths of a second, and stay there."""
        now = time.monotonic_ns()
        position = self.clock.position_ns(now)
        self.clock.playing = False
        self.clock.seek(position + steps * STEP_NS, now)

    def change_speed(self, steps: int) -> None:
        """Go slower or faster."""
        self.clock.change_speed(steps, time.monotonic_ns())

    def leave(self) -> None:
        """Show the end at once."""
        self.clock.seek(self.clock.end_ns, time.monotonic_ns())
        self.tick()
