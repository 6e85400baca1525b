"""How wrong the probe's times are, against a server that knows when it wrote.

The error of a stamp is the probe's time of a chunk minus the server's time just before the write
that brought it, both on the same monotonic clock, so it holds the write itself, the kernel's way
to the other socket, and whatever the reader adds. The error of a gap is how much longer or shorter
the gap between two stamps is than the one between their writes. Four readers take turns:

    floor      a blocking recv loop that does nothing else, in a process of its own
    headless   the probe, as ``streamscope run`` uses it
    app        the probe under the real app, which paints the answer at 120x40
    textual    httpx on the event loop of a Textual app: the usual way, for contrast

    python -m benchmarks.probe_error                 # gaps of 20, 5, 1 and 0.2 ms
    python -m benchmarks.probe_error --gaps 1 --chunks 2000 --rounds 5

*server late* is how late the writes themselves began: if its p99 is as long as a gap, the machine
could not keep the schedule, but the errors still hold. A read that comes late finds more than one
chunk, and there is one arrival time for all of them, that of the last: *shared* counts the others,
which a trace marks by the number of the read, and *sure* leaves them out.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.readers import Report
from benchmarks.schedule import MODEL, ROOT, Schedule, ScheduleServer, lateness_ms
from benchmarks.terminal import (
    READY,
    RUN_KEY,
    Terminal,
    environment,
    streamscope_command,
)
from streamscope.calibration import Written
from streamscope.history import History
from streamscope.measure.statistics import percentile
from streamscope.probe.client import Probe
from streamscope.probe.messages import Start
from streamscope.trace import Request, Target, Trace

PATIENCE_S = 20.0
"""How long anything may take beyond the schedule, in seconds."""


@dataclass(frozen=True)
class Reading:
    """The stamps of one answer.

    Attributes:
        model: Which request it answers.
        clock: Where the stamps come from: ``kernel``, or ``read``.
        stamps_ns: Arrival of each chunk, monotonic, in ns.
        reads: Number of the read that brought each; ``None`` if not known.
    """

    model: str
    clock: str
    stamps_ns: list[int]
    reads: list[int] | None


@dataclass
class Errors:
    """The errors of one reader at one gap, over all rounds, in ms.

    Attributes:
        stamps: Of every stamp.
        sure: Of the last stamp of each read: the others may have come at any time before.
        gaps: Of every gap.
        late: How late the server's writes began.
        clocks: Where the stamps came from.
        shared: Chunks that were not the last of their read; ``None`` if not known.
    """

    stamps: list[float] = field(default_factory=list)
    sure: list[float] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    clocks: set[str] = field(default_factory=set)
    shared: int | None = 0

    def add(self, reading: Reading, log: Written) -> None:
        """Hold one answer's stamps against the server's log.

        Raises:
            ValueError: Chunks are missing, so nothing can be said about the others.
        """
        if len(reading.stamps_ns) != len(log.before_ns):
            raise ValueError(
                f"{len(log.before_ns)} chunks were written, {len(reading.stamps_ns)} came"
            )
        errors = [
            (stamp - wrote) / 1e6
            for stamp, wrote in zip(reading.stamps_ns, log.before_ns, strict=True)
        ]
        self.stamps += errors
        self.gaps += [abs(after - before) for before, after in pairwise(errors)]
        self.late += lateness_ms(log)
        self.clocks.add(reading.clock)
        if reading.reads is None or self.shared is None:
            self.shared = None
        else:
            last = dict(zip(reading.reads, errors, strict=True)).values()
            self.sure += last
            self.shared += len(errors) - len(last)


def of_trace(trace: Trace) -> Reading:
    """Return the stamps of a trace.

    Raises:
        ValueError: The run did not end well.
    """
    if not trace.ok:
        raise ValueError(f"the run ended with {trace.ended}: {trace.fault}")
    return Reading(
        model=trace.model,
        clock=trace.clock,
        stamps_ns=[trace.sent_monotonic_ns + chunk.t_ns for chunk in trace.chunks],
        reads=[chunk.read for chunk in trace.chunks],
    )


def headless(server: ScheduleServer, length_s: float) -> Reading:
    """Measure with the probe, and nothing that paints."""

    async def run() -> Trace:
        probe = Probe()
        start = Start(
            run_id=uuid.uuid4().hex,
            target=Target(protocol="openai-chat", url=f"{server.url}/v1", model=MODEL),
            request=Request(prompt="x"),
            mode="stream",
        )
        try:
            async with asyncio.timeout(length_s + PATIENCE_S):
                return await probe.run(start)
        finally:
            await probe.close()

    return of_trace(asyncio.run(run()))


def app(server: ScheduleServer, length_s: float) -> Reading:
    """Measure with the real app in a terminal, and read the run out of its history."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        command = [*streamscope_command(), server.url, "--prompt", "Explain unified memory."]
        with Terminal(command, environment(home), home) as terminal:
            terminal.wait_for_picture(READY)
            terminal.press(RUN_KEY)
            log = server.wait_for_stream(length_s + PATIENCE_S)
            trace = _saved(home / "data" / "history.db", f"{MODEL}-{log.request}")
            terminal.quit()
    return of_trace(trace)


