"""The calibration file: it comes back as it went in, and never brings the app down."""

import stat
from pathlib import Path

import msgspec
import pytest

from streamscope.calibration import Calibration, Case, Spread
from streamscope.history import HistoryError, calibrations

SPREAD = Spread(p50=10_000, p99=40_000, max=90_000)


def calibration(**changes: object) -> Calibration:
    case = Case(
        gap_ns=20_000_000,
        clock="kernel",
        writes=100,
        stamps=SPREAD,
        gaps=SPREAD,
        late=SPREAD,
        first_ns=5_000,
    )
    made = Calibration(
        measured_utc="2026-01-01T00:00:00.000+00:00",
        streamscope="1",
        python="3.11",
        system="Linux",
        cores=2,
        machine=calibrations.machine_id(),
        painted=True,
        exact=True,
        error_ns_p99={"kernel": 40_000},
        true_gap_ns=1_000_000,
        cases=(case,),
    )
    return msgspec.structs.replace(made, **changes)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "calibration.json"


def test_what_was_written_is_read_again_and_only_its_owner_may_read_it(file: Path) -> None:
    calibrations.write(file, calibration(exact=False))
    calibrations.write(file, calibration())
    assert calibrations.read(file) == calibration()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert [each.name for each in file.parent.iterdir()] == [file.name], "nothing is left over"


def test_no_file_is_no_calibration(file: Path) -> None:
    assert calibrations.read(file) is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"null",
        b'{"schema": "streamscope/calibration/1"}',
        msgspec.json.encode(calibration())[:-20],
        msgspec.json.encode(calibration()) + b" " * calibrations.MOST_BYTES,
        msgspec.json.encode(calibration(machine="another")),
        msgspec.json.encode(calibration(schema="streamscope/calibration/2")),
    ],
    ids=["empty", "brace", "bytes", "null", "bare", "cut", "huge", "machine", "newer"],
)
def test_what_holds_nothing_for_this_machine_is_as_good_as_none(file: Path, content: bytes) -> None:
    file.parent.mkdir()
    file.write_bytes(content)
    assert calibrations.read(file) is None
    assert file.read_bytes() == content, "it is somebody's file"


def test_a_directory_in_its_place_is_no_calibration_and_said_when_writing(file: Path) -> None:
    file.mkdir(parents=True)
    assert calibrations.read(file) is None
    with pytest.raises(HistoryError, match=r"^The calibration cannot be kept in .*: make "):
        calibrations.write(file, calibration())
    assert list(file.parent.iterdir()) == [file]


def test_a_place_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where a folder should be")
    with pytest.raises(HistoryError, match=r"^The calibration cannot be kept"):
        calibrations.write(tmp_path / "data" / "calibration.json", calibration())


def test_the_error_is_that_of_the_clock_and_unknown_where_it_was_not_measured() -> None:
    assert calibrations.error_ns(calibration(), "kernel") == 40_000
    assert calibrations.error_ns(calibration(), "read") is None
    assert calibrations.error_ns(None, "kernel") is None


def test_the_name_of_the_machine_is_opaque_and_stays() -> None:
    calibrations.machine_id.cache_clear()
    name = calibrations.machine_id()
    calibrations.machine_id.cache_clear()
    assert calibrations.machine_id() == name
    assert len(name) == 16
    assert int(name, 16) >= 0
