"""Votes are counted by the documented table, and the sentence claims what they show."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats  # type: ignore[import-untyped] # SciPy ships no types

from streamscope.measure.blind import ABOUT_WHOM, Choice, Vote, least_wins, tally


def vote(
    choice: Choice, felt_stream_s: float | None = None, felt_blocking_s: float | None = None
) -> Vote:
    return Vote(
        choice=choice,
        felt_stream_s=felt_stream_s,
        felt_blocking_s=felt_blocking_s,
        real_stream_first_s=1.0,
        real_stream_total_s=8.0,
        real_blocking_s=10.0,
    )


def votes(stream: int, blocking: int, ties: int = 0) -> list[Vote]:
    return [vote("stream")] * stream + [vote("blocking")] * blocking + [vote("tie")] * ties


@pytest.mark.parametrize(
    ("n", "wins"),
    [(6, 6), (8, 8), (9, 8), (10, 9), (12, 10), (15, 12), (20, 15), (24, 18), (30, 21)],
)
def test_the_needed_wins_are_as_documented(n: int, wins: int) -> None:
    assert least_wins(n) == wins


@pytest.mark.parametrize("n", range(6))
def test_five_votes_can_show_nothing(n: int) -> None:
    assert least_wins(n) is None


@given(st.integers(6, 200))
def test_one_win_fewer_would_not_do(n: int) -> None:
    wins = least_wins(n)
    assert wins is not None
    assert stats.binomtest(wins, n).pvalue < 0.05 <= stats.binomtest(wins - 1, n).pvalue


def test_nine_of_ten_show_something() -> None:
    found = tally(votes(9, 1))
    assert found.p == pytest.approx(0.0215, abs=0.00005)
    assert (found.low, found.high) == pytest.approx((0.60, 0.98), abs=0.005)
    assert found.sentence == (
        "Streaming felt faster in 9 of 10 votes (p 0.021, 95 % interval 60–98 %)."
        " One person's votes are about that person."
    )


def test_seven_of_ten_can_not_tell() -> None:
    found = tally(votes(7, 3))
    assert found.p == pytest.approx(0.344, abs=0.0005)
    assert (found.low, found.high) == pytest.approx((0.40, 0.89), abs=0.005)
    assert found.needed == 9
    assert found.sentence.startswith(
        "Can't tell: 7 of 10 votes for streaming (p 0.34, 95 % interval 40–89 %); it takes 9."
    )


def test_votes_for_blocking_are_told_as_such() -> None:
    found = tally(votes(1, 9))
    assert (found.low, found.high) == pytest.approx((0.02, 0.40), abs=0.005)
    assert found.sentence.startswith(
        "Blocking felt faster in 9 of 10 votes (p 0.021, 95 % interval 60–98 %)."
    )


def test_ties_are_left_out_and_told() -> None:
    found = tally(votes(6, 0, 3))
    assert (found.stream, found.blocking, found.ties, found.decided) == (6, 0, 3, 6)
    assert found.p == 0.03125
    assert "; 3 ties left out." in found.sentence
    assert "; 1 tie left out." in tally(votes(0, 0, 1)).sentence


@pytest.mark.parametrize(
    ("given_votes", "start"),
    [
        ([], "No vote says which felt faster."),
        (votes(0, 0, 2), "No vote says which felt faster;"),
        (votes(1, 0), "Can't tell: one vote can't show anything; it takes six that agree."),
        (votes(5, 0), "Can't tell: 5 votes can't show anything; it takes six that agree."),
        (votes(4, 4), "Can't tell: the 8 votes are split evenly (p 1,"),
        (votes(40, 0), "Streaming felt faster in 40 of 40 votes (p < 0.001,"),
    ],
)
def test_the_sentence_says_what_so_many_votes_can_show(given_votes: list[Vote], start: str) -> None:
    sentence = tally(given_votes).sentence
    assert sentence.startswith(start)
    assert sentence.endswith(ABOUT_WHOM)


def test_no_votes_leave_everything_open() -> None:
    found = tally([])
    assert (found.p, found.low, found.high, found.needed) == (1.0, 0.0, 1.0, None)
    assert found.felt.blocking is found.felt.stream_first is found.felt.stream_total is None


def test_felt_times_are_told_as_medians_over_real_ones() -> None:
    found = tally([vote("stream", 2.0, 12.0), vote("stream", 4.0, 15.0), vote("tie", 3.0, None)])
    assert found.felt.stream_first is not None
    assert found.felt.stream_total is not None
    assert found.felt.blocking is not None
    assert found.felt.stream_first.estimate == 3.0
    assert found.felt.stream_total.estimate == 0.375
    assert (found.felt.blocking.estimate, found.felt.blocking.n) == (1.35, 2)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -3.0])
def test_answers_that_are_no_times_are_left_out(bad: float) -> None:
    assert tally([vote("stream", bad, 12.0)]).felt.stream_total is None


def test_a_real_wait_of_zero_has_no_ratio() -> None:
    instant = Vote(
        choice="tie",
        felt_stream_s=1.0,
        felt_blocking_s=1.0,
        real_stream_first_s=0.0,
        real_stream_total_s=0.0,
        real_blocking_s=math.nan,
    )
    felt = tally([instant]).felt
    assert felt.stream_first is felt.stream_total is felt.blocking is None
