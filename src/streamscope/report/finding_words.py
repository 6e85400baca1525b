"""What was found of one figure, in words that claim no more.

A wait is *sooner*, never *faster*; what was not found is *inconclusive*, never *equal*; an
interval is given with its true coverage.
"""

import math
from collections.abc import Iterable

from streamscope.measure.figures import BY_NAME, Described
from streamscope.measure.findings import LEAST_DIFFERENT, Finding
from streamscope.measure.inference import Estimate
from streamscope.measure.verdict import Judgement
from streamscope.report.words import (
    NEAR,
    NONE,
    TIMES_FROM,
    WAITS,
    digits,
    percent,
    seconds,
    sooner,
    versus,
)

TESTABLE = LEAST_DIFFERENT
"""Fewest pairs that can show a difference."""

FEW_NEAR = 0.2
"""Without a test, medians are only called different where a person would notice (Weber)."""

_NAMES = {
    "ttfv_s": "first text",
    "done_s": "total",
    "total_s": "total",
}


def tested(finding: Finding) -> bool:
    """Tell whether there were enough values to say more than what they are."""
    if finding.kind != "inconclusive":
        return finding.kind != "unknown"
    return finding.ratio is not None and finding.ratio.low is not None


def few_words(n: int, findings: Iterable[Finding]) -> str:
    """Say how many more pairs it takes to test anything; empty where it takes no more pairs."""
    if n >= TESTABLE or any(map(tested, findings)):
        return ""
    return f", too few to test: {TESTABLE - n} more would do"


def finding_words(finding: Finding) -> str:
    """Say what was found of one figure: a clause."""
    name = finding_name(finding)
    match finding.kind:
        case "unknown":
            return f"{name}: can't tell, {finding.reason}"
        case "inconclusive" if not tested(finding) and finding.a and finding.b:
            return untested_words(finding)
        case "inconclusive":
            return f"{name} inconclusive ({_inconclusive(finding)})"
        case "equivalent":
            return f"{name} equivalent within {margin_words(finding)}{_interval(finding.inner)}"
        case "different":
            words = f"{name} {_difference(finding)}"
            if finding.negligible:
                words += f", a difference within {margin_words(finding)}"
            return words


def finding_mark(finding: Finding) -> str:
    """Say the same in a table's cell, at most 15 characters."""
    if finding.kind == "equivalent" or finding.negligible:
        return f"≈ {margin_words(finding)}"
    if finding.kind == "different":
        return _how_much(finding)
    if finding.a and finding.b and finding.kind == "inconclusive" and not tested(finding):
        return versus(BY_NAME[finding.name], finding.a, finding.b, near=FEW_NEAR)
    return "inconclusive" if finding.kind == "inconclusive" else "can't tell"


def untested_mark(figure: Described, a: float | None, b: float | None, n: int) -> str:
    """Say in a table's cell how two numbers stand to each other that were not tested.

    One pair can't tell a difference from noise, so of one only the waits are compared; and below
    as many pairs as can be tested, only what a person would notice is called different.

    Args:
        figure: What they are of.
        a: A's.
        b: B's.
        n: How many runs of each side they rest on.
    """
    if n < 2 and figure.name not in WAITS and a != b:
        return NONE
    return versus(figure, a, b, near=NEAR if n >= TESTABLE else FEW_NEAR)


def beside_tested(mark: str, judgement: Judgement | None) -> str:
    """Put what was not tested in brackets, where it stands in one column with what was."""
    if judgement is None or mark == NONE:
        return mark
    findings = (judgement.first, judgement.total, judgement.rate)
    return f"({mark})" if any(map(tested, findings)) else mark


def finding_cell(finding: Finding, judgement: Judgement | None) -> str:
    """Say in a table's cell what was found; in brackets if it was not tested, and others were."""
    mark = finding_mark(finding)
    if tested(finding) or finding.kind == "unknown" or not (finding.a and finding.b):
        return mark
    return beside_tested(mark, judgement)


def ratio_interval(estimate: Estimate | None) -> str:
    """Write an interval of a ratio with its coverage: ``96.9 % CI 0.996–1.002``; or nothing."""
    if estimate is None or estimate.low is None or estimate.high is None:
        return ""
    low, high = estimate.low, estimate.high
    write = _near_one if low > 0.8 and high < 1.25 else _bound
    return f"{percent(estimate.coverage)} CI {write(low)}–{write(high)}"


def _near_one(value: float) -> str:
    """Write a ratio with three decimals, or as many as it takes to tell it from 1."""
    return next(
        (text for places in range(3, 7) if float(text := f"{value:.{places}f}") != 1 or value == 1),
        f"{value:.6f}",
    )


def _bound(value: float) -> str:
    return f"{value:#.2g}" if 0.0001 < value < 0.095 else digits(value)


def margin_words(finding: Finding) -> str:
    """Write the margin of a finding: ``±5 %``."""
    return f"±{100 * finding.margin:g} %"


