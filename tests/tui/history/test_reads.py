"""The medians of a contest are of all its own pairs, and of nothing else."""

from collections.abc import Callable

import pytest

from streamscope.history import Group, History
from streamscope.trace import Fault, Run
from streamscope.tui.screens.history import reads

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
