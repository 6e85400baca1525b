"""Every report of a contest calls both channels by their names, and advises nothing."""

import json
import re
import shlex
from collections.abc import Callable
from xml.etree import ElementTree as ET

import msgspec
import pytest

from streamscope.measure.conventions import Conventions, Costs
from streamscope.report.command import command_line
from streamscope.report.comparison import Comparison
from streamscope.report.comparison_json import ComparisonRecord, to_json, to_jsonl
from streamscope.report.exchange import parse_lines
from streamscope.report.html import to_html
from streamscope.report.judging import why_none
from streamscope.report.markdown import to_markdown
from streamscope.report.reader_words import cost_words, reader_words
from streamscope.report.sections import sections
from streamscope.report.table import as_text, comparison_table
from streamscope.trace import Target, Trace

Build = Callable[..., Comparison]
BuildTrace = Callable[..., Trace]

HOSTILE = "<script>\x1b[2J`|*"
USUAL = Conventions()


def table(comparison: Comparison) -> str:
    return as_text(comparison_table(comparison), 80)


def test_the_table_has_their_names_and_compares_no_tokens_of_two_models(
    models: Comparison,
) -> None:
    lines = table(models).splitlines()
    (columns,) = [line for line in lines if "A vs B" in line and "A gemma" in line]
    assert re.split(r"\s{2,}", columns.strip()) == ["A gemma4:e2b", "B qwen3:8b", "A vs B"]
    rows = {line.split("  ")[0]: line.split()[-1] for line in lines if "  " in line}
    assert rows["text rate"] == "lower"
    for name in ("server rate", "visible rate", "tokens"):
        assert rows[name] == "–"
    assert "chunks" not in rows, "a chunk is a token here"


def test_a_name_may_take_several_lines_and_stays_whole(
    build_contest: Build, build_stream: BuildTrace
) -> None:
    of_a = Target(protocol="openai-chat", url="http://127.0.0.1:18300/v1", model="smollm2")
    of_b = Target(
        protocol="openai-chat", url="http://127.0.0.1:8080/v1", model="smollm2-135m-instruct"
    )
    traces = [build_stream(1, 4)] * 6, [build_stream(1, 6)] * 6
    lines = table(build_contest(*traces, of_a=of_a, of_b=of_b)).splitlines()
    row = next(number for number, line in enumerate(lines) if line.endswith("A vs B"))
    (above,) = [line for line in lines[row - 2 : row] if "smollm2-135m-instruct" in line]
    column = above.index("smollm2-135m-instruct")
    assert lines[row][column:].split() == ["127.0.0.1:8080", "A", "vs", "B"]
    assert "…" not in lines[row]
    assert max(map(len, lines)) <= 80


def test_the_same_model_elsewhere_is_compared_by_tokens(
    build_contest: Build, build_stream: BuildTrace
) -> None:
    elsewhere = Target(protocol="ollama-chat", url="http://127.0.0.1:9999", model="gemma4:e2b")
    said = table(build_contest([build_stream(1, 4)] * 6, [build_stream(1, 6)] * 6, of_b=elsewhere))
    assert "A 127.0.0.1:11434" in said
    assert "text rate" not in said
    assert "A's server rate 67 % higher" in said
    assert "Same answer in 6 of 6 pairs." in said


def test_a_report_is_titled_by_both_and_never_speaks_of_streaming_or_blocking(
    models: Comparison,
) -> None:
    said = to_markdown([models])
    assert said.startswith("# A (gemma4:e2b) against B (qwen3:8b)\n\n**A is sooner: ")
    assert "| scenario | channel | first text | total | text rate | tokens | n |" in said
    assert "| A gemma4:e2b |" in said
    assert "- A: ollama-chat · gemma4:e2b · http://127.0.0.1:11434 · streaming." in said
    body = said.split("## Where the time went")[0]
    for word in ("streamed", "blocking", "Same answer", "pays", "the stream"):
        assert word not in body
    page = to_html([models])
    assert page.count("A (gemma4:e2b) against B (qwen3:8b)") >= 2
    assert "Streaming or blocking" not in page


