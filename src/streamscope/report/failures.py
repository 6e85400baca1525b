"""Which runs failed, and why: in as few sentences as there are reasons."""

from collections.abc import Sequence

from streamscope.report.comparison import Comparison
from streamscope.report.words import plain
from streamscope.trace import Ended, Run

MOST_NAMED = 4
"""Runs that are named of those that failed alike."""

_ENDED: dict[Ended, str] = {
    "cancelled": "stopped",
    "filter": "the server withheld the rest",
    "incomplete": "the stream ended without its end mark",
    "error": "failed",
}


def failures(comparison: Comparison) -> list[str]:
    """Say which runs failed, and why: those that failed alike in one sentence."""
    alike: dict[str, list[Run]] = {}
    for run in comparison.runs:
        if not run.trace.ok:
            alike.setdefault(_why(run), []).append(run)
    return [
        f"{_which(runs[0]) if len(runs) == 1 else _many(runs)}: {why}"
        for why, runs in alike.items()
    ]


def _many(runs: Sequence[Run]) -> str:
    """Name runs that failed alike: ``5 runs (A, warm-up; A, pair 1; …; B, pair 2)``."""
    which = list(dict.fromkeys(_which(run) for run in runs))
    named = which if len(which) <= MOST_NAMED else [*which[: MOST_NAMED - 1], "…", which[-1]]
    return f"{len(runs)} runs ({'; '.join(named)})"


def _which(run: Run) -> str:
    return f"{run.channel}, warm-up" if run.warmup else f"{run.channel}, pair {run.pair}"


def _why(run: Run) -> str:
    trace = run.trace
    return plain(
        trace.fault.sentence if trace.fault else _ENDED.get(trace.ended or "error", "failed")
    )
