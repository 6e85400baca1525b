"""Carries out a calibration: the real probe against a server that knows when it wrote what."""

import asyncio
import datetime
import os
import platform
import time
import uuid
from collections.abc import Coroutine, Sequence
from typing import Any, Protocol

import msgspec

from streamscope import __version__
from streamscope.calibration import Calibration, Case, Cut, Schedule
from streamscope.engines import schedule as server
from streamscope.engines.engine import EngineError
from streamscope.engines.schedule import ScheduleEngine
from streamscope.history.calibrations import machine_id
from streamscope.measure import calibration as measure
from streamscope.measure.calibration import CalibrationError
from streamscope.probe.client import Probe, ProbeError
from streamscope.probe.messages import Limits, Start
from streamscope.trace import Chunk, Clock, Request, Target, Trace

USUAL_GAPS_NS = (20_000_000, 5_000_000, 1_000_000, 200_000)
"""Gaps that are tried when nothing else is said: 50 to 5,000 chunks a second."""

LEAST_WRITES = 10
"""Fewest writes of a case: percentiles of less say nothing."""

TRIES = 3
"""How often a case is carried out at most, until the server has kept its schedule."""

AGAIN_SHARE = 0.5
"""How much longer than planned it may take all in all because cases are carried out again."""

_SHAPES: tuple[tuple[int, Cut], ...] = ((4, ""), (20, ""), (1, "line"), (4, "character"))
"""Pieces of text in a write, and cuts, that are tried at one of the gaps."""