def whole_finding(judgement: Judgement) -> Finding:
    """Return what is said of the whole: the total, or where it says nothing, the rate."""
    rate = judgement.rate
    return rate if judgement.total.kind == "unknown" and rate.kind != "unknown" else judgement.total


def finding_name(finding: Finding) -> str:
    """Return the name of the figure that was judged, for people."""
    return _NAMES.get(finding.name) or BY_NAME[finding.name].label


def finding_sentence(finding: Finding, clause: str = "") -> str:
    """Say what was found of one figure, with exact p.

    Args:
        finding: What was found.
        clause: That in words, if not in the usual ones.
    """
    words = clause or finding_words(finding)
    exact = "" if finding.p is None or finding.n < 2 else f", p {_p(finding.p)}"
    pairs = "" if finding.n < 2 else f"; n={finding.n} pairs{exact}"
    return f"{words[0].upper()}{words[1:]}{pairs}."


def _p(p: float) -> str:
    return f"= {p:.4f}" if p >= 0.0001 else "< 0.0001"


def single_words(finding: Finding) -> str:
    """Say of one pair how A's moment stands to B's: a clause."""
    if finding.a is None or finding.b is None:
        return f"{finding_name(finding)} is not known"
    return f"{finding_name(finding)} {sooner(finding.a, finding.b, near=FEW_NEAR)}"


def untested_words(finding: Finding) -> str:
    """Say what was measured, and claim nothing: ``first text 6.4× sooner (0.24 vs 1.56 s)``."""
    name = finding_name(finding)
    if finding.name in WAITS and finding.a and finding.b:
        return f"{name} {sooner(finding.a, finding.b, near=FEW_NEAR)}"
    return f"{name} {_values(finding) or 'is not known'}"


def _difference(finding: Finding) -> str:
    """Say how much, how surely, and between what: ``6.4× sooner (5.9–6.8×, …; medians …)``."""
    interval = _wait_interval(finding) or ratio_interval(finding.ratio)
    values = _values(finding)
    inside = "; ".join(part for part in (interval, values and f"medians {values}") if part)
    words = _how_much(finding)
    if _medians_disagree(finding):
        words += " within pairs"
    return f"{words} ({inside})" if inside else words


def _medians_disagree(finding: Finding) -> bool:
    """Tell whether the ratio of the medians is another one than the typical one within pairs."""
    if finding.ratio is None or not finding.a or not finding.b:
        return False
    return abs(math.log(finding.ratio.estimate * finding.b / finding.a)) > math.log1p(NEAR)


def _wait_interval(finding: Finding) -> str:
    """Write the interval of a wait as it is said: ``5.9–6.8×, 96.9 % CI``; or nothing."""
    estimate = finding.ratio
    if finding.name not in WAITS or estimate is None or not estimate.low or not estimate.high:
        return ""
    low, high = estimate.low, estimate.high
    if low < 1 < high:
        return ""
    if min(estimate.estimate, 1 / estimate.estimate) > 1 / TIMES_FROM:
        bounds = sorted((abs(1 - low), abs(1 - high)))
        words = "–".join(digits(100 * bound) for bound in bounds) + " %"
    else:
        words = "–".join(map(digits, sorted((max(low, 1 / low), max(high, 1 / high))))) + "×"
    return f"{words}, {percent(estimate.coverage)} CI"


def _how_much(finding: Finding) -> str:
    """Put the ratio itself into words; the medians' may differ a little."""
    estimate = finding.ratio.estimate if finding.ratio else 1.0
    words = versus(BY_NAME[finding.name], estimate, 1.0, near=0.0)
    if words != "same" and not words.startswith("0 %"):
        return words
    return f"{100 * abs(estimate - 1):.1g} % {'more' if estimate > 1 else 'less'}"


def _values(finding: Finding) -> str:
    """Write both medians; a total that ends with the end mark says so: tables end with the text."""
    if finding.a is None or finding.b is None:
        return ""
    unit = BY_NAME[finding.name].unit
    if unit == "s":
        first, second = seconds(finding.a), seconds(finding.b)
        same_unit = first.split(" ")[1:] == second.split(" ")[1:]
        end = " to the end mark" if finding.name == "done_s" else ""
        return f"{first.split(' ')[0] if same_unit else first} vs {second}{end}"
    return f"{digits(finding.a)} vs {digits(finding.b)} {unit}"


def _interval(estimate: Estimate | None) -> str:
    words = ratio_interval(estimate)
    return f" ({words})" if words else ""


def _inconclusive(finding: Finding) -> str:
    parts = [ratio_interval(finding.ratio) or finding.reason]
    if finding.more is not None:
        few = "more than 200" if finding.more >= 200 else f"about {finding.more}"
        parts.append(f"{few} more {'pair' if finding.more == 1 else 'pairs'} may tell")
    return ", ".join(part for part in parts if part)
