"""A calibration in words: sentences, and the cells of its table. All times are shown in ms."""

from itertools import groupby
from typing import NamedTuple

from streamscope.calibration import Calibration, Case, Cut, Schedule
from streamscope.measure import calibration as measure
from streamscope.measure.calibration import EXACT_NS
from streamscope.trace import Clock

CUTS: dict[Cut, str] = {"": "–", "line": "line", "character": "char"}
"""Where writes are cut, as a cell."""

NANO = 1e9


class Column(NamedTuple):
    """A column of the table.

    Attributes:
        group: What stands above the heads of several columns.
        head: Its head.
        width: Its width in cells; cells are aligned right.
        wide: Whether it is only there where there is room.
    """

    group: str
    head: str
    width: int
    wide: bool = False


COLUMNS = (
    Column("gap", "ms", 5),
    Column("a write", "tok", 5),
    Column("a write", "cut", 5),
    Column("", "clock", 7),
    Column("arrival off", "p50", 8),
    Column("arrival off", "p99", 8),
    Column("arrival off", "max", 8, wide=True),
    Column("gap off", "p50", 8, wide=True),
    Column("gap off", "p99", 8),
    Column("gap off", "max", 8, wide=True),
    Column("first", "off", 8, wide=True),
    Column("pieces", "lost", 5),
    Column("pieces", "twice", 6),
    Column("one", "read", 6),
    Column("server", "late p99", 10),
)
"""Every column, from the left."""


def cells(case: Case) -> tuple[str, ...]:
    """Return the cells of a case, one for each of ``COLUMNS``."""
    return (
        *_asked(case.gap_ns, case.tokens, case.cut, case.clock),
        *(ms(value) for value in (case.stamps.p50, case.stamps.p99, case.stamps.max)),
        *(ms(value) for value in (case.gaps.p50, case.gaps.p99, case.gaps.max)),
        ms(case.first_ns),
        str(case.lost),
        str(case.doubled),
        str(case.shared),
        ("" if measure.is_kept(case) else "! ") + ms(case.late.p99),
    )


def waiting_cells(gap_ns: int, tokens: int, cut: Cut, clock: Clock) -> tuple[str, ...]:
    """Return the cells of a case that is still to be carried out."""
    asked = _asked(gap_ns, tokens, cut, clock)
    return (*asked, *[""] * (len(COLUMNS) - len(asked)))


def described(schedule: Schedule, clock: Clock) -> str:
    """Return what a case tries, in words."""
    parts = [f"a write every {gap(schedule.gap_ns)} ms"]
    if schedule.tokens > 1:
        parts.append(f"{schedule.tokens} tokens a write")
    if schedule.cut:
        parts.append(f"cut inside a {schedule.cut}")
    parts.append("the kernel's stamps" if clock == "kernel" else "times of the reads")
    return " · ".join(parts)


def heads(*, wide: bool) -> tuple[str, str]:
    """Return the two lines of the head: of groups, and of columns."""
    groups = groupby(_columns(wide=wide), key=lambda column: column.group)
    above = "".join(_over(name, [column.width for column in columns]) for name, columns in groups)
    return above, line(tuple(column.head for column in COLUMNS), wide=wide)


def line(values: tuple[str, ...], *, wide: bool) -> str:
    """Return cells, one for each of ``COLUMNS``, as a line."""
    pairs = zip(COLUMNS, values, strict=True)
    return "".join(value.rjust(column.width) for column, value in pairs if wide or not column.wide)


def ms(value_ns: int) -> str:
    """Return a time in ms: errors are thousandths of one, and the points stand in line."""
    value = value_ns / 1e6
    return f"{value:.3f}" if abs(value) < 100 else f"{value:.0f}"


def gap(gap_ns: int) -> str:
    """Return a gap as it was asked for: ``20``, ``0.2``, in ms."""
    return f"{gap_ns / 1e6:g}"


def summary(calibration: Calibration) -> str:
    """Return in one sentence what the times of this machine are good for."""
    clock = measure.best_clock(calibration.cases)
    error = calibration.error_ns_p99.get(clock)
    shortest = calibration.true_gap_ns
    if error is None or shortest is None:
        if not any(measure.is_kept(case) for case in calibration.cases if case.clock == clock):
            return (
                "How good arrival times on this machine are could not be found out: its server "
                "could keep none of the schedules that would tell."
            )
        return "Arrival times on this machine were not good enough for any of the gaps tried."
    said = (
        f"rrival times on this machine are good to {plus_minus(error)} (p99) up to "
        f"{NANO / shortest:,.0f} chunks a second, {_meanwhile(calibration)}."
    )
    caution = _caution(calibration)
    return f"{caution}: a{said}" if caution else f"A{said}"


