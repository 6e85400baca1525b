"""Server and model are chosen with the keyboard alone: from what was found, or by a URL."""

from typing import TYPE_CHECKING

import msgspec
import pytest
from textual.widgets import Input, OptionList, Static

from streamscope.engines.choose import Wanted
from streamscope.engines.detect import Capabilities, Found
from streamscope.engines.profiles import PROFILES
from streamscope.trace import Target
from streamscope.trial.setup import Matchup, Setup, Wish, Wishes
from streamscope.tui.aims import same

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
TINY = Wish(url=OLLAMA.url, protocol="ollama-chat", model="tiny:1b", named=False)
BIG = Wish(url=OLLAMA.url, protocol="ollama-chat", model=OLLAMA.models[1], named=False)

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
    """Open the picker, and wait until so many targets are listed, and the simulator's models."""
    await person.opens("f4")
    options = person.app.screen.query_one(OptionList)
    await person.until(lambda: options.option_count == count + len(PROFILES), "the servers")


def listed(person: "Person") -> list[str]:
    options = person.app.screen.query_one(OptionList)
    return [str(options.get_option_at_index(index).prompt) for index in range(options.option_count)]


def aim(person: "Person") -> list[str]:
    """Return what enter is said to do: for whom, and delivered how."""
    return str(person.app.screen.query_one("#aim", Static).visual).splitlines()


def hint(person: "Person") -> str:
    return str(person.app.screen.query_one(".hint", Static).visual)


async def test_our_engines_and_what_was_found_are_listed(
    open_app: "OpenApp", stage: "Stage"
) -> None:
    stage.found = [OLLAMA, LOCKED]
    async with open_app() as person:
        await person.ready()
        await opened(person, 5)
        tiny, local, simulator, big, locked, profile, *_ = listed(person)
        assert local.startswith("    local model ")
        assert simulator.startswith("    simulator ")
        assert "made up" in simulator
        assert profile.startswith("    simulator default ")
        assert tiny.startswith("A B tiny:1b ")
        about = "127.0.0.1:11434 · Ollama 0.12.3 · 1B · thinks · 8k context · loaded"
        assert tiny.endswith(f" {about}")
        assert big.startswith("    [bold]␛[31mbig:70b ")
        assert " 127.0.0.1:8080 · locked · " in locked
        assert hint(person) == f"tiny:1b · {about}"
        assert person.app.screen.query_one(Input).has_focus


async def test_where_there_is_little_room_a_model_is_described_below_the_list(
    open_app: "OpenApp", stage: "Stage"
) -> None:
    stage.found = [OLLAMA]
    async with open_app(size=(80, 24)) as person:
        await person.ready()
        await opened(person, 4)
        assert listed(person)[0].endswith("127.0.0.1:11434 · Ollama 0.12.3")
        about = "127.0.0.1:11434 · Ollama 0.12.3 · 1B · thinks · 8k context · loaded"
        assert hint(person) == f"tiny:1b · {about}"
        await person.press("down")
        assert hint(person) == "local model · SmolLM2-135M by llama.cpp, on this machine"


@pytest.mark.parametrize("width", [80, 120])
async def test_servers_of_the_same_kind_are_told_apart(
    open_app: "OpenApp", stage: "Stage", width: int
) -> None:
    stage.found = [
        msgspec.structs.replace(LOCKED, url=f"http://127.0.0.1:{port}/v1", models=["same"])
        for port in (8000, 8080)
    ]
    async with open_app(size=(width, 24)) as person:
        await person.ready()
        await opened(person, 5)
        for port in (8000, 8080):
            assert any(f"127.0.0.1:{port} · locked · " in line for line in person.screen)


def at(url: str, protocol: str = "openai-chat", engine: Wanted = "auto") -> Wish:
    return Wish(engine=engine, url=url, protocol=protocol, model="same")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (at("http://here:8000/v1"), at("http://here:8000/v1/")),
        (at("http://here:8000/v1"), at("http://here:8000")),
        (at("http://here/v1"), at("http://HERE:80/v1")),
        (at("http://u:secret@here/v1"), at("http://here/v1")),
        (at("http://localhost:8000/v1"), at("http://127.0.0.1:8000/v1")),
        (at("http://0.0.0.0:8000/v1"), at("http://127.1:8000/v1")),
        (at("http://[::]:8000/v1"), at("http://[::1]:8000/v1")),
        (at("http://here:8000/v1", ""), at("http://here:8000/v1")),
        (at("", "ollama-chat", "simulator"), at("", "", "simulator")),
    ],
)
def test_one_server_is_the_same_however_its_address_is_written(one: Wish, other: Wish) -> None:
    assert same(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (at("http://here:9/prod/v1"), at("http://here:9/canary/v1")),
        (at("http://here:9/v1"), at("http://here:9/v2")),
        (at("http://here:80/v1"), at("https://here:80/v1")),
        (at("http://here:9/v1"), at("http://here:10/v1")),
        (at("http://here:9/v1"), at("http://there:9/v1")),
        (at("http://127.0.0.1:9/v1"), at("http://127.0.0.2:9/v1")),
        (at("http://here:9"), at("http://here:9", "ollama-chat")),
    ],
)
def test_two_servers_are_two_whatever_their_addresses_share(one: Wish, other: Wish) -> None:
    assert not same(one, other)


