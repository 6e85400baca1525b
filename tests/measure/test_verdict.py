"""Findings claim what the intervals show, and no more."""

import math
import random
from collections.abc import Iterable, Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamscope.measure.conventions import Thresholds
from streamscope.measure.verdict import (
    Finding,
    PairFigures,
    judge,
    judge_pairs,
    judge_samples,
)

STREAM_RATES = [50.8, 50.6, 51.1, 50.9, 50.7, 50.5]
BLOCKING_RATES = [50.9, 50.7, 50.9, 51.2, 50.8, 50.4]


def pairs_of(
    name: str,
    a: Iterable[float | None],
    b: Iterable[float | None],
    *,
    same_output: bool | None = True,
) -> list[PairFigures]:
    return [
        PairFigures(a={name: first}, b={name: second}, same_output=same_output)
        for first, second in zip(a, b, strict=True)
    ]


def ratios(*values: float) -> list[tuple[float, float]]:
    return [(value, 1.0) for value in values]


def spread(centre: float, step: float, n: int) -> list[tuple[float, float]]:
    """Pairs whose log ratios lie evenly around a centre."""
    return ratios(*(math.exp(centre + step * (i - (n - 1) / 2)) for i in range(n)))


# one figure


def test_rates_are_equivalent_as_documented() -> None:
    found = judge(pairs_of("server_tok_per_s", STREAM_RATES, BLOCKING_RATES)).rate
    assert (found.name, found.kind, found.n, found.margin) == (
        "server_tok_per_s",
        "equivalent",
        6,
        0.05,
    )
    assert found.ratio is not None
    assert found.inner is not None
    assert found.ratio.estimate == pytest.approx(0.998, abs=0.0005)
    assert (found.inner.low, found.inner.high) == pytest.approx((0.996, 1.002), abs=0.0005)
    assert found.inner.coverage == 0.90625
    assert (found.a, found.b) == pytest.approx((50.75, 50.85))
    assert (found.more, found.reason) == (None, "")


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


# totals


def timed(
    output: tuple[float | None, float | None],
    same_output: bool | None,
    *,
    figure: str = "done_s",
    n: int = 6,
) -> list[PairFigures]:
    return [
        PairFigures(
            a={figure: 10 + i / 100, "output_tokens": output[0]},
            b={figure: 10.01, "output_tokens": output[1]},
            same_output=same_output,
        )
        for i in range(n)
    ]


@pytest.mark.parametrize(
    ("output", "same_output"),
    [
        ((None, None), True),
        ((100, 100), False),
        ((100, 100), None),
        ((100, 101), True),
        ((1000, 1010), True),
    ],
)
def test_totals_are_judged_over_the_same_work(
    output: tuple[float | None, float | None], same_output: bool | None
) -> None:
    assert judge(timed(output, same_output)).total.kind == "equivalent"


@pytest.mark.parametrize(
    ("output", "same_output", "reason"),
    [
        ((349, 324), False, "the answers differ in length"),
        ((349, 324), None, "the answers differ in length"),
        ((349, 324), True, "the answers differ in length"),  # unequal thinking before equal answers
        ((100, 101), False, "the answers differ in length"),
        ((None, 324), False, "the answers differ"),
        ((None, None), None, "nothing tells whether the answers are the same"),
        ((0, 0), None, "nothing tells whether the answers are the same"),
    ],
)
def test_totals_of_different_work_are_not_compared(
    output: tuple[float | None, float | None], same_output: bool | None, reason: str
) -> None:
    found = judge(timed(output, same_output)).total
    assert (found.kind, found.reason, found.ratio) == ("unknown", reason, None)


def test_pairs_of_the_same_work_are_judged_without_the_others() -> None:
    found = judge([*timed((9, 9), True), *timed((9, 99), False)]).total
    assert (found.kind, found.n) == ("equivalent", 6)


def test_totals_end_at_the_same_event_and_else_at_the_last_text() -> None:
    assert judge(timed((9, 9), True)).total.name == "done_s"
    by_text = judge(timed((9, 9), True, figure="total_s")).total
    assert (by_text.name, by_text.kind) == ("total_s", "equivalent")


def test_rates_fall_back_on_what_both_sides_have() -> None:
    one_sided = [
        PairFigures(
            a={"server_tok_per_s": 50.0, "e2e_tok_per_s": rate},
            b={"e2e_tok_per_s": 40.0},
        )
        for rate in STREAM_RATES
    ]
    assert judge(one_sided).rate.name == "e2e_tok_per_s"


# all together


def test_waits_have_their_own_margin() -> None:
    values = [math.exp(0.01 * i) for i in range(6)]
    everything = [
        PairFigures(
            a=dict.fromkeys(("ttfv_s", "done_s", "server_tok_per_s"), value),
            b=dict.fromkeys(("ttfv_s", "done_s", "server_tok_per_s"), 1.0),
            same_output=True,
        )
        for value in values
    ]
    judged = judge(everything, Thresholds(margin=0.02, wait_margin=0.5))
    assert (judged.first.margin, judged.total.margin, judged.rate.margin) == (0.5, 0.02, 0.02)


def test_equal_outputs_are_counted_among_those_that_could_be_compared() -> None:
    pairs = [PairFigures(a={}, b={}, same_output=same) for same in (True, True, False, None)]
    judged = judge(pairs)
    assert (judged.n, judged.same_output, judged.compared_output) == (4, 2, 3)


@pytest.mark.parametrize(
    ("pairs", "reason"),
    [
        ([], "fewer than two pairs"),
        ([PairFigures(a={"ttfv_s": 1.0}, b={"ttfv_s": 2.0})], "fewer than two pairs"),
        ([PairFigures(a={"ttfv_s": None}, b={})] * 7, "fewer than two pairs have this figure"),
    ],
)
def test_too_little_is_unknown_and_says_why(pairs: Sequence[PairFigures], reason: str) -> None:
    judged = judge(pairs)
    assert (judged.first.kind, judged.first.reason) == ("unknown", reason)
    assert (judged.rate.kind, judged.rate.reason) == ("unknown", reason)
    assert judged.total.kind == "unknown"
    assert judged.total.reason


def test_the_advice_is_about_side_a() -> None:
    pair = PairFigures(
        a={"ttfv_s": 7.69, "total_s": 8.15, "output_tokens": 349, "hidden_tokens": 328.5},
        b={"ttfv_s": 7.65, "total_s": 7.65},
    )
    advice = judge([pair]).advice
    assert (advice.decision, advice.estimated) == ("fix-the-wait", True)
    counted = judge([msgspec.structs.replace(pair, estimated=frozenset())]).advice
    assert (counted.decision, counted.estimated) == ("fix-the-wait", False)


def test_a_judgement_survives_json() -> None:
    judged = judge(pairs_of("server_tok_per_s", STREAM_RATES, BLOCKING_RATES))
    assert msgspec.json.decode(msgspec.json.encode(judged.rate), type=Finding) == judged.rate


@pytest.mark.parametrize("value", [1e308, 5e-324])
def test_absurd_figures_break_nothing(value: float) -> None:
    names = (
        "ttfv_s",
        "total_s",
        "done_s",
        "server_tok_per_s",
        "visible_tok_per_s",
        "hidden_tokens",
        "output_tokens",
    )
    judged = judge([PairFigures(a=dict.fromkeys(names, value), b=dict.fromkeys(names, 1.0))] * 6)
    assert judged.first.kind == "different"
    assert judged.advice.decision != "cannot-tell"


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
