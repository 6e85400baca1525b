"""What a watch tells of a run is what there was, however short the run and whatever its end."""

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from streamscope.probe import observer
from streamscope.probe.messages import Limits
from streamscope.probe.observer import KEPT, Counters, Lags, Watch
from streamscope.trace import Observer, Trace

if TYPE_CHECKING:
    from tests.conftest import Bench

pytestmark = pytest.mark.asyncio(loop_scope="session")

linux = pytest.mark.skipif(sys.platform != "linux", reason="what Linux tells of itself")

DELTA = b'data: {"choices":[{"index":0,"delta":{"content":"x "}}]}\n\n'
DONE = b"data: [DONE]\n\n"


def lags_of(*values: int) -> Lags:
    lags = Lags()
    for value in values:
        lags.add(value)
    return lags


async def test_percentiles_are_of_type_seven() -> None:
    assert lags_of(7).percentiles() == (7, 7, 7)
    assert lags_of(40, 10, 30, 20).percentiles() == (25, 40, 40)
    assert lags_of(*range(101)).percentiles() == (50, 99, 100)


async def test_nothing_is_looked_at_before_it_came() -> None:
    assert lags_of(-5).percentiles() == (0, 0, 0)


async def test_the_sample_is_bounded_and_spread_and_knows_the_worst() -> None:
    lags = Lags()
    for value in range(100_000):
        lags.add(10**9 if value == 777 else value)
    assert len(lags) == 100_000
    p50, p99, most = lags.percentiles()
    assert most == 10**9
    assert p50 == pytest.approx(50_000, rel=0.001)
    assert p99 == pytest.approx(99_000, rel=0.001)
    assert KEPT < 100_000


def counters(
    monkeypatch: pytest.MonkeyPatch, before: Counters, after: Counters, *, stamped: bool = True
) -> Observer:
    """Return what a watch tells that saw these counters."""
    seen = [after, before]
    monkeypatch.setattr(Counters, "now", lambda: seen.pop())
    return Watch().end(stamped=stamped)


async def test_differences_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    told = counters(
        monkeypatch,
        Counters(1_000_000, 5_000_000, (100, 10, 1000), 0),
        Counters(3_500_000, 9_000_000, (150, 30, 1200), 250_000_000),
    )
    assert (told.cpu_s, told.waited_s, told.throttled_s) == (0.0025, 0.004, 0.25)
    assert (told.busy, told.stolen) == (0.25, 0.1)


async def test_what_the_system_does_not_tell_is_not_made_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = counters(monkeypatch, Counters(0, None, None, None), Counters(1000, None, None, None))
    assert told.cpu_s == 1e-6
    assert (told.waited_s, told.busy, told.stolen, told.throttled_s) == (None,) * 4
    assert (told.lag_p50_ns, told.lag_p99_ns, told.lag_max_ns) == (None,) * 3


async def test_a_share_of_next_to_nothing_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within one tick of 10 ms the share would be all or nothing."""
    told = counters(
        monkeypatch, Counters(0, 0, (100, 0, 1000), 0), Counters(0, 0, (101, 0, 1001), 0)
    )
    assert (told.busy, told.stolen) == (None, None)


async def test_counters_that_run_backwards_count_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Linux has been seen to correct the time that processors waited downwards."""
    told = counters(
        monkeypatch, Counters(0, 9, (100, 9, 1000), 9), Counters(0, 5, (90, 5, 1100), 5)
    )
    assert (told.waited_s, told.busy, told.stolen, told.throttled_s) == (0, 0, 0, 0)


async def test_lags_are_those_of_arrivals_where_the_kernel_tells(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    nothing = Counters(0, None, None, None)
    monkeypatch.setattr(Counters, "now", lambda: nothing)
    watch = Watch()
    watch.arrived(100, 150)
    watch.arrived(200, 210)
    told = watch.end(stamped=True)
    assert (told.lag_from, told.lag_p50_ns, told.lag_max_ns) == ("arrival", 30, 50)


async def test_a_timer_tells_where_the_kernel_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observer, "TICK_S", 0.001)
    watch = Watch()
    await asyncio.sleep(0.005)
    held_s = 0.02
    until = time.monotonic() + held_s
    while time.monotonic() < until:  # whoever holds up the loop makes the timer late
        pass
    await asyncio.sleep(0.005)
    told = watch.end(stamped=False)
    assert told.lag_from == "timer"
    assert told.lag_max_ns is not None
    assert told.lag_max_ns >= (held_s - 0.001) * 1e9


