"""From the bytes of a published experiment to the right advice: most of its wait was thinking."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from streamscope.cli import replay
from streamscope.measure.figures import measure
from streamscope.measure.notes import run_notes
from streamscope.measure.waterfall import waterfall
from streamscope.report.comparison import Comparison
from streamscope.report.exchange import parse_lines
from streamscope.report.judging import judge_comparison
from streamscope.report.table import as_text, comparison_table
from streamscope.report.verbose import verbose
from streamscope.report.verdict_words import verdict_sentence

Published = Callable[[str], Comparison]
EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


@pytest.mark.parametrize(
    ("name", "hidden", "output", "hidden_s"), [("short", 329, 349, 7.40), ("long", 468, 997, 9.22)]
)
def test_tokens_that_were_never_seen(
    published: Published, name: str, hidden: int, output: int, hidden_s: float
) -> None:
    stream, blocking = published(name).runs
    figures = measure(stream.trace)
    assert round(figures["hidden_tokens"] or 0) == hidden
    assert figures["output_tokens"] == output
    assert figures["hidden_s"] == pytest.approx(hidden_s, abs=0.01)
    assert {"hidden_tokens", "hidden_s"} <= figures.estimated
    said = {note.code: note.sentence for note in run_notes(stream)}
    assert said["hidden-thinking"] == (
        f"About {hidden} of {output} tokens were thinking that you never saw (estimate)."
    )
    (span,) = [span for span in waterfall(stream.trace) if span.name == "hidden"]
    assert span.length_ns / 1e9 == pytest.approx(hidden_s, abs=0.01)
    assert measure(blocking.trace)["hidden_tokens"] is None


def test_times_and_rates_are_the_published_ones(published: Published) -> None:
    for name, first_s, total_s, per_s in (("short", 7.69, 8.15, 44.5), ("long", 9.71, 20.13, 50.8)):
        trace = published(name).runs[0].trace
        figures = measure(trace)
        assert (figures["ttfv_s"], figures["total_s"]) == (first_s, total_s)
        assert (trace.tokens.output or 0) / (trace.server.decode_s or 1) == pytest.approx(per_s)
        assert figures["chunks"] == {"short": 20, "long": 529}[name]


def test_the_short_prompt_needs_a_shorter_wait_and_no_stream(published: Published) -> None:
    judgement = judge_comparison(published("short"))
    assert judgement.advice is not None
    assert judgement.advice.decision == "fix-the-wait"
    assert verdict_sentence(judgement).startswith(
        "Fix the wait first: about 94 % of the tokens were thinking you never saw"
    )


def test_the_long_prompt_must_be_streamed(published: Published) -> None:
    judgement = judge_comparison(published("long"))
    assert judgement.advice is not None
    assert judgement.advice.decision == "must-stream"
    assert "first text 2.0× sooner (9.71 vs 19.5 s)" in verdict_sentence(judgement)


def test_of_a_short_answer_even_the_blocking_run_tells(published: Published) -> None:
    """Its 99 bytes cannot be 349 tokens; a long answer has bytes enough for anything."""
    notes = {
        name: {note.code: note.sentence for note in run_notes(published(name).runs[1])}
        for name in ("short", "long")
    }
    assert notes["short"]["hidden-thinking"] == (
        "At least 240 of 349 tokens are in no text that was sent: most likely thinking that you"
        " never saw."
    )
    assert "hidden-thinking" not in notes["long"]


def test_the_report_says_so_too(published: Published) -> None:
    comparison = published("short")
    table = as_text(comparison_table(comparison))
    assert "About 329 of 349 tokens were thinking that you never saw (estimate)." in table
    more = as_text(verbose(comparison))
    assert "  hidden thinking" in more
    assert "The headers came with the first text: they say nothing about prefill." in more


@pytest.mark.parametrize("name", ["short", "long"])
def test_the_examples_can_be_replayed(published: Published, name: str) -> None:
    recorded = replay.from_file(str(EXAMPLES / f"hidden-thinking-{name}.jsonl"))
    assert list(recorded.values()) == published(name).runs


def test_bytes_and_examples_are_those_of_the_table(make: Any, published: Published) -> None:
    for case in make.CASES:
        for line in case.lines:
            assert make.place(case, line).read_bytes() == make.body(case, line)
        example = EXAMPLES / f"hidden-thinking-{case.name}.jsonl"
        with example.open("rb") as file:
            runs = list(parse_lines(file, example.name))
        assert runs == published(case.name).runs
