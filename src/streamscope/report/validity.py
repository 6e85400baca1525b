"""What speaks for and against believing a comparison."""

import math
from collections.abc import Sequence
from urllib.parse import urlsplit

import msgspec

from streamscope.measure.conventions import Conventions
from streamscope.measure.drift import Drift, drift, position_effect
from streamscope.measure.figures import BY_NAME, Figures, measure
from streamscope.measure.inference import Estimate, half_width
from streamscope.measure.statistics import median
from streamscope.measure.verdict import Judgement
from streamscope.report.comparison import Comparison, is_import
from streamscope.report.error_words import error_words
from streamscope.report.judging import judge_comparison
from streamscope.report.summary import Counts, Summary, left_out, pooled_pairs, summarise
from streamscope.report.verdict_words import ratio_interval
from streamscope.report.words import percent
from streamscope.trace import ChannelName, Run

_REASONS: dict[str, str] = {
    "warmups": "warm-up",
    "failed": "failed or stopped",
    "retried": "made once more",
    "busy": "on a busy machine",
    "loaded": "with a model load",
    "cut": "cut short",
    "apart": "of another regime",
    "unpaired": "unpaired",
}


CACHED_FACTOR = 5.0
"""Prefill that is so many times as fast as the first time did not do the same work."""


class Validity(msgspec.Struct, frozen=True, kw_only=True):
    """All that is said about believing a comparison, a sentence each.

    Attributes:
        cautions: What speaks against it. They belong beside the verdict.
        information: How it was measured, what was left out, and what was looked for in vain.
    """

    cautions: list[str]
    information: list[str]

    @property
    def words(self) -> list[str]:
        """Both, the cautions first."""
        return [*self.cautions, *self.information]


def assess(
    comparison: Comparison,
    summary: Summary,
    measured: Sequence[Figures],
    judgement: Judgement,
    conventions: Conventions,
) -> Validity:
    """Say how far to believe a comparison of which everything has been computed."""
    said = [how_words(comparison)]
    for channel, counts in summary.counts.items():
        words = left_out_words(counts)
        said.append(
            f"{channel}: n={counts.pooled} pooled{f'; left out: {words}' if words else ''}."
        )
    if judgement.compared_output:
        said.append(f"Same answer in {judgement.same_output} of {judgement.compared_output} pairs.")
    said += [
        f"Little drift {_drift_words(channel, found)}"
        for channel, found in _drifts(comparison, measured)
        if abs(found.share) <= conventions.thresholds.drift
    ]
    said += _cache_words(comparison, measured)
    effect = _position(comparison, measured)
    if effect is not None and not effect.excludes(1):
        interval = ratio_interval(effect)
        said.append(
            f"No effect of the place in the pair was found (second over first: {interval})."
        )
    return Validity(cautions=cautions_of(comparison, conventions, measured), information=said)


def validity_of(comparison: Comparison, conventions: Conventions) -> list[str]:
    """Say all of it about a comparison of which nothing has been computed yet."""
    measured = [measure(run.trace) for run in comparison.runs]
    summary = summarise(comparison, measured)
    judgement = judge_comparison(comparison, measured, conventions)
    return assess(comparison, summary, measured, judgement, conventions).words


def cautions_of(
    comparison: Comparison,
    conventions: Conventions,
    measured: Sequence[Figures] | None = None,
) -> list[str]:
    """Say what speaks against believing a comparison; nothing where nothing does.

    That is drift beyond its threshold, an effect of the place in the pair, a server that was slower
    while we painted, and medians that are known less well than was asked for.

    Args:
        comparison: What was done.
        conventions: With the threshold of the drift.
        measured: The figures of its runs, in their order, if they were computed before.
    """
    measured = measured or [measure(run.trace) for run in comparison.runs]
    said = [
        f"Drift {_drift_words(channel, found)}"
        for channel, found in _drifts(comparison, measured)
        if abs(found.share) > conventions.thresholds.drift
    ]
    effect = _position(comparison, measured)
    if effect is not None and effect.excludes(1):
        interval = ratio_interval(effect)
        said.append(
            f"The place in the pair mattered: second over first {effect.estimate:.3f} ({interval})."
        )
    said += _painting_words(comparison, measured, conventions.thresholds.drift)
    return _busy_words(comparison) + said + _not_narrow(comparison, measured)


def _painting_words(comparison: Comparison, measured: Sequence[Figures], least: float) -> list[str]:
    """Say that painting a stream may have slowed the server down that runs beside it.

    A stream is painted while it comes, a whole answer after it came. Where the server shares the
    machine's processors with the app, that is a difference between the channels that no other
    client would see: it is told where the server itself was slower by more than a share.
    """
    painted = any(run.channel == "A" and run.trace.shown for run in comparison.runs)
    here = all(_is_here(run) for run in comparison.runs)
    rates = {
        channel: _pooled(comparison, measured, channel, "server_tok_per_s")
        for channel in comparison.channels()
    }
    if not painted or not here or not all(rates.get(channel) for channel in ("A", "B")):
        return []
    slower = 1 - median(rates["A"]) / median(rates["B"])
    if slower <= least:
        return []
    words = (
        f"The server decoded {percent(slower)} more slowly while A streamed: it shares this machine"
        " with the app, which was painting; `streamscope run` paints nothing."
    )
    return [words]


def _is_here(run: Run) -> bool:
    """Tell whether the server of a run shares the machine with us."""
    host = urlsplit(run.target.url).hostname or ""
    return bool(run.engine) or host in ("localhost", "::1") or host.startswith("127.")


