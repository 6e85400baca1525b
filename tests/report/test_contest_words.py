"""A contest's verdict names who is sooner, by what was shown, and never claims more."""

import math
from collections.abc import Callable, Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamscope.measure.conventions import Thresholds
from streamscope.measure.verdict import Judgement, PairFigures, judge
from streamscope.report.comparison import Comparison
from streamscope.report.contest_words import ahead, contest_head
from streamscope.report.judging import judge_comparison, why_none
from streamscope.report.verdict_words import evidence, findings_words, verdict_sentence
from streamscope.trace import Run, Trace

BuildTrace = Callable[..., Trace]
Build = Callable[..., Comparison]

ODD = Thresholds(margin=math.e / 50, wait_margin=math.pi / 20)
"""Margins that no ratio of small integers hits."""


def judged(first: Sequence[tuple[float, float]], total: Sequence[tuple[float, float]]) -> Judgement:
    """Judge pairs of two models with these first texts and totals of A and B, s."""
    pairs = [
        PairFigures(
            a={"ttfv_s": firsts[0], "total_s": totals[0], "e2e_char_per_s": 100.0},
            b={"ttfv_s": firsts[1], "total_s": totals[1], "e2e_char_per_s": 100.0},
        )
        for firsts, totals in zip(first, total, strict=True)
    ]
    return judge(pairs, ODD, question="models")


SOONER = [(0.20 + i / 100, 0.50) for i in range(6)]
LATER = [(b, a) for a, b in SOONER]
ALIKE = [(1.0, 1.001), (1.001, 1.0)] * 3
UNSURE = [(1.0, 2.0), (2.0, 1.0)] * 3


@pytest.mark.parametrize(
    ("first", "total", "head"),
    [
        (SOONER, SOONER, "A is sooner"),
        (LATER, LATER, "B is sooner"),
        (SOONER, LATER, "A can be read sooner, B is through sooner"),
        (LATER, SOONER, "B can be read sooner, A is through sooner"),
        (SOONER, ALIKE, "A can be read sooner"),
        (LATER, UNSURE, "B can be read sooner"),
        (ALIKE, SOONER, "A is through sooner"),
        (UNSURE, LATER, "B is through sooner"),
        (ALIKE, ALIKE, "Neither is notably sooner"),
        (ALIKE, UNSURE, "Can't tell yet"),
        (UNSURE, ALIKE, "Can't tell yet"),
        (UNSURE, UNSURE, "Can't tell yet"),
        (SOONER[:3], SOONER[:3], "Can't tell yet"),
        (SOONER[:1], SOONER[:1], "Can't tell yet"),
    ],
)
def test_the_head_says_who_is_sooner_at_what(
    first: Sequence[tuple[float, float]], total: Sequence[tuple[float, float]], head: str
) -> None:
    judgement = judged(first, total)
    assert contest_head(judgement) == head
    assert verdict_sentence(judgement).startswith(f"{head}: ")


def test_where_only_the_first_text_compares_the_head_speaks_of_it_alone() -> None:
    pairs = [PairFigures(a={"ttfv_s": a}, b={"ttfv_s": b}) for a, b in ALIKE]
    judgement = judge(pairs, ODD, question="same-model")
    assert contest_head(judgement) == "Neither can be read notably sooner"
    assert contest_head(judge([PairFigures(a={}, b={})] * 6, question="models")) == "Can't tell"


TIMES = st.integers(min_value=1, max_value=5000)


@given(st.lists(st.tuples(TIMES, TIMES, TIMES, TIMES), min_size=1, max_size=9))
def test_whoever_is_called_a_the_same_one_is_sooner(
    drawn: list[tuple[int, int, int, int]],
) -> None:
    def seen(a: int, b: int) -> Judgement:
        return judged(
            [(each[a], each[b]) for each in drawn], [(each[a + 1], each[b + 1]) for each in drawn]
        )

    one, other = seen(0, 2), seen(2, 0)
    swapped = str.maketrans("AB", "BA")
    assert contest_head(one).translate(swapped) == contest_head(other)
    shown = {ahead(one.first), ahead(one.total)}
    named = {name for name in ("A", "B") if f"{name} is" in contest_head(one)}
    named |= {name for name in ("A", "B") if f"{name} can" in contest_head(one)}
    assert named == shown & {"A", "B"}, "who is not shown to be sooner is not named"


def test_the_sentence_is_understood_whoever_is_sooner(models: Comparison) -> None:
    assert verdict_sentence(judge_comparison(models)) == (
        "A is sooner: first text 2.5× sooner (2.50–2.50×, 96.9 % CI; medians 0.21 vs 0.51 s);"
        " total 32 % shorter (96.9 % CI 0.68–0.68; medians 4.21 vs 6.21 s); n=6 pairs."
    )
    swapped = Comparison(
        plan=models.plan,
        runs=[_renamed(run) for run in models.runs],
    )
    assert verdict_sentence(judge_comparison(swapped)).startswith(
        "B is sooner: A's first text 2.5× later ("
    )


def _renamed(run: Run) -> Run:
    return msgspec.structs.replace(run, channel="B" if run.channel == "A" else "A")


def test_one_pair_and_few_pairs_are_said_and_not_tested(
    build_contest: Build, build_stream: BuildTrace
) -> None:
    def said(pairs: int) -> str:
        a, b = [build_stream(0.51, 4.0)] * pairs, [build_stream(0.24, 6.0)] * pairs
        return verdict_sentence(judge_comparison(build_contest(a, b)))

    assert said(1) == (
        "Can't tell yet: A's first text 2.1× later (0.51 vs 0.24 s); total 4.00 vs 6.00 s."
        " One pair, so nothing could be tested."
    )
    assert said(3) == (
        "Can't tell yet: A's first text 2.1× later (0.51 vs 0.24 s); total 4.00 vs 6.00 s;"
        " n=3 pairs, too few to test: 3 more would do."
    )


def test_where_neither_streams_both_times_are_one(
    build_contest: Build, build_blocking: BuildTrace
) -> None:
    contest = build_contest([build_blocking(4.0)] * 6, [build_blocking(6.0)] * 6)
    said = verdict_sentence(judge_comparison(contest))
    assert said.startswith("A is sooner: total 33 % shorter (")
    assert "first text" not in said


def test_nothing_is_advised_and_equal_answers_of_models_are_no_news(models: Comparison) -> None:
    judgement = judge_comparison(models)
    assert judgement.question == "models"
    assert judgement.advice is None
    assert evidence(judgement) == findings_words(judgement)
    assert findings_words(judgement)[2].startswith("A's text rate 26 % lower (96.9 % CI ")
    assert "chars/s" in findings_words(judgement)[2]


def test_why_there_is_nothing_is_said_of_channels_by_their_names(
    build_contest: Build, build_stream: BuildTrace
) -> None:
    failed = build_contest([build_stream(1, 4)] * 2, [build_stream(1, 4, ended="error")] * 2)
    assert why_none(failed) == "no B run came to a good end"
    assert verdict_sentence(judge_comparison(failed)) == "Can't tell: no B run came to a good end."
