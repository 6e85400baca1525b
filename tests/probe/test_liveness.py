"""A silence is asked about while there is something to wait for, and ends at last."""

import asyncio

import pytest

from streamscope.probe import liveness
from streamscope.probe.liveness import UNANSWERED, Liveness


class Other:
    """Whoever is asked."""

    def __init__(self, answers: int) -> None:
        self.answers = answers
        self.asked = 0
        self.busy = True
        self.given_up = asyncio.Event()
        self.rested = asyncio.Event()
        self.liveness = Liveness(busy=self._is_busy, ask=self._ask, give_up=self.given_up.set)

    def _is_busy(self) -> bool:
        if not self.busy:
            self.rested.set()
        return self.busy

    def _ask(self) -> None:
        self.asked += 1
        if self.asked <= self.answers:
            self.liveness.heard()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(liveness, "ASK_S", 0.0001)


@pytest.mark.parametrize("answers", [0, 1, 25])
async def test_only_silences_in_a_row_count(answers: int) -> None:
    other = Other(answers)
    other.liveness.watch()
    other.liveness.watch()
    await other.given_up.wait()
    assert other.asked == answers + UNANSWERED


async def test_at_rest_nothing_is_asked() -> None:
    other = Other(0)
    other.busy = False
    other.liveness.watch()
    await other.rested.wait()
    assert (other.asked, other.given_up.is_set()) == (0, False)
    other.busy = True
    other.liveness.watch()
    await other.given_up.wait()


async def test_what_is_heard_of_itself_is_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two timers pass before the first question: the one in which something came, and one more."""
    other = Other(0)
    looks = 0
    is_busy = other.liveness._busy

    def busy() -> bool:
        nonlocal looks
        looks += 1
        other.liveness.heard()
        if looks == 50:
            other.busy = False
        return is_busy()

    monkeypatch.setattr(other.liveness, "_busy", busy)
    other.liveness.watch()
    await other.rested.wait()
    assert other.asked == 0
