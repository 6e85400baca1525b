"""A line of the history says in a word how a run ended, and whether it counts."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from streamscope.history import ComparisonRow, Group, Part
from streamscope.trace import BUSY_FLAG, Ended, Run, Trace
from streamscope.tui.screens.history.lines import COMPARISON_COLUMNS, comparison_cells, run_cells
from streamscope.tui.screens.history.reads import Medians

if TYPE_CHECKING:
    from streamscope.tui.ended import EndedRun


NOW = datetime(2026, 1, 2, tzinfo=UTC)


def comparison(run: Run, *, busy: int = 0, failed: int = 0, failed_pairs: int = 0) -> ComparisonRow:
    """A comparison that a run belongs to."""
    return ComparisonRow(
        comparison_id="c" * 32,
        started_utc="2026-01-01T00:00:00.000000Z",
        group=Group.of(run),
        target=run.target,
        parts={"A": Part.of(run)},
        targets={"A": run.target},
        plan=None,
        pairs=0,
        runs=4,
        failed=failed,
        busy=busy,
        failed_pairs=failed_pairs,
        note="",
        tags=(),
    )


@pytest.mark.parametrize(
    ("ended", "busy", "said"),
    [
        ("stop", False, ("done", "")),
        ("stop", True, ("! busy", "$warn")),
        ("cancelled", True, ("stopped", "$warn")),
        ("error", True, ("failed", "$bad")),
    ],
)
def test_a_run_on_a_busy_machine_is_marked_with_a_word(
    build_stream: Callable[..., Trace],
    build_ended: "Callable[..., EndedRun]",
    ended: Ended,
    busy: bool,
    said: tuple[str, str],
) -> None:
    trace = build_stream(ended=ended)
    if busy:
        trace.flags.append(BUSY_FLAG)
    shown = build_ended(trace)
    assert run_cells(shown.run, shown.figures)["ended"] == said


@pytest.mark.parametrize(("busy", "said"), [(0, ""), (3, "3")])
def test_busy_runs_of_a_comparison_are_counted(
    build_stream: Callable[..., Trace], build_ended: "Callable[..., EndedRun]", busy: int, said: str
) -> None:
    row = comparison(build_ended(build_stream()).run, busy=busy)
    cells = comparison_cells(row, Medians(), NOW)
    assert cells["busy"] == (said, "$warn")
    assert [column.needed for column in COMPARISON_COLUMNS if column.name == "busy"] == [False]


def test_pairs_that_failed_are_counted_not_their_runs(
    build_stream: Callable[..., Trace], build_ended: "Callable[..., EndedRun]"
) -> None:
    row = comparison(build_ended(build_stream()).run, failed=6, failed_pairs=3)
    assert comparison_cells(row, Medians(), NOW)["failed"] == ("3", "$bad")
