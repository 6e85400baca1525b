"""A probe that plays what a test tells it to, and a listener that notes what it was told."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from streamscope.measure.figures import Figures
from streamscope.probe.client import Listener as Tell
from streamscope.probe.client import Probe, ProbeError
from streamscope.probe.messages import Start
from streamscope.trace import Chunk, Run, Shown, Trace
from streamscope.trial.plan import Step

Answer = Callable[[Start], Trace | ProbeError | None]
"""What a run comes to; ``None`` for one that goes on until it is cancelled."""


def good(start: Start) -> Trace:
    """Answer with a word."""
    return Trace(
        mode=start.mode,
        chunks=[Chunk(5, "answer", "Because.", 0)],
        marks={"sent": 0, "done": 9},
        ended="stop",
    )


Paint = Callable[[Trace], Awaitable[Shown | None]]
"""What a screen does when it is asked when a run's text was on it."""


class FakeProbe(Probe):
    """Ends every run at once, as it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.answer: Answer = good
        self.starts: list[Start] = []
        self.under_way: dict[str, asyncio.Future[Trace]] = {}
        self.began = asyncio.Event()
        self.at_once = 0

    async def run(self, start: Start, listener: Tell | None = None) -> Trace:
        """Return what the test says."""
        self.starts.append(start)
        answer = self.answer(start)
        done: asyncio.Future[Trace] = asyncio.get_running_loop().create_future()
        self.under_way[start.run_id] = done
        self.at_once = max(self.at_once, len(self.under_way))
        self.began.set()
        try:
            await asyncio.sleep(0)
            if isinstance(answer, ProbeError):
                raise answer
            trace = answer if answer is not None else await done
        finally:
            del self.under_way[start.run_id]
        if listener is not None:
            listener(trace, list(trace.chunks))
        return trace

    def cancel(self, run_id: str) -> None:
        """End a run as cancelled."""
        if run_id in self.under_way and not self.under_way[run_id].done():
            self.under_way[run_id].set_result(Trace(mode="stream", ended="cancelled"))


class Diary:
    """Notes what a listener is told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.runs: list[Run] = []
        self.paint: Paint | None = None

    def run_started(self, step: Step, started_ns: int) -> None:
        assert started_ns > 0
        self.told.append(f"{step.channel} started")

    def run_moved(self, step: Step, trace: Trace, new: list[Chunk]) -> None:
        assert trace.chunks[-len(new) :] == new
        self.told.append(f"{step.channel} moved by {len(new)}")

    async def painted(self, step: Step, trace: Trace) -> Shown | None:
        self.told.append(f"{step.channel} to be painted")
        return None if self.paint is None else await self.paint(trace)

    def run_ended(self, step: Step, run: Run, figures: Figures) -> None:
        assert "total_s" in figures.values
        self.told.append(f"{step.channel} {run.trace.ended}")
        self.runs.append(run)


@pytest.fixture
def fake_probe() -> FakeProbe:
    return FakeProbe()


@pytest.fixture
def diary() -> Diary:
    return Diary()
