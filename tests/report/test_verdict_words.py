"""Verdicts claim what was found, with the true coverage, and never call a wait faster."""

from collections.abc import Callable

import msgspec
import pytest

from streamscope.measure.conventions import Conventions, Thresholds
from streamscope.measure.figures import BY_NAME, measure
from streamscope.measure.inference import Estimate
from streamscope.measure.verdict import Finding, Judgement
from streamscope.report.comparison import Comparison
from streamscope.report.decision import break_even_words
from streamscope.report.finding_words import few_words, finding_cell
from streamscope.report.judging import judge_comparison, judge_pair, pair_figures, why_none
from streamscope.report.verdict_words import (
    advice_words,
    evidence,
    finding_mark,
    finding_words,
    untested_mark,
    verdict_sentence,
)
from streamscope.trace import Chunk, Trace

Build = Callable[..., Comparison]
BuildTrace = Callable[..., Trace]


def finding(kind: str = "equivalent", **fields: object) -> Finding:
    interval = Estimate(estimate=0.998, low=0.996, high=1.002, coverage=0.90625, n=6)
    known: dict[str, object] = {"name": "server_tok_per_s", "margin": 0.05, "n": 6}
    known |= {"ratio": interval, "inner": interval, "a": 50.8, "b": 50.9, "kind": kind}
    return Finding(**known | fields)  # type: ignore[arg-type] # the test names the fields


@pytest.fixture
def judged(long_comparison: Comparison) -> Judgement:
    return judge_comparison(long_comparison)


def test_the_decision_comes_first_and_then_the_evidence(judged: Judgement) -> None:
    assert verdict_sentence(judged) == (
        "It must be streamed: first text 32× sooner"
        " (28.5–33.5×, 96.9 % CI; medians 0.63 vs 20.1 s); total 3 % longer"
        " (96.9 % CI 1.025–1.025; medians 20.6 vs 20.1 s to the end mark),"
        " a difference within ±5 %; n=6 pairs."
    )


def test_an_equivalence_names_its_margin_and_its_coverage() -> None:
    words = finding_words(finding())
    assert words == "server rate equivalent within ±5 % (90.6 % CI 0.996–1.002)"
    assert finding_mark(finding()) == "≈ ±5 %"


def test_nothing_found_is_inconclusive_and_says_how_many_more() -> None:
    open_ended = finding("inconclusive", more=12)
    assert finding_words(open_ended) == (
        "server rate inconclusive (90.6 % CI 0.996–1.002, about 12 more pairs may tell)"
    )
    assert "more than 200 more pairs" in finding_words(finding("inconclusive", more=200))
    assert "about 1 more pair may" in finding_words(finding("inconclusive", more=1))
    assert finding_mark(open_ended) == "inconclusive"


def test_what_cannot_be_told_says_why() -> None:
    mute = finding("unknown", reason="the answers differ", name="total_s")
    assert finding_words(mute) == "total: can't tell, the answers differ"
    assert finding_mark(mute) == "can't tell"


def test_too_few_pairs_show_no_interval(
    build_comparison: Build, build_stream: BuildTrace, build_blocking: BuildTrace
) -> None:
    five = build_comparison([build_stream(1, 9)] * 5, [build_blocking(9)] * 5)
    assert "95 % CI" not in verdict_sentence(judge_comparison(five))
    one = build_comparison([build_stream(1, 9)], [build_blocking(9)])
    assert verdict_sentence(judge_comparison(one)) == (
        "Stream it: first text 9.0× sooner (1.00 vs 9.00 s). One pair, so nothing could be tested."
    )


def test_without_good_runs_nothing_is_claimed(
    build_comparison: Build, build_stream: BuildTrace, build_blocking: BuildTrace
) -> None:
    failed = build_comparison(
        [build_stream(1, 9, ended="error")] * 3, [build_blocking(9, ended="error")] * 3
    )
    assert verdict_sentence(judge_comparison(failed)).startswith("Can't tell: ")
    assert judge_comparison(failed).n == 0


def test_a_wait_that_streaming_cannot_mend_is_said_first(
    build_comparison: Build, build_stream: BuildTrace, build_blocking: BuildTrace
) -> None:
    slow = build_comparison([build_stream(14, 20)] * 6, [build_blocking(20)] * 6)
    said = verdict_sentence(judge_comparison(slow))
    assert said.startswith("Fix the wait first: the first text took 14.0 s")
    short = build_comparison([build_stream(1, 1.2)] * 6, [build_blocking(1.2)] * 6)
    assert verdict_sentence(judge_comparison(short)).startswith("Either mode will do")


