"""The server's own account stands beside ours, corrected for its bias, with what is in neither."""

from collections.abc import Callable

import pytest

from streamscope.measure.figures import measure
from streamscope.measure.server_side import server_side
from streamscope.trace import ServerTimings, Tokens, Trace

Build = Callable[..., Trace]
TWO_SECONDS = [(0.4, "answer", "a"), (2.4, "answer", "b")]
OLLAMA = ServerTimings(
    load_s=0.02,
    prefill_s=0.30,
    decode_s=2.0,
    total_s=2.37,
    prefill_tokens=30,
    decode_tokens=101,
    source="ollama",
)


def test_parts_rates_and_what_is_in_none_of_them(build_trace: Build) -> None:
    trace = build_trace(TWO_SECONDS, server=OLLAMA, tokens=Tokens(prompt=46, output=101, cached=16))
    side = server_side(trace)
    assert side is not None
    assert [(part.name, part.seconds, part.tokens) for part in side.parts] == [
        ("load", 0.02, None),
        ("prefill", 0.30, 30),
        ("decode", 2.0, 101),
    ]
    assert side.rate is not None
    assert side.rate.value == pytest.approx(50.0)  # 100 steps: the first token starts the clock
    assert side.prefill_rate is not None
    assert side.prefill_rate.value == pytest.approx(100.0)
    assert not side.prefill_rate.estimated
    assert side.overhead_s == pytest.approx(0.08)
    assert side.inside_s == pytest.approx(0.05)
    assert side.outside_s == pytest.approx(0.03)
    assert (side.loaded, side.cached, side.prompt, side.doubts) == (False, 16, 46, ())
    assert measure(trace)["overhead_s"] == pytest.approx(0.08)


def test_a_server_that_says_nothing_has_no_account(build_trace: Build) -> None:
    assert server_side(build_trace(TWO_SECONDS)) is None


def test_overhead_needs_prefill_and_decoding(build_trace: Build) -> None:
    side = server_side(build_trace(TWO_SECONDS, server=ServerTimings(decode_s=2.0)))
    assert side is not None
    assert side.overhead_s is None


def test_a_run_that_failed_has_no_overhead(build_trace: Build) -> None:
    side = server_side(build_trace(TWO_SECONDS, server=OLLAMA, ended="error"))
    assert side is not None
    assert (side.ours_total_s, side.overhead_s) == (None, None)


def test_nonsense_alone_is_still_told(build_trace: Build) -> None:
    side = server_side(build_trace(TWO_SECONDS, server=ServerTimings(decode_s=-1.0)))
    assert side is not None
    assert side.parts == ()
    assert len(side.doubts) == 1


def test_text_that_was_held_up_is_told(build_trace: Build) -> None:
    side = server_side(build_trace(TWO_SECONDS, server=ServerTimings(decode_s=0.5)))
    assert side is not None
    assert "generated for 0.50 s, but its text took 2.00 s" in side.doubts[0]


def test_thinking_in_secret_is_no_contradiction(build_trace: Build) -> None:
    pieces = [(7.69, "answer", "a"), (8.15, "answer", "b")]
    server = ServerTimings(prefill_s=0.3, decode_s=7.84, source="ollama")
    side = server_side(build_trace(pieces, server=server, tokens=Tokens(output=349)))
    assert side is not None
    assert side.doubts == ()
