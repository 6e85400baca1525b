"""Whoever sees a comparison end early, or a run made again, is told why, and rightly."""

from collections.abc import Sequence

import pytest

from streamscope.plan import Plan
from streamscope.trace import ChannelName, Ended, Fault, Request, Run, Target, Trace
from streamscope.trial.ending import marked_words, why_ended, why_lost
from streamscope.trial.plan import Course


def trace(ended: Ended = "stop", *, busy: bool = False) -> Trace:
    return Trace(mode="stream", ended=ended, flags=["busy"] if busy else [])


QUIET, BUSY, FAILED, STOPPED = trace(), trace(busy=True), trace("error"), trace("cancelled")


def course(*pairs: Sequence[Trace], include_busy: bool = False, retries: int = 1) -> Course:
    """Return what became of the A and B of each pair; further ones of a pair are B again."""
    sides: tuple[ChannelName, ...] = ("A", "B", "B")
    runs = [
        Run(
            run_id=f"{number}{index}",
            comparison_id="c",
            channel=sides[index],
            target=Target(protocol="openai-chat", url="http://127.0.0.1:9"),
            request=Request(prompt="Why?"),
            trace=each,
            pair=number,
        )
        for number, pair in enumerate(pairs, 1)
        for index, each in enumerate(pair)
    ]
    return Course(plan=Plan(repeat=9), runs=tuple(runs), include_busy=include_busy, retries=retries)


GONE = Trace(
    mode="stream",
    ended="error",
    fault=Fault(code="unreachable", sentence="Nothing answers there: is it running?"),
)
GOOD, HELD_UP, BROKEN = (QUIET, QUIET), (QUIET, BUSY, BUSY), (FAILED, QUIET)


@pytest.mark.parametrize(
    ("run", "again", "include_busy", "said"),
    [
        (QUIET, False, False, ""),
        (FAILED, True, False, ""),
        (trace("error", busy=True), True, False, ""),
        (BUSY, True, False, "machine busy: marked, made once more"),
        (BUSY, False, False, "machine busy: marked, not counted"),
        (BUSY, False, True, "machine busy: marked, counted all the same"),
    ],
)
def test_what_becomes_of_a_marked_run(
    run: Trace, again: bool, include_busy: bool, said: str
) -> None:
    assert marked_words(run, again=again, include_busy=include_busy) == said


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        ([HELD_UP] * 3, "the machine was too busy in three pairs in a row"),
        ([GOOD, BROKEN, BROKEN, BROKEN], "a run failed in three pairs in a row"),
        (
            [BROKEN, HELD_UP, HELD_UP],
            "a run failed, or the machine was too busy, in three pairs in a row",
        ),
        ([HELD_UP] * 2, ""),
        ([HELD_UP, HELD_UP, GOOD], ""),
        ([HELD_UP, GOOD, HELD_UP, HELD_UP], ""),
        ([HELD_UP, HELD_UP, (QUIET, STOPPED)], ""),
        ([GOOD, (GONE,)], "Nothing answers there: is it running?"),
        ([GOOD, (QUIET, GONE)], "Nothing answers there: is it running?"),
        ([GOOD, (GONE, QUIET)], "Nothing answers there: is it running?"),
        ([GOOD, (GONE, QUIET), GOOD], ""),
        ([], ""),
    ],
)
def test_why_a_comparison_gave_up(pairs: Sequence[Sequence[Trace]], said: str) -> None:
    assert why_ended(course(*pairs)) == said


def test_what_does_not_count_is_counted_and_explained() -> None:
    assert why_lost(course(GOOD, HELD_UP)) == (
        "1 of 2 pairs does not count: the machine was too busy in spite of a second try"
    )
    assert why_lost(course(BROKEN, BROKEN, retries=0)) == (
        "2 of 2 pairs do not count: a run failed"
    )
    assert why_lost(course(GOOD, (QUIET, BUSY, QUIET))) == "", "it was made good"
    assert why_lost(course(GOOD, (QUIET, STOPPED))) == ""
    assert why_lost(course(GOOD, BROKEN)) == "1 of 2 pairs does not count: a run failed", "one try"


def test_where_busy_runs_count_nothing_is_lost() -> None:
    assert why_lost(course(HELD_UP, include_busy=True)) == ""
    assert why_ended(course(*[HELD_UP] * 3, include_busy=True)) == ""
