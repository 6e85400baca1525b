"""A verdict is about equal work, or says that it is not, and advises on delivery alone."""

import math
from collections.abc import Iterable, Sequence
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamscope.measure.conventions import Thresholds
from streamscope.measure.verdict import (
    Finding,
    PairFigures,
    judge,
)
from streamscope.sides import Question

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
    counted = judge([msgspec.structs.replace(pair, estimated=frozenset())]).advice
    assert advice is not None
    assert counted is not None
    assert (advice.decision, advice.estimated) == ("fix-the-wait", True)
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
    assert judged.advice is not None
    assert judged.advice.decision != "cannot-tell"


# what else than delivery is compared


def answered(lengths: tuple[float, float], totals: tuple[float, float]) -> list[PairFigures]:
    """Return six pairs of answers of such lengths (tokens) after such totals (s)."""
    a, b = (
        {
            "ttfv_s": 0.5,
            "total_s": total,
            "done_s": total + 0.01,
            "output_tokens": tokens,
            "server_tok_per_s": tokens / total,
            "e2e_char_per_s": 4 * tokens / total,
        }
        for tokens, total in zip(lengths, totals, strict=True)
    )
    return [PairFigures(a=a, b=b, same_output=False)] * 6


def test_models_are_judged_over_all_pairs_and_by_characters() -> None:
    judged = judge(answered((100, 400), (4.0, 8.0)), question="models")
    assert (judged.total.name, judged.total.kind, judged.total.n) == ("total_s", "different", 6)
    assert (judged.rate.name, judged.rate.kind) == ("e2e_char_per_s", "different")
    assert judged.rate.a == pytest.approx(100.0)


def test_one_model_elsewhere_is_judged_by_equal_work_and_by_tokens() -> None:
    judged = judge(answered((100, 400), (4.0, 8.0)), question="same-model")
    assert (judged.total.kind, judged.total.reason) == ("unknown", "the answers differ in length")
    assert (judged.rate.name, judged.rate.kind) == ("server_tok_per_s", "different")
    alike = judge(answered((100, 100), (4.0, 8.0)), question="same-model")
    assert (alike.total.name, alike.total.kind) == ("done_s", "different")


@pytest.mark.parametrize(("question", "advised"), [("delivery", True), ("models", False)])
def test_only_delivery_is_advised_on(question: Question, *, advised: bool) -> None:
    judged = judge(answered((9, 9), (4.0, 8.0)), question=question)
    assert judged.question == question
    assert (judged.advice is not None) == advised
    assert judged.reason == ""
    none = judge([], question=question, why_none="nothing was run")
    assert none.reason == "nothing was run"
    assert (none.advice is not None) == advised


FIGURES = st.dictionaries(
    st.sampled_from(["ttfv_s", "total_s", "output_tokens", "e2e_char_per_s", "server_tok_per_s"]),
    st.none() | st.floats(),
)


@given(st.lists(st.tuples(FIGURES, FIGURES), max_size=7), st.sampled_from(get_args(Question)))
def test_any_figures_can_be_judged_for_any_question(
    drawn: list[tuple[dict[str, float | None], dict[str, float | None]]], question: Question
) -> None:
    judged = judge([PairFigures(a=a, b=b) for a, b in drawn], question=question)
    assert judged.n == len(drawn)
    assert all(each.n <= judged.n for each in (judged.first, judged.total, judged.rate))
