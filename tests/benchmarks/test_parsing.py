"""What clients and tools noted is understood as they meant it."""

import json
import struct
from pathlib import Path
from typing import Any

import pytest

from benchmarks.known import MODEL
from benchmarks.ours import said
from benchmarks.readings import text_of, understand
from benchmarks.scripts import regular, writes
from benchmarks.sheets import Sheet
from benchmarks.tools import AIPERF, RUNNER, SERVEBENCH, VLLM
from benchmarks.turns import last_words, parse_bare


def write(folder: Path, name: str, document: Any) -> None:
    """Write a file of JSON as a tool would."""
    (folder / name).write_text(json.dumps(document))


def event(**delta: str) -> str:
    return json.dumps({"choices": [{"delta": delta}], "model": MODEL})


def test_only_text_counts_as_text() -> None:
    assert text_of(f"data: {event(content='a')}") == "a"
    assert text_of(f"data: {event(role='assistant', content='')}") == ""
    assert text_of('data: {"choices": [], "usage": {}}') == ""
    assert text_of("data: [DONE]") == ""
    assert text_of(": ping") == ""


def test_a_text_belongs_to_the_read_that_completes_its_line() -> None:
    line = f"data: {event(content='a')}\n".encode()
    arrivals = [(1, line[:9]), (2, line[9:] + line), (3, line)]
    assert understand(arrivals) == ([2, 2, 3], [1, 1, 2])


def test_the_bytes_of_a_known_answer_are_understood_whole() -> None:
    data = b"".join(each.data for each in writes(regular(5, 5, 100), "/v1/chat/completions"))
    stamps, reads = understand([(7, data)])
    assert stamps == [7] * 5
    assert reads == [0] * 5


def test_the_notes_of_the_loop_in_c() -> None:
    line = f"data: {event(content='a')}\n".encode()
    one = struct.pack("<3q2q", 100, 4_000, 1, 105, len(line)) + line
    two = struct.pack("<3q4q", 200, 5_000, 2, 205, 4, 206, len(line) - 4) + line
    report = parse_bare(one + two)
    assert [reading.zero_ns for reading in report.readings] == [100, 200]
    assert [reading.stamps_ns for reading in report.readings] == [[105], [206]]
    assert report.cpu_s == pytest.approx(5e-6)


def test_servebench_counts_from_its_own_zero(tmp_path: Path) -> None:
    of = {"p50": 0.1, "mean": 0.2}
    none = {"p50": None, "mean": None}
    summary = {
        **dict.fromkeys(("ttft", "answer_start", "tpot", "itl"), of),
        "output_throughput": 40.0,
        "output_tokens_mean": 3.0,
        "server_prefill_ms": none,
        "server_decode_ms": {"p50": 1.0},
        "queue_network_overhead_ms": none,
    }
    requests = [{"index": 1, "chunk_times": [0.5]}, {"index": 0, "chunk_times": [0.1, 0.2]}]
    write(tmp_path, "run.json", {"levels": [{"summary": summary, "requests": requests}]})
    first, second = SERVEBENCH.readings(tmp_path)
    assert (first.stamps_ns, second.stamps_ns) == ([100_000_000, 200_000_000], [500_000_000])
    assert not first.absolute
    figures = SERVEBENCH.figures(tmp_path)
    assert figures.ttft_ms == pytest.approx(100)
    assert figures.gap_ms == pytest.approx(200)
    assert figures.server == "decode 1 ms"


def test_aiperfs_records_come_in_the_order_of_the_requests(tmp_path: Path) -> None:
    def record(start: int, *stamps: int) -> str:
        texts = [{"perf_ns": at, "packets": [{"value": event(content="a")}]} for at in stamps]
        end = {"perf_ns": 99, "packets": [{"value": event()}, {"value": "[DONE]"}]}
        return json.dumps({"start_perf_ns": start, "responses": [*texts, end]})

    file = tmp_path / "profile_export_raw.jsonl"
    file.write_text(f"{record(50, 60, 70)}\n{record(10, 20)}\n")
    first, second = AIPERF.readings(tmp_path)
    assert (first.zero_ns, first.stamps_ns) == (10, [20])
    assert (second.zero_ns, second.stamps_ns) == (50, [60, 70])


def test_what_aiperf_leaves_out_is_not_zero(tmp_path: Path) -> None:
    write(tmp_path, "profile_export_aiperf.json", {"time_to_first_token": {"p50": 7.0}})
    figures = AIPERF.figures(tmp_path)
    assert figures.ttft_ms == 7.0
    assert figures.token_ms is None


def test_the_runner_takes_chunks_for_tokens(tmp_path: Path) -> None:
    stats = {"median": 1.0, "mean": 2.0}
    raw = {"requestStart": 1.0, "tokenTimestamps": [1.5], "outputTokenCount": 1}
    result = {"singleConcurrency": dict.fromkeys(("ttft", "itl", "tps"), stats)}
    write(tmp_path, "run.json", {"results": [{**result, "rawResults": [raw]}]})
    (reading,) = RUNNER.readings(tmp_path)
    assert (reading.zero_ns, reading.stamps_ns) == (1_000_000_000, [1_500_000_000])
    assert RUNNER.figures(tmp_path).tokens == 1


def test_vllms_gap_to_the_reason_of_the_end_leads_to_no_text(tmp_path: Path) -> None:
    said = {"start_times": [1.0], "ttfts": [0.5], "itls": [[0.25, 9.0]]}
    write(tmp_path, "run.json", said)
    (reading,) = VLLM.readings(tmp_path)
    assert reading.stamps_ns == [1_500_000_000, 1_750_000_000]


def test_our_own_remark_on_a_servers_times_is_shown(tmp_path: Path) -> None:
    note = {"code": "impossible-figures", "sentence": "That can't be.", "channel": "A"}
    other = {**note, "code": "coalesced", "sentence": "Something else."}
    medians = {"ttfv_s": {"median": 0.5}}
    document = {"summary": {"A": medians}, "notes": [other, note]}
    write(tmp_path, "result.json", document)
    figures = said(tmp_path / "result.json")
    assert figures.answer_ms == 500
    assert figures.ttft_ms is None
    assert figures.server == "That can't be."


def test_a_bar_in_a_cell_does_not_end_it() -> None:
    sheet = Sheet("T", ("a", "b"), [["x|y", "1"]], notes=["Said."])
    assert sheet.markdown() == "### T\n\n| a | b |\n| --- | --: |\n| x\\|y | 1 |\n\n- Said.\n"


def test_why_a_tool_failed_is_said_without_where_it_lives() -> None:
    output = "all well\n│ SomeError: no /some/folder/tokenizer.json │\nLog File: x.log\n"
    assert last_words(output) == "SomeError: no tokenizer.json"
    assert last_words("first\nlast\n---\n") == "last"
    assert last_words("") == ""
