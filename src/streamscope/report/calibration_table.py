"""A calibration as text: the sentence, the remarks, a line for each case."""

from rich.console import Group, RenderableType
from rich.text import Text

from streamscope.calibration import Calibration
from streamscope.measure.calibration import is_kept, is_whole
from streamscope.report import calibration_words as words

WIDTH = sum(column.width for column in words.COLUMNS)
"""Columns that the whole table takes."""

_ARRIVAL = "All in ms. arrival: our time minus the beginning of the write"
_GAP = "gap: ours minus the one between the writes"
_FIRST = "first: our time to first text minus the server's"
_ONE_READ = "one read: writes that came in one read with a later one"
_LATE = "!: the server was late, so the case counts for nothing"


def calibration_table(calibration: Calibration, *, wide: bool = True) -> RenderableType:
    """Return a calibration for people.

    Args:
        calibration: What was found out.
        wide: Whether there is room for all columns, ``WIDTH`` of them; else some are left out.
    """
    above, below = words.heads(wide=wide)
    parts: list[RenderableType] = [Text(words.summary(calibration), "bold")]
    parts += [Text(f"! {remark}", "yellow") for remark in words.remarks(calibration)]
    parts += [Text(), Text(_where(calibration), "dim"), Text()]
    parts += [Text(above, "bold"), Text(below, "bold")]
    for case in calibration.cases:
        style = "red" if not is_whole(case) else "" if is_kept(case) else "yellow"
        parts.append(Text(words.line(words.cells(case), wide=wide), style))
    return Group(*parts, Text(), Text(_legend(wide=wide), "dim"))


def _legend(*, wide: bool) -> str:
    """Explain the columns that are there."""
    return " · ".join([_ARRIVAL, _GAP, *([_FIRST] if wide else []), _ONE_READ, _LATE])


def _where(calibration: Calibration) -> str:
    cores = f"{calibration.cores} core{'s' if calibration.cores != 1 else ''}"
    return (
        f"{calibration.measured_utc} · {calibration.system} · {cores} · "
        f"Python {calibration.python} · streamscope {calibration.streamscope}"
    )
