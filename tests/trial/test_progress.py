"""What is said about the time that is left is no more than can be known."""

import msgspec
import pytest

from streamscope.plan import Plan
from streamscope.trial.progress import Values, pairs_needed, progress

NARROW = Plan(repeat=30, until=0.05)


def values(*totals: float) -> Values:
    known = Values()
    for total in totals:
        known.add({"ttfv_s": total / 4, "total_s": total}, {"ttfv_s": total, "total_s": total})
    return known


def test_a_fixed_number_of_pairs_is_what_there_will_be() -> None:
    at = progress(Plan(repeat=8), values(1, 1), elapsed_s=5.0, measured_s=4.0, pairs_now=2)
    assert (at.pairs, at.least, at.most, at.width) == (2, 8, 8, None)
    assert at.left_s == (12.0, 12.0)


def test_nothing_is_said_before_the_first_pair() -> None:
    at = progress(NARROW, values(), elapsed_s=1.0, measured_s=1.0, pairs_now=0)
    assert at.left_s is None


def test_warm_ups_tell_how_long_the_first_pair_will_take() -> None:
    at = progress(NARROW, values(), elapsed_s=1.0, measured_s=0.0, pairs_now=0, guessed_s=2.0)
    assert at.left_s == (12.0, 60.0)
    at = progress(
        Plan(repeat=4), values(1, 1), elapsed_s=9, measured_s=8, pairs_now=2, guessed_s=90
    )
    assert at.left_s == (8.0, 8.0), "what was measured counts for more"


def test_before_there_is_an_interval_the_plan_is_all_that_is_known() -> None:
    at = progress(NARROW, values(1, 2, 1), elapsed_s=6.0, measured_s=6.0, pairs_now=3)
    assert (at.least, at.most, at.width) == (6, 30, None)
    assert at.left_s == (6.0, 54.0)


@pytest.mark.parametrize(
    ("pairs", "width", "expected"),
    [
        (6, 0.04, (6, 6)),  # narrow enough: over
        (6, 0.10, (6, 24)),  # twice too wide: four times as many
        (20, 0.10, (20, 30)),  # the plan's bound holds
        (3, 0.01, (6, 30)),  # too few to say
    ],
)
def test_a_width_that_is_too_large_needs_more_pairs(
    pairs: int, width: float, expected: tuple[int, int]
) -> None:
    assert pairs_needed(pairs, width, NARROW) == expected


def test_the_widest_interval_counts() -> None:
    known = Values()
    for number in range(6):
        known.add({"ttfv_s": 0.2 + 0.1 * number, "total_s": 1.0}, {"ttfv_s": 1.0, "total_s": 1.0})
    assert known.width == pytest.approx(0.25 / 0.45)
    assert not known.narrow(0.05, 6)


def test_without_any_figures_nothing_is_narrow() -> None:
    known = Values()
    for _ in range(6):
        known.add({}, {})
    assert known.width is None
    assert not known.narrow(0.05, 6)


def test_a_pair_is_one_of_so_many() -> None:
    def of(pair: int, least: int, most: int) -> str:
        at = progress(NARROW, values(), elapsed_s=0.0, measured_s=0.0, pairs_now=0)
        return msgspec.structs.replace(at, least=least, most=most).of(pair)

    assert of(3, 6, 6) == "of 6"
    assert of(3, 6, 30) == "of 6 to 30"
    assert of(17, 17, 30) == "of up to 30"
