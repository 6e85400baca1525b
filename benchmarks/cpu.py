"""What an answer costs the processor, and what an app costs that only stands there.

Runs the real app in a pseudo-terminal of 120x40 and reads the processor time, user and system, of
the app and of the probe from the kernel: while nothing happens, during one streamed answer, and
while nothing happens after it. Linux only::

    python -m benchmarks.cpu                             # 2,000 tokens at 50 a second
    python -m benchmarks.cpu --tokens 500 --rate 100 --idle 10

The answer counts from the key press to the server's last write, with the prompt's warm-up in it,
which is one token on a server that may cache. The blocking run that follows is stopped.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.schedule import Schedule, ScheduleServer
from benchmarks.terminal import (
    READY,
    RUN_KEY,
    STOP_KEY,
    Terminal,
    children,
    cpu_s,
    environment,
    streamscope_command,
)

SETTLE_S = 3.0
"""How long after it could measure, or after a run, the app counts as idle."""


@dataclass(frozen=True)
class Usage:
    """Processor time of a stretch, in seconds."""

    what: str
    wall: float
    app: float
    probe: float
    written: float
    """Bytes that the app wrote to the terminal."""


class Meter:
    """Takes the processor time of an app and its probe."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        (self._probe,) = [
            pid for pid, line in children(terminal.pid).items() if "streamscope.probe" in line
        ]

    def during(self, what: str, action: Callable[[], object]) -> Usage:
        """Return what was used while something was done."""
        before = self._now()
        action()
        used = [after - then for after, then in zip(self._now(), before, strict=True)]
        return Usage(what, *used)

    def _now(self) -> list[float]:
        """Return time, both processor times, and bytes written, up to now."""
        terminal = self._terminal
        return [time.monotonic(), cpu_s(terminal.pid), cpu_s(self._probe), terminal.size]


def measure(tokens: int, rate: float, idle_s: float) -> list[Usage]:
    """Open the app, leave it alone, let it stream, leave it alone again."""
    schedule = Schedule(chunks=tokens, gap_ms=1e3 / rate)
    with tempfile.TemporaryDirectory() as name, ScheduleServer(schedule) as server:
        home = Path(name)
        command = [*streamscope_command(), server.url, "--prompt", "Explain unified memory."]
        with Terminal(command, environment(home), home) as terminal:
            terminal.wait_for_picture(READY)
            time.sleep(SETTLE_S)
            meter = Meter(terminal)
            usages = [meter.during("idle, before a run", lambda: time.sleep(idle_s))]

            def answer() -> None:
                terminal.press(RUN_KEY)
                server.wait_for_stream(tokens / rate + 20)

            usages.append(meter.during(f"{tokens:,} tokens at {rate:g}/s", answer))
            terminal.press(STOP_KEY)
            time.sleep(SETTLE_S)
            usages.append(meter.during("idle, after a run", lambda: time.sleep(idle_s)))
            terminal.quit()
    return usages


def table(usages: list[Usage]) -> Table:
    """Return processor time and shares of one core."""
    result = Table("", title="processor time, user and system", title_justify="left")
    for heading in (
        *("wall s", "app s", "probe s", "both s"),
        *("app % of a core", "probe %", "both %", "written kB/s"),
    ):
        result.add_column(heading, justify="right")
    for usage in usages:
        parts = (usage.app, usage.probe, usage.app + usage.probe)
        result.add_row(
            usage.what,
            f"{usage.wall:.1f}",
            *(f"{part:.3f}" for part in parts),
            *(f"{100 * part / usage.wall:.2f}" for part in parts),
            f"{usage.written / usage.wall / 1e3:.1f}",
        )
    return result


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tokens", type=int, default=2_000, help="of the answer (2000)")
    parser.add_argument("--rate", type=float, default=50.0, help="tokens a second (50)")
    parser.add_argument("--idle", type=float, default=30.0, help="seconds to stand idle (30)")
    options = parser.parse_args()
    console = Console()
    console = Console(width=max(console.width, 120))
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {sys.version.split()[0]}")
    console.print(table(measure(options.tokens, options.rate, options.idle)))


if __name__ == "__main__":
    main()
