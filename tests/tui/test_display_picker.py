"""What a replay shows is chosen with the keyboard, with what each choice costs in figures."""

from collections.abc import Callable

import pytest
from textual.app import App
from textual.widgets import OptionList, Static

from streamscope.measure.pacing import PRESETS, Pacing, effect, pace
from streamscope.trace import ChannelName, Trace
from streamscope.tui.ended import EndedRun
from streamscope.tui.replaying import PLAIN, Look, Looks
from streamscope.tui.screens.display import (
    SIDES,
    DisplayPicker,
    choices,
    effect_words,
    look_words,
    stream_of,
)
from streamscope.tui.themes import DEFAULT_THEME, default_variables, load_themes
from tests.tui import hands

Build = Callable[..., Trace]
Pair = dict[ChannelName, EndedRun]

WHOLE = Pacing("whole")


class Host(App[None]):
    """An app that opens nothing but the picker."""

    CSS = """
    ModalScreen { align: center middle; }
    .dialog { width: 90%; max-width: 110; border: round $border; }
    """

    def __init__(self, pair: Pair, looks: Looks = PLAIN) -> None:
        super().__init__()
        self.picker = DisplayPicker(pair, looks)
        self.answers: list[Looks | None] = []
        for each in load_themes(None)[0]:
            self.register_theme(each)
        self.theme = DEFAULT_THEME

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Return our own colours."""
        return default_variables(dark=self.current_theme.dark)

    def on_mount(self) -> None:
        """Open the picker."""
        self.push_screen(self.picker, self.answers.append)

    def options(self, side: str) -> OptionList:
        """Return a side's list."""
        return self.picker.query_one(f"#looks-{side}", OptionList)

    def listed(self, side: str) -> list[str]:
        """What a side's list says."""
        return [str(option.prompt) for option in self.options(side).options]

    def effect(self, side: str) -> dict[str, str]:
        """What is said below a side's list."""
        text = str(self.picker.query_one(f"#effect-{side}", Static).visual)
        return {line[:12].strip(): line[12:].strip() for line in text.splitlines()}


@pytest.fixture
def pair(build_stream: Build, build_blocking: Build, build_ended: Callable[..., EndedRun]) -> Pair:
    """A pair of the same answer."""
    return {"A": build_ended(build_stream()), "B": build_ended(build_blocking(), "B")}


def test_both_sides_can_show_the_stream_in_every_way_and_what_was_measured() -> None:
    assert choices("A", "A") == [Look("A"), *(Look("A", each) for each in PRESETS[1:])]
    assert choices("B", "A") == [Look("B"), *(Look("A", each) for each in PRESETS)]
    assert choices("B", None) == [Look("B")]


def test_what_is_shown_now_can_be_kept_whatever_it_is() -> None:
    odd = Look("A", Pacing("batch", 3))
    assert choices("A", "A", odd)[-1] == odd
    assert choices("A", "A", Look("A", WHOLE)) == choices("A", "A")


def test_choices_are_named_by_whose_run_and_how() -> None:
    assert look_words("A", Look("A")) == "as measured"
    assert look_words("B", Look("B")) == "as measured"
    assert look_words("A", Look("A", WHOLE)) == "held back whole"
    assert look_words("B", Look("A", WHOLE)) == "A, held back whole"
    assert look_words("B", Look("A")) == "A, as it came"


def test_a_side_displays_its_own_stream_or_else_the_other_one(pair: Pair) -> None:
    a, b = pair["A"], pair["B"]
    both: Pair = {"A": a, "B": a}
    other: Pair = {"A": b, "B": a}
    neither: Pair = {"A": b, "B": b}
    assert [stream_of(pair, side) for side in SIDES] == ["A", "A"]
    assert [stream_of(both, side) for side in SIDES] == ["A", "B"]
    assert [stream_of(other, side) for side in SIDES] == ["B", "B"]
    assert [stream_of(neither, side) for side in SIDES] == [None, None]


