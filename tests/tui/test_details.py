"""The details screen under a pilot: sections by key, formulas by line, everything in reach."""

from collections.abc import Callable

import msgspec
import pytest
from textual.app import App
from textual.widgets import ContentSwitcher, DataTable, Footer, Static

from streamscope.measure.conventions import Conventions, Costs
from streamscope.measure.verdict import Judgement, PairFigures, judge
from streamscope.trace import ChannelName, Trace
from streamscope.tui.ended import EndedRun
from streamscope.tui.evidence import ALL_FIGURES
from streamscope.tui.judged import NO_VERDICT
from streamscope.tui.screens.details import SECTIONS, DetailsScreen
from streamscope.tui.themes import DEFAULT_THEME, default_variables, load_themes
from streamscope.tui.widgets.ends import Ends
from streamscope.tui.widgets.plot import ReadablePlot
from tests.tui import hands

Build = Callable[..., Trace]
Pair = dict[ChannelName, EndedRun]
Size = tuple[int, int]

SIZES: list[Size] = [(80, 24), (120, 40), (200, 50)]
CONVENTIONS = Conventions(costs=Costs(timeout_s=2, stop_after_words=20))


class Host(App[None]):
    """An app that opens nothing but the details."""

    def __init__(
        self, pair: Pair, judgement: Judgement | None = None, theme: str = DEFAULT_THEME
    ) -> None:
        super().__init__()
        self.details = DetailsScreen(pair, judgement, CONVENTIONS)
        for each in load_themes(None)[0]:
            self.register_theme(each)
        self.theme = theme
        self.animation_level = "none"

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Return our own colours."""
        return default_variables(dark=self.current_theme.dark)

    def on_mount(self) -> None:
        """Open the details."""
        self.push_screen(self.details)

    @property
    def section(self) -> str:
        """The section that is seen."""
        return (self.details.query_one(ContentSwitcher).current or "").removeprefix("section-")

    def text(self, section: str) -> str:
        """What stands in a section."""
        return str(self.details.query_one(f"#section-{section} Static", Static).visual)


@pytest.fixture
def pair(build_stream: Build, build_blocking: Build, build_ended: Callable[..., EndedRun]) -> Pair:
    """A pair of the same answer."""
    return {"A": build_ended(build_stream()), "B": build_ended(build_blocking(), "B")}


@pytest.fixture
def judgement() -> Judgement:
    """What six pairs support, as measured beforehand."""
    sways = [0.99, 1.0, 1.01, 0.995, 1.005, 1.002]
    pairs = []
    for i, sway in enumerate(sways):
        total = 3.4 * sway
        same = {"done_s": total, "total_s": total, "output_tokens": 60.0}
        a = {**same, "ttfv_s": 0.63 * sways[-i], "server_tok_per_s": 21.0 * sway}
        b = {**same, "ttfv_s": 3.45, "server_tok_per_s": 21.0 * sways[-i]}
        pairs.append(PairFigures(a=a, b=b, same_output=True))
    return judge(pairs)


async def test_it_opens_with_the_verdict(pair: Pair, judgement: Judgement) -> None:
    app = Host(pair, judgement)
    async with app.run_test(size=(120, 40)):
        assert app.section == "verdict"
        assert "≠ first text: different" in app.text("verdict")


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        (None, "1: no pair judged"),
        (0, "1: no pair judged"),
        (1, "1: one pair alone"),
        (6, "1: all pairs kept"),
    ],
)
async def test_the_title_says_of_which_pairs_the_verdict_is(
    pair: Pair, judgement: Judgement, pairs: int | None, said: str
) -> None:
    """A pair that is played again by itself is judged alone, however many are kept."""
    judged = None if pairs is None else msgspec.structs.replace(judgement, n=pairs)
    app = Host(pair, judged)
    async with app.run_test(size=(120, 40)):
        title = app.details.query_one("#title", Ends).render().plain
        assert title.rstrip().endswith(f"{said} · 2–7: the pair in the panes")


async def test_one_pair_has_no_verdict_but_all_the_rest(pair: Pair) -> None:
    app = Host(pair)
    async with app.run_test(size=(120, 40)):
        assert app.text("verdict") == NO_VERDICT
        assert "finish reading" in app.text("read")


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_each_section_has_a_key_and_fits_between_title_and_footer(
    pair: Pair, judgement: Judgement, size: Size
) -> None:
    app = Host(pair, judgement)
    async with app.run_test(size=size) as pilot:
        for number, section in enumerate(SECTIONS, start=1):
            await hands.press(pilot, str(number))
            await hands.settle(pilot)
            assert app.section == section
            shown = app.details.query_one(f"#section-{section}").region
            assert (shown.x, shown.width) == (0, size[0])
            assert shown.bottom == app.details.query_one(Footer).region.y == size[1] - 1
            assert shown.height >= size[1] - 5


async def test_a_section_is_written_after_another_one_was_scrolled(pair: Pair) -> None:
    app = Host(pair)
    async with app.run_test(size=(80, 24)) as pilot:
        await hands.press(pilot, "6")
        await hands.settle(pilot)
        await hands.press(pilot, "down")
        await hands.settle(pilot)
        await hands.press(pilot, "7")
        while not app.text("instrument"):
            await hands.settle(pilot)
        assert "this machine" in app.text("instrument")


async def test_a_text_section_is_written_for_the_room_beside_its_scroll_bar(pair: Pair) -> None:
    app = Host(pair)
    async with app.run_test(size=(80, 24)) as pilot:
        await hands.press(pilot, "6")
        await hands.settle(pilot)
        drawn = app.text("phases").split("\n\n")[0].splitlines()
        room = app.details.query_one("#section-phases Static").size.width
        assert max(map(len, drawn)) <= room < 78


async def test_arrows_turn_the_sections_in_a_circle(pair: Pair) -> None:
    app = Host(pair)
    async with app.run_test(size=(80, 24)) as pilot:
        seen = []
        for _ in SECTIONS:
            await hands.press(pilot, "right")
            await hands.settle(pilot)
            seen.append(app.section)
        assert seen == [*SECTIONS[1:], SECTIONS[0]]
        await hands.press(pilot, "left")
        await hands.settle(pilot)
        assert app.section == SECTIONS[-1]


async def test_what_does_not_fit_is_scrolled_to_by_keys(pair: Pair, judgement: Judgement) -> None:
    app = Host(pair, judgement)
    async with app.run_test(size=(80, 24)) as pilot:
        page = app.details.query_one("#section-verdict")
        assert page.max_scroll_y > 0
        await hands.press(pilot, "end")
        await hands.settle(pilot)
        assert page.scroll_y == page.max_scroll_y


async def test_the_highlighted_figure_is_explained(pair: Pair) -> None:
    app = Host(pair)
    async with app.run_test(size=(80, 24)) as pilot:
        await hands.press(pilot, "3")
        await hands.settle(pilot)
        assert app.details.query_one(DataTable).row_count == len(ALL_FIGURES)
        for figure in ALL_FIGURES[:3]:
            said = str(app.details.query_one("#about > Static", Static).visual)
            assert figure.formula in said
            await hands.press(pilot, "down")
            await hands.settle(pilot)


async def test_home_and_end_go_to_the_first_and_the_last_figure(pair: Pair) -> None:
    app = Host(pair)
    async with app.run_test(size=(80, 24)) as pilot:
        await hands.press(pilot, "3")
        await hands.settle(pilot)
        listed = app.details.query_one(DataTable)
        assert "up" in {key for key, at in app.details.active_bindings.items() if at.binding.show}
        await hands.press(pilot, "end")
        await hands.settle(pilot)
        assert listed.cursor_row == len(ALL_FIGURES) - 1
        said = str(app.details.query_one("#about > Static", Static).visual)
        assert ALL_FIGURES[-1].formula in said
        await hands.press(pilot, "home")
        await hands.settle(pilot)
        assert listed.cursor_row == 0


async def test_the_plot_is_drawn_until_all_is_read_on_demand(pair: Pair) -> None:
    app = Host(pair)
    async with app.run_test(size=(120, 40)) as pilot:
        await hands.press(pilot, "2")
        await hands.settle(pilot)
        plot = app.details.query_one(ReadablePlot)

        def last_tick() -> float:
            return float(plot.render_line(plot.size.height - 1).text.split()[-2])

        assert last_tick() == 3.5
        await hands.press(pilot, "z")
        await hands.settle(pilot)
        assert 15 < last_tick() < 20
        await hands.press(pilot, "z")
        await hands.settle(pilot)
        assert last_tick() == 3.5


async def test_zooming_is_offered_only_where_there_is_a_plot(pair: Pair) -> None:
    app = Host(pair)
    async with app.run_test(size=(120, 40)) as pilot:
        assert "z" not in app.details.active_bindings
        await hands.press(pilot, "2")
        await hands.settle(pilot)
        assert "z" in app.details.active_bindings


async def test_escape_goes_back(pair: Pair) -> None:
    app = Host(pair)
    async with app.run_test(size=(80, 24)) as pilot:
        await hands.press(pilot, "escape")
        await hands.settle(pilot)
        assert app.screen is not app.details


async def test_commands_of_the_main_screen_are_not_offered(pair: Pair) -> None:
    app = Host(pair)
    async with app.run_test(size=(80, 24)):
        assert app.details.check_action("run_pair_command", ()) is False
        assert app.details.check_action("help_command", ()) is True


async def test_help_explains_the_section(pair: Pair) -> None:
    app = Host(pair)
    async with app.run_test(size=(120, 40)) as pilot:
        await hands.press(pilot, "f1")
        await hands.settle(pilot)
        assert app.screen.is_modal


async def test_a_prompt_can_not_play_tricks(pair: Pair, build_stream: Build) -> None:
    ended = pair["A"]
    evil = "[bold]no\x1b[31m markup"
    request = type(ended.run.request)(prompt=evil)
    run = type(ended.run)(
        **{name: getattr(ended.run, name) for name in ended.run.__struct_fields__}
        | {"request": request}
    )
    app = Host({"A": EndedRun(run=run, figures=ended.figures)})
    async with app.run_test(size=(120, 40)):
        shot = app.export_screenshot()
        assert "\x1b" not in shot
        assert "[bold]no" in shot.replace("&#160;", " ")


async def test_it_opens_for_a_single_run_that_brought_nothing(
    build_stream: Build, build_ended: Callable[..., EndedRun]
) -> None:
    app = Host({"A": build_ended(build_stream(text=""))})
    async with app.run_test(size=(80, 24)) as pilot:
        for number, section in enumerate(SECTIONS, start=1):
            await hands.press(pilot, str(number))
            await hands.settle(pilot)
            assert app.section == section


@pytest.mark.parametrize(
    ("keys", "size", "theme"),
    [
        ("1", (80, 24), DEFAULT_THEME),
        ("2", (120, 40), DEFAULT_THEME),
        ("3", (120, 40), "streamscope-light"),
        ("4", (80, 24), DEFAULT_THEME),
        ("6", (80, 24), DEFAULT_THEME),
        ("6", (120, 40), "streamscope-light"),
        ("6", (200, 50), DEFAULT_THEME),
        ("7", (120, 40), DEFAULT_THEME),
    ],
    ids=str,
)
def test_pictures(
    snap_compare: Callable[..., bool],
    pair: Pair,
    judgement: Judgement,
    keys: str,
    size: Size,
    theme: str,
) -> None:
    app = Host(pair, judgement, theme)
    assert snap_compare(app, press=list(keys), terminal_size=size)
