"""The bar shows what could be read when, and both panes can be compared by it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import App, ComposeResult

from streamscope.tui.themes import default_variables
from streamscope.tui.widgets.phase_track import ARRIVAL, GLYPHS, PhaseTrack, Stretch, scale_ns

S = 1_000_000_000
WIDTH = 44
"""Cells of the widget; the label of a scale of 4 s takes 4 of them."""


class TrackApp(App[None]):
    """One bar."""

    def compose(self) -> ComposeResult:
        yield PhaseTrack()

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return default_variables()

    @property
    def track(self) -> PhaseTrack:
        return self.query_one(PhaseTrack)

    @property
    def line(self) -> str:
        """What the bar shows."""
        return self.track.render_line(0).text


@given(st.integers(0, 10**15))
def test_a_scale_holds_what_it_must_and_is_not_much_longer(needed_ns: int) -> None:
    scale = scale_ns(needed_ns)
    assert needed_ns <= scale
    assert scale == S or scale <= 1.5 * needed_ns


@given(st.integers(0, 10**13), st.integers(0, 10**13))
def test_a_scale_only_grows(a_ns: int, b_ns: int) -> None:
    assert scale_ns(min(a_ns, b_ns)) <= scale_ns(max(a_ns, b_ns))


@given(st.integers(0, 10**13))
def test_a_scale_stays_until_it_is_full(needed_ns: int) -> None:
    assert scale_ns(scale_ns(needed_ns)) == scale_ns(needed_ns)


@pytest.mark.parametrize(
    ("stretches", "now_s", "whole", "line"),
    [
        ([(0, "wait")], 0, False, " " * 40 + " 4 s"),
        ([(0, "wait")], 2, False, "·" * 20 + " " * 20 + " 4 s"),
        ([(0, "wait"), (1, "answer")], 3, False, "·" * 10 + "█" * 20 + " " * 10 + " 4 s"),
        (
            [(0, "wait"), (1, "thinking"), (2, "answer")],
            4,
            False,
            "·" * 10 + "░" * 10 + "█" * 20 + " 4 s",
        ),
        ([(0, "wait")], 4, True, "·" * 39 + "▌" + " 4 s"),
        ([(0, "wait"), (2, "answer")], 2, False, "·" * 20 + "█" + " " * 19 + " 4 s"),
    ],
    ids=["begins", "waits", "answers", "thought first", "comes whole", "a single piece"],
)
async def test_what_a_bar_shows(
    stretches: list[tuple[float, Stretch]], now_s: float, whole: bool, line: str
) -> None:
    app = TrackApp()
    async with app.run_test(size=(WIDTH, 3)):
        parts = tuple((int(at * S), kind) for at, kind in stretches)
        app.track.show(parts, int(now_s * S), 4 * S, whole=whole)
        assert app.line == line


async def test_without_a_scale_there_is_no_bar() -> None:
    app = TrackApp()
    async with app.run_test(size=(WIDTH, 3)):
        app.track.show((), 0, 0)
        assert app.line.strip() == ""


async def test_every_kind_has_a_glyph_and_a_colour_of_its_own() -> None:
    assert len({*GLYPHS.values(), ARRIVAL}) == len(GLYPHS) + 1
    app = TrackApp()
    async with app.run_test(size=(WIDTH, 3)):
        app.track.show(((0, "wait"), (S, "thinking"), (2 * S, "answer")), 3 * S, 4 * S)
        styles = {
            segment.text[0]: segment.style
            for segment in app.track.render_line(0)
            if segment.text.strip()
        }
        colours = {styles[GLYPHS[kind]] for kind in ("wait", "thinking", "answer")}
        assert len(colours) == 3


async def test_the_line_is_as_wide_as_its_place_however_long_the_run() -> None:
    app = TrackApp()
    async with app.run_test(size=(WIDTH, 3)):

        @given(
            st.lists(st.tuples(st.integers(0, 10**12), st.sampled_from(sorted(GLYPHS)))),
            st.integers(0, 10**12),
            st.booleans(),
        )
        def fits(parts: list[tuple[int, Stretch]], now_ns: int, whole: bool) -> None:
            app.track.show(tuple(sorted(parts)), now_ns, scale_ns(now_ns), whole=whole)
            assert app.track.render_line(0).cell_length == WIDTH

        fits()
