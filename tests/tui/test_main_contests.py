"""Two models side by side: panes and title say who is who, and nothing claims a delivery."""

from typing import TYPE_CHECKING

import msgspec

from streamscope.plan import Plan
from streamscope.sides import Sides
from streamscope.trace import Trace
from streamscope.trial.setup import Wishes
from streamscope.tui.screens.details import DetailsScreen
from streamscope.tui.screens.history import HistoryScreen, Rerun

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamscope.tui.ended import EndedRun
    from tests.tui.conftest import Actor, OpenApp, Person, Stage

    Build = Callable[..., Trace]
    BuildEnded = Callable[..., EndedRun]


def titles(person: "Person") -> list[str]:
    """Return what stands above both panes."""
    frames = (person.main.query_one(f"#frame-{side}") for side in "ab")
    return [str(frame.border_title) for frame in frames]


async def test_one_server_is_told_by_its_delivery(open_app: "OpenApp") -> None:
    async with open_app() as person:
        await person.ready()
        assert titles(person) == ["A streaming", "B blocking"]


async def test_two_models_are_named_with_how_they_deliver(
    open_app: "OpenApp", stage: "Stage", actor: "Actor"
) -> None:
    stage.against("large:70b")
    async with open_app(prompt="Why?", size=(80, 24)) as person:
        await person.ready()
        assert titles(person) == ["A tiny:1b · streaming", "B large:70b · streaming"]
        assert person.title.startswith(
            " streamscope  A tiny:1b · B large:70b · 127.0.0.1:11434".strip()
        )
        await person.run()
        assert [start.mode for start in actor.starts] == ["stream", "stream"]
        assert person.figures("B").startswith("first 0.63 s")
        assert "A tiny:1b" in person.medians
        assert "chars/s" in person.medians
        assert "Stream it" not in person.verdict


async def test_a_long_name_is_cut_and_the_mode_is_said(open_app: "OpenApp", stage: "Stage") -> None:
    stage.against("a-model-with-a-name-that-goes-on-and-on:70b", ("blocking", "stream"))
    async with open_app(size=(80, 24)) as person:
        await person.ready()
        a, b = titles(person)
        assert a == "A tiny:1b · blocking"
        assert b.endswith("… · streaming")
        assert b in "\n".join(person.screen), person.screen


async def test_the_panes_wait_for_what_each_delivers(open_app: "OpenApp", stage: "Stage") -> None:
    stage.against("large", ("blocking", "blocking"))
    async with open_app() as person:
        await person.ready()
        for name in ("A", "B"):
            assert "all at once" in person.pane(name).text.placeholder


async def test_a_replayed_pair_has_its_own_titles_until_something_is_measured(
    open_app: "OpenApp",
    build_stream: "Callable[..., Trace]",
    build_ended: "Callable[..., EndedRun]",
) -> None:
    one, other = (build_ended(build_stream(), name).run for name in ("A", "B"))
    target = msgspec.structs.replace(other.target, model="large")
    other = msgspec.structs.replace(other, target=target)
    async with open_app(recorded={"A": one, "B": other}) as person:
        await person.filled()
        assert titles(person) == ["A tiny:1b · streaming", "B large · streaming"]
        await person.press("escape")
        await person.measured("enter")
        assert titles(person) == ["A streaming", "B blocking"]


async def test_one_run_alone_is_named_by_its_own_delivery(
    open_app: "OpenApp",
    build_blocking: "Build",
    build_ended: "BuildEnded",
) -> None:
    async with open_app(recorded={"A": build_ended(build_blocking()).run}) as person:
        await person.until(lambda: person.status("B") == "not recorded", "B")
        assert titles(person)[0] == "A blocking"


async def test_a_blind_test_of_two_models_is_refused_in_a_sentence(
    open_app: "OpenApp", stage: "Stage"
) -> None:
    stage.against("large")
    async with open_app(prompt="Why?") as person:
        await person.ready()
        await person.run()
        await person.press("f6")
        said = " ".join(" ".join(person.screen).split())
        assert "A blind test is about streaming against blocking: both of these answers" in said


async def test_the_details_name_both_models(open_app: "OpenApp", stage: "Stage") -> None:
    stage.against("large")
    async with open_app(prompt="Why?") as person:
        await person.ready()
        await person.run()
        await person.press("f5")
        await person.until(lambda: isinstance(person.app.screen, DetailsScreen), "the details")
        await person.settle()
        assert "A tiny:1b · B large" in person.screen[0]
        for section, words in {"2": "your reading", "4": "time-out", "6": "where the time"}.items():
            await person.press(section)
            text = "\n".join(person.screen)
            assert words in text
            assert "A tiny:1b" in text
            assert "B large" in text
            assert "B blocking" not in text


async def test_two_models_are_asked_again_as_they_were(open_app: "OpenApp", stage: "Stage") -> None:
    stage.against("large")
    async with open_app(prompt="Why?") as person:
        await person.ready()
        await person.run()
        runs = person.session.trials[-1].runs
        sides = Sides.of(runs)
        assert sides is not None
        plan = Plan(repeat=2, warmup=0, layout="race")
        await person.press("f3")
        await person.until(lambda: isinstance(person.app.screen, HistoryScreen), "the history")
        person.app.screen.dismiss(Rerun(request=runs[0].request, plan=plan, sides=sides))
        await person.until(lambda: "Done: 2 pairs." in person.app.said, "its end")
        assert person.session.wishes[-1] == Wishes.again(sides)
        assert person.layout == "race"