_SHAPES_GAP_NS = 5_000_000
_WARM_UP = Schedule(writes=50, gap_ns=1_000_000, first_ns=10_000_000)
_GONE = ("cut", "unreachable")
_OVERHEAD_S = 0.1
_PATIENCE_S = 20.0


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """A case that is to be carried out.

    Attributes:
        schedule: What the server keeps to.
        clock: Where arrival times are to come from.
    """

    schedule: Schedule
    clock: Clock

    @property
    def expected_s(self) -> float:
        """How long it takes, in seconds."""
        schedule = self.schedule
        return (schedule.first_ns + (schedule.writes + 1) * schedule.gap_ns) / 1e9 + _OVERHEAD_S


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a calibration has come.

    Attributes:
        number: The case under way, from 1.
        of: How many there are.
        elapsed_s: Since it began, in seconds.
        left_s: About how long it will still take, in seconds.
    """

    number: int
    of: int
    elapsed_s: float
    left_s: float


class Listener(Protocol):
    """Told what happens. Its methods must return quickly."""

    def doing(self, words: str) -> None:
        """Something other than a case begins, in words for the screen."""

    def case_started(self, number: int, item: Item, tries: int) -> None:
        """A case begins, from 1, for the how manieth time."""

    def moved(self, trace: Trace, new: list[Chunk]) -> None:
        """Something arrived."""

    def case_ended(self, number: int, case: Case) -> None:
        """A case is over, and this came of it."""


def plan(
    gaps_ns: Sequence[int] = USUAL_GAPS_NS, *, writes: int | None = None, quick: bool = False
) -> tuple[Item, ...]:
    """Return the cases of a calibration: each gap, other shapes of writes, and both clocks.

    Args:
        gaps_ns: Gaps between two writes.
        writes: How many writes a case has; ``None`` for as many as are worth their time.
        quick: Whether to be content with less of them, 10 to 15 s in all instead of 25 to 45.
    """
    gaps = sorted(set(gaps_ns), reverse=True)
    middle = min(gaps, key=lambda gap_ns: abs(gap_ns - _SHAPES_GAP_NS))

    def item(gap_ns: int, worth: tuple[float, int], clock: Clock = "kernel") -> Item:
        seconds, most = worth
        count = writes or max(50, min(most, round(seconds * 1e9 / gap_ns)))
        return Item(schedule=Schedule(writes=count, gap_ns=gap_ns), clock=clock)

    plain = [item(gap_ns, (1.2, 500) if quick else (5, 2000)) for gap_ns in gaps]
    shape = item(middle, (0.5, 100) if quick else (1.5, 300))
    shapes = [
        msgspec.structs.replace(
            shape, schedule=msgspec.structs.replace(shape.schedule, tokens=tokens, cut=cut)
        )
        for tokens, cut in _SHAPES
    ]
    reads = [item(gap_ns, (0.6, 250) if quick else (2, 1000), "read") for gap_ns in gaps]
    return (*plain, *shapes, *reads)


class Calibrating:
    """A calibration under way.

    Attributes:
        items: Its cases, in order. Where the kernel stamps nothing, those that ask for its clock
            have the time of the read, and those that ask for that are not there a second time.
    """

    def __init__(self, items: Sequence[Item], listener: Listener, *, painted: bool) -> None:
        """Prepare; nothing is started yet.

        Args:
            items: The cases.
            listener: Told what happens.
            painted: Whether the app paints meanwhile.
        """
        self.items = tuple(items)
        self._listener = listener
        self._painted = painted
        self._number = 0
        self._began_s = time.monotonic()
        self._case_began_s = self._began_s
        self._again_s = AGAIN_SHARE * sum(item.expected_s for item in self.items)

    @property
    def progress(self) -> Progress:
        """How far it has come."""
        now = time.monotonic()
        left = sum(item.expected_s for item in self.items[self._number :])
        if self._number:
            under_way = self.items[self._number - 1].expected_s - (now - self._case_began_s)
            left += max(0.0, under_way)
        return Progress(
            number=self._number, of=len(self.items), elapsed_s=now - self._began_s, left_s=left
        )

    async def carry_out(self) -> Calibration:
        """Carry out all cases. Cancelling ends it at once, and every process with it.

        Raises:
            CalibrationError: It can't be carried out to its end; one sentence says why.
        """
        self._began_s = time.monotonic()
        probe = Probe()
        engine: ScheduleEngine | None = None
        try:
            self._listener.doing("starting the schedule server and the probe")
            engine = await server.start()
            await probe.start()
            self._listener.doing("warming up")
            await self._warm_up(engine, probe)
            cases = [
                await self._case(number, item, engine, probe)
                for number, item in enumerate(self.items, 1)
            ]
        except (EngineError, ProbeError) as error:
            raise CalibrationError(str(error)) from error
        finally:
            if engine is not None:
                engine.close()
            await _to_its_end(probe.close())
        return self._calibration(cases)

    async def _warm_up(self, engine: ScheduleEngine, probe: Probe) -> None:
        """Walk the whole way once, and learn whether the kernel stamps."""
        item = Item(schedule=_WARM_UP, clock="kernel")
        trace = await self._run(item, engine, probe, told=False)
        if trace.clock != "kernel":
            self.items = tuple(item for item in self.items if item.clock == "kernel")

    async def _case(self, number: int, item: Item, engine: ScheduleEngine, probe: Probe) -> Case:
        """Carry out a case until the server has kept its schedule; return the best that came."""
        self._number = number
        best = await self._try(number, item, 1, engine, probe)
        for tries in range(2, TRIES + 1):
            # What was lost or doubled stays so, however exact the server is the next time.
            over = measure.is_kept(best) or not measure.is_whole(best)
            if over or self._again_s < item.expected_s:
                break
            self._again_s -= item.expected_s
            case = await self._try(number, item, tries, engine, probe)
            better = not measure.is_whole(case) or case.late.p99 < best.late.p99
            best = msgspec.structs.replace(case if better else best, tries=tries)
        self._listener.case_ended(number, best)
        return best

    async def _try(
        self, number: int, item: Item, tries: int, engine: ScheduleEngine, probe: Probe
    ) -> Case:
        self._case_began_s = time.monotonic()
        self._listener.case_started(number, item, tries)
        trace = await self._run(item, engine, probe)
        written = await asyncio.to_thread(engine.written, trace.model)
        return measure.case(item.schedule, trace, written)

    async def _run(
        self, item: Item, engine: ScheduleEngine, probe: Probe, *, told: bool = True
    ) -> Trace:
        """Let the probe read one answer.

        Raises:
            CalibrationError: It did not come to its end.
        """
        start = Start(
            run_id=uuid.uuid4().hex,
            target=Target(protocol="openai-chat", url=engine.url, model=engine.model),
            request=Request(
                prompt="Keep to the schedule.",
                params={"schedule": msgspec.to_builtins(item.schedule)},
            ),
            mode="stream",
            limits=Limits(total_s=item.expected_s + _PATIENCE_S, stall_s=_PATIENCE_S),
            clock=item.clock,
        )
        trace = await probe.run(start, self._listener.moved if told else None)
        if not trace.ok:
            raise CalibrationError(_why(trace, engine))
        return trace

    def _calibration(self, cases: list[Case]) -> Calibration:
        found = measure.result(cases)
        now = datetime.datetime.now(datetime.UTC)
        return Calibration(
            measured_utc=now.isoformat(timespec="seconds"),
            streamscope=__version__,
            python=platform.python_version(),
            system=f"{platform.system()} {platform.release()} {platform.machine()}",
            cores=os.cpu_count() or 1,
            machine=machine_id(),
            painted=self._painted,
            exact=found.exact,
            error_ns_p99=found.error_ns_p99,
            true_gap_ns=found.true_gap_ns,
            cases=tuple(cases),
        )


async def _to_its_end(closing: Coroutine[Any, Any, None]) -> None:
    """Wait for what must not be left half done, however often somebody cancels meanwhile."""
    task = asyncio.ensure_future(closing)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled


def _why(trace: Trace, engine: ScheduleEngine) -> str:
    """Say why a run did not come to its end."""
    if trace.fault is not None and trace.fault.code == "probe":
        return "The measuring process ended in the middle, so nothing was found out: try again."
    lost = trace.ended == "incomplete" or (trace.fault and trace.fault.code in _GONE)
    if lost or not engine.alive:
        return "The schedule server ended in the middle, so nothing was found out: try again."
    why = "it was stopped" if trace.fault is None else trace.fault.sentence
    return f"A case did not come to its end, so nothing was found out: {why}"
