"""A blind round takes a vote when both sides can be read, and keeps it about the right one."""

from typing import Literal, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamscope.history import VoteRow
from streamscope.measure.figures import measure
from streamscope.trace import ChannelName, Chunk, Mode, Request, Run, Target, Trace
from streamscope.trial.blind import (
    LONGEST_S,
    SIDES,
    Round,
    Said,
    Side,
    Subjects,
    UnfitError,
    fair_coin,
    read_seconds,
    subjects,
)

S = 1_000_000_000
OTHER: dict[Side, Side] = {"left": "right", "right": "left"}


def stream_trace(text: str = "one two three", *, thought: bool = False) -> Trace:
    """A stream with a word at 1 s, 2 s, and so on; a thought at 0.5 s."""
    chunks = [Chunk(S // 2, "reasoning", "hmm", 0)] if thought else []
    chunks += [Chunk(at * S, "answer", f"{word} ", at) for at, word in enumerate(text.split(), 1)]
    end = chunks[-1].t_ns if chunks else S
    return Trace(mode="stream", chunks=chunks, marks={"sent": 0, "done": end}, ended="stop")


def blocking_trace(text: str = "one two three", at_s: int = 4) -> Trace:
    """A blocking answer."""
    at = at_s * S
    chunks = [Chunk(at, "answer", text, 0)] if text else []
    return Trace(mode="blocking", chunks=chunks, marks={"sent": 0, "done": at}, ended="stop")


def run_of(trace: Trace, channel: ChannelName) -> Run:
    return Run(
        run_id=channel * 32,
        comparison_id="c" * 32,
        channel=channel,
        target=Target(protocol="ollama-chat", url="http://127.0.0.1:11434"),
        request=Request(prompt="Why?"),
        trace=trace,
    )


def both(stream: Trace | None = None, blocking: Trace | None = None) -> Subjects:
    runs = (
        run_of(stream or stream_trace(), "A"),
        run_of(blocking or blocking_trace(), "B"),
    )
    return subjects((run, measure(run.trace)) for run in runs)


def played(*, stream_left: bool = True) -> Round:
    """A round whose replays are over."""
    done = Round(both(), stream_left=stream_left)
    done.start(0)
    done.advance(10 * S)
    return done


# ------------------------------------------------------------------------------------------- a pair


def test_the_real_waits_are_those_of_the_answer_not_of_thinking() -> None:
    pair = both(stream=stream_trace(thought=True))
    assert (pair["stream"].first_s, pair["stream"].total_s) == (1, 3)
    assert (pair["blocking"].first_s, pair["blocking"].total_s) == (4, 4)


@pytest.mark.parametrize("text", ["", "  "])
def test_a_side_without_an_answer_is_refused(text: str) -> None:
    with pytest.raises(UnfitError, match=r"^A blind test needs two whole answers: B has none\.$"):
        both(blocking=blocking_trace(text))


def test_an_answer_that_broke_off_is_refused() -> None:
    trace = stream_trace()
    trace.ended = "cancelled"
    with pytest.raises(UnfitError, match="A has none"):
        both(stream=trace)


def test_two_streams_are_refused() -> None:
    with pytest.raises(UnfitError, match=r"streaming against blocking: both of these .* streamed"):
        both(blocking=stream_trace())


def test_two_models_are_refused_as_more_than_the_delivery_would_be_voted_on() -> None:
    pair = both()
    other = Target(protocol="ollama-chat", url="http://127.0.0.1:11434", model="another")
    runs = [pair["stream"].run, msgspec.structs.replace(pair["blocking"].run, target=other)]
    with pytest.raises(UnfitError, match="about streaming against blocking: what else differs"):
        subjects((run, measure(run.trace)) for run in runs)


# ----------------------------------------------------------------------------------------- a round


@pytest.mark.parametrize("stream_left", [True, False])
def test_both_sides_play_on_one_clock(stream_left: bool) -> None:
    a_round = Round(both(), stream_left=stream_left)
    stream: Side = "left" if stream_left else "right"
    blocking = OTHER[stream]
    assert a_round.advance(5 * S) == {"left": "", "right": ""}, "it has not begun"
    a_round.start(100 * S)
    assert a_round.advance(101 * S) == {stream: "one ", blocking: ""}
    assert a_round.advance(103 * S) == {stream: "two three ", blocking: ""}
    assert a_round.playing(103 * S)
    assert a_round.advance(104 * S) == {stream: "", blocking: "one two three"}
    assert not a_round.playing(104 * S)
    assert a_round.modes == {stream: "stream", blocking: "blocking"}


def test_thinking_is_not_shown() -> None:
    a_round = Round(both(stream=stream_trace(thought=True)), stream_left=True)
    a_round.start(0)
    assert a_round.advance(S * 3 // 4) == {"left": "", "right": ""}
    assert a_round.advance(S)["left"] == "one "


def test_a_vote_counts_as_soon_as_both_sides_have_text_and_not_before() -> None:
    a_round = Round(both(blocking=blocking_trace(at_s=2)), stream_left=True)
    a_round.vote("left")
    a_round.start(0)
    a_round.advance(S)
    assert not a_round.may_vote
    a_round.vote("left")
    assert (a_round.stage, a_round.said) == ("watching", None)
    a_round.advance(2 * S)
    assert a_round.playing(2 * S)
    assert a_round.may_vote
    a_round.vote("left")
    assert (a_round.stage, a_round.said, a_round.may_vote) == ("left", "left", False)


def test_text_that_is_only_space_is_nothing_to_vote_on() -> None:
    trace = stream_trace()
    trace.chunks.insert(0, Chunk(S // 2, "answer", "\n\n", 0))
    a_round = Round(both(stream=trace, blocking=blocking_trace("x", 0)), stream_left=True)
    a_round.start(0)
    assert a_round.advance(S // 2)["left"] == "\n\n"
    assert not a_round.may_vote


@pytest.mark.parametrize("stream_left", [True, False])
@pytest.mark.parametrize("said", get_args(Said))
def test_what_was_said_of_a_side_is_kept_about_its_mode(stream_left: bool, said: Said) -> None:
    done = played(stream_left=stream_left)
    done.vote(said)
    stages = [done.stage]
    for seconds in (1.5, None):
        done.estimate(seconds)
        stages.append(done.stage)
    assert stages == ["left", "right", "over"]
    row = done.row("2026-01-02T03:04:05.000000Z")
    assert row is not None
    choices: dict[tuple[bool, Said], Literal["stream", "blocking", "tie"]] = {
        (True, "left"): "stream",
        (True, "right"): "blocking",
        (False, "left"): "blocking",
        (False, "right"): "stream",
    }
    felt: dict[str, float | None] = {"felt_stream_s": None, "felt_blocking_s": None}
    felt["felt_stream_s" if stream_left else "felt_blocking_s"] = 1.5
    assert row == VoteRow(
        voted_utc="2026-01-02T03:04:05.000000Z",
        stream_run="A" * 32,
        blocking_run="B" * 32,
        choice=choices.get((stream_left, said), "tie"),
        first_s=1,
        stream_total_s=3,
        blocking_s=4,
        **felt,
    )


def test_a_slip_can_be_taken_back() -> None:
    done = played()
    done.vote("right")
    done.estimate(9)
    stages = []
    for _ in range(3):
        done.back()
        stages.append(done.stage)
    assert stages == ["left", "watching", "watching"]
    assert (done.said, done.may_vote) == (None, True)
    done.vote("left")
    done.estimate(1)
    assert (done.said, done.felt_s) == ("left", {"left": 1, "right": None})


def test_a_round_without_a_vote_is_nothing_to_keep() -> None:
    assert played().row("now") is None


def test_the_lot_is_fair() -> None:
    heads = sum(fair_coin() for _ in range(1000))
    assert 350 < heads < 650, "a fair coin fails this once in 10^20 times"


# --------------------------------------------------------------------------------------- estimates


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("", None),
        ("  ", None),
        ("2", 2),
        ("2.5", 2.5),
        ("2,5", 2.5),
        (".5", 0.5),
        ("3.", 3),
        (" 12 s ", 12),
        ("4sec", 4),
        ("4 Seconds", 4),
        ("0", 0),
        (f"{LONGEST_S:g}", LONGEST_S),
    ],
)
def test_times_are_read_as_people_type_them(text: str, seconds: float | None) -> None:
    assert read_seconds(text) == seconds


@pytest.mark.parametrize(
    "text", ["x", "-1", "nan", "inf", "1e9", "1 2", "2.5.1", "3601", "9" * 400, "two", "٣", "1 min"]
)
def test_what_is_no_time_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"^Type seconds, such as 2\.5, or nothing to skip it\.$"):
        read_seconds(text)


@given(text=st.text(max_size=12))
def test_whatever_is_typed_is_a_time_or_refused(text: str) -> None:
    try:
        seconds = read_seconds(text)
    except ValueError:
        return
    assert seconds is None or 0 <= seconds <= LONGEST_S


@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(("start", "advance", "vote", "estimate", "back")),
            st.sampled_from(get_args(Said)),
        ),
        max_size=30,
    )
)
def test_a_vote_is_there_exactly_when_something_was_said(
    steps: list[tuple[str, Said]],
) -> None:
    a_round, now = Round(both(), stream_left=True), 0
    modes: dict[Side, Mode] = dict(a_round.modes)
    for what, said in steps:
        now += S
        if what == "start" and a_round.stage == "ready":
            a_round.start(now)
        elif what == "advance":
            a_round.advance(now)
        elif what == "vote":
            a_round.vote(said)
        elif what == "estimate":
            a_round.estimate(1.0)
        elif what == "back":
            a_round.back()
        assert (a_round.row("now") is not None) == (a_round.said is not None)
        assert (a_round.said is not None) == (a_round.stage in (*SIDES, "over"))
        assert a_round.modes == modes
