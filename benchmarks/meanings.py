"""What tools mean by their numbers: the same answers, known to the last token, read by each.

A server gives answers on which tools disagree: several tokens a chunk, reasoning, jitter, late
headers, several events a write, and servers that tell nonsense about their own times. Each tool is
run as it is; the table has what it says beside the truth and beside what streamscope says::

    python -m benchmarks.clients --install FOLDER              # once: an environment for each tool
    python -m benchmarks.meanings --tools FOLDER --markdown meanings.md
    python -m benchmarks.meanings --cases chunks reasoning --vllm "path/to/vllm"

docs/benchmarks-clients.md says more.
"""

import argparse
import shlex
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean, median

from benchmarks.known import MODEL, OLLAMA_CHAT, Answer, KnownServer
from benchmarks.machine import machine
from benchmarks.meaning_cases import CASES, TOKENS, Case
from benchmarks.ours import COUNTS, said
from benchmarks.sheets import NONE, Sheet, number, show, wide_console, write
from benchmarks.terminal import streamscope_command
from benchmarks.tool import Figures, Tool
from benchmarks.tools import TOOLS, VLLM
from benchmarks.turns import LeftOutError, Meter, Turn, last_words, run_program, run_tool
from benchmarks.venvs import installed, python_of, versions

REQUESTS = 3
"""Requests of each tool in each case."""

TIMEOUT_S = 120.0
TRUTH, OURS = "truth", "streamscope"

HEADINGS = {
    "ttft_ms": "first token ms",
    "answer_ms": "first of the answer ms",
    "token_ms": "per token ms",
    "gap_ms": "between chunks ms",
    "rate": "tokens/s",
    "tokens": "tokens",
    "server": "says of the server's times",
}
"""The columns, by name of figure."""

TRUTH_COUNTS = {
    "ttft_ms": "arrival of the request to the write with the first text, of whatever kind",
    "answer_ms": "the same to the first text of the answer",
    "token_ms": "first to last write with text / tokens that came after the first of them",
    "gap_ms": "first to last write with text / chunks after the first",
    "rate": "1 / per token: the rate at which tokens really came",
    "tokens": "tokens that were sent, reasoning included",
    "server": "",
}


def truth(case: Case, answers: Sequence[Answer]) -> Figures:
    """Return what was really done, from the server's logs; medians over the answers."""
    chunks = sum(piece.kind != "role" for piece in case.plan.pieces)
    spans = [(answer.wrote_ns[-1] - answer.wrote_ns[0]) / 1e6 for answer in answers]
    token_ms = median(spans) / (TOKENS - case.head_tokens)
    return Figures(
        ttft_ms=median((each.wrote_ns[0] - each.arrived_ns) / 1e6 for each in answers),
        answer_ms=median(
            (each.wrote_ns[case.first_answer] - each.arrived_ns) / 1e6 for each in answers
        ),
        token_ms=token_ms,
        gap_ms=fmean(spans) / (chunks - 1),
        rate=1e3 / token_ms,
        tokens=TOKENS,
    )


def ours(case: Case, turn: Turn) -> Figures:
    """Run streamscope; return what it says of the streamed runs."""
    file = turn.folder / "result.json"
    ollama = case.path == OLLAMA_CHAT
    command = [
        *(*streamscope_command(), "run", "Explain unified memory.", "--no-save"),
        *("--url", turn.server.url if ollama else f"{turn.server.url}/v1"),
        *("--protocol", "ollama-chat" if ollama else "openai-chat", "--model", MODEL),
        *("--repeat", str(REQUESTS), "--warmup", "0", "--include-busy"),
        *("--format", "json", "--output", str(file)),
    ]
    run_program(command, turn, turn.folder)
    return said(file)


