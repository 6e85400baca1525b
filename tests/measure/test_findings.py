"""Findings claim what the intervals show, and no more."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamscope.measure.findings import judge_pairs, judge_samples


def ratios(*values: float) -> list[tuple[float, float]]:
    return [(value, 1.0) for value in values]


def spread(centre: float, step: float, n: int) -> list[tuple[float, float]]:
    """Pairs whose log ratios lie evenly around a centre."""
    return ratios(*(math.exp(centre + step * (i - (n - 1) / 2)) for i in range(n)))


# pairs


def test_a_clear_difference_is_different_and_counts() -> None:
    found = judge_pairs("ttfv_s", spread(math.log(0.5), 0.02, 6), 0.20)
    assert (found.kind, found.negligible) == ("different", False)
    assert found.p == 0.03125
    assert found.more is None


def test_a_small_but_certain_difference_is_different_and_negligible() -> None:
    found = judge_pairs("done_s", spread(0.01, 0.001, 6), 0.05)
    assert (found.kind, found.negligible) == ("different", True)


def test_a_wide_interval_around_one_is_inconclusive_and_not_equal() -> None:
    found = judge_pairs("done_s", spread(0.03, 0.1, 6), 0.05)
    assert found.kind == "inconclusive"
    assert found.more is not None


def test_five_pairs_can_be_equivalent_but_never_different() -> None:
    apart = judge_pairs("ttfv_s", spread(math.log(0.1), 0.001, 5), 0.20)
    assert apart.kind == "inconclusive"
    assert apart.more == 1
    assert apart.ratio is not None
    assert apart.ratio.coverage is None
    alike = judge_pairs("ttfv_s", spread(0, 0.01, 5), 0.20)
    assert alike.kind == "equivalent"
    assert alike.inner is not None
    assert alike.inner.coverage == 0.9375


@pytest.mark.parametrize("n", [2, 3, 4])
def test_four_pairs_have_no_interval_and_say_so(n: int) -> None:
    found = judge_pairs("ttfv_s", spread(math.log(0.1), 0.001, n), 0.20)
    assert (found.kind, found.reason) == (
        "inconclusive",
        f"n={n} is too few for an interval",
    )
    assert found.more == 6 - n


def test_pairs_that_are_all_ties_are_equivalent() -> None:
    found = judge_pairs("done_s", [(2.0, 2.0)] * 6, 0.05)
    assert found.kind == "equivalent"
    assert found.ratio is not None
    assert (found.ratio.estimate, found.ratio.low, found.ratio.high) == (1, 1, 1)
    assert found.p is None


@pytest.mark.parametrize("values", [[], [(1.0, 2.0)]])
def test_one_pair_or_none_shows_nothing(values: list[tuple[float, float]]) -> None:
    found = judge_pairs("ttfv_s", values, 0.2)
    assert (found.kind, found.reason) == ("unknown", "fewer than two pairs")
    assert (found.ratio is None) == (not values)


@pytest.mark.parametrize("bad", [math.nan, math.inf, 0.0, -1.0])
def test_values_without_a_ratio_are_left_out_of_their_pair(bad: float) -> None:
    good = spread(math.log(0.5), 0.02, 6)
    assert judge_pairs("ttfv_s", [*good, (bad, 1.0), (1.0, bad)], 0.2) == judge_pairs(
        "ttfv_s", good, 0.2
    )


def test_a_difference_may_lie_within_a_wider_margin() -> None:
    values = spread(0.1, 0.01, 8)
    assert not judge_pairs("ttfv_s", values, 0.05).negligible
    assert judge_pairs("ttfv_s", values, 0.20).negligible


def test_runs_that_follow_each_other_are_worth_fewer() -> None:
    found = judge_pairs("done_s", spread(0, 0.01, 20), 0.05)
    assert found.effective_n < found.n == 20


@given(st.lists(st.floats(0.5, 2.0), min_size=2, max_size=25), st.floats(0.01, 0.5))
def test_the_kind_follows_from_the_intervals(values: list[float], margin: float) -> None:
    found = judge_pairs("done_s", ratios(*values), margin)
    assert found.ratio is not None
    assert found.inner is not None
    differs = found.ratio.excludes(1)
    equals = found.inner.within(1 / (1 + margin), 1 + margin)
    expected = "different" if differs else "equivalent" if equals else "inconclusive"
    assert found.kind == expected
    assert found.negligible == (differs and equals)
    assert (found.more is None) or found.kind == "inconclusive"


@given(st.lists(st.floats(0.5, 2.0), min_size=6, max_size=20))
def test_changing_sides_turns_the_ratio_and_keeps_the_verdict(values: list[float]) -> None:
    there = judge_pairs("done_s", [(value, 1.0) for value in values], 0.05)
    back = judge_pairs("done_s", [(1.0, value) for value in values], 0.05)
    assert there.ratio is not None
    assert back.ratio is not None
    assert there.ratio.estimate == pytest.approx(1 / back.ratio.estimate)
    assert there.p == back.p


# how many more


def test_more_pairs_are_those_that_the_narrowing_takes() -> None:
    """Half of the interval is 0.25 at n = 6; the centre lies 0.1 away, outside the margin."""
    found = judge_pairs("done_s", spread(0.1, 0.1, 6), 0.05)
    wanted = 6 * (0.25 / 0.1) ** 2
    assert found.more == math.ceil(wanted - 6)


def test_the_nearer_of_the_two_ends_is_taken() -> None:
    """The same pairs are nearer to a difference (0.04 away) or to equivalence, by the margin."""
    to_differ = 6 * (0.10 / 0.04) ** 2
    values = spread(0.04, 0.04, 6)
    to_equal = 6 * (0.06 / (math.log(1.1) - 0.04)) ** 2
    assert judge_pairs("done_s", values, 0.10).more == math.ceil(to_equal - 6)
    assert judge_pairs("done_s", values, 0.05).more == math.ceil(to_differ - 6)


def test_more_is_capped_where_it_would_take_for_ever() -> None:
    assert judge_pairs("done_s", spread(0.0, 0.5, 6), 0.001).more == 200


def test_without_margin_and_without_distance_no_number_is_made_up() -> None:
    assert judge_pairs("done_s", [(1.0, 1.0)] * 3, 0.0).more is None


def test_so_many_more_pairs_do_decide_it_mostly() -> None:
    """Draw on after an inconclusive start: the promised number must do in most cases."""
    draw = random.Random(7)
    promised = kept = 0
    while promised < 150:
        logs = [draw.gauss(0.1, 0.12) for _ in range(6)]
        first = judge_pairs("done_s", ratios(*map(math.exp, logs)), 0.05)
        if first.kind != "inconclusive":
            continue
        assert first.more is not None
        promised += 1
        logs += [draw.gauss(0.1, 0.12) for _ in range(first.more)]
        kept += judge_pairs("done_s", ratios(*map(math.exp, logs)), 0.05).kind != "inconclusive"
    assert kept / promised > 0.7


# two groups


def test_groups_that_are_not_paired_are_judged_by_their_shift() -> None:
    found = judge_samples(
        "ttfv_s", [9.71, 9.60, 9.85, 9.77, 9.69], [7.69, 7.72, 7.61, 7.80, 7.66], 0.2
    )
    assert (found.kind, found.n) == ("different", 5)
    assert found.p == pytest.approx(0.0079, abs=0.00005)
    assert found.ratio is not None
    assert found.ratio.estimate == pytest.approx(9.71 / 7.69, abs=0.005)


def test_a_group_without_values_shows_nothing() -> None:
    found = judge_samples("ttfv_s", [1.0, 2.0], [math.nan, 0.0], 0.2)
    assert (found.kind, found.reason, found.a, found.b) == (
        "unknown",
        "fewer than two values on one side",
        1.5,
        None,
    )
