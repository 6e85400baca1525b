"""Drift is found through noise and outliers, and never in too few values."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamscope.measure.drift import MOST_SLOPES, Drift, drift, position_effect


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
    assert drift(values) == Drift(share=0.0, n=9)


def test_seven_percent_are_found_in_noise() -> None:
    draw = random.Random(2)
    noisy = [value * draw.gauss(1, 0.01) for value in steady_growth(30, 0.07)]
    found = drift(noisy)
    assert found is not None
    assert found.share == pytest.approx(0.07, abs=0.02)


@pytest.mark.parametrize("values", [[], [1.0] * 5, [1.0] * 5 + [math.nan, 0.0, -2.0, math.inf]])
def test_fewer_than_six_values_show_no_drift(values: list[float]) -> None:
    assert drift(values) is None


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


def test_going_second_is_found_in_balanced_order() -> None:
    """Second runs take 10 % longer; B is 3 % slower than A; the order is A B, B A by turns."""
    firsts = [1.0, 1.03] * 6
    seconds = [1.03 * 1.1, 1.0 * 1.1] * 6
    found = position_effect(firsts, seconds)
    assert found is not None
    assert found.estimate == pytest.approx(1.1, abs=0.002)
    assert found.excludes(1)


def test_without_effect_the_place_shows_none() -> None:
    found = position_effect([1.0, 1.03] * 6, [1.03, 1.0] * 6)
    assert found is not None
    assert found.estimate == pytest.approx(1)
    assert not found.excludes(1)


def test_pairs_with_a_value_that_is_none_are_left_out() -> None:
    found = position_effect([1.0, math.nan, 0.0, 1.0], [2.0, 2.0, 2.0, math.inf])
    assert found is not None
    assert found.estimate == pytest.approx(2)
    assert found.n == 1
    assert position_effect([], []) is None
    assert position_effect([math.nan], [1.0]) is None


def test_a_first_without_a_second_is_refused() -> None:
    with pytest.raises(ValueError, match="not 2 and 1"):
        position_effect([1.0, 2.0], [1.0])