def test_effects_are_told_with_units_before_and_after(pair: Pair) -> None:
    raw = pair["A"].run.trace
    found = effect(raw, pace(raw, WHOLE))
    lines = str(effect_words(pair["A"], found)).splitlines()
    assert lines[0] == "first text  3.40 s (+2.77 s)"
    assert lines[1].startswith("on average  +1.")
    assert lines[2] == "end         3.40 s (no delay)"
    assert lines[3].startswith("gap p95     ")
    assert lines[3].endswith(" ms → –")
    assert lines[4].endswith(" → –")
    assert lines[5] == "stalls      0 → –"


def test_a_blocking_run_has_no_gaps_and_no_delay(pair: Pair) -> None:
    lines = str(effect_words(pair["B"], None)).splitlines()
    assert [line[12:] for line in lines] == ["3.50 s", "–", "3.50 s", "–", "–", "–"]


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=str)
async def test_all_of_it_fits(pair: Pair, size: tuple[int, int]) -> None:
    app = Host(pair)
    async with app.run_test(size=size) as pilot:
        await hands.press(pilot, "down", "tab", "end")
        await hands.settle(pilot)
        assert app.picker.query_one(".dialog").max_scroll_y == 0
        for side in ("a", "b"):
            assert app.options(side).max_scroll_y == 0
            said = app.picker.query_one(f"#effect-{side}", Static)
            assert said.region.bottom <= size[1] - 1
            assert all(12 + len(value) <= said.size.width for value in app.effect(side).values())
        assert app.options("a").region.height == app.options("b").region.height


async def test_moving_marks_and_tells_the_effect(pair: Pair) -> None:
    app = Host(pair)
    async with app.run_test(size=(80, 24)) as pilot:
        await hands.settle(pilot)
        assert app.listed("a")[0] == "● as measured"
        assert app.effect("a")["first text"] == "0.63 s"
        await hands.press(pilot, "end")
        await hands.settle(pilot)
        assert app.listed("a")[0] == "○ as measured"
        assert app.listed("a")[-1] == "● held back whole"
        assert app.effect("a")["first text"] == "3.40 s (+2.77 s)"
        assert app.effect("b")["first text"] == "3.50 s"


async def test_enter_takes_both_sides(pair: Pair) -> None:
    app = Host(pair)
    async with app.run_test(size=(80, 24)) as pilot:
        await hands.press(pilot, "down", "tab", "end", "enter")
        await hands.settle(pilot)
        assert app.answers == [{"A": Look("A", PRESETS[1]), "B": Look("A", WHOLE)}]


async def test_arrows_turn_to_the_other_side(pair: Pair) -> None:
    app = Host(pair)
    async with app.run_test(size=(80, 24)) as pilot:
        await hands.press(pilot, "right", "down", "left", "end", "enter")
        await hands.settle(pilot)
        assert app.answers == [{"A": Look("A", WHOLE), "B": Look("A")}]


async def test_what_is_shown_now_is_marked_and_r_goes_back_to_what_was_measured(
    pair: Pair,
) -> None:
    looks: Looks = {"A": Look("A", Pacing("batch", 3)), "B": Look("A", WHOLE)}
    app = Host(pair, looks)
    async with app.run_test(size=(80, 24)) as pilot:
        await hands.settle(pilot)
        assert "● 3 chunks at a time" in app.listed("a")
        assert "● A, held back whole" in app.listed("b")
        await hands.press(pilot, "r", "enter")
        await hands.settle(pilot)
        assert app.answers == [PLAIN]


async def test_escape_changes_nothing(pair: Pair) -> None:
    app = Host(pair)
    async with app.run_test(size=(80, 24)) as pilot:
        await hands.press(pilot, "down", "escape")
        await hands.settle(pilot)
        assert app.answers == [None]


async def test_without_a_stream_there_is_only_what_was_measured(pair: Pair) -> None:
    app = Host({"A": pair["B"], "B": pair["B"]})
    async with app.run_test(size=(80, 24)) as pilot:
        await hands.settle(pilot)
        assert app.listed("a") == app.listed("b") == ["● as measured"]
        await hands.press(pilot, "enter")
        await hands.settle(pilot)
        assert app.answers == [PLAIN]
