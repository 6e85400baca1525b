"""Every error that was made is found, nothing lost is missed, and no claim is too bold."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamscope.calibration import Calibration, Case, Schedule, Spread, Written
from streamscope.measure import calibration as measure
from streamscope.measure.calibration import EXACT_NS, CalibrationError
from streamscope.trace import Chunk, Clock, Trace

GAP = 1_000_000
SENT = 5_000_000_000


def truth(writes: int, tokens: int = 1, *, late: int = 0) -> Written:
    due = [SENT + GAP * (index + 1) for index in range(writes)]
    pieces = [f"piece {number}" for number in range(writes * tokens)]
    return Written(
        request=1,
        mode="stream",
        arrived_ns=SENT,
        arrived_by="kernel",
        due_ns=due,
        before_ns=[at + late for at in due],
        after_ns=[at + late + 5_000 for at in due],
        pieces=pieces,
        completed=[number // tokens for number in range(writes * tokens)],
    )


def seen(written: Written, errors: list[int], *, one_read: Sequence[int] = ()) -> Trace:
    """What a probe would see that is off by ``errors``; writes in ``one_read`` share the read."""
    chunks = []
    for text, write in zip(written.pieces, written.completed, strict=True):
        at = written.before_ns[write] + errors[write] - SENT
        chunks.append(Chunk(at, "answer", text, max(one_read) if write in one_read else write))
    return Trace(mode="stream", clock="kernel", sent_monotonic_ns=SENT, chunks=chunks)


def schedule(writes: int, tokens: int = 1) -> Schedule:
    return Schedule(writes=writes, gap_ns=GAP, tokens=tokens)


@given(st.lists(st.integers(-400_000, 400_000), min_size=2, max_size=200), st.integers(1, 5))
def test_the_errors_that_were_made_are_the_errors_that_are_found(
    errors: list[int], tokens: int
) -> None:
    written = truth(len(errors), tokens)
    case = measure.case(schedule(len(errors), tokens), seen(written, errors), written)
    sizes = sorted(map(abs, errors))
    assert case.stamps.max == sizes[-1]
    assert sizes[0] <= case.stamps.p50 <= case.stamps.p99 <= case.stamps.max
    assert case.gaps.max == max(abs(b - a) for a, b in pairwise(errors))
    assert case.first_ns == errors[0]
    assert (case.lost, case.doubled, case.shared) == (0, 0, 0)
    assert case.writes == len(errors)
    assert case.late == Spread(p50=0, p99=0, max=0)


@given(st.data())
def test_every_piece_that_is_lost_or_doubled_is_counted(data: st.DataObject) -> None:
    written = truth(20, 2)
    trace = seen(written, [1_000] * 20)
    whole = list(trace.chunks)
    lost = data.draw(st.sets(st.integers(0, 39), max_size=10))
    doubled = data.draw(st.lists(st.sampled_from([n for n in range(40) if n not in lost])))
    trace.chunks = [chunk for number, chunk in enumerate(whole) if number not in lost]
    trace.chunks += [whole[number] for number in doubled]
    case = measure.case(schedule(20, 2), trace, written)
    assert (case.lost, case.doubled) == (len(lost), len(doubled))
    assert case.stamps.max == 1_000, "a piece that came again does not change when it came first"


def test_a_piece_that_came_changed_is_lost_and_something_else_came() -> None:
    written = truth(10)
    trace = seen(written, [0] * 10)
    trace.chunks[3] = Chunk(trace.chunks[3].t_ns, "answer", "piece 3\ufffd", 3)
    case = measure.case(schedule(10), trace, written)
    assert (case.lost, case.doubled) == (1, 1)


def test_of_a_write_the_piece_counts_that_is_farthest_off() -> None:
    written = truth(3, 2)
    trace = seen(written, [1_000] * 3)
    late = trace.chunks[3]
    trace.chunks[3] = Chunk(late.t_ns + 70_000, "answer", late.text, 9)
    case = measure.case(schedule(3, 2), trace, written)
    assert case.stamps.max == 71_000


def test_writes_that_came_in_one_read_are_counted_but_for_the_last() -> None:
    written = truth(10)
    trace = seen(written, [0] * 10, one_read=(3, 4, 5))
    assert measure.case(schedule(10), trace, written).shared == 2
    pieces_of_one_write = seen(truth(4, 5), [0] * 4)
    assert measure.case(schedule(4, 5), pieces_of_one_write, truth(4, 5)).shared == 0


def test_how_late_the_server_was_is_told_and_costs_nobody_else_anything() -> None:
    written = truth(10, late=200_000)
    case = measure.case(schedule(10), seen(written, [3_000] * 10), written)
    assert case.late.p99 == 200_000
    assert case.stamps.max == 3_000
    assert not measure.is_kept(case)


@pytest.mark.parametrize("count", [0, 1])
def test_too_little_is_said_in_a_sentence(count: int) -> None:
    written = truth(5)
    trace = seen(written, [0] * 5)
    trace.chunks = trace.chunks[:count]
    with pytest.raises(CalibrationError, match=r"^Too little arrived"):
        measure.case(schedule(5), trace, written)


def made(
    gap_ns: int,
    stamps: int,
    gaps: int,
    *,
    late: int = 0,
    clock: Clock = "kernel",
    lost: int = 0,
) -> Case:
    return Case(
        gap_ns=gap_ns,
        clock=clock,
        writes=100,
        stamps=Spread(p50=1, p99=stamps, max=stamps),
        gaps=Spread(p50=1, p99=gaps, max=gaps),
        late=Spread(p50=0, p99=late, max=late),
        first_ns=0,
        lost=lost,
    )


def test_the_error_is_the_worst_and_the_gap_the_shortest_that_is_true() -> None:
    cases = [
        made(20_000_000, 50_000, 40_000),
        made(1_000_000, 30_000, 90_000),
        made(200_000, 900_000, 800_000),  # not true: it bounds the rate, not the error
        made(20_000_000, 200_000, 10_000, clock="read"),
    ]
    result = measure.result(cases)
    assert result.error_ns_p99 == {"kernel": 50_000, "read": 200_000}
    assert result.true_gap_ns == 1_000_000
    assert result.exact


def test_where_the_server_was_late_nothing_is_claimed() -> None:
    late = made(1_000_000, 10, 10, late=EXACT_NS)
    result = measure.result([made(20_000_000, 40_000, 1), late])
    assert result.error_ns_p99 == {"kernel": 40_000}
    assert result.true_gap_ns == 20_000_000
    assert not result.exact
    nothing = measure.result([late])
    assert nothing.error_ns_p99 == {}
    assert nothing.true_gap_ns is None


def test_a_gap_counts_only_if_no_longer_one_is_untrue() -> None:
    result = measure.result([made(5_000_000, 1, 900_000), made(1_000_000, 1, 1)])
    assert result.true_gap_ns is None


def test_a_case_in_which_something_was_lost_supports_nothing() -> None:
    result = measure.result([made(5_000_000, 1, 1), made(1_000_000, 9, 9, lost=1)])
    assert result.true_gap_ns == 5_000_000
    assert result.error_ns_p99 == {"kernel": 1}


def test_the_rate_is_that_of_the_clock_that_runs_use() -> None:
    reads = [made(1_000_000, 1, 1, clock="read")]
    assert measure.result(reads).true_gap_ns == 1_000_000
    assert measure.result([made(5_000_000, 1, 1), *reads]).true_gap_ns == 5_000_000


@given(
    st.lists(
        st.builds(
            made,
            st.sampled_from([200_000, 1_000_000, 5_000_000, 20_000_000]),
            st.integers(0, 10**7),
            st.integers(0, 3 * 10**6),
            late=st.integers(0, 10**5),
            clock=st.sampled_from(["kernel", "read"]),
            lost=st.integers(0, 1),
        ),
        max_size=12,
    )
)
def test_no_claim_goes_beyond_what_was_checked(cases: list[Case]) -> None:
    result = measure.result(cases)
    for clock, error in result.error_ns_p99.items():
        assert error in {
            case.stamps.p99
            for case in cases
            if case.clock == clock and measure.is_kept(case) and measure.is_true(case)
        }
    if result.true_gap_ns is not None:
        clock = measure.best_clock(cases)
        at = [case for case in cases if case.clock == clock and measure.is_kept(case)]
        assert any(case.gap_ns == result.true_gap_ns for case in at)
        assert all(measure.is_true(case) for case in at if case.gap_ns >= result.true_gap_ns)
        assert clock in result.error_ns_p99


def calibrated(*cases: Case) -> Calibration:
    found = measure.result(cases)
    return Calibration(
        measured_utc="2026-01-01T00:00:00+00:00",
        streamscope="1",
        python="3.11",
        system="Linux",
        cores=2,
        machine="m",
        painted=True,
        exact=found.exact,
        error_ns_p99=found.error_ns_p99,
        true_gap_ns=found.true_gap_ns,
        cases=cases,
    )


def a_run(*times_ns: int, clock: Clock = "kernel", flags: Sequence[str] = ()) -> Trace:
    known = calibrated(
        made(20_000_000, 50_000, 40_000),
        made(1_000_000, 30_000, 1_000, late=EXACT_NS),
        made(20_000_000, 200_000, 10_000, clock="read"),
    )
    return Trace(
        mode="stream",
        clock=clock,
        chunks=[Chunk(at, "answer", "x", index) for index, at in enumerate(times_ns)],
        flags=list(flags),
        calibration=measure.basis(known),
    )


def test_the_basis_counts_by_clock() -> None:
    found = a_run().calibration
    assert found is not None
    kernel, read = found.clocks["kernel"], found.clocks["read"]
    assert (kernel.error_ns_p99, kernel.true_gap_ns) == (50_000, 20_000_000)
    assert (kernel.counted, kernel.cases) == (1, 2)
    assert (read.error_ns_p99, read.counted, read.cases) == (200_000, 1, 1)


MS = 1_000_000


@pytest.mark.parametrize(
    ("run", "error"),
    [
        (a_run(), 50_000),
        (a_run(5 * MS), 50_000),
        (a_run(5 * MS, 25 * MS, 50 * MS), 50_000),
        (a_run(5 * MS, 25 * MS, 50 * MS, clock="read"), 200_000),
        (a_run(5 * MS, 24 * MS, 43 * MS), None),
        (a_run(5 * MS, 25 * MS, flags=["busy"]), None),
        (a_run(*[5 * MS] * 4, *[25 * MS] * 4), 50_000),
    ],
    ids=["nothing", "one", "slow", "read", "fast", "busy", "bundles"],
)
def test_an_error_is_claimed_only_of_what_was_calibrated(run: Trace, error: int | None) -> None:
    assert measure.claimed_error(run) == error


def test_of_several_runs_the_largest_claim_speaks_with_its_basis() -> None:
    fast = a_run(5 * MS, 6 * MS)
    kernel, read = a_run(5 * MS), a_run(5 * MS, clock="read")
    claim = measure.claim_of([kernel, read, fast])
    assert (claim.error_ns, claim.claimed, claim.runs) == (200_000, 2, 3)
    assert claim.basis == read.calibration
    nothing = measure.claim_of([fast])
    assert (nothing.error_ns, nothing.basis) == (None, fast.calibration)
    assert measure.claim_of([]).basis is None
