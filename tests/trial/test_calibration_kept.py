"""A calibration takes the place of another one only where it knows at least as much."""

from pathlib import Path

import msgspec
import pytest

from streamscope.calibration import Calibration, Case, Spread
from streamscope.history import calibrations
from streamscope.trace import Clock
from streamscope.trial.calibration_kept import keep, supersedes

GOOD = Spread(p50=10_000, p99=40_000, max=90_000)
LATE = Spread(p50=10_000, p99=900_000, max=900_000)


def case(*, late: Spread = GOOD, clock: Clock = "kernel") -> Case:
    return Case(
        gap_ns=20_000_000,
        clock=clock,
        writes=100,
        stamps=GOOD,
        gaps=GOOD,
        late=late,
        first_ns=5_000,
    )


def calibration(counting: int = 4, **changes: object) -> Calibration:
    cases = [*[case()] * counting, *[case(late=LATE)] * (4 - counting), case(clock="read")]
    made = Calibration(
        measured_utc="2026-01-10T00:00:00+00:00",
        streamscope="1",
        python="3.11",
        system="Linux 6",
        cores=2,
        machine=calibrations.machine_id(),
        painted=True,
        exact=counting == 4,
        error_ns_p99={"kernel": 40_000, "read": 40_000},
        true_gap_ns=20_000_000,
        cases=tuple(cases),
    )
    return msgspec.structs.replace(made, **changes)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "calibration.json"


def test_one_that_found_nothing_out_does_not_replace_one_that_did(file: Path) -> None:
    assert keep(file, calibration(error_ns_p99={})).endswith("there is none now.")
    assert not file.exists()
    assert keep(file, calibration()) == f"Kept for this machine in {file}."
    said = keep(file, calibration(error_ns_p99={"read": 9}))
    assert said.endswith("the one of 2026-01-10T00:00:00+00:00 holds on.")
    assert calibrations.read(file) == calibration()


def test_one_that_rests_on_less_does_not_replace_a_better_one(file: Path) -> None:
    keep(file, calibration())
    said = keep(file, calibration(1, measured_utc="2026-01-11T00:00:00+00:00"))
    assert said == (
        "Not kept: it rests on 1 case that counts, the better one of 2026-01-10T00:00:00+00:00 on"
        " 4: that one holds on."
    )
    assert calibrations.read(file) == calibration()


def test_one_that_rests_on_as_much_replaces_it(file: Path) -> None:
    keep(file, calibration(2))
    newer = calibration(2, measured_utc="2026-01-11T00:00:00+00:00")
    assert keep(file, newer).startswith("Kept")
    assert calibrations.read(file) == newer


@pytest.mark.parametrize(
    "changes",
    [
        {"measured_utc": "2026-02-10T00:00:00+00:00"},
        {"streamscope": "2"},
        {"system": "Linux 7"},
        {"python": "3.12"},
    ],
    ids=["month", "version", "kernel", "python"],
)
def test_what_is_out_of_date_is_replaced_by_less(changes: dict[str, str]) -> None:
    assert supersedes(calibration(1, **changes), calibration())


def test_thirty_days_it_holds_on_and_moments_without_a_zone_are_utc() -> None:
    assert not supersedes(
        calibration(1, measured_utc="2026-02-09T00:00:00+00:00"),
        calibration(measured_utc="2026-01-10T00:00:00"),
    )


def test_one_whose_moment_cannot_be_read_gives_way() -> None:
    assert supersedes(calibration(1), calibration(measured_utc="once upon a time"))
    assert not supersedes(calibration(0, error_ns_p99={}), calibration(measured_utc="once"))


def test_any_useful_one_is_better_than_none() -> None:
    assert supersedes(calibration(1), None)
    assert not supersedes(calibration(0, error_ns_p99={"read": 9}), None)
