"""The plot of what could be read, when: its lines, their names, its axes, in every size."""

import math
import re
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import App, ComposeResult

from streamscope.measure.reader import Curves
from streamscope.tui.themes import default_variables, load_themes
from streamscope.tui.widgets.canvas import Canvas
from streamscope.tui.widgets.plot import MARK, NOTHING, TOO_SMALL, ReadablePlot
from streamscope.tui.widgets.plot_drawing import GUTTER, draw
from streamscope.tui.widgets.ticks import axis, tick

Size = tuple[int, int]

SIZES = [(30, 6), (60, 12), (116, 24), (200, 40)]


def sampled(value: Callable[[float], float], times: Sequence[float]) -> list[int]:
    return [round(value(at)) for at in times]


def curves(*, end_s: float = 8.0, words: int = 52, a: bool = True, b: bool = True) -> Curves:
    """A ramp from 1 to 3 s, a step at 4 s, and a reader who needs all the time there is."""
    reading_s = max(1e-3, end_s - 1)
    times = [end_s * i / 400 for i in range(401)]
    return Curves(
        times_s=times,
        a=sampled(lambda at: min(words, max(0, (at - 1) / 2 * words)), times) if a else [],
        b=sampled(lambda at: words if at >= 4 else 0, times) if b else [],
        reader=[min(words, max(0.0, (at - 1) / reading_s * words)) for at in times],
        unit="word",
        end_s=end_s,
    )


def drawn(which: Curves, size: Size) -> list[str]:
    drawing = draw(which, *size)
    assert drawing is not None
    return ["".join(text for text, _ in runs) for runs in drawing.rows]


def inks(which: Curves, size: Size, ink: str) -> str:
    """What is drawn in one ink."""
    drawing = draw(which, *size)
    assert drawing is not None
    return " ".join(text for runs in drawing.rows for text, of in runs if of == ink)


# ----------------------------------------------------------------------------------------- canvas


def test_a_dot_is_addressed_from_the_lower_left() -> None:
    canvas = Canvas(2, 2)
    canvas.dot(0, 0, "a")
    canvas.dot(3, 7, "b")
    assert list(canvas.rows()) == [[(" ", None), ("⠈", "b")], [("⡀", "a"), (" ", None)]]


def test_dots_outside_the_paper_are_left_out() -> None:
    canvas = Canvas(1, 1)
    for x, y in ((-1, 0), (2, 0), (0, -1), (0, 4)):
        canvas.dot(x, y, "a")
    canvas.write(0, 1, "below", "a")
    assert list(canvas.rows()) == [[(" ", None)]]


def test_a_step_is_joined_and_a_lifted_pen_is_not() -> None:
    canvas = Canvas(2, 1)
    canvas.path([0, 3, None, 0], "a")
    assert list(canvas.rows()) == [[("⡸⢀", "a")]]


def test_a_dotted_line_leaves_dots_out() -> None:
    canvas = Canvas(3, 1)
    canvas.path([0] * 6, "a", every=3)
    assert list(canvas.rows()) == [[("⡀⢀", "a"), (" ", None)]]


# ------------------------------------------------------------------------------------------- axes


def test_an_axis_ends_soon_after_what_it_holds() -> None:
    assert axis(53, 4, whole=True) == (56.0, (0.0, 20.0, 40.0))


def test_an_axis_without_room_for_a_round_number_names_its_end() -> None:
    assert axis(52, 1, whole=True) == (60.0, (0.0, 60.0))


@given(st.floats(1e-6, 1e9), st.integers(1, 10))
def test_an_axis_holds_its_number_and_little_more(largest: float, most: int) -> None:
    found = axis(largest, most)
    assert largest <= found.top * (1 + 1e-6)
    assert found.top <= largest * 3.01
    assert len(found.ticks) <= most + 2
    assert list(found.ticks) == sorted(set(found.ticks))
    assert found.ticks[-1] <= found.top * (1 + 1e-6)


@given(st.integers(1, 10**7), st.integers(1, 10))
def test_an_axis_of_whole_things_has_whole_ticks(largest: int, most: int) -> None:
    found = axis(largest, most, whole=True)
    assert all(each == int(each) for each in found.ticks)


@pytest.mark.parametrize("largest", [0.0, -1.0, 5e-324, math.nan, math.inf])
def test_an_axis_of_nothing_is_one_long(largest: float) -> None:
    assert axis(largest, 4).top == 1


