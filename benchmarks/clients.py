"""How wrong clients and tools time a stream, against a server that knows when it wrote.

Each client is a process of its own that asks four times: a first request, two warm ones, and the
long one of which every stamp counts. The clients take turns, with a server each, so that whatever
else the machine does meets all of them::

    python -m benchmarks.clients --install FOLDER              # once: an environment for each tool
    python -m benchmarks.clients --tools FOLDER --markdown clients.md
    python -m benchmarks.clients --quick                       # a look, without the tools

docs/benchmarks-clients.md says what each column means. Linux only.
"""

import argparse
import shlex
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks import turns
from benchmarks.errors import Errors, aims, middle, ratio, three
from benchmarks.machine import machine
from benchmarks.sheets import NONE, Sheet, number, show, wide_console, write
from benchmarks.tools import TOOLS, VLLM
from benchmarks.turns import REQUESTS, SHORT, LeftOutError, Runner
from benchmarks.venvs import install, installed, python_of, versions

FIRST_MS = 100.0
"""From a request to the first text."""

PATIENCE_S = 60.0
"""How long a turn may take beyond the schedule, in seconds."""

CALL, SENDING, SENT = "before the call", "before sending", "sent"
"""From which moment a client counts; see docs/benchmarks-clients.md."""

BARE, TEXTUAL, OURS = "bare recv, Python", "Textual loop", ("streamscope, painting", "streamscope")

HEADINGS = (
    *("client", "clock", "counts from", "first text, fresh ms", "warm ms"),
    *("stamp p50 ms", "p99", "max", "p99 / bare", "Textual's p99 / this", "sure p99"),
    *("gap p50 ms", "p99", "max", "shared", "CPU s / 1,000", "server late p99 ms"),
)


@dataclass(frozen=True)
class Client:
    """A client under comparison.

    Attributes:
        name: As the table calls it.
        zero: The moment from which it counts.
        runner: How it gets its turn; ``None`` if it can't have one.
        missing: Why it can't.
    """

    name: str
    zero: str
    runner: Runner | None
    missing: str = ""


def clients(folder: Path, tools: Path | None, vllm: str) -> Iterator[Client]:
    """Yield all clients, those that are not there among them.

    Args:
        folder: For what is compiled.
        tools: Where the environments of the tools are.
        vllm: A command that runs vLLM; empty for none.
    """
    yield Client(OURS[0], SENT, turns.app)
    yield Client(OURS[1], SENT, partial(turns.reader, "streamscope"))
    yield Client(BARE, SENDING, partial(turns.reader, "bare"))
    try:
        yield Client("bare recv, C", SENDING, partial(turns.bare_c, turns.compile_bare(folder)))
    except LeftOutError as why:
        yield Client("bare recv, C", SENDING, None, str(why))
    yield Client("httpx aiter_lines", CALL, partial(turns.reader, "httpx-async"))
    yield Client("httpx iter_lines", CALL, partial(turns.reader, "httpx-sync"))
    yield Client("urllib lines", CALL, partial(turns.reader, "urllib"))
    yield Client(TEXTUAL, CALL, turns.textual)
    there = installed(tools)
    for package in ("openai", "ollama"):
        python = python_of(tools, package) if tools and package in there else None
        runner = partial(turns.reader, package, python=python) if python else None
        yield Client(f"{package} client", CALL, runner, "not installed")
    for tool in TOOLS:
        name = tool.package
        if tools is None or name not in there:
            yield Client(name, CALL, None, "not installed")
        else:
            command = [str(python_of(tools, name).with_name(tool.script))]
            yield Client(name, CALL, partial(turns.tool, tool, command))
    if vllm:
        yield Client("vllm bench serve", CALL, partial(turns.tool, VLLM, shlex.split(vllm)))


