"""What the comparison of clients concludes: errors are those of the client, ratios say who is
better, and an aim that was missed is said as plainly as one that was reached."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from benchmarks.errors import (
    Errors,
    aims,
    first_error_ms,
    gap_errors_ms,
    ratio,
    shared_reads,
    stamp_errors_ms,
    sure_errors_ms,
    three,
)
from benchmarks.known import CHAT, Answer
from benchmarks.readings import Reading

ZERO = 1_000_000_000
MS = 1_000_000

Make = Callable[..., Reading]


@pytest.fixture
def answer() -> Answer:
    """Headers at once, three texts 10 ms apart from 100 ms on, the last two in one write."""
    at = [ZERO, ZERO + 100 * MS, ZERO + 110 * MS]
    return Answer(
        request=1,
        path=CHAT,
        stream=True,
        arrived_ns=ZERO,
        due_ns=at,
        before_ns=at,
        after_ns=at,
        texts=[0, 1, 2],
    )


@pytest.fixture
def reading() -> Make:
    """Return what a client saw that stamped so many ms late, and counts from 2 ms before."""

    def make(*late_ms: float, **members: Any) -> Reading:
        wrote = [ZERO + 100 * MS, ZERO + 110 * MS, ZERO + 110 * MS]
        stamps = [at + round(late * MS) for at, late in zip(wrote, late_ms, strict=False)]
        return replace(Reading(ZERO - 2 * MS, stamps), **members)

    return make


def test_the_first_text_is_wrong_by_what_lies_outside_the_servers_span(
    answer: Answer, reading: Make
) -> None:
    """2 ms before the request arrived, and 0.5 ms after the write began."""
    assert first_error_ms(reading(0.5, 0, 0), answer) == pytest.approx(2.5)


def test_the_first_error_does_not_depend_on_whose_clock_it_is(
    answer: Answer, reading: Make
) -> None:
    one = reading(0.5, 0, 0)
    other = Reading(0, [stamp - one.zero_ns for stamp in one.stamps_ns], absolute=False)
    assert first_error_ms(other, answer) == first_error_ms(one, answer)


def test_a_stamp_is_held_against_the_write_that_brought_it(answer: Answer, reading: Make) -> None:
    assert stamp_errors_ms(reading(0.5, 0.25, 1), answer) == pytest.approx([0.5, 0.25, 1])


def test_errors_of_gaps_have_no_sign(answer: Answer, reading: Make) -> None:
    assert gap_errors_ms(reading(0.5, 0.25, 1), answer) == pytest.approx([0.25, 0.75])


def test_a_constant_delay_spoils_stamps_and_no_gap(answer: Answer, reading: Make) -> None:
    assert gap_errors_ms(reading(3, 3, 3), answer) == [0, 0]


def test_all_but_the_last_of_a_read_share_it(reading: Make) -> None:
    assert shared_reads(reading(0, 0, 0, reads=[4, 5, 5])) == 1
    assert shared_reads(reading(0, 0, 0)) is None


def test_the_last_of_a_read_is_sure(answer: Answer, reading: Make) -> None:
    """An earlier one may have arrived at any time since the read before."""
    assert sure_errors_ms(reading(1, 5, 2, reads=[4, 5, 5]), answer) == pytest.approx([1, 2])
    assert sure_errors_ms(reading(1, 5, 2), answer) == []


def test_only_the_long_answer_counts_for_stamps_and_each_first_text_for_itself(
    answer: Answer, reading: Make
) -> None:
    errors = Errors()
    errors.add(
        [reading(7, 7, 7), reading(1, 1, 1), reading(0, 0, 0, reads=[0, 1, 1], clock="kernel")],
        [answer] * 3,
        cpu_s=0.003,
    )
    assert errors.cold == pytest.approx([9])
    assert errors.warm == pytest.approx([3, 2])
    assert errors.stamps == [0, 0, 0]
    assert errors.shared == 1
    assert errors.clocks == {"kernel"}
    assert errors.cpu_s == pytest.approx([1.0])


def test_a_clock_of_its_own_gives_gaps_but_no_stamps(answer: Answer, reading: Make) -> None:
    errors = Errors()
    errors.add([reading(1, 1, 2, absolute=False)], [answer], cpu_s=None)
    assert errors.stamps == []
    assert errors.gaps == pytest.approx([0, 1])
    assert errors.cpu_s == []
    assert errors.shared is None


def test_one_reading_that_tells_nothing_of_reads_makes_their_number_unknown(
    answer: Answer, reading: Make
) -> None:
    errors = Errors()
    errors.add([reading(0, 0, 0)], [answer], cpu_s=None)
    errors.add([reading(0, 0, 0, reads=[0, 1, 1])], [answer], cpu_s=None)
    assert errors.shared is None


def test_a_lost_text_is_never_compared_with_the_wrong_write(answer: Answer, reading: Make) -> None:
    errors = Errors()
    with pytest.raises(ValueError, match="3 texts were written, 2 came"):
        errors.add([reading(0, 0)], [answer], cpu_s=None)
    assert errors == Errors()


def test_lateness_is_that_of_writes_with_text(answer: Answer) -> None:
    """How late the headers went out says nothing of the schedule."""
    late = replace(answer, before_ns=[at + 5_000 for at in answer.due_ns])
    assert late.lateness_ms() == pytest.approx([0.005, 0.005])


def test_percentiles_are_of_type_7() -> None:
    assert three([4.0, 1.0, 2.0, 3.0]) == pytest.approx((2.5, 3.97, 4.0))
    assert three([]) is None


def test_a_ratio_compares_p99_and_needs_both_sides() -> None:
    assert ratio([2.0], [4.0]) == 0.5
    assert ratio([], [4.0]) is None
    assert ratio([2.0], []) is None
    assert ratio([2.0], [0.0]) is None


def test_aims_that_hold() -> None:
    assert aims("ours", [1.0], bare=[1.0], textual=[50.0]) == (
        "ours: 1.00× the bare loop's p99 (aim: at most 1.5×) holds; "
        "50× better than the reader on a Textual loop (aim: 50×) holds."
    )


def test_aims_that_do_not_hold_are_said_too() -> None:
    assert aims("ours", [2.0], bare=[1.0], textual=[50.0]) == (
        "ours: 2.00× the bare loop's p99 (aim: at most 1.5×) does not hold; "
        "25× better than the reader on a Textual loop (aim: 50×) does not hold."
    )


def test_aims_without_anything_to_compare_with() -> None:
    assert aims("ours", [2.0], [], []) == "ours: not measured beside the others."