@pytest.mark.parametrize("width", [80, 120])
async def test_servers_at_two_paths_of_one_place_are_two_lines_that_can_be_told_apart(
    open_app: "OpenApp", stage: "Stage", width: int
) -> None:
    """Taking the one line for B would have made it the server of A without a word."""
    prod, canary = (f"http://127.0.0.1:9/{path}/v1" for path in ("prod", "canary"))
    stage.matchup = Matchup(
        a=Setup(target=Target(protocol="openai-chat", url=prod, model="same")),
        b=Setup(target=Target(protocol="openai-chat", url=canary, model="same")),
        modes=("stream", "stream"),
    )
    async with open_app(size=(width, 24)) as person:
        await person.ready()
        await opened(person, 4)
        a, b, *_ = listed(person)
        assert a.startswith("A   same ")
        assert a.endswith(f" {prod}")
        assert b.startswith("  B same ")
        assert b.endswith(f" {canary}")
        await person.press("f2", "f2")
        await person.press("enter")
        await person.until(lambda: len(stage.wishes) == 2, "the choice")
        wishes = stage.wishes[1]
        assert wishes is not None
        assert wishes.b is not None
        assert (wishes.a.url, wishes.b.url) == (prod, canary)


async def test_where_no_server_answers_that_is_said(open_app: "OpenApp") -> None:
    async with open_app() as person:
        await person.ready()
        await opened(person, 3)
        await person.until(lambda: hint(person).startswith("No server answers"), "the hint")


@pytest.mark.parametrize(
    ("keys", "wish"),
    [
        (["down", "enter"], Wish(engine="local")),
        (["down", "down", "enter"], Wish(engine="simulator")),
        (["enter"], TINY),
        (
            ["tab", "down", "down", "down", "enter"],
            BIG,
        ),
        ([*"http://here:8000/v1/", "enter"], Wish(url="http://here:8000/v1")),
    ],
    ids=["local", "simulator", "the present one", "its other model", "url"],
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
        assert stage.wishes[1] == Wishes(a=wish)
        assert not person.app.screen.is_modal


async def test_escape_leaves_all_as_it_was(open_app: "OpenApp", stage: "Stage") -> None:
    async with open_app() as person:
        await person.ready()
        await opened(person, 3)
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
        await opened(person, 3)
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
        await opened(person, 3)
        await person.press("down", "enter")
        await person.until(lambda: len(stage.wishes) == 2, "the first choice")
        await person.press("enter")
        assert person.app.said == ["It runs as soon as the server is ready."]
        await opened(person, 2)
        await person.press("down", "enter")
        await person.until(lambda: len(stage.wishes) == 3, "the second choice")
        await person.press("enter")
        stage.door.set()
        await person.until(lambda: stage.trials, "the run")
        assert stage.wishes[1:] == [Wishes(a=Wish(engine=name)) for name in ("local", "simulator")]


async def test_another_target_begins_anew(open_app: "OpenApp", stage: "Stage") -> None:
    async with open_app(prompt="Why?") as person:
        await person.ready()
        await person.run()
        await opened(person, 3)
        await person.press("down", "enter")
        await person.until(lambda: len(stage.setups) == 2, "the choice")
        await person.at_rest()
        assert person.status("A") == person.status("B") == "ready"
        assert person.pane("A").text.plain_text == ""


# ------------------------------------------------------------------------------- two channels


async def test_one_channel_alone_gets_another_model_and_the_other_keeps_its_own(
    open_app: "OpenApp", stage: "Stage"
) -> None:
    stage.found = [OLLAMA]
    async with open_app() as person:
        await person.ready()
        await opened(person, 4)
        assert aim(person) == [
            "f2  enter takes it for both channels: A and B ask the same",
            "f3  A streams, B blocks: usual for one target",
        ]
        await person.press("f2", "f2", "down", "down", "down")
        assert aim(person) == [
            "f2  enter takes it for channel B: A stays tiny:1b",
            "f3  both stream: usual for two targets",
        ]
        await person.press("enter")
        await person.until(lambda: len(stage.wishes) == 2, "the choice")
        assert stage.wishes[1] == Wishes(a=TINY, b=BIG)


async def test_how_they_deliver_is_chosen_with_one_key_and_what_is_asked_stays(
    open_app: "OpenApp", stage: "Stage"
) -> None:
    async with open_app() as person:
        await person.ready()
        await opened(person, 3)
        said = []
        for _ in range(4):
            await person.press("f3")
            said.append(aim(person)[1])
        assert said == [
            "f3  both stream",
            "f3  both block",
            "f3  A blocks, B streams",
            "f3  A streams, B blocks: usual for one target",
        ]
        await person.press("f3", "f3", "f3", "enter")
        await person.until(lambda: len(stage.wishes) == 2, "the choice")
        assert stage.wishes[1] == Wishes(a=TINY, modes=("blocking", "stream"))


async def test_both_channels_are_marked_and_the_highlight_goes_to_the_one_that_is_chosen(
    open_app: "OpenApp", stage: "Stage"
) -> None:
    stage.found = [OLLAMA]
    stage.against(BIG.model)
    async with open_app() as person:
        await person.ready()
        await opened(person, 4)
        assert [line[:4] for line in listed(person)[:4]] == ["A   ", "  B ", "    ", "    "]
        options = person.app.screen.query_one(OptionList)
        at = []
        for _ in range(3):
            await person.press("f2")
            at.append(options.highlighted)
        assert at == [0, 1, 0]
        assert aim(person)[1] == "f3  A streams, B blocks: usual for one target"
        await person.press("enter")
        await person.until(lambda: len(stage.wishes) == 2, "the choice")
        assert stage.wishes[1] == Wishes(a=TINY)


async def test_who_has_moved_to_a_server_stays_there_while_saying_for_whom(
    open_app: "OpenApp", stage: "Stage"
) -> None:
    async with open_app() as person:
        await person.ready()
        await opened(person, 3)
        await person.press("down", "down", "f2", "enter")
        await person.until(lambda: len(stage.wishes) == 2, "the choice")
        assert stage.wishes[1] == Wishes(a=Wish(engine="simulator"), b=TINY)
