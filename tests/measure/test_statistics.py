"""The statistics agree with the documented table, and with NumPy and SciPy."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats  # type: ignore[import-untyped] # SciPy ships no types

from streamscope.measure.statistics import median, median_interval, percentile

finite = st.floats(-1e9, 1e9)


@pytest.mark.parametrize(
    ("n", "low_rank", "high_rank", "coverage"),
    [
        (5, 1, 5, 93.75),
        (6, 1, 6, 96.9),
        (7, 1, 7, 98.4),
        (8, 1, 8, 99.2),
        (9, 2, 8, 96.1),
        (10, 2, 9, 97.9),
        (12, 3, 10, 96.1),
        (15, 4, 12, 96.5),
        (20, 6, 15, 95.9),
        (30, 10, 21, 95.7),
    ],
)
def test_ranks_and_coverage_are_those_of_the_table(
    n: int, low_rank: int, high_rank: int, coverage: float
) -> None:
    interval = median_interval([float(rank) for rank in range(n, 0, -1)])
    assert interval is not None
    assert (interval.low_rank, interval.high_rank) == (low_rank, high_rank)
    assert (interval.low, interval.high) == (low_rank, high_rank)
    assert 100 * interval.coverage == pytest.approx(coverage, abs=0.05)


@pytest.mark.parametrize("n", [5, 6, 9, 15, 30, 200])
def test_coverage_is_the_binomial_probability(n: int) -> None:
    interval = median_interval([float(i) for i in range(n)])
    assert interval is not None
    inside = stats.binom.cdf(interval.high_rank - 1, n, 0.5) - stats.binom.cdf(
        interval.low_rank - 1, n, 0.5
    )
    assert interval.coverage == pytest.approx(inside)


@pytest.mark.parametrize("n", [6, 9, 15, 30, 200])
def test_the_next_narrower_interval_would_not_cover_enough(n: int) -> None:
    interval = median_interval([float(i) for i in range(n)])
    assert interval is not None
    assert interval.coverage >= 0.95
    assert 1 - 2 * stats.binom.cdf(interval.low_rank, n, 0.5) < 0.95


@pytest.mark.parametrize("n", range(5))
def test_four_values_are_too_few_for_an_interval(n: int) -> None:
    assert median_interval([1.0] * n) is None


def test_an_outlier_widens_the_interval_but_not_the_median() -> None:
    values = [0.79, 0.80, 0.81, 0.83, 0.86, 1.40]
    interval = median_interval(values)
    assert median(values) == pytest.approx(0.82)
    assert interval is not None
    assert (interval.low, interval.high) == (0.79, 1.40)


@given(st.lists(finite, min_size=1, max_size=60), st.floats(0, 1))
def test_percentiles_are_those_of_numpy(values: list[float], share: float) -> None:
    ours = percentile(sorted(values), share)
    theirs = float(np.percentile(values, 100 * share))
    assert math.isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-3)


@given(st.lists(finite, min_size=1, max_size=60))
def test_medians_are_those_of_numpy(values: list[float]) -> None:
    assert math.isclose(median(values), float(np.median(values)), rel_tol=1e-9, abs_tol=1e-6)


def test_a_percentile_never_exceeds_the_maximum() -> None:
    assert percentile([0.02, 0.03, 0.05, 0.05, 0.05, 0.05, 0.5], 0.95) == pytest.approx(0.365)


def test_nothing_has_no_percentile() -> None:
    with pytest.raises(ValueError, match="at least one"):
        percentile([], 0.5)


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_shares_beyond_the_ends_are_refused(share: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        percentile([1.0], share)