def _saved(file: Path, model: str) -> Trace:
    """Return the trace of a run once it is in the history."""
    deadline = time.monotonic() + PATIENCE_S
    with History.open(file) as history:
        while time.monotonic() < deadline:
            for row in history.recent(10):
                if row.mode == "stream" and not row.warmup:
                    trace = history.load(row.run_id).trace
                    if trace.model == model:
                        return trace
            time.sleep(0.1)
    raise TimeoutError(f"the run that {model} answered is not in the history")


def floor(server: ScheduleServer, length_s: float) -> Reading:
    """Measure with a loop that does nothing else."""
    with tempfile.TemporaryDirectory() as name:
        report = Path(name) / "report.json"
        subprocess.run(
            _reader("bare", server, report), check=True, cwd=ROOT, timeout=length_s + PATIENCE_S
        )
        return _reported(report)


def textual(server: ScheduleServer, length_s: float) -> Reading:
    """Measure on the event loop of a Textual app."""
    with tempfile.TemporaryDirectory() as name:
        report = Path(name) / "report.json"
        command = _reader("textual", server, report)
        with Terminal(command, environment(Path(name)), ROOT) as terminal:
            terminal.wait(length_s + PATIENCE_S)
        return _reported(report)


def _reader(name: str, server: ScheduleServer, report: Path) -> list[str]:
    return [sys.executable, "-m", "benchmarks.readers", name, server.url, str(report)]


def _reported(file: Path) -> Reading:
    report = Report(**json.loads(file.read_text()))
    return Reading(report.model, "read", report.stamps_ns, report.reads)


SITUATIONS: dict[str, Callable[[ScheduleServer, float], Reading]] = {
    "floor": floor,
    "headless": headless,
    "app": app,
    "textual": textual,
}


def table(gap_ms: float, errors: dict[str, Errors]) -> Table:
    """Return the errors at one gap; percentiles are of type 7."""
    count = len(errors["floor"].stamps)
    result = Table(title=f"gap {gap_ms:g} ms, {count} chunks each; all in ms", title_justify="left")
    for heading in ("reader", "clock", "shared"):
        result.add_column(heading)
    for heading in (
        *("stamp p50", "p99", "max", "p50 / floor", "p99 / floor", "sure p99", "max"),
        *("gap p50", "p99", "max", "server late p50", "p99", "max"),
    ):
        result.add_column(heading, justify="right")
    base = _three(errors["floor"].stamps)
    for name, each in errors.items():
        stamps = _three(each.stamps)
        result.add_row(
            name,
            "+".join(sorted(each.clocks)),
            "–" if each.shared is None else str(each.shared),
            *map(_ms, stamps),
            *(f"{ours / theirs:.2f}" for ours, theirs in zip(stamps[:2], base[:2], strict=True)),
            *(map(_ms, _three(each.sure)[1:]) if each.sure else ("–", "–")),
            *map(_ms, _three(each.gaps)),
            *map(_ms, _three(each.late)),
        )
    return result


def _three(values: list[float]) -> tuple[float, float, float]:
    ordered = sorted(values)
    return percentile(ordered, 0.5), percentile(ordered, 0.99), ordered[-1]


def _ms(value: float) -> str:
    return f"{value:.3f}"


def main() -> None:
    """Let the readers take turns; print a table for each gap."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--gaps", type=float, nargs="+", default=[20.0, 5.0, 1.0, 0.2], help="in ms (20 5 1 0.2)"
    )
    parser.add_argument(
        "--chunks",
        type=int,
        help="chunks of an answer (300 at 20 ms and more, 2000 below 1 ms, else 1000)",
    )
    parser.add_argument("--rounds", type=int, default=3, help="turns of each reader (3)")
    parser.add_argument("--only", nargs="+", choices=tuple(SITUATIONS), help="beside the floor")
    options = parser.parse_args()
    names = [name for name in SITUATIONS if not options.only or name in (*options.only, "floor")]
    console = Console()
    console = Console(width=max(console.width, 170))
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {sys.version.split()[0]}")
    for gap_ms in options.gaps:
        chunks = options.chunks or (300 if gap_ms >= 20 else 1000 if gap_ms >= 1 else 2000)
        schedule = Schedule(chunks, gap_ms)
        length_s = (schedule.first_ms + chunks * gap_ms) / 1e3
        errors: defaultdict[str, Errors] = defaultdict(Errors)
        for _ in range(options.rounds):
            for name in names:
                with ScheduleServer(schedule) as server:
                    reading = SITUATIONS[name](server, length_s)
                    errors[name].add(reading, server.log(reading.model))
        console.print(table(gap_ms, errors))


if __name__ == "__main__":
    main()
