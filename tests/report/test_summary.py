"""Medians pool only what may be pooled, and say what was left out."""

from collections.abc import Callable

import msgspec
import pytest

from streamscope.plan import Plan
from streamscope.report.comparison import Comparison
from streamscope.report.summary import Counts, shared_notes, summarise
from streamscope.report.validity import left_out_words
from streamscope.trace import Request, Run, Tokens, Trace

Build = Callable[..., Comparison]
BuildTrace = Callable[..., Trace]
BuildRun = Callable[..., Run]


def test_medians_intervals_and_ratios(long_comparison: Comparison) -> None:
    summary = summarise(long_comparison)
    first = summary.spread("A", "ttfv_s")
    assert first is not None
    assert (first.median, first.n, first.low, first.high) == (0.63, 6, 0.60, 0.71)
    assert first.coverage == pytest.approx(0.96875)
    ratio = summary.ratios["ttfv_s"]
    assert ratio.estimate == pytest.approx(0.63 / 20.13)
    assert (ratio.n, ratio.coverage, ratio.p) == (6, 0.96875, 0.03125)
    assert summary.spread("B", "gap_p50_ms") is None
    assert "gap_p50_ms" not in summary.ratios


def test_warmups_and_failures_are_counted_but_not_pooled(
    build_comparison: Build, build_stream: BuildTrace, build_blocking: BuildTrace
) -> None:
    comparison = build_comparison(
        [build_stream(1, 9), build_stream(50, 90, ended="error"), build_stream(1, 9)],
        [build_blocking(9), build_blocking(9, ended="cancelled"), build_blocking(9)],
    )
    summary = summarise(comparison)
    assert summary.counts["A"] == Counts(pooled=2, warmups=1, failed=1)
    assert summary.counts["B"] == Counts(pooled=2, warmups=1, failed=1)
    first = summary.spread("A", "ttfv_s")
    assert first is not None
    assert (first.median, first.n, first.low) == (1.0, 2, None)


def test_a_run_that_was_made_once_more_counts_as_its_last_good_one(
    build_run: BuildRun, build_stream: BuildTrace, build_blocking: BuildTrace
) -> None:
    runs = [
        build_run(build_stream(5, 9, ended="error"), "A", 1),
        build_run(build_blocking(9), "B", 1),
        build_run(build_stream(1, 9), "A", 1),
    ]
    summary = summarise(Comparison(plan=Plan(), runs=runs))
    assert summary.counts["A"] == Counts(pooled=1, retried=1)
    first = summary.spread("A", "ttfv_s")
    assert first is not None
    assert first.median == 1.0
    assert summary.ratios["ttfv_s"].estimate == pytest.approx(1 / 9)


def test_a_repeat_in_which_the_model_was_loaded_is_left_out_unless_all_are(
    build_comparison: Build, build_stream: BuildTrace, build_blocking: BuildTrace
) -> None:
    def loading(trace: Trace) -> Trace:
        trace.server = msgspec.structs.replace(trace.server, load_s=2.0)
        return trace

    streams = [build_stream(1, 9), loading(build_stream(3, 11)), build_stream(1, 9)]
    blocking = [loading(build_blocking(11)) for _ in range(3)]
    summary = summarise(build_comparison(streams, blocking))
    assert summary.counts["A"] == Counts(pooled=2, warmups=1, loaded=1)
    assert summary.counts["B"] == Counts(pooled=2, warmups=1, unpaired=1)
    assert summary.ratios["ttfv_s"].n == 2


def test_medians_are_of_whole_pairs_as_the_verdict_is(
    build_comparison: Build, build_stream: BuildTrace, build_blocking: BuildTrace
) -> None:
    """A comparison that was stopped between the two runs of its last pair."""
    streams = [build_stream(1, 9), build_stream(1, 9), build_stream(5, 50)]
    summary = summarise(build_comparison(streams, [build_blocking(9)] * 2))
    assert summary.counts["A"] == Counts(pooled=2, warmups=1, unpaired=1)
    assert summary.counts["B"] == Counts(pooled=2, warmups=1)
    first = summary.spread("A", "ttfv_s")
    assert first is not None
    assert first.median == 1.0
    assert left_out_words(summary.counts["A"]) == "1 warm-up, 1 unpaired"


def test_without_a_whole_pair_all_that_there_is_is_pooled(
    build_comparison: Build, build_stream: BuildTrace, build_blocking: BuildTrace
) -> None:
    failed = [build_blocking(9, ended="error")] * 2
    summary = summarise(build_comparison([build_stream(1, 9)] * 2, failed))
    assert summary.counts["A"] == Counts(pooled=2, warmups=1)
    assert summary.counts["B"] == Counts(warmups=1, failed=2)


def test_without_pairs_the_ratio_is_that_of_the_medians(
    build_run: BuildRun, build_stream: BuildTrace, build_blocking: BuildTrace
) -> None:
    runs = [build_run(build_stream(1, 9), "A", 1), build_run(build_blocking(8), "B", 2)]
    ratio = summarise(Comparison(plan=Plan(), runs=runs)).ratios["ttfv_s"]
    assert (ratio.method, ratio.estimate, ratio.n, ratio.p) == ("medians", 1 / 8, 0, None)