def measure(
    case_name: str, tools: Mapping[str, tuple[Tool, Sequence[str]]]
) -> tuple[dict[str, Figures], dict[str, str]]:
    """Let everybody read a case; return what they say by name, and why others say nothing."""
    case = CASES[case_name]
    found: dict[str, Figures] = {}
    failed: dict[str, str] = {}
    answers: list[Answer] = []
    for name in (OURS, *tools):
        print(f"{case_name}: {name}", file=sys.stderr)
        with (
            tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
            KnownServer(["--case", case_name]) as server,
        ):
            turn = Turn(server, Meter(), Path(folder), TIMEOUT_S)
            try:
                if name == OURS:
                    found[name] = ours(case, turn)
                else:
                    tool, command = tools[name]
                    run_tool(tool, command, turn, REQUESTS)
                    found[name] = tool.figures(turn.folder)
                answers += server.streamed(REQUESTS)
            except (LeftOutError, TimeoutError, OSError, ValueError, KeyError) as why:
                failed[name] = last_words(str(why))
    if answers:
        found[TRUTH] = truth(case, answers)
    return found, failed


def rows(
    case_name: str, found: Mapping[str, Figures], failed: Mapping[str, str]
) -> list[list[str]]:
    """Return the lines of a case: the truth, ours, the tools."""
    named = {name: found[name] for name in (TRUTH, OURS, *found) if name in found}
    lines = [[case_name, name, *_cells(figures)] for name, figures in named.items()]
    lines += [[case_name, name, *[NONE] * 6, f"failed: {why}"] for name, why in failed.items()]
    return lines


def _cells(figures: Figures) -> list[str]:
    return [
        number(figures.ttft_ms, 1),
        number(figures.answer_ms, 1),
        number(figures.token_ms, 2),
        number(figures.gap_ms, 2),
        number(figures.rate, 1),
        number(figures.tokens, 0),
        figures.server,
    ]


def words(tools: Mapping[str, tuple[Tool, Sequence[str]]]) -> Sheet:
    """Return what each of the numbers counts."""
    counts = {TRUTH: TRUTH_COUNTS, OURS: COUNTS}
    counts |= {name: dict(tool.counts) for name, (tool, _) in tools.items()}
    lines = [[name, *(each[figure] for figure in HEADINGS)] for name, each in counts.items()]
    headings = ("tool", *HEADINGS.values())
    return Sheet("What each number counts", headings, lines, texts=len(headings))


def commands(folder: Path | None, vllm: str) -> dict[str, tuple[Tool, Sequence[str]]]:
    """Return the tools that are there, by name, each with the command that runs it."""
    found: dict[str, tuple[Tool, Sequence[str]]] = {}
    there = installed(folder)
    for tool in TOOLS:
        if folder is not None and tool.package in there:
            command = python_of(folder, tool.package).with_name(tool.script)
            found[tool.package] = tool, [str(command)]
    if vllm:
        found["vllm bench serve"] = VLLM, shlex.split(vllm)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tools", type=Path, metavar="FOLDER", help="where they were installed")
    parser.add_argument("--vllm", default="", metavar="COMMAND", help="runs vLLM's command line")
    parser.add_argument("--cases", nargs="+", choices=tuple(CASES), default=list(CASES))
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables there")
    options = parser.parse_args()
    tools = commands(options.tools, options.vllm)
    lines = machine(versions(options.tools, options.vllm))
    print("\n".join(lines))
    every: list[list[str]] = []
    for name in options.cases:
        every += rows(name, *measure(name, tools))
    notes = [f"{name}: {CASES[name].about}." for name in options.cases]
    notes += [
        f"{tool.package}: left out, not installed." for tool in TOOLS if tool.package not in tools
    ]
    if not options.vllm:
        notes.append("vllm bench serve: left out, no command was given.")
    headings = ("case", "who", *HEADINGS.values())
    sheet = Sheet("What tools say of the same answers", headings, every, texts=2, notes=notes)
    sheets = [sheet, words(tools)]
    console = wide_console()
    for each in sheets:
        show(console, each)
    if options.markdown is not None:
        write(options.markdown, lines, sheets)


if __name__ == "__main__":
    main()
