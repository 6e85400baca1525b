"""The decision: mend the wait first, stream, or leave it. From figures of streamed runs alone.

The rule replaces rules by length, which count thinking nobody sees and let a mode's benefit be
guessed. What streaming gives is ``B = total - first text``, and its share of the whole time.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Literal

import msgspec

from streamscope.measure.conventions import Thresholds
from streamscope.measure.statistics import median

Decision = Literal["fix-the-wait", "either", "must-stream", "stream", "cannot-tell"]
"""What to do.

``fix-the-wait``: streaming can't help before the first text, so shorten that wait first.
``either``: streaming changes too little to notice; blocking is simpler. ``must-stream``: nobody
should wait that long before anything shows. ``stream``: it is worth it. ``cannot-tell``: figures
are missing.
"""

Run = Mapping[str, float | None]

USUAL = Thresholds()
"""The thresholds of somebody who set none."""

_RATES = ("visible_tok_per_s", "server_tok_per_s")  # the second stands in for the first


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """A decision, why, and from what length on it would be another.

    Attributes:
        decision: What to do.
        reason: Why: a clause with numbers, to follow a colon.
        ttfv_s: Wait for the first text, s, median.
        total_s: Whole time, s, median.
        benefit_s: Time during which streaming shows what blocking hides, s, median.
        share: That time's share of the whole, 0 to 1, median.
        hidden_share: Share of the tokens that were thinking never sent, 0 to 1, median; ``None``
            if fewer than half of the runs tell.
        break_even_s: Seconds of streaming text from which streaming is worth it; ``None`` if it
            never is.
        break_even_tokens: The same in tokens of the answer, at the rate of these runs; ``None``
            without a rate.
        n: Number of runs with a first text and a total.
        estimated: Whether the hidden share or the rate was inferred, not measured or reported.
    """

    decision: Decision
    reason: str
    ttfv_s: float | None = None
    total_s: float | None = None
    benefit_s: float | None = None
    share: float | None = None
    hidden_share: float | None = None
    break_even_s: float | None = None
    break_even_tokens: int | None = None
    n: int = 0
    estimated: bool = False


def advise(
    runs: Sequence[Run],
    thresholds: Thresholds = USUAL,
    *,
    estimated: Collection[str] = ("hidden_tokens",),
) -> Advice:
    """Decide from the figures of streamed runs.

    Args:
        runs: Figures by name, one mapping a run. Values that are missing, negative or not finite
            are left out.
        thresholds: When a wait is too long and a benefit large enough.
        estimated: Names of the figures that were inferred. Hidden tokens are, unless the server
            counts them.
    """
    timed = [
        (run, first, total)
        for run in runs
        if (first := _known(run, "ttfv_s")) is not None
        and (total := _known(run, "total_s")) is not None
    ]
    if not timed:
        why = "no run brought any text of an answer" if runs else "there are no streamed runs"
        if any(_known(run, "ttfv_s") is not None for run in runs):
            why = "no run with a first text came to its end"
        return Advice(decision="cannot-tell", reason=why)
    benefits = [max(0.0, total - first) for _, first, total in timed]
    shares = [
        benefit / total if total else 0.0
        for benefit, (_, _, total) in zip(benefits, timed, strict=True)
    ]
    ttfv_s = median([first for _, first, _ in timed])
    used = [run for run, _, _ in timed]
    hidden = _hidden_share(used)
    break_even_s = _break_even_s(ttfv_s, thresholds)
    rate_name, rate = _rate(used)
    inferred = (hidden is not None and "hidden_tokens" in estimated) or (
        rate is not None and (rate_name in estimated or rate_name != _RATES[0])
    )
    figures = Advice(
        decision="cannot-tell",
        reason="",
        ttfv_s=ttfv_s,
        total_s=median([total for _, _, total in timed]),
        benefit_s=median(benefits),
        share=median(shares),
        hidden_share=hidden,
        break_even_s=break_even_s,
        break_even_tokens=_tokens(break_even_s, rate),
        n=len(timed),
        estimated=inferred,
    )
    decision, reason = _decide(figures, thresholds, about="hidden_tokens" in estimated)
    return msgspec.structs.replace(figures, decision=decision, reason=reason)


def _decide(figures: Advice, limits: Thresholds, *, about: bool) -> tuple[Decision, str]:
    """Ask in the rule's order; the first that holds decides."""
    first, total = figures.ttfv_s or 0.0, figures.total_s or 0.0
    benefit, share = figures.benefit_s or 0.0, figures.share or 0.0
    hidden = figures.hidden_share
    if hidden is not None and hidden > limits.hidden_share and first > limits.hidden_wait_s:
        return "fix-the-wait", (
            f"{'about ' if about else ''}{_percent(hidden)} of the tokens were thinking you never"
            f" saw, and the first text took {_seconds(first)}"
        )
    if first > limits.wait_s:
        return "fix-the-wait", (
            f"the first text took {_seconds(first)}, and streaming can show nothing before it"
        )
    if share < limits.least_share or benefit < limits.least_benefit_s:
        return "either", (
            f"the first text came only {_seconds(benefit)} before the last,"
            f" {_percent(share)} of the {_seconds(total)} in all"
        )
    if total > limits.long_s:
        return "must-stream", (
            f"the answer took {_seconds(total)}, and streaming shows text for"
            f" {_seconds(benefit)} of it ({_percent(share)})"
        )
    return "stream", (
        f"there is text to read for {_seconds(benefit)} of the {_seconds(total)}"
        f" ({_percent(share)})"
    )


def _break_even_s(ttfv_s: float, limits: Thresholds) -> float | None:
    """Return how long text must stream for both the share and the benefit to be large enough.

    ``B / (ttfv + B) >= s`` is ``B >= ttfv * s / (1 - s)``: a quarter of the wait at 20 %.
    """
    if limits.least_share >= 1:
        return None
    return max(limits.least_benefit_s, ttfv_s * limits.least_share / (1 - limits.least_share))


def _tokens(break_even_s: float | None, rate: float | None) -> int | None:
    """Return the tokens that stream in that time: the first costs none."""
    if break_even_s is None or rate is None:
        return None
    tokens = 1 + rate * break_even_s
    return math.ceil(tokens) if math.isfinite(tokens) else None


def _hidden_share(runs: Sequence[Run]) -> float | None:
    """Return the median share; runs that don't tell must not be outvoted by the few that do."""
    shares = [
        min(1.0, hidden / output)
        for run in runs
        if (hidden := _known(run, "hidden_tokens")) is not None
        and (output := _known(run, "output_tokens"))
    ]
    return median(shares) if shares and 2 * len(shares) >= len(runs) else None


def _rate(runs: Sequence[Run]) -> tuple[str, float | None]:
    """Return the rate at which text comes, and the name of the figure that gave it."""
    for name in _RATES:
        rates = [rate for run in runs if (rate := _known(run, name))]
        if rates:
            return name, median(rates)
    return _RATES[0], None


def _known(run: Run, name: str) -> float | None:
    value = run.get(name)
    return value if value is not None and math.isfinite(value) and value >= 0 else None


def _seconds(value: float) -> str:
    if value >= 99.95:
        return f"{value:.0f} s"
    return f"{value:.1f} s" if value >= 0.995 else f"{value:.2f} s"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if share < 0.0995 else f"{100 * share:.0f} %"
