"""The replay: which runs are played again, how they are displayed, and its clock's controls."""

from collections.abc import Callable, Mapping

import msgspec

from streamscope.measure.figures import measure
from streamscope.measure.pacing import Pacing, pace
from streamscope.trace import ChannelName
from streamscope.tui import faces
from streamscope.tui.ended import EndedRun
from streamscope.tui.shows import Panes, ReplayShow

RAW = Pacing(kind="raw")


class Look(msgspec.Struct, frozen=True):
    """How one side of a replay is displayed.

    Attributes:
        source: Whose run it shows.
        pacing: When what had arrived is shown.
    """

    source: ChannelName
    pacing: Pacing = RAW


Looks = Mapping[ChannelName, Look]

PLAIN: Looks = {"A": Look("A"), "B": Look("B")}
"""Each side as it was measured."""


def displayed(pair: Mapping[ChannelName, EndedRun], looks: Looks) -> dict[ChannelName, EndedRun]:
    """Return what a replay shows: for each side a run, with the figures of how it is displayed."""
    shown: dict[ChannelName, EndedRun] = {}
    for side, look in looks.items():
        if look.source not in pair:
            continue  # only one side was recorded
        ended = pair[look.source]
        if look.pacing != RAW:
            # When it was on the screen is known of the run as it came, not as it is displayed.
            paced = msgspec.structs.replace(pace(ended.run.trace, look.pacing), shown=None)
            run = msgspec.structs.replace(ended.run, trace=paced)
            ended = EndedRun(run=run, figures=measure(run.trace))
        shown[side] = ended
    return shown


def side_title(side: ChannelName, look: Look) -> str:
    """Return what stands above a pane while it shows something else than its own run."""
    source = "" if look.source == side else f"{look.source}'s answer, "
    return f"{side} {source}{look.pacing.label}"


class Replaying:
    """At most one replay, and what the person does with it.

    Attributes:
        looks: How each side is displayed from the next replay on.
        shown: What the last replay showed, by side.
    """

    def __init__(self, panes: Panes, changed: Callable[[], None]) -> None:
        """Prepare.

        Args:
            panes: Where to draw.
            changed: Told when something moves again, so that somebody calls ``tick``.
        """
        self._panes = panes
        self._changed = changed
        self._show: ReplayShow | None = None
        self.shown: dict[ChannelName, EndedRun] = {}
        self.looks: Looks = PLAIN

    @property
    def on(self) -> bool:
        """Whether there is a replay, playing, paused or at its end."""
        return self._show is not None

    @property
    def playing(self) -> bool:
        """Whether time passes in it."""
        return self._show is not None and self._show.playing

    @property
    def finished(self) -> bool:
        """Whether it has come to its end."""
        return self._show is not None and self._show.finished

    @property
    def doing(self) -> str:
        """What it is doing, in words; empty at its end, and when there is none."""
        show = self._show
        if show is None:
            return ""
        return faces.replaying(
            show.position_s, show.clock.speed, playing=show.playing, finished=show.finished
        )

    @property
    def position_s(self) -> float | None:
        """The moment that is shown, s since sent; ``None`` without a replay, and at its end."""
        return None if self._show is None or self._show.finished else self._show.position_s

    def begin(self, pair: Mapping[ChannelName, EndedRun]) -> None:
        """Play a pair again from the beginning."""
        self.shown = displayed(pair, self.looks)
        self._show = ReplayShow(self._panes, self.shown)
        self._changed()

    def end(self) -> None:
        """Show the end at once, and be done with it."""
        if self._show is not None:
            self._show.leave()
            self._show = None

    def toggle(self) -> None:
        """Pause, go on, or begin again."""
        self._act(lambda show: show.toggle())

    def change_speed(self, steps: int) -> None:
        """Go slower or faster."""
        self._act(lambda show: show.change_speed(steps))

    def step(self, steps: int) -> None:
        """Move by some tenths of a second, and stay there."""
        self._act(lambda show: show.step(steps))

    def tick(self) -> None:
        """Draw the moment that the clock has come to."""
        if self._show is not None:
            self._show.tick()

    def _act(self, act: Callable[[ReplayShow], None]) -> None:
        if self._show is not None:
            act(self._show)
            self._changed()
