"""How long a person looks at nothing: from the command to the first picture, and to a useful one.

Starts streamscope and a minimal Textual app (one ``Static``) by turns in a pseudo-terminal of
120x40, with the same Python, and takes the time from just before the process is started until what
belongs to a picture has been written. streamscope has three:

    frame    the borders of both panes and of the prompt, and its name: the first picture
    filled   what stands in a pane at rest, and the footer: nothing is missing any more
    ready    the server that was named has answered: a prompt can be measured

The minimal app has one. The aim is a frame after at most 1.5 times as long. *processor* is what
the process had used by then, which a busy machine changes less. After that come the imports::

    python -m benchmarks.first_paint [--starts 15] [--imports 5]

Import times come from ``-X importtime``, which itself slows imports down: compare them with each
other, not with the times above. They are those before the frame. The first start of each app is
not counted: it compiles what it imports, into a cache of its own.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.schedule import Schedule, ScheduleServer
from benchmarks.terminal import (
    FILLED,
    FRAME,
    READY,
    Terminal,
    cpu_s,
    environment,
    streamscope_command,
)
from streamscope.measure.statistics import median, percentile

AIM = 1.5

MINIMAL = """
from textual.app import App
from textual.widgets import Static


class Minimal(App[None]):
    def compose(self):
        yield Static("the first picture")


if __name__ == "__main__":
    Minimal().run()
"""

Pictures = dict[str, tuple[bytes, ...]]
"""What shows that a picture is complete, by its name."""

BASE, FIRST = "minimal", "frame"
MINIMAL_PICTURES: Pictures = {BASE: (b"the first picture",)}
PICTURES: Pictures = {FIRST: FRAME, "filled": FILLED, "ready": READY}

APP_IMPORTS = "import streamscope.cli, streamscope.cli.screen, streamscope.tui.app"
"""What the command imports before its frame."""

MINIMAL_IMPORTS = (
    "import textual.app, textual.widgets; from textual.widgets import Static; "
    "import textual.drivers.linux_driver"
)
"""What the minimal app imports before its own."""

PYTHON = "Python itself"
SHOWN = 12


@dataclass
class Starts:
    """Times until one picture, in ms: on the clock from the start, and of the processor."""

    clock: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)


def start(
    command: list[str], pictures: Pictures, home: Path, env: dict[str, str]
) -> dict[str, tuple[float, float]]:
    """Start a program; return clock and processor time of each of its pictures, in ms."""
    found: dict[str, tuple[float, float]] = {}
    with Terminal(command, env, home) as terminal:
        for name, markers in pictures.items():
            at = terminal.wait_for_picture(markers)
            found[name] = ((at - terminal.started_ns) / 1e6, cpu_s(terminal.pid) * 1e3)
    return found


def starts(count: int, home: Path, env: dict[str, str]) -> dict[str, Starts]:
    """Start both programs by turns, ``count`` times each after one that is not counted."""
    found: defaultdict[str, Starts] = defaultdict(Starts)
    script = home / "minimal.py"
    script.write_text(MINIMAL)
    with ScheduleServer(Schedule(chunks=1, gap_ms=1.0)) as server:
        programs = (
            ([sys.executable, str(script)], MINIMAL_PICTURES),
            ([*streamscope_command(), server.url], PICTURES),
        )
        for turn in range(count + 1):
            for command, pictures in programs:
                for name, (clock, cpu) in start(command, pictures, home, env).items():
                    if turn:
                        found[name].clock.append(clock)
                        found[name].cpu.append(cpu)
    return found


# ---------------------------------------------------------------------------------------- imports


@dataclass(frozen=True)
class Import:
    """The import of a module, in ms.

    Attributes:
        own: Itself, without what it imported first.
        added: With everything that it imported first and that was not to be left out.
    """

    own: float
    added: float


def imports(
    statement: str, repeats: int, env: dict[str, str], without: Collection[str] = ()
) -> dict[str, Import]:
    """Return the median cost of every module that a statement imports.

    Args:
        statement: The imports.
        repeats: How often they are measured, each in a fresh process.
        env: The environment of those.
        without: Modules that count for nothing.
    """
    own: dict[tuple[str, int], list[float]] = {}
    for _ in range(repeats):
        rows = import_rows(statement, env)
        for row in rows:
            own.setdefault(row.key, []).append(0.0 if row.key[0] in without else row.own)
    # The median of a sum would hold what the machine did in between, which the medians leave out.
    added: dict[tuple[str, int], float] = {}
    costs: dict[str, Import] = {}
    for row in rows:
        alone = median(own[row.key])
        added[row.key] = alone + sum(added[part] for part in row.parts)
        costs[row.key[0]] = Import(alone, added[row.key])
    return costs


@dataclass(frozen=True)
class Row:
    """One line of ``-X importtime``: a module and how often it stood there before (rarely)."""

    key: tuple[str, int]
    own: float
    parts: list[tuple[str, int]]


def import_rows(statement: str, env: dict[str, str]) -> list[Row]:
    """Return what a fresh process imports, each module after those that it imported first."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", statement],
        check=True,
        capture_output=True,
        text=True,
        env=env,
    )
    rows: list[Row] = []
    seen: Counter[str] = Counter()
    # What a module imported first stands above it and is indented by two more.
    waiting: dict[int, list[tuple[str, int]]] = {}
    for line in done.stderr.splitlines():
        columns = line.removeprefix("import time:").split("|")
        if len(columns) != 3 or not columns[0].strip().isdecimal():
            continue
        name = columns[2].strip()
        depth = len(columns[2]) - len(columns[2].lstrip())
        row = Row((name, seen[name]), int(columns[0]) / 1e3, waiting.pop(depth + 2, []))
        waiting.setdefault(depth, []).append(row.key)
        seen[name] += 1
        rows.append(row)
    return rows


