"""Votes are kept, counted with earlier ones but named apart, and held against the real waits."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from streamscope.history import Group, History, VoteRow
from streamscope.trace import ChannelName, Chunk, Mode, Request, Run, Target, Trace
from streamscope.trial.blind import Round, Said, Subject, Subjects
from streamscope.trial.votes import BlindTest


def subject(mode: Mode, channel: ChannelName, first_s: float, total_s: float) -> Subject:
    """A run that answers at once, and what is said of its waits."""
    run = Run(
        run_id=channel * 32,
        comparison_id="c" * 32,
        channel=channel,
        target=Target(protocol="ollama-chat", url="http://127.0.0.1:11434"),
        request=Request(prompt="Why?"),
        trace=Trace(mode=mode, chunks=[Chunk(0, "answer", "Because.", 0)], ended="stop"),
    )
    return Subject(run=run, first_s=first_s, total_s=total_s)


def both() -> Subjects:
    return {"stream": subject("stream", "A", 1, 3), "blocking": subject("blocking", "B", 4, 4)}


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    """A history that knows both runs."""
    with History.open(tmp_path / "history.db") as history:
        for each in both().values():
            history.save(each.run, {}).result()
        yield history


def voted(
    test: BlindTest, said: Said, left: float | None = None, right: float | None = None
) -> Round:
    """Go through a round."""
    done = test.draw()
    done.start(0)
    done.advance(0)
    done.vote(said)
    done.estimate(left)
    done.estimate(right)
    test.keep(done)
    return done


def test_sides_are_drawn_anew_for_each_round() -> None:
    coins = [True, False, False, True, True, False]
    falls = iter(coins)
    test = BlindTest(both(), None, coin=lambda: next(falls))
    assert [test.draw().modes["left"] == "stream" for _ in coins] == coins


def test_a_round_without_a_vote_is_not_kept() -> None:
    test = BlindTest(both(), None)
    test.keep(test.draw())
    assert test.votes == 0
    assert test.results().rounds == ()


def test_votes_are_counted_and_estimates_held_against_real_waits() -> None:
    test = BlindTest(both(), None, coin=lambda: True)
    rounds = (voted(test, "left", 2, 6), voted(test, "tie"), voted(test, "right", 3, None))
    results = test.results()
    assert (results.now.stream, results.now.blocking, results.now.ties) == (1, 1, 1)
    assert results.together == results.now
    assert results.before.decided == results.before.ties == 0
    stream, blocking = results.waits["stream"], results.waits["blocking"]
    assert stream.ratio is not None
    assert blocking.ratio is not None
    assert (stream.felt_s, stream.real_s, stream.ratio.estimate, stream.n) == (2.5, 1, 2.5, 2)
    assert (blocking.felt_s, blocking.real_s, blocking.ratio.estimate, blocking.n) == (6, 4, 1.5, 1)
    assert results.rounds == rounds
    assert results.problems == ()


def test_modes_of_which_nothing_was_said_have_no_estimate() -> None:
    test = BlindTest(both(), None)
    voted(test, "left")
    assert test.results().waits == {}


def test_votes_are_kept_and_earlier_ones_counted_apart(history: History) -> None:
    earlier = BlindTest(both(), history, coin=lambda: True)
    voted(earlier, "left", 2, 4)
    voted(earlier, "tie")
    assert earlier.results().before.decided == 0, "its own votes are none from before"
    test = BlindTest(both(), history, coin=lambda: True)
    voted(test, "right")
    results = test.results()
    assert (results.now.stream, results.now.blocking, results.now.ties) == (0, 1, 0)
    assert (results.before.stream, results.before.blocking, results.before.ties) == (1, 0, 1)
    assert (results.together.stream, results.together.blocking) == (1, 1)
    assert results.waits["stream"].n == 1
    kept = history.votes(Group.of(both()["stream"].run))
    assert [row.choice for row in kept] == ["stream", "tie", "blocking"]


def test_an_old_vote_without_its_real_waits_still_counts(history: History) -> None:
    history.vote(
        VoteRow(
            voted_utc="2026-01-02T03:04:05Z",
            stream_run="A" * 32,
            blocking_run="B" * 32,
            choice="stream",
            felt_stream_s=2.0,
        )
    ).result()
    results = BlindTest(both(), history).results()
    assert results.before.stream == 1
    assert results.waits == {}


def test_what_cannot_be_kept_is_told_and_still_counted(history: History) -> None:
    test = BlindTest(both(), history, coin=lambda: True)
    history.close()
    voted(test, "left")
    results = test.results()
    assert results.now.stream == 1
    assert len(results.problems) >= 1
    assert all(problem.endswith(".") for problem in results.problems)
