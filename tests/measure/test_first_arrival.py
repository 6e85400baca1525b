"""A rate counts what came after the first arrival, however much that brought."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamscope.measure.figures import measure
from streamscope.measure.first_arrival import first_arrival, tokens_of, whole
from streamscope.measure.timing import Lane
from streamscope.measure.values import Value
from streamscope.trace import Chunk, TextKind, Tokens, Trace

Build = Callable[..., Trace]
ANSWER: tuple[TextKind, ...] = ("answer",)
BOTH: tuple[TextKind, ...] = ("answer", "reasoning")
TOOL: tuple[TextKind, ...] = ("tool",)
RATES = {"visible_tok_per_s", "tpot_ms"}


def test_bundles_do_not_make_a_stream_faster(build_trace: Build) -> None:
    bundled = [(1 + 0.2 * (i // 10), "answer", "x") for i in range(60)]
    figures = measure(build_trace(bundled, tokens=Tokens(output=60, reasoning=0)))
    assert figures["visible_tok_per_s"] == pytest.approx(50)  # 59 / 1.0 s was too high
    assert figures["chunks_per_s"] == pytest.approx(50)
    assert figures["tpot_ms"] == pytest.approx(20)
    assert not RATES & figures.estimated


def test_pieces_that_came_right_after_each_other_are_one_arrival(build_trace: Build) -> None:
    bundled = [(1 + 0.2 * (i // 10) + 1e-5 * (i % 10), "answer", "x") for i in range(60)]
    figures = measure(build_trace(bundled, tokens=Tokens(output=60, reasoning=0)))
    assert figures["visible_tok_per_s"] == pytest.approx(50, rel=0.001)


def test_several_tokens_a_chunk_have_the_share_of_its_characters(build_trace: Build) -> None:
    chunks = [(1 + 0.08 * i, "answer", "four") for i in range(17)]
    figures = measure(build_trace(chunks, tokens=Tokens(output=68, reasoning=0)))
    assert figures["visible_tok_per_s"] == pytest.approx(50)  # 64 / 1.28 s
    assert figures["tpot_ms"] == pytest.approx(20)
    assert figures.estimated >= RATES


def test_reasoning_in_sight_is_corrected_like_the_answer(build_trace: Build) -> None:
    pieces = [(1 + 0.2 * (i // 10), "reasoning" if i < 30 else "answer", "x") for i in range(60)]
    figures = measure(build_trace(pieces, tokens=Tokens(output=60, reasoning=30)))
    assert figures["tpot_ms"] == pytest.approx(20)
    assert figures["visible_tok_per_s"] == pytest.approx(50)


def test_text_that_came_all_at_once_has_no_rate(build_trace: Build) -> None:
    pieces = [(1 + 1e-6 * i, "answer", "x" * 20) for i in range(10)]
    trace = build_trace(pieces, tokens=Tokens(output=40, reasoning=0))
    trace.chunks = [Chunk(each.t_ns, "answer", each.text, 0) for each in trace.chunks]
    assert measure(trace)["visible_tok_per_s"] is None
    assert measure(trace)["chunks_per_s"] is None


@given(st.lists(st.text(min_size=1, max_size=30), min_size=2, max_size=40), st.integers(0, 1))
def test_one_token_a_chunk_that_comes_alone_is_as_it_was(texts: list[str], ends: int) -> None:
    # A token that ends the answer is counted by many servers and makes no chunk.
    chunks = [Chunk((1 + i) * 20_000_000, "answer", text, i) for i, text in enumerate(texts)]
    trace = Trace(mode="stream", ended="stop", chunks=chunks)
    count = len(texts) + (ends if len(texts) > 2 else 0)
    trace.tokens = Tokens(output=count, reasoning=0)
    figures = measure(trace)
    assert figures["visible_tok_per_s"] == pytest.approx((count - 1) / (0.02 * (len(texts) - 1)))
    assert not RATES & figures.estimated


@pytest.mark.parametrize(
    ("began", "text", "count", "expected"),
    [
        (Lane(chunks=1, chars=3), Lane(chunks=5, chars=33), 7.0, Value(1.0)),
        (Lane(chunks=10, chars=9), Lane(chunks=60, chars=99), 60.0, Value(10.0)),
        (Lane(chunks=10, chars=9), Lane(chunks=60, chars=99), 66.0, Value(11.0, estimated=True)),
        (Lane(chunks=1, chars=90), Lane(chunks=5, chars=100), 10.0, Value(6.0, estimated=True)),
        (Lane(chunks=1, chars=1), Lane(chunks=5, chars=100), 10.0, Value(1.0, estimated=True)),
        (Lane(chunks=5, chars=9), Lane(chunks=5, chars=9), 12.0, Value(12.0)),
    ],
)
def test_the_tokens_of_the_first_arrival(
    began: Lane, text: Lane, count: float, expected: Value
) -> None:
    assert tokens_of(began, text, Value(count)) == expected


def test_sizes_are_those_of_the_kinds_asked_for(build_trace: Build) -> None:
    trace = build_trace([(0.1, "reasoning", "ab"), (0.2, "answer", "c"), (0.3, "answer", "de")])
    assert whole(trace, ANSWER) == Lane(chunks=2, chars=3)
    assert first_arrival(trace, BOTH) == Lane(chunks=1, chars=2)
    assert first_arrival(trace, TOOL) == Lane()
