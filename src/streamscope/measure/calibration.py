"""How wrong arrival times are: what a server wrote when, against what the probe made of it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import groupby, pairwise

import msgspec

from streamscope.calibration import Calibration, Case, Schedule, Spread, Written
from streamscope.measure.statistics import percentile
from streamscope.trace import Basis, Clock, ClockBasis, Trace

EXACT_NS = 50_000
"""A schedule is kept when its writes begin less than this late, at the 99th percentile, ns."""

TRUE_SHARE = 0.1
"""Gaps are true when their error is at most this share of the gap, at the 99th percentile."""


class CalibrationError(ValueError):
    """Nothing can be said about the error; the text is a sentence for a person."""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What the cases of a calibration say together.

    Attributes:
        exact: Whether the server kept its schedule in all of them.
        error_ns_p99: By how much an arrival time may be wrong, by clock, ns.
        true_gap_ns: The shortest gap at which gaps were true; ``None`` if they were at none.
    """

    exact: bool
    error_ns_p99: dict[Clock, int]
    true_gap_ns: int | None


def spread(errors: Sequence[int]) -> Spread:
    """Return the percentiles of the sizes of errors, ns.

    Raises:
        CalibrationError: There are none.
    """
    if not errors:
        raise CalibrationError(
            "Too little arrived to say how wrong its times are: use more writes."
        )
    sizes = sorted(map(abs, errors))
    return Spread(
        p50=round(percentile(sizes, 0.5)), p99=round(percentile(sizes, 0.99)), max=sizes[-1]
    )


def case(schedule: Schedule, trace: Trace, written: Written) -> Case:
    """Hold what the probe saw of an answer against what the server did.

    A piece of text has its moment when the write began that completed it. The error of a write is
    that of its piece that is farthest off.

    Args:
        schedule: What the server was to keep to.
        trace: What the probe saw.
        written: What the server did.

    Raises:
        CalibrationError: Too little arrived.
    """
    arrived = Counter(chunk.text for chunk in trace.chunks)
    sent = dict(zip(written.pieces, written.completed, strict=True))
    errors = _errors(trace, written, sent)
    lasts = [errors[write][-1] for write in sorted(errors)]
    late = [before - due for before, due in zip(written.before_ns, written.due_ns, strict=True)]
    return Case(
        gap_ns=schedule.gap_ns,
        tokens=schedule.tokens,
        cut=schedule.cut,
        clock=trace.clock,
        writes=len(written.before_ns),
        stamps=spread([max(each, key=abs) for each in errors.values()]),
        gaps=spread([after - before for before, after in pairwise(lasts)]),
        late=spread(late),
        first_ns=_first(trace, written, sent),
        lost=sum(not arrived[piece] for piece in sent),
        doubled=sum(count - 1 if text in sent else count for text, count in arrived.items()),
        shared=_shared(trace, sent),
    )


def is_kept(case: Case) -> bool:
    """Whether the server kept its schedule, so that the case says something."""
    return case.late.p99 < EXACT_NS


def is_whole(case: Case) -> bool:
    """Whether every piece came, once and unchanged."""
    return not case.lost and not case.doubled


def is_true(case: Case) -> bool:
    """Whether the gaps between arrivals were those between the writes."""
    return is_whole(case) and case.gaps.p99 <= TRUE_SHARE * case.gap_ns


def counts(case: Case) -> bool:
    """Whether a case supports what is said about the error: kept, whole, and with true gaps."""
    return is_kept(case) and is_true(case)


def counted(cases: Sequence[Case]) -> int:
    """Return how many cases count for the clock that runs use."""
    clock = best_clock(cases)
    return sum(counts(case) for case in cases if case.clock == clock)


def basis(calibration: Calibration) -> Basis:
    """Return what a calibration found out, in short, for the runs that it holds for."""
    clocks: dict[Clock, ClockBasis] = {}
    for clock in sorted({case.clock for case in calibration.cases} | set(calibration.error_ns_p99)):
        ours = [case for case in calibration.cases if case.clock == clock]
        clocks[clock] = ClockBasis(
            error_ns_p99=calibration.error_ns_p99.get(clock),
            true_gap_ns=_true_gap([case for case in ours if is_kept(case)], clock),
            counted=sum(map(counts, ours)),
            cases=len(ours),
        )
    return Basis(measured_utc=calibration.measured_utc, exact=calibration.exact, clocks=clocks)