def test_a_report_of_several_says_of_each_line_what_was_compared(
    models: Comparison, long_comparison: Comparison
) -> None:
    said = to_markdown([long_comparison, models])
    assert said.startswith("# A against B\n")
    assert "A (gemma4:e2b) against B (qwen3:8b): A is sooner" in said
    assert "A (gemma4:e2b) against B (qwen3:8b): A" not in to_markdown([models, models])
    assert "| A stream |" in said
    assert "| B qwen3:8b |" in said
    assert "(gemma4" not in said.split("A (gemma4:e2b)")[0]


def test_the_reader_is_told_of_both_by_name(models: Comparison) -> None:
    ends, idle, bands = reader_words(models.runs, USUAL, models.sides)
    assert re.fullmatch(
        r"At 238 words a minute a reader is through after [\d.]+ s with A \(gemma4:e2b\),"
        r" [\d.]+ s with B \(qwen3:8b\): [\d.]+ s \([\d.]+ %\) earlier with A \(medians\)\.",
        ends,
    )
    assert idle.count("after the first word") == 2, "both stream"
    assert "A (gemma4:e2b): instant" in bands
    assert "on A" in bands
    assert "on B" in bands


def test_time_outs_are_told_of_both_and_early_stops_where_one_blocks(
    build_contest: Build, build_stream: BuildTrace, build_blocking: BuildTrace
) -> None:
    costs = Costs(timeout_s=3.0)
    streams = build_contest([build_stream(1, 4)] * 2, [build_stream(1, 2)] * 2)
    (said,) = cost_words(streams.runs, costs, streams.sides)
    assert said.startswith(
        "A deadline of 3 s would have cut 2 of A's 2 and 0 of B's 2 answers; a read time-out, which"
        " only counts silence, 0 of A's and 0 of B's. At the deadline "
    )
    assert "words of A could be read" in said
    (one,) = sections([streams], USUAL)
    assert "Time-outs" in dict(one.lists(alone=True))
    mixed = build_contest([build_blocking(4)] * 2, [build_stream(1, 4)] * 2)
    said_of = cost_words(mixed.runs, costs, mixed.sides)
    assert said_of[1].startswith("Stopping B after ")
    (one,) = sections([mixed], USUAL)
    assert "What blocking costs beside the wait" in dict(one.lists(alone=True))


def test_the_picture_names_both_lines_and_draws_what_blocks_as_a_step(
    build_contest: Build, build_stream: BuildTrace, build_blocking: BuildTrace
) -> None:
    mixed = build_contest([build_blocking(4)] * 2, [build_stream(1, 4)] * 2)
    plots = re.findall(r"<svg.*?</svg>", to_html([mixed]), re.DOTALL)
    readable = ET.fromstring(plots[0])
    texts = [element.text for element in readable.iter() if element.tag.endswith("text")]
    assert {"A gemma4:e2b blocking", "B qwen3:8b streaming", "the reader of A"} <= set(texts)
    paths = [each.get("d") or "" for each in readable.iter() if each.tag.endswith("path")]
    assert paths[0].count("L") > paths[1].count("L"), "a step has corners"
    said = next(each.text or "" for each in readable.iter() if each.tag.endswith("desc"))
    assert re.search(r"Half of each could be read after 4\.\d+ s with A, 2\.\d+ s with B", said)
    spread = "".join(text or "" for text in ET.fromstring(plots[1]).itertext())
    assert "first text, A" in spread
    assert "gaps" in plots[2].lower()
    assert 'class="line b solid"' in plots[2], "the gaps of B have its colour"


def test_the_command_says_all_of_both_channels(
    build_contest: Build, build_stream: BuildTrace, build_blocking: BuildTrace
) -> None:
    odd = Target(protocol="openai-chat", url="http://[::1]:8000/v1", model="a model's")
    contest = build_contest([build_stream(1, 4)], [build_blocking(4)], of_b=odd)
    words = shlex.split(command_line(contest))
    said = {words[i]: shlex.split(words[i + 1]) for i in range(3, 7, 2)}
    assert said == {
        "--a": [
            "url=http://127.0.0.1:11434",
            "protocol=ollama-chat",
            "model=gemma4:e2b",
            "mode=stream",
        ],
        "--b": [
            "url=http://[::1]:8000/v1",
            "protocol=openai-chat",
            "model=a model's",
            "mode=blocking",
        ],
    }
    assert not {"--url", "--protocol", "--model", "--engine"} & set(words)


