"""Summaries of other scripts become runs that claim no more than the summaries do."""

import json
from pathlib import Path

import pytest

from streamscope.measure.figures import measure
from streamscope.measure.notes import trace_notes
from streamscope.plan import Plan
from streamscope.report import aliases
from streamscope.report.comparison import Comparison
from streamscope.report.comparison_json import to_json, to_jsonl
from streamscope.report.csv_runs import to_csv
from streamscope.report.exchange import ExchangeError, parse_lines
from streamscope.trace import Run

GAPS = (
    "gap_p50_ms",
    "gap_p95_ms",
    "gap_max_ms",
    "gap_mean_ms",
    "gap_cv",
    "stalls",
    "stall_s",
    "burst_share",
    "chunks",
    "chunks_per_s",
    "visible_tok_per_s",
    "tpot_ms",
    "t_10_s",
)
STREAMED = {
    "scenario": "short",
    "mode": "stream",
    "run": 1,
    "ttft_s": 7.69,
    "total_s": 8.15,
    "tokens_per_s": 44.5,
    "output_tokens": 349,
    "model": "gemma4:e2b",
}


def imported(*objects: object) -> list[Run]:
    lines = [json.dumps(each).encode() + b"\n" for each in objects]
    return list(parse_lines(lines, "results.jsonl"))


def one(**members: object) -> Run:
    (run,) = imported(members)
    return run


def test_figures_come_out_as_in_the_file() -> None:
    run = one(**STREAMED)
    figures = measure(run.trace)
    assert (figures["ttfv_s"], figures["total_s"]) == (7.69, 8.15)
    assert figures["done_s"] is None, "nobody said with what the total ended"
    assert figures["output_tokens"] == 349
    assert figures["server_tok_per_s"] == pytest.approx(44.5)
    assert "server_tok_per_s" in figures.estimated
    assert figures["benefit_s"] == pytest.approx(0.46)
    assert (run.channel, run.pair, run.request.prompt) == ("A", 1, "short")
    assert run.target.model == "gemma4:e2b"


@pytest.mark.parametrize("mode", ["stream", "blocking"])
def test_nothing_is_claimed_about_what_was_not_seen(mode: str) -> None:
    run = one(**STREAMED | {"mode": mode})
    figures = measure(run.trace)
    assert {name: figures[name] for name in GAPS} == dict.fromkeys(GAPS)
    assert run.trace.flags == ["imported-summary"]
    assert run.trace.text() == ""
    assert not {note.code for note in trace_notes(run.trace)} & {"no-answer", "not-streamed"}


def test_a_blocking_run_has_its_first_text_at_its_end() -> None:
    run = one(scenario="short", mode="blocking", ttft_s=None, total_s=7.65, tokens=324)
    figures = measure(run.trace)
    assert (figures["ttfv_s"], figures["total_s"]) == (7.65, 7.65)
    assert (run.channel, run.trace.mode) == ("B", "blocking")


def test_ollamas_own_members_are_nanoseconds() -> None:
    run = one(
        prompt="Why?",
        stream=True,
        time_to_first_token=0.5,
        total_duration=2_000_000_000,
        load_duration=10_000_000,
        prompt_eval_duration=400_000_000,
        prompt_eval_count=12,
        eval_count=101,
        eval_duration=1_000_000_000,
        done_reason="length",
    )
    figures = measure(run.trace)
    assert figures["total_s"] == 2.0
    assert figures["load_s"] == 0.01
    assert figures["server_tok_per_s"] == pytest.approx(100)
    assert figures["prompt_tokens"] == 12
    assert (run.trace.ended, run.target.protocol) == ("length", "imported")


@pytest.mark.parametrize(
    ("members", "protocol", "url"),
    [
        ({"eval_count": 9, "eval_duration": 10**9}, "imported", ""),
        ({"url": "http://x:1/api/generate"}, "ollama-generate", "http://x:1"),
        ({"endpoint": "/api/chat"}, "ollama-chat", ""),
        ({"url": "http://x/v1/chat/completions/"}, "openai-chat", "http://x"),
        ({"url": "http://x:1"}, "imported", "http://x:1"),
        ({"protocol": "grpc", "url": "http://x:1"}, "grpc", "http://x:1"),
    ],
)
def test_a_protocol_is_only_one_that_the_file_names(
    members: dict[str, object], protocol: str, url: str
) -> None:
    target = one(**STREAMED, **members).target
    assert (target.protocol, target.url) == (protocol, url)


