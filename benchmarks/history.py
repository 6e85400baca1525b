"""How long the history takes to list runs and to pool figures.

Fills a temporary database with synthetic runs and prints the median time of each read::

    python benchmarks/history.py            # 100,000 runs, spread over 500 prompts
    python benchmarks/history.py 20000 --prompts 1
"""

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table

from streamscope.history import Group, History
from streamscope.history.database import open_database
from streamscope.history.insert import insert_run
from streamscope.history.migrations import transaction
from streamscope.history.schema import STEPS
from streamscope.trace import Chunk, Request, Run, Target, Tokens, Trace

NAMES = ("ttfv_s", "t_any_s", "total_s", "gap_p50_ms", "gap_p95_ms", "visible_tok_per_s")
START = datetime(2026, 1, 1, tzinfo=UTC)
BATCH = 1000


def synthetic_run(number: int, prompts: int, chance: random.Random) -> Run:
    """Return run ``number`` of a made-up history in which pairs go round the ``prompts``."""
    pair = number // 2
    chunks = [Chunk(i * 20_000_000, "answer", f"word{i} ", i) for i in range(40)]
    return Run(
        run_id=f"{number:032x}",
        comparison_id=f"{pair // 6:032x}",
        channel="B" if number % 2 else "A",
        target=Target(protocol="ollama-chat", url="http://127.0.0.1:11434", model="gemma4:e2b"),
        request=Request(
            prompt=f"Explain topic {pair % prompts} in 400 words, plainly.", temperature=0.2
        ),
        pair=pair % 6 + 1,
        position=number % 2 + 1,
        trace=Trace(
            mode="blocking" if number % 2 else "stream",
            started_utc=(START + timedelta(seconds=20 * number)).isoformat(),
            marks={"sent": 0, "done": 800_000_000},
            chunks=chunks,
            ended="stop" if chance.random() < 0.95 else "cancelled",
            tokens=Tokens(prompt=20, output=40),
        ),
    )


def fill(path: Path, runs: int, prompts: int) -> None:
    """Write ``runs`` synthetic runs to a new database at ``path``, many in one transaction."""
    chance = random.Random(1)
    with closing(open_database(path, STEPS).connection) as connection:
        for first in range(0, runs, BATCH):
            with transaction(connection):
                for number in range(first, min(first + BATCH, runs)):
                    run = synthetic_run(number, prompts, chance)
                    insert_run(connection, run, {name: chance.random() for name in NAMES})


def milliseconds(read: Callable[[], object], repeats: int) -> list[float]:
    """Return how long each of ``repeats`` calls of ``read`` took, in ms, after one unmeasured."""
    read()
    times = []
    for _ in range(repeats):
        began = time.perf_counter_ns()
        read()
        times.append((time.perf_counter_ns() - began) / 1e6)
    return times


def main() -> None:
    """Fill, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("runs", type=int, nargs="?", default=100_000, help="how many runs")
    parser.add_argument("--prompts", type=int, default=500, help="how many different prompts")
    parser.add_argument("--repeats", type=int, default=9, help="how often each read is timed")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "history.db"
        began = time.perf_counter()
        fill(path, options.runs, options.prompts)
        print(
            f"{options.runs:,} runs of {options.prompts:,} prompts written in "
            f"{time.perf_counter() - began:.0f} s, {path.stat().st_size / 1e6:.0f} MB",
            file=sys.stderr,
        )
        newest = synthetic_run(options.runs - 1, options.prompts, random.Random(1))
        group = Group.of(newest)
        with History.open(path) as history:
            last = history.recent(200)[-1].run_id
            reads: dict[str, Callable[[], object]] = {
                "open and close": lambda: History.open(path).close(),
                "count": history.count,
                "list: newest 200": lambda: history.recent(200),
                "list: the next 200": lambda: history.recent(200, before=last),
                "list: newest 200 of a group": lambda: history.recent(200, group),
                "values: 6 figures of a group": lambda: history.values(group, NAMES),
                "last pair of a group": lambda: history.last_pair(group),
                "load one run": lambda: history.load(newest.run_id),
                "prompts: newest 200": history.prompts,
                "prompts: nothing found": lambda: history.prompts("no such words"),
            }
            table = Table("read", "median ms", "slowest ms")
            for name, read in reads.items():
                times = milliseconds(read, options.repeats)
                table.add_row(name, f"{statistics.median(times):.1f}", f"{max(times):.1f}")
        Console().print(table)


if __name__ == "__main__":
    main()
