"""One turn of each client: a process of its own that asks a known server a few times."""

import contextlib
import json
import os
import re
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.known import ROOT, Answer, KnownServer, Moment
from benchmarks.readings import Reading, Report, http_request, of_trace, understand
from benchmarks.terminal import (
    READY,
    Terminal,
    children,
    cpu_s,
    environment,
    streamscope_command,
)
from benchmarks.tool import Tool
from streamscope.history import History

SHORT = 20
"""Length of the answers to the first requests of a process, which only tell the first text."""

REQUESTS = 4
"""Requests of a process: a first one, warm ones, and a long one."""


COMPARE_KEY, ENTER_KEY = b"\x0e", b"\r"
COMPARE_READY = b"enter starts"
"""What the app shows once it wants to know how it is to compare."""


class Meter:
    """Takes the processor time of a process and its descendants during the last request."""

    def __init__(self) -> None:
        self.pid = 0
        self._at: dict[Moment, float] = {}

    def watch(self, moment: Moment, number: int) -> None:
        """Note the processor time so far, if the answer is the last one."""
        if number == REQUESTS and self.pid:
            self._at[moment] = _tree_cpu_s(self.pid)

    @property
    def cpu_s(self) -> float | None:
        """What the last answer took; ``None`` if that was missed."""
        if len(self._at) < 2:
            return None
        return self._at["done"] - self._at["begun"]


def _tree_cpu_s(pid: int) -> float:
    """Return the processor time of a process and its descendants that are alive."""
    try:
        total, below = cpu_s(pid), children(pid)
    except OSError:  # it ended in the meantime
        return 0.0
    return total + sum(map(_tree_cpu_s, below))


@dataclass(frozen=True)
class Turn:
    """What a client has for its turn.

    Attributes:
        server: Whom to ask.
        meter: Knows the processor time of a process that is not ours.
        folder: For files.
        timeout_s: For the whole turn.
    """

    server: KnownServer
    meter: Meter
    folder: Path
    timeout_s: float


class LeftOutError(Exception):
    """A client could not be measured; the text says why, in a few words."""


def reader(name: str, turn: Turn, python: Path | None = None) -> Report:
    """Let one of the readers ask, with this Python or another."""
    file = turn.folder / "report.json"
    command = [
        *(str(python or sys.executable), "-m", "benchmarks.client_readers"),
        *(name, turn.server.url, str(REQUESTS), str(file)),
    ]
    run_program(command, turn, ROOT)
    return _report(file)


def textual(turn: Turn) -> Report:
    """Let the reader on a Textual event loop ask, in a terminal."""
    file = turn.folder / "report.json"
    command = [
        *(sys.executable, "-m", "benchmarks.client_readers"),
        *("textual", turn.server.url, str(REQUESTS), str(file)),
    ]
    with Terminal(command, environment(turn.folder), ROOT) as terminal:
        terminal.wait(turn.timeout_s)
    return _report(file)


def _report(file: Path) -> Report:
    said = json.loads(file.read_text())
    return Report([Reading(**reading) for reading in said["readings"]], said["cpu_s"])


def bare_c(program: Path, turn: Turn) -> Report:
    """Let the loop in C ask."""
    request = turn.folder / "request"
    request.write_bytes(http_request(turn.server.url))
    parts = urlsplit(turn.server.url)
    command = [str(program), str(parts.hostname), str(parts.port), str(request), str(REQUESTS)]
    return parse_bare(run_program(command, turn, turn.folder))


def parse_bare(output: bytes) -> Report:
    """Return what the loop in C noted."""
    readings = []
    cpu_ns = 0
    at = 0
    while at < len(output):
        zero, cpu_ns, count = struct.unpack_from("<3q", output, at)
        at += 24
        reads = struct.unpack_from(f"<{2 * count}q", output, at)
        at += 16 * count
        arrivals = []
        for stamp, size in zip(reads[::2], reads[1::2], strict=True):
            arrivals.append((stamp, output[at : at + size]))
            at += size
        readings.append(Reading(zero, *understand(arrivals)))
    return Report(readings, cpu_ns / 1e9)


