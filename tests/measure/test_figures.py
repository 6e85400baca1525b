"""Figures agree with the worked trace, and are honest about what cannot be known."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamscope.measure.figures import BY_NAME, FIGURES, measure
from streamscope.trace import Chunk, ServerTimings, Tokens, Trace

Build = Callable[..., Trace]
EVERY_TOOL = {
    "ttfb_s": 0.35,
    "t_any_s": 0.50,
    "ttfv_s": 1.00,
    "t_10_s": None,
    "total_s": 1.85,
    "done_s": 1.95,
    "close_s": 1.96,
    "connect_s": None,
    "thinking_tax_s": 0.50,
    "benefit_s": 0.85,
    "share": 0.85 / 1.85,
    "visible_tok_per_s": 7.06,
    "server_tok_per_s": None,
    "e2e_tok_per_s": 4.86,
    "e2e_visible_tok_per_s": 3.78,
    "e2e_char_per_s": 33 / 1.85,
    "chunks_per_s": 4 / 0.85,
    "tpot_ms": 168.75,
    "gap_mean_ms": 212.5,
    "burst_share": 0.0,
    "chunks": 5,
    "output_tokens": 9,
    "visible_tokens": 7,
    "reasoning_tokens": 2,
    "hidden_tokens": None,
}


@pytest.mark.parametrize(("name", "expected"), EVERY_TOOL.items())
def test_the_worked_trace(every_tool: Trace, name: str, expected: float | None) -> None:
    figures = measure(every_tool)
    assert figures[name] == (None if expected is None else pytest.approx(expected, abs=0.05))
    assert name not in figures.estimated


@pytest.mark.parametrize(
    ("name", "expected"),
    [("visible_tok_per_s", 7.0588), ("e2e_tok_per_s", 4.8649), ("e2e_visible_tok_per_s", 3.7838)],
)
def test_rates_of_the_worked_trace_to_four_digits(
    every_tool: Trace, name: str, expected: float
) -> None:
    assert measure(every_tool)[name] == pytest.approx(expected, abs=0.0001)


def test_the_rate_over_all_tokens_starts_at_the_first_of_any_kind(every_tool: Trace) -> None:
    tpot_ms = measure(every_tool)["tpot_ms"]
    assert tpot_ms is not None
    assert 1000 / tpot_ms == pytest.approx(5.93, abs=0.005)


def test_a_single_figure_is_the_same_alone(every_tool: Trace) -> None:
    figures = measure(every_tool)
    for figure in FIGURES:
        assert figure(every_tool) == figures[figure.name]


def test_blocking_has_one_moment_and_no_gaps(build_trace: Build) -> None:
    trace = build_trace(
        [(2.0, "answer", "a b c d e f g h i j k")],
        mode="blocking",
        marks_s={"first_byte": 0.01, "done": 2.0, "closed": 2.01},
        tokens=Tokens(output=12, reasoning=0),
    )
    figures = measure(trace)
    assert [figures[n] for n in ("t_any_s", "ttfv_s", "t_10_s", "total_s", "done_s")] == [2.0] * 5
    assert figures["e2e_tok_per_s"] == 6.0
    for figure in FIGURES:
        assert not figure.stream_only or figures[figure.name] is None, figure.name


def test_connecting_is_measured_apart_from_everything_else(build_trace: Build) -> None:
    plain = build_trace(marks_s={"connecting": -0.03, "connected": -0.02, "sent": 0})
    secured = build_trace(marks_s={"connecting": -0.03, "connected": -0.02, "secured": -0.01})
    assert measure(plain)["connect_s"] == pytest.approx(0.01)
    assert measure(secured)["connect_s"] == pytest.approx(0.02)


def test_a_run_that_was_stopped_has_a_first_text_but_no_total(build_trace: Build) -> None:
    pieces = [(0.5, "answer", "a"), (1.0, "answer", "b")]
    for ended in (None, "cancelled", "error"):
        figures = measure(build_trace(pieces, ended=ended))
        assert figures["ttfv_s"] == 0.5
        assert figures["gap_max_ms"] == 500
        for name in ("total_s", "benefit_s", "share", "e2e_tok_per_s"):
            assert figures[name] is None


def test_one_chunk_makes_no_rate_and_no_gap(build_trace: Build) -> None:
    figures = measure(build_trace([(0.5, "answer", "Yes.")], tokens=Tokens(output=2)))
    for name in ("visible_tok_per_s", "tpot_ms", "gap_p50_ms", "chunks_per_s", "burst_share"):
        assert figures[name] is None
    assert figures["benefit_s"] == 0


def test_without_a_count_a_chunk_is_not_taken_for_a_token(build_trace: Build) -> None:
    figures = measure(build_trace([(0.1 * i, "answer", "x") for i in range(1, 12)]))
    assert figures["chunks_per_s"] == pytest.approx(10)
    for figure in FIGURES:
        assert figure.unit not in ("tok/s", "tokens") or figures[figure.name] is None


def test_a_count_that_includes_seen_reasoning_is_split_by_chunks(build_trace: Build) -> None:
    pieces = [(0.1 * i, "reasoning" if i <= 30 else "answer", "x") for i in range(1, 41)]
    figures = measure(build_trace(pieces, tokens=Tokens(output=80)))
    assert figures["visible_tokens"] == pytest.approx(20)
    assert figures["reasoning_tokens"] == pytest.approx(60)
    assert figures["visible_tok_per_s"] == pytest.approx(18 / 0.9)  # the first arrival had two
    assert {"visible_tokens", "reasoning_tokens", "visible_tok_per_s"} <= figures.estimated
    assert "output_tokens" not in figures.estimated


def test_text_that_came_whole_is_split_by_characters(build_trace: Build) -> None:
    pieces = [(2.0, "reasoning", "x" * 30), (2.0, "answer", "x" * 10)]
    for mode in ("stream", "blocking"):
        figures = measure(build_trace(pieces, mode=mode, tokens=Tokens(output=80)))
        assert figures["visible_tokens"] == pytest.approx(20)
        assert "visible_tokens" in figures.estimated


def test_tool_calls_are_no_answer(build_trace: Build) -> None:
    pieces = [(0.1, "answer", "x"), (0.2, "tool", "{"), (0.3, "tool", "}"), (0.4, "tool", "}")]
    figures = measure(build_trace(pieces, tokens=Tokens(output=40, reasoning=0)))
    assert figures["visible_tokens"] == pytest.approx(10)
    assert "visible_tokens" in figures.estimated


def test_reported_reasoning_that_was_never_sent_is_hidden(build_trace: Build) -> None:
    pieces = [(1.0 + 0.1 * i, "answer", "a") for i in range(11)]
    figures = measure(build_trace(pieces, tokens=Tokens(output=101, reasoning=90)))
    assert figures["hidden_tokens"] == 90
    assert figures["visible_tok_per_s"] == 10
    assert figures["tpot_ms"] == 100
    assert figures.estimated == frozenset()


@pytest.mark.parametrize("source", ["ollama", "llama.cpp", "vllm"])
def test_a_clock_that_starts_at_the_first_token_spans_one_step_less(
    build_trace: Build, source: str
) -> None:
    server = ServerTimings(decode_s=2.0, source=source)
    figures = measure(build_trace(tokens=Tokens(output=101), server=server))
    assert figures["server_tok_per_s"] == 50
    assert "server_tok_per_s" not in figures.estimated


def test_an_unknown_clock_gives_an_estimate(build_trace: Build) -> None:
    server = ServerTimings(decode_s=2.0, decode_tokens=100, source="somewhere")
    figures = measure(build_trace(tokens=Tokens(output=7), server=server))
    assert figures["server_tok_per_s"] == 50
    assert "server_tok_per_s" in figures.estimated


@pytest.mark.parametrize(
    ("tokens", "evaluated", "rate", "estimated"),
    [
        (Tokens(prompt=100), 40, 20, False),
        (Tokens(prompt=100, cached=90), None, 5, False),
        (Tokens(prompt=100), None, 50, True),
        (Tokens(prompt=100, cached=100), None, None, False),
        (Tokens(), None, None, False),
    ],
)
def test_prefill_leaves_cached_tokens_out(
    build_trace: Build, tokens: Tokens, evaluated: int | None, rate: float | None, estimated: bool
) -> None:
    server = ServerTimings(prefill_s=2.0, prefill_tokens=evaluated)
    figures = measure(build_trace(tokens=tokens, server=server))
    assert figures["prefill_tok_per_s"] == rate
    assert ("prefill_tok_per_s" in figures.estimated) == estimated


def test_servers_that_divide_by_nothing_get_no_figure(build_trace: Build) -> None:
    nothing = ServerTimings(prefill_s=0.0, decode_s=0.0, load_s=math.nan, source="ollama")
    counts = Tokens(prompt=0, output=0, reasoning=0)
    figures = measure(build_trace([(0.0, "answer", "x")], tokens=counts, server=nothing))
    for name in ("server_tok_per_s", "prefill_tok_per_s", "load_s", "e2e_tok_per_s", "share"):
        assert figures[name] is None


def test_more_reasoning_than_output_makes_no_negative_answer(build_trace: Build) -> None:
    figures = measure(build_trace([(1.0, "answer", "x")], tokens=Tokens(output=5, reasoning=9)))
    assert figures["visible_tokens"] is None


durations = st.none() | st.floats(allow_nan=True, allow_infinity=True)
counts = st.none() | st.integers(0, 10**7)


@given(
    chunks=st.lists(
        st.builds(
            Chunk,
            st.integers(-5, 5 * 10**9),
            st.sampled_from(["answer", "reasoning", "tool"]),
            st.text(min_size=1, max_size=5),
            st.just(0),
        ),
        max_size=20,
    ),
    mode=st.sampled_from(["stream", "blocking"]),
    ended=st.sampled_from([None, "stop", "error"]),
    marks=st.dictionaries(st.sampled_from(["done", "closed", "connecting"]), st.integers()),
    tokens=st.builds(Tokens, prompt=counts, output=counts, reasoning=counts, cached=counts),
    server=st.builds(
        ServerTimings,
        load_s=durations,
        prefill_s=durations,
        decode_s=durations,
        prefill_tokens=counts,
        decode_tokens=counts,
        source=st.sampled_from(["ollama", ""]),
    ),
)
def test_no_trace_whatever_gives_nan_or_an_exception(**fields: object) -> None:
    figures = measure(Trace(**fields))  # type: ignore[arg-type] # typed by the strategies
    assert list(figures.values) == [figure.name for figure in FIGURES]
    for value in figures.values.values():
        assert value is None or math.isfinite(value)


@pytest.mark.parametrize("mode", ["stream", "blocking"])
def test_the_text_rate_counts_characters_of_the_answer_alone(build_trace: Build, mode: str) -> None:
    pieces = [(0.5, "reasoning", "hm" * 50), (1.0, "answer", "你好 "), (2.0, "answer", "\n!")]
    trace = build_trace(pieces, mode=mode, marks_s={"done": 2.0})
    assert measure(trace)["e2e_char_per_s"] == pytest.approx(5 / 2.0)
    assert "e2e_char_per_s" not in measure(trace).estimated


def test_without_the_text_there_is_no_text_rate(build_trace: Build) -> None:
    for pieces in ([(1.0, "answer", "")], [(1.0, "tool", "{}")], []):
        assert measure(build_trace(pieces, mode="stream"))["e2e_char_per_s"] is None
    cut = build_trace([(1.0, "answer", "Hello")], ended="error")
    assert measure(cut)["e2e_char_per_s"] is None


def test_names_are_unique_and_short_names_short() -> None:
    assert len(BY_NAME) == len(FIGURES)
    assert len({figure.label for figure in FIGURES}) == len(FIGURES)
    for figure in FIGURES:
        assert len(figure.short) <= 12, figure.short
        assert figure.explanation.endswith(".")