def test_where_answers_differ_the_rate_speaks_for_the_total(
    build_comparison: Build, build_stream: BuildTrace, build_blocking: BuildTrace
) -> None:
    comparison = build_comparison(
        [build_stream(1, 9, 100 + i) for i in range(6)],
        [build_blocking(9, 140 + i) for i in range(6)],
    )
    said = verdict_sentence(judge_comparison(comparison))
    assert "server rate" in said
    assert "total" not in said
    assert any(
        sentence.startswith("Total: can't tell, the answers differ")
        for sentence in evidence(judge_comparison(comparison))
    )


def test_thresholds_are_the_users(long_comparison: Comparison) -> None:
    lenient = Conventions(thresholds=Thresholds(long_s=60.0))
    advice = judge_comparison(long_comparison, conventions=lenient).advice
    assert advice is not None
    assert advice.decision == "stream"


def test_the_advice_says_from_where_on_streaming_pays(judged: Judgement) -> None:
    assert judged.advice is not None
    said = advice_words(judged.advice)
    assert said.endswith(
        "On this server streaming is worth it from 8 tokens of the answer"
        " (1.00 s of streaming text) on."
    )


def test_nothing_is_ever_called_faster_or_free_of_overhead(judged: Judgement) -> None:
    everything = " ".join([verdict_sentence(judged), *evidence(judged)])
    for forbidden in ("faster", "no significant", "no overhead", "feels"):
        assert forbidden not in everything


def test_pairs_know_whether_their_answers_are_the_same(
    build_comparison: Build, build_stream: BuildTrace, build_blocking: BuildTrace
) -> None:
    other, summary = build_blocking(9), build_blocking(9)
    other.chunks = [Chunk(9_000_000_000, "answer", "else", 0)]
    summary.flags = ["imported-summary"]
    comparison = build_comparison([build_stream(1, 9)] * 3, [build_blocking(9), other, summary])
    assert [pair.same_output for pair in pair_figures(comparison)] == [True, False, None]


def test_what_was_not_tested_is_told_as_numbers(
    build_comparison: Build, build_stream: BuildTrace, build_blocking: BuildTrace
) -> None:
    three = build_comparison(
        [build_stream(1, total) for total in (9, 9.5, 9.2)],
        [build_blocking(total) for total in (9.1, 9.4, 9.3)],
    )
    said = verdict_sentence(judge_comparison(three))
    assert "first text 9.3× sooner (1.00 vs 9.30 s)" in said
    assert "total 9.21 vs 9.30 s to the end mark" in said
    assert said.endswith("n=3 pairs, too few to test: 3 more would do.")
    assert "inconclusive" not in said


@pytest.mark.parametrize(
    ("a", "b", "low", "high", "said"),
    [
        (0.24, 1.56, 0.147, 0.169, "6.5× sooner (5.92–6.80×, 96.9 % CI; medians 0.24 vs 1.56 s)"),
        (7.68, 8.13, 0.94, 0.95, "6 % sooner (5.00–6.00 %, 96.9 % CI; medians 7.68 vs 8.13 s)"),
        (8.13, 7.68, 1.05, 1.07, "6 % later (5.00–7.00 %, 96.9 % CI; medians 8.13 vs 7.68 s)"),
    ],
)
def test_a_wait_and_its_interval_are_said_in_the_same_words(
    a: float, b: float, low: float, high: float, said: str
) -> None:
    ratio = Estimate(estimate=a / b, low=low, high=high, coverage=0.96875, n=6)
    found = finding("different", name="ttfv_s", a=a, b=b, ratio=ratio)
    assert finding_words(found) == f"first text {said}"


def test_a_ratio_that_the_medians_do_not_show_says_where_it_comes_from() -> None:
    ratio = Estimate(estimate=1.11, low=1.0004, high=1.3, coverage=0.96875, n=9)
    found = finding("different", name="total_s", a=0.91, b=0.76, ratio=ratio)
    words = finding_words(found)
    assert words.startswith("total 11 % longer within pairs (")
    assert "1.00–1.30" in words
    narrow = Estimate(estimate=1.02, low=1.0004, high=1.04, coverage=0.96875, n=9)
    close = finding("different", name="total_s", a=1.02, b=1.0, ratio=narrow)
    assert "1.0004–1.040" in finding_words(close), (
        "an interval that leaves out 1 shows that it does"
    )


def test_progress_is_only_asked_for_where_there_is_a_wait(
    build_comparison: Build, build_stream: BuildTrace, build_blocking: BuildTrace
) -> None:
    quick = build_comparison([build_stream(0.4, 20)] * 6, [build_blocking(20)] * 6)
    slow = build_comparison([build_stream(4, 30)] * 6, [build_blocking(30)] * 6)
    assert verdict_sentence(judge_comparison(quick)).startswith("It must be streamed: ")
    assert verdict_sentence(judge_comparison(slow)).startswith(
        "It must be streamed, with progress shown until the first text: "
    )


