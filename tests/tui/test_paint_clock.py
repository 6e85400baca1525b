"""Beats come at once after a pause, at a distance while text streams, and never at rest."""

from collections.abc import Callable
from typing import Any

import pytest

from streamscope.tui import paint_clock
from streamscope.tui.paint_clock import LEAST_S, TICK_S, PaintClock


class Timer:
    """A timer of the pump below."""

    def __init__(self, due: float, callback: Callable[[], None]) -> None:
        self.due = due
        self.callback = callback
        self.stopped = False

    def stop(self) -> None:
        self.stopped = True


class Pump:
    """Takes a message pump's part, and the clock's: time passes when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.timers: list[Timer] = []

    def set_timer(self, delay: float, callback: Callable[[], None], **_: object) -> Timer:
        self.timers.append(Timer(self.now + delay, callback))
        return self.timers[-1]

    def pass_(self, seconds: float) -> None:
        """Let time pass; what is due happens when it is."""
        end = self.now + seconds
        while due := [each for each in self.timers if not each.stopped and each.due <= end]:
            timer = min(due, key=lambda each: each.due)
            self.timers.remove(timer)
            self.now = max(self.now, timer.due)
            timer.callback()
        self.now = end


class Beats:
    """A paint clock, and when it had what drawn."""

    def __init__(self, pump: Pump) -> None:
        self.pump = pump
        self.times: list[float] = []
        self.moves: list[float] = []
        self.during: Callable[[], None] = lambda: None
        node: Any = pump  # all of a message pump that is used
        self.clock = PaintClock(node, self._paint, self._move)

    def _paint(self) -> None:
        self.times.append(self.pump.now)
        self.during()

    def _move(self) -> None:
        self.moves.append(self.pump.now)


@pytest.fixture
def beats(monkeypatch: pytest.MonkeyPatch) -> Beats:
    pump = Pump()
    monkeypatch.setattr(paint_clock, "monotonic", lambda: pump.now)
    return Beats(pump)


def test_at_rest_there_is_no_timer(beats: Beats) -> None:
    beats.clock.resume()
    beats.pump.pass_(1)
    beats.clock.pause()
    beats.pump.pass_(1)
    assert beats.pump.timers == []
    before = len(beats.times)
    beats.pump.pass_(10)
    assert len(beats.times) == before


def test_text_after_a_pause_is_drawn_at_once(beats: Beats) -> None:
    beats.clock.resume()
    beats.pump.pass_(0.98 * TICK_S)
    before = beats.pump.now
    beats.clock.ask()
    beats.pump.pass_(LEAST_S)
    assert beats.times[-1] - before <= LEAST_S
    beats.clock.pause()
    beats.pump.pass_(5)
    asked_at = beats.pump.now
    beats.clock.ask()
    beats.pump.pass_(1)
    assert beats.times[-1] == pytest.approx(asked_at, abs=0.002)


def test_many_wishes_are_one_beat(beats: Beats) -> None:
    beats.clock.ask()
    beats.clock.ask()
    beats.pump.pass_(1)
    assert len(beats.times) == 1


def test_streaming_text_keeps_beats_apart_and_moves_with_every_second_one(beats: Beats) -> None:
    beats.clock.resume()
    for _ in range(500):  # 200 pieces a second
        beats.clock.ask()
        beats.pump.pass_(0.005)
    steps = [after - before for before, after in zip(beats.times, beats.times[1:], strict=False)]
    assert min(steps) >= LEAST_S - 1e-9
    assert max(steps) <= LEAST_S + 0.006
    assert len(beats.moves) == pytest.approx(len(beats.times) / 2, abs=1)


def test_while_nothing_comes_it_beats_by_itself(beats: Beats) -> None:
    beats.clock.resume()
    beats.pump.pass_(1)
    assert len(beats.times) == pytest.approx(1 / TICK_S, abs=2)
    assert beats.moves == beats.times


def test_what_asks_while_it_is_drawn_gets_the_next_beat(beats: Beats) -> None:
    beats.during = beats.clock.ask
    beats.clock.ask()
    beats.pump.pass_(0.002)
    assert len(beats.times) == 1
    beats.during = lambda: None
    beats.pump.pass_(LEAST_S)
    assert len(beats.times) == 2
    beats.pump.pass_(1)
    assert len(beats.times) == 2


def test_a_timer_stopped_too_late_beats_no_second_time(beats: Beats) -> None:
    beats.clock.resume()
    (late,) = beats.pump.timers  # it has fired, and its call waits in the queue
    beats.pump.pass_(0.0005)
    beats.clock.ask()
    assert late.stopped
    late.callback()
    assert beats.times == []
    beats.pump.pass_(0.002)
    assert len(beats.times) == 1


def test_while_the_machine_is_measured_beats_are_few(beats: Beats) -> None:
    """Painting takes processor time, which a server on the same machine would have to miss."""
    beats.clock.calm = True
    beats.clock.resume()
    for _ in range(500):  # 200 pieces a second, for 2.5 s
        beats.clock.ask()
        beats.pump.pass_(0.005)
    steps = [after - before for before, after in zip(beats.times, beats.times[1:], strict=False)]
    assert min(steps) >= paint_clock.CALM_S - 1e-9
    assert len(beats.moves) == len(beats.times)
    beats.clock.calm = False
    beats.times.clear()
    for _ in range(200):
        beats.clock.ask()
        beats.pump.pass_(0.005)
    assert len(beats.times) > 20
