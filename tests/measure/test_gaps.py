"""Gap statistics agree with the worked table; the live meter agrees with them at any moment."""

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamscope.measure.gaps import GapMeter, gap_statistics

WORKED_S = (0.50, 0.55, 0.60, 0.65, 1.15, 1.17, 1.20, 1.25)
arrivals = st.lists(st.integers(0, 10**9), min_size=1, max_size=80).map(
    lambda steps: list(accumulate(steps))
)


def ns(seconds: float) -> int:
    return round(seconds * 1e9)


def test_the_worked_table() -> None:
    gaps = gap_statistics([ns(t) for t in WORKED_S])
    assert gaps is not None
    assert gaps.count == 7
    assert gaps.mean_ms == pytest.approx(107.1, abs=0.05)
    assert gaps.p50_ms == pytest.approx(50)
    assert gaps.sd_ms == pytest.approx(173.7, abs=0.05)
    assert gaps.cv == pytest.approx(1.621, abs=0.0005)
    assert gaps.p95_ms == pytest.approx(365)
    assert gaps.p99_ms == pytest.approx(473)
    assert gaps.max_ms == pytest.approx(500)
    assert gaps.stalls == 1
    assert gaps.stall_ms == pytest.approx(500)
    assert gaps.stall_ms / 1000 / (1.25 - 0.50) == pytest.approx(0.667, abs=0.0005)


@pytest.mark.parametrize("arrivals_ns", [[], [5]])
def test_fewer_than_two_arrivals_have_no_gap(arrivals_ns: list[int]) -> None:
    assert gap_statistics(arrivals_ns) is None


def test_one_gap_has_no_spread() -> None:
    gaps = gap_statistics([0, ns(0.02)])
    assert gaps is not None
    assert (gaps.sd_ms, gaps.cv) == (None, None)
    assert gaps.p95_ms == pytest.approx(20)


@pytest.mark.parametrize(("longest_s", "stalls"), [(0.2, 0), (0.2001, 1)])
def test_a_fast_stream_stalls_above_a_fifth_of_a_second(longest_s: float, stalls: int) -> None:
    gaps = gap_statistics([0, ns(0.01), ns(0.02), ns(0.02 + longest_s)])
    assert gaps is not None
    assert gaps.stalls == stalls


@pytest.mark.parametrize(("longest_s", "stalls"), [(0.6, 0), (0.601, 1)])
def test_a_slow_stream_stalls_above_three_medians(longest_s: float, stalls: int) -> None:
    gaps = gap_statistics([0, ns(0.2), ns(0.4), ns(0.4 + longest_s)])
    assert gaps is not None
    assert gaps.stalls == stalls


def test_a_meter_without_gaps_knows_nothing() -> None:
    meter = GapMeter()
    meter.add(3)
    assert (meter.count, meter.median_ms, meter.p95_ms, meter.max_ms) == (0, None, None, None)
    assert meter.bins(10) == []


def test_a_meter_counts_chunks_of_one_read_as_one_arrival() -> None:
    meter = GapMeter()
    for t_s in (0.1, 0.1, 0.1, 0.3, 0.3):
        meter.add(ns(t_s))
    assert meter.count == 1
    assert meter.median_ms == pytest.approx(200)


def test_a_clock_that_steps_back_makes_no_negative_gap() -> None:
    meter = GapMeter()
    for t_ns in (1_000_000, 999_990, 3_000_000):
        meter.add(t_ns)
    assert (meter.count, meter.max_ms) == (1, 2.0)


@given(arrivals)
def test_the_meter_agrees_with_the_final_statistics(arrivals_ns: list[int]) -> None:
    meter = GapMeter()
    for t_ns in arrivals_ns:
        meter.add(t_ns)
    final = gap_statistics(list(dict.fromkeys(arrivals_ns)))
    if final is None:
        assert meter.count == 0
    else:
        assert meter.count == final.count
        assert meter.median_ms == pytest.approx(final.p50_ms)
        assert meter.p95_ms == pytest.approx(final.p95_ms)
        assert meter.max_ms == pytest.approx(final.max_ms)


@pytest.mark.parametrize("count", [1, 7, 40, 511, 512, 513, 20_000])
@pytest.mark.parametrize("width", [1, 7, 40])
def test_bins_cover_the_whole_run_and_keep_its_peak(count: int, width: int) -> None:
    meter = GapMeter()
    now = 0
    meter.add(now)
    for i in range(count):
        now += 50_000_000 if i == count // 2 else 1_000_000
        meter.add(now)
    bins = meter.bins(width)
    assert len(bins) == min(count, width)
    assert max(bins) == 50.0
    assert all(each in (1.0, 50.0) for each in bins)
    assert bins.count(50.0) == 1


def test_bins_are_in_order_oldest_first() -> None:
    meter = GapMeter()
    now = 0
    meter.add(now)
    for gap_ms in range(1, 2001):
        now += gap_ms * 1_000_000
        meter.add(now)
    bins = meter.bins(16)
    assert bins == sorted(bins)
    assert bins[-1] == 2000.0