def test_a_server_that_does_not_stream_gets_that_as_its_headline(
    build_comparison: Build, build_stream: BuildTrace, build_blocking: BuildTrace
) -> None:
    traces = [build_stream(1.34, 2.0) for _ in range(6)]
    for trace in traces:
        trace.chunks = [Chunk(1_340_000_000, "answer", each.text, 0) for each in trace.chunks]
    judged = judge_comparison(build_comparison(traces, [build_blocking(1.34)] * 6))
    assert verdict_sentence(judged).startswith(
        "This server, or something before it, does not stream: all text came at once, after 1.3 s;"
    )
    assert judged.advice is not None
    assert break_even_words(judged.advice) == ""


def test_thinking_in_sight_is_worth_streaming(
    build_comparison: Build, build_stream: BuildTrace, build_blocking: BuildTrace
) -> None:
    trace = build_stream(7.7, 8.15)
    trace.chunks.insert(0, Chunk(310_000_000, "reasoning", "Well, ", 0))
    said = verdict_sentence(judge_comparison(build_comparison([trace], [build_blocking(8.2)])))
    assert said.startswith(
        "Stream it if the thinking is to be read; for the answer alone, either mode will do, and"
        " blocking is simpler: the thinking can be read from 0.31 s on; the first text of the"
        " answer came only 0.45 s before the last"
    )


def test_a_pair_that_stands_alone_is_judged_like_a_comparison_of_one(
    build_comparison: Build, build_stream: BuildTrace, build_blocking: BuildTrace
) -> None:
    one = build_comparison([build_stream(1, 9)], [build_blocking(9)])
    ((a, b),) = one.pairs()
    alone = judge_pair(a, b, (measure(a.trace), measure(b.trace)))
    assert verdict_sentence(alone) == verdict_sentence(judge_comparison(one))


def test_why_nothing_can_be_judged_is_what_happened(
    build_comparison: Build, build_stream: BuildTrace, build_blocking: BuildTrace
) -> None:
    def busy(trace: Trace) -> Trace:
        trace.flags.append("busy")
        return trace

    good = build_comparison([build_stream(1, 9)], [build_blocking(9)])
    streams = [busy(build_stream(1, 9)) for _ in range(3)]
    all_busy = build_comparison(streams, [build_blocking(9)] * 3)
    assert verdict_sentence(judge_comparison(all_busy)) == (
        "Can't tell: no streamed run can be trusted: the machine was busy."
    )
    blocking_busy = build_comparison([build_stream(1, 9)], [busy(build_blocking(9))])
    assert why_none(blocking_busy) == "no blocking run can be trusted: the machine was busy"
    mixed = build_comparison([streams[0], build_stream(1, 9, ended="error")], [build_blocking(9)])
    assert why_none(mixed) == (
        "no streamed run can be used: 1 on a busy machine, 1 without a good end"
    )
    crossed = build_comparison(
        [streams[0], build_stream(1, 9)], [build_blocking(9), busy(build_blocking(9))]
    )
    assert why_none(crossed) == "of no pair both runs are good"
    assert why_none(build_comparison([build_stream(1, 9)], [])) == "there are no blocking runs"
    assert verdict_sentence(judge_comparison(good)).startswith("Stream it")


@pytest.mark.parametrize(
    ("name", "n", "said"),
    [
        ("ttfv_s", 1, "within 20 %"),
        ("total_s", 1, "–"),
        ("total_s", 5, "within 20 %"),
        ("total_s", 6, "6 % shorter"),
    ],
)
def test_what_was_not_tested_has_one_rule_for_its_words(name: str, n: int, said: str) -> None:
    assert untested_mark(BY_NAME[name], 7.68, 8.13, n) == said


@pytest.mark.parametrize(
    ("n", "said"), [(2, ", too few to test: 4 more would do"), (6, ""), (9, "")]
)
def test_more_pairs_are_asked_for_only_where_pairs_are_what_is_missing(n: int, said: str) -> None:
    nothing = Finding(name="total_s", kind="unknown", reason="the answers differ", margin=0.05)
    assert few_words(n, [nothing]) == said


def test_a_cell_that_was_not_tested_is_in_brackets_beside_one_that_was() -> None:
    untested = finding("inconclusive", name="total_s", ratio=None, a=2.0, b=4.0)
    nothing = finding("unknown", name="ttfv_s", ratio=None, a=None, b=None, reason="no text")
    beside = Judgement(
        first=nothing, total=untested, rate=finding(), n=6, same_output=6, compared_output=6
    )
    alone = msgspec.structs.replace(beside, rate=untested)
    assert finding_cell(untested, beside) == "(50 % shorter)"
    assert finding_cell(untested, alone) == finding_cell(untested, None) == "50 % shorter"
    assert finding_cell(beside.rate, beside) == "≈ ±5 %"
    assert finding_cell(nothing, beside) == "can't tell"
