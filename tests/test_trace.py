"""The shared record: text by kind, counts that only grow better, and what may be pooled."""

import typing

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamscope.trace import Chunk, Ended, Tokens, Trace


def test_text_is_joined_by_kind_in_order_of_arrival() -> None:
    trace = Trace(
        mode="stream",
        chunks=[
            Chunk(1, "reasoning", "Hm, ", 0),
            Chunk(2, "answer", "One ", 1),
            Chunk(2, "reasoning", "so.", 1),
            Chunk(3, "answer", "two", 2),
        ],
    )
    assert trace.text() == "One two"
    assert trace.text("reasoning") == "Hm, so."
    assert trace.text("tool") == ""


@pytest.mark.parametrize("ended", typing.get_args(Ended))
def test_only_a_run_that_ended_by_itself_is_pooled(ended: Ended) -> None:
    assert Trace(mode="stream", ended=ended).ok is (ended in {"stop", "length", "tool"})


def test_a_run_under_way_is_not_pooled() -> None:
    assert not Trace(mode="stream").ok


def test_two_runs_share_nothing() -> None:
    first, second = Trace(mode="stream"), Trace(mode="stream")
    first.chunks.append(Chunk(1, "answer", "x", 0))
    first.marks["sent"] = 0
    first.flags.append("simulated")
    assert (second.chunks, second.marks, second.flags) == ([], {}, [])


counts = st.none() | st.integers(0, 9)
tokens = st.builds(Tokens, prompt=counts, output=counts, reasoning=counts, cached=counts)


@given(known=tokens, newer=tokens)
def test_a_newer_count_replaces_a_known_one_unless_it_says_nothing(
    known: Tokens, newer: Tokens
) -> None:
    merged = known.merged(newer)
    # Servers report 0 for prompt and output while they do not know yet; 0 reasoning is a count.
    assert merged.prompt == (newer.prompt or known.prompt)
    assert merged.output == (newer.output or known.output)
    assert merged.reasoning == (known.reasoning if newer.reasoning is None else newer.reasoning)
    assert merged.cached == (known.cached if newer.cached is None else newer.cached)
    assert known.merged(Tokens()) == known


@given(
    chunks=st.lists(
        st.builds(
            Chunk,
            t_ns=st.integers(-(2**62), 2**62),
            kind=st.sampled_from(("answer", "reasoning", "tool")),
            text=st.text(),
            read=st.integers(0, 2**40),
            server_ns=st.none() | st.integers(0, 2**62),
        )
    )
)
def test_a_trace_comes_back_as_it_was(chunks: list[Chunk]) -> None:
    trace = Trace(mode="stream", chunks=chunks, marks={"sent": 0, "connecting": -5}, ended="stop")
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(trace), type=Trace) == trace
