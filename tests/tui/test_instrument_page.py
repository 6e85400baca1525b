"""What the instrument says of its own error is what runs and calibration hold, and no more."""

from collections.abc import Callable

import pytest

from streamscope.calibration import Calibration
from streamscope.report.error_words import NO_CLOCK
from streamscope.trace import SUMMARY_FLAG, ChannelName, Shown, Trace
from streamscope.tui.ended import EndedRun
from streamscope.tui.instrument_page import CALIBRATE, CLOCKS, instrument_page, shown_words

Build = Callable[..., Trace]
Pair = dict[ChannelName, EndedRun]

MS = 1_000_000
SHOWN = Shown(chunks=60, frames=41, p50_ns=24 * MS, p99_ns=48 * MS, max_ns=51 * MS)


@pytest.fixture
def pair(build_stream: Build, build_blocking: Build, build_ended: Callable[..., EndedRun]) -> Pair:
    """A stream that was seen, and an answer that nobody looked at."""
    stream = build_stream()
    stream.shown, stream.error_ns_p99 = SHOWN, 48_000
    return {"A": build_ended(stream), "B": build_ended(build_blocking(), "B")}


def test_it_says_where_times_come_from_and_how_wrong_they_may_be(pair: Pair) -> None:
    a, b, *_ = instrument_page(pair, None).plain.split("\n\n")
    assert CLOCKS["kernel"] in a
    assert "good to ±0.05 ms (p99)" in a
    assert "was not known when it was measured" in b


def test_of_a_summary_it_says_that_its_clock_is_not_known(pair: Pair) -> None:
    pair["B"].run.trace.flags = [SUMMARY_FLAG]
    _, b, *_ = instrument_page(pair, None).plain.split("\n\n")
    assert NO_CLOCK in b
    assert not any(said in b for said in CLOCKS.values())


def test_it_says_how_long_text_took_to_the_screen(pair: Pair) -> None:
    a, b, *rest = instrument_page(pair, None).plain.split("\n\n")
    assert "On screen 24 ms later, p99 48, at worst 51: 60 pieces in 41 frames." in a
    assert "was not seen" in b
    assert "handed to the terminal" in rest[-1]


def test_without_anything_seen_it_does_not_explain_what_seen_means(pair: Pair) -> None:
    assert "handed to the terminal" not in instrument_page({"B": pair["B"]}, None).plain


def test_a_machine_that_was_not_calibrated_can_be(pair: Pair) -> None:
    assert CALIBRATE in instrument_page(pair, None).plain


def test_a_calibration_is_told_with_its_day(pair: Pair, calibration: Calibration) -> None:
    said = instrument_page(pair, calibration).plain
    assert "±0.05 ms" in said
    assert "(calibrated 2026-01-02)" in said
    assert CALIBRATE not in said


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        (SHOWN, "on screen 24 ms later, p99 48"),
        (
            Shown(chunks=1, frames=1, p50_ns=18 * MS, p99_ns=18 * MS, max_ns=18 * MS),
            "on screen 18 ms later",
        ),
        (
            Shown(chunks=1, frames=1, p50_ns=400_000, p99_ns=400_000, max_ns=400_000),
            "on screen 0.4 ms later",
        ),
    ],
)
def test_one_moment_has_no_percentiles(shown: Shown, said: str) -> None:
    assert shown_words(shown) == said
