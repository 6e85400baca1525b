"""How wrong arrival times are: what a server wrote when, against what the probe made of it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import groupby, pairwise

import msgspec

from streamscope.calibration import Case, Schedule, Spread, Written
from streamscope.measure.statistics import percentile
from streamscope.trace import Clock, Trace

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


def best_clock(cases: Iterable[Case]) -> Clock:
    """Return the clock that runs use: the kernel's, where it can be had."""
    return "kernel" if any(case.clock == "kernel" for case in cases) else "read"


def result(cases: Sequence[Case]) -> Result:
    """Say what cases support; those in which the server was late support nothing."""
    checked = [case for case in cases if is_kept(case)]
    errors: defaultdict[Clock, int] = defaultdict(int)
    for each in filter(is_true, checked):
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
