"""What the screen says is true, complete, and no wider than its place."""

from collections.abc import Callable
from typing import TYPE_CHECKING, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamscope.measure.live import LiveFigures
from streamscope.measure.phases import Phase, PhaseName, phase
from streamscope.plan import Plan
from streamscope.trace import Chunk, Ended, Fault, Layout, Mode, Trace
from streamscope.trial.plan import Step
from streamscope.trial.setup import Matchup
from streamscope.tui import course_words, faces

if TYPE_CHECKING:
    from streamscope.tui.ended import EndedRun
    from tests.tui.conftest import Stage

Build = Callable[..., Trace]
BuildEnded = Callable[..., "EndedRun"]

S = 1_000_000_000
HOUR = 3600 * S


# ------------------------------------------------------------------------- a word for everything


def test_every_state_has_words() -> None:
    assert faces.PHASES.keys() == set(get_args(PhaseName))
    assert faces.READY.keys() == set(get_args(Mode))
    assert faces.EMPTY_ANSWER.keys() == set(get_args(Ended))
    assert faces.LAYOUTS.keys() == set(get_args(Layout))


def test_no_phase_is_told_by_its_colour_alone() -> None:
    words = [word for word, _ in faces.PHASES.values()]
    assert len(set(words)) == len(words)
    assert all(len(word) > 4 and not word[0].isalpha() for word in words)


@pytest.mark.parametrize("ended", get_args(Ended))
def test_every_end_of_a_run_is_named(ended: Ended, build_stream: Build) -> None:
    trace = build_stream(ended=ended)
    line = faces.final_line(phase(trace, 4 * S).name, trace).plain
    expected = {
        "stop": "✓ done",
        "length": "✓ done, at the token limit",
        "tool": "✓ done",
        "filter": "! withheld by the server",
        "incomplete": "! incomplete",
        "error": "✗ failed",
        "cancelled": "■ stopped",
    }
    assert line == expected[ended]


def test_a_run_that_failed_with_text_says_why_beside_it(build_stream: Build) -> None:
    fault = Fault(code="cut", sentence="The [/]\x1b[31m connection broke.")
    trace = build_stream(ended="error", fault=fault)
    line = faces.final_line("failed", trace).plain
    assert line == "✗ failed: The [/]␛[31m connection broke."


# ------------------------------------------------------------------------- nothing jumps


@given(st.integers(0, 99 * HOUR), st.booleans())
def test_a_clock_never_changes_its_width(now_ns: int, final: bool) -> None:
    assert faces.clock(now_ns, final=final).cell_length == 9


@pytest.mark.parametrize(
    ("seconds", "clock"),
    [
        (0, "   0.00 s"),
        (9.994, "   9.99 s"),
        (119.994, " 119.99 s"),
        (120, " 2:00 min"),
        (3599.9, "59:59 min"),
        (3600, "  1:00:00"),
        (99 * 3600, " 99:00:00"),
    ],
)
def test_a_clock_can_be_read(seconds: float, clock: str) -> None:
    assert faces.clock(round(seconds * S)).plain == clock


def test_before_the_request_is_out_the_clock_stands() -> None:
    assert faces.clock(-5 * S).plain == "   0.00 s"


# ------------------------------------------------------------------------- figures


def test_live_figures_count_chunks_and_have_no_unit_before_there_are_any(
    build_stream: Build,
) -> None:
    live = LiveFigures()
    assert faces.live_figures(live, "stream").plain == "first – · – · –"
    for chunk in build_stream().chunks:
        live.add(chunk)
    assert faces.live_figures(live, "stream").plain == "first 0.63 s ·  19.1 ch/s · 54 ch"
    assert faces.live_figures(live, "blocking").plain == faces.no_figures("blocking").plain


def test_a_wait_is_named_with_its_length() -> None:
    at = Phase(name="thinking", since_ns=0, elapsed_s=3.21)
    stream, blocking = Trace(mode="stream"), Trace(mode="blocking")
    assert faces.phase_line(at, stream, warmup=False).plain == "◍ thinking 3.2 s"
    assert "warm-up" in faces.phase_line(at, stream, warmup=True).plain
    waiting = Phase(name="waiting", since_ns=0, elapsed_s=3.21)
    assert faces.phase_line(waiting, stream, warmup=False).plain == "◌ waiting for text"
    assert faces.phase_line(waiting, blocking, warmup=False).plain == "◌ waiting for all of it"


# ------------------------------------------------------------------------- title and history


def test_the_title_names_the_target_harmlessly(stage: "Stage") -> None:
    evil = msgspec.structs.replace(stage.setup.target, model="[/]\x1b[31m\x07m")
    setup = Matchup.of(msgspec.structs.replace(stage.setup, target=evil))
    assert (
        faces.title(setup, short=False).plain
        == "streamscope  ollama-chat · [/]␛[31m␇m · 127.0.0.1:11434"
    )
    assert faces.title(setup, short=True).plain.startswith("streamscope  [/]")
    assert faces.title(None, short=False).plain == "streamscope"


def test_a_simulated_target_always_says_so(stage: "Stage") -> None:
    setup = Matchup.of(msgspec.structs.replace(stage.setup, engine="simulator"))
    for short in (True, False):
        assert "simulated" in faces.title(setup, short=short).plain


@pytest.mark.parametrize(
    ("step", "plan", "words"),
    [
        (Step("A", 0, 1, True), Plan(repeat=1), "warm-up"),
        (Step("B", 1, 1), Plan(repeat=1), "measuring · B"),
        (Step("B", 1, 1), Plan(repeat=1, layout="race"), "measuring · A and B"),
        (Step("A", 2, 1), Plan(repeat=6), "pair 2 of 6 · A"),
    ],
)
def test_what_is_measured_is_named(step: Step, plan: Plan, words: str) -> None:
    assert course_words.doing(step, plan) == words


@pytest.mark.parametrize(
    ("position_s", "speed", "playing", "finished", "words"),
    [
        (1.25, 1, True, False, "replay 1×   1.2 s"),
        (12.5, 1, False, False, "paused 1×  12.5 s"),
        (1.25, 0.25, True, False, "replay 0.25×   1.2 s"),
        (1.25, 8, False, False, "paused 8×   1.2 s"),
        (3.5, 1, True, True, ""),
    ],
)
def test_what_is_replayed_is_named(
    position_s: float, speed: float, playing: bool, finished: bool, words: str
) -> None:
    assert faces.replaying(position_s, speed, playing=playing, finished=finished) == words


@given(st.floats(-1, 2))
def test_progress_never_leaves_its_bar(share: float) -> None:
    assert faces.progress("fetching", share).plain.count("━") == 20


def test_a_tool_call_is_a_phase(build_stream: Build) -> None:
    trace = Trace(mode="stream", marks={"sent": 0}, chunks=[Chunk(S, "tool", "{}", 0)])
    assert faces.phase_line(phase(trace, S), trace, warmup=False).plain == "● calling a tool"


def test_the_error_of_times_stands_beside_the_layout() -> None:
    assert faces.state("apart", "").plain == "apart"
    assert faces.state("apart", "", "±0.05 ms").plain == "apart · ±0.05 ms"
    assert faces.state("race", "pair 1 of 6", "±0.05 ms").plain == "pair 1 of 6 · race · ±0.05 ms"
