"""The JSON follows its schema, survives any text, and holds everything needed to check us."""

import json
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamscope.plan import Plan
from streamscope.report.comparison import Comparison
from streamscope.report.comparison_json import (
    ComparisonRecord,
    RunLine,
    comparison_record,
    to_json,
    to_jsonl,
)
from streamscope.trace import (
    Basis,
    Chunk,
    ClockBasis,
    Fault,
    Request,
    Run,
    ServerTimings,
    Target,
    Trace,
)

BuildRun = Callable[..., Run]
BuildTrace = Callable[..., Trace]


def test_a_comparison_reads_back_as_its_schema(long_comparison: Comparison) -> None:
    written = to_json(long_comparison)
    record = msgspec.json.decode(written, type=ComparisonRecord, strict=True)
    assert set(json.loads(written)) == set(ComparisonRecord.__struct_fields__)
    assert record.schema == "streamscope/comparison/1"
    assert record.clock == "kernel"
    assert record.error_ns_p99 is None
    assert len(record.runs) == 14
    assert record.summary.A["ttfv_s"].median == 0.63
    ratio = record.summary.ratio["ttfv_s"]
    assert ratio.estimate == pytest.approx(0.63 / 20.13)
    assert (ratio.method, ratio.n, ratio.coverage, ratio.p) == (
        "hodges-lehmann",
        6,
        0.96875,
        0.03125,
    )
    assert record.summary.counts["A"].pooled == 6


def test_a_comparison_says_its_verdict(long_comparison: Comparison) -> None:
    verdict = comparison_record(long_comparison).verdict
    assert verdict is not None
    assert verdict.sentence.startswith("It must be streamed: ")
    assert (verdict.ttfv_s, verdict.decision, verdict.pairs) == ("different", "must-stream", 6)
    assert [finding.name for finding in verdict.findings] == [
        "ttfv_s",
        "done_s",
        "server_tok_per_s",
    ]
    assert verdict.break_even_tokens == 8
    assert (verdict.same_output, verdict.compared_output) == (6, 6)


def test_a_run_holds_what_is_needed_to_check_its_figures(long_comparison: Comparison) -> None:
    run = json.loads(to_json(long_comparison))["runs"][2]
    trace = long_comparison.runs[2].trace
    assert run["marks_ns"]["first_any"] == run["marks_ns"]["first_answer"] == 600_000_000
    assert run["marks_ns"]["last_text"] == trace.chunks[-1].t_ns
    assert run["marks_ns"]["done"] == trace.marks["done"]
    assert run["chunks"] == [[chunk.t_ns, "answer", 5] for chunk in trace.chunks]
    assert run["figures"]["ttfv_s"] == 0.6
    assert run["figures"]["load_s"] == 0.01
    assert run["text"] == trace.text()
    assert run["error"] is None
    assert run["estimated"] == []


def test_what_all_runs_share_is_written_once(long_comparison: Comparison) -> None:
    document = json.loads(to_json(long_comparison))
    assert document["target"]["model"] == "gemma4:e2b"
    assert document["request"]["prompt"] == "Explain unified memory."
    assert all("target" not in run and "request" not in run for run in document["runs"])


def test_what_they_do_not_share_is_written_with_the_run(
    build_run: BuildRun, build_stream: BuildTrace
) -> None:
    trace = build_stream(1, 9)
    target = Target(protocol="plain", url="http://x")
    request = Request(prompt="How?")
    runs = [build_run(trace), build_run(trace, "B", target=target, request=request)]
    first, second = json.loads(to_json(Comparison(plan=Plan(), runs=runs)))["runs"]
    assert "target" not in first
    assert second["target"]["url"] == "http://x"
    assert second["request"]["prompt"] == "How?"


def test_a_line_stands_alone(build_run: BuildRun, build_stream: BuildTrace) -> None:
    written = to_jsonl(build_run(build_stream(1, 9), server_version="0.30.6"))
    assert written.endswith(b"}\n")
    assert written.count(b"\n") == 1
    line = msgspec.json.decode(written, type=RunLine, strict=True)
    assert line.schema == "streamscope/run/1"
    assert isinstance(line.target, msgspec.Struct)
    assert line.target.server_version == "0.30.6"
    assert isinstance(line.request, Request)
    assert line.comparison_id == "c" * 32


