"""Thinking in silence is found where it happened, and not where a run merely waited."""

from collections.abc import Callable

import pytest

from streamscope.measure.figures import measure
from streamscope.measure.tokens import silent_thinking
from streamscope.trace import ServerTimings, Tokens, Trace

Build = Callable[..., Trace]


def test_the_short_prompt_of_the_experiment_hid_329_of_349(short_case: Trace) -> None:
    hidden = silent_thinking(short_case)
    assert hidden is not None
    assert hidden.estimated
    assert hidden.value == pytest.approx((7.69 - 0.307) * 44.5)
    assert round(hidden.value) == 329


def test_the_long_prompt_of_the_experiment_hid_about_468_of_997(long_case: Trace) -> None:
    hidden = silent_thinking(long_case)
    assert hidden is not None
    assert hidden.value == pytest.approx(468, abs=1)


def test_rates_of_the_eye_leave_hidden_tokens_out(short_case: Trace) -> None:
    figures = measure(short_case)
    assert figures["visible_tokens"] == pytest.approx(20.5, abs=0.1)
    assert figures["visible_tok_per_s"] == pytest.approx(19.5 / 0.46, abs=0.1)
    assert figures["server_tok_per_s"] == pytest.approx(44.5)
    assert {"hidden_tokens", "visible_tokens", "visible_tok_per_s"} <= figures.estimated


def test_share_and_benefit_of_the_experiment(short_case: Trace, long_case: Trace) -> None:
    short, long = measure(short_case), measure(long_case)
    assert short["benefit_s"] == pytest.approx(0.46)
    assert short["share"] == pytest.approx(0.056, abs=0.0005)
    assert long["benefit_s"] == pytest.approx(10.42)
    assert long["share"] == pytest.approx(0.518, abs=0.0005)


def wait(build_trace: Build, *, chunks: int, output: int, first_s: float, **server: float) -> Trace:
    return build_trace(
        [(first_s + 0.02 * i, "answer", "x") for i in range(chunks)],
        tokens=Tokens(output=output),
        server=ServerTimings(
            **{"prefill_s": 0.1, "decode_s": (output - 1) / 50} | server,  # type: ignore[arg-type] # all are floats
            source="ollama",
        ),
    )


def test_a_wait_in_a_queue_is_no_thought(build_trace: Build) -> None:
    """Every token arrived as a chunk, so none can be hidden, however long it took."""
    assert silent_thinking(wait(build_trace, chunks=100, output=101, first_s=30)) is None


def test_a_wait_that_the_server_accounts_for_is_no_thought(build_trace: Build) -> None:
    assert silent_thinking(wait(build_trace, chunks=50, output=100, first_s=5)) is not None
    for reason in ("load_s", "queue_s", "prefill_s"):
        slow = wait(build_trace, chunks=50, output=100, first_s=5, **{reason: 4.9})
        assert silent_thinking(slow) is None, reason


@pytest.mark.parametrize(
    ("chunks", "output", "found"),
    [(30, 50, False), (29, 50, True), (80, 100, False), (79, 100, True)],
)
def test_little_is_not_called_hidden(
    build_trace: Build, chunks: int, output: int, found: bool
) -> None:
    trace = wait(build_trace, chunks=chunks, output=output, first_s=5)
    assert (silent_thinking(trace) is not None) == found


def test_thinking_in_sight_is_not_silent(build_trace: Build) -> None:
    pieces = [(0.2 + 0.02 * i, "reasoning" if i < 50 else "answer", "x") for i in range(60)]
    server = ServerTimings(prefill_s=0.1, decode_s=2, source="ollama")
    trace = build_trace(pieces, tokens=Tokens(output=100), server=server)
    assert silent_thinking(trace) is None
    assert measure(trace)["hidden_tokens"] is None


def test_blocking_shows_no_first_text_to_judge_by(build_trace: Build) -> None:
    server = ServerTimings(prefill_s=0.1, decode_s=2, source="ollama")
    trace = build_trace(
        [(9, "answer", "x")], mode="blocking", tokens=Tokens(output=100), server=server
    )
    assert silent_thinking(trace) is None


def test_a_reported_count_is_believed(build_trace: Build, short_case: Trace) -> None:
    short_case.tokens = Tokens(output=349, reasoning=0)
    assert silent_thinking(short_case) is None
    assert measure(short_case)["hidden_tokens"] == 0
