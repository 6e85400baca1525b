"""What speaks for and against believing a comparison."""

from collections.abc import Sequence

import msgspec

from streamscope.measure.conventions import Conventions
from streamscope.measure.figures import BY_NAME, Figures, measure
from streamscope.measure.inference import half_width
from streamscope.measure.statistics import median
from streamscope.measure.verdict import Judgement
from streamscope.report.comparison import Comparison, is_import
from streamscope.report.contest_cautions import contest_validity
from streamscope.report.error_words import error_words
from streamscope.report.judging import judge_comparison
from streamscope.report.steadiness import steadiness
from streamscope.report.summary import Counts, Summary, left_out, pooled_values, summarise
from streamscope.report.verdict_words import same_words
from streamscope.report.words import percent, seconds
from streamscope.trace import ChannelName

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


MOSTLY = 0.5
"""Share of the wait for the first text that loading takes where the wait is about loading."""

LOPSIDED = 0.5
"""Where shares of the prompt that came from a cache differ by so much, one channel was helped."""

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
    said += same_words(judgement)
    said += contest_validity(comparison, measured, conventions.thresholds).information
    said += steadiness(comparison, measured, conventions.thresholds).information
    said += _cache_words(comparison, measured)
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

    That is runs on a busy machine, what two channels can't be compared in, what was not steady,
    and medians that are known less well than was asked for.

    Args:
        comparison: What was done.
        conventions: With the threshold of the drift.
        measured: The figures of its runs, in their order, if they were computed before.
    """
    measured = measured or [measure(run.trace) for run in comparison.runs]
    said = contest_validity(comparison, measured, conventions.thresholds).cautions
    said += steadiness(comparison, measured, conventions.thresholds).cautions
    said += _lopsided_words(comparison, measured)
    said += _loading_words(comparison, measured)
    return _busy_words(comparison) + said + _not_narrow(comparison, measured)


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


def _loading_words(comparison: Comparison, measured: Sequence[Figures]) -> list[str]:
    """Say that the wait was mostly that for a model which had to be loaded, in most runs."""
    if comparison.question == "models":  # these may push each other out, which is told as such
        return []
    said = []
    for channel in comparison.channels():
        loads, firsts = (
            pooled_values(comparison, measured, channel, name) for name in ("load_s", "ttfv_s")
        )
        if loads and firsts and (load := median(loads)) >= MOSTLY * (first := median(firsts)) > 0:
            said.append(
                f"Of the {seconds(first)} before the first text on {channel}, the server spent"
                f" {seconds(load)} loading its model: keep it loaded, or this is about the disk."
            )
    return said


def _lopsided_words(comparison: Comparison, measured: Sequence[Figures]) -> list[str]:
    """Say that one channel had its prompt from a cache and the other one had not."""
    shares: dict[ChannelName, float] = {}
    for channel in comparison.channels():
        cached, prompt = (
            pooled_values(comparison, measured, channel, name)
            for name in ("cached_tokens", "prompt_tokens")
        )
        if cached and prompt and (of := median(prompt)) > 0:
            shares[channel] = min(1.0, median(cached) / of)
    if len(shares) < 2 or abs(shares["A"] - shares["B"]) < LOPSIDED:
        return []
    more, less = sorted(shares, key=lambda channel: -shares[channel])
    words = (
        f"The server's cache helped {more} more than {less}: {percent(shares[more])} of its prompt"
        f" came from there, and {percent(shares[less])}; --regime cold, or a warm-up on each"
        " channel, treats them alike."
    )
    return [words]


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
        how += ", order " + ("not known" if "order" in comparison.unknown else plan.order.upper())
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
    if comparison.unknown:
        untold = "pauses" if "warmup" not in comparison.unknown else "warm-ups, pauses"
        words.append(f"came without its plan: {untold} and when it was to end are not known")
    return f"{'; '.join(words)}."


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
            values = pooled_values(comparison, measured, channel, name)
            width = half_width(values) if values else None
            which = f"the median {BY_NAME[name].label} of {channel}"
            if width is not None and width > wanted:
                wide.append(f"{which} is known to only ±{percent(width)}")
            elif width is None and values:
                wide.append(f"{which} has no interval (n={len(values)})")
    return [f"The ±{100 * wanted:g} % asked for was not reached: {', '.join(wide)}."] * bool(wide)
