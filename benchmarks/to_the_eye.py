"""How long text takes from its arrival to the screen, in the real app in a pseudo-terminal.

The schedule server writes a long answer, the app paints it, and each piece has two times to the
eye. *By the app*: from the arrival to the frame that showed the piece first, when its bytes were
handed to the thread that writes to the terminal; that is what the app itself keeps with each run.
*Seen outside*: from the server's write to the read at the other end of the pseudo-terminal that
completed the piece's text; so it has the way to the app in it, and the writing. What a terminal
takes to draw, and a display to show it, is in neither. A whole answer is one piece: its end.

Linux and macOS. One command, table out; the aim is a p99 below 60 ms::

    python -m benchmarks.to_the_eye                       # 2,000 pieces at 200 a second
    python -m benchmarks.to_the_eye --rate 20 --pieces 400 --sizes 80x24
"""

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.machine import machine
from benchmarks.schedule import Schedule, ScheduleServer
from benchmarks.terminal import (
    READY,
    RUN_KEY,
    Terminal,
    cpu_s,
    environment,
    streamscope_command,
)
from streamscope.calibration import Written
from streamscope.history import History
from streamscope.measure.eye import shown
from streamscope.trace import Mode, Shown, Trace

PATIENCE_S = 20.0
"""How long anything may take beyond the schedule, in seconds."""

Size = tuple[int, int]
"""Columns and rows."""


@dataclass(frozen=True)
class Turn:
    """What one pair of runs came to.

    Attributes:
        inside: What the app says of each run, by mode.
        outside: What the other end of the terminal saw of the stream.
        missed: Pieces of the stream that never came out at that end: they scrolled past.
        cpu: Processor time of the app while the stream ran, as a share of one core.
    """

    inside: dict[Mode, Shown | None]
    outside: Shown | None
    missed: int
    cpu: float


def turn(schedule: Schedule, size: Size) -> Turn:
    """Let the app run one pair, in a terminal of a size."""
    length_s = (schedule.first_ms + schedule.chunks * schedule.gap_ms) / 1e3
    with tempfile.TemporaryDirectory() as name, ScheduleServer(schedule) as server:
        home = Path(name)
        command = [*streamscope_command(), server.url, "--prompt", "Explain unified memory."]
        with Terminal(command, environment(home), home, size) as terminal:
            terminal.wait_for_picture(READY)
            began_s, before_s = time.monotonic(), cpu_s(terminal.pid)
            terminal.press(RUN_KEY)
            written = server.wait_for_stream(length_s + PATIENCE_S)
            cpu = (cpu_s(terminal.pid) - before_s) / (time.monotonic() - began_s)
            traces = _pair(home / "data" / "history.db", length_s + PATIENCE_S)
            seen = _seen(terminal, written)
            terminal.quit()
    inside = {mode: trace.shown for mode, trace in traces.items()}
    return Turn(inside, shown(seen), len(written.pieces) - len(seen), cpu)


def _pair(file: Path, timeout_s: float) -> dict[Mode, Trace]:
    """Return the traces of a pair once both are in the history."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        with History.open(file) as history:
            ids = {row.mode: row.run_id for row in history.recent(10) if not row.warmup}
            if len(ids) == 2:
                return {mode: history.load(run_id).trace for mode, run_id in ids.items()}
        time.sleep(0.1)
    raise TimeoutError("the pair did not come into the history")


def _seen(terminal: Terminal, written: Written) -> list[tuple[int, int]]:
    """Return write and first sight of each piece that came out of the terminal."""
    seen = []
    after = 0
    for piece, write in zip(written.pieces, written.completed, strict=True):
        text = piece.strip().encode()
        try:
            end, now_ns = terminal.wait_for(text, after, 0.0)
        except TimeoutError:
            continue
        after = end - len(text)  # none of those that follow can have come before
        seen.append((written.before_ns[write], now_ns))
    return seen


def table(schedule: Schedule, turns: dict[Size, list[Turn]]) -> Table:
    """Return a line for each turn and mode, times in ms."""
    title = f"{schedule.chunks:,} pieces, {1e3 / schedule.gap_ms:g} a second; arrival to frame, ms"
    result = Table("size", "run", title=title, title_justify="left")
    for heading in (
        *("pieces", "frames", "p50", "p99", "max"),
        *("outside p50", "p99", "max", "never seen", "app % of a core"),
    ):
        result.add_column(heading, justify="right")
    for (columns, rows), each_turn in turns.items():
        for each in each_turn:
            for mode, inside in sorted(each.inside.items(), reverse=True):
                counts = ["–", "–"] if inside is None else [str(inside.chunks), str(inside.frames)]
                row = [f"{columns}x{rows}", mode, *counts, *_times(inside)]
                if mode == "stream":
                    row += [*_times(each.outside), str(each.missed), f"{100 * each.cpu:.0f}"]
                result.add_row(*row)
    return result


def _times(told: Shown | None) -> list[str]:
    if told is None:
        return ["–"] * 3
    return [f"{value / 1e6:.1f}" for value in (told.p50_ns, told.p99_ns, told.max_ns)]


def _size(text: str) -> Size:
    columns, _, rows = text.partition("x")
    return int(columns), int(rows)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pieces", type=int, default=2_000, help="of the answer (2000)")
    parser.add_argument("--rate", type=float, default=200.0, help="pieces a second (200)")
    parser.add_argument("--rounds", type=int, default=1, help="pairs at each size (1)")
    parser.add_argument(
        "--sizes", type=_size, nargs="+", default=[(120, 40), (200, 50)], help="120x40 200x50"
    )
    options = parser.parse_args()
    console = Console()
    console = Console(width=max(console.width, 120))
    for line in machine({}):
        print(line)
    schedule = Schedule(chunks=options.pieces, gap_ms=1e3 / options.rate)
    turns = {size: [turn(schedule, size) for _ in range(options.rounds)] for size in options.sizes}
    console.print(table(schedule, turns))


if __name__ == "__main__":
    main()
