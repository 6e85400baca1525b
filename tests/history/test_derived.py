"""What is kept beside the runs, to sort lists by, is what the runs say, after every change."""

import itertools
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamscope.history import Group, edits
from streamscope.history.database import open_database
from streamscope.history.insert import import_runs, insert_run
from streamscope.history.schema import STEPS
from streamscope.trace import Run

MakeRun = Callable[..., Run]

PARTS = "SELECT group_id, comparison_id, newest_utc, pairs FROM parts ORDER BY 1, 2"
TRUE_PARTS = """
SELECT group_id, comparison_id, max(started_utc), (
    SELECT count(*) FROM (
        SELECT pair FROM kept_runs AS one
        WHERE one.group_id = runs.group_id AND one.comparison_id = runs.comparison_id
            AND left_out = '' GROUP BY pair HAVING count(DISTINCT mode) = 2))
FROM kept_runs AS runs GROUP BY group_id, comparison_id ORDER BY 1, 2
"""
NEWEST = """
SELECT 'group', group_id, newest_utc FROM groups
UNION ALL SELECT 'comparison', comparison_id, newest_utc FROM comparisons
UNION ALL SELECT 'prompt', prompt_id, newest_utc FROM prompts ORDER BY 1, 2
"""
TRUE_NEWEST = """
SELECT 'group', group_id, coalesce(max(started_utc), '')
FROM groups LEFT JOIN kept_runs USING (group_id) GROUP BY group_id
UNION ALL SELECT 'comparison', comparisons.comparison_id, coalesce(max(started_utc), '')
FROM comparisons LEFT JOIN kept_runs USING (comparison_id) GROUP BY comparisons.comparison_id
UNION ALL SELECT 'prompt', prompt_id, coalesce(max(started_utc), '')
FROM prompts LEFT JOIN (kept_runs JOIN groups USING (group_id)) USING (prompt_id)
GROUP BY prompt_id ORDER BY 1, 2
"""

few = st.integers(0, 1)
saving = st.tuples(
    st.just("save"),
    st.sampled_from(["stream", "blocking"]),
    st.sampled_from(["stop", "stop", "stop", "error"]),
    st.integers(0, 2),
    few,
    few,
    st.integers(0, 5),
)
changing = st.tuples(
    st.sampled_from(
        [
            "delete run",
            "delete run",
            "delete run",
            "delete comparison",
            "delete group",
            "import",
            "remove",
        ]
    ),
    st.integers(0, 19),
)
undoing, purging = st.just(("undo",)), st.just(("purge",))
# Runs first, so that there is something to change.
changes = st.builds(
    list.__add__,
    st.lists(saving, min_size=6, max_size=16),
    st.lists(saving | changing | undoing | changing | purging, min_size=5, max_size=20),
)


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(open_database(path, STEPS).connection) as connection:
        yield connection


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(changes=changes)
def test_it_follows_every_change(
    connection: sqlite3.Connection, make_run: MakeRun, changes: list[tuple[object, ...]]
) -> None:
    runs: list[Run] = []
    numbers = itertools.count()
    connection.execute("BEGIN")
    try:
        for change in changes:
            match change:
                case "save", mode, ended, prompt, comparison, pair, second:
                    run = make_run(
                        mode,
                        ended,
                        # One prompt of two groups, and one of one.
                        prompt=f"prompt {prompt == 2}",
                        request={"seed": prompt},
                        run_id=f"run {next(numbers)}",
                        comparison_id=f"comparison {comparison}",
                        pair=pair,
                        trace={"started_utc": f"2026-10-17T12:00:0{second}Z"},
                    )
                    insert_run(connection, run, {"a": 1.0})
                    runs.append(run)
                case ("undo",):
                    edits.undo(connection)
                case ("purge",):
                    connection.execute("UPDATE deletions SET deleted_utc = '2020'")
                    edits.purge(connection)
                case what, int(number) if runs:
                    run = runs[number % len(runs)]
                    match what:
                        case "delete run":
                            edits.delete(connection, [run.run_id], [], [])
                        case "delete comparison":
                            edits.delete(connection, [], [run.comparison_id], [])
                        case "delete group":
                            edits.delete(connection, [], [], [Group.of(run)])
                        case "import":
                            import_runs(connection, [(run, {})])
                        case "remove":
                            # As a person may do by hand.
                            connection.execute("DELETE FROM runs WHERE run_id = ?", (run.run_id,))
            for kept, true in ((PARTS, TRUE_PARTS), (NEWEST, TRUE_NEWEST)):
                assert rows(connection, kept) == rows(connection, true)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    finally:
        connection.execute("ROLLBACK")


def rows(connection: sqlite3.Connection, sql: str) -> list[tuple[object, ...]]:
    return [tuple(row) for row in connection.execute(sql)]
