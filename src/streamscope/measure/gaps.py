"""Smoothness: the gaps between arrivals of answer text, at the end and while they grow.

A gap is between chunks, and a chunk may hold several tokens: this is no inter-token latency.
"""

import heapq
import math
import statistics
from collections.abc import Sequence
from itertools import pairwise

import msgspec

from streamscope.measure.statistics import percentile
from streamscope.measure.timing import is_arrival
from streamscope.measure.values import NS_PER_MS

STALL_FLOOR_MS = 200.0
STALL_MEDIANS = 3.0
"""A gap is a stall if longer than 0.2 s and than three medians: a convention of this tool."""


class Gaps(msgspec.Struct, frozen=True, kw_only=True):
    """Statistics of all gaps of a run; at least one gap.

    Attributes:
        count: Number of gaps.
        mean_ms: Mean.
        p50_ms: Median.
        p95_ms: 95th percentile, type 7.
        p99_ms: 99th percentile, type 7; below 100 gaps show the maximum instead.
        max_ms: The longest.
        sd_ms: Sample standard deviation; ``None`` for a single gap.
        cv: ``sd / mean``; ``None`` for a single gap.
        stalls: Number of gaps above the threshold.
        stall_ms: Their sum.
    """

    count: int
    mean_ms: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float
    sd_ms: float | None
    cv: float | None
    stalls: int
    stall_ms: float


def gap_statistics(arrivals_ns: Sequence[int]) -> Gaps | None:
    """Describe the gaps between arrivals in ascending order; ``None`` below two arrivals."""
    if len(arrivals_ns) < 2:
        return None
    ordered = sorted((after - before) / NS_PER_MS for before, after in pairwise(arrivals_ns))
    mean = math.fsum(ordered) / len(ordered)
    middle = percentile(ordered, 0.5)
    sd = statistics.stdev(ordered, mean) if len(ordered) > 1 else None
    threshold = max(STALL_FLOOR_MS, STALL_MEDIANS * middle)
    stalls = [gap for gap in ordered if gap > threshold]
    return Gaps(
        count=len(ordered),
        mean_ms=mean,
        p50_ms=middle,
        p95_ms=percentile(ordered, 0.95),
        p99_ms=percentile(ordered, 0.99),
        max_ms=ordered[-1],
        sd_ms=sd,
        cv=None if sd is None or mean <= 0 else sd / mean,
        stalls=len(stalls),
        stall_ms=math.fsum(stalls),
    )


class RunningPercentile:
    """A type-7 percentile of a growing set, exact after every value, O(log n) for each.

    Two heaps meet at the percentile: the largest of the low ones and the smallest of the high
    ones are the neighbours between which it lies.
    """

    def __init__(self, share: float) -> None:
        self._share = share
        self._low: list[float] = []  # negated, so that the largest is at the top
        self._high: list[float] = []

    def add(self, value: float) -> None:
        """Take one more value."""
        if self._low and value < -self._low[0]:
            heapq.heappush(self._low, -value)
        else:
            heapq.heappush(self._high, value)
        size = len(self._low) + len(self._high)
        wanted = math.floor((size - 1) * self._share) + 1
        while len(self._low) < wanted:
            heapq.heappush(self._low, -heapq.heappop(self._high))
        while len(self._low) > wanted:
            heapq.heappush(self._high, -heapq.heappop(self._low))

    @property
    def value(self) -> float | None:
        """The percentile; ``None`` before the first value."""
        if not self._low:
            return None
        below = -self._low[0]
        if not self._high:
            return below
        place = (len(self._low) + len(self._high) - 1) * self._share
        return below + (self._high[0] - below) * (place - math.floor(place))


class PeakBins:
    """The largest of each stretch of a growing series, in bounded memory.

    When the buckets are full, neighbours are merged and each holds twice as many values.
    """

    _FULL = 512

    def __init__(self) -> None:
        self._peaks: list[float] = []
        self._per_bucket = 1
        self._in_last = 0

    def add(self, value: float) -> None:
        """Take the next value; constant time on average."""
        if self._peaks and self._in_last < self._per_bucket:
            self._peaks[-1] = max(self._peaks[-1], value)
            self._in_last += 1
            return
        if len(self._peaks) == self._FULL:
            self._peaks = list(map(max, self._peaks[::2], self._peaks[1::2]))
            self._per_bucket *= 2
        self._peaks.append(value)
        self._in_last = 1

    def bins(self, width: int) -> list[float]:
        """Return the peaks of at most ``width`` stretches, oldest first, over all values."""
        count = len(self._peaks)
        if count <= width:
            return self._peaks.copy()
        edges = [i * count // width for i in range(width + 1)]
        return [max(self._peaks[start:stop]) for start, stop in pairwise(edges)]


class GapMeter:
    """The gaps of a run under way, for a screen that asks twenty times a second.

    Gives the same median, 95th percentile and maximum as ``gap_statistics`` at any moment.
    """

    def __init__(self) -> None:
        self._previous: int | None = None
        self._median = RunningPercentile(0.5)
        self._p95 = RunningPercentile(0.95)
        self._peaks = PeakBins()
        self._count = 0
        self._max: float | None = None

    def add(self, t_ns: int) -> None:
        """Take the arrival time of the next answer chunk, ns since sent. O(log n)."""
        previous = self._previous
        if not is_arrival(t_ns, previous):
            return
        self._previous = t_ns
        if previous is None:
            return
        gap = (t_ns - previous) / NS_PER_MS
        self._count += 1
        self._max = gap if self._max is None else max(self._max, gap)
        self._median.add(gap)
        self._p95.add(gap)
        self._peaks.add(gap)

    @property
    def count(self) -> int:
        """Number of gaps."""
        return self._count

    @property
    def median_ms(self) -> float | None:
        """Median gap."""
        return self._median.value

    @property
    def p95_ms(self) -> float | None:
        """95th percentile of the gaps."""
        return self._p95.value

    @property
    def max_ms(self) -> float | None:
        """Longest gap."""
        return self._max

    def bins(self, width: int) -> list[float]:
        """Return the longest gap (ms) of at most ``width`` stretches of the run, oldest first."""
        return self._peaks.bins(width)
