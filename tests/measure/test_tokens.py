"""Thinking in silence is found where it happened, and not where a run merely waited."""

from collections.abc import Callable

import msgspec
import pytest

from streamscope.measure.figures import Figures, measure
from streamscope.measure.tokens import (
    CONTROL_TOKENS,
    silent_thinking,
    silent_thinking_s,
    unsent_tokens,
)
from streamscope.trace import Chunk, ServerTimings, Tokens, Trace

Build = Callable[..., Trace]


def test_the_short_prompt_of_the_experiment_hid_329_of_349(short_case: Trace) -> None:
    hidden = silent_thinking(short_case)
    assert hidden is not None
    assert hidden.estimated
    assert hidden.value == pytest.approx((7.69 - 0.307) * 44.5, abs=0.1)
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


def queued(build_trace: Build, *, at_once: bool = False, stamped_s: float | None = None) -> Trace:
    """Make a stream of 200 tokens, four a chunk, that nobody saw for 10 s."""
    step = 0 if at_once else 0.08
    trace = build_trace(
        [(10 + step * i, "answer", "four tokens of text") for i in range(50)],
        tokens=Tokens(output=200),
        server=ServerTimings(prefill_s=0.1, decode_s=3.98, source="ollama"),
    )
    if stamped_s is not None:
        trace.chunks = [
            msgspec.structs.replace(chunk, server_ns=round(i * stamped_s * 1e9 / 49))
            for i, chunk in enumerate(trace.chunks)
        ]
    return trace


def test_a_wait_in_a_queue_is_no_thought_where_chunks_hold_several_tokens(
    build_trace: Build,
) -> None:
    """The server decoded no longer than the visible text took: nothing else was made."""
    assert silent_thinking(queued(build_trace)) is None


def test_text_that_was_held_back_is_no_thought(build_trace: Build) -> None:
    """A proxy that buffers delays the first text as thinking would."""
    assert silent_thinking(queued(build_trace, at_once=True)) is None


def test_the_server_s_stamps_tell_held_text_from_thought(build_trace: Build) -> None:
    assert silent_thinking(queued(build_trace, at_once=True, stamped_s=3.92)) is None
    thought = silent_thinking(queued(build_trace, at_once=True, stamped_s=0.98))
    assert thought is not None
    assert thought.value == 150  # all that is in no chunk, and 3 s of decoding


def test_a_queue_before_a_thought_is_not_counted_as_thinking(
    build_trace: Build, short_case: Trace
) -> None:
    alone = silent_thinking(short_case)
    late = build_trace([(chunk.t_ns / 1e9 + 5, "answer", "字") for chunk in short_case.chunks])
    late.tokens, late.server = short_case.tokens, short_case.server
    assert alone is not None
    assert silent_thinking(late) == pytest.approx(alone)
    hidden = silent_thinking_s(late)
    assert hidden is not None
    assert hidden.value == pytest.approx(7.38, abs=0.005)


def test_a_prompt_that_was_cached_whole_has_no_prefill(short_case: Trace) -> None:
    """Ollama leaves out what is zero; of other servers a missing duration is not known."""
    short_case.server = msgspec.structs.replace(short_case.server, prefill_s=None)
    assert silent_thinking(short_case) is not None
    short_case.server = msgspec.structs.replace(short_case.server, source="other")
    assert silent_thinking(short_case) is None


def test_what_it_took_to_make_a_tool_call_is_no_thought(build_trace: Build) -> None:
    trace = wait(build_trace, chunks=20, output=300, first_s=7)
    assert silent_thinking(trace) is not None
    trace.chunks.insert(0, Chunk(6_000_000_000, "tool", "{}", 0))
    assert silent_thinking(trace) is None


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


@pytest.mark.parametrize("mode", ["stream", "blocking"])
def test_a_short_answer_cannot_hold_all_the_tokens(build_trace: Build, mode: str) -> None:
    """Without any duration too: no token is shorter than a byte."""
    trace = build_trace([(8, "answer", "統一記憶體 = 1 份")], mode=mode, tokens=Tokens(output=349))
    size = len("統一記憶體 = 1 份".encode())
    assert unsent_tokens(trace) == 349 - size - CONTROL_TOKENS


def test_nothing_is_said_of_tokens_that_may_be_in_the_text(build_trace: Build) -> None:
    def answer(text: str, output: int, **fields: object) -> Trace:
        return build_trace(
            [(8, "answer", text)], mode="blocking", tokens=Tokens(output=output), **fields
        )

    assert unsent_tokens(answer("x" * 339, 349)) is None
    assert unsent_tokens(answer("x" * 69, 100)) == 21
    assert unsent_tokens(answer("x" * 70, 100)) is None  # 20 may be chance
    assert unsent_tokens(answer("x" * 391, 500)) is None  # 99 of 500
    assert unsent_tokens(answer("x", 349, ended="cancelled")) is None
    called = answer("x", 349)
    called.chunks.append(Chunk(0, "tool", "{}", 0))
    assert unsent_tokens(called) is None
    counted = answer("x", 349)
    counted.tokens = Tokens(output=349, reasoning=340)
    assert unsent_tokens(counted) is None


def test_of_tokens_that_are_in_no_text_no_rate_of_the_answer_is_claimed(
    build_trace: Build,
) -> None:
    def blocking(size: int) -> Figures:
        pieces = [(7.65, "answer", "x" * size)]
        marks = {"done": 7.65}
        tokens = Tokens(output=349)
        return measure(build_trace(pieces, mode="blocking", marks_s=marks, tokens=tokens))

    assert blocking(4 * 349)["visible_tokens"] == 349
    assert blocking(2 * 349)["visible_tokens"] is None
    figures = blocking(99)
    assert figures["visible_tokens"] is None
    assert figures["e2e_visible_tok_per_s"] is None
    assert figures["e2e_tok_per_s"] == pytest.approx(349 / 7.65)
