"""Comparisons over many pairs, recorded runs and older ones on the main screen."""

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from streamscope.plan import Plan
from streamscope.trace import Fault
from streamscope.tui.screens.compare import Asked
from streamscope.tui.screens.details import DetailsScreen
from streamscope.tui.screens.history import HistoryScreen, Rerun
from streamscope.tui.screens.history.compared import delivery
from streamscope.tui.screens.main import MainScreen
from streamscope.tui.widgets.plot import NO_TEXT, ReadablePlot

if TYPE_CHECKING:
    from tests.tui.conftest import Actor, OpenApp, Person, Stage


def panel_title(person: "Person") -> str:
    """Return what stands above the medians."""
    return str(person.main.query_one("#history").border_title)


def plot(person: "Person") -> list[str]:
    """Return what the plot shows."""
    drawn = person.main.query_one(ReadablePlot)
    return [drawn.render_line(y).text for y in range(drawn.size.height)]


async def compare(person: "Person", plan: Plan) -> None:
    """Have the dialog answer with a plan, and wait until it is carried out."""
    await person.opens("ctrl+n")
    person.app.screen.dismiss(Asked(plan=plan))
    await person.until(lambda: any(said.startswith("Done") for said in person.app.said), "its end")


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


async def test_a_comparison_that_is_stopped_in_its_first_run_is_not_said_to_go_on(
    open_app: "OpenApp", actor: "Actor"
) -> None:
    async with open_app(prompt="Why?") as person:
        await person.ready()
        await person.opens("ctrl+n")
        actor.holds = {"stream": 0, "blocking": 0}
        await person.press("4", "enter")
        await person.until(lambda: actor.starts, "the first run")
        await person.press("escape")
        await person.at_rest()
        actor.go()
        assert len(person.session.trials[-1].runs) == 1
        assert person.app.said == ["Stopped after 0 pairs; what is measured stays."]
        await person.opens("ctrl+n")
        assert "the one that was stopped" not in "\n".join(person.screen)


async def test_comparisons_are_apart_even_where_single_pairs_race(open_app: "OpenApp") -> None:
    async with open_app(prompt="Why?") as person:
        await person.ready()
        await person.opens("ctrl+t", "ctrl+n")
        await person.press("2", "enter")
        await person.until(lambda: "Done: 2 pairs." in person.app.said, "its end")
        assert {run.layout for run in person.session.trials[-1].runs} == {"apart"}


async def test_a_comparison_that_ran_cold_is_seen_where_it_was_asked_for(
    open_app: "OpenApp",
) -> None:
    async with open_app(prompt="Why?") as person:
        await person.ready()
        await compare(person, Plan(repeat=2, regime="cold", warmup=0))
        await person.until(lambda: person.medians.startswith("n=2 "), "both pairs")
        assert panel_title(person).endswith("apart · cold · medians")
        assert person.title.rstrip().endswith("apart · cold")
        assert "n=2 pairs" in person.verdict
        await person.write("!")  # of another prompt nothing cold is meant
        await person.until(lambda: person.medians.startswith("Nothing measured yet"), "none")
        assert panel_title(person).endswith(" apart")
        assert person.layout == "apart"


async def test_a_comparison_apart_is_seen_where_single_pairs_race(
    open_app: "OpenApp", actor: "Actor"
) -> None:
    actor.hold_from = 3  # behind both warm-ups
    actor.holds = {"stream": 5}
    async with open_app(prompt="Why?") as person:
        await person.ready()
        await person.press("ctrl+t")
        assert person.layout == "race"
        await person.opens("ctrl+n")
        await person.press("2", "enter")
        await person.until(lambda: person.doing.startswith("pair 1"), "the first pair")
        assert person.layout == "apart"
        await person.until(lambda: panel_title(person).endswith(" apart"), "its title")
        actor.go()
        await person.at_rest()
        await person.until(lambda: person.medians.startswith("n=2 "), "both pairs")
        assert person.layout == "apart"
        await person.press("ctrl+t")  # what is seen is switched
        await person.until(lambda: person.medians.startswith("Nothing measured yet"), "no race")
        assert person.layout == "race"


async def test_medians_and_verdict_are_seen_while_pairs_are_still_measured(
    open_app: "OpenApp", actor: "Actor"
) -> None:
    actor.holds = {"stream": 5}
    actor.hold_from = 7  # both warm-ups and two pairs come to their end
    async with open_app(prompt="Why?") as person:
        await person.ready()
        await person.opens("ctrl+n")
        await person.press("4", "enter")
        await person.until(lambda: person.medians.startswith("n=2 "), "two pairs")
        assert person.doing.startswith("pair 3")
        await person.until(lambda: person.verdict.startswith("So far: "), "what they show")
        assert "n=2 pairs" in person.verdict
        actor.go()
        await person.at_rest()
        assert "n=4 pairs" in person.verdict
        assert not person.verdict.startswith("So far")


async def test_the_panel_stays_with_what_is_measured_whatever_is_typed(
    open_app: "OpenApp", actor: "Actor"
) -> None:
    actor.holds = {"blocking": 0}
    actor.hold_from = 5  # B goes first in the second pair
    async with open_app(prompt="Why?") as person:
        await person.ready()
        await person.opens("ctrl+n")
        await person.press("2", "enter")
        await person.until(lambda: person.medians.startswith("n=1 "), "the first pair")
        drawn = plot(person)
        await person.write("[/] or not")
        await person.until(lambda: "“Why?”" in panel_title(person), "whose panel it is")
        assert "measuring: Why?" in str(person.prompt.border_subtitle)
        assert person.medians.startswith("n=1 ")
        assert plot(person) == drawn
        actor.go()
        await person.at_rest()
        await person.until(lambda: "this prompt" in panel_title(person), "that of the editor")
        assert person.medians.startswith("Nothing measured yet")
        assert "measuring" not in str(person.prompt.border_subtitle)


