"""Comparisons over many pairs, recorded runs and older ones on the main screen."""

from typing import TYPE_CHECKING, Any

import msgspec

from streamscope.plan import Plan
from streamscope.tui.screens.history import HistoryScreen, Rerun

if TYPE_CHECKING:
    from tests.tui.conftest import Actor, OpenApp


# ----------------------------------------------------------------------------- over many pairs


async def test_a_comparison_measures_as_many_pairs_as_were_asked_for(
    open_app: "OpenApp", actor: "Actor"
) -> None:
    actor.holds = {"stream": 5}
    async with open_app(prompt="Why?") as person:
        await person.ready()
        await person.opens("ctrl+n")
        await person.press("3", "enter")
        await person.until(lambda: person.doing.startswith("warm-up"), "the warm-up")
        actor.go()
        await person.at_rest()
        assert [start.mode[0] for start in actor.starts] == [*"sb", *"sb", *"bs", *"sb"]
        await person.until(lambda: person.medians.startswith("n=3 "), "all three pairs")
        assert person.app.said == ["Done: 3 pairs."]
        assert not person.doing


async def test_a_comparison_ends_when_its_medians_are_known(
    open_app: "OpenApp", actor: "Actor"
) -> None:
    async with open_app(prompt="Why?") as person:
        await person.ready()
        await person.opens("ctrl+n")
        await person.press("enter")
        await person.until(lambda: person.app.said, "its end")
        assert person.app.said == ["Done: 6 pairs, medians known to ±0.0 %."]
        assert "within ±5 %" in person.verdict


async def test_a_comparison_that_was_stopped_goes_on(open_app: "OpenApp", actor: "Actor") -> None:
    async with open_app(prompt="Why?") as person:
        await person.ready()
        await person.opens("ctrl+n")
        actor.hold_from = 5  # both warm-ups and the first pair come to their end
        actor.holds = {"stream": 5}
        await person.press("4", "enter")
        await person.until(
            lambda: "pair 2" in person.doing and person.status("A") == "● answering", "pair 2"
        )
        await person.press("escape")
        await person.at_rest()
        actor.go()
        before = {run.run_id for run in person.session.trials[-1].runs}
        await person.opens("ctrl+n")
        assert "go on" in "\n".join(person.screen)
        await person.press("enter")
        await person.until(lambda: "Done: 4 pairs." in person.app.said, "its end")
        trial = person.session.trials[-1]
        assert trial.comparison_id == person.session.trials[-2].comparison_id
        assert before <= {run.run_id for run in trial.runs}


async def test_comparisons_are_apart_even_where_single_pairs_race(open_app: "OpenApp") -> None:
    async with open_app(prompt="Why?") as person:
        await person.ready()
        await person.opens("ctrl+t", "ctrl+n")
        await person.press("2", "enter")
        await person.until(lambda: "Done: 2 pairs." in person.app.said, "its end")
        assert {run.layout for run in person.session.trials[-1].runs} == {"apart"}


# ----------------------------------------------------------------------- recorded and older runs


async def test_recorded_runs_are_replayed_without_a_server(
    open_app: "OpenApp", build_stream: Any, build_blocking: Any, build_ended: Any
) -> None:
    recorded = {
        "A": build_ended(build_stream()).run,
        "B": build_ended(build_blocking(), "B").run,
    }
    async with open_app(recorded=recorded) as person:  # type: ignore[arg-type] # these are channels
        await person.until(lambda: person.doing.startswith("replay"), "the replay")
        assert person.prompt.text == "Why?"
        assert person.session.wishes == [], "nobody was asked for a server"
        assert "first text 5.6× sooner" in person.verdict.lower()
        assert person.medians.startswith("Recorded runs: no medians without a server.")
        await person.press("escape", "enter")  # now there is something to ask
        await person.until(lambda: person.session.trials, "a pair")
        assert person.session.trials[0].runs == [] or person.session.wishes == [None]


async def test_a_recording_of_one_side_says_what_is_missing(
    open_app: "OpenApp", build_stream: Any, build_ended: Any
) -> None:
    recorded: Any = {"A": build_ended(build_stream()).run}
    async with open_app(recorded=recorded) as person:
        await person.until(lambda: person.status("B") == "not recorded", "B")
        await person.press("escape")
        await person.settle()
        assert person.pane("A").text.plain_text


async def test_the_same_is_asked_again_of_the_same_server(open_app: "OpenApp") -> None:
    async with open_app(prompt="Why?") as person:
        await person.ready()
        await person.run()
        (run, _) = person.session.trials[-1].runs
        request = msgspec.structs.replace(run.request, prompt="How?", temperature=0.9)
        chosen = Rerun(request=request, plan=Plan(repeat=2, warmup=0), target=run.target, engine="")
        await person.press("f3")
        await person.until(lambda: isinstance(person.app.screen, HistoryScreen), "the history")
        person.app.screen.dismiss(chosen)
        await person.until(lambda: "Done: 2 pairs." in person.app.said, "its end")
        assert person.prompt.text == "How?"
        wish = person.session.wishes[-1]
        assert wish is not None
        assert (wish.url, wish.protocol, wish.model) == (
            run.target.url,
            run.target.protocol,
            run.target.model,
        )
        assert {run.request.temperature for run in person.session.trials[-1].runs} == {0.9}
