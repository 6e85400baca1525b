"""A person at the screen learns at once that a run was marked, and why a comparison ended."""

from typing import TYPE_CHECKING

import pytest

from streamscope.trace import Observer
from streamscope.trial.progress import Progress
from streamscope.tui import faces

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


@pytest.mark.parametrize(
    ("stopped", "why", "said"),
    [
        (False, "", "Done: 1 pair."),
        (False, "the machine was too busy", "Ended with 1 pair of 2: the machine was too busy."),
        (True, "the machine was too busy", "Stopped after 1 pair; what is measured stays."),
    ],
)
def test_the_end_of_a_comparison_has_its_reason(stopped: bool, why: str, said: str) -> None:
    at = Progress(
        pairs=1, least=2, most=2, width=None, wanted=None, elapsed_s=9.0, left_s=(0.0, 0.0)
    )
    assert faces.ended(at, stopped=stopped, why=why).startswith(said)
