"""What speaks against a comparison is told apart from what is only to be known."""

from collections.abc import Callable

import msgspec
import pytest

from streamscope.measure.conventions import Conventions, Thresholds
from streamscope.plan import Plan
from streamscope.report.comparison import Comparison
from streamscope.report.validity import cautions_of, how_words, validity_of
from streamscope.trace import Run, ServerTimings, Tokens, Trace

Build = Callable[..., Comparison]
BuildTrace = Callable[..., Trace]
BuildRun = Callable[..., Run]

USUAL = Conventions()


@pytest.fixture
def drifting(
    build_comparison: Build, build_stream: BuildTrace, build_blocking: BuildTrace
) -> Comparison:
    """Return six pairs of which the streams take longer and longer."""
    streams = [build_stream(1, 9 + pair) for pair in range(6)]
    return build_comparison(streams, [build_blocking(9)] * 6)


def test_nothing_speaks_against_a_good_comparison(long_comparison: Comparison) -> None:
    assert cautions_of(long_comparison, USUAL) == []
    assert any(said.startswith("Little drift on A") for said in validity_of(long_comparison, USUAL))


def test_drift_beyond_its_threshold_is_a_caution(drifting: Comparison) -> None:
    (caution,) = cautions_of(drifting, USUAL)
    assert caution == "Drift on A: totals 54.8 % longer at the end than at first."
    assert validity_of(drifting, USUAL)[0] == caution
    lenient = Conventions(thresholds=Thresholds(drift=0.6))
    assert cautions_of(drifting, lenient) == []
    assert f"Little d{caution[1:]}" in validity_of(drifting, lenient)


def test_medians_less_sure_than_was_asked_for_are_named(drifting: Comparison) -> None:
    plan = Plan(until=0.05, repeat=30)
    *_, caution = cautions_of(msgspec.structs.replace(drifting, plan=plan), USUAL)
    assert caution == (
        "The ±5 % asked for was not reached: the median total of A is known to only ±21.7 %."
    )
    wider = msgspec.structs.replace(plan, until=0.25)
    assert len(cautions_of(msgspec.structs.replace(drifting, plan=wider), USUAL)) == 1


def test_too_few_runs_have_no_width_at_all(
    build_comparison: Build, build_stream: BuildTrace, build_blocking: BuildTrace
) -> None:
    stopped = build_comparison([build_stream(1, 9)] * 2, [build_blocking(9)] * 2, until=0.05)
    (caution,) = cautions_of(stopped, USUAL)
    assert "the median first text of A has no interval (n=2)" in caution
    assert "the median total of B has no interval (n=2)" in caution
    assert "first text of B" not in caution, "blocking, that is the total"


def test_an_import_has_neither_order_nor_drift(drifting: Comparison) -> None:
    for run in drifting.runs:
        run.trace.flags = ["imported-summary"]
    assert cautions_of(drifting, USUAL) == []
    assert how_words(drifting) == "Imported summaries: order, regime and gaps are not known."


def test_how_a_comparison_was_measured_is_said_in_one_way(
    long_comparison: Comparison, build_comparison: Build, build_stream: BuildTrace
) -> None:
    assert how_words(long_comparison) == (
        "Measured apart, order ABBA; warm (the prompt may be cached); kernel clock."
    )
    half = build_comparison([build_stream(1, 9)], [], cooldown_s=2.0, regime="cold")
    assert how_words(half) == (
        "Measured apart, 2 s between pairs; cold (a nonce before each prompt); kernel clock."
    )
    assert how_words(Comparison(plan=Plan(reuse=True), runs=[])) == (
        "Measured apart; warm (the prompt may be cached); connections used again."
    )
    assert how_words(Comparison(plan=Plan(layout="race"), runs=[])) == (
        "Measured both at once (race); warm (the prompt may be cached)."
    )
    traces = [build_stream(1, 9), build_stream(1, 9)]
    traces[1].error_ns_p99 = 48_000
    said = how_words(build_comparison(traces, []))
    assert "kernel clock, times good to ±0.05 ms (p99), as calibrated (no ± for 1 of 2" in said