def test_ticks_are_written_as_people_do() -> None:
    assert [tick(each) for each in (0, 0.2, 0.30000000000000004, 2.5, 60.0, 12000)] == [
        "0",
        "0.2",
        "0.3",
        "2.5",
        "60",
        "12000",
    ]


# ------------------------------------------------------------------------------------------- plot


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_it_fills_its_room_exactly(size: Size) -> None:
    rows = drawn(curves(), size)
    assert len(rows) == size[1]
    assert {len(row) for row in rows} == {size[0]}


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_every_line_is_named_with_a_word(size: Size) -> None:
    assert "A" in inks(curves(), size, "a")
    assert "B" in inks(curves(), size, "b")
    assert "reader" in inks(curves(), size, "reader")


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_both_axes_say_what_they_count(size: Size) -> None:
    rows = drawn(curves(), size)
    assert "words" in rows[0]
    assert rows[-1].rstrip().endswith(" s")


def test_the_unit_never_covers_a_line() -> None:
    at_once = Curves(times_s=[0, 1], a=[9, 9], b=[9, 9], reader=[0, 0], unit="word", end_s=1)
    for size in ((30, 6), (60, 12)):
        rows = drawn(at_once, size)
        unit = next(row for row in rows if "words" in row)
        assert not set(unit[GUTTER:].replace("words", "")) & {
            chr(0x2800 + dots) for dots in range(1, 256)
        }


def test_characters_are_called_characters() -> None:
    chinese = Curves(times_s=[0, 1], a=[0, 9], b=[], reader=[], unit="character", end_s=1)
    assert "characters" in drawn(chinese, (60, 12))[0]


def test_the_step_stands_where_the_answer_came() -> None:
    drawing = draw(curves(a=False), 116, 24)
    assert drawing is not None
    column = drawing.column(4.0)
    assert column is not None
    halfway = "".join(text for text, _ in drawing.rows[12])
    assert halfway[column] != " "
    assert not set(halfway[GUTTER:column]) - set("B reader⠁⠂⠄⡀⠈⠐⠠⢀")


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_reader_who_is_left_far_behind_still_has_a_line(size: Size) -> None:
    at_once = [0.1 * i / 400 for i in range(401)]
    fast = Curves(
        times_s=at_once,
        a=[round(5000 * at) for at in at_once],
        b=[500 if at >= 0.09 else 0 for at in at_once],
        reader=[max(0.0, 4 * (at - 0.02)) for at in at_once],
        unit="word",
        end_s=0.1,
    )
    line = inks(fast, size, "reader")
    assert "reader" in line
    assert len(set(line) & {chr(0x2800 + dots) for dots in range(1, 256)}) >= 1
    assert sum(0x2800 < ord(glyph) < 0x2900 for glyph in line) > size[0] // 4


@pytest.mark.parametrize(("first_s", "words"), [(0.1, 300), (0.3, 54)])
def test_two_names_are_not_read_as_one(first_s: float, words: int) -> None:
    times = [2.0 * i / 400 for i in range(401)]
    come = [round(max(0.0, (at - first_s) / (2 - first_s) * words)) for at in times]
    close = Curves(
        times_s=times,
        a=come,
        b=[words if at >= 2 else 0 for at in times],
        reader=[max(0.0, min(a, (at - first_s) * 4)) for a, at in zip(come, times, strict=True)],
        unit="word",
        end_s=2.0,
    )
    for row in drawn(close, (40, 8)):
        assert not re.search(r"\b(?:A|B|reader) {1,3}(?:A|B|reader)\b", row), row


def test_a_side_that_is_missing_is_not_named() -> None:
    assert inks(curves(b=False), (60, 12), "b") == ""
    assert "A" in inks(curves(b=False), (60, 12), "a")


def test_the_axes_stay_where_they_are_while_numbers_grow() -> None:
    few, many = drawn(curves(words=9), (60, 12)), drawn(curves(words=9000), (60, 12))
    assert {row[GUTTER - 1] for row in few[1:-2]} <= set("│┤")
    assert {row[GUTTER - 1] for row in many[1:-2]} <= set("│┤")


def test_a_run_of_a_million_words_and_one_without_any_can_be_drawn() -> None:
    assert "1M┤" in "".join(drawn(curves(words=1_000_000), (60, 12)))
    assert "10k┤" in "".join(drawn(curves(words=12_000), (60, 12)))
    assert "B" not in "".join(drawn(curves(words=0), (60, 12)))


