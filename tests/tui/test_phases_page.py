"""Bars share one axis, nothing that happened is invisible, and the numbers beside are true."""

from collections.abc import Callable

import msgspec
import pytest
from rich.cells import cell_len

from streamscope.measure.waterfall import SPANS, rows, waterfall
from streamscope.report.phases_words import length_words
from streamscope.trace import ChannelName, ServerTimings, Trace
from streamscope.tui.ended import EndedRun
from streamscope.tui.phases_page import SLIVER, WIDEST, phases_page

Build = Callable[..., Trace]
Pair = dict[ChannelName, EndedRun]

MS = 1_000_000


@pytest.fixture
def pair(build_stream: Build, build_blocking: Build, build_ended: Callable[..., EndedRun]) -> Pair:
    """A stream that connected, thought and answered, with a server that tells; and its twin."""
    stream = build_stream(1.0, 4.0, thought="Well, well, well.")
    stream.marks |= {"connecting": -200_000, "connected": -100_000, "sending": -100_000}
    stream.server = ServerTimings(prefill_s=0.15, source="ollama")
    return {"A": build_ended(stream), "B": build_ended(build_blocking(4.0), "B")}


def lines(pair: Pair, width: int = 118) -> list[str]:
    return phases_page(pair, width).plain.split("\n")


def line(pair: Pair, label: str, width: int = 118) -> str:
    (found,) = [each for each in lines(pair, width) if each.strip().startswith(label)]
    return found


@pytest.mark.parametrize("width", [40, 76, 118, 400])
def test_drawn_lines_fit_the_width(pair: Pair, width: int) -> None:
    drawn = lines(pair, width)[: lines(pair, width).index("", lines(pair, width).index("") + 1)]
    assert len(drawn) > 8
    assert max(map(cell_len, drawn)) <= max(min(width, WIDEST), 45)


def test_every_span_has_a_line_with_its_true_length_and_something_to_see(pair: Pair) -> None:
    drawn = "\n".join(lines(pair))
    for ended in pair.values():
        for row in rows(waterfall(ended.run.trace)):
            assert f"{length_words(row.length_ns)} " in drawn
            assert SPANS[row.name].label in drawn
    assert line(pair, "connecting").rstrip().endswith(f"0.10 ms {SLIVER}")


def test_both_sides_share_the_axis(pair: Pair) -> None:
    drawn = lines(pair)
    answers = line(pair, "answering")
    of_b = drawn[drawn.index("B blocking") :]
    wait = next(each for each in of_b if "waiting for headers" in each)
    # The blocking run waits as long as the stream takes in all: both end in the same cell.
    assert abs(len(answers.rstrip()) - len(wait.rstrip())) <= 1
    assert answers.index("█") < len(wait.rstrip()) // 2 + 10


def test_the_servers_own_spans_stand_below_ours_and_say_whose_they_are(pair: Pair) -> None:
    drawn = lines(pair)
    at = next(index for index, each in enumerate(drawn) if each.strip().startswith("▒ prefill"))
    assert drawn[at - 1].strip().startswith("waiting for")
    assert "0.15 s" in drawn[at]


def test_thinking_is_drawn_lighter_than_the_answer(pair: Pair) -> None:
    assert "░" in line(pair, "thinking")
    assert "█" not in line(pair, "thinking")


def test_a_run_that_got_nowhere_has_a_sentence(build_ended: Callable[..., EndedRun]) -> None:
    nothing = build_ended(Trace(mode="stream", ended="cancelled"))
    assert lines({"A": nothing}) == ["Neither run got so far that anything could be timed."]


def test_a_run_of_no_length_can_be_drawn(build_ended: Callable[..., EndedRun]) -> None:
    short = Trace(mode="stream", ended="cancelled", marks={"sent": 0, "cancelled": 0})
    assert lines({"A": build_ended(short)})


def test_what_a_server_names_itself_is_made_harmless(pair: Pair) -> None:
    run = pair["A"].run
    trace = msgspec.structs.replace(
        run.trace, server=ServerTimings(prefill_s=0.1, source="\x1b[31mred")
    )
    ended = EndedRun(run=msgspec.structs.replace(run, trace=trace), figures=pair["A"].figures)
    assert "\x1b" not in phases_page({"A": ended}, 80).plain