def package(module: str) -> str:
    """Return the package that a module belongs to; all of Python's own count as one."""
    top = module.partition(".")[0]
    return PYTHON if top in sys.stdlib_module_names else top


def import_tables(repeats: int, env: dict[str, str]) -> list[Table]:
    """Return what the imports of the app cost: by package, and beyond those of a minimal app."""
    base = imports(MINIMAL_IMPORTS, repeats, env)
    ours = imports(APP_IMPORTS, repeats, env)
    beyond = imports(APP_IMPORTS, repeats, env, without=base)
    packages = Table("package", title="imports by package, ms", title_justify="left")
    packages.add_column("streamscope", justify="right")
    packages.add_column("minimal", justify="right")
    sums = [by_package(ours), by_package(base)]
    for name in sorted(sums[0], key=lambda name: -sums[0][name])[:SHOWN]:
        packages.add_row(name, *(f"{each.get(name, 0.0):.1f}" for each in sums))
    packages.add_row("all", *(f"{sum(each.values()):.1f}" for each in sums))
    return [
        packages,
        largest("largest imports of streamscope, ms", ours),
        largest("largest that a minimal app does without, ms", beyond),
    ]


def by_package(found: dict[str, Import]) -> dict[str, float]:
    """Return the time of each package's own modules, in ms."""
    sums: dict[str, float] = {}
    for name, cost in found.items():
        sums[package(name)] = sums.get(package(name), 0.0) + cost.own
    return sums


def largest(title: str, found: dict[str, Import]) -> Table:
    """Return the largest imports with what they bring; Python's own modules are in their sums."""
    result = Table("module", title=title, title_justify="left")
    result.add_column("with what it imports first", justify="right")
    result.add_column("own", justify="right")
    names = [name for name in found if package(name) != PYTHON]
    for name in sorted(names, key=lambda name: -found[name].added)[:SHOWN]:
        result.add_row(name, f"{found[name].added:.1f}", f"{found[name].own:.1f}")
    return result


def start_table(found: dict[str, Starts]) -> Table:
    """Return the times of all pictures and their ratios to the minimal app's."""
    result = Table("picture", title="from command to picture, ms", title_justify="left")
    for heading in (
        *("n", "median", "p10", "p90", "fastest", "ratio"),
        *("processor: median", "least", "ratio"),
    ):
        result.add_column(heading, justify="right")
    base = found[BASE]
    for name, times in found.items():
        clock = sorted(times.clock)
        result.add_row(
            name,
            str(len(clock)),
            *(f"{percentile(clock, share):.0f}" for share in (0.5, 0.1, 0.9, 0.0)),
            f"{median(clock) / median(base.clock):.2f}",
            *(f"{ms:.0f}" for ms in (median(times.cpu), min(times.cpu))),
            f"{median(times.cpu) / median(base.cpu):.2f}",
        )
    return result


def main() -> None:
    """Start, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--starts", type=int, default=15, help="starts of each program (15)")
    parser.add_argument("--imports", type=int, default=5, help="repeats of the imports; 0 for none")
    options = parser.parse_args()
    console = Console()
    console = Console(width=max(console.width, 120))
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {sys.version.split()[0]}")
    with tempfile.TemporaryDirectory() as name:
        env = environment(Path(name), bytecode=True)
        found = starts(options.starts, Path(name), env)
        console.print(start_table(found))
        ratio = median(found[FIRST].clock) / median(found[BASE].clock)
        print(f"{FIRST} to {BASE}: {ratio:.2f}; the aim is at most {AIM}\n")
        if options.imports:
            for table in import_tables(options.imports, env):
                console.print(table)


if __name__ == "__main__":
    main()