def measure(
    found: Sequence[Client], gap_ms: float, length: int, rounds: int
) -> tuple[dict[str, Errors], dict[str, str]]:
    """Let the clients take turns; return errors by name, and why others have none."""
    errors: dict[str, Errors] = {}
    missing = {client.name: client.missing for client in found if client.runner is None}
    lengths = [str(count) for count in (*[SHORT] * (REQUESTS - 1), length)]
    arguments = ["--gap", f"{gap_ms:g}", "--first", f"{FIRST_MS:g}", "--lengths", *lengths]
    timeout_s = gap_ms * (length + 3 * SHORT) / 1e3 + PATIENCE_S
    for turn in range(rounds):
        for client in found:
            if client.runner is None or client.name in missing:
                continue
            print(f"gap {gap_ms:g} ms, round {turn + 1}: {client.name}", file=sys.stderr)
            try:
                report, answers = turns.take(client.runner, arguments, timeout_s)
                of = errors.setdefault(client.name, Errors())
                of.add(report.readings, answers, report.cpu_s)
            except (LeftOutError, ValueError) as why:
                missing[client.name] = f"failed: {why}"
    return errors, missing


def sheet(
    found: Sequence[Client],
    gap_ms: float,
    errors: Mapping[str, Errors],
    missing: Mapping[str, str],
) -> Sheet:
    """Return the table of one gap."""
    none = Errors()
    bare, textual = errors.get(BARE, none), errors.get(TEXTUAL, none)
    rows = [
        _row(client, errors[client.name], bare, textual)
        for client in found
        if client.name in errors
    ]
    most = max((len(each.gaps) for each in errors.values()), default=0)
    notes = [
        aims(name, errors[name].stamps, bare.stamps, textual.stamps)
        for name in OURS
        if name in errors
    ]
    notes += [f"{name}: left out, {why}." for name, why in missing.items()]
    title = f"Gap {gap_ms:g} ms, {most:,} gaps each"
    return Sheet(title, HEADINGS, rows, texts=3, notes=notes)


def _row(client: Client, of: Errors, bare: Errors, textual: Errors) -> list[str]:
    late, sure = three(of.late), three(of.sure)
    return [
        *(client.name, "+".join(sorted(of.clocks)), client.zero),
        *(number(middle(of.cold)), number(middle(of.warm))),
        *_three(of.stamps),
        number(ratio(of.stamps, bare.stamps), 2),
        number(ratio(textual.stamps, of.stamps), 1),
        number(sure[1] if sure else None),
        *_three(of.gaps),
        NONE if of.shared is None else str(of.shared),
        number(middle(of.cpu_s)),
        number(late[1] if late else None),
    ]


def _three(values: Sequence[float]) -> list[str]:
    return [number(value) for value in three(values) or (None, None, None)]


def main() -> None:
    """Measure and print, or install."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--install", type=Path, metavar="FOLDER", help="install the tools, and end")
    parser.add_argument("--tools", type=Path, metavar="FOLDER", help="where they were installed")
    parser.add_argument("--vllm", default="", metavar="COMMAND", help="runs vLLM's command line")
    parser.add_argument(
        "--gaps", type=float, nargs="+", default=[20.0, 5.0, 1.0, 0.2], help="in ms (20 5 1 0.2)"
    )
    parser.add_argument("--tokens", type=int, default=2000, help="of a long answer (2000)")
    parser.add_argument("--slow-tokens", type=int, help="the same at gaps of 20 ms and more (2000)")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each client (3)")
    parser.add_argument("--quick", action="store_true", help="one round of 200 tokens")
    parser.add_argument("--only", nargs="+", metavar="CLIENT", help="names as in the table")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables there")
    options = parser.parse_args()
    if options.install is not None:
        sys.exit(1 if install(options.install) else 0)
    tokens, rounds = (200, 1) if options.quick else (options.tokens, options.rounds)
    lines = machine(versions(options.tools, options.vllm))
    print("\n".join(lines))
    sheets: list[Sheet] = []
    console = wide_console()
    with tempfile.TemporaryDirectory() as name:
        found = list(clients(Path(name), options.tools, options.vllm))
        if options.only:
            found = [client for client in found if client.name in options.only]
        for gap_ms in options.gaps:
            slow = gap_ms >= 20 and options.slow_tokens and not options.quick
            length = options.slow_tokens if slow else tokens
            sheets.append(sheet(found, gap_ms, *measure(found, gap_ms, length, rounds)))
            show(console, sheets[-1])
            if options.markdown is not None:  # what there is, should the rest be stopped
                write(options.markdown, lines, sheets)


if __name__ == "__main__":
    main()
