"""A person at the screen learns at once that a run was marked, and why a comparison ended."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from streamscope.plan import Plan
from streamscope.trace import Fault, Observer, Trace
from streamscope.trial.progress import Progress
from streamscope.tui import course_words

if TYPE_CHECKING:
    from tests.tui.conftest import Actor, OpenApp


async def test_a_marked_run_and_that_it_is_made_once_more_are_told(
    open_app: "OpenApp", actor: "Actor"
) -> None:
    actor.traces["stream"].observer = Observer(cpu_s=0.01, stolen=0.5)
    async with open_app(prompt="Why?") as person:
        await person.ready()
        await person.opens("ctrl+n")
        await person.press("2", "enter")
        marked = "A of warm-up: machine busy: marked, made once more."
        await person.until(lambda: marked in person.app.said, "the mark")
        await person.press("escape")
        await person.at_rest()


WHY = "the machine was too busy"
FEW, MANY = Plan(repeat=2), Plan(repeat=30, until=0.05)


@pytest.mark.parametrize(
    ("pairs", "plan", "stopped", "why", "said"),
    [
        (1, FEW, False, "", "Done: 1 pair."),
        (1, FEW, False, WHY, f"Ended with 1 of 2 pairs: {WHY}. ctrl+n can go on with it."),
        (1, FEW, True, WHY, "Stopped after 1 pair; what is measured stays. ctrl+n can go on"),
        (6, MANY, False, WHY, f"Ended with 6 of at most 30 pairs: {WHY}. ctrl+n can go on"),
        (
            30,
            MANY,
            False,
            "",
            "Done: 30 pairs, the most there may be; medians known to ±9.0 % only",
        ),
        (8, MANY, False, "", "Done: 8 pairs; medians known to ±9.0 % only."),
    ],
)
def test_the_end_of_a_comparison_has_its_reason(
    pairs: int, plan: Plan, stopped: bool, why: str, said: str
) -> None:
    at = Progress(
        pairs=pairs,
        least=2,
        most=12,  # what is guessed to be needed says nothing of what was asked for
        width=plan.until and 0.09,
        wanted=plan.until,
        elapsed_s=9.0,
        left_s=(0.0, 0.0),
    )
    assert course_words.ended(at, plan, stopped=stopped, why=why).startswith(said)
    assert "go on" not in course_words.ended(at, plan, stopped=stopped, why=why, goes_on=False)


async def test_a_server_that_is_gone_ends_a_comparison_and_is_named(
    open_app: "OpenApp", actor: "Actor", build_stream: Callable[..., Trace]
) -> None:
    fault = Fault(code="unreachable", sentence="Nobody answers at 127.0.0.1:11434.")
    actor.traces["stream"] = build_stream(text="", ended="error", fault=fault)
    async with open_app(prompt="Why?") as person:
        await person.ready()
        await person.opens("ctrl+n")
        await person.press("enter")
        await person.until(lambda: person.app.said, "its end")
        (said,) = person.app.said
        assert said.startswith("Ended with 0 of at most 30 pairs: Nobody answers at 127.0.0.1:1143")
        assert "most there may be" not in said
