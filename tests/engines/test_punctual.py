"""Whoever has to be on time is never early, and learns how early to wake up."""

import time
from typing import TYPE_CHECKING

import pytest

from streamscope.engines import punctual
from streamscope.engines.punctual import LEAST_NS, MOST_NS, Alarm, prepare_thread

if TYPE_CHECKING:
    from collections.abc import Callable


class Clock:
    """A clock on which a look takes a microsecond and a sleep ends late."""

    def __init__(self, late_ns: int) -> None:
        self.now_ns = 10**12
        self.late_ns = late_ns
        self.looks = 0

    def monotonic_ns(self) -> int:
        self.looks += 1
        self.now_ns += 1_000
        return self.now_ns

    def sleep(self, seconds: float) -> None:
        self.now_ns += round(seconds * 1e9) + self.late_ns


@pytest.fixture
def clocked(monkeypatch: pytest.MonkeyPatch) -> "Callable[[int], Clock]":
    def put(late_ns: int) -> Clock:
        clock = Clock(late_ns)
        monkeypatch.setattr(punctual, "time", clock)
        return clock

    return put


def test_it_is_never_early_and_on_time_after_a_short_sleep(
    clocked: "Callable[[int], Clock]",
) -> None:
    clock, alarm = clocked(50_000), Alarm()
    for _ in range(50):
        due = clock.now_ns + 5_000_000
        alarm.wait(due)
        assert due <= clock.now_ns <= due + 1_000


def test_it_learns_how_late_sleeps_end(clocked: "Callable[[int], Clock]") -> None:
    clock, alarm = clocked(200_000), Alarm()
    late = []
    for _ in range(20):
        due = clock.now_ns + 5_000_000
        alarm.wait(due)
        late.append(clock.now_ns - due)
    assert late[0] > 10_000, "it did not know yet"
    assert max(late[2:]) <= 1_000


def test_it_spins_less_again_where_sleeps_end_in_time(clocked: "Callable[[int], Clock]") -> None:
    clock, alarm = clocked(0), Alarm()
    for _ in range(2_000):
        alarm.wait(clock.now_ns + 5_000_000)
    looks = clock.looks
    alarm.wait(clock.now_ns + 5_000_000)
    assert clock.looks - looks <= LEAST_NS // 1_000 + 5


def test_it_never_spins_longer_than_it_may(clocked: "Callable[[int], Clock]") -> None:
    clock, alarm = clocked(3_000_000), Alarm()  # no spinning helps against that
    for _ in range(20):
        alarm.wait(clock.now_ns + 5_000_000)
    clock.late_ns, looks = 0, clock.looks
    alarm.wait(clock.now_ns + 5_000_000)
    assert clock.looks - looks <= MOST_NS // 1_000 + 5


def test_a_moment_that_has_passed_is_not_waited_for(clocked: "Callable[[int], Clock]") -> None:
    clock, alarm = clocked(0), Alarm()
    before = clock.now_ns
    alarm.wait(before - 1)
    assert clock.now_ns - before < 10_000


def test_a_thread_can_be_prepared_wherever_this_runs() -> None:
    prepare_thread()
    due = time.monotonic_ns() + 1_000_000
    Alarm().wait(due)
    assert time.monotonic_ns() >= due
