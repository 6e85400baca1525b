"""The title says how wrong times may be, where that is known and there is room for it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streamscope.calibration import Calibration
    from tests.tui.conftest import Actor, OpenApp, Stage


async def test_nothing_is_claimed_where_nothing_is_known(open_app: "OpenApp") -> None:
    async with open_app(prompt="Why?") as person:
        await person.ready()
        assert "±" not in person.title


async def test_what_a_calibration_found_is_said(
    open_app: "OpenApp", stage: "Stage", calibration: "Calibration"
) -> None:
    stage.calibration = calibration
    async with open_app(prompt="Why?") as person:
        await person.ready()
        assert person.title.endswith("apart · ±0.05 ms")


async def test_a_clock_that_was_not_calibrated_has_no_error(
    open_app: "OpenApp", stage: "Stage", actor: "Actor", calibration: "Calibration"
) -> None:
    stage.calibration = calibration
    for trace in actor.traces.values():
        trace.clock = "read"
    async with open_app(prompt="Why?") as person:
        await person.ready()
        await person.run()
        await person.until(lambda: person.title.endswith(" apart"), "the end")
        assert "±" not in person.title


async def test_where_it_is_narrow_it_makes_way_for_what_is_being_done(
    open_app: "OpenApp", stage: "Stage", actor: "Actor", calibration: "Calibration"
) -> None:
    stage.calibration = calibration
    actor.holds = {"stream": 5}
    async with open_app(prompt="Why?", size=(80, 24)) as person:
        await person.ready()
        assert "±0.05 ms" in person.title
        await person.press("enter")
        await person.until(lambda: person.doing == "measuring · A", "A")
        assert "±" not in person.title