@given(st.integers(0, 220), st.integers(0, 60), st.integers(0, 500), st.floats(0, 1e5))
def test_no_size_and_no_number_breaks_it(width: int, height: int, words: int, end_s: float) -> None:
    drawing = draw(curves(words=words, end_s=end_s), width, height)
    if drawing is not None:
        assert {sum(len(text) for text, _ in runs) for runs in drawing.rows} == {width}


# ----------------------------------------------------------------------------------------- widget


class PlotApp(App[None]):
    """An app with nothing but the plot."""

    def __init__(self) -> None:
        super().__init__()
        for theme in load_themes(None)[0]:
            self.register_theme(theme)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Return our own colours."""
        return default_variables(dark=True)

    def compose(self) -> ComposeResult:
        """Show the plot."""
        yield ReadablePlot()


def lines(app: App[None]) -> list[str]:
    """Return what the widget draws."""
    plot = app.query_one(ReadablePlot)
    return [plot.render_line(y).text for y in range(plot.size.height)]


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_it_is_drawn_as_large_as_it_may_be(size: Size) -> None:
    app = PlotApp()
    async with app.run_test(size=size) as pilot:
        app.query_one(ReadablePlot).show(curves())
        await pilot.pause()
        assert lines(app) == drawn(curves(), size)


async def test_it_is_drawn_anew_for_a_new_size() -> None:
    app = PlotApp()
    async with app.run_test(size=(60, 12)) as pilot:
        app.query_one(ReadablePlot).show(curves())
        await pilot.pause()
        await pilot.resize_terminal(116, 24)
        assert lines(app) == drawn(curves(), (116, 24))


async def test_without_curves_it_says_so() -> None:
    app = PlotApp()
    async with app.run_test(size=(60, 12)) as pilot:
        assert [line.strip() for line in lines(app) if line.strip()] == [NOTHING]
        app.query_one(ReadablePlot).show(curves())
        await pilot.pause()
        app.query_one(ReadablePlot).show(None, "The answer was empty.")
        await pilot.pause()
        assert [line.strip() for line in lines(app) if line.strip()] == ["The answer was empty."]


async def test_where_there_is_no_room_it_says_so() -> None:
    app = PlotApp()
    async with app.run_test(size=(30, 3)) as pilot:
        app.query_one(ReadablePlot).styles.min_height = 1
        app.query_one(ReadablePlot).show(curves())
        await pilot.pause()
        assert "".join(lines(app)).strip() == TOO_SMALL


async def test_a_moment_is_marked_and_nothing_is_hidden_by_it() -> None:
    app = PlotApp()
    async with app.run_test(size=(60, 12)) as pilot:
        plot = app.query_one(ReadablePlot)
        plot.show(curves())
        await pilot.pause()
        plain = lines(app)
        plot.mark(6.0)
        await pilot.pause()
        marked = lines(app)
        changed = [
            (y, x)
            for y, (before, after) in enumerate(zip(plain, marked, strict=True))
            for x, (one, other) in enumerate(zip(before, after, strict=True))
            if one != other
        ]
        assert changed
        assert len({x for _, x in changed}) == 1
        assert {(plain[y][x], marked[y][x]) for y, x in changed} == {(" ", MARK)}
        plot.mark(None)
        await pilot.pause()
        assert lines(app) == plain


async def test_a_moment_beyond_the_end_is_not_marked() -> None:
    app = PlotApp()
    async with app.run_test(size=(60, 12)) as pilot:
        plot = app.query_one(ReadablePlot)
        plot.show(curves())
        await pilot.pause()
        plain = lines(app)
        plot.mark(99.0)
        await pilot.pause()
        assert lines(app) == plain


async def test_lines_take_their_colours_from_the_theme() -> None:
    app = PlotApp()
    async with app.run_test(size=(60, 12)) as pilot:
        plot = app.query_one(ReadablePlot)
        plot.show(curves())
        for theme in ("streamscope-dark", "streamscope-light"):
            app.theme = theme
            await pilot.pause()
            used = {
                segment.style.color.name
                for y in range(10)
                for segment in plot.render_line(y)
                if segment.style is not None and segment.style.color is not None
            }
            variables = app.get_css_variables()
            for name in ("channel-a", "channel-b", "reader"):
                assert variables[name].lower() in used, theme