async def test_no_timer_is_left_when_nothing_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observer, "TICK_S", 0.001)
    ticks: list[int] = []
    monkeypatch.setattr(Lags, "add", lambda _, lag: ticks.append(lag))
    Watch().end(stamped=False)
    await asyncio.sleep(0.005)
    assert ticks == []


@linux
async def test_linux_tells_all_but_the_quota() -> None:
    assert observer.cores() == len(os.sched_getaffinity(0))
    ticks = observer.processor_ticks()
    assert ticks is not None
    busy, stolen, whole = ticks
    assert 0 < busy <= whole - stolen
    waited = observer.waited_ns()
    assert waited is None or waited >= 0


@pytest.mark.parametrize(
    ("told", "stat", "expected"),
    [
        ("0::/app\n", {"app/cpu.stat": "usage_usec 5\nthrottled_usec 7\n"}, 7000),
        ("0::/\n", {"cpu.stat": "nr_throttled 1\nthrottled_usec 7\n"}, 7000),
        ("0::/unmounted\n", {"cpu.stat": "throttled_usec 9\n"}, 9000),
        ("3:cpu,cpuacct:/a\n0::/\n", {"cpu,cpuacct/a/cpu.stat": "throttled_time 7\n"}, 7),
        ("3:cpu,cpuacct:/a\n", {"cpu/cpu.stat": "nr_periods 0\nthrottled_time 8\n"}, 8),
        ("4:memory:/a\n", {"memory/a/cpu.stat": "throttled_time 7\n"}, None),
        ("0::/\n", {"cpu.stat": "usage_usec 5\n"}, None),
        ("0::/\n", {"cpu.stat": "throttled_usec many\n"}, None),
        ("0::/\n", {}, None),
        ("", {}, None),
    ],
)
async def test_quotas_of_both_versions(
    told: str,
    stat: dict[str, str],
    expected: int | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, text in stat.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    own = tmp_path / "own"
    own.write_text(told)
    monkeypatch.setattr(observer, "_ROOT", tmp_path)
    monkeypatch.setattr(observer, "_OWN_GROUP", own)
    assert observer.throttled_ns() == expected


def check(trace: Trace) -> Observer:
    """Return what is told of a run after checking what holds for every run."""
    told = trace.observer
    assert told is not None
    assert 0 < told.cpu_s < 10
    assert told.cores >= 1
    for share in (told.busy, told.stolen):
        assert share is None or 0 <= share <= 1
    lags = [told.lag_p50_ns, told.lag_p99_ns, told.lag_max_ns]
    known = [lag for lag in lags if lag is not None]
    assert len(known) in (0, 3)
    assert known == sorted(known)
    assert all(0 <= lag < 10 * 10**9 for lag in known)
    return told


async def test_a_run_is_watched_whatever_its_end(bench: "Bench", free_port: int) -> None:
    server = await bench.serve([DELTA, "seen", DELTA, DONE])
    whole = check(await bench.run(server))
    assert whole.lag_from == ("arrival" if sys.platform == "linux" else "timer")

    refused = await bench.run(f"http://127.0.0.1:{free_port}")
    assert refused.ended == "error"
    check(refused)

    cut = await bench.run(await bench.serve([DELTA, "cut"]))
    assert cut.ended == "error"
    check(cut)

    slow = await bench.run(await bench.serve(["left"]), limits=Limits(total_s=0.1))
    told = check(slow)
    assert told.lag_from == "timer"
    assert told.lag_max_ns is not None

    stopped = await bench.run(
        await bench.serve([DELTA, "left"]),
        run_id="o",
        listener=lambda _, new: bench.probe.cancel("o") if new else None,
    )
    assert stopped.ended == "cancelled"
    check(stopped)