async def test_the_plot_stays_with_the_last_whole_pair(open_app: "OpenApp", actor: "Actor") -> None:
    actor.holds = {"stream": 5}
    actor.hold_from = 6  # B of pair 2 is over, A is not
    async with open_app(prompt="Why?") as person:
        await person.ready()
        await person.opens("ctrl+n")
        await person.press("2", "enter")
        await person.until(lambda: person.doing.startswith("pair 2 of 2 · A"), "A")
        curves = person.main.query_one(ReadablePlot).curves
        assert curves is not None
        assert curves.a
        assert curves.b


async def test_what_may_be_looked_at_while_pairs_are_measured(
    open_app: "OpenApp", actor: "Actor"
) -> None:
    actor.holds = {"stream": 5}
    async with open_app(prompt="Why?") as person:
        await person.ready()
        actor.hold_from = 5
        await person.opens("ctrl+n")
        await person.press("2", "enter")
        await person.until(lambda: person.doing.startswith("pair 2"), "the second pair")
        await person.press("f5")
        await person.until(lambda: isinstance(person.app.screen, DetailsScreen), "the evidence")
        await person.press("escape")
        await person.press("f3")
        await person.until(lambda: isinstance(person.app.screen, HistoryScreen), "the history")
        (run, *_) = person.session.trials[-1].runs
        again = Rerun(request=run.request, plan=Plan(), sides=delivery(run.target, ""))
        person.app.screen.dismiss(again)
        await person.until(lambda: person.app.said, "why not")
        await person.press("f6", "ctrl+l")
        assert len(person.app.said) == 3
        assert all(said.startswith("A run is under way: esc") for said in person.app.said)
        assert len(person.session.trials) == 1


async def test_before_a_whole_pair_there_is_no_evidence(
    open_app: "OpenApp", actor: "Actor"
) -> None:
    actor.holds = {"stream": 5}
    async with open_app(prompt="Why?") as person:
        await person.ready()
        await person.press("enter")
        await person.until(lambda: person.status("A") == "● answering", "A")
        await person.press("f5")
        assert person.app.said == [
            "There is no whole pair to look at yet: the first one is under way."
        ]


@pytest.mark.parametrize(
    ("url", "pairs", "calm"),
    [
        ("http://127.0.0.1:11434", 2, True),
        ("https://api.example.com", 2, False),
        ("http://127.0.0.1:11434", 1, False),
    ],
)
async def test_painting_is_calm_while_many_pairs_are_measured_on_this_machine(
    open_app: "OpenApp",
    actor: "Actor",
    stage: "Stage",
    url: str,
    pairs: int,
    calm: bool,
) -> None:
    target = msgspec.structs.replace(stage.setup.target, url=url)
    stage.setup = msgspec.structs.replace(stage.setup, target=target)
    actor.holds = {"stream": 5}
    async with open_app(prompt="Why?") as person:
        await person.ready()
        main = person.main
        assert isinstance(main, MainScreen)
        if pairs > 1:
            await person.opens("ctrl+n")
            await person.press(str(pairs))
        await person.press("enter")
        await person.until(lambda: person.doing, "a run")
        assert main.calm is calm
        actor.go()
        await person.worked()
        assert main.calm is False


async def test_where_nothing_came_no_empty_plot_is_drawn(
    open_app: "OpenApp", actor: "Actor", build_stream: Any, build_blocking: Any
) -> None:
    fault = Fault(code="server", sentence="The server broke.")
    for mode, build in (("stream", build_stream), ("blocking", build_blocking)):
        actor.traces[mode] = build(text="", ended="error", fault=fault)  # type: ignore[index] # these are modes
    async with open_app(prompt="Why?") as person:
        await person.ready()
        await person.measured("enter")
        assert person.main.query_one(ReadablePlot).curves is None
        assert any(NO_TEXT in line for line in person.screen)


async def test_of_failed_pairs_the_evidence_says_why_there_is_none(
    open_app: "OpenApp", actor: "Actor", build_stream: Any
) -> None:
    fault = Fault(code="server", sentence="The server broke.")
    actor.traces["stream"] = build_stream(text="", ended="error", fault=fault)
    async with open_app(prompt="Why?") as person:
        await person.ready()
        await person.measured("enter")
        await person.press("f5")
        await person.until(lambda: isinstance(person.app.screen, DetailsScreen), "the evidence")
        seen = " ".join(" ".join(person.screen).split())
        assert "No pair is whole, so there is nothing to judge: no streamed run came" in seen
        assert "One pair shows what happened once" not in seen


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
        plan = Plan(repeat=2, warmup=0)
        chosen = Rerun(request=request, plan=plan, sides=delivery(run.target, ""))
        await person.press("f3")
        await person.until(lambda: isinstance(person.app.screen, HistoryScreen), "the history")
        person.app.screen.dismiss(chosen)
        await person.until(lambda: "Done: 2 pairs." in person.app.said, "its end")
        assert person.prompt.text == "How?"
        wishes = person.session.wishes[-1]
        assert wishes is not None
        wish = wishes.a
        assert (wish.url, wish.protocol, wish.model) == (
            run.target.url,
            run.target.protocol,
            run.target.model,
        )
        assert {run.request.temperature for run in person.session.trials[-1].runs} == {0.9}
