"""What a server says of itself is believed only as far as it can be true."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamscope.measure.believable import believable
from streamscope.measure.figures import measure
from streamscope.measure.notes import trace_notes
from streamscope.trace import Chunk, ServerTimings, Tokens, Trace

Build = Callable[..., Trace]
TEN_SECONDS = [(0.5, "answer", "a"), (10.0, "answer", "b")]


def test_what_fits_is_believed_as_it_is(build_trace: Build) -> None:
    server = ServerTimings(load_s=0.0, prefill_s=0.4, decode_s=9.5, total_s=10.1, source="ollama")
    assert believable(build_trace(TEN_SECONDS, server=server)).server is server


@pytest.mark.parametrize("nonsense", [-1.0, -1e-9, math.nan, math.inf, -math.inf, 1e18])
def test_what_is_no_duration_is_left_out_and_the_rest_kept(
    build_trace: Build, nonsense: float
) -> None:
    server = ServerTimings(load_s=nonsense, prefill_s=0.4, decode_s=9.5, total_s=nonsense)
    believed = believable(build_trace(TEN_SECONDS, server=server))
    assert believed.server == ServerTimings(prefill_s=0.4, decode_s=9.5)
    assert len(believed.doubts) == 1


def test_what_is_longer_than_the_run_is_left_out_alone(build_trace: Build) -> None:
    server = ServerTimings(load_s=1.0, decode_s=11.0)
    believed = believable(build_trace(TEN_SECONDS, server=server))
    assert believed.server == ServerTimings(load_s=1.0)
    assert "11.00 s for generating" in believed.doubts[0]


def test_two_clocks_may_differ_a_little(build_trace: Build) -> None:
    server = ServerTimings(prefill_s=0.5, decode_s=9.7, total_s=10.3)
    assert believable(build_trace(TEN_SECONDS, server=server)).doubts == ()


def test_parts_that_only_together_are_too_long_all_go(build_trace: Build) -> None:
    server = ServerTimings(load_s=1.0, prefill_s=5.0, decode_s=6.0, total_s=10.0)
    believed = believable(build_trace(TEN_SECONDS, server=server))
    assert believed.server == ServerTimings(total_s=10.0)
    assert "12.00 s" in believed.doubts[0]


@pytest.mark.parametrize(
    ("decode_s", "count", "kept"), [(0.0, 2, False), (1e-6, 200, False), (0.0, 1, True)]
)
def test_tokens_take_time(build_trace: Build, decode_s: float, count: int, kept: bool) -> None:
    server = ServerTimings(decode_s=decode_s)
    trace = build_trace(TEN_SECONDS, server=server, tokens=Tokens(output=count))
    assert (believable(trace).server.decode_s is not None) == kept


def test_without_any_time_of_ours_nothing_can_be_too_long() -> None:
    assert believable(Trace(mode="stream", server=ServerTimings(decode_s=60.0))).doubts == ()


def test_what_the_decoder_dropped_is_told_though_nothing_is_left(build_trace: Build) -> None:
    trace = build_trace(TEN_SECONDS, flags=["impossible-figures"])
    assert "can't be" in believable(trace).doubts[0]


@given(*[st.none() | st.floats()] * 5, st.none() | st.integers(-5, 10**20))
def test_no_nonsense_reaches_a_figure(
    load: float | None,
    queue: float | None,
    prefill: float | None,
    decode: float | None,
    total: float | None,
    count: int | None,
) -> None:
    trace = Trace(
        mode="stream",
        ended="stop",
        chunks=[Chunk(10**9, "answer", "a", 0), Chunk(10**10, "answer", "b", 1)],
        tokens=Tokens(output=count),
        server=ServerTimings(
            load_s=load, queue_s=queue, prefill_s=prefill, decode_s=decode, total_s=total
        ),
    )
    figures = measure(trace)
    for name in ("load_s", "prefill_s", "decode_s"):
        value = figures[name]
        assert value is None or 0 <= value <= 10.55
    overhead = figures["overhead_s"]
    assert overhead is None or -0.56 <= overhead <= 10


def test_more_tokens_than_any_model_makes_in_that_time_reach_no_figure(build_trace: Build) -> None:
    server = ServerTimings(prefill_s=0.4, decode_s=9.5, decode_tokens=10**9, source="ollama")
    tokens = Tokens(prompt=-3, output=10**9, cached=2)
    trace = build_trace(TEN_SECONDS, server=server, tokens=tokens)
    believed = believable(trace)
    assert believed.tokens == Tokens(cached=2)
    assert believed.server == ServerTimings(prefill_s=0.4, decode_s=9.5, source="ollama")
    assert [doubt.split(":")[0] for doubt in believed.doubts] == [
        "The server reported figures that can't be, such as negative ones",
        "The server reports 1,000,000,000 tokens in a run of at most 10.55 s",
    ]
    figures = measure(trace)
    for name in ("output_tokens", "visible_tokens", "visible_tok_per_s", "e2e_tok_per_s"):
        assert figures[name] is None
    assert "impossible-figures" in {note.code for note in trace_notes(trace)}


@pytest.mark.parametrize("count", [0, 1, 349, 1_000_000])
def test_counts_that_can_be_are_believed(build_trace: Build, count: int) -> None:
    trace = build_trace(TEN_SECONDS, tokens=Tokens(output=count, reasoning=0))
    assert believable(trace).of(trace) is trace


def test_without_any_time_no_count_is_too_large() -> None:
    trace = Trace(mode="stream", tokens=Tokens(output=10**8))
    assert believable(trace).tokens.output == 10**8
