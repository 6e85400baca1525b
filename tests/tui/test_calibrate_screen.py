"""The calibration on the screen: the pane paints, the table fills, a sentence ends it."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from streamscope.calibration import Calibration, Case, Schedule, Spread
from streamscope.history import calibrations
from streamscope.measure.calibration import CalibrationError
from streamscope.settings import Config, Places
from streamscope.trial.calibration import Calibrating, Item, Progress
from streamscope.tui.calibrate_app import CalibrateApp
from streamscope.tui.screens.calibrate import CalibrateScreen
from streamscope.tui.widgets.ends import Ends
from streamscope.tui.widgets.text_pane import TextPane
from tests.tui import hands

if TYPE_CHECKING:
    from tests.tui.conftest import OpenApp

QUICK = Schedule(writes=10, gap_ns=1_000_000, first_ns=3_000_000)
ITEMS = (
    Item(schedule=QUICK, clock="kernel"),
    Item(schedule=msgspec.structs.replace(QUICK, tokens=2, cut="line"), clock="kernel"),
)
SIZES = [(80, 24), (120, 40), (200, 50)]


def case(late_ns: int = 0, *, lost: int = 0) -> Case:
    spread = Spread(p50=10_000, p99=40_000, max=90_000)
    return Case(
        gap_ns=QUICK.gap_ns,
        clock="kernel",
        writes=10,
        stamps=spread,
        gaps=spread,
        late=Spread(p50=0, p99=late_ns, max=late_ns),
        first_ns=1_000,
        lost=lost,
    )


def calibration(*cases: Case, error_ns: int | None = 40_000) -> Calibration:
    return Calibration(
        measured_utc="2026-01-01T00:00:00+00:00",
        streamscope="1",
        python="3.11",
        system="Linux",
        cores=2,
        machine=calibrations.machine_id(),
        painted=True,
        exact=error_ns is not None,
        error_ns_p99={} if error_ns is None else {"kernel": error_ns},
        true_gap_ns=None if error_ns is None else QUICK.gap_ns,
        cases=cases,
    )


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "config", tmp_path / "data", tmp_path / "cache")


@pytest.fixture
def app(places: Places) -> Callable[..., CalibrateApp]:
    def made(*, closes: bool = False, begun: Callable[..., None] = lambda *_: None) -> CalibrateApp:
        return CalibrateApp(
            ITEMS,
            config=Config(),
            places=places,
            closes=closes,
            mounted=lambda _: None,
            begun=begun,
        )

    return made


@pytest.fixture
def outcome(monkeypatch: pytest.MonkeyPatch) -> Callable[[Calibration | str], None]:
    """Let a calibration come to an end at once: a result, or a sentence that says why not."""

    def put(end: Calibration | str) -> None:
        async def carry_out(self: Calibrating) -> Calibration:
            if isinstance(end, str):
                raise CalibrationError(end)
            return end

        monkeypatch.setattr(Calibrating, "carry_out", carry_out)

    return put


async def over(app: CalibrateApp, pilot: Pilot[None]) -> None:
    """Wait for the end of the calibration, and until that is drawn."""
    await hands.settle(pilot)
    await app.workers.wait_for_complete()
    await hands.settle(pilot)


def said(app: CalibrateApp) -> str:
    return str(app.calibrate.query_one("#said > Static", Static).content)


def table(app: CalibrateApp) -> list[str]:
    parts = app.calibrate.query("#table Static").results(Static)
    return "\n".join(str(part.content) for part in parts).splitlines()


async def test_each_case_is_painted_by_the_real_pane_and_fills_its_row(
    app: Callable[..., CalibrateApp],
) -> None:
    begun: list[Progress] = []
    one = app(begun=lambda at, _: begun.append(at))
    async with one.run_test(size=(120, 40)) as pilot:
        assert [line.split()[:4] for line in table(one)[2:]] == [
            ["1", "1", "–", "kernel"],
            ["1", "2", "line", "kernel"],
        ]
        await over(one, pilot)
        made = one.calibrate.calibration
        assert made is not None
        assert [at.number for at in begun] == list(range(1, len(made.cases) + 1))
        text = one.calibrate.query_one(TextPane).plain_text
        assert text.startswith("Unified¹ memory² is³")
        assert len(text.split()) == QUICK.writes * 2
        rows = table(one)[2:]
        assert all(len(row.split()) >= 15 for row in rows[: len(made.cases)])
        assert len({len(line) for line in table(one)[: 2 + len(made.cases)]}) == 1
        await hands.press(pilot, "escape")
    assert not one.is_running


async def test_it_ends_in_one_plain_sentence(
    app: Callable[..., CalibrateApp], outcome: Callable[[Calibration | str], None]
) -> None:
    outcome(calibration(case(), case()))
    one = app()
    async with one.run_test(size=(120, 40)) as pilot:
        await over(one, pilot)
        assert said(one) == (
            "Arrival times on this machine are good to ±0.04 ms (p99) up to 1,000 chunks a "
            "second, with the app painting."
        )
        await hands.press(pilot, "enter")
    assert one.calibrate.calibration is not None


async def test_a_problem_is_the_sentence(
    app: Callable[..., CalibrateApp], outcome: Callable[[Calibration | str], None]
) -> None:
    outcome("The schedule server ended in the middle.")
    one = app()
    async with one.run_test(size=(80, 24)) as pilot:
        await over(one, pilot)
        assert said(one) == "The schedule server ended in the middle."
        assert one.calibrate.problem
        await hands.press(pilot, "escape")
    assert one.calibrate.calibration is None


async def test_nobody_has_to_close_it_where_nobody_sees_it(
    app: Callable[..., CalibrateApp], outcome: Callable[[Calibration | str], None]
) -> None:
    outcome(calibration(case(), case()))
    one = app(closes=True)
    await one.run_async(headless=True, size=(120, 40))
    assert one.calibrate.calibration is not None


async def test_escape_stops_it_and_nothing_has_come_of_it(
    app: Callable[..., CalibrateApp],
) -> None:
    one = app()
    async with one.run_test(size=(120, 40)) as pilot:
        await hands.settle(pilot)
        await hands.press(pilot, "escape")
        await hands.settle(pilot)
    assert not one.is_running
    assert one.calibrate.calibration is None
    assert one.calibrate.problem == ""


@pytest.mark.parametrize("size", SIZES)
async def test_all_that_matters_is_in_view(
    app: Callable[..., CalibrateApp],
    outcome: Callable[[Calibration | str], None],
    size: tuple[int, int],
) -> None:
    outcome(calibration(case(), case(99_000_000)))
    one = app()
    async with one.run_test(size=size) as pilot:
        one.calibrate.case_started(1, ITEMS[0], 1)
        one.calibrate.case_ended(1, case())
        one.calibrate.case_ended(2, case(99_000_000, lost=3))
        await over(one, pilot)
        screen = one.calibrate
        widths = {len(line) for line in table(one)}
        assert len(widths) == 1, "columns stand in line"
        assert widths.pop() <= screen.query_one("#table").size.width
        for widget in (*screen.query(Ends), *screen.query("TextPane, #said, #table, Footer")):
            assert widget.region.height > 0
            assert screen.region.contains_region(widget.region)
        await hands.press(pilot, "escape")


async def test_what_the_app_finds_out_holds_from_then_on_and_is_kept(
    open_app: "OpenApp", outcome: Callable[[Calibration | str], None]
) -> None:
    made = calibration(case(), case())
    outcome(made)
    async with open_app() as person:
        await person.ready()
        await person.press("shift+f4")
        await person.until(
            lambda: (
                isinstance(person.app.screen, CalibrateScreen)
                and person.app.screen.calibration is not None
            ),
            "the end of the calibration",
        )
        await person.press("escape")
        await person.until(
            lambda: person.app.session is not None and person.app.session.calibration == made,
            "the calibration in the session",
        )
        file = person.app.places.calibration_file
        await person.until(lambda: calibrations.read(file) == made, "the calibration in its file")


async def test_what_found_nothing_out_does_not_take_the_place_of_what_did(
    open_app: "OpenApp", outcome: Callable[[Calibration | str], None]
) -> None:
    before = calibration(case())
    outcome(calibration(case(99_000_000), error_ns=None))
    async with open_app() as person:
        await person.ready()
        session = person.app.session
        assert session is not None
        session.calibration = before
        await person.press("shift+f4")
        await person.until(
            lambda: (
                isinstance(person.app.screen, CalibrateScreen)
                and person.app.screen.calibration is not None
            ),
            "the end of the calibration",
        )
        await person.press("escape")
        await person.until(
            lambda: not isinstance(person.app.screen, CalibrateScreen), "the main screen"
        )
        assert session.calibration == before
        assert calibrations.read(person.app.places.calibration_file) is None