def test_failures_carry_their_fault(build_run: BuildRun, build_stream: BuildTrace) -> None:
    trace = build_stream(1, 9, ended="error")
    trace.fault = Fault(code="cut", sentence="The connection broke.", status=200)
    line = json.loads(to_jsonl(build_run(trace)))
    assert line["ended"] == "error"
    assert line["error"]["code"] == "cut"
    assert line["figures"]["total_s"] is None


def test_nothing_run_is_a_document_too() -> None:
    document = json.loads(to_json(Comparison(plan=Plan(), runs=[])))
    assert document["runs"] == []
    assert document["clock"] is None
    assert document["summary"] == {"A": {}, "B": {}, "ratio": {}, "counts": {}}
    assert document["verdict"] is None


def test_the_largest_error_of_its_runs_is_that_of_the_comparison(
    build_run: BuildRun, build_stream: BuildTrace
) -> None:
    def errors(*known: int | None) -> int | None:
        traces = [build_stream(1, 9) for _ in known]
        for trace, error in zip(traces, known, strict=True):
            trace.error_ns_p99 = error
        comparison = Comparison(plan=Plan(), runs=[build_run(trace) for trace in traces])
        found: int | None = json.loads(to_json(comparison))["error_ns_p99"]
        return found

    assert errors(20_000, None, 48_000) == 48_000
    assert errors(None, None) is None


def test_what_an_error_rests_on_is_told_with_it(
    build_run: BuildRun, build_stream: BuildTrace
) -> None:
    kernel = ClockBasis(error_ns_p99=50_000, true_gap_ns=None, counted=1, cases=4)
    trace = build_stream(1, 9)
    trace.calibration = Basis(measured_utc="2026-01-01", exact=False, clocks={"kernel": kernel})
    trace.flags = ["busy"]
    quiet = msgspec.structs.replace(trace, flags=[])
    document = json.loads(
        to_json(Comparison(plan=Plan(), runs=[build_run(trace), build_run(quiet)]))
    )
    assert document["error_ns_p99"] == 50_000
    assert document["calibration"] == {
        "measured_utc": "2026-01-01",
        "exact": False,
        "clocks": {
            "kernel": {"error_ns_p99": 50_000, "true_gap_ns": None, "counted": 1, "cases": 4}
        },
    }
    assert [run["error_ns_p99"] for run in document["runs"]] == [None, 50_000]


def test_one_read_clock_makes_the_comparison_one(
    build_run: BuildRun, build_stream: BuildTrace
) -> None:
    kernel, read = build_stream(1, 9), build_stream(1, 9)
    read.clock = "read"
    runs = [build_run(kernel), build_run(read, "B")]
    assert json.loads(to_json(Comparison(plan=Plan(), runs=runs)))["clock"] == "read"


def test_lone_surrogates_are_replaced_and_pairs_are_joined(
    build_run: BuildRun, build_stream: BuildTrace
) -> None:
    trace = build_stream(1, 9)
    trace.chunks = [
        Chunk(1, "answer", "\ud83d", 0),
        Chunk(2, "answer", "\ude00 and \udc00", 1),
        Chunk(3, "tool", "\ud800", 2),
    ]
    request = Request(prompt="\udfff?", params={"\ud800": ["\udbff", {"x": 1}]})
    line = json.loads(to_jsonl(build_run(trace, request=request)))
    assert line["text"] == "😀 and \ufffd"
    assert line["tool"] == "\ufffd"
    assert line["request"]["params"] == {"\ufffd": ["\ufffd", {"x": 1}]}
    assert "figures" in line


@given(st.text(st.characters(), min_size=1), st.floats(allow_nan=True))
def test_no_text_and_no_number_breaks_it(text: str, number: float) -> None:
    trace = Trace(
        mode="stream",
        ended="stop",
        chunks=[Chunk(5, "answer", text, 0), Chunk(9 * 10**9, "reasoning", text, 1)],
        server=ServerTimings(load_s=number, decode_s=number),
    )
    run = Run(
        run_id="0",
        comparison_id="1",
        channel="A",
        target=Target(protocol="plain", url=text),
        request=Request(prompt=text, temperature=number),
        trace=trace,
    )
    document = json.loads(
        to_json(Comparison(plan=Plan(), runs=[run])), parse_constant=lambda name: pytest.fail(name)
    )
    load_s = document["runs"][0]["figures"]["load_s"]
    assert load_s == (number if 0 <= number <= 4.75 else None)  # what a run of 9 s can hold
