"""Runs of which only a summary was imported have no figures about what happened in between."""

import pytest

from streamscope.measure.figures import measure
from streamscope.trace import SUMMARY_FLAG, Chunk, Tokens, Trace

WITHIN = ("gap_p50_ms", "gap_max_ms", "stalls", "burst_share", "chunks", "chunks_per_s",
          "visible_tok_per_s", "tpot_ms")  # fmt: skip


def two_moments(flags: list[str]) -> Trace:
    chunks = [Chunk(1_000_000_000, "answer", "", 0), Chunk(9_000_000_000, "answer", "", 1)]
    return Trace(
        mode="stream",
        marks={"sent": 0, "done": 9_000_000_000},
        chunks=chunks,
        ended="stop",
        tokens=Tokens(output=100),
        flags=flags,
    )


@pytest.mark.parametrize("name", WITHIN)
def test_only_the_flag_takes_the_figure_away(name: str) -> None:
    assert measure(two_moments([]))[name] is not None
    assert measure(two_moments([SUMMARY_FLAG]))[name] is None


def test_its_first_and_last_moments_are_figures() -> None:
    figures = measure(two_moments([SUMMARY_FLAG]))
    assert (figures["ttfv_s"], figures["total_s"], figures["benefit_s"]) == (1.0, 9.0, 8.0)
    assert figures["e2e_tok_per_s"] == pytest.approx(100 / 9)
