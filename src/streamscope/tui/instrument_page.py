"""What the instrument knows of its own error in a pair: clocks, calibration, observer, screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from textual.content import Content

from streamscope.measure.values import NS_PER_MS
from streamscope.report.calibration_words import remarks, summary
from streamscope.report.error_words import NO_CLOCK, NOT_CALIBRATED, how_good
from streamscope.report.evidence_words import buffering_words, observer_words
from streamscope.tui.evidence import SIDES, headings
from streamscope.tui.faces import muted, plain

if TYPE_CHECKING:
    from streamscope.calibration import Calibration
    from streamscope.trace import ChannelName, Clock, Shown, Trace
    from streamscope.tui.evidence import Pair

CALIBRATE: Final = "Not calibrated: ctrl+p, calibrate (or `streamscope calibrate`) finds it out."
"""What is said where nobody knows how wrong the times are."""

CLOCKS: Final[dict[Clock, str]] = {
    "kernel": "Times are the kernel's: when it had the bytes, not when they were read.",
    "read": "Times are those of the reads: when the bytes were looked at.",
}
"""What each clock means."""

FRAME: Final = (
    "On screen means: the frame that shows it was handed to the terminal. What the terminal and"
    " the display take to draw it comes on top. Text that nobody could see, because it had scrolled"
    " away or another screen was open, is not counted. Nothing of this is in any other time."
)

_COLOURS: Final[dict[ChannelName, str]] = {"A": "$channel-a", "B": "$channel-b"}


def instrument_page(pair: Pair, calibration: Calibration | None) -> Content:
    """Say how far the times of both runs can be trusted, and why.

    Args:
        pair: The runs.
        calibration: What this machine's times are good for now; a run keeps its own.
    """
    names = headings(pair)
    blocks = [_about_run(side, names[side], pair[side].run.trace) for side in SIDES if side in pair]
    blocks.append(_about_machine(calibration))
    if any(ended.run.trace.shown for ended in pair.values()):
        blocks.append(muted(FRAME))
    return Content("\n\n").join(blocks)


def shown_words(shown: Shown) -> str:
    """Say how long text took to the screen: ``on screen 24 ms later, p99 48``."""
    if shown.chunks == 1:
        return f"on screen {_ms(shown.p50_ns)} ms later"
    return f"on screen {_ms(shown.p50_ns)} ms later, p99 {_ms(shown.p99_ns)}"


def shown_shortly(shown: Shown) -> str:
    """Say the same where there is little room: ``seen 24 ms later``."""
    return f"seen {_ms(shown.p50_ns)} ms later"


def _ms(value_ns: int) -> str:
    value = value_ns / NS_PER_MS
    return f"{value:.0f}" if value >= 1 else f"{value:.1f}"


def _about_run(side: ChannelName, name: str, trace: Trace) -> Content:
    clock = trace.known_clock
    lines = [NO_CLOCK] if clock is None else [CLOCKS[clock], _how_good(trace)]
    lines += observer_words(trace)
    lines += buffering_words(trace)
    lines.append(_shown_line(trace))
    heading = Content.styled(name, f"bold {_COLOURS[side]}")
    return Content("\n").join([heading, *(Content.assemble("• ", plain(line)) for line in lines)])


def _how_good(trace: Trace) -> str:
    good = how_good(trace)
    if good == NOT_CALIBRATED:
        return "How wrong they may be was not known when it was measured."
    return f"N{good[1:]}." if good.startswith("no ±") else f"They are {good}."


def _shown_line(trace: Trace) -> str:
    shown = trace.shown
    if shown is None:
        return "When it was on the screen was not seen."
    line = f"{shown_words(shown)[:1].upper()}{shown_words(shown)[1:]}"
    if shown.chunks == 1:
        return f"{line}: the frame with the end of the text."
    frames = f"{shown.frames} frame{'s' if shown.frames != 1 else ''}"
    return f"{line}, at worst {_ms(shown.max_ns)}: {shown.chunks} pieces in {frames}."


def _about_machine(calibration: Calibration | None) -> Content:
    heading = Content.styled("this machine", "bold")
    if calibration is None:
        return Content("\n").join([heading, Content.assemble("• ", muted(CALIBRATE))])
    when = calibration.measured_utc[:10]
    said = [f"{summary(calibration)[:-1]} (calibrated {when}).", *remarks(calibration)]
    return Content("\n").join([heading, *(Content.assemble("· ", plain(line)) for line in said)])