@pytest.mark.parametrize(("caps", "pooled"), [((9, 9), 1), ((None, None), 0), ((9, None), 0)])
def test_cut_answers_compare_only_under_a_shared_limit(
    build_run: BuildRun,
    build_stream: BuildTrace,
    build_blocking: BuildTrace,
    caps: tuple[int | None, int | None],
    pooled: int,
) -> None:
    a, b = (Request(prompt="Why?", max_tokens=cap) for cap in caps)
    comparison = Comparison(
        plan=Plan(),
        runs=[
            build_run(build_stream(1, 9, ended="length"), "A", request=a),
            build_run(build_blocking(9, ended="length"), "B", request=b),
        ],
    )
    for counts in summarise(comparison).counts.values():
        assert counts == Counts(pooled=pooled, cut=1 - pooled)


@pytest.mark.parametrize("fields", [{"layout": "race"}, {"regime": "cold"}])
def test_runs_of_another_regime_or_layout_are_never_pooled(
    build_run: BuildRun, build_stream: BuildTrace, fields: dict[str, str]
) -> None:
    trace = build_stream(1, 9)
    runs = [build_run(trace, "A", 1), build_run(trace, "A", 2, **fields)]
    summary = summarise(Comparison(plan=Plan(), runs=runs))
    assert summary.counts["A"] == Counts(pooled=1, apart=1)


def test_one_estimate_makes_the_median_one(
    build_comparison: Build, build_stream: BuildTrace
) -> None:
    sure, guessed = build_stream(1, 9), build_stream(1, 9)
    guessed.server = msgspec.structs.replace(guessed.server, source="somewhere")
    rate = summarise(build_comparison([sure, guessed], [])).spread("A", "server_tok_per_s")
    assert rate is not None
    assert rate.estimated


def test_nothing_gives_an_empty_summary() -> None:
    summary = summarise(Comparison(plan=Plan(), runs=[]))
    assert (summary.figures, summary.counts, summary.ratios) == ({}, {}, {})


def test_a_remark_is_made_once_with_its_count(
    build_comparison: Build, build_stream: BuildTrace, build_blocking: BuildTrace
) -> None:
    streams = [build_stream(1, 9) for _ in range(3)]
    streams[1].tokens = Tokens(prompt=20, output=129, reasoning=0, cached=16)
    streams[2].tokens = Tokens(prompt=20, output=129, reasoning=0, cached=12)
    comparison = build_comparison(streams, [build_blocking(9, 99) for _ in range(3)])
    notes = {note.code: note for note in shared_notes(comparison)}
    assert set(notes) == {"prompt-cache", "different-output"}
    cache, output = notes["prompt-cache"], notes["different-output"]
    assert (cache.channel, cache.count, cache.of) == ("A", 2, 3)
    assert cache.sentence.startswith("16 of 20")
    assert (output.channel, output.count, output.of) == (None, 3, 3)


def test_two_warm_ups_are_more_than_one() -> None:
    assert left_out_words(Counts(warmups=2, failed=1)) == "2 warm-ups, 1 failed or stopped"


def busy(trace: Trace) -> Trace:
    """Mark a run as made on a busy machine."""
    trace.flags.append("busy")
    return trace


def test_runs_on_a_busy_machine_are_left_out_with_their_pairs(
    build_comparison: Build, build_stream: BuildTrace, build_blocking: BuildTrace
) -> None:
    comparison = build_comparison(
        [build_stream(1, 9), build_stream(1, 9), busy(build_stream(7, 9))],
        [build_blocking(9), build_blocking(9), build_blocking(9)],
    )
    summary = summarise(comparison)
    assert summary.counts["A"] == Counts(pooled=2, warmups=1, busy=1)
    assert summary.counts["B"] == Counts(pooled=2, warmups=1, unpaired=1)
    assert left_out_words(summary.counts["A"]) == "1 warm-up, 1 on a busy machine"
    included = summarise(msgspec.structs.replace(comparison, include_busy=True))
    assert included.counts["A"] == Counts(pooled=3, warmups=1)


@pytest.mark.parametrize(("first", "second"), [(True, False), (False, True)])
def test_of_a_run_that_was_made_again_the_quiet_one_counts(
    build_run: BuildRun, build_stream: BuildTrace, *, first: bool, second: bool
) -> None:
    traces = [build_stream(1, 9), build_stream(2, 9)]
    for trace, marked in zip(traces, (first, second), strict=True):
        trace.flags += ["busy"] * marked
    comparison = Comparison(plan=Plan(), runs=[build_run(trace) for trace in traces])
    quiet = 2.0 if first else 1.0
    spread = summarise(comparison).spread("A", "ttfv_s")
    assert spread is not None
    assert (spread.median, spread.n) == (quiet, 1)
