"""Server and model are chosen with the keyboard alone: from what was found, or by a URL."""

from typing import TYPE_CHECKING

import pytest
from textual.widgets import Input, OptionList, Static

from streamscope.engines.detect import Capabilities, Found
from streamscope.trial.setup import Wish

if TYPE_CHECKING:
    from tests.tui.conftest import OpenApp, Person, Stage

OLLAMA = Found(
    kind="ollama",
    label="Ollama",
    url="http://127.0.0.1:11434",
    protocol="ollama-chat",
    version="0.12.3",
    models=["tiny:1b", "[bold]\x1b[31mbig:70b"],
    slots=None,
    capabilities={"tiny:1b": Capabilities(thinking=True, context=8192, loaded=True, size="1B")},
)
LOCKED = Found(
    kind="llama.cpp",
    label="llama.cpp",
    url="http://127.0.0.1:8080/v1",
    protocol="openai-chat",
    version="",
    models=[],
    slots=1,
    state="locked",
)


async def opened(person: "Person", count: int) -> None:
    """Open the picker, and wait until so many targets are listed."""
    await person.opens("f4")
    options = person.app.screen.query_one(OptionList)
    await person.until(lambda: options.option_count == count, "the servers")


def listed(person: "Person") -> list[str]:
    options = person.app.screen.query_one(OptionList)
    return [str(options.get_option_at_index(index).prompt) for index in range(options.option_count)]


def hint(person: "Person") -> str:
    return str(person.app.screen.query_one(".hint", Static).visual)


async def test_our_engines_and_what_was_found_are_listed(
    open_app: "OpenApp", stage: "Stage"
) -> None:
    stage.found = [OLLAMA, LOCKED]
    async with open_app() as person:
        await person.ready()
        await opened(person, 5)
        local, simulator, tiny, big, locked = listed(person)
        assert local.startswith("local model ")
        assert simulator.startswith("simulator ")
        assert "made up" in simulator
        assert tiny.startswith("tiny:1b ")
        assert tiny.endswith("Ollama 0.12.3 at 127.0.0.1:11434 · 1B · thinks · 8k context · loaded")
        assert big.startswith("[bold]␛[31mbig:70b ")
        assert locked.endswith("at 127.0.0.1:8080, locked")
        assert hint(person) == ""
        assert person.app.screen.query_one(Input).has_focus


async def test_where_there_is_little_room_a_model_is_described_below_the_list(
    open_app: "OpenApp", stage: "Stage"
) -> None:
    stage.found = [OLLAMA]
    async with open_app(size=(80, 24)) as person:
        await person.ready()
        await opened(person, 4)
        assert listed(person)[2].endswith("Ollama 0.12.3 at 127.0.0.1:11434")
        assert hint(person) == ""
        await person.press("down", "down")
        assert hint(person) == "tiny:1b · 1B · thinks · 8k context · loaded"
        await person.press("down")
        assert hint(person) == ""


async def test_where_no_server_answers_that_is_said(open_app: "OpenApp") -> None:
    async with open_app() as person:
        await person.ready()
        await opened(person, 2)
        await person.until(lambda: hint(person).startswith("No server answers"), "the hint")


@pytest.mark.parametrize(
    ("keys", "wish"),
    [
        (["enter"], Wish(engine="local")),
        (["down", "enter"], Wish(engine="simulator")),
        (
            ["down", "down", "enter"],
            Wish(url=OLLAMA.url, protocol="ollama-chat", model="tiny:1b"),
        ),
        (
            ["tab", "down", "down", "down", "enter"],
            Wish(url=OLLAMA.url, protocol="ollama-chat", model=OLLAMA.models[1]),
        ),
        ([*"http://here:8000/v1/", "enter"], Wish(url="http://here:8000/v1")),
    ],
    ids=["local", "simulator", "found", "its other model", "url"],
)
async def test_what_is_chosen_is_opened(
    open_app: "OpenApp", stage: "Stage", keys: list[str], wish: Wish
) -> None:
    stage.found = [OLLAMA]
    async with open_app() as person:
        await person.ready()
        await opened(person, 4)
        await person.press(*keys)
        await person.until(lambda: len(stage.wishes) == 2, "the choice")
        assert stage.wishes[1] == wish
        assert not person.app.screen.is_modal


async def test_escape_leaves_all_as_it_was(open_app: "OpenApp", stage: "Stage") -> None:
    async with open_app() as person:
        await person.ready()
        await opened(person, 2)
        await person.press("escape")
        await person.until(lambda: not person.app.screen.is_modal, "its end")
        await person.at_rest()
        assert stage.wishes == [None]


@pytest.mark.parametrize(
    "url", ["ftp://here", "http://", "http://a b", "http://u:secret@here", "http://here:99999"]
)
async def test_a_url_that_cannot_be_called_is_refused_in_a_sentence(
    open_app: "OpenApp", stage: "Stage", url: str
) -> None:
    async with open_app() as person:
        await person.ready()
        await opened(person, 2)
        person.app.screen.query_one(Input).value = url
        await person.press("enter")
        await person.until(lambda: "URL" in hint(person), "the sentence")
        assert hint(person).endswith(".")
        assert "secret" not in hint(person)
        assert person.app.screen.is_modal
        assert stage.wishes == [None]


async def test_a_prompt_sent_while_a_choice_is_opened_runs_on_the_last_choice(
    open_app: "OpenApp", stage: "Stage"
) -> None:
    async with open_app(prompt="Why?") as person:
        await person.ready()
        stage.door.clear()
        await opened(person, 2)
        await person.press("enter")
        await person.until(lambda: len(stage.wishes) == 2, "the first choice")
        await person.press("enter")
        assert person.app.said == ["It runs as soon as the server is ready."]
        await opened(person, 2)
        await person.press("down", "enter")
        await person.until(lambda: len(stage.wishes) == 3, "the second choice")
        await person.press("enter")
        stage.door.set()
        await person.until(lambda: stage.trials, "the run")
        assert stage.wishes[1:] == [Wish(engine="local"), Wish(engine="simulator")]


async def test_another_target_begins_anew(open_app: "OpenApp", stage: "Stage") -> None:
    async with open_app(prompt="Why?") as person:
        await person.ready()
        await person.run()
        await opened(person, 2)
        await person.press("down", "enter")
        await person.until(lambda: len(stage.setups) == 2, "the choice")
        await person.at_rest()
        assert person.status("A") == person.status("B") == "ready"
        assert person.pane("A").text.plain_text == ""
