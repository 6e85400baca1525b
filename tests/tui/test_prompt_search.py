"""An older prompt is found by a part of it, with the keyboard alone."""

from typing import TYPE_CHECKING

import pytest
from textual.app import App
from textual.widgets import Input, OptionList, Static

from streamscope.tui.screens.prompts import SAMPLES, PromptSearch
from tests.tui import hands

if TYPE_CHECKING:
    from tests.tui.conftest import OpenApp

PROMPTS = ["Why is the sky blue?", "[bold]\x1b[31m not markup", "line one\nline two"]


class SearchApp(App[None]):
    """The dialog, and what it answered."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[str | None] = []

    def on_mount(self) -> None:
        self.push_screen(
            PromptSearch(lambda part: [each for each in PROMPTS if part in each]),
            self.answers.append,
        )

    @property
    def listed(self) -> list[str]:
        """The prompts in the list."""
        options = self.screen.query_one(OptionList)
        return [
            str(options.get_option_at_index(index).prompt) for index in range(options.option_count)
        ]


async def test_all_are_listed_each_on_one_harmless_line() -> None:
    app = SearchApp()
    async with app.run_test() as pilot:
        await hands.settle(pilot)
        assert app.listed == [
            "Why is the sky blue?",
            "[bold]␛[31m not markup",
            "line one line two",
            *(f"sample  {each}" for each in SAMPLES),
        ]


@pytest.mark.parametrize(
    ("keys", "answer"),
    [
        (["enter"], PROMPTS[0]),
        (["down", "enter"], PROMPTS[1]),
        (["down", "down", "up", "down", "enter"], PROMPTS[2]),
        ([*"two", "enter"], PROMPTS[2]),
        (["tab", "down", "enter"], PROMPTS[1]),
        ([*"chinese?", "enter"], SAMPLES[0]),
        (["escape"], None),
    ],
)
async def test_one_is_taken_whole(keys: list[str], answer: str | None) -> None:
    app = SearchApp()
    async with app.run_test() as pilot:
        await hands.press(pilot, *keys)
        await hands.settle(pilot)
        assert app.answers == [answer]


async def test_a_part_that_is_nowhere_is_said_and_takes_nothing() -> None:
    app = SearchApp()
    async with app.run_test() as pilot:
        await hands.press(pilot, *"zebra")
        await hands.settle(pilot)
        assert app.listed == []
        assert "Neither a prompt" in str(app.screen.query_one(Static).visual)
        await hands.press(pilot, "enter")
        assert app.answers == []
        await hands.press(pilot, *["backspace"] * 5)
        await hands.settle(pilot)
        assert len(app.listed) == 3 + len(SAMPLES)
        assert app.screen.query_one(Input).has_focus


async def test_what_is_taken_goes_into_the_editor(open_app: "OpenApp") -> None:
    async with open_app(prompt="Why is the sky blue?") as person:
        await person.ready()
        await person.run()
        person.prompt.put("something else")
        await person.opens("f7")
        await person.press(*"sky")
        await person.press("enter")
        await person.until(lambda: not person.app.screen.is_modal, "its end")
        assert person.prompt.text == "Why is the sky blue?"
        assert person.prompt.has_focus
        await person.opens("f7")
        await person.press("escape")
        await person.until(lambda: not person.app.screen.is_modal, "its end")
        assert person.prompt.text == "Why is the sky blue?"
