"""No ± stands anywhere without what it reaches and rests on, and none where it would be untrue."""

import msgspec
import pytest

from streamscope.calibration import Calibration, Case, Spread
from streamscope.report.error_words import NO_CLOCK, clock_words, error_words, short_words
from streamscope.trace import SUMMARY_FLAG, Basis, Chunk, ClockBasis, Trace

MS = 1_000_000
WHOLE = ClockBasis(error_ns_p99=50_000, true_gap_ns=1 * MS, counted=4, cases=4)


SMALL = Spread(p50=1, p99=50_000, max=50_000)
CASE = Case(
    gap_ns=20 * MS,
    clock="kernel",
    writes=60,
    stamps=SMALL,
    gaps=SMALL,
    late=Spread(p50=0, p99=0, max=0),
    first_ns=0,
)
CALIBRATION = Calibration(
    measured_utc="2026-01-01T00:00:00+00:00",
    streamscope="1",
    python="3.11",
    system="Linux",
    cores=2,
    machine="m",
    painted=True,
    exact=True,
    error_ns_p99={"kernel": 50_000},
    true_gap_ns=20 * MS,
    cases=(CASE,),
)


def basis(kernel: ClockBasis = WHOLE) -> Basis:
    return Basis(measured_utc="2026-01-01T00:00:00+00:00", exact=True, clocks={"kernel": kernel})


def trace(gap_ns: int = 20 * MS, **more: object) -> Trace:
    made = Trace(
        mode="stream",
        clock="kernel",
        ended="stop",
        chunks=[Chunk(400 * MS + i * gap_ns, "answer", "a", i) for i in range(5)],
        calibration=basis(),
        error_ns_p99=50_000,
    )
    for name, value in more.items():
        setattr(made, name, value)
    return made


def test_whose_times_they_are_and_how_good() -> None:
    assert clock_words(trace()) == [
        "Arrival times are the kernel's, good to ±0.05 ms (p99) up to 1,000 chunks a second."
    ]
    assert clock_words(trace(clock="read", calibration=None, error_ns_p99=None)) == [
        "Arrival times are those of our reads, not calibrated on this machine."
    ]


def test_of_a_summary_nobody_knows_whose_times_they_are() -> None:
    summary = trace(calibration=None, error_ns_p99=None, flags=[SUMMARY_FLAG])
    assert clock_words(summary) == [NO_CLOCK]
    assert short_words(CALIBRATION, [summary], wide=True) == ""


def test_a_run_of_before_has_its_error_and_no_more() -> None:
    assert clock_words(trace(calibration=None)) == [
        "Arrival times are the kernel's, good to ±0.05 ms (p99)."
    ]


def test_a_busy_run_claims_nothing_even_if_it_was_once_kept_with_an_error() -> None:
    for kept in (basis(), None):
        (said,) = clock_words(trace(flags=["busy"], calibration=kept))
        assert said == (
            "Arrival times are the kernel's; no ± is claimed, because the machine was too busy in"
            " this run."
        )


def test_a_run_faster_than_what_was_calibrated_claims_nothing() -> None:
    (said,) = clock_words(trace(gap_ns=MS // 2))
    assert said == (
        "Arrival times are the kernel's; no ± is claimed, because its chunks came faster than what"
        " was calibrated (median gap 0.50 ms, calibrated down to 1.00 ms)."
    )


def test_a_clock_about_which_nothing_was_found_out_claims_nothing() -> None:
    (said,) = clock_words(trace(clock="read", error_ns_p99=None))
    assert said.endswith("because the calibration found nothing out about this clock.")


def test_what_rests_on_little_says_so() -> None:
    few = basis(msgspec.structs.replace(WHOLE, counted=1))
    assert clock_words(trace(calibration=few))[0].endswith(
        "up to 1,000 chunks a second, though only 1 of 4 cases counted."
    )
    assert error_words([trace(calibration=few)]).endswith(", though only 1 of 4 cases counted")


def test_the_largest_error_speaks_for_all() -> None:
    worse = basis(msgspec.structs.replace(WHOLE, error_ns_p99=80_000))
    assert error_words([trace(), trace(calibration=worse)]) == (
        "times good to ±0.08 ms (p99) up to 1,000 chunks a second, as calibrated on 2026-01-01"
    )
    before = [trace(calibration=None, error_ns_p99=error) for error in (20_000, 50_000)]
    assert error_words(before) == "times good to ±0.05 ms (p99), as calibrated"
    assert error_words([trace(calibration=None, error_ns_p99=None)]) == ""
    assert error_words([]) == ""


@pytest.mark.parametrize(
    ("odd", "why"),
    [
        (trace(flags=["busy"]), "busy machine"),
        (trace(gap_ns=MS // 2), "faster than what was calibrated"),
        (trace(calibration=None, error_ns_p99=None), "not calibrated"),
    ],
    ids=["busy", "fast", "unknown"],
)
def test_runs_of_which_nothing_is_claimed_are_told(odd: Trace, why: str) -> None:
    assert error_words([trace(), odd]).endswith(f" (no ± for 1 of 2 runs: {why})")


def test_where_nothing_is_claimed_of_any_run_the_reason_is_said() -> None:
    assert error_words([trace(flags=["busy"])] * 2) == "no ± is claimed: busy machine"


@pytest.mark.parametrize(
    ("traces", "wide", "said"),
    [
        ([], True, "±0.05 ms up to 50 ch/s"),
        ([], False, "±0.05 ms"),
        ([trace()], True, "±0.05 ms up to 50 ch/s"),
        ([trace(), trace(flags=["busy"])], True, "no ± (busy)"),
        ([trace(gap_ns=MS // 2)], True, "no ± (faster than calibrated)"),
        ([trace(gap_ns=MS // 2)], False, "no ± (too fast)"),
        ([trace(clock="read")], True, ""),
    ],
)
def test_a_title_says_it_in_short(traces: list[Trace], wide: bool, said: str) -> None:
    assert short_words(CALIBRATION, traces, wide=wide) == said
    assert short_words(None, traces, wide=wide) == ""


def test_a_title_says_on_how_little_it_rests() -> None:
    late = msgspec.structs.replace(CASE, late=Spread(p50=0, p99=MS, max=MS))
    few = msgspec.structs.replace(CALIBRATION, cases=(CASE, late, late))
    assert short_words(few, [], wide=True) == "±0.05 ms up to 50 ch/s (1 of 3 cases)"
