"""One beat for all that moves, so that each frame is one update of the screen."""

from collections.abc import Callable
from time import monotonic
from typing import Final

from textual.message_pump import MessagePump
from textual.timer import Timer

LEAST_S: Final = 1 / 32
"""Least time between two beats, in seconds: how long new text may wait behind other text."""

TICK_S: Final = 1 / 20
"""Time between two beats when nothing new comes, in seconds: how often clocks and bars move."""

CALM_S: Final = 1 / 4
"""The same for both where painting would take processor time from what is measured, in seconds."""

_EARLY: Final = 0.9  # a beat that comes a little early still moves


class PaintClock:
    """Says when to draw.

    Text that comes after a pause is drawn at once; while it streams, beats are ``LEAST_S`` apart,
    and with every second one all that moves by itself is drawn, too. At rest nothing wakes up.
    The distances are a bargain, struck with ``benchmarks/to_the_eye.py``: closer beats bring text
    sooner and cost more.

    Attributes:
        calm: Whether to draw seldom, ``CALM_S`` apart.
    """

    def __init__(
        self,
        node: MessagePump,
        paint: Callable[[], None],
        move: Callable[[], None] | None = None,
    ) -> None:
        """Prepare; nothing beats yet.

        Args:
            node: Whose timers are used: with it, they end.
            paint: Draws what has come, at each beat. What asks for a beat meanwhile gets the next.
            move: Draws what moves by itself, if that need not happen at each beat; called before
                ``paint``.
        """
        self.calm = False
        self._node = node
        self._paint = paint
        self._move = move
        self._timer: Timer | None = None
        self._due = 0.0
        self._number = 0
        self._last = 0.0
        self._moved = 0.0
        self._running = False
        self._painting = False
        self._asked = False

    def ask(self) -> None:
        """Ask for a beat: at once if the last one is long enough ago, or else as soon as it is."""
        if self._painting:
            self._asked = True
        else:
            self._beat_at(self._last + self._least_s)

    @property
    def _least_s(self) -> float:
        return CALM_S if self.calm else LEAST_S

    @property
    def _tick_s(self) -> float:
        return CALM_S if self.calm else TICK_S

    def resume(self) -> None:
        """Beat by itself from now on, whether anybody asks or not."""
        if not self._running:
            self._running = True
            self._beat_at(self._last + self._tick_s)

    def pause(self) -> None:
        """Beat only when somebody asks."""
        self._running = False

    def _beat_at(self, due: float) -> None:
        if self._timer is not None:
            if self._due <= due:
                return
            self._timer.stop()
        self._due = due
        self._number = number = self._number + 1

        def beat() -> None:
            if number == self._number:  # else stopped too late: its call was already in the queue
                self._beat()

        self._timer = self._node.set_timer(max(0.001, due - monotonic()), beat, name="paint")

    def _beat(self) -> None:
        self._timer = None
        self._last = monotonic()
        self._painting = True
        try:
            if self._move is not None and self._last - self._moved >= _EARLY * self._tick_s:
                self._moved = self._last
                self._move()
            self._paint()
        finally:
            self._painting = False
        asked, self._asked = self._asked, False
        if asked:
            self._beat_at(self._last + self._least_s)
        elif self._running:
            self._beat_at(self._last + self._tick_s)
