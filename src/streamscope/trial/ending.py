"""Why runs were made once more, pairs do not count and a comparison ended, in words for people."""

from collections import Counter
from collections.abc import Sequence

from streamscope.trace import ChannelName, FaultCode, Run, Trace
from streamscope.trial.plan import CHANNELS, Course, whole_pairs

HOPELESS: frozenset[FaultCode] = frozenset(
    ("unreachable", "tls", "url", "auth", "model", "request", "probe")
)
"""Faults that the next run would only meet again: the comparison ends there."""

IN_A_ROW = ("", "one pair", "two pairs in a row", "three pairs in a row")
"""How many pairs went by without one that counts, in words; more are not let go by."""


def marked_words(trace: Trace, *, again: bool, include_busy: bool = False) -> str:
    """Say that a run is marked, and what becomes of it; empty if it is not, or did not end well.

    Args:
        trace: The run.
        again: Whether it is made once more.
        include_busy: Whether it counts all the same.
    """
    if not (trace.busy and trace.ok):
        return ""
    if include_busy:
        return "machine busy: marked, counted all the same"
    return f"machine busy: marked, {'made once more' if again else 'not counted'}"


def why_ended(course: Course, *, give_up: int = len(IN_A_ROW) - 1) -> str:
    """Say why a comparison gave up before its end: a clause, or the words of a fault.

    Empty if it did not.

    Args:
        course: The comparison, with its runs.
        give_up: After how many pairs in a row that do not count it ends.
    """
    for trace in _last(course.runs).values():
        if trace.fault is not None and trace.fault.code in HOPELESS:
            return trace.fault.sentence.rstrip(".")
    gone = _gone_through(course.runs)
    lost = set(_lost(course))
    last = gone[-give_up:]
    if len(last) < give_up or not lost.issuperset(last):
        return ""
    return f"{_reason(course, last)} in {IN_A_ROW[give_up]}"


def why_lost(course: Course) -> str:
    """Say how many pairs that were gone through do not count, and why; empty if all of them do."""
    lost = _lost(course)
    if not lost:
        return ""
    gone = len(_gone_through(course.runs))
    do = "does" if len(lost) == 1 else "do"
    pairs = "pair" if gone == 1 else "pairs"
    again = " in spite of a second try" if all(_tried_again(course, pair) for pair in lost) else ""
    return f"{len(lost)} of {gone} {pairs} {do} not count: {_reason(course, lost)}{again}"


def _last(runs: Sequence[Run]) -> dict[ChannelName, Trace]:
    """Return what became of each channel in the pair, or the warm-up, that was measured last.

    In a race, the run that ended last may be the good one.
    """
    last = [(run.pair, run.warmup) for run in runs[-1:]]
    return {run.channel: run.trace for run in runs if (run.pair, run.warmup) in last}


def _tried_again(course: Course, pair: int) -> bool:
    """Tell whether a run of a pair was made more than once."""
    made = Counter(
        run.channel
        for run in course.runs
        if run.pair == pair and not run.warmup and run.trace.ended != "cancelled"
    )
    return max(made.values(), default=0) > 1


def _gone_through(runs: Sequence[Run]) -> list[int]:
    """Return the numbers of the pairs of which no run was stopped, in order."""
    numbers = sorted({run.pair for run in runs if not run.warmup})
    return [
        number
        for number in numbers
        if {run.channel for run in runs if run.pair == number and run.trace.ended != "cancelled"}
        == set(CHANNELS)
    ]


def _lost(course: Course) -> list[int]:
    """Return the numbers of the pairs that were gone through and do not count."""
    whole = {a.pair for a, _ in whole_pairs(course.runs, include_busy=course.include_busy)}
    return [number for number in _gone_through(course.runs) if number not in whole]


def _reason(course: Course, pairs: Sequence[int]) -> str:
    """Say what stood in the way of pairs that do not count."""
    final = {(run.pair, run.channel): run.trace for run in course.runs if run.pair in pairs}
    busy = any(trace.ok and trace.busy for trace in final.values())
    failed = any(not trace.ok for trace in final.values())
    if busy and failed:
        return "a run failed, or the machine was too busy,"
    return "the machine was too busy" if busy else "a run failed"
