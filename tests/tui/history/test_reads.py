"""The medians of a contest are of all its own pairs, and a group names each contest once."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from streamscope.history import Group, History
from streamscope.measure.conventions import Thresholds
from streamscope.trace import Fault, Run
from streamscope.tui.screens.history import reads
from streamscope.tui.screens.history.about import group_page

Keep = Callable[..., list[Run]]

PAIRS = 101
"""Two comparisons have more pairs than a group is judged by."""


def test_every_comparison_that_is_listed_has_medians_of_all_its_pairs(
    history: History, keep: Keep
) -> None:
    for first_s in (0.9, 0.5, 0.1):
        keep("Why?", pairs=1, first_s=first_s + 0.4, modes=("stream", "stream"))
        keep("Why?", pairs=PAIRS, first_s=first_s, modes=("stream", "stream"))
    rows = history.comparisons()

    found = reads.contest_medians(history, rows)
    assert [found[row.comparison_id].first for row in rows] == pytest.approx(
        [0.1, 0.5, 0.5, 0.9, 0.9, 1.3]
    )
    assert {(round(each.a or 0, 3), round(each.b or 0, 3)) for each in found.values()} == {
        (3.4, 3.5)
    }


def test_a_contest_without_a_whole_pair_has_no_medians(history: History, keep: Keep) -> None:
    fault = Fault(code="cut", sentence="The server closed the connection.")
    failed, _ = keep("Why?", pairs=1, fault=fault, modes=("stream", "stream"))
    usual = keep("Why?", pairs=1)[0]

    medians = reads.contest_medians(history, history.comparisons())
    assert medians == {failed.comparison_id: reads.Medians()}, "nothing that pools A and B"
    assert usual.comparison_id in reads.trend_medians(history, Group.of(usual), 9)


def test_a_contest_is_named_once_though_its_engine_was_restarted(
    history: History, keep: Keep
) -> None:
    for port in (50_001, 50_002, 50_003, 50_004):
        keep("Why?", pairs=1, modes=("stream", "stream"), engine="simulator", port=port)
    keep("Why?", pairs=1, against="large", modes=("stream", "stream"), engine="simulator")
    row = next(row for row in history.groups() if row.target.model == "tiny:1b")

    about = reads.about_group(history, row.group, Thresholds())
    said = group_page(row, about, datetime.now(UTC), 120).plain
    assert "enter opens: tiny:1b vs large, streaming vs streaming." in said
    assert len(history.comparisons(9, row.group)) == 5, "that is what it opens"
