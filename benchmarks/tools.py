"""Tools that benchmark servers from a command line: how each is run, and what it tells.

They are run as they are, as processes, with their own defaults except for what a comparison needs:
one request at a time, none before those that count, all detail that they can export.
"""

import json
from itertools import accumulate
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.known import MODEL
from benchmarks.readings import Reading
from benchmarks.tool import OUTPUT_TOKENS, Figures, Tool, read_json, times, write_tokenizer

_S = 1e9


def _servebench_arguments(url: str, count: int, folder: Path) -> list[str]:
    return [
        *("run", "--url", f"{url}/v1", "--model", MODEL, "--concurrency", "1"),
        *("--num-requests", str(count), "--warmup", "0", "--input-len", "16"),
        *("--output-len", str(OUTPUT_TOKENS), "--no-gpu", "--out", str(folder / "run.json")),
    ]


def _servebench_level(folder: Path) -> Any:
    (level,) = read_json(folder / "run.json")["levels"]
    return level


def _servebench_readings(folder: Path) -> list[Reading]:
    requests = sorted(_servebench_level(folder)["requests"], key=lambda each: each["index"])
    return [
        Reading(0, [round(at * _S) for at in request["chunk_times"]], absolute=False)
        for request in requests
    ]


def _servebench_figures(folder: Path) -> Figures:
    summary = _servebench_level(folder)["summary"]
    server = [
        f"{name} {value:g} ms"
        for name in ("prefill", "decode")
        if (value := summary[f"server_{name}_ms"]["p50"]) is not None
    ]
    overhead = summary["queue_network_overhead_ms"]["p50"]
    if overhead is not None:
        server.append(f"queue and network {overhead:g} ms")
    return Figures(
        ttft_ms=times(summary["ttft"]["p50"], 1e3),
        answer_ms=times(summary["answer_start"]["p50"], 1e3),
        token_ms=times(summary["tpot"]["p50"], 1e3),
        gap_ms=times(summary["itl"]["mean"], 1e3),
        rate=summary["output_throughput"],
        tokens=summary["output_tokens_mean"],
        server=", ".join(server),
    )


def _aiperf_arguments(url: str, count: int, folder: Path) -> list[str]:
    prompts = folder / "prompts.jsonl"
    lines = [json.dumps({"text": f"Explain unified memory, part {n}."}) for n in range(count)]
    prompts.write_text("\n".join(lines) + "\n")
    return [
        *("profile", "--model", MODEL, "--url", url, "--endpoint-type", "chat", "--streaming"),
        *("--tokenizer", str(write_tokenizer(folder)), "--use-server-token-count"),
        *("--request-count", str(count), "--concurrency", "1"),
        *("--input-file", str(prompts), "--custom-dataset-type", "single_turn"),
        *("--export-level", "raw", "--artifact-dir", str(folder), "--ui", "none"),
        *("--no-gpu-telemetry", "--no-server-metrics"),
    ]


def _aiperf_readings(folder: Path) -> list[Reading]:
    lines = (folder / "profile_export_raw.jsonl").read_text().splitlines()
    records = sorted(map(json.loads, lines), key=lambda record: record["start_perf_ns"])
    return [_aiperf_reading(record) for record in records]


def _aiperf_reading(record: Any) -> Reading:
    stamps = [
        response["perf_ns"]
        for response in record["responses"]
        for packet in response["packets"]
        if _has_text(packet["value"])
    ]
    return Reading(record["start_perf_ns"], stamps)


def _has_text(value: str) -> bool:
    if not value.startswith("{"):
        return False
    choices = json.loads(value)["choices"]
    return bool(choices and choices[0]["delta"].get("content"))


def _aiperf_figures(folder: Path) -> Figures:
    said = read_json(folder / "profile_export_aiperf.json")

    def of(name: str, column: str = "p50") -> float | None:
        value: float | None = said.get(name, {}).get(column)
        return value

    return Figures(
        ttft_ms=of("time_to_first_token"),
        answer_ms=of("time_to_first_output_token"),
        token_ms=of("inter_token_latency"),
        gap_ms=of("inter_chunk_latency", "avg"),
        rate=of("output_token_throughput_per_user"),
        tokens=of("output_sequence_length"),
    )


def _runner_arguments(url: str, count: int, folder: Path) -> list[str]:
    return [
        *("--url", url, "--model", MODEL, "--repeat", str(count), "--concurrency", "1"),
        *("--max-tokens", str(OUTPUT_TOKENS), "--output", str(folder / "run.json")),
    ]


def _runner_result(folder: Path) -> Any:
    (result,) = read_json(folder / "run.json")["results"]
    return result


