"""What the details say of a verdict: its sentence, and for each finding all that it rests on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from textual.content import Content

from streamscope.measure.figures import BY_NAME
from streamscope.measure.verdict import MOST_MORE
from streamscope.report import words
from streamscope.report.verdict_words import (
    advice_words,
    finding_name,
    margin_words,
    ratio_interval,
    verdict_sentence,
)
from streamscope.tui.faces import muted

if TYPE_CHECKING:
    from streamscope.measure.advice import Advice
    from streamscope.measure.inference import Estimate
    from streamscope.measure.verdict import Finding, Judgement, Kind

NO_VERDICT: Final = (
    "One pair shows what happened once. A verdict takes several: ^n in the main screen measures"
    " them."
)
"""What stands there before anything was repeated."""

NO_PAIR: Final = "No pair is whole, so there is nothing to judge: {}."
"""What stands there when runs were made and no pair of them counts."""

KINDS: Final[dict[Kind, tuple[str, str]]] = {
    "different": ("≠", "$verdict"),
    "equivalent": ("≈", "$good"),
    "inconclusive": ("?", "$warn"),
    "unknown": ("–", "$text-muted"),
}
"""Mark and colour of each kind of finding; its word stands beside it."""

MOST_BAR: Final = 72
"""Cells of the drawing of an interval, at most."""

_LEAST_BAR = 20
_RANGES = (1.1, 1.25, 1.5, 2.0, 4.0, 10.0, 30.0, 100.0, 1000.0)


def verdict_page(judgement: Judgement | None, width: int) -> Content:
    """Return the verdict and its evidence for so many cells."""
    if judgement is None:
        return muted(NO_VERDICT)
    if not judgement.n:
        return muted(NO_PAIR.format(judgement.reason or "nothing is known of any"))
    findings = (judgement.first, judgement.total, judgement.rate)
    return Content("\n\n").join(
        [
            Content.styled(verdict_sentence(judgement), "bold $verdict"),
            *(finding_block(finding, width) for finding in findings),
            *([advice_block(judgement.advice)] if judgement.advice else []),
            muted(_foundation(judgement)),
        ]
    )


def pairs_words(judgement: Judgement | None) -> str:
    """Say of which pairs the verdict is."""
    match 0 if judgement is None else judgement.n:
        case 0:
            return "no pair judged"
        case 1:
            return "one pair alone"
        case _:
            return "all pairs kept"


def finding_block(finding: Finding, width: int) -> Content:
    """Return what was found of one figure: in a word, in numbers, and as a drawing."""
    mark, style = KINDS[finding.kind]
    title = finding_name(finding)
    lines = [
        Content.assemble((f"{mark} {title}: ", "bold"), (kind_words(finding), f"bold {style}")),
        _medians(finding, title),
    ]
    if finding.ratio is not None:
        lines.append(_numbers(finding, finding.ratio, width))
        bar = interval_bar(finding.ratio, finding.margin, min(MOST_BAR, width - 4))
        if bar is not None:
            lines.append(Content.assemble("  ", bar))
    return Content("\n").join(lines)


def kind_words(finding: Finding) -> str:
    """Name what was found, with what is needed to understand the word."""
    margin = margin_words(finding)
    match finding.kind:
        case "different":
            return f"different, but negligible ({margin})" if finding.negligible else "different"
        case "equivalent":
            return f"equivalent within {margin}"
        case "inconclusive":
            why = f": {finding.reason}" if finding.reason else ""
            return f"inconclusive{why}{_more(finding.more)}"
        case _:
            return f"can't tell: {finding.reason}" if finding.reason else "can't tell"


def _more(pairs: int | None) -> str:
    if pairs is None:
        return ""
    if pairs >= MOST_MORE:
        return f", more than {MOST_MORE} further pairs"
    return f", about {pairs} more {_pairs(pairs)}"


def _medians(finding: Finding, title: str) -> Content:
    figure = BY_NAME[finding.name]
    to = "" if figure.label.startswith(title) else f" · {figure.label}"
    return Content.assemble(
        muted("  medians "),
        (f"A {words.figure_words(figure, finding.a)}", "$channel-a"),
        muted(" · "),
        (f"B {words.figure_words(figure, finding.b)}", "$channel-b"),
        muted(f"{to} · n={finding.n} {_pairs(finding.n)}"),
    )


def _numbers(finding: Finding, ratio: Estimate, width: int) -> Content:
    """Return ratio, intervals and p, on one line if they fit."""
    first = [
        f"A/B {_ratio(ratio.estimate)}",
        ratio_interval(ratio) or "no 95 % interval: too few pairs",
    ]
    if finding.p is not None:
        first.append(f"p {_p(finding.p)}")
    inner = ratio_interval(finding.inner)
    parts = [" · ".join(first)]
    if inner:
        parts.append(f"{inner}, against {margin_words(finding)}")
    one = "  " + " · ".join(parts)
    return muted(one if len(one) <= width else "\n".join(f"  {part}" for part in parts))


def _ratio(value: float) -> str:
    """Write a ratio; near 1, thousandths count."""
    return f"{value:.3f}" if 0.0995 <= value < 10 else words.digits(value)


def _p(value: float) -> str:
    return "< 0.0001" if value < 0.0001 else words.digits(value)


def _pairs(n: int) -> str:
    return "pair" if n == 1 else "pairs"


def interval_bar(ratio: Estimate, margin: float, width: int) -> Content | None:
    """Draw an interval on a logarithmic axis of ratios, around 1 and the margin.

    Returns:
        ``÷2 ───░░│░░──┣●┫── ×2``; ``None`` where it does not fit or nothing can be drawn.
    """
    bounds = [each for each in (ratio.low, ratio.estimate, ratio.high) if each is not None]
    if any(not math.isfinite(each) or each <= 0 for each in bounds):
        return None
    farthest = max(1 + margin, *(max(each, 1 / each) for each in bounds))
    ends = next((each for each in _RANGES if farthest <= each), None)
    if ends is None:
        return None
    left, right = f"÷{ends:g} ", f" ×{ends:g}"
    cells = width - len(left) - len(right)
    if cells < _LEAST_BAR:
        return None
    cells -= 1 - cells % 2  # so that 1 stands in the middle

    def at(value: float) -> int:
        share = (math.log(value) / math.log(ends) + 1) / 2
        return min(cells - 1, max(0, round(share * (cells - 1))))

    limits = (at(1 / (1 + margin)), at(1 + margin))
    glyphs = [("─", "$dim-lane")] * cells
    for cell in range(limits[0], limits[1] + 1):
        glyphs[cell] = ("░", "$dim-lane")
    glyphs[at(1.0)] = ("│", "$dim-lane")
    if ratio.low is not None and ratio.high is not None:
        low, high = at(ratio.low), at(ratio.high)
        for cell in range(low, high + 1):
            crossed = "╋" if cell == at(1.0) else "┿" if cell in limits else "━"
            glyphs[cell] = (crossed, "$verdict")
        glyphs[low], glyphs[high] = ("┣", "$verdict"), ("┫", "$verdict")
    glyphs[at(ratio.estimate)] = ("●", "bold $verdict")
    return Content.assemble(muted(left), *glyphs, muted(right))


def advice_block(advice: Advice) -> Content:
    """Return the decision, from what length on streaming pays, and what it was decided from."""
    lines = [Content.assemble(("decision: ", "bold"), advice_words(advice))]
    inputs = _inputs(advice)
    if inputs:
        lines.append(muted(f"  {inputs}"))
    return Content("\n").join(lines)


def _inputs(advice: Advice) -> str:
    """Name the numbers that the decision was made from."""
    if advice.ttfv_s is None or advice.total_s is None:
        return ""
    parts = [
        f"medians of A: first text {words.seconds(advice.ttfv_s)}",
        f"total {words.seconds(advice.total_s)}",
    ]
    if advice.benefit_s is not None:
        parts.append(f"reading ahead {words.seconds(advice.benefit_s)}")
    if advice.hidden_share:
        parts.append(f"hidden thinking {words.percent(advice.hidden_share)} of the tokens")
    return " · ".join(parts)


def _foundation(judgement: Judgement) -> str:
    said = [f"Judged over {judgement.n} {_pairs(judgement.n)}."]
    if judgement.question == "models":
        said.append("Each model answers at its own length: totals are compared as they are.")
    elif judgement.compared_output:
        said.append(
            f"In {judgement.same_output} of {judgement.compared_output} both answers were the"
            " same; totals are only compared where they can be."
        )
    said.append(
        "Drawn: ┣●┫ the interval of A/B, │ or ╋ equality, ░ or ┿ ┿ the margin within which a"
        " difference does not count."
    )
    return " ".join(said)
