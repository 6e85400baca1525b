"""Drift is found through noise and outliers, and never in too few values."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats  # type: ignore[import-untyped] # SciPy ships no types

from streamscope.measure.drift import MOST_EXACT, MOST_SLOPES, drift, position_effect, trend_p


def steady_growth(n: int, share: float) -> list[float]:
    return [2.0 * (1 + share) ** (i / (n - 1)) for i in range(n)]


@given(st.integers(6, 2 * MOST_SLOPES + 1), st.floats(-0.5, 2))
def test_steady_growth_is_found_exactly(n: int, share: float) -> None:
    found = drift(steady_growth(n, share))
    assert found is not None
    assert found.share == pytest.approx(share, abs=1e-9)
    assert found.n == n


def test_one_slow_run_is_no_drift() -> None:
    values = [1.0] * 9
    values[-1] = 5.0
    found = drift(values)
    assert found is not None
    assert (found.share, found.n) == (0.0, 9)
    assert found.p is not None
    assert found.p > 0.05


def test_seven_percent_are_found_in_noise() -> None:
    draw = random.Random(2)
    noisy = [value * draw.gauss(1, 0.01) for value in steady_growth(30, 0.07)]
    found = drift(noisy)
    assert found is not None
    assert found.share == pytest.approx(0.07, abs=0.02)


@pytest.mark.parametrize("values", [[], [1.0] * 5, [1.0] * 5 + [math.nan, 0.0, -2.0, math.inf]])
def test_fewer_than_six_values_show_no_drift(values: list[float]) -> None:
    assert drift(values) is None


ORDERED = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=90)


@given(ORDERED | st.lists(st.sampled_from([1.0, 2.0, 3.0]), min_size=2, max_size=30))
def test_the_test_of_a_trend_is_kendalls(values: list[float]) -> None:
    """Held against another program, both counted out and approximated."""
    p = trend_p(values)
    if len(set(values)) == 1:
        assert p is None
        return
    exact = len(set(values)) == len(values) <= MOST_EXACT
    method = "exact" if exact else "asymptotic"
    theirs = stats.kendalltau(range(len(values)), values, method=method).pvalue
    assert p == pytest.approx(theirs, rel=1e-9, abs=1e-12)


def test_a_rise_that_chance_would_make_is_no_trend_and_a_steady_one_is() -> None:
    assert trend_p([1.0, 2.0]) == 1.0
    assert trend_p([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]) == pytest.approx(2 / 720)
    assert trend_p([3.0, 1.0, 2.0, 6.0, 5.0, 4.0]) == pytest.approx(0.469444, abs=1e-6)


def test_values_left_out_keep_their_place() -> None:
    values = steady_growth(12, 0.10)
    values[4] = math.nan
    found = drift(values)
    assert found is not None
    assert found.share == pytest.approx(0.10)
    assert found.n == 11


def test_the_steepest_drift_stays_a_number() -> None:
    found = drift([5e-324] * 3 + [1.7e308] * 3)
    assert found is not None
    assert math.isfinite(found.share)


@given(st.floats(0.5, 2), st.floats(0.8, 1.25), st.integers(4, 12), st.integers(4, 12))
def test_the_effect_of_the_place_is_told_from_that_of_the_channel(
    channel: float, place: float, n: int, m: int
) -> None:
    """However much the channels differ, and though one of them went first more often."""
    found = position_effect([channel / place] * n, [channel * place] * m)
    assert found is not None
    assert found.estimate == pytest.approx(place)
    assert found.low == pytest.approx(place)
    assert found.high == pytest.approx(place)


def test_an_effect_of_the_place_is_found_in_noise_beside_a_large_one_of_the_channel() -> None:
    """Twelve pairs, A half as slow again as B, and whoever goes second a fifth slower."""
    draw = random.Random(7)

    def ratios(true: float) -> list[float]:
        return [true * draw.gauss(1, 0.003) for _ in range(6)]

    found = position_effect(ratios(1.5 / 1.2), ratios(1.5 * 1.2))
    assert found is not None
    assert found.estimate == pytest.approx(1.2, abs=0.005)
    assert found.excludes(1)
    assert found.coverage is not None
    assert found.coverage >= 0.95


def test_without_an_effect_of_the_place_none_is_found() -> None:
    draw = random.Random(8)
    one, other = ([1.5 * draw.gauss(1, 0.01) for _ in range(8)] for _ in range(2))
    found = position_effect(one, other)
    assert found is not None
    assert not found.excludes(1)


def test_three_pairs_of_an_order_have_no_interval() -> None:
    found = position_effect([1.1, 1.2, 1.3], [1.4, 1.5, 1.6])
    assert found is not None
    assert (found.low, found.high) == (None, None)


def test_one_order_alone_tells_nothing_of_the_place() -> None:
    """What the place does can't be told from what the channel does."""
    assert position_effect([1.1] * 9, []) is None
    assert position_effect([], [1.1] * 9) is None
    assert position_effect([1.1], [math.nan, 0.0, math.inf]) is None
