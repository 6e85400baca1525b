"""Noise, independence and the rule for stopping are as documented."""

import math
import random
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamscope.measure.inference import (
    autocorrelation,
    effective_n,
    half_width,
    median_estimate,
    narrow_enough,
    noise_floor,
)
from streamscope.measure.statistics import median

finite = st.floats(-1e6, 1e6)


@given(st.lists(finite, min_size=3, max_size=40))
def test_autocorrelation_is_that_of_the_definition(values: list[float]) -> None:
    around = np.array(values) - np.mean(values)
    spread = float((around**2).sum())
    found = autocorrelation(values)
    if min(values) == max(values):
        assert found is None
    elif spread > 1e-6:
        assert found is not None
        assert found == pytest.approx(float((around[:-1] * around[1:]).sum()) / spread, abs=1e-6)
        assert -1 <= found <= 1


def test_what_has_no_order_has_no_autocorrelation() -> None:
    assert autocorrelation([1.0, 2.0]) is None
    assert autocorrelation([0.1] * 9) is None


def test_independent_values_count_in_full() -> None:
    assert effective_n([1.0, 3.0, 2.0, 4.0, 1.0, 3.0]) == 6
    assert effective_n([5.0, 5.0]) == 2


def test_values_that_follow_each_other_count_for_fewer() -> None:
    values = [float(i) for i in range(20)]
    rho = autocorrelation(values)
    assert rho is not None
    assert rho > 0.3
    assert effective_n(values) == pytest.approx(20 * (1 - rho) / (1 + rho))


def test_half_the_width_is_a_share_of_the_median() -> None:
    values = [0.79, 0.80, 0.81, 0.83, 0.86, 1.40]
    assert half_width(values) == pytest.approx((1.40 - 0.79) / 2 / 0.82)


@pytest.mark.parametrize("values", [[], [1.0] * 5, [-1.0] * 6, [0.0] * 8])
def test_without_interval_or_scale_there_is_no_width(values: list[float]) -> None:
    assert half_width(values) is None
    assert not narrow_enough(values, 1.0, 0)


def test_equal_values_are_narrow_once_there_are_enough() -> None:
    assert half_width([2.0] * 6) == 0
    assert not narrow_enough([2.0] * 5, 0.05, 1)
    assert not narrow_enough([2.0] * 6, 0.05, 7)
    assert narrow_enough([2.0] * 6, 0.05, 6)


def test_stopping_by_width_behaves_as_documented() -> None:
    """Run sd 5 %, half-width 5 %, 6 to 30 repeats: about 9 are used, and coverage is kept."""
    draw = random.Random(20240607)
    used, covered = [], 0
    for _ in range(400):
        values = [draw.gauss(1, 0.05) for _ in range(6)]
        while len(values) < 30 and not narrow_enough(values, 0.05, 6):
            values.append(draw.gauss(1, 0.05))
        used.append(len(values))
        covered += not median_estimate(values).excludes(1)
    assert statistics.median(used) in (8, 9, 10)
    assert covered / 400 == pytest.approx(0.947, abs=0.035)


@pytest.mark.parametrize(("sd", "floor"), [(0.02, 0.030), (0.05, 0.075), (0.10, 0.149)])
def test_the_noise_floor_is_as_documented(sd: float, floor: float) -> None:
    step = sd / math.sqrt(2.5)  # the sample sd of -2, -1, 0, 1, 2
    found = noise_floor([1 + i * step for i in (-2, -1, 0, 1, 2)])
    assert found == pytest.approx(floor, rel=0.02)


@pytest.mark.parametrize("n", [5, 6, 9, 20])
def test_the_noise_floor_is_what_identical_modes_show(n: int) -> None:
    draw = random.Random(n)

    def middle() -> float:
        return median([draw.gauss(1, 0.05) for _ in range(n)])

    seen = float(np.percentile([abs(middle() / middle() - 1) for _ in range(3000)], 95))
    many = [draw.gauss(1, 0.05) for _ in range(2000)]
    scaled = noise_floor(many)
    assert scaled is not None
    per_n = math.sqrt((2000 + math.pi / 2 - 1) / (n + math.pi / 2 - 1))
    assert scaled * per_n == pytest.approx(seen, rel=0.12)


@pytest.mark.parametrize("values", [[], [1.0, 2.0], [-1.0, 0.0, 1.0]])
def test_too_few_values_have_no_noise_floor(values: list[float]) -> None:
    assert noise_floor(values) is None


def test_values_that_are_not_finite_are_refused() -> None:
    for measure in (autocorrelation, effective_n, half_width, noise_floor):
        with pytest.raises(ValueError, match="must be finite numbers"):
            measure([1.0, math.nan, 2.0, 3.0, 4.0, 5.0])
