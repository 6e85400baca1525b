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
from streamscope.measure.timing import TOGETHER_NS
from streamscope.measure.values import NS_PER_S

Decision = Literal["not-streamed", "fix-the-wait", "either", "must-stream", "stream", "cannot-tell"]
"""What to do.

``not-streamed``: what was asked to stream came all at once, so there is nothing to choose yet.

``fix-the-wait``: streaming can't help before the first text, so shorten that wait first.
``either``: streaming changes too little to notice; blocking is simpler. ``must-stream``: nobody
should wait that long before anything shows. ``stream``: it is worth it. ``cannot-tell``: figures
are missing.
"""

Run = Mapping[str, float | None]

USUAL = Thresholds()
"""The thresholds of somebody who set none."""

AT_ONCE_S = TOGETHER_NS / NS_PER_S
"""All text within so long came at once, s."""

ENOUGH_TOKENS = 20
"""Tokens from which on an answer would have been streamed in more than one piece."""

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
        any_s: From when on thinking could be read, s, median; ``None`` unless it came sooner than
            the answer by as much as makes streaming worth it.
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
    any_s: float | None = None
    n: int = 0
    estimated: bool = False


def advise(
    runs: Sequence[Run],
    thresholds: Thresholds = USUAL,
    *,
    estimated: Collection[str] = ("hidden_tokens",),
    whole: Sequence[bool | None] = (),
    why_none: str = "there are no streamed runs",
) -> Advice:
    """Decide from the figures of streamed runs.

    Args:
        runs: Figures by name, one mapping a run. Values that are missing, negative or not finite
            are left out.
        thresholds: When a wait is too long and a benefit large enough.
        estimated: Names of the figures that were inferred. Hidden tokens are, unless the server
            counts them.
        whole: Of each run, whether all its text came at once; ``None``, or nothing at all, where
            only its figures can tell.
        why_none: Why there are no runs: a clause.
    """
    said = [*whole, *[None] * (len(runs) - len(whole))]
    timed = [
        (run, first, total)
        for run in runs
        if (first := _known(run, "ttfv_s")) is not None and (total := _known(run, "total_s"))
    ]
    if not timed:
        why = "no run brought any text of an answer" if runs else why_none
        if any(_known(run, "total_s") == 0 for run in runs):
            why = "no run took any time"
        elif any(_known(run, "ttfv_s") is not None for run in runs):
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
    came_whole = [
        _came_whole(run) if known is None else known
        for run, known in zip(runs, said, strict=True)
        if any(run is each for each in used)
    ]
    not_streamed = 2 * sum(came_whole) > len(came_whole)
    break_even_s = None if not_streamed else _break_even_s(ttfv_s, thresholds)
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
        any_s=_any_s(used, thresholds),
        n=len(timed),
        estimated=inferred,
    )
    if not_streamed:
        reason = f"all text came at once, after {_seconds(ttfv_s)}"
        return msgspec.structs.replace(figures, decision="not-streamed", reason=reason)
    decision, reason = _decide(figures, thresholds, about="hidden_tokens" in estimated)
    if figures.any_s is not None:
        reason = f"the thinking can be read from {_seconds(figures.any_s)} on; {reason}"
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
            f"the first text{_of(figures)} took {_seconds(first)}, and streaming can show"
            f" nothing{_of(figures)} before it"
        )
    if share < limits.least_share or benefit < limits.least_benefit_s:
        return "either", (
            f"the first text{_of(figures)} came only {_seconds(benefit)} before the last,"
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


def _of(figures: Advice) -> str:
    """Say that only the answer is meant, where there is something else to read."""
    return " of the answer" if figures.any_s is not None else ""


def _came_whole(run: Run) -> bool:
    """Tell by its figures whether a run of some length brought all its text at once."""
    first, total = _known(run, "t_any_s"), _known(run, "total_s")
    tokens = _known(run, "visible_tokens") or 0
    if first is None or total is None or total - first >= AT_ONCE_S:
        return False
    return tokens >= ENOUGH_TOKENS


def _any_s(runs: Sequence[Run], limits: Thresholds) -> float | None:
    """Return from when on thinking could be read, if that is much sooner than the answer."""
    known = [
        (any_s, first)
        for run in runs
        if (any_s := _known(run, "t_any_s")) is not None
        and (first := _known(run, "ttfv_s")) is not None
    ]
    if not known or 2 * len(known) < len(runs):
        return None
    sooner = median([first - any_s for any_s, first in known])
    return median([any_s for any_s, _ in known]) if sooner >= limits.least_benefit_s > 0 else None


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
