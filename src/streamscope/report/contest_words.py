"""Which of two channels is sooner: the verdict where more than the delivery differs.

Figures are said of A against B, as in all tables; who is ahead, the sentence says first.
"""

from typing import Literal

from streamscope.measure.findings import Finding
from streamscope.measure.verdict import Judgement
from streamscope.report.finding_words import (
    FEW_NEAR,
    few_words,
    finding_words,
    tested,
    untested_words,
    whole_finding,
)
from streamscope.report.words import WAITS
from streamscope.trace import ChannelName

Ahead = ChannelName | Literal["neither"] | None
"""Whose time is shorter. ``neither``: what difference there is lies within the margin. ``None``:
that was not shown."""


def contest_sentence(judgement: Judgement) -> str:
    """Say in one sentence which channel is sooner, and what that rests on."""
    n = judgement.n
    if not n:
        return f"Can't tell: {judgement.reason}."
    head = contest_head(judgement)
    found = _found(judgement)
    only_a = head.startswith("A ") and "B" not in head
    clauses = "; ".join(contest_clause(finding, only_a=only_a) for finding in found)
    if n < 2:
        return f"{head}: {clauses}. One pair, so nothing could be tested."
    few = few_words(n, found)
    return f"{head}: {clauses}; n={n} pairs{few}."


def contest_head(judgement: Judgement) -> str:
    """Say who is sooner, by what was shown of the first text and of the total: a clause."""
    first, total = ahead(judgement.first), ahead(judgement.total)
    match first, total:
        case ("A" | "B", "A" | "B") if first == total:
            return f"{first} is sooner"
        case ("A" | "B", "A" | "B"):
            return f"{first} can be read sooner, {total} is through sooner"
        case ("A" | "B", _):
            return f"{first} can be read sooner"
        case (_, "A" | "B"):
            return f"{total} is through sooner"
        case ("neither", "neither"):
            return "Neither is notably sooner"
        case ("neither", _) if judgement.total.kind == "unknown":
            return "Neither can be read notably sooner"
    kinds = {judgement.first.kind, judgement.total.kind}
    return "Can't tell yet" if judgement.n < 2 or "inconclusive" in kinds else "Can't tell"


def ahead(finding: Finding) -> Ahead:
    """Tell whose time is shorter, as far as that was shown."""
    if finding.kind == "equivalent" or finding.negligible:
        return "neither"
    if finding.kind != "different" or finding.ratio is None:
        return None
    return "A" if finding.ratio.estimate < 1 else "B"


def _found(judgement: Judgement) -> list[Finding]:
    """Return what the sentence rests on; where neither streams, both times are one."""
    first, whole = judgement.first, whole_finding(judgement)
    if judgement.n < 2 and whole.a is None:
        return [first]
    one = (first.a, first.b) == (whole.a, whole.b)
    return [whole] if one and whole.name in ("done_s", "total_s") else [first, whole]


def contest_clause(finding: Finding, *, only_a: bool = False) -> str:
    """Say what was found of a figure: a clause, which says whose it is unless all is of A alone."""
    alone = finding.n == 1 and finding.kind == "unknown"
    words = untested_words(finding) if alone else finding_words(finding)
    return words if only_a or not _compares(finding) else f"A's {words}"


def _compares(finding: Finding) -> bool:
    """Tell whether the words say that A's is more or less than B's."""
    if finding.kind == "different":
        return True
    if tested(finding) or finding.name not in WAITS or not finding.a or not finding.b:
        return False
    return max(finding.a, finding.b) / min(finding.a, finding.b) > 1 + FEW_NEAR
