"""What was found, in words that claim no more: the decision first, then the evidence.

A wait is *sooner*, never *faster*; what was not found is *inconclusive*, never *equal*; an
interval is given with its true coverage.
"""

import math

from streamscope.measure.advice import Advice, Decision
from streamscope.measure.figures import BY_NAME, Figure
from streamscope.measure.inference import Estimate
from streamscope.measure.verdict import LEAST_DIFFERENT, Finding, Judgement
from streamscope.report.words import (
    NEAR,
    NONE,
    TIMES_FROM,
    WAITS,
    count,
    digits,
    percent,
    seconds,
    sooner,
    versus,
)

_HEADS: dict[Decision, str] = {
    "not-streamed": "This server, or something before it, does not stream",
    "fix-the-wait": "Fix the wait first",
    "either": "Either mode will do, and blocking is simpler",
    "must-stream": "It must be streamed",
    "stream": "Stream it",
    "cannot-tell": "Can't tell",
}

TESTABLE = LEAST_DIFFERENT
"""Fewest pairs that can show a difference."""

FEW_NEAR = 0.2
"""Without a test, medians are only called different where a person would notice (Weber)."""

_AGAINST: tuple[Decision, ...] = ("not-streamed", "fix-the-wait", "either")
"""Decisions that speak against streaming as things are."""

_PROGRESS_FROM_S = 1.0
"""Waits for the first text from which on something should show that it is coming."""

_NAMES = {
    "ttfv_s": "first text",
    "done_s": "total",
    "total_s": "total",
}


def verdict_sentence(judgement: Judgement) -> str:
    """Say in one sentence what to do and what that rests on."""
    advice, n = judgement.advice, judgement.n
    if advice.decision == "cannot-tell":
        return f"{_HEADS['cannot-tell']}: {advice.reason}."
    head = _head(advice)
    # What speaks against streaming is not in the findings, so the reason comes first.
    why = [advice.reason] if advice.decision in _AGAINST else []
    if n < 2:
        alone = "One pair" if n else "No pair of good runs"
        why.append(_single(judgement.first) if n else advice.reason)
        return f"{head}: {'; '.join(dict.fromkeys(why))}. {alone}, so nothing could be tested."
    both = (judgement.first, _second(judgement))
    found = [finding_words(finding) for finding in both]
    few = "" if any(map(tested, both)) else f", too few to test: {TESTABLE - n} more would do"
    return f"{head}: {'; '.join([*why, *found])}; n={n} pairs{few}."


def _head(advice: Advice) -> str:
    """Say what to do."""
    head = _HEADS[advice.decision]
    if advice.any_s is not None and advice.decision in ("fix-the-wait", "either"):
        alone = f"{head[0].lower()}{head[1:]}"
        return f"Stream it if the thinking is to be read; for the answer alone, {alone}"
    waits = advice.ttfv_s is not None and advice.ttfv_s >= _PROGRESS_FROM_S
    if advice.decision == "must-stream" and waits:
        return f"{head}, with progress shown until the first text"
    return head


def tested(finding: Finding) -> bool:
    """Tell whether there were enough values to say more than what they are."""
    if finding.kind != "inconclusive":
        return finding.kind != "unknown"
    return finding.ratio is not None and finding.ratio.low is not None


def finding_words(finding: Finding) -> str:
    """Say what was found of one figure: a clause."""
    name = finding_name(finding)
    match finding.kind:
        case "unknown":
            return f"{name}: can't tell, {finding.reason}"
        case "inconclusive" if not tested(finding) and finding.a and finding.b:
            return f"{name} {_untested(finding)}"
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


def untested_mark(figure: Figure, a: float | None, b: float | None, n: int) -> str:
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


def advice_words(advice: Advice) -> str:
    """Say what to do, why, and from what length on it pays: one or two sentences."""
    words = f"{_head(advice)}: {advice.reason}."
    if advice.break_even_s is None:
        return words
    mark = "~" if advice.estimated else ""
    text = f"{seconds(advice.break_even_s)} of streaming text"
    if advice.break_even_tokens is not None:
        text = f"{mark}{count(advice.break_even_tokens)} tokens of the answer ({text})"
    return f"{words} On this server streaming is worth it from {text} on."


def evidence(judgement: Judgement) -> list[str]:
    """Say all that the verdict rests on, a sentence each."""
    return [*findings_words(judgement), *_same(judgement), advice_words(judgement.advice)]


def findings_words(judgement: Judgement) -> list[str]:
    """Say what was found of first text, total and rate, with exact p, a sentence each."""
    return [_sentence(each) for each in (judgement.first, judgement.total, judgement.rate)]


def further(judgement: Judgement) -> list[str]:
    """Say what the verdict's one sentence leaves out of what was found."""
    said = _second(judgement)
    rest = [each for each in (judgement.total, judgement.rate) if each is not said]
    return [*map(_sentence, rest), *_same(judgement)]


def _same(judgement: Judgement) -> list[str]:
    same, of = judgement.same_output, judgement.compared_output
    return [f"Same answer in {same} of {of} pairs."] if of else []


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


def _second(judgement: Judgement) -> Finding:
    """Return what is said of the whole: the total, or where it says nothing, the rate."""
    rate = judgement.rate
    return rate if judgement.total.kind == "unknown" and rate.kind != "unknown" else judgement.total


def finding_name(finding: Finding) -> str:
    """Return the name of the figure that was judged, for people."""
    return _NAMES.get(finding.name) or BY_NAME[finding.name].label


def _sentence(finding: Finding) -> str:
    words = finding_words(finding)
    exact = "" if finding.p is None or finding.n < 2 else f", p {_p(finding.p)}"
    pairs = "" if finding.n < 2 else f"; n={finding.n} pairs{exact}"
    return f"{words[0].upper()}{words[1:]}{pairs}."


def _p(p: float) -> str:
    return f"= {p:.4f}" if p >= 0.0001 else "< 0.0001"


def _single(finding: Finding) -> str:
    if finding.a is None or finding.b is None:
        return f"{finding_name(finding)} is not known"
    return f"{finding_name(finding)} {sooner(finding.a, finding.b, near=FEW_NEAR)}"


def _untested(finding: Finding) -> str:
    """Say what was measured, and claim nothing: ``6.4× sooner (0.24 vs 1.56 s)``."""
    if finding.name in WAITS and finding.a and finding.b:
        return sooner(finding.a, finding.b, near=FEW_NEAR)
    return _values(finding)


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
    if finding.name.endswith("_s") and "tok" not in finding.name:
        first, second = seconds(finding.a), seconds(finding.b)
        same_unit = first.split(" ")[1:] == second.split(" ")[1:]
        end = " to the end mark" if finding.name == "done_s" else ""
        return f"{first.split(' ')[0] if same_unit else first} vs {second}{end}"
    return f"{digits(finding.a)} vs {digits(finding.b)} tok/s"


def _interval(estimate: Estimate | None) -> str:
    words = ratio_interval(estimate)
    return f" ({words})" if words else ""


def _inconclusive(finding: Finding) -> str:
    parts = [ratio_interval(finding.ratio) or finding.reason]
    if finding.more is not None:
        few = "more than 200" if finding.more >= 200 else f"about {finding.more}"
        parts.append(f"{few} more {'pair' if finding.more == 1 else 'pairs'} may tell")
    return ", ".join(part for part in parts if part)