def plus_minus(error_ns: int) -> str:
    """Return an error as people write it, rounded up to two digits: ``±0.05 ms``."""
    value, unit = (error_ns, 1e6) if error_ns < NANO else (error_ns, 1e9)
    size = value / unit
    step = 0.01 if size < 1 else 0.1 if size < 10 else 1
    rounded = -(-round(size / step, 6) // 1) * step
    decimals = {0.01: 2, 0.1: 1, 1: 0}[step]
    return f"±{rounded:.{decimals}f} {'ms' if unit == 1e6 else 's'}"


def remarks(calibration: Calibration) -> list[str]:
    """Return what must be known beside the summary, a sentence each, the worst first."""
    cases = calibration.cases
    said = []
    lost, doubled = sum(case.lost for case in cases), sum(case.doubled for case in cases)
    if lost or doubled:
        said.append(
            f"{lost} pieces of text were lost and {doubled} came twice or changed: that must "
            "never be; these cases count for nothing, please report it."
        )
    if late := [case for case in cases if not measure.is_kept(case)]:
        worst = max(case.late.p99 for case in late)
        said.append(
            f"This machine can't keep the schedule: in {_of(len(late), len(cases))} the server "
            f"began its writes up to {ms(worst)} ms late (p99), and {ms(EXACT_NS)} ms is the "
            "limit, so they count for nothing (marked !). Close what else is running and "
            "calibrate again."
        )
    clock = measure.best_clock(cases)
    said += [
        f"At gaps of {gap(gap_ns)} ms the gaps are not true: more than a tenth off (p99)."
        for gap_ns in _untrue(cases, clock)
    ]
    return said + (_read_words(calibration) if clock == "kernel" else [])


def _read_words(calibration: Calibration) -> list[str]:
    """Say how good the times of reads are, beside the kernel's; nothing where nobody tried."""
    reads = [case for case in calibration.cases if case.clock == "read"]
    error = calibration.error_ns_p99.get("read")
    if not reads:
        return []
    if error is None:
        none = (
            "its case does not count" if len(reads) == 1 else f"none of {len(reads)} cases counts"
        )
        return [
            f"How good times are where the kernel's stamps can't be had was not found out: {none}."
        ]
    counted = sum(map(measure.counts, reads))
    few = f", as {counted} of {len(reads)} cases tell" if 2 * counted < len(reads) else ""
    return [f"Where the kernel's stamps can't be had, they are good to {plus_minus(error)}{few}."]


def _caution(calibration: Calibration) -> str:
    """Say on how little it rests, where most cases do not count; else nothing."""
    cases = calibration.cases
    counting = [case for case in cases if measure.counts(case)]
    if 2 * len(counting) >= len(cases):
        return ""
    writes = sum(case.writes for case in counting)
    return (
        f"Only {len(counting)} of {len(cases)} cases {'counts' if len(counting) == 1 else 'count'}"
        f" ({writes:,} writes), so believe this with care"
    )


def _untrue(cases: tuple[Case, ...], clock: Clock) -> list[int]:
    ours = [case for case in cases if case.clock == clock and measure.is_kept(case)]
    return sorted({case.gap_ns for case in ours if not measure.is_true(case)}, reverse=True)


def _meanwhile(calibration: Calibration) -> str:
    return "with the app painting" if calibration.painted else "with nothing painting"


def _of(count: int, total: int) -> str:
    cases = "case" if total == 1 else "cases"
    return f"all {total} {cases}" if count == total else f"{count} of {total} {cases}"


def _over(name: str, widths: list[int]) -> str:
    """Return the name of a group, with a rule as wide as the columns below it where it has many."""
    width = sum(widths)
    if len(widths) == 1:
        return name.rjust(width)
    rule = min(width - 1, width - widths[0] + 3)  # from the first head on, which has three letters
    return (
        f" {name} ".center(rule, "─").rjust(width) if len(name) + 4 <= rule else name.rjust(width)
    )


def _columns(*, wide: bool) -> list[Column]:
    return [column for column in COLUMNS if wide or not column.wide]


def _asked(gap_ns: int, tokens: int, cut: Cut, clock: Clock) -> tuple[str, ...]:
    return (gap(gap_ns), str(tokens), CUTS[cut], clock)
