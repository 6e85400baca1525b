"""Votes of blind tests are kept in order, with the runs that they are about."""

import math
from collections.abc import Callable

import msgspec

from streamscope.history import Group, History, VoteRow
from streamscope.trace import Run

MakeRun = Callable[..., Run]
Keep = Callable[..., Run]

VOTE = VoteRow(
    voted_utc="2026-10-17T12:30:00Z",
    stream_run="5" * 32,
    blocking_run="b" * 32,
    choice="stream",
    felt_stream_s=2.0,
    felt_blocking_s=None,
    first_s=0.4,
    stream_total_s=8.0,
    blocking_s=7.9,
)


def test_votes_come_back_in_order_also_about_runs_from_elsewhere(history: History) -> None:
    votes = [
        VOTE,
        msgspec.structs.replace(VOTE, choice="tie", voted_utc="2026-10-17T12:00:00Z"),
        msgspec.structs.replace(VOTE, choice="blocking", felt_stream_s=None),
    ]
    for vote in votes:
        history.vote(vote).result()

    assert history.votes() == votes


def test_votes_about_a_group_are_told_from_others(
    history: History, make_run: MakeRun, keep: Keep
) -> None:
    mine, other = keep(make_run()), keep(make_run(prompt="other"))
    for run in (mine, other):
        history.vote(msgspec.structs.replace(VOTE, stream_run=run.run_id)).result()
    history.vote(VOTE).result()

    assert [vote.stream_run for vote in history.votes(Group.of(mine))] == [mine.run_id]
    assert history.votes(Group.of(make_run(prompt="never"))) == []
    assert len(history.votes()) == 3


def test_a_vote_about_a_deleted_run_is_hidden_with_it(
    history: History, make_run: MakeRun, keep: Keep
) -> None:
    run = keep(make_run("blocking"))
    history.vote(msgspec.structs.replace(VOTE, blocking_run=run.run_id)).result()

    history.delete(runs=[run.run_id]).result()
    assert history.votes() == []
    history.undo().result()
    assert len(history.votes()) == 1


def test_a_wait_that_is_no_number_is_kept_as_none(history: History) -> None:
    history.vote(msgspec.structs.replace(VOTE, felt_stream_s=math.nan, first_s=math.inf)).result()

    (vote,) = history.votes()
    assert (vote.felt_stream_s, vote.first_s) == (None, None)