def _busy_words(comparison: Comparison) -> list[str]:
    """Say how many runs the machine was too busy for, and what can be done about it."""
    reasons = left_out(comparison)
    runs = [run for run in comparison.runs if not run.warmup]
    busy = [run for run in runs if run.trace.busy and run.trace.ok]
    if not busy:
        return []
    named = f"{len(busy)} of {len(runs)} runs"
    if len(busy) == len(runs):
        named = "All runs" if len(runs) > 1 else "The run"
    was = "was" if len(busy) == 1 else "were"
    if comparison.include_busy:
        return [f"{named} {was} made on a busy machine, and counted as was asked for."]
    words = f"{named} {was} made on a busy machine and left out"
    pooled = {run.channel for run, why in zip(comparison.runs, reasons, strict=True) if why is None}
    if len(pooled) < len(comparison.channels()):
        words += (
            ", so that too few are left to judge by: measure when it is quieter, or count them"
            " with --include-busy"
        )
    return [f"{words}."]


def _cache_words(comparison: Comparison, measured: Sequence[Figures]) -> list[str]:
    """Say that prompts must have come from a cache, where the server does not say so itself."""
    said = []
    for channel in comparison.channels():
        rates = [
            rate
            for run, figures in zip(comparison.runs, measured, strict=True)
            if run.channel == channel
            and run.trace.tokens.cached is None
            and (rate := figures["prefill_tok_per_s"]) is not None
        ]
        factor = median(rates[1:]) / rates[0] if len(rates) > 1 else 1.0
        if factor > CACHED_FACTOR:
            said.append(
                f"Prefill on {channel} was {factor:.0f}× as fast as in the first run: the prompt"
                " came from the server's cache, though the server does not say so."
            )
    return said


def _plural(words: str, number: int) -> str:
    return "warm-ups" if words == "warm-up" and number > 1 else words


def left_out_words(counts: Counts) -> str:
    """Say which runs are in no median: ``1 warm-up, 2 failed or stopped``; or nothing."""
    named = ((getattr(counts, name), words) for name, words in _REASONS.items())
    said = [f"{number} {_plural(words, number)}" for number, words in named if number]
    return ", ".join(said)


def how_words(comparison: Comparison) -> str:
    """Say how it was measured; of imported summaries, that nobody knows."""
    if is_import(comparison):
        return "Imported summaries: order, regime and gaps are not known."
    plan = comparison.plan
    how = "both at once (race)" if plan.layout == "race" else "apart"
    if plan.layout != "race" and len(comparison.channels()) == 2:
        how += f", order {plan.order.upper()}"
    if plan.cooldown_s:
        how += f", {plan.cooldown_s:g} s between pairs"
    cache = "the prompt may be cached" if plan.regime == "warm" else "a nonce before each prompt"
    words = [f"Measured {how}", f"{plan.regime} ({cache})"]
    clocks = sorted({run.trace.clock for run in comparison.runs})
    if clocks:
        clock = f"{' and '.join(clocks)} clock"
        good = error_words([run.trace for run in comparison.runs if not run.warmup])
        words.append(f"{clock}, {good}" if good else clock)
    if plan.reuse:
        words.append("connections used again")
    if any(run.engine == "simulator" or "simulated" in run.trace.flags for run in comparison.runs):
        words.append("simulated")
    return f"{'; '.join(words)}."


def _drift_words(channel: ChannelName, found: Drift) -> str:
    way = "longer" if found.share > 0 else "shorter"
    return f"on {channel}: totals {percent(abs(found.share))} {way} at the end than at first."


def _drifts(comparison: Comparison, measured: Sequence[Figures]) -> list[tuple[ChannelName, Drift]]:
    """Return the drift of the totals of each channel that has enough; an import has no order."""
    if is_import(comparison):
        return []
    found = (
        (channel, drift(_pooled(comparison, measured, channel, "total_s")))
        for channel in comparison.channels()
    )
    return [(channel, each) for channel, each in found if each is not None]


def _position(comparison: Comparison, measured: Sequence[Figures]) -> Estimate | None:
    """Return the effect of going second, where its interval is known; a race has no second."""
    if comparison.plan.layout == "race" or is_import(comparison):
        return None
    firsts, seconds = [], []
    for pair in pooled_pairs(comparison, measured):
        placed = {run.position: figures["total_s"] for run, figures in pair}
        first, second = placed.get(1), placed.get(2)
        if first is not None and second is not None:
            firsts.append(first)
            seconds.append(second)
    effect = position_effect(firsts, seconds)
    return None if effect is None or effect.low is None else effect


def _not_narrow(comparison: Comparison, measured: Sequence[Figures]) -> list[str]:
    """Say which medians are known less well than the plan wanted them, if any are."""
    wanted = comparison.plan.until
    if wanted is None:
        return []
    wide = []
    for channel in comparison.channels():
        # Blocking, the first text and the total are the same moment.
        blocking = comparison.of(channel)[0].trace.mode == "blocking"
        for name in ("total_s",) if blocking else ("ttfv_s", "total_s"):
            values = _pooled(comparison, measured, channel, name)
            width = half_width(values) if values else None
            which = f"the median {BY_NAME[name].label} of {channel}"
            if width is not None and width > wanted:
                wide.append(f"{which} is known to only ±{percent(width)}")
            elif width is None and values:
                wide.append(f"{which} has no interval (n={len(values)})")
    return [f"The ±{100 * wanted:g} % asked for was not reached: {', '.join(wide)}."] * bool(wide)


def _pooled(
    comparison: Comparison, measured: Sequence[Figures], channel: ChannelName, name: str
) -> list[float]:
    """Return the values of one figure over the pooled runs of a channel, as they were measured."""
    return [
        value
        for run, figures, why in zip(comparison.runs, measured, left_out(comparison), strict=True)
        if run.channel == channel
        and why is None
        and (value := figures[name]) is not None
        and math.isfinite(value)
    ]
