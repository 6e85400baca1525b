"""How a comparison is to be made is said in the person's words, or chosen from a list."""

import pytest
from textual.app import App

from streamscope.plan import Plan
from streamscope.tui.screens.compare import (
    Asked,
    CompareDialog,
    Unfinished,
    plan_words,
    read_wish,
)
from tests.tui import hands

USUAL = Plan(repeat=30, until=0.05)


@pytest.mark.parametrize(
    ("text", "repeat", "until"),
    [
        ("12", 12, None),
        (" 1 ", 1, None),
        ("3 %", 30, 0.03),
        ("±2,5%", 30, 0.025),
    ],
)
def test_a_number_of_pairs_or_a_width(text: str, repeat: int, until: float | None) -> None:
    plan = read_wish(text, USUAL)
    assert plan is not None
    assert (plan.repeat, plan.until) == (repeat, until)


@pytest.mark.parametrize("text", ["0", "1001", "-3", "many", "0 %", "3.5", "% 5", "१२ %x"])
def test_anything_else_means_nothing(text: str) -> None:
    assert read_wish(text, USUAL) is None


def test_a_width_has_room_to_be_reached() -> None:
    plan = read_wish("1 %", Plan(repeat=6))
    assert plan is not None
    assert plan.repeat == 30


@pytest.mark.parametrize(
    ("plan", "pair_s", "words"),
    [
        (Plan(repeat=1), None, ("1 pair", "")),
        (Plan(repeat=6), 3.0, ("6 pairs", "about 20 s")),
        (Plan(repeat=6, cooldown_s=10), 3.0, ("6 pairs", "about 70 s")),
        (USUAL, 3.0, ("until ±5 %: 6 to 30 pairs", "about 20 s to 90 s")),
    ],
)
def test_what_it_does_and_how_long_that_takes(
    plan: Plan, pair_s: float | None, words: tuple[str, str]
) -> None:
    assert plan_words(plan, pair_s) == words


async def chosen(dialog: CompareDialog, *keys: str) -> tuple[list[Asked | None], str]:
    """Return what a person gets who presses these keys, and what the dialog says in the end."""
    app = App[None]()
    got: list[Asked | None] = []
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(dialog, got.append)
        await hands.settle(pilot)
        await hands.press(pilot, *keys)
        await hands.settle(pilot)
        hint = "" if got else str(dialog.query_one(".hint").render())
    return got, hint


async def test_enter_alone_takes_what_is_usual() -> None:
    assert (await chosen(CompareDialog(USUAL), "enter"))[0] == [Asked(plan=USUAL)]


async def test_the_list_offers_numbers_of_pairs() -> None:
    ((asked,), _) = await chosen(CompareDialog(USUAL), "down", "enter")
    assert asked is not None
    assert (asked.plan.repeat, asked.plan.until) == (6, None)


async def test_cold_is_one_key_away() -> None:
    ((asked,), _) = await chosen(CompareDialog(USUAL), "f2", "enter")
    assert asked is not None
    assert asked.plan.regime == "cold"


async def test_a_stopped_comparison_comes_first_and_keeps_its_own_plan() -> None:
    stopped = Unfinished(plan=Plan(repeat=8, regime="cold"), pairs=3)
    ((asked,), _) = await chosen(CompareDialog(USUAL, unfinished=stopped), "enter")
    assert asked == Asked(plan=stopped.plan, resume=True)


async def test_nonsense_is_told_and_nothing_starts() -> None:
    got, hint = await chosen(CompareDialog(USUAL), "m", "enter")
    assert got == []
    assert hint == "Say a number of pairs from 1 to 1000, or a width such as 3 %."


async def test_escape_starts_nothing() -> None:
    assert (await chosen(CompareDialog(USUAL), "escape"))[0] == [None]
