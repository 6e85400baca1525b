"""Runs that failed alike are told in one sentence, and none is left unnamed."""

from collections.abc import Callable

from streamscope.plan import Plan
from streamscope.report.comparison import Comparison
from streamscope.report.failures import failures
from streamscope.trace import Ended, Fault, Run, Trace

BuildRun = Callable[..., Run]


def failed(sentence: str = "", ended: Ended = "error") -> Trace:
    fault = Fault(code="server", sentence=sentence) if sentence else None
    return Trace(mode="stream", ended=ended, fault=fault)


def test_runs_that_failed_alike_are_one_sentence(build_run: BuildRun) -> None:
    runs = [build_run(failed("It is gone."), "A", pair) for pair in range(1, 7)]
    runs += [build_run(failed("It is gone."), "B", pair) for pair in range(1, 7)]
    runs.append(build_run(failed("Too\x1b[31m many."), "B", 7))
    runs.append(build_run(failed(ended="cancelled"), "A", 8))
    runs.append(build_run(Trace(mode="stream", ended="stop"), "A", 9))
    assert failures(Comparison(plan=Plan(), runs=runs)) == [
        "12 runs (A, pair 1; A, pair 2; A, pair 3; …; B, pair 6): It is gone.",
        "B, pair 7: Too\ufffd[31m many.",
        "A, pair 8: stopped",
    ]


def test_a_run_that_was_made_twice_is_named_once(build_run: BuildRun) -> None:
    runs = [build_run(failed("It is gone."), "A", 1) for _ in range(2)]
    assert failures(Comparison(plan=Plan(), runs=runs)) == ["2 runs (A, pair 1): It is gone."]