@pytest.mark.parametrize(
    "names",
    [
        {"ttft": 0.5, "total": 2},
        {"TTFT (s)": 0.5, "Total-Time": 2},
        {"ttft_ms": 500, "latency_ms": 2000},
        {"timeToFirstToken": 0.5, "elapsed": 2.0},
        {"first_token_s": 0.5, "duration": 2},
        {"metrics": {"ttft_s": 0.5, "total_s": 2}},
        {"ttft_ns": 500_000_000, "total_ns": 2_000_000_000},
    ],
)
def test_names_and_units_are_recognised(names: dict[str, object]) -> None:
    figures = measure(one(mode="stream", **names).trace)
    assert figures["ttfv_s"] == pytest.approx(0.5)
    assert figures["total_s"] == pytest.approx(2)


@pytest.mark.parametrize(
    ("members", "mode", "prompt"),
    [
        ({"mode": "Streaming"}, "stream", ""),
        ({"mode": "non-stream"}, "blocking", ""),
        ({"variant": "non_streaming"}, "blocking", ""),
        ({"stream": False, "scenario": "x"}, "blocking", "x"),
        ({"streaming": "true"}, "stream", ""),
        ({"stream": 0}, "blocking", ""),
        ({"mode": "chat", "stream": True}, "stream", ""),
        ({"type": "benchmark", "scenario": "short+blocking"}, "blocking", "short"),
        ({"scenario": "short+stream"}, "stream", "short"),
        ({"case": "long_block"}, "blocking", "long"),
        ({"name": "long-non-stream"}, "blocking", "long"),
        ({"prompt": "Write a stream of words"}, "stream", "Write a stream of words"),
    ],
)
def test_the_mode_is_found_where_it_stands(
    members: dict[str, object], mode: str, prompt: str
) -> None:
    run = one(ttft=1.0, total=2.0, **members)
    assert (run.trace.mode, run.request.prompt) == (mode, prompt)


def test_pairs_are_numbered_from_one_however_the_file_counts() -> None:
    def pairs(*numbers: object) -> list[int]:
        lines = [STREAMED | {"run": number, "total_s": 9 + i} for i, number in enumerate(numbers)]
        return [run.pair for run in imported(*lines)]

    assert pairs(1, 2, 3) == [1, 2, 3]
    assert pairs(0, 1, 2) == [1, 2, 3]
    assert pairs(None, None) == [1, 2]


def test_both_modes_of_a_scenario_make_one_comparison() -> None:
    runs = imported(
        STREAMED | {"warmup": True},
        STREAMED,
        STREAMED | {"mode": "blocking"},
        STREAMED | {"scenario": "long"},
    )
    warm, stream, blocking, long = runs
    assert (warm.warmup, warm.pair) == (True, 0)
    assert stream.comparison_id == blocking.comparison_id == warm.comparison_id
    assert stream.pair == blocking.pair
    assert long.comparison_id != stream.comparison_id
    assert len({run.run_id for run in runs}) == 4


def test_importing_twice_gives_the_same_ids() -> None:
    same = STREAMED | {"run": None}
    first, again = imported(same, same), imported(same, same)
    assert [run.run_id for run in first] == [run.run_id for run in again]
    assert len({run.run_id for run in first}) == 2, "two equal lines are two runs"


def test_experiments_that_begin_alike_stay_apart() -> None:
    first = imported(STREAMED, STREAMED | {"run": 2, "total_s": 9.0})
    second = imported(STREAMED, STREAMED | {"run": 2, "total_s": 10.0})
    assert first[0].comparison_id != second[0].comparison_id
    assert not {run.run_id for run in first} & {run.run_id for run in second}


def test_what_else_is_in_a_file_names_no_comparison() -> None:
    alone = imported(STREAMED)
    beside = imported({**STREAMED, "scenario": "other"}, STREAMED)
    assert alone == beside[1:]


def test_more_summaries_than_can_be_held_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamscope.report.imported.MOST_SUMMARIES", 1)
    with pytest.raises(ExchangeError, match=r"line 2 .* more than 1 summaries: split it"):
        imported(STREAMED, STREAMED | {"run": 2})


def test_a_run_that_failed_is_kept_as_failed() -> None:
    run = one(scenario="short", mode="stream", error="connection reset", total_s=3.0)
    assert (run.trace.ended, run.trace.chunks) == ("error", [])
    assert run.trace.fault is not None
    assert run.trace.fault.sentence == "connection reset"
    assert measure(run.trace)["total_s"] is None


