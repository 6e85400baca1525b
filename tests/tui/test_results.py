"""What came of runs is said in words that claim no more than the numbers do."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamscope.measure.conventions import Bands
from streamscope.measure.verdict import PairFigures, judge
from streamscope.trace import ChannelName, Fault, Shown, Tokens, Trace
from streamscope.tui import faces, results

if TYPE_CHECKING:
    from streamscope.tui.ended import EndedRun

Build = Callable[..., Trace]
BuildEnded = Callable[..., "EndedRun"]


def said(pair: Mapping[ChannelName, "EndedRun"], *, contended: bool = False) -> str:
    """Return what is said about a pair."""
    return results.verdict(pair, None, contended=contended).plain


# ------------------------------------------------------------------------- figures


def glance(ended: "EndedRun", room: int = 80, *, pooled: bool = False) -> str:
    """Return what is said beside the state of a run that is over."""
    return results.end_remarks(ended, room, pooled=pooled).plain


def test_a_run_with_nothing_special_has_no_remark(
    build_stream: Build, build_ended: BuildEnded
) -> None:
    assert glance(build_ended(build_stream())) == ""


def test_a_busy_machine_is_named_first_with_what_follows(
    build_stream: Build, build_ended: BuildEnded
) -> None:
    trace = build_stream(thought="Well, well.")
    trace.flags.append("busy")
    assert glance(build_ended(trace)).startswith(" · ! busy machine: not in the medians · ")
    assert glance(build_ended(trace), pooled=True).startswith(" · ! busy machine · ")
    assert glance(build_ended(trace), room=20) == " · ! busy machine"
    cut = build_stream(ended="cancelled")
    cut.flags.append("busy")
    assert glance(build_ended(cut)) == ""


def test_thinking_that_was_seen_is_told_apart_from_the_answer(
    build_stream: Build, build_ended: BuildEnded
) -> None:
    ended = build_ended(build_stream(1.0, 3.0, thought="Well, well."))
    assert glance(ended) == " · any text at 0.50 s, thought 0.50 s"
    assert glance(ended, room=30) == " · thought 0.50 s first"
    assert glance(ended, room=10) == ""


def test_thinking_that_nobody_saw_is_told(build_stream: Build, build_ended: BuildEnded) -> None:
    trace = build_stream(8.0, 8.5)
    trace.tokens = Tokens(output=349, reasoning=329)
    assert glance(build_ended(trace)) == " · 329 of 349 tokens were thinking you never saw"
    assert glance(build_ended(trace), room=40) == " · 329 of 349 tokens thought unseen"


def test_when_it_was_on_the_screen_is_told_if_there_is_room(
    build_stream: Build, build_ended: BuildEnded
) -> None:
    trace = build_stream()
    ms = 1_000_000
    trace.shown = Shown(chunks=54, frames=40, p50_ns=24 * ms, p99_ns=48 * ms, max_ns=50 * ms)
    assert glance(build_ended(trace)) == " · on screen 24 ms later, p99 48"
    assert glance(build_ended(trace), room=22) == " · seen 24 ms later"


def test_a_thought_does_not_push_out_when_it_was_on_the_screen(
    build_stream: Build, build_ended: BuildEnded
) -> None:
    trace = build_stream(1.0, 3.0, thought="Well, well.")
    ms = 1_000_000
    trace.shown = Shown(chunks=54, frames=40, p50_ns=24 * ms, p99_ns=48 * ms, max_ns=50 * ms)
    assert glance(build_ended(trace), room=50) == " · thought 0.50 s first · seen 24 ms later"
    assert glance(build_ended(trace), room=60) == (
        " · any text at 0.50 s, thought 0.50 s · seen 24 ms later"
    )


def test_figures_that_the_server_counted_are_no_estimates(
    build_stream: Build, build_ended: BuildEnded
) -> None:
    line = results.final_figures(build_ended(build_stream()).figures, "stream").plain
    assert line == "first 0.63 s · 19.1 tok/s · 54 tok"


def test_an_estimate_is_marked(build_stream: Build, build_ended: BuildEnded) -> None:
    trace = build_stream(thought="Well, let me think about this.")
    split_unknown = msgspec.structs.replace(trace, tokens=Tokens(output=60))
    figures = build_ended(split_unknown).figures
    assert "visible_tok_per_s" in figures.estimated
    assert " · ~" in results.final_figures(figures, "stream").plain


def test_where_no_tokens_are_counted_chunks_are_and_are_called_so(
    build_stream: Build, build_ended: BuildEnded
) -> None:
    trace = msgspec.structs.replace(build_stream(), tokens=Tokens())
    line = results.final_figures(build_ended(trace).figures, "stream").plain
    assert "54 ch" in line
    assert "tok" not in line


def test_a_blocking_answer_has_the_rate_of_the_whole_request(
    build_blocking: Build, build_ended: BuildEnded
) -> None:
    line = results.final_figures(build_ended(build_blocking(), "B").figures, "blocking").plain
    assert line == "at 3.50 s · 15.4 tok/s e2e · 54 tok"


def test_the_tokens_beside_a_rate_are_those_that_it_counts(
    build_stream: Build, build_blocking: Build, build_ended: BuildEnded
) -> None:
    tokens = Tokens(output=154, reasoning=100)
    stream = msgspec.structs.replace(build_stream(), tokens=tokens)
    line = results.final_figures(build_ended(stream).figures, "stream").plain
    assert line == "first 0.63 s · 19.1 tok/s · 54 tok"
    blocking = msgspec.structs.replace(build_blocking(), tokens=tokens)
    line = results.final_figures(build_ended(blocking, "B").figures, "blocking").plain
    assert line == "at 3.50 s · 44.0 tok/s e2e · 154 tok"


def test_a_run_without_text_has_no_figures(build_stream: Build, build_ended: BuildEnded) -> None:
    trace = msgspec.structs.replace(build_stream(text="", ended="error"), tokens=Tokens())
    figures = build_ended(trace).figures
    assert results.final_figures(figures, "stream").plain == "first – · – tok/s · 0 ch"
    assert "0" not in faces.no_figures("stream").plain


# ------------------------------------------------------------------------- verdict


@pytest.mark.parametrize(
    ("stream_s", "blocking_s", "verdict"),
    [
        ((0.63, 19.5), 19.5, "31× sooner (0.63 vs 19.5 s); total 19.5 s and 19.5 s."),
        ((0.63, 10.0), 5.0, "7.9× sooner (0.63 vs 5.00 s); total 10.0 s and 5.00 s."),
        ((5.0, 5.1), 5.0, "at about the same time (5.00 vs 5.00 s); total 5.10 s and 5.00 s."),
        ((5.0, 6.0), 2.5, "2.0× later (5.00 vs 2.50 s); total 6.00 s and 2.50 s."),
    ],
)
def test_the_verdict_on_a_pair(
    stream_s: tuple[float, float],
    blocking_s: float,
    verdict: str,
    build_stream: Build,
    build_blocking: Build,
    build_ended: BuildEnded,
) -> None:
    pair: dict[ChannelName, EndedRun] = {
        "A": build_ended(build_stream(*stream_s)),
        "B": build_ended(build_blocking(blocking_s), "B"),
    }
    assert said(pair).splitlines()[0] == f"First text {verdict}"


def test_nothing_is_ever_called_faster(
    build_stream: Build, build_blocking: Build, build_ended: BuildEnded
) -> None:
    seconds = st.floats(0.001, 5000)

    @given(seconds, seconds, seconds, st.booleans())
    def claims(first_s: float, more_s: float, blocking_s: float, contended: bool) -> None:
        words = said(
            {
                "A": build_ended(build_stream(first_s, first_s + more_s)),
                "B": build_ended(build_blocking(blocking_s), "B"),
            },
            contended=contended,
        ).lower()
        assert not any(claim in words for claim in ("fast", "slow", "speed", "longer", "shorter"))

    claims()


@pytest.mark.parametrize("contended", [False, True])
def test_a_race_on_a_server_that_takes_turns_is_no_comparison(
    contended: bool, build_stream: Build, build_blocking: Build, build_ended: BuildEnded
) -> None:
    pair: dict[ChannelName, EndedRun] = {}
    for channel, trace in (("A", build_stream()), ("B", build_blocking())):
        ended = build_ended(trace, channel)
        run = msgspec.structs.replace(ended.run, layout="race")
        pair[run.channel] = type(ended)(run=run, figures=ended.figures)
    assert said(pair, contended=contended).startswith("A race, in which") is contended


def test_a_failure_is_said_beside_the_verdict(
    build_stream: Build, build_blocking: Build, build_ended: BuildEnded
) -> None:
    fault = Fault(code="cut", sentence="The [/]\x1b[31m connection broke.")
    failed = build_blocking(text="", ended="error", fault=fault)
    words = said({"A": build_ended(build_stream()), "B": build_ended(failed, "B")})
    assert "sooner" not in words
    assert "B: The [/]␛[31m connection broke." in words
    broken = build_stream(ended="error", fault=fault)
    words = said({"A": build_ended(broken), "B": build_ended(build_blocking(), "B")})
    assert "sooner" not in words


def test_remarks_are_said_once(
    build_stream: Build, build_blocking: Build, build_ended: BuildEnded
) -> None:
    lines = said(
        {
            "A": build_ended(build_stream(ended="length")),
            "B": build_ended(build_blocking(ended="length"), "B"),
        }
    ).splitlines()
    assert len(lines) == len(set(lines)) == 2
    assert lines[1].startswith("· ")


def test_without_a_run_there_is_nothing_to_say() -> None:
    assert said({}) == ""


@pytest.mark.parametrize(
    ("first_s", "room", "said"),
    [
        (0.3, 20, "✓ instant"),
        (1.0, 12, "◦ noticeable"),
        (3.0, 20, "! sluggish"),
        (3.0, 5, ""),  # a mark alone would say nothing
        (3.0, 0, ""),
    ],
)
def test_a_wait_is_called_what_practitioners_call_it(
    first_s: float, room: int, said: str, build_stream: Build, build_ended: BuildEnded
) -> None:
    figures = build_ended(build_stream(first_s, 9.0)).figures
    assert results.band_words(figures, Bands(), room).plain == said


def test_without_text_there_is_no_wait_to_name(
    build_stream: Build, build_ended: BuildEnded
) -> None:
    trace = msgspec.structs.replace(build_stream(text="", ended="error"), tokens=Tokens())
    assert results.band_words(build_ended(trace).figures, Bands(), 30).plain == ""


def test_what_speaks_against_a_comparison_stands_before_other_remarks(
    build_stream: Build, build_blocking: Build, build_ended: BuildEnded
) -> None:
    pair: dict[ChannelName, EndedRun] = {
        "A": build_ended(build_stream(ended="length")),
        "B": build_ended(build_blocking(ended="length"), "B"),
    }
    lines = results.verdict(
        pair, None, contended=False, cautions=["It drifted."]
    ).plain.splitlines()
    assert lines[1] == "! It drifted."
    assert lines[2].startswith("· ")


def test_what_pairs_show_so_far_is_called_so() -> None:
    judgement = judge(
        [PairFigures(a={"ttfv_s": 0.5, "total_s": 3.0}, b={"ttfv_s": 3.0, "total_s": 3.0})] * 2
    )
    told = results.so_far(judgement, queued=False).plain
    assert told.startswith("So far: ")
    assert "n=2 pairs" in told
    queued = results.so_far(judgement, queued=True).plain
    assert queued.startswith("So far: A race, in which one may have waited for the other: ")