def _runner_readings(folder: Path) -> list[Reading]:
    return [
        Reading(round(raw["requestStart"] * _S), [round(at * _S) for at in raw["tokenTimestamps"]])
        for raw in _runner_result(folder)["rawResults"]
    ]


def _runner_figures(folder: Path) -> Figures:
    result = _runner_result(folder)
    said = result["singleConcurrency"]
    return Figures(
        ttft_ms=said["ttft"]["median"],
        gap_ms=said["itl"]["mean"],
        rate=said["tps"]["median"],
        tokens=median(raw["outputTokenCount"] for raw in result["rawResults"]),
    )


def _vllm_arguments(url: str, count: int, folder: Path) -> list[str]:
    return [
        *("bench", "serve", "--backend", "openai-chat", "--base-url", url),
        *("--endpoint", "/v1/chat/completions", "--model", MODEL),
        *("--tokenizer", str(write_tokenizer(folder)), "--dataset-name", "random"),
        *("--random-input-len", "8", "--random-output-len", str(OUTPUT_TOKENS)),
        *("--num-prompts", str(count), "--max-concurrency", "1"),
        *("--ready-check-timeout-sec", "0", "--save-result", "--save-detailed"),
        *("--result-dir", str(folder), "--result-filename", "run.json"),
    ]


def _vllm_readings(folder: Path) -> list[Reading]:
    said = read_json(folder / "run.json")
    found = []
    for start, ttft, gaps in zip(said["start_times"], said["ttfts"], said["itls"], strict=True):
        # The last gap leads to the event that tells the reason of the end: no text.
        stamps = accumulate([start + ttft, *gaps[:-1]])
        found.append(Reading(round(start * _S), [round(at * _S) for at in stamps]))
    return found


def _vllm_figures(folder: Path) -> Figures:
    said = read_json(folder / "run.json")
    return Figures(
        ttft_ms=said["median_ttft_ms"],
        token_ms=said["median_tpot_ms"],
        gap_ms=said["mean_itl_ms"],
        rate=said["output_throughput"],
        tokens=said["total_output_tokens"] / said["completed"],
    )


SERVEBENCH = Tool(
    "servebench",
    "servebench",
    _servebench_arguments,
    _servebench_readings,
    _servebench_figures,
    {
        "ttft_ms": "first chunk with text, reasoning included (p50)",
        "answer_ms": "answer_start: first chunk of the answer (p50)",
        "token_ms": "TPOT: (`[DONE]` − TTFT) / (usage tokens − 1) (p50)",
        "gap_ms": "ITL: gaps between chunks with text (mean)",
        "rate": "tokens of all requests / duration of the run, waits included",
        "tokens": "usage, else tokenizer, else chunks (mean)",
        "server": "llama.cpp's and Ollama's durations as the server gives them",
    },
)
AIPERF = Tool(
    "aiperf",
    "aiperf",
    _aiperf_arguments,
    _aiperf_readings,
    _aiperf_figures,
    {
        "ttft_ms": "first chunk with text, reasoning included (p50)",
        "answer_ms": "TTFO: first chunk that is no reasoning (p50)",
        "token_ms": "ITL: (last text − TTFT) / (tokens − 1) (p50)",
        "gap_ms": "ICL: gaps between chunks with text (mean)",
        "rate": "per user: 1 / ITL (p50)",
        "tokens": "usage, as it was told to (p50)",
        "server": "not read",
    },
)
RUNNER = Tool(
    "llm-benchmark-runner",
    "llm-benchmark",
    _runner_arguments,
    _runner_readings,
    _runner_figures,
    {
        "ttft_ms": "first chunk with `content`: reasoning does not count (median)",
        "answer_ms": "not told apart",
        "token_ms": "not told",
        "gap_ms": "ITL: gaps between chunks with `content` (mean)",
        "rate": "TPS: chunks / (end of the response − TTFT) (median)",
        "tokens": "chunks with `content` (median)",
        "server": "not read",
    },
)
VLLM = Tool(
    "vllm",
    "vllm",
    _vllm_arguments,
    _vllm_readings,
    _vllm_figures,
    {
        "ttft_ms": "first event with `choices`, text or not (median)",
        "answer_ms": "not told apart",
        "token_ms": "TPOT: (last event with `choices` − TTFT) / (usage tokens − 1) (median)",
        "gap_ms": "ITL: gaps between events with `choices` (mean)",
        "rate": "tokens of all requests / duration of the run, waits included",
        "tokens": "usage (mean)",
        "server": "not read",
    },
)
TOOLS = (SERVEBENCH, AIPERF, RUNNER)
"""Those that are installed from the package index."""