def test_a_prompt_that_must_have_been_cached_is_told(
    build_comparison: Build, build_blocking: BuildTrace
) -> None:
    traces = [build_blocking(9) for _ in range(3)]
    for trace, prefill_s in zip(traces, (2.0, 0.03, 0.03), strict=True):
        trace.tokens = Tokens(prompt=1000, output=129)
        trace.server = ServerTimings(prefill_s=prefill_s, decode_s=6.0, source="ollama")
    comparison = build_comparison([], traces)
    comparison = msgspec.structs.replace(comparison, runs=comparison.runs[1:])
    assert (
        "Prefill on B was 67× as fast as in the first run: the prompt came from the server's"
        " cache, though the server does not say so."
    ) in validity_of(comparison, USUAL)
    for trace in traces:
        trace.tokens = Tokens(prompt=1000, output=129, cached=990)  # it says so itself
    assert not any("Prefill" in said for said in validity_of(comparison, USUAL))


def test_runs_on_a_busy_machine_are_a_caution(
    build_comparison: Build, build_stream: BuildTrace, build_blocking: BuildTrace
) -> None:
    streams = [build_stream(1, 9), build_stream(1, 9)]
    blocking = [build_blocking(9), build_blocking(9)]
    comparison = build_comparison(streams, blocking, warmup=0)

    def said(comparison: Comparison) -> str:
        return cautions_of(comparison, USUAL)[0]

    streams[1].flags.append("busy")
    assert said(comparison) == "1 of 4 runs was made on a busy machine and left out."
    included = msgspec.structs.replace(comparison, include_busy=True)
    assert said(included) == "1 of 4 runs was made on a busy machine, and counted as was asked for."
    for trace in (streams[0], *blocking):
        trace.flags.append("busy")
    assert said(comparison) == (
        "All runs were made on a busy machine and left out, so that too few are left to judge"
        " by: measure when it is quieter, or count them with --include-busy."
    )


def test_a_cache_that_helped_one_channel_only_is_a_caution(
    build_comparison: Build, build_stream: BuildTrace, build_blocking: BuildTrace
) -> None:
    streams = [build_stream(1, 9) for _ in range(6)]
    blocking = [build_blocking(9) for _ in range(6)]
    for traces, cached in ((streams, 950), (blocking, 0)):
        for trace in traces:
            trace.tokens = Tokens(prompt=1000, output=129, cached=cached)
    (caution,) = cautions_of(build_comparison(streams, blocking), USUAL)
    assert caution.startswith(
        "The server's cache helped A more than B: 95.0 % of its prompt came from there, and 0 %"
    )
    for trace in blocking:
        trace.tokens = Tokens(prompt=1000, output=129, cached=940)
    assert cautions_of(build_comparison(streams, blocking), USUAL) == []


def test_a_wait_for_the_model_to_be_loaded_is_a_caution(
    build_comparison: Build, build_stream: BuildTrace, build_blocking: BuildTrace
) -> None:
    """The advice would speak of streaming, where the disk is what takes so long."""
    streams = [build_stream(2.6, 2.9) for _ in range(6)]
    blocking = [build_blocking(2.9) for _ in range(6)]
    comparison = build_comparison(streams, blocking)
    assert cautions_of(comparison, USUAL) == []
    for trace in (*streams, *blocking):
        trace.server = ServerTimings(load_s=2.5, decode_s=0.3, source="ollama")
    of_a, of_b = cautions_of(comparison, USUAL)
    assert of_a == (
        "Of the 2.60 s before the first text on A, the server spent 2.50 s loading its model: keep"
        " it loaded, or this is about the disk."
    )
    assert of_b.startswith("Of the 2.90 s before the first text on B")
