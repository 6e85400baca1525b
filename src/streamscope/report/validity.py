"""What speaks for and against believing a comparison."""

from collections.abc import Sequence

from streamscope.measure.conventions import Conventions, Thresholds
from streamscope.measure.drift import drift, position_effect
from streamscope.measure.figures import Figures, measure
from streamscope.measure.verdict import Judgement
from streamscope.report.comparison import Comparison
from streamscope.report.judging import judge_comparison
from streamscope.report.summary import Counts, Summary, left_out, pooled_pairs, summarise
from streamscope.report.verdict_words import ratio_interval
from streamscope.report.words import percent
from streamscope.trace import SUMMARY_FLAG, ChannelName

_REASONS: dict[str, str] = {
    "warmups": "warm-up",
    "failed": "failed or stopped",
    "retried": "made once more",
    "loaded": "with a model load",
    "cut": "cut short",
    "apart": "of another regime",
}


def left_out_words(counts: Counts) -> str:
    """Say which runs are in no median: ``1 warm-up, 2 failed or stopped``; or nothing."""
    named = ((getattr(counts, name), words) for name, words in _REASONS.items())
    return ", ".join(f"{number} {words}" for number, words in named if number)


def validity_words(
    comparison: Comparison,
    summary: Summary,
    measured: Sequence[Figures],
    judgement: Judgement,
    thresholds: Thresholds,
) -> list[str]:
    """Say how it was measured, what was left out, and what changed while it was measured."""
    said = [_how(comparison)]
    for channel, counts in summary.counts.items():
        words = left_out_words(counts)
        said.append(
            f"{channel}: n={counts.pooled} pooled{f'; left out: {words}' if words else ''}."
        )
    if judgement.compared_output:
        said.append(f"Same answer in {judgement.same_output} of {judgement.compared_output} pairs.")
    for channel in comparison.channels():
        words = _drift(comparison, measured, channel, thresholds.drift)
        said += [words] if words else []
    return said if comparison.plan.layout == "race" else said + _position(comparison, measured)


def validity_of(comparison: Comparison, conventions: Conventions) -> list[str]:
    """Say the same of a comparison of which nothing has been computed yet."""
    measured = [measure(run.trace) for run in comparison.runs]
    return validity_words(
        comparison,
        summarise(comparison, measured),
        measured,
        judge_comparison(comparison, measured, conventions),
        conventions.thresholds,
    )


def _how(comparison: Comparison) -> str:
    if any(SUMMARY_FLAG in run.trace.flags for run in comparison.runs):
        return "Imported summaries: order, regime and gaps are not known."
    plan = comparison.plan
    clocks = sorted({run.trace.clock for run in comparison.runs})
    how = "both at once (race)" if plan.layout == "race" else f"apart, order {plan.order.upper()}"
    pause = f", {plan.cooldown_s:g} s between pairs" if plan.cooldown_s else ""
    cache = "the prompt may be cached" if plan.regime == "warm" else "a nonce before each prompt"
    return f"Measured {how}{pause}; {plan.regime} ({cache}); {' and '.join(clocks)} clock."


def _drift(
    comparison: Comparison, measured: Sequence[Figures], channel: ChannelName, limit: float
) -> str:
    values = [
        total
        for run, figures, why in zip(comparison.runs, measured, left_out(comparison), strict=True)
        if run.channel == channel and why is None and (total := figures["total_s"]) is not None
    ]
    found = drift(values)
    if found is None:
        return ""
    way = "longer" if found.share > 0 else "shorter"
    mark = "Drift" if abs(found.share) > limit else "Little drift"
    return (
        f"{mark} on {channel}: totals {percent(abs(found.share))} {way} at the end than at first."
    )


def _position(comparison: Comparison, measured: Sequence[Figures]) -> list[str]:
    firsts, seconds = [], []
    for pair in pooled_pairs(comparison, measured):
        placed = {run.position: figures["total_s"] for run, figures in pair}
        first, second = placed.get(1), placed.get(2)
        if first is not None and second is not None:
            firsts.append(first)
            seconds.append(second)
    effect = position_effect(firsts, seconds)
    if effect is None or effect.low is None:
        return []
    interval = ratio_interval(effect)
    if effect.excludes(1):
        return [
            f"The place in the pair mattered: second over first {effect.estimate:.3f} ({interval})."
        ]
    return [f"No effect of the place in the pair was found (second over first: {interval})."]
