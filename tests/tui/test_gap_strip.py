"""The strip tells the truth about gaps in one line, at any width, and nothing in it jumps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import App, ComposeResult

from streamscope.tui.themes import default_variables
from streamscope.tui.widgets.gap_strip import (
    LEVELS,
    NUMBER,
    STALL,
    GapStrip,
    bars,
    number,
    peaks,
    stall_threshold,
)

GAPS = st.lists(st.floats(0, 1e6), max_size=100)


class StripApp(App[None]):
    def compose(self) -> ComposeResult:
        yield GapStrip()

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return default_variables()

    @property
    def line(self) -> str:
        return self.query_one(GapStrip).render().plain


@pytest.mark.parametrize(
    ("ms", "written"),
    [
        (None, "   –"),
        (float("nan"), "   –"),
        (0.0, "   0"),
        (0.02, "<0.1"),
        (4.21, " 4.2"),
        (9.96, "  10"),
        (212.4, " 212"),
        (9_999.4, "9999"),
        (9_999.5, " 10s"),
        (123_456.0, "123s"),
        (999_499.0, "999s"),
        (5e6, ">16m"),
    ],
)
def test_numbers(ms: float | None, written: str) -> None:
    assert number(ms) == written


@given(st.none() | st.floats(0, 1e12))
def test_a_number_takes_the_same_cells_whatever_it_is(ms: float | None) -> None:
    assert len(number(ms)) == NUMBER


@given(GAPS, st.integers(1, 80))
def test_fewer_cells_keep_the_longest_gap(gaps: list[float], cells: int) -> None:
    kept = peaks(gaps, cells)
    assert len(kept) == min(len(gaps), cells)
    assert max(kept, default=0) == max(gaps, default=0)


def test_bars_are_linear_from_nothing_to_the_longest() -> None:
    assert bars([10, 20, 30, 40, 50, 60, 70, 80], 200) == LEVELS
    assert bars([0, 80, 0], 200) == " █ "
    assert bars([], 200) == ""


@given(GAPS, st.floats(200, 1e5))
def test_a_stall_is_marked_and_nothing_else_is(gaps: list[float], threshold: float) -> None:
    drawn = bars(gaps, threshold)
    assert [glyph == STALL for glyph in drawn] == [gap > threshold for gap in gaps]


@pytest.mark.parametrize(("median", "threshold"), [(None, 200), (20, 200), (100, 300)])
def test_when_a_gap_is_a_stall(median: float | None, threshold: float) -> None:
    assert stall_threshold(median) == threshold


async def test_the_line_at_its_full_width() -> None:
    app = StripApp()
    async with app.run_test(size=(56, 3)):
        app.query_one(GapStrip).show([20] * 5 + [212] + [30] * 3, 20, 31, 212, 90)
        assert app.line == "gaps ▁▁▁▁▁!▂▂▂      median   20 ms · p95   31 · max  212"


async def test_words_give_way_where_it_is_narrow() -> None:
    for width, line in {
        52: "gaps █████████  median   20 ms · p95   31 · max  212",
        50: "█" * 26 + "   20 ms p95  31 max 212",
        36: "█" * 12 + "   20 ms p95  31 max 212",
        31: "gaps ██████████  median   20 ms",
        24: "gaps " + "█" * 19,
        9: "█" * 9,
        1: "█",
    }.items():
        app = StripApp()
        async with app.run_test(size=(width, 3)):
            app.query_one(GapStrip).show([20.0] * 200, 20, 31, 212, 200)
            assert app.line == line


async def test_digits_that_change_move_nothing() -> None:
    app = StripApp()
    async with app.run_test(size=(70, 3)):
        strip = app.query_one(GapStrip)
        places = set()
        for ms in (None, 3.0, 20.0, 212.0, 12_000.0):
            strip.show([20.0], ms, ms, ms, 9)
            places.add((app.line.index("median"), app.line.index("p95"), app.line.index("max")))
    assert len(places) == 1


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "median    – ms · p95    – · max    –"),
        (1, "median    – ms · p95    – · max   40"),
        (2, "median   40 ms · p95   40 · max   40"),
    ],
)
async def test_what_is_not_known_is_never_a_zero(count: int, words: str) -> None:
    app = StripApp()
    async with app.run_test(size=(80, 3)):
        app.query_one(GapStrip).show([40.0] * count, 40, 40, 40, count)
        assert app.line.endswith(words)


async def test_a_message_takes_the_place_of_the_bars_until_there_are_gaps() -> None:
    app = StripApp()
    async with app.run_test(size=(30, 3)):
        strip = app.query_one(GapStrip)
        strip.show_message("no gaps: it\ncomes [b]at once[/b]")
        assert app.line == "no gaps: it comes [b]at once[…"
        strip.show([20.0], 20, 31, 212, 9)
        assert app.line.startswith("gaps █")


async def test_stalls_have_a_colour_of_their_own() -> None:
    app = StripApp()
    async with app.run_test(size=(60, 3)):
        strip = app.query_one(GapStrip)
        strip.show([20.0, 900.0], 20, 31, 900, 9)
        line = strip.render()
        bar, stall = (
            line.get_style_at_offset(app.console, line.plain.index(glyph)) for glyph in "▁!"
        )
    assert bar.color != stall.color
