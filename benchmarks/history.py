"""How long the history takes to list runs, groups and comparisons, and to pool figures.

Fills temporary databases with synthetic runs and prints the median and the slowest time of each
read, for a history of some hundred prompts, of one, and of as many as there are pairs::

    python benchmarks/history.py
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
PAGE = ("ttfv_s", "total_s")
START = datetime(2026, 1, 1, tzinfo=UTC)
BATCH = 1000


def synthetic_run(number: int, prompts: int, runs: int, chance: random.Random) -> Run:
    """Return run ``number`` of ``runs`` of a made-up history.

    Each comparison is about one of the ``prompts``, and has six pairs unless that makes too few.
    """
    pair = number // 2
    pairs = max(1, min(6, runs // 2 // prompts))
    chunks = [Chunk(i * 20_000_000, "answer", f"word{i} ", i) for i in range(40)]
    return Run(
        run_id=f"{number:032x}",
        comparison_id=f"c{pair // pairs:031x}",
        channel="B" if number % 2 else "A",
        target=Target(protocol="ollama-chat", url="http://127.0.0.1:11434", model="gemma4:e2b"),
        request=Request(
            prompt=f"Explain topic {pair // pairs % prompts} in 400 words, plainly.",
            temperature=0.2,
        ),
        pair=pair % pairs + 1,
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
                    run = synthetic_run(number, prompts, runs, chance)
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


def reads(history: History, newest: Run) -> dict[str, Callable[[], object]]:
    """Return what is timed, by name; ``newest`` is the newest run."""
    group = Group.of(newest)
    last = history.recent(200)[-1].run_id
    page = history.comparisons(50)[-1].comparison_id

    def delete_and_undo() -> None:
        history.delete(comparisons=[newest.comparison_id]).result()
        history.undo().result()

    return {
        "open and close": lambda: History.open(history.path).close(),
        "count": history.count,
        "newest 200 runs": lambda: history.recent(200),
        "the next 200": lambda: history.recent(200, before=last),
        "newest 200 of a group": lambda: history.recent(200, group),
        "6 figures of a group": lambda: history.values(group, NAMES),
        "last pair of a group": lambda: history.last_pair(*group.delivered()),
        "one run with its trace": lambda: history.load(newest.run_id),
        "newest 200 prompts": history.prompts,
        "prompts, nothing found": lambda: history.prompts("no such words"),
        "50 groups with medians": lambda: history.groups(50, names=PAGE),
        "50 groups far down": lambda: history.groups(50, names=PAGE, offset=40_000),
        "50 groups, two words": lambda: history.groups(50, names=PAGE, contains="topic gemma"),
        "groups, nothing found": lambda: history.groups(50, names=PAGE, contains="no such"),
        "groups, unknown tag": lambda: history.groups(50, names=PAGE, contains="#unknown"),
        "newest 50 comparisons": history.comparisons,
        "the next 50": lambda: history.comparisons(before=page),
        "50 comparisons of a group": lambda: history.comparisons(50, group),
        "newest 200 pairs of a group": lambda: history.pairs(*group.delivered(), PAGE),
        "trend of a group": lambda: history.trend(group, "ttfv_s"),
        "a comparison with its runs": lambda: history.comparison(newest.comparison_id),
        "find by id": lambda: history.find(newest.comparison_id),
        "delete a comparison, undo": delete_and_undo,
    }


def timed(runs: int, prompts: int, repeats: int) -> dict[str, list[float]]:
    """Return how long each read takes in a history of so many runs and prompts, in ms."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "history.db"
        began = time.perf_counter()
        fill(path, runs, prompts)
        print(
            f"{runs:,} runs of {prompts:,} prompts written in "
            f"{time.perf_counter() - began:.0f} s, {path.stat().st_size / 1e6:.0f} MB",
            file=sys.stderr,
        )
        newest = synthetic_run(runs - 1, prompts, runs, random.Random(1))
        with History.open(path) as history:
            named = reads(history, newest)
            return {name: milliseconds(read, repeats) for name, read in named.items()}


def main() -> None:
    """Fill, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("runs", type=int, nargs="?", default=100_000, help="how many runs")
    parser.add_argument(
        "--prompts",
        type=int,
        nargs="+",
        default=[500, 1, 50_000],
        help="how many different prompts; a history for each",
    )
    parser.add_argument("--repeats", type=int, default=9, help="how often each read is timed")
    options = parser.parse_args()

    columns = [timed(options.runs, prompts, options.repeats) for prompts in options.prompts]
    table = Table("ms, median / slowest")
    for prompts in options.prompts:
        table.add_column(f"{prompts:,} prompt{'s' if prompts > 1 else ''}", justify="right")
    for name in columns[0]:
        cells = (f"{statistics.median(each[name]):.1f} / {max(each[name]):.1f}" for each in columns)
        table.add_row(name, *cells)
    Console().print(table)


if __name__ == "__main__":
    main()