@pytest.mark.parametrize(("engine", "model"), [("simulator", ["model=qwen3:8b"]), ("local", [])])
def test_an_engine_of_ours_is_named_instead_of_its_address(
    models: Comparison, engine: str, model: list[str]
) -> None:
    runs = [
        msgspec.structs.replace(run, engine=engine) if run.channel == "B" else run
        for run in models.runs
    ]
    words = shlex.split(command_line(msgspec.structs.replace(models, runs=runs)))
    b = shlex.split(words[words.index("--b") + 1])
    assert b == [f"engine={engine}", "protocol=ollama-chat", *model, "mode=stream"]


def test_json_tells_both_channels_and_decides_nothing(
    models: Comparison, long_comparison: Comparison
) -> None:
    record = msgspec.json.decode(to_json(models), type=ComparisonRecord)
    assert record.question == "models"
    assert [each.target.model for each in record.channels.values()] == ["gemma4:e2b", "qwen3:8b"]
    assert {each.mode for each in record.channels.values()} == {"stream"}
    assert record.verdict is not None
    assert record.verdict.decision is None
    assert (record.verdict.reason, record.verdict.break_even_s) == ("", None)
    assert record.verdict.findings[2].name == "e2e_char_per_s"
    usual = msgspec.json.decode(to_json(long_comparison), type=ComparisonRecord)
    assert usual.question == "delivery"
    assert {name: each.mode for name, each in usual.channels.items()} == {
        "A": "stream",
        "B": "blocking",
    }


def test_without_a_pair_json_says_why(build_contest: Build, build_stream: BuildTrace) -> None:
    failed = build_contest([build_stream(1, 4, ended="error")], [build_stream(1, 4)])
    verdict = json.loads(to_json(failed))["verdict"]
    assert verdict["reason"] == "no A run came to a good end"
    assert verdict["decision"] is None


@pytest.mark.parametrize("lines", [True, False], ids=["JSON Lines", "JSON"])
def test_a_contest_comes_back_as_it_was(models: Comparison, *, lines: bool) -> None:
    written = b"".join(map(to_jsonl, models.runs)) if lines else to_json(models)
    runs = list(parse_lines(written.splitlines(keepends=True), "file"))
    back = Comparison(plan=models.plan, runs=runs)
    assert back.sides == models.sides
    assert back.question == "models"
    assert table(back) == table(models)
    assert to_json(back) == to_json(models)


def test_a_contest_that_never_got_to_b_is_one_all_the_same(models: Comparison) -> None:
    plan = msgspec.structs.replace(models.plan, sides=models.sides)
    stopped = Comparison(plan=plan, runs=models.of("A"))
    said = to_markdown([stopped])
    assert said.startswith(
        "# A (gemma4:e2b) against B (qwen3:8b)\n\n"
        "**Can't tell: only one of the two channels was measured.**"
    )
    assert "--b 'url=http://127.0.0.1:11434 protocol=ollama-chat model=qwen3:8b" in said
    assert "A gemma4:e2b" in table(stopped)
    record = json.loads(to_json(stopped))
    assert (record["question"], record["verdict"]) == ("models", None)
    assert why_none(stopped) == "there are no B runs"


def test_no_name_of_a_model_acts(build_contest: Build, build_stream: BuildTrace) -> None:
    of_b = Target(protocol="ollama-chat", url="http://127.0.0.1:11434", model=HOSTILE)
    contest = build_contest([build_stream(1, 4)] * 6, [build_stream(1, 6)] * 6, of_b=of_b)
    assert "\x1b" not in table(contest)
    page = to_html([contest])
    assert "<script" not in page
    assert "\x1b" not in page
    assert re.search(r"(?<!\\)<script", to_markdown([contest]).split("```")[0]) is None
