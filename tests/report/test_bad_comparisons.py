"""Whatever was measured, every report says something true of it, and none of them breaks."""

import json
import math
from collections.abc import Callable

import msgspec
import pytest

from streamscope.measure.conventions import Conventions
from streamscope.report.comparison import Comparison
from streamscope.report.comparison_json import to_json, to_jsonl
from streamscope.report.csv_runs import to_csv
from streamscope.report.html import to_html
from streamscope.report.judging import judge_comparison
from streamscope.report.markdown import to_markdown
from streamscope.report.table import as_text, comparison_table
from streamscope.report.validity import validity_of
from streamscope.report.verdict_words import evidence, verdict_sentence
from streamscope.trace import Chunk, Fault, ServerTimings, Tokens, Trace

Build = Callable[..., Comparison]
BuildTrace = Callable[..., Trace]
USUAL = Conventions()


def broken(mode: str) -> Trace:
    fault = Fault(code="cut", sentence="The connection broke.")
    return Trace(mode=mode, ended="error", fault=fault, marks={"error": 5})  # type: ignore[arg-type] # both modes are given


def one_chunk(mode: str, at_ns: int = 1_000_000_000) -> Trace:
    return Trace(
        mode=mode,  # type: ignore[arg-type] # both modes are given
        chunks=[Chunk(at_ns, "answer", "Yes.", 0)],
        marks={"sent": 0, "done": at_ns},
        ended="stop",
        tokens=Tokens(output=1),
    )


def empty(mode: str) -> Trace:
    return Trace(
        mode=mode,  # type: ignore[arg-type] # both modes are given
        marks={"sent": 0, "done": 7},
        ended="stop",
        tokens=Tokens(output=0),
    )


def nonsense(mode: str) -> Trace:
    """Return a run whose server says what can't be."""
    return msgspec.structs.replace(
        one_chunk(mode),
        tokens=Tokens(prompt=-4, output=-1, reasoning=10**18),
        server=ServerTimings(load_s=-1.0, prefill_s=math.nan, decode_s=math.inf, source="ollama"),
    )


CASES = {
    "nothing": ([], []),
    "one run": ([one_chunk("stream")], []),
    "one pair": ([one_chunk("stream")], [one_chunk("blocking")]),
    "all failed": ([broken("stream")] * 6, [broken("blocking")] * 6),
    "one side failed": ([one_chunk("stream")] * 6, [broken("blocking")] * 6),
    "all ties": ([one_chunk("stream")] * 8, [one_chunk("blocking")] * 8),
    "zero tokens": ([empty("stream")] * 6, [empty("blocking")] * 6),
    "at the moment of sending": ([one_chunk("stream", 0)] * 6, [one_chunk("blocking", 0)] * 6),
    "nonsense": ([nonsense("stream")] * 6, [nonsense("blocking")] * 6),
}


@pytest.fixture(params=CASES, ids=lambda name: name.replace(" ", "-"))
def bad(request: pytest.FixtureRequest, build_comparison: Build) -> Comparison:
    return build_comparison(*CASES[request.param])


def test_every_report_of_it_can_be_made(bad: Comparison) -> None:
    judgement = judge_comparison(bad)
    sentence = verdict_sentence(judgement)
    texts = [
        sentence,
        *evidence(judgement),
        *validity_of(bad, USUAL),
        as_text(comparison_table(bad)),
        to_markdown([bad], USUAL),
        to_html([bad], USUAL),
        to_csv(bad.runs),
        to_json(bad).decode(),
        *(to_jsonl(run).decode() for run in bad.runs),
    ]
    for text in texts:
        assert "nan" not in text.lower().replace("unanswered", "")
        assert "None" not in text
    verdict = json.loads(to_json(bad))["verdict"]
    assert verdict is None if len(bad.channels()) < 2 else verdict["sentence"] == sentence


@pytest.mark.parametrize("name", ["nothing", "one run", "all failed", "one side failed"])
def test_without_a_good_pair_nothing_is_found(name: str, build_comparison: Build) -> None:
    judgement = judge_comparison(build_comparison(*CASES[name]))
    kinds = {judgement.first.kind, judgement.total.kind, judgement.rate.kind}
    assert kinds == {"unknown"}


def test_ties_are_equal_and_no_difference(build_comparison: Build) -> None:
    judgement = judge_comparison(build_comparison(*CASES["all ties"]))
    assert (judgement.first.kind, judgement.total.kind) == ("equivalent", "equivalent")
    assert judgement.advice is not None
    assert judgement.advice.decision == "either"


def test_no_text_is_no_wait(build_comparison: Build) -> None:
    judgement = judge_comparison(build_comparison(*CASES["zero tokens"]))
    assert judgement.advice is not None
    assert judgement.advice.decision == "cannot-tell"
    assert judgement.first.kind == "unknown"
