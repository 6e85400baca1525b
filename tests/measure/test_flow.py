"""The two published indices give what their definitions give by hand."""

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamscope.measure.flow import andes, fluidity

WORKED_S = (0.50, 0.55, 0.60, 0.65, 1.15, 1.17, 1.20, 1.25)
BLOCKING_S = (1.25,) * 8
STALL_SECOND_S = tuple(accumulate((0.50, 0.50, 0.05, 0.05, 0.05, 0.02, 0.03, 0.05)))
STALL_LAST_S = tuple(accumulate((0.50, 0.05, 0.05, 0.05, 0.02, 0.03, 0.05, 0.50)))

ascending = st.lists(st.floats(0, 5), min_size=1, max_size=40).map(
    lambda steps: list(accumulate(steps))
)


@pytest.mark.parametrize(
    ("arrivals_s", "share"),
    [(WORKED_S, 7 / 9), (STALL_SECOND_S, 7 / 11), (STALL_LAST_S, 1.0), (BLOCKING_S, 0.5)],
)
def test_a_stall_costs_what_was_not_saved_up(arrivals_s: tuple[float, ...], share: float) -> None:
    assert fluidity(arrivals_s, 0.6, 0.1) == pytest.approx(share)


def test_what_comes_on_time_to_the_nanosecond_is_met() -> None:
    assert fluidity([0.1 * i for i in range(1, 200)], 0.1, 0.1) == 1.0


@pytest.mark.parametrize(("arrivals_s", "quality"), [(WORKED_S, 0.769), (BLOCKING_S, 0.469)])
def test_quality_of_experience(arrivals_s: tuple[float, ...], quality: float) -> None:
    assert andes(arrivals_s, 10, 0.4) == pytest.approx(quality, abs=0.0005)


def test_a_stream_as_fast_as_wanted_has_full_quality() -> None:
    assert andes([0.4 + i / 10 for i in range(50)], 10, 0.4) == pytest.approx(1)
    assert andes([0, 0, 0], 10, 0.4) == 1
    assert andes([0], 10, 0) == 1


def test_nothing_came() -> None:
    assert fluidity([], 1, 0.1) is None
    assert andes([], 10, 1) is None


def test_impossible_wishes_are_refused() -> None:
    for first, later in ((1, 0), (0, 0.1), (1, float("nan"))):
        with pytest.raises(ValueError, match="deadlines must be positive"):
            fluidity([1], first, later)
    for rate, expected in ((0, 1), (float("nan"), 1), (10, -1)):
        with pytest.raises(ValueError, match="rate must be positive"):
            andes([1], rate, expected)


@given(ascending, st.floats(0.01, 3), st.floats(0.01, 3))
def test_both_lie_between_nothing_and_one(arrivals_s: list[float], d: float, first: float) -> None:
    share, quality = fluidity(arrivals_s, first, d), andes(arrivals_s, 1 / d, first)
    assert share is not None
    assert quality is not None
    assert 0 <= share <= 1
    assert 0 < quality <= 1


@given(ascending, st.floats(0.01, 3), st.floats(0, 9))
def test_the_same_stream_later_is_no_better(
    arrivals_s: list[float], d: float, delay_s: float
) -> None:
    later = [arrival + delay_s for arrival in arrivals_s]
    now_quality, later_quality = andes(arrivals_s, 1 / d, 1), andes(later, 1 / d, 1)
    assert now_quality is not None
    assert later_quality is not None
    assert later_quality <= now_quality + 1e-9