@pytest.mark.parametrize(
    ("started", "said"),
    [
        ("2026-05-29T10:00:00Z", "2026-05-29T10:00:00.000+00:00"),
        ("2026-05-29 12:00:00+02:00", "2026-05-29T10:00:00.000+00:00"),
        (1_780_048_800.0, "2026-05-29T10:00:00.000+00:00"),
        ("yesterday", ""),
    ],
)
def test_the_start_is_kept_where_it_can_be_read(started: object, said: str) -> None:
    assert one(**STREAMED, timestamp=started).trace.started_utc == said


def test_a_list_of_summaries_is_read_too() -> None:
    laid_out = json.dumps([STREAMED, STREAMED | {"run": 2}], indent=1).encode()
    assert [run.pair for run in parse_lines(laid_out.splitlines(), "x.json")] == [1, 2]
    assert len(imported({"model": "m", "results": [STREAMED]})) == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"total_s": -1}, "total_s is negative"),
        ({"total_s": 815_000}, "more than a day: name its unit, as in total_s_ms"),
        ({"ttft_s": "fast"}, "ttft_s is not a number"),
        ({"ttft_s": 9}, "its first token comes after its end"),
        ({"ttft_s": None}, "no time to first token"),
        ({"total_s": None}, "no total time"),
        ({"mode": "sideways"}, "its mode is 'sideways', neither stream nor blocking"),
        ({"mode": None, "stream": 7}, "its stream is '7', neither stream nor blocking"),
        ({"mode": None, "ttft_s": None}, "whether it was streamed"),
        ({"output_tokens": -3}, "output_tokens is negative"),
        ({"output_tokens": 1e12}, "a count of 1e+12 can't be"),
    ],
)
def test_numbers_that_cannot_be_are_refused(change: dict[str, object], said: str) -> None:
    with pytest.raises(ExchangeError) as caught:
        imported(STREAMED, STREAMED | change)
    assert str(caught.value).startswith("results.jsonl, line 2 can't be imported: ")
    assert said in str(caught.value)


def test_a_file_that_begins_with_an_unknown_mode_is_still_named_by_its_line() -> None:
    with pytest.raises(ExchangeError, match=r"line 1 can't be imported: its mode is 'sideways'"):
        imported({"mode": "sideways", "error": "refused"})


def test_data_about_an_import_claims_no_plan_and_no_clock() -> None:
    comparison = Comparison(plan=Plan(), runs=[one(**STREAMED)])
    record = json.loads(to_json(comparison))
    assert (record["plan"], record["clock"]) == (None, None)
    assert [run["clock"] for run in record["runs"]] == [None]
    head, row = (line.split(",") for line in to_csv(comparison.runs).splitlines())
    cells = dict(zip(head, row, strict=True))
    assert [cells[name] for name in ("layout", "regime", "position", "clock")] == [""] * 4


def test_an_imported_summary_round_trips_as_a_run() -> None:
    run = one(**STREAMED)
    assert list(parse_lines([to_jsonl(run)], "x")) == [run]


def test_a_summary_that_was_written_with_a_clock_can_still_be_read() -> None:
    """Files of before say that its times are those of the reads."""
    run = one(**STREAMED)
    line = json.loads(to_jsonl(run))
    assert line["clock"] is None
    before = json.dumps(line | {"clock": "read"}).encode()
    assert list(parse_lines([before], "x")) == [run]


@pytest.mark.parametrize("endpoint", list(aliases.ENDPOINTS))
def test_the_route_names_the_protocol(endpoint: str) -> None:
    base = "http://127.0.0.1:8000"
    target = one(**STREAMED | {"url": base + endpoint}).target
    assert (target.protocol, target.url) == (aliases.ENDPOINTS[endpoint], base)


def test_the_document_names_every_alias() -> None:
    text = (Path(__file__).parents[2] / "docs" / "reports.md").read_text(encoding="utf-8")
    names = [name for group in aliases.TIMES.values() for name in group]
    for group in (aliases.RATE, aliases.OUTPUT, aliases.INPUT, aliases.MODE, aliases.STREAM,
                  aliases.SCENARIO, aliases.REPEAT, aliases.WARMUP, aliases.MODEL,
                  aliases.ERROR, aliases.STARTED, aliases.URL, aliases.VERSION,
                  aliases.PROTOCOL, aliases.ENDPOINTS):  # fmt: skip
        names += group
    assert [name for name in names if f"`{name}`" not in text] == []
