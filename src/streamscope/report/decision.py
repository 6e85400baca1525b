"""What the verdict leaves unsaid about the decision: why, and from what length on it would pay."""

from streamscope.measure.advice import Advice
from streamscope.measure.conventions import Thresholds
from streamscope.measure.verdict import Judgement
from streamscope.report.verdict_words import further
from streamscope.report.words import count, seconds


def reason_words(advice: Advice, verdict: str) -> str:
    """Say why in a sentence, unless the verdict has said so."""
    if advice.reason in verdict:
        return ""
    return f"{advice.reason[:1].upper()}{advice.reason[1:]}."


def break_even_words(advice: Advice) -> str:
    """Say from what length on streaming pays, as a clause; nothing where it never does, or unknown.

    ``streaming pays from about 70 tokens of answer on (1.00 s of streaming text)``. One run makes
    it a guess.
    """
    if advice.break_even_s is None:
        return ""
    text = f"{seconds(advice.break_even_s)} of streaming text"
    words = f"streaming pays from about {text} on"
    if advice.break_even_tokens is not None:
        words = f"streaming pays from about {count(advice.break_even_tokens)} tokens of answer on"
        words += f" ({text})"
    return f"{words}, a guess from one run" if advice.n == 1 else words


def convention_words(thresholds: Thresholds) -> str:
    """Say what such a length rests on: a clause."""
    least, share = thresholds.least_benefit_s, thresholds.least_share
    return (
        f"where it gives at least {least:g} s and {100 * share:g} % of the whole time to read ahead"
    )


def remarks(judgement: Judgement, verdict: str, thresholds: Thresholds) -> list[str]:
    """Say what a verdict leaves out, a sentence each, and nothing that it has said."""
    found = further(judgement) if judgement.n > 1 else []  # of one pair nothing is
    return found + decision_words(judgement.advice, verdict, thresholds)


def decision_words(advice: Advice | None, verdict: str, thresholds: Thresholds) -> list[str]:
    """Say why, and from what length on streaming pays and what that rests on, a sentence each.

    Nothing where there was nothing to decide.
    """
    if advice is None:
        return []
    said = [reason_words(advice, verdict)]
    if length := break_even_words(advice):
        said.append(
            f"On this server {length}; by convention, that is {convention_words(thresholds)}."
        )
    return [sentence for sentence in said if sentence]
