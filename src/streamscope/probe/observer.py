"""What measuring took, and what stood in its way: one watch for each run.

The counters are read before and after a run, never during it. They are those of this process and
of this machine: of two runs at the same time, both are told what both took. While a run is under
way a timer goes off now and then, and how late it does tells what the arrivals do not: how it was
while nothing came. With no run under way there is no timer.
"""

import asyncio
import contextlib
import os
import time
from array import array
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

from streamscope.trace import Observer

TICK_S = 0.02
"""From one timer to the next, in seconds."""

KEPT = 8192
"""Most lags that are kept; of more, every second one, and so on."""

LEAST_TICKS = 10
"""Fewest ticks of the processors (10 ms each, as a rule) in which a share means something."""

_T = TypeVar("_T")


class Lags:
    """How late the probe looked: a sample of bounded size that is spread evenly over the run."""

    def __init__(self) -> None:
        """Begin with none."""
        self.most = 0
        self._kept = array("q")
        self._step = 1
        self._seen = 0

    def add(self, lag_ns: int) -> None:
        """Note one, in ns; less than nothing counts as nothing."""
        lag_ns = max(lag_ns, 0)
        self.most = max(self.most, lag_ns)
        if self._seen % self._step == 0:
            if len(self._kept) == KEPT:
                self._kept = self._kept[::2]
                self._step *= 2
            if self._seen % self._step == 0:
                self._kept.append(lag_ns)
        self._seen += 1

    def __len__(self) -> int:
        return self._seen

    def percentiles(self) -> tuple[int, int, int]:
        """Return the median, the 99th percentile and the largest; there must be one."""
        ordered = sorted(self._kept)
        return _percentile(ordered, 0.5), _percentile(ordered, 0.99), self.most


def _percentile(ordered: Sequence[int], share: float) -> int:
    """Return a percentile (type 7) of ordered values."""
    at = share * (len(ordered) - 1)
    below = int(at)
    above = min(below + 1, len(ordered) - 1)
    return round(ordered[below] + (at - below) * (ordered[above] - ordered[below]))


class Counters(NamedTuple):
    """What the system counts, at one moment; ``None`` where it does not tell.

    Attributes:
        cpu_ns: Processor time of this process.
        waited_ns: Time that this thread was ready to run and did not.
        ticks: Time of all processors: busy, stolen, all.
        throttled_ns: Time that a quota kept this group of processes from running.
    """

    cpu_ns: int
    waited_ns: int | None
    ticks: tuple[int, int, int] | None
    throttled_ns: int | None

    @classmethod
    def now(cls) -> "Counters":
        """Read them all."""
        return cls(time.process_time_ns(), waited_ns(), processor_ticks(), throttled_ns())


class Watch:
    """Watches over one run, in the event loop and thread in which the run takes place."""

    def __init__(self) -> None:
        """Begin to watch."""
        self._arrivals = Lags()
        self._timers = Lags()
        self._loop = asyncio.get_running_loop()
        self._before = Counters.now()
        self._set_timer()

    def _set_timer(self) -> None:
        self._timer = self._loop.call_at(self._loop.time() + TICK_S, self._tick)

    def _tick(self) -> None:
        self._timers.add(round((self._loop.time() - self._timer.when()) * 1e9))
        self._set_timer()

    def arrived(self, at_ns: int, read_ns: int) -> None:
        """Note a read of which the kernel has told when its bytes arrived."""
        self._arrivals.add(read_ns - at_ns)

    def end(self, *, stamped: bool) -> Observer:
        """Stop watching, and tell what there was.

        Args:
            stamped: Whether the arrival times of the run are the kernel's.
        """
        self._timer.cancel()
        before, after = self._before, Counters.now()
        of_arrivals = stamped and len(self._arrivals) > 0
        lags = self._arrivals if of_arrivals else self._timers
        p50, p99, most = lags.percentiles() if len(lags) else (None, None, None)
        busy, stolen = _shares(before.ticks, after.ticks)
        return Observer(
            cpu_s=(after.cpu_ns - before.cpu_ns) / 1e9,
            waited_s=_seconds(before.waited_ns, after.waited_ns),
            lag_p50_ns=p50,
            lag_p99_ns=p99,
            lag_max_ns=most,
            lag_from="arrival" if of_arrivals else "timer",
            cores=cores(),
            busy=busy,
            stolen=stolen,
            throttled_s=_seconds(before.throttled_ns, after.throttled_ns),
        )


def _seconds(before_ns: int | None, after_ns: int | None) -> float | None:
    if before_ns is None or after_ns is None:
        return None
    return max(after_ns - before_ns, 0) / 1e9


def _shares(
    before: tuple[int, int, int] | None, after: tuple[int, int, int] | None
) -> tuple[float | None, float | None]:
    """Return which shares of all processors' time were busy and stolen."""
    if before is None or after is None:
        return None, None
    busy, stolen, whole = (max(b - a, 0) for a, b in zip(before, after, strict=True))
    if whole < LEAST_TICKS:
        return None, None
    return min(busy / whole, 1.0), min(stolen / whole, 1.0)


def cores() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _told(read: Callable[[], _T]) -> _T | None:
    """Return what the system tells, if it does, and in the form that is known here."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return read()
    return None


def waited_ns() -> int | None:
    """Return how long this thread has been ready to run without running, in ns."""

    def read() -> int | None:
        ran, waited, _ = map(int, Path("/proc/thread-self/schedstat").read_text().split())
        return waited if ran else None  # all zero: the kernel does not count

    return _told(read)


def processor_ticks() -> tuple[int, int, int] | None:
    """Return busy, stolen and all time of all processors since the start, in ticks."""

    def read() -> tuple[int, int, int]:
        with Path("/proc/stat").open("rb") as file:
            name, *numbers = file.readline().split()
        if name != b"cpu":
            raise ValueError("no such line")
        # Guests' time is part of user time; who waits for a disk does not work.
        user, nice, system, idle, waiting, hard, soft, stolen = map(int, numbers[:8])
        busy = user + nice + system + hard + soft
        return busy, stolen, busy + idle + waiting + stolen

    return _told(read)


def throttled_ns() -> int | None:
    """Return how long a quota has kept this group of processes from running, in ns."""
    for file in _throttle_files():
        for line in (_told(file.read_text) or "").splitlines():
            name, _, value = line.partition(" ")
            if name == "throttled_usec" and value.isdecimal():
                return int(value) * 1000
            if name == "throttled_time" and value.isdecimal():  # version 1, in ns
                return int(value)
    return None


_ROOT = Path("/sys/fs/cgroup")
_OWN_GROUP = Path("/proc/self/cgroup")


def _throttle_files() -> list[Path]:
    """Return where a control group may tell of its quota: version 2 and 1, and in containers."""
    files: list[Path] = []
    for line in (_told(_OWN_GROUP.read_text) or "").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        if not controllers:
            bases = [_ROOT, _ROOT / "unified"]
        elif "cpu" in controllers.split(","):
            bases = [_ROOT / controllers, _ROOT / "cpu"]
        else:
            continue
        # In a container the group's own path may not be mounted, but its content is.
        files += [base / group.lstrip("/") / "cpu.stat" for base in bases]
        files += [base / "cpu.stat" for base in bases]
    return files
