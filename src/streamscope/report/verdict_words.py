"""What was found, in words that claim no more: the decision first, then the evidence."""

from streamscope.measure.advice import Advice, Decision
from streamscope.measure.findings import Finding
from streamscope.measure.verdict import Judgement
from streamscope.report.contest_words import contest_clause, contest_sentence
from streamscope.report.finding_words import (
    FEW_NEAR,
    TESTABLE,
    few_words,
    finding_mark,
    finding_name,
    finding_sentence,
    finding_words,
    margin_words,
    ratio_interval,
    single_words,
    tested,
    untested_mark,
    whole_finding,
)
from streamscope.report.words import count, seconds

__all__ = [
    "FEW_NEAR",
    "TESTABLE",
    "advice_words",
    "evidence",
    "finding_mark",
    "finding_name",
    "finding_words",
    "findings_words",
    "further",
    "margin_words",
    "ratio_interval",
    "same_words",
    "tested",
    "untested_mark",
    "verdict_sentence",
]

_HEADS: dict[Decision, str] = {
    "not-streamed": "This server, or something before it, does not stream",
    "fix-the-wait": "Fix the wait first",
    "either": "Either mode will do, and blocking is simpler",
    "must-stream": "It must be streamed",
    "stream": "Stream it",
    "cannot-tell": "Can't tell",
}

_AGAINST: tuple[Decision, ...] = ("not-streamed", "fix-the-wait", "either")
"""Decisions that speak against streaming as things are."""

_PROGRESS_FROM_S = 1.0
"""Waits for the first text from which on something should show that it is coming."""


def verdict_sentence(judgement: Judgement) -> str:
    """Say in one sentence what to do, or which channel is sooner, and what that rests on."""
    advice, n = judgement.advice, judgement.n
    if advice is None:
        return contest_sentence(judgement)
    if advice.decision == "cannot-tell":
        return f"{_HEADS['cannot-tell']}: {advice.reason}."
    head = _head(advice)
    # What speaks against streaming is not in the findings, so the reason comes first.
    why = [advice.reason] if advice.decision in _AGAINST else []
    if n < 2:
        alone = "One pair" if n else "No pair of good runs"
        why.append(single_words(judgement.first) if n else advice.reason)
        return f"{head}: {'; '.join(dict.fromkeys(why))}. {alone}, so nothing could be tested."
    both = (judgement.first, whole_finding(judgement))
    found = [finding_words(finding) for finding in both]
    few = few_words(n, both)
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
    advice = [] if judgement.advice is None else [advice_words(judgement.advice)]
    return [*findings_words(judgement), *same_words(judgement), *advice]


def findings_words(judgement: Judgement) -> list[str]:
    """Say what was found of first text, total and rate, with exact p, a sentence each."""
    return [
        _sentence(each, judgement) for each in (judgement.first, judgement.total, judgement.rate)
    ]


def _sentence(finding: Finding, judgement: Judgement) -> str:
    contest = judgement.question != "delivery"
    return finding_sentence(finding, contest_clause(finding) if contest else "")


def further(judgement: Judgement) -> list[str]:
    """Say what the verdict's one sentence leaves out of what was found."""
    said = whole_finding(judgement)
    rest = [each for each in (judgement.total, judgement.rate) if each is not said]
    return [*(_sentence(each, judgement) for each in rest), *same_words(judgement)]


def same_words(judgement: Judgement) -> list[str]:
    """Say how often both answers were the same; of two models nobody expects that they are."""
    if judgement.question == "models":
        return []
    same, of = judgement.same_output, judgement.compared_output
    return [f"Same answer in {same} of {of} pairs."] if of else []
