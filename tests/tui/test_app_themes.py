"""The choice of a theme is remembered, and no theme can keep the app from opening."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from streamscope.settings import Places
from streamscope.tui.themes import DEFAULT_THEME

if TYPE_CHECKING:
    from tests.tui.conftest import OpenApp, Person


async def choosing(person: "Person") -> None:
    """Open the list of themes."""
    await person.press("f2")
    await person.until(lambda: person.app.screen.is_modal, "the list")


async def test_a_chosen_theme_is_remembered_and_comments_are_kept(
    open_app: "OpenApp", write_config: Callable[[str], Path]
) -> None:
    file = write_config('# mine\nprofile = "fast" # three\n\n[request]\nseed = 7 # lucky\n')
    async with open_app() as person:
        await person.ready()
        assert person.app.theme == DEFAULT_THEME
        await choosing(person)
        await person.press("down")
        await person.until(lambda: person.app.theme == "streamscope-light", "its colours")
        await person.press("enter")
        await person.until(lambda: not person.app.screen.is_modal, "the end of the list")
    text = file.read_text(encoding="utf-8")
    for line in (
        "# mine",
        'profile = "fast" # three',
        "seed = 7 # lucky",
        'theme = "streamscope-light"',
    ):
        assert line in text.splitlines()
    async with open_app() as person:
        await person.ready()
        assert person.app.theme == "streamscope-light"


async def test_a_theme_that_was_only_looked_at_is_not_kept(
    open_app: "OpenApp", places: Places
) -> None:
    async with open_app() as person:
        await person.ready()
        await choosing(person)
        await person.press("down")
        await person.until(lambda: person.app.theme != DEFAULT_THEME, "other colours")
        await person.press("escape")
        await person.until(lambda: not person.app.screen.is_modal, "the end of the list")
        assert person.app.theme == DEFAULT_THEME
    assert not places.config_file.exists()


async def test_a_theme_for_this_time_only_is_not_remembered(
    open_app: "OpenApp", places: Places
) -> None:
    async with open_app(theme="streamscope-contrast") as person:
        await person.ready()
        assert person.app.theme == "streamscope-contrast"
    assert not places.config_file.exists()


async def test_an_unknown_theme_is_said_and_the_default_used(
    open_app: "OpenApp", write_config: Callable[[str], Path]
) -> None:
    file = write_config('theme = "[/]neon"\n')
    async with open_app() as person:
        await person.ready()
        assert person.app.theme == DEFAULT_THEME
        (said,) = person.app.said
        assert "'[/]neon'" in said
        assert any("[/]neon" in line for line in person.screen)
    assert file.read_text(encoding="utf-8") == 'theme = "[/]neon"\n'


async def test_a_broken_theme_of_the_persons_own_is_said_and_left_out(
    open_app: "OpenApp", places: Places
) -> None:
    places.themes.mkdir(parents=True)
    (places.themes / "broken.toml").write_text('name = "mine"\nprimary = "no colour"\n')
    (places.themes / "good.toml").write_text('name = "good"\nprimary = "#336699"\n')
    async with open_app(theme="good") as person:
        await person.ready()
        (said,) = person.app.said
        assert "broken.toml" in said
        assert "'no colour'" in said
        assert person.app.theme == "good"


async def test_a_choice_that_cannot_be_kept_is_said(open_app: "OpenApp", places: Places) -> None:
    async with open_app() as person:
        await person.ready()
        places.config.write_text("a file where the folder should be")
        await choosing(person)
        await person.press("down", "enter")
        await person.until(lambda: person.app.said, "the notice")
        assert "can't be kept" in person.app.said[0]
        assert person.app.theme == "streamscope-light"


@pytest.mark.parametrize("name", ["textual-light", "nord", "gruvbox"])
async def test_a_theme_that_does_not_know_our_colours_can_be_used(
    open_app: "OpenApp", name: str
) -> None:
    async with open_app(theme=name, prompt="Why?") as person:
        await person.ready()
        await person.run()
        assert person.app.theme == name
        assert person.app.said == []


@pytest.mark.parametrize("name", [DEFAULT_THEME, "streamscope-light", "streamscope-contrast"])
async def test_the_app_opens_in_the_colours_of_its_theme(open_app: "OpenApp", name: str) -> None:
    async with open_app(theme=name) as person:
        await person.ready()
        theme = person.app.current_theme
        assert theme.name == name
        assert person.main.styles.background.hex.lower() == theme.background
        accent = person.prompt.styles.border_top[1]
        assert accent.hex.lower() == theme.variables["border"].lower()