def app(turn: Turn) -> Report:
    """Let the real app ask, which paints all of it, and read the runs out of its history.

    It is told to compare three pairs, after one warm-up: the first request of its probe.
    """
    home = turn.folder
    config = home / "config" / "config.toml"
    config.parent.mkdir()
    config.write_text(f"[comparison]\nrepeat = {REQUESTS - 1}\nwarmup = 1\n")
    command = [*streamscope_command(), turn.server.url, "--prompt", "Explain unified memory."]
    with Terminal(command, environment(home), home) as terminal:
        turn.meter.pid = terminal.pid
        terminal.wait_for_picture(READY)
        before = terminal.size
        terminal.press(COMPARE_KEY)
        terminal.wait_for(COMPARE_READY, before)
        terminal.press(ENTER_KEY)
        turn.server.streamed(REQUESTS, turn.timeout_s)
        readings = _saved(home / "data" / "history.db", turn.timeout_s)
        terminal.quit()
    return Report(readings, turn.meter.cpu_s)


def _saved(file: Path, timeout_s: float) -> list[Reading]:
    """Return the readings of the first streamed runs once they are in the history."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        with History.open(file) as history:
            rows = [row for row in history.recent(100) if row.mode == "stream"]
            if len(rows) >= REQUESTS:
                traces = [history.load(row.run_id).trace for row in rows]
                traces.sort(key=lambda trace: trace.sent_monotonic_ns)
                return [of_trace(trace) for trace in traces[:REQUESTS]]
        time.sleep(0.1)
    raise LeftOutError("the runs did not come into the history")


def tool(of: Tool, command: Sequence[str], turn: Turn) -> Report:
    """Run a tool; read its files."""
    run_tool(of, command, turn)
    return Report(of.readings(turn.folder), turn.meter.cpu_s)


def run_tool(of: Tool, command: Sequence[str], turn: Turn, requests: int = REQUESTS) -> None:
    """Run a tool as a process.

    Raises:
        LeftOutError: It failed.
    """
    arguments = of.arguments(turn.server.url, requests, turn.folder)
    run_program([*command, *arguments], turn, turn.folder)


def run_program(command: Sequence[str], turn: Turn, cwd: Path) -> bytes:
    """Run a program to its end; return what it wrote.

    Raises:
        LeftOutError: It failed, or took too long.
    """
    errors = turn.folder / "errors"
    with errors.open("wb") as sink:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=sink,
            cwd=cwd,
            env=_apart(turn.folder),
            start_new_session=True,
        )
        turn.meter.pid = process.pid
        try:
            output, _ = process.communicate(timeout=turn.timeout_s)
        except subprocess.TimeoutExpired as error:
            raise LeftOutError(f"did not end within {turn.timeout_s:.0f} s") from error
        finally:
            # Its session: tools start processes of their own.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if process.returncode:
        raise LeftOutError(
            last_words((errors.read_bytes() or output).decode(errors="replace"))
            or "failed without a word"
        )
    return output


def _apart(home: Path) -> Mapping[str, str]:
    """Return an environment in which nobody keeps anything, or goes through a proxy."""
    ours = {
        "HOME": str(home),
        "STREAMSCOPE_HOME": str(home),
        "COLUMNS": "160",
        "NO_COLOR": "1",
        "NO_PROXY": "127.0.0.1",
    }
    return {**os.environ, **ours}


def last_words(output: str) -> str:
    """Return the last line that tells of an error, else the last one, short, without folders."""
    lines = [line.strip(" │╰╯─╭╮\t") for line in output.splitlines()]
    told = [line for line in lines if any(letter.isalpha() for letter in line)]
    errors = [line for line in told if "error" in line.lower()]
    return re.sub(r"(/[\w.+-]+)+/", "", (errors or told or [""])[-1])[:160]


def compile_bare(folder: Path) -> Path:
    """Compile the loop in C.

    Raises:
        LeftOutError: There is no compiler, or it refuses.
    """
    program = folder / "bare"
    source = Path(__file__).with_name("bare.c")
    try:
        subprocess.run(
            ["cc", "-O2", "-o", str(program), str(source)], check=True, capture_output=True
        )
    except FileNotFoundError as error:
        raise LeftOutError("there is no C compiler (cc)") from error
    except subprocess.CalledProcessError as error:
        raise LeftOutError(last_words(error.stderr.decode())) from error
    return program


Runner = Callable[[Turn], Report]


def take(runner: Runner, arguments: Sequence[str], timeout_s: float) -> tuple[Report, list[Answer]]:
    """Give a client its turn with a server of its own; return its report and the server's log.

    Raises:
        LeftOutError: It could not be measured.
    """
    meter = Meter()
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name,
        KnownServer(arguments, meter.watch) as server,
    ):
        try:
            return runner(Turn(server, meter, Path(name), timeout_s)), server.streamed(REQUESTS)
        except (TimeoutError, OSError, ValueError, KeyError) as error:
            raise LeftOutError(last_words(str(error))) from error
