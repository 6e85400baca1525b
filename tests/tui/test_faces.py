"""What the screen says is true, complete, and no wider than its place."""

from collections.abc import Callable
from typing import TYPE_CHECKING, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamscope.measure.live import LiveFigures
from streamscope.measure.phases import Phase, PhaseName, phase
from streamscope.trace import Chunk, Ended, Fault, Layout, Mode, Tokens, Trace
from streamscope.trial.plan import Plan, Step
from streamscope.trial.session import Memory
from streamscope.tui import faces, results

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


def test_a_run_without_text_has_no_figures(build_stream: Build, build_ended: BuildEnded) -> None:
    trace = msgspec.structs.replace(build_stream(text="", ended="error"), tokens=Tokens())
    figures = build_ended(trace).figures
    assert results.final_figures(figures, "stream").plain == "first – · – tok/s · 0 ch"
    assert "0" not in faces.no_figures("stream").plain


def test_live_figures_are_estimates_of_chunks(build_stream: Build) -> None:
    live = LiveFigures()
    assert faces.live_figures(live, "stream").plain == "first – · – ch/s · 0 ch"
    for chunk in build_stream().chunks:
        live.add(chunk)
    assert faces.live_figures(live, "stream").plain == "first 0.63 s · ~ 19.1 ch/s · 54 ch"
    assert faces.live_figures(live, "blocking").plain == faces.no_figures("blocking").plain


def test_a_wait_is_named_with_its_length() -> None:
    at = Phase(name="thinking", since_ns=0, elapsed_s=3.21)
    stream, blocking = Trace(mode="stream"), Trace(mode="blocking")
    assert faces.phase_line(at, stream, warmup=False).plain == "◍ thinking 3.2 s"
    assert "warm-up" in faces.phase_line(at, stream, warmup=True).plain
    waiting = Phase(name="waiting", since_ns=0, elapsed_s=3.21)
    assert faces.phase_line(waiting, blocking, warmup=False).plain == "◌ waiting for all of it"


# ------------------------------------------------------------------------- verdict


@pytest.mark.parametrize(
    ("stream_s", "blocking_s", "verdict"),
    [
        (
            (0.63, 19.5),
            19.5,
            "First text 31× sooner (0.63 vs 19.5 s); total about the same (19.5 s and 19.5 s).",
        ),
        (
            (0.63, 10.0),
            5.0,
            "First text 7.9× sooner (0.63 vs 5.00 s); total 2.0× as long (10.0 s and 5.00 s).",
        ),
        (
            (0.63, 6.0),
            5.0,
            "First text 7.9× sooner (0.63 vs 5.00 s); total 20 % longer (6.00 s and 5.00 s).",
        ),
        (
            (0.63, 4.0),
            5.0,
            "First text 7.9× sooner (0.63 vs 5.00 s); total 20 % shorter (4.00 s and 5.00 s).",
        ),
        (
            (5.0, 5.1),
            5.0,
            "First text ≈ (5.00 vs 5.00 s); total about the same (5.10 s and 5.00 s).",
        ),
        (
            (5.0, 6.0),
            2.5,
            "First text 2.0× later (5.00 vs 2.50 s); total 2.4× as long (6.00 s and 2.50 s).",
        ),
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
    pair = {
        "A": build_ended(build_stream(*stream_s)),
        "B": build_ended(build_blocking(blocking_s), "B"),
    }
    assert results.verdict(pair).plain.splitlines()[0] == verdict  # type: ignore[arg-type] # literals


def test_nothing_is_ever_called_faster(
    build_stream: Build, build_blocking: Build, build_ended: BuildEnded
) -> None:
    seconds = st.floats(0.001, 5000)

    @given(seconds, seconds, seconds)
    def claims(first_s: float, more_s: float, blocking_s: float) -> None:
        said = results.verdict(
            {
                "A": build_ended(build_stream(first_s, first_s + more_s)),
                "B": build_ended(build_blocking(blocking_s), "B"),
            }
        ).plain.lower()
        assert "fast" not in said
        assert "slow" not in said
        assert "speed" not in said

    claims()


def test_a_pair_of_which_one_failed_has_no_verdict_but_a_reason(
    build_stream: Build, build_blocking: Build, build_ended: BuildEnded
) -> None:
    fault = Fault(code="cut", sentence="The connection broke.")
    failed = build_blocking(text="", ended="error", fault=fault)
    said = results.verdict({"A": build_ended(build_stream()), "B": build_ended(failed, "B")}).plain
    assert "sooner" not in said
    assert "B: The connection broke." in said


def test_remarks_are_said_once(
    build_stream: Build, build_blocking: Build, build_ended: BuildEnded
) -> None:
    said = results.verdict(
        {
            "A": build_ended(build_stream(ended="length")),
            "B": build_ended(build_blocking(ended="length"), "B"),
        }
    ).plain.splitlines()
    assert len(said) == len(set(said)) == 2
    assert said[1].startswith("· ")


def test_without_a_run_there_is_nothing_to_say() -> None:
    assert results.verdict({}).plain == ""


# ------------------------------------------------------------------------- title and history


def test_the_title_names_the_target_harmlessly(stage: "Stage") -> None:
    evil = msgspec.structs.replace(stage.setup.target, model="[/]\x1b[31m\x07m")
    setup = msgspec.structs.replace(stage.setup, target=evil)
    assert (
        faces.title(setup, short=False).plain
        == "streamscope  ollama-chat · [/]␛[31m␇m · 127.0.0.1:11434"
    )
    assert faces.title(setup, short=True).plain.startswith("streamscope  [/]")
    assert faces.title(None, short=False).plain == "streamscope"


def test_a_simulated_target_always_says_so(stage: "Stage") -> None:
    setup = msgspec.structs.replace(stage.setup, engine="simulator")
    for short in (True, False):
        assert "simulated" in faces.title(setup, short=short).plain


@pytest.mark.parametrize(
    ("step", "plan", "words"),
    [
        (Step("A", 0, 1, True), Plan(), "warm-up"),
        (Step("B", 1, 1), Plan(), "measuring · B"),
        (Step("B", 1, 1), Plan(layout="race"), "measuring · A and B"),
        (Step("A", 2, 1), Plan(pairs=6), "pair 2 of 6 · A"),
    ],
)
def test_what_is_measured_is_named(step: Step, plan: Plan, words: str) -> None:
    assert faces.doing(step, plan) == words


@pytest.mark.parametrize(
    ("position_s", "speed", "playing", "finished", "words"),
    [
        (1.25, 1, True, False, "replay   1.2 s"),
        (12.5, 1, False, False, "paused  12.5 s"),
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


def test_without_runs_the_history_says_how_to_begin() -> None:
    memory = Memory(values={}, recent=[])
    assert results.medians(memory).plain.startswith("Nothing measured yet.")
    assert results.recent(memory).plain == ""
    assert "medians" not in results.history_title(memory, "apart")


def test_a_tool_call_is_a_phase(build_stream: Build) -> None:
    trace = Trace(mode="stream", marks={"sent": 0}, chunks=[Chunk(S, "tool", "{}", 0)])
    assert faces.phase_line(phase(trace, S), trace, warmup=False).plain == "● calling a tool"
