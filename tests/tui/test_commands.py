"""Whatever can be done has a key, stands in help and palette, and can be given another key."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from textual.command import CommandPalette
from textual.widgets import Footer, Markdown

from streamscope.tui import commands
from streamscope.tui.commands import ALL, MainCommands

if TYPE_CHECKING:
    from textual_enhanced.commands import Command

    from tests.tui.conftest import Actor, OpenApp

TAKEN = {"ctrl+enter", "ctrl+h", "ctrl+i", "ctrl+j", "ctrl+m", "ctrl+a", "ctrl+b", "ctrl+s"}
"""Keys that terminals cannot send apart, or that multiplexers keep for themselves."""


def test_every_command_is_listed() -> None:
    defined = {each for each in vars(commands).values() if isinstance(each, type)}
    assert set(ALL) == {
        each
        for each in defined
        if each.__module__ == commands.__name__ and each is not MainCommands
    }


def test_every_command_has_one_key_of_its_own_that_terminals_can_send() -> None:
    keys = [command.key_binding() for command in ALL]
    assert all(keys)
    assert len(set(keys)) == len(keys)
    assert not TAKEN & set(keys)


@pytest.mark.parametrize("command", ALL, ids=lambda each: each.__name__)
def test_every_command_is_explained(command: "type[Command]") -> None:
    text = command.tooltip()
    assert text[:1].isupper()
    assert "\n" not in text
    assert not text.endswith(".")


@pytest.mark.parametrize("pane", [False, True], ids=["prompt", "pane"])
async def test_every_key_reaches_its_command(open_app: "OpenApp", pane: bool) -> None:
    async with open_app() as person:
        await person.ready()
        if pane:
            person.pane("A").text.focus()
            await person.settle()
        bindings = person.app.screen.active_bindings
        reached = {
            command.__name__: bindings[command.key_binding()].binding.action.removeprefix("app.")
            for command in ALL
        }
        assert reached == {
            command.__name__: command.action_name().removeprefix("app.") for command in ALL
        }


async def test_the_help_shows_every_command_with_its_key(open_app: "OpenApp") -> None:
    async with open_app() as person:
        await person.ready()
        await person.press("f1")
        await person.until(lambda: person.app.screen.is_modal, "the help")
        text = person.app.screen.query_one(Markdown).source
        for command in ALL:
            assert f"| {command.command()} |" in text
            assert command.tooltip() in text
        assert "[bold" not in text
        await person.press("escape")
        await person.until(lambda: not person.app.screen.is_modal, "its end")


async def test_the_palette_offers_every_command(open_app: "OpenApp") -> None:
    async with open_app() as person:
        await person.ready()
        provider = MainCommands(person.main)
        offered = [str(hit.prompt) async for hit in provider.discover()]
        assert len(offered) == len(ALL)
        for command, display in zip(ALL, offered, strict=True):
            assert display.startswith(f"{command.command()} [")
            hits = [hit async for hit in provider.search(command.command())]
            assert hits


@pytest.mark.parametrize(
    ("sought", "command"),
    [
        ("model", commands.ChooseTarget),
        ("server", commands.ChooseTarget),
        ("target", commands.ChooseTarget),
        ("compare", commands.Compare),
        ("medians", commands.Compare),
        ("many pairs", commands.Compare),
        ("export", commands.ShowHistory),
        ("trends", commands.ShowHistory),
        ("evidence", commands.ShowDetails),
        ("details", commands.ShowDetails),
        ("why", commands.ShowDetails),
        ("race", commands.ToggleLayout),
        ("picture", commands.SaveScreen),
        ("svg", commands.SaveScreen),
        ("stop", commands.StopRuns),
        ("display", commands.ChangeDisplay),
    ],
    ids=str,
)
async def test_the_palette_finds_a_command_by_the_words_that_people_use(
    open_app: "OpenApp", sought: str, command: "type[Command]"
) -> None:
    async with open_app() as person:
        await person.ready()
        found = [
            (hit.score, str(hit.prompt)) async for hit in MainCommands(person.main).search(sought)
        ]
        assert max(found)[1].startswith(command.command())


async def test_a_command_is_carried_out_from_the_palette(open_app: "OpenApp") -> None:
    async with open_app() as person:
        await person.ready()
        await person.press("ctrl+p")
        await person.until(lambda: isinstance(person.app.screen, CommandPalette), "the palette")
        await person.press(*"copy")
        await person.until(
            lambda: any("Copy the answer" in line for line in person.screen), "the command"
        )
        await person.press("enter")
        await person.until(lambda: person.app.said, "what it says")
        assert person.app.said == ["There is no answer in A to copy."]


async def test_a_command_can_be_given_another_key(
    open_app: "OpenApp", actor: "Actor", write_config: Callable[[str], Path]
) -> None:
    write_config('[keys]\nRunPair = "f8"\nStopRuns = "ctrl+y,f9"\n')
    async with open_app(prompt="Why?") as person:
        await person.ready()
        await person.press("ctrl+r")
        await person.settle()
        assert not actor.starts
        await person.measured("f8")
        assert len(actor.starts) == 2
        footer = [line for line in person.screen if "compare" in line][-1]
        assert "f8 run" in footer
        assert "^r" not in footer
        await person.until(lambda: person.doing.startswith("replay"), "the replay")
        await person.press("f9")
        await person.at_rest()
        await person.press("f1")
        await person.until(lambda: person.app.screen.is_modal, "the help")
        assert "| Run | f8 |" in person.app.screen.query_one(Markdown).source


async def test_a_key_that_two_commands_have_is_said(
    open_app: "OpenApp", write_config: Callable[[str], Path]
) -> None:
    write_config('[keys]\nRunPair = "f8"\n')
    async with open_app() as person:
        assert any("'f8' belongs to RunPair and Slower" in said for said in person.app.said)


async def test_a_key_for_what_is_no_command_is_said(
    open_app: "OpenApp", write_config: Callable[[str], Path]
) -> None:
    write_config('[keys]\n"[/]Launch" = "f8"\nRunPair = "f11"\n')
    async with open_app() as person:
        await person.ready()
        (said,) = person.app.said
        assert "'[/]Launch'" in said
        assert "RunPair" in said
        assert any("[/]Launch" in line for line in person.screen)
        assert person.app.screen.active_bindings["f11"].binding.id == "RunPair"


async def test_the_footer_holds_the_keys_that_a_first_session_needs(open_app: "OpenApp") -> None:
    async with open_app(size=(80, 24)) as person:
        await person.ready()
        shown = {
            active.binding.id
            for active in person.app.screen.active_bindings.values()
            if active.binding.show
        }
        assert {"RunPair", "StopRuns", "ChooseTarget", "Help"} <= shown
        footer = person.main.query_one(Footer)
        assert all(footer.region.contains_region(each.region) for each in footer.children)