def median_gap(trace: Trace) -> float | None:
    """Return the median gap between the moments at which text came, ns; ``None`` if there is none.

    Pieces that came at one moment are one arrival: there is nothing between them.
    """
    times = sorted({chunk.t_ns for chunk in trace.chunks})
    return (
        percentile([after - before for before, after in pairwise(times)], 0.5)
        if times[1:]
        else None
    )


def outran(trace: Trace) -> bool:
    """Whether text came faster than what its clock was calibrated for."""
    found = _clock_basis(trace)
    gap_ns = median_gap(trace)
    if found is None or found.true_gap_ns is None or gap_ns is None:
        return False
    return gap_ns < found.true_gap_ns


def claimed_error(trace: Trace) -> int | None:
    """Return by how much arrival times of a run may be wrong (p99), ns.

    Nothing is claimed where the machine was busy, where text came faster than what was
    calibrated, and where nothing was found out about the clock.
    """
    found = _clock_basis(trace)
    error = trace.error_ns_p99 if found is None else found.error_ns_p99
    return None if trace.busy or outran(trace) else error


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """What is claimed of the times of several runs.

    Attributes:
        error_ns: The largest error that is claimed of any; ``None`` if of none.
        basis: What it rests on, or, where nothing is claimed, the last calibration there was.
        on: What was found out about the clock of the run with that error.
        claimed: Of how many runs an error is claimed.
        runs: How many there are.
    """

    error_ns: int | None
    basis: Basis | None
    on: ClockBasis | None
    claimed: int
    runs: int


def claim_of(traces: Sequence[Trace]) -> Claim:
    """Return what is claimed of several runs: the largest error, and what that rests on."""
    known = [(error, each) for each in traces if (error := claimed_error(each)) is not None]
    if not known:
        last = next((each.calibration for each in reversed(traces) if each.calibration), None)
        return Claim(error_ns=None, basis=last, on=None, claimed=0, runs=len(traces))
    error, trace = max(known, key=lambda pair: pair[0])
    return Claim(
        error_ns=error,
        basis=trace.calibration,
        on=_clock_basis(trace),
        claimed=len(known),
        runs=len(traces),
    )


def _clock_basis(trace: Trace) -> ClockBasis | None:
    return None if trace.calibration is None else trace.calibration.clocks.get(trace.clock)


def best_clock(cases: Iterable[Case]) -> Clock:
    """Return the clock that runs use: the kernel's, where it can be had."""
    return "kernel" if any(case.clock == "kernel" for case in cases) else "read"


def result(cases: Sequence[Case]) -> Result:
    """Say what cases support; those in which the server was late support nothing."""
    checked = [case for case in cases if is_kept(case)]
    errors: defaultdict[Clock, int] = defaultdict(int)
    for each in filter(counts, checked):
        errors[each.clock] = max(errors[each.clock], each.stamps.p99)
    return Result(
        exact=len(checked) == len(cases) > 0,
        error_ns_p99=dict(errors),
        true_gap_ns=_true_gap(checked, best_clock(cases)),
    )


def _true_gap(checked: Sequence[Case], clock: Clock) -> int | None:
    """Return the shortest gap at which gaps are true, and at no longer one of them are not."""
    ours = sorted((case for case in checked if case.clock == clock), key=lambda case: -case.gap_ns)
    shortest = None
    for gap_ns, group in groupby(ours, key=lambda case: case.gap_ns):
        if not all(map(is_true, group)):
            break
        shortest = gap_ns
    return shortest


def _errors(trace: Trace, written: Written, sent: dict[str, int]) -> dict[int, list[int]]:
    """Return the error of each piece, by write, in order of arrival; of doubled ones the first."""
    errors: defaultdict[int, list[int]] = defaultdict(list)
    seen = set()
    for chunk in trace.chunks:
        write = sent.get(chunk.text)
        if write is not None and chunk.text not in seen:
            seen.add(chunk.text)
            at_ns = trace.sent_monotonic_ns + chunk.t_ns
            errors[write].append(at_ns - written.before_ns[write])
    return errors


def _first(trace: Trace, written: Written, sent: dict[str, int]) -> int:
    """Return our time to first text minus the server's, ns."""
    chunk = next(chunk for chunk in trace.chunks if chunk.text in sent)
    return chunk.t_ns - (written.before_ns[sent[chunk.text]] - written.arrived_ns)


def _shared(trace: Trace, sent: dict[str, int]) -> int:
    """Return how many writes came in a read with a later one."""
    writes: defaultdict[int, set[int]] = defaultdict(set)
    for chunk in trace.chunks:
        if chunk.text in sent:
            writes[chunk.read].add(sent[chunk.text])
    return sum(len(each) - 1 for each in writes.values())
