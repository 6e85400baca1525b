"""A line of the history says in a word how a run ended, and whether it counts."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from streamscope.trace import BUSY_FLAG, Ended, Trace
from streamscope.tui.screens.history.lines import run_cells

if TYPE_CHECKING:
    from streamscope.tui.ended import EndedRun


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
