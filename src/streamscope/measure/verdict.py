"""What the pairs of a comparison show of first text, total and rate, and what to do about it."""

from collections.abc import Collection, Mapping, Sequence

import msgspec

from streamscope.measure.advice import USUAL, Advice, advise
from streamscope.measure.conventions import Thresholds
from streamscope.measure.findings import (
    MOST_MORE,
    Finding,
    Kind,
    judge_pairs,
    judge_samples,
    positive,
)
from streamscope.sides import Question

__all__ = [
    "MOST_MORE",
    "SAME_LENGTH",
    "Finding",
    "Judgement",
    "Kind",
    "PairFigures",
    "judge",
    "judge_pairs",
    "judge_samples",
]

SAME_LENGTH = 0.01
"""Equal texts may differ by this share in tokens: servers count the end token or don't."""


class PairFigures(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one pair.

    Attributes:
        a: Figures of A's run by name.
        b: Figures of B's.
        same_output: Whether both wrote the same text; ``None`` if nobody knows.
        estimated: Names of A's figures that were inferred. Hidden tokens are, unless the server
            counts them.
        whole: Whether all of A's text came at once; ``None`` where only figures can tell.
    """

    a: Mapping[str, float | None]
    b: Mapping[str, float | None]
    same_output: bool | None = None
    estimated: Collection[str] = ("hidden_tokens",)
    whole: bool | None = None


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """All that a comparison shows.

    Attributes:
        first: Of the wait for the first text.
        total: Of the whole time, to an event that means the same in both modes.
        rate: Of the tokens per second; of two models, whose tokens are no common unit, of the
            characters per second.
        question: What the comparison can answer.
        advice: What to do; only where streaming is compared with blocking.
        reason: Why nothing can be said, where there are no pairs: a clause.
        n: Number of pairs given.
        same_output: How many pairs had equal texts.
        compared_output: Of how many that is known.
    """

    first: Finding
    total: Finding
    rate: Finding
    question: Question = "delivery"
    advice: Advice | None = None
    reason: str = ""
    n: int
    same_output: int
    compared_output: int


def judge(
    pairs: Sequence[PairFigures],
    thresholds: Thresholds = USUAL,
    *,
    question: Question = "delivery",
    why_none: str = "there are no pairs of good runs",
) -> Judgement:
    """Judge the pairs of a comparison: first text, total and rate, and what to do.

    Totals are only judged over pairs of the same work, that is with equal texts or equally many
    tokens; but two models are asked for an answer, and a longer one is theirs to give. Values that
    are missing, not finite or not positive are left out, pair by pair.

    Args:
        pairs: In the order of measurement.
        thresholds: Margins, and when streaming is worth it.
        question: What they can answer; ``delivery`` if A streamed and B did not.
        why_none: Why there are no pairs: a clause.
    """
    rates = ("e2e_char_per_s",) if question == "models" else ("server_tok_per_s", "e2e_tok_per_s")
    return Judgement(
        first=_judge("ttfv_s", pairs, thresholds.wait_margin),
        total=_judge_total(pairs, thresholds.margin, question),
        rate=_judge(_choose(rates, pairs), pairs, thresholds.margin),
        question=question,
        advice=_advise(pairs, thresholds, why_none) if question == "delivery" else None,
        reason="" if pairs else why_none,
        n=len(pairs),
        same_output=sum(pair.same_output is True for pair in pairs),
        compared_output=sum(pair.same_output is not None for pair in pairs),
    )


def _judge(name: str, pairs: Sequence[PairFigures], margin: float) -> Finding:
    finding = judge_pairs(name, _values(name, pairs), margin)
    if finding.kind != "unknown" or len(pairs) < 2:
        return finding
    return msgspec.structs.replace(finding, reason="fewer than two pairs have this figure")


def _advise(pairs: Sequence[PairFigures], thresholds: Thresholds, why_none: str) -> Advice:
    """Decide whether to stream, from A's runs."""
    return advise(
        [pair.a for pair in pairs],
        thresholds,
        estimated={name for pair in pairs for name in pair.estimated},
        whole=[pair.whole for pair in pairs],
        why_none=why_none,
    )


def _judge_total(pairs: Sequence[PairFigures], margin: float, question: Question) -> Finding:
    if question == "models":
        return _judge("total_s", pairs, margin)
    alike = [pair for pair in pairs if _same_work(pair)]
    finding = _judge(_choose(("done_s", "total_s"), alike), alike, margin)
    if len(alike) >= 2 or len(pairs) < 2:
        return finding
    return msgspec.structs.replace(finding, reason=_unlike(pairs))


def _same_work(pair: PairFigures) -> bool:
    """Whether both runs generated the same: equal texts, or as many tokens.

    Equal answers after thinking of different length are not the same work.
    """
    a, b = pair.a.get("output_tokens"), pair.b.get("output_tokens")
    if not positive(a) or not positive(b):
        return pair.same_output is True
    if pair.same_output:
        return abs(a - b) <= max(1.0, SAME_LENGTH * max(a, b))
    return a == b


def _unlike(pairs: Sequence[PairFigures]) -> str:
    """Say why too few pairs are the same work."""
    unlike = [pair for pair in pairs if not _same_work(pair)]
    if any(_values("output_tokens", [pair]) for pair in unlike):
        return "the answers differ in length"
    if any(pair.same_output is False for pair in unlike):
        return "the answers differ"
    return "nothing tells whether the answers are the same"


def _choose(names: Sequence[str], pairs: Sequence[PairFigures]) -> str:
    """Return the first figure that two pairs have on both sides, else the first at all."""
    return next((name for name in names if len(_values(name, pairs)) >= 2), names[0])


def _values(name: str, pairs: Sequence[PairFigures]) -> list[tuple[float, float]]:
    """Return the pairs of values that have a ratio."""
    found = ((pair.a.get(name), pair.b.get(name)) for pair in pairs)
    return [(a, b) for a, b in found if positive(a) and positive(b)]
