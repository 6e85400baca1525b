"""A replay shows either side's run, paced as an app would pace it, and says so."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from streamscope.measure.pacing import Pacing
from streamscope.trace import ChannelName, Trace
from streamscope.tui.replaying import PLAIN, Look, displayed, side_title

if TYPE_CHECKING:
    from streamscope.tui.ended import EndedRun

Build = Callable[..., Trace]
WHOLE = Pacing(kind="whole")


@pytest.fixture
def pair(
    build_stream: Build, build_blocking: Build, build_ended: Callable[..., "EndedRun"]
) -> dict[ChannelName, "EndedRun"]:
    return {"A": build_ended(build_stream()), "B": build_ended(build_blocking(), "B")}


def test_as_measured_nothing_is_touched(pair: dict[ChannelName, "EndedRun"]) -> None:
    assert displayed(pair, PLAIN) == pair


def test_a_stream_that_is_held_back_has_the_figures_of_what_is_seen(
    pair: dict[ChannelName, "EndedRun"],
) -> None:
    shown = displayed(pair, {"A": Look("A"), "B": Look("A", WHOLE)})
    assert shown["A"] is pair["A"]
    held = shown["B"]
    assert held.run.trace.text() == pair["A"].run.trace.text()
    first, end = held.figures["ttfv_s"], pair["A"].figures["done_s"]
    assert first is not None
    assert end is not None
    assert first >= end
    assert pair["A"].figures["ttfv_s"] == 0.63, "the measured run is what it was"


def test_a_pane_says_whose_answer_it_shows_and_how() -> None:
    assert side_title("A", Look("A", WHOLE)) == "A held back whole"
    assert side_title("B", Look("A", WHOLE)) == "B A's answer, held back whole"
