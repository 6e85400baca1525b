"""Which calibration holds: the newest, unless it rests on less than one that is still good."""

import datetime
from pathlib import Path

from streamscope.calibration import Calibration
from streamscope.history import calibrations
from streamscope.measure.calibration import best_clock, counted

HOLDS = datetime.timedelta(days=30)
"""So long a calibration holds on against a newer one that rests on less."""


def is_useful(calibration: Calibration) -> bool:
    """Whether it found out how wrong the clock is that runs use: the kernel's, where there is."""
    return best_clock(calibration.cases) in calibration.error_ns_p99


def supersedes(new: Calibration, old: Calibration | None) -> bool:
    """Whether a new calibration takes the place of an old one of this machine.

    It must be of use, and rest on at least as many cases that count for the clock that runs use,
    unless the old one is out of date: too old, or of another version, kernel or Python.
    """
    if not is_useful(new):
        return False
    return old is None or _outdated(old, new) or counted(new.cases) >= counted(old.cases)


def keep(path: Path, calibration: Calibration) -> str:
    """Keep a calibration, and return a sentence that says so, or why not.

    Raises:
        HistoryError: It cannot be written; one sentence says why.
    """
    before = calibrations.read(path)
    if supersedes(calibration, before):
        calibrations.write(path, calibration)
        return f"Kept for this machine in {path}."
    if before is None or not is_useful(calibration):
        what = f"the one of {before.measured_utc} holds on" if before else "there is none now"
        return f"Nothing was found out that could be kept: {what}."
    return (
        f"Not kept: it rests on {_cases(counted(calibration.cases))}, the better one of"
        f" {before.measured_utc} on {counted(before.cases)}: that one holds on."
    )


def _cases(number: int) -> str:
    return "1 case that counts" if number == 1 else f"{number} cases that count"


def _outdated(old: Calibration, new: Calibration) -> bool:
    """Whether an older calibration is not of this machine as it is now."""
    if (old.streamscope, old.system, old.python) != (new.streamscope, new.system, new.python):
        return True
    try:
        return _moment(new.measured_utc) - _moment(old.measured_utc) > HOLDS
    except ValueError:  # somebody wrote there
        return True


def _moment(utc: str) -> datetime.datetime:
    """Read a moment; one without a zone is UTC."""
    moment = datetime.datetime.fromisoformat(utc)
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
