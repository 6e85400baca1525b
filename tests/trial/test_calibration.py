"""A calibration carries out what was planned with the real probe, and ends without a trace."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from streamscope.calibration import Case, Schedule, Spread
from streamscope.engines import schedule as server
from streamscope.engines.schedule import ScheduleEngine
from streamscope.history.calibrations import machine_id
from streamscope.measure import calibration as measure
from streamscope.measure.calibration import EXACT_NS, CalibrationError, is_whole
from streamscope.trace import Chunk, Trace
from streamscope.trial import calibration
from streamscope.trial.calibration import TRIES, USUAL_GAPS_NS, Calibrating, Item, plan

QUICK = Schedule(writes=10, gap_ns=1_000_000, first_ns=3_000_000)
ITEMS = (
    Item(schedule=QUICK, clock="kernel"),
    Item(schedule=msgspec.structs.replace(QUICK, tokens=3, cut="character"), clock="kernel"),
    Item(schedule=QUICK, clock="read"),
)


class Diary:
    """Notes what it is told."""

    def __init__(self, moved: Callable[[], object] = lambda: None) -> None:
        self.started: list[tuple[int, int]] = []
        self.ended: list[int] = []
        self.pieces = 0
        self.moved_too = moved

    def doing(self, words: str) -> None:
        assert words

    def case_started(self, number: int, item: Item, tries: int) -> None:
        assert item.schedule.writes
        self.started.append((number, tries))

    def moved(self, trace: Trace, new: list[Chunk]) -> None:
        assert trace.mode == "stream"
        self.pieces += len(new)
        self.moved_too()

    def case_ended(self, number: int, case: Case) -> None:
        assert case.writes
        self.ended.append(number)


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> list[ScheduleEngine]:
    """The servers that are started."""
    started: list[ScheduleEngine] = []
    start = server.start

    async def noted() -> ScheduleEngine:
        started.append(await start())
        return started[-1]

    monkeypatch.setattr(server, "start", noted)
    return started


def is_ours(pid: int) -> bool:
    """Whether a process is a child of this one, ended or not."""
    status = Path(f"/proc/{pid}/status")
    try:
        return f"PPid:\t{os.getpid()}\n" in status.read_text()
    except OSError:
        return False


async def test_every_case_is_carried_out_and_nothing_is_lost(
    engines: list[ScheduleEngine],
) -> None:
    diary = Diary()
    calibrating = Calibrating(ITEMS, diary, painted=False)
    made = await calibrating.carry_out()
    assert diary.ended == [1, 2, 3][: len(made.cases)]
    assert diary.started[0] == (1, 1)
    assert [(case.tokens, case.cut) for case in made.cases[:2]] == [(1, ""), (3, "character")]
    for case in made.cases:
        assert case.writes == QUICK.writes
        assert is_whole(case)
    assert diary.pieces >= sum(case.writes * case.tokens for case in made.cases)
    assert made.machine == machine_id()
    assert not made.painted
    assert msgspec.json.decode(msgspec.json.encode(made), type=type(made)) == made
    (engine,) = engines
    assert not engine.alive
    assert not is_ours(engine.pid)


async def test_a_server_that_dies_is_one_sentence(engines: list[ScheduleEngine]) -> None:
    diary = Diary(moved=lambda: engines[0].close())
    with pytest.raises(CalibrationError, match=r"^The schedule server ended in the middle, .*\.$"):
        await Calibrating(ITEMS, diary, painted=False).carry_out()
    assert diary.ended == []


async def test_stopping_it_in_the_middle_ends_every_process(
    engines: list[ScheduleEngine],
) -> None:
    begun = asyncio.Event()
    long = Item(schedule=Schedule(writes=10_000, gap_ns=20_000_000), clock="kernel")
    calibrating = Calibrating([long], Diary(moved=begun.set), painted=False)
    work = asyncio.create_task(calibrating.carry_out())
    await begun.wait()
    at = calibrating.progress
    assert (at.number, at.of) == (1, 1)
    assert 100 < at.left_s < 300
    work.cancel()
    await asyncio.sleep(0)
    work.cancel()  # whoever is impatient, such as an app on its way out
    with pytest.raises(asyncio.CancelledError):
        await work
    assert not engines[0].alive
    assert not is_ours(engines[0].pid)


def case(late_ns: int, *, lost: int = 0) -> Case:
    spread = Spread(p50=1, p99=2, max=3)
    late = Spread(p50=0, p99=late_ns, max=late_ns)
    return Case(
        gap_ns=QUICK.gap_ns,
        clock="kernel",
        writes=10,
        stamps=spread,
        gaps=spread,
        late=late,
        first_ns=0,
        lost=lost,
    )


@pytest.mark.parametrize(
    ("outcomes", "tries", "late"),
    [
        ([case(0)], 1, 0),
        ([case(EXACT_NS), case(9)], 2, 9),
        ([case(2 * EXACT_NS), case(EXACT_NS), case(3 * EXACT_NS)], TRIES, EXACT_NS),
        ([case(EXACT_NS, lost=1)], 1, EXACT_NS),
        ([case(2 * EXACT_NS), case(3 * EXACT_NS, lost=1)], 2, 3 * EXACT_NS),
    ],
    ids=["kept", "again", "never", "lost", "lost-later"],
)
async def test_a_case_is_carried_out_again_while_the_server_is_late(
    monkeypatch: pytest.MonkeyPatch, outcomes: list[Case], tries: int, late: int
) -> None:
    left = list(outcomes)
    monkeypatch.setattr(measure, "case", lambda *_: left.pop(0))
    monkeypatch.setattr(calibration, "AGAIN_SHARE", 10.0)
    diary = Diary()
    made = await Calibrating(ITEMS[:1], diary, painted=True).carry_out()
    (only,) = made.cases
    assert only.tries == tries == len(diary.started)
    assert only.late.p99 == late
    assert not left
    assert made.exact == (late < EXACT_NS)


def test_what_is_planned_tries_every_gap_with_both_clocks_and_every_shape() -> None:
    for quick, most_s in ((False, 40), (True, 12)):
        items = plan(quick=quick)
        for clock in ("kernel", "read"):
            gaps = [item.schedule.gap_ns for item in items if item.clock == clock]
            assert set(gaps) == set(USUAL_GAPS_NS)
        assert {item.schedule.cut for item in items} == {"", "line", "character"}
        assert {1, 20} <= {item.schedule.tokens for item in items}
        assert sum(item.expected_s for item in items) < most_s


def test_gaps_and_writes_can_be_chosen() -> None:
    items = plan([2_000_000, 2_000_000, 7_000_000], writes=33)
    assert {item.schedule.gap_ns for item in items} == {2_000_000, 7_000_000}
    assert {item.schedule.writes for item in items} == {33}
    assert len(items) == 2 + 4 + 2
