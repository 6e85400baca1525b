"""The line on standard error: where it stands, at a glance, and never in the way."""

import io
from typing import Any

import pytest

from streamscope.cli.progress import LiveLine, Telling, contest_words, later, status
from streamscope.cli.words import both_seconds, clock
from streamscope.measure.figures import measure
from streamscope.plan import Plan
from streamscope.sides import Side, Sides
from streamscope.trace import Chunk, Fault, Mode, Request, Run, Target, Trace
from streamscope.trial.plan import Course, Step
from streamscope.trial.progress import Progress
from streamscope.trial.trial import Trial

SECOND = 1_000_000_000


def at(**changes: Any) -> Progress:
    usual: dict[str, Any] = {
        "pairs": 2,
        "least": 6,
        "most": 30,
        "width": None,
        "wanted": 0.05,
        "elapsed_s": 41.0,
        "left_s": (65.0, 250.0),
    }
    return Progress(**usual | changes)


def sides(model: str = "m", modes: tuple[Mode, Mode] = ("stream", "blocking")) -> Sides:
    """Return the usual channels, or A against B with another model."""
    a, b = (
        Side(target=Target(protocol="openai-chat", url="http://127.0.0.1:9", model=each), mode=mode)
        for each, mode in zip(("m", model), modes, strict=True)
    )
    return Sides(a=a, b=b)


def stream(t_s: float = 1.0) -> Trace:
    return Trace(
        mode="stream",
        marks={"sent": 0},
        chunks=[Chunk(int(t_s * SECOND), "answer", "yes", 0)],
        ended="stop",
    )


def ended(step: Step, trace: Trace) -> Run:
    return Run(
        run_id="r",
        comparison_id="c",
        channel=step.channel,
        target=Target(protocol="openai-chat", url="http://127.0.0.1:9"),
        request=Request(prompt="Why?"),
        trace=trace,
        pair=step.pair,
    )


def test_repeat_phase_elapsed_and_time_to_go() -> None:
    line = status(at(), sides(), (Step("A", 3, 1), 0, None))
    assert line == "pair 3 of 6 to 30 · stream connecting · 0:41 · 1:05 to 4:10 left"


def test_the_phase_is_that_of_the_run() -> None:
    trace = stream()
    trace.ended = None
    line = status(at(least=6, most=6, left_s=None), sides(), (Step("A", 1, 1), 0, trace))
    assert line == "pair 1 of 6 · stream answering · 0:41"


def test_how_well_the_medians_are_known_already() -> None:
    line = status(at(pairs=7, width=0.083, left_s=(3.0, 3.2)), sides(), (Step("B", 8, 2), 0, None))
    assert line.endswith("about 0:03 left · ±8.30 % of ±5.00 %")


def test_warming_up_has_no_number_and_a_race_has_both() -> None:
    step = Step("A", 0, 1, warmup=True)
    assert status(at(left_s=None), sides(), (step, 0, None)).startswith("warming up · stream")
    both = ((Step("A", 1, 1), 0, None), (Step("B", 1, 2), 0, None))
    assert "stream connecting · blocking connecting" in status(at(), sides(), *both)


def test_channels_that_differ_in_more_than_the_mode_are_named_by_it() -> None:
    both = ((Step("A", 1, 1), 0, None), (Step("B", 1, 2), 0, None))
    line = status(at(), sides("qwen3:8b", ("stream", "stream")), *both)
    assert "· A m connecting · B qwen3:8b connecting ·" in line


@pytest.mark.parametrize(
    ("contest", "words"),
    [
        (sides(), ""),
        (sides(modes=("stream", "stream")), "A and B ask the same: both stream."),
        (sides(modes=("blocking", "blocking")), "A and B ask the same: both block."),
        (sides(modes=("blocking", "stream")), "A: blocking · B: streaming"),
        (sides("large", ("stream", "stream")), "A: m · B: large · both stream"),
        (sides("large"), "A: m streaming · B: large blocking"),
    ],
)
def test_what_is_compared_is_said_unless_it_is_the_usual(contest: Sides, words: str) -> None:
    assert contest_words(contest) == words


def test_the_time_to_go_falls_while_a_pair_is_measured() -> None:
    moved = later(at(), 60.0)
    assert (moved.elapsed_s, moved.left_s) == (101.0, (5.0, 190.0))
    assert later(at(), 1000.0).left_s == (0.0, 0.0)


def test_a_line_is_rewritten_whole_and_never_wraps() -> None:
    out = io.StringIO()
    line = LiveLine(out, 20, live=True)
    line.show("a long line that does not fit")
    line.show("short")
    line.clear()
    first, second, third, rest = out.getvalue().split("\r")[1:]
    assert (len(first), first[-1]) == (19, "…")
    assert (len(second), second.strip()) == (19, "short")
    assert third.strip() == rest == ""


def test_where_there_is_no_terminal_no_line_is_rewritten() -> None:
    out = io.StringIO()
    line = LiveLine(out, 80, live=False)
    line.show("words")
    line.clear()
    assert out.getvalue() == ""


def test_a_fault_is_told_at_once_and_in_plain_words(capsys: pytest.CaptureFixture[str]) -> None:
    with Telling() as telling:
        step = Step("B", 2, 1)
        trace = Trace(
            mode="blocking", ended="error", fault=Fault(code="cut", sentence="It \x1b[2Jbroke.")
        )
        telling.run_started(step, 1)
        telling.run_ended(step, ended(step, trace), measure(trace))
    err = capsys.readouterr().err
    assert err.startswith("pair 2, blocking: It ")
    assert "\x1b" not in err


@pytest.mark.parametrize(
    ("value", "words"), [(0.4, "0:00"), (41.4, "0:41"), (3725, "1:02:05"), (59.9, "1:00")]
)
def test_a_clock(value: float, words: str) -> None:
    assert clock(value) == words


@pytest.mark.parametrize(
    ("a", "b", "words"),
    [
        (0.24, 1.56, "0.24 vs 1.56 s"),
        (0.034, 1.56, "34.0 ms vs 1.56 s"),
        (None, 1.56, "– vs 1.56 s"),
        (1.56, None, "1.56 s vs –"),
    ],
)
def test_two_times_with_one_unit(a: float | None, b: float | None, words: str) -> None:
    assert both_seconds(a, b) == words


class Half(Trial):
    """A trial that is told of, but makes no runs."""

    def __init__(self, *, again: bool) -> None:
        self.course = Course(plan=Plan(repeat=4))
        self._again = again

    def goes_again(self, step: Step, trace: Trace) -> bool:
        del step, trace
        return self._again

    @property
    def progress(self) -> Progress:
        return at(least=4, most=4, left_s=None)


@pytest.mark.parametrize(
    ("again", "what"), [(True, "marked, made once more"), (False, "marked, not counted")]
)
def test_a_busy_run_is_told_and_so_is_what_becomes_of_it(
    capsys: pytest.CaptureFixture[str], again: bool, what: str
) -> None:
    with Telling() as telling:
        telling.begin(Half(again=again), sides(), 1, 1)
        for step, flags in ((Step("A", 1, 1), ["busy"]), (Step("B", 1, 2), [])):
            trace = stream()
            trace.flags = flags
            telling.run_started(step, 1)
            telling.run_ended(step, ended(step, trace), measure(trace))
        telling.end()
    marked, pair = capsys.readouterr().err.splitlines()
    assert marked == f"pair 1, stream: machine busy: {what}"
    assert pair.startswith("pair 1 of 4: first text ")
    assert pair.endswith(" (busy, not counted)")
