"""What the screens look like. Accepted pictures are in ``__snapshots__``.

After a change that is meant, look at the report that a failure leaves behind, then accept it with
``pytest tests/tui/test_snapshots.py --snapshot-update``.
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import pytest
from textual.pilot import Pilot
from textual.widgets import OptionList

from streamscope.engines.detect import Found
from streamscope.engines.profiles import PROFILES
from streamscope.trace import Fault, Trace
from streamscope.tui import commands
from streamscope.tui.themes import DEFAULT_THEME

if TYPE_CHECKING:
    from tests.tui.conftest import Actor, ObservedApp, Person, Stage

Play = Callable[["Person"], Awaitable[None]]
Size = tuple[int, int]
Build = Callable[..., Trace]

PROMPT = "Explain waves in a few sentences."
WIDE: Size = (120, 40)
SIZES = [(80, 24), WIDE, (200, 50)]
THEMES = ["streamscope-contrast", "streamscope-light", "streamscope-phosphor"]


def size_name(size: Size) -> str:
    return f"{size[0]}x{size[1]}"


@pytest.fixture
def picture(
    snap_compare: Callable[..., bool],
    make_app: Callable[..., "ObservedApp"],
    make_person: Callable[..., "Person"],
) -> Callable[..., bool]:
    """Compare the app, after somebody has done something in it, to the accepted picture."""

    def matches(do: Play, *, size: Size, theme: str = DEFAULT_THEME) -> bool:
        app = make_app(prompt=PROMPT, theme="textual-dark")
        app.animation_level = "none"

        async def prepare(pilot: Pilot[None]) -> None:
            person = make_person(app, pilot)
            await person.filled()
            app.theme = theme  # chosen while it runs, as a person does
            await person.ready()
            await do(person)
            panes = person.pane("A").text, person.pane("B").text
            await person.until(lambda: not any(pane.backlog for pane in panes), "all text")

        return snap_compare(app, terminal_size=size, run_before=prepare)

    return matches


@pytest.fixture
def thinking(actor: "Actor", build_stream: Build, build_blocking: Build) -> None:
    """Let the model think before it answers."""
    thought = "The question is about waves. A pond is a picture that everybody knows. " * 3
    actor.traces = {
        "stream": build_stream(2.1, 5.2, thought=thought),
        "blocking": build_blocking(5.3, thought=thought),
    }


async def nothing(person: "Person") -> None:
    """Only look."""


async def run(person: "Person") -> None:
    """Measure a pair."""
    await person.run()


async def run_thrice(person: "Person") -> None:
    """Measure a pair, and two more."""
    await person.run()
    await person.run()
    await person.run()


@pytest.mark.parametrize("size", SIZES, ids=size_name)
def test_ready(picture: Callable[..., bool], size: Size) -> None:
    assert picture(nothing, size=size)


@pytest.mark.parametrize("size", SIZES, ids=size_name)
def test_after_runs(picture: Callable[..., bool], size: Size) -> None:
    assert picture(run_thrice, size=size)


@pytest.mark.parametrize("size", SIZES, ids=size_name)
@pytest.mark.usefixtures("thinking")
def test_after_a_run_that_thought(picture: Callable[..., bool], size: Size) -> None:
    assert picture(run, size=size)


@pytest.mark.parametrize("size", SIZES, ids=size_name)
def test_after_a_run_that_broke(
    picture: Callable[..., bool], actor: "Actor", build_stream: Build, size: Size
) -> None:
    sentence = (
        "The answer from ollama-chat at 127.0.0.1:11434 broke off: "
        "look at the server's log, then run it again."
    )
    actor.traces["stream"] = build_stream(
        0.63,
        1.4,
        text="Water waves spread from a stone that",
        ended="error",
        fault=Fault(code="cut", sentence=sentence),
    )
    assert picture(run, size=size)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.usefixtures("thinking")
def test_themes(picture: Callable[..., bool], theme: str) -> None:
    assert picture(run, size=WIDE, theme=theme)


@pytest.mark.usefixtures("thinking")
def test_narrow(picture: Callable[..., bool]) -> None:
    assert picture(run, size=(60, 40))


@pytest.mark.parametrize("size", [(80, 24), WIDE], ids=size_name)
def test_two_models(picture: Callable[..., bool], stage: "Stage", size: Size) -> None:
    stage.against("a-larger-model:70b-instruct")
    assert picture(run_thrice, size=size)


def test_no_server(picture: Callable[..., bool], stage: "Stage") -> None:
    stage.refusals = ["No server that we know answers at http://127.0.0.1:9: is it running?"]

    async def wait(person: "Person") -> None:
        await person.until(lambda: person.status("A") == "no server", "the refusal")

    stage.setups.append(stage.setup)  # nobody needs to wait for one
    assert picture(wait, size=WIDE)


def test_replay(picture: Callable[..., bool]) -> None:
    async def half(person: "Person") -> None:
        await person.measured("enter")
        await person.rewind()
        await person.press(*[commands.StepForward.key_binding()] * 18)
        await person.until(lambda: person.replay == ("paused", 1, 1.8), "the moment")

    assert picture(half, size=WIDE)


@pytest.mark.parametrize("size", [(80, 24), WIDE], ids=size_name)
def test_targets(picture: Callable[..., bool], stage: "Stage", size: Size) -> None:
    stage.against("gemma4:e2b")
    stage.found = [
        Found(
            kind="ollama",
            label="Ollama",
            url="http://127.0.0.1:11434",
            protocol="ollama-chat",
            version="0.12.3",
            models=["tiny:1b", "gemma4:e2b"],
            slots=None,
        )
    ]

    async def choose(person: "Person") -> None:
        await person.opens("f4")
        options = person.app.screen.query_one(OptionList)
        await person.until(lambda: options.option_count == 4 + len(PROFILES), "the servers")
        await person.press("f2", "f2")

    assert picture(choose, size=size)


def test_choosing_a_theme(picture: Callable[..., bool]) -> None:
    async def choose(person: "Person") -> None:
        await person.press("f2")
        await person.until(lambda: person.app.screen.is_modal, "the list")

    assert picture(choose, size=WIDE)


def test_help(picture: Callable[..., bool]) -> None:
    async def ask(person: "Person") -> None:
        await person.press("f1")
        await person.until(
            lambda: "It is sent to the same model" in " ".join(person.screen), "the help"
        )

    assert picture(ask, size=WIDE)
