"""What changed while a comparison was measured: drift, the place in the pair, dependence, painting.

Nothing is called an effect that chance would bring about as well.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec

from streamscope.measure.conventions import Thresholds
from streamscope.measure.drift import Drift, drift, position_effect
from streamscope.measure.figures import Figures
from streamscope.measure.findings import judge_pairs
from streamscope.measure.inference import Estimate, log_ratios
from streamscope.measure.repeats import autocorrelation, effective_n
from streamscope.measure.verdict import SAME_LENGTH
from streamscope.report.comparison import Comparison, is_import
from streamscope.report.summary import pooled_pairs, pooled_values
from streamscope.report.verdict_words import ratio_interval
from streamscope.report.words import count, percent
from streamscope.trace import ChannelName, Run

BY_CHANCE = 0.05
"""What chance brings about more often than this is no drift."""

ONE_SIDED = 1.645
"""Standard errors above which a correlation is beyond chance, one-sided at 5 %."""

PairOfRuns = tuple[tuple[Run, Figures], tuple[Run, Figures]]


class Steadiness(msgspec.Struct, frozen=True, kw_only=True):
    """How steady things were, a sentence each.

    Attributes:
        cautions: What speaks against believing the comparison.
        information: What was looked for in vain.
    """

    cautions: list[str]
    information: list[str]


class _Work(NamedTuple):
    """A time that means the same in all of some runs, and what it is called."""

    values: list[float]
    name: str


def steadiness(
    comparison: Comparison, measured: Sequence[Figures], thresholds: Thresholds
) -> Steadiness:
    """Say what changed while a comparison was measured.

    Args:
        comparison: What was done.
        measured: The figures of its runs, in their order.
        thresholds: From what share on a drift matters.
    """
    cautions: list[str] = []
    information: list[str] = []
    if is_import(comparison):  # nobody knows in which order they were made
        return Steadiness(cautions=[], information=[])
    for channel in comparison.channels():
        work = _work(comparison, measured, channel)
        found = drift(work.values)
        if found is None:
            continue
        beyond = abs(found.share) > thresholds.drift
        chance = found.p is None or found.p >= BY_CHANCE
        words = _drift_words(channel, work.name, found)
        if not beyond:
            information.append(f"Little drift {words}.")
        elif chance:
            information.append(f"Drift {words}, which chance would bring too (p = {found.p:.2g}).")
        else:
            cautions.append(f"Drift {words}.")
    pairs = pooled_pairs(comparison, measured)
    if comparison.plan.layout != "race":
        effect = _position_words(pairs)
        (cautions if effect.counts_against else information).extend(effect.said)
    cautions += _dependence_words(pairs)
    cautions += _painting_words(comparison, pairs, thresholds.drift)
    return Steadiness(cautions=cautions, information=information)


def _work(comparison: Comparison, measured: Sequence[Figures], channel: ChannelName) -> _Work:
    """Return the totals of a channel; of answers that differ in length, by their tokens."""
    totals = pooled_values(comparison, measured, channel, "total_s")
    tokens = pooled_values(comparison, measured, channel, "output_tokens")
    if not tokens or max(tokens) <= min(tokens) * (1 + SAME_LENGTH):
        return _Work(totals, "totals")
    rates = pooled_values(comparison, measured, channel, "e2e_tok_per_s")
    return _Work([1 / rate for rate in rates if rate > 0], "time per token")


def _drift_words(channel: ChannelName, name: str, found: Drift) -> str:
    way = "longer" if found.share > 0 else "shorter"
    return f"on {channel}: {name} {percent(abs(found.share))} {way} at the end than at first"


class _Effect(NamedTuple):
    """What is said of the place in the pair, and whether it speaks against the comparison."""

    said: list[str]
    counts_against: bool = False


def _position_words(pairs: Sequence[PairOfRuns]) -> _Effect:
    """Say what going second does to a run, or that nobody can tell."""
    places = {(a.position, b.position) for (a, _), (b, _) in pairs}
    if len(pairs) > 1 and places in ({(1, 2)}, {(2, 1)}):
        first = "A" if places == {(1, 2)} else "B"
        words = (
            f"{first} always went first, so that what its place in the pair does can't be told from"
            " what the channel does: --order abba balances it."
        )
        return _Effect([words], counts_against=True)
    effect = _position(pairs)
    interval = ratio_interval(effect)
    if effect is None or not interval:
        return _Effect([])
    if effect.excludes(1):
        words = f"The place in the pair mattered: second over first {effect.estimate:.3f}"
        return _Effect([f"{words} ({interval})."], counts_against=True)
    return _Effect(
        [f"No effect of the place in the pair was found (second over first: {interval})."]
    )


def _position(pairs: Sequence[PairOfRuns]) -> Estimate | None:
    """Return the effect of going second on how long the same work takes."""
    ratios: dict[int, list[float]] = {1: [], 2: []}
    for (a, of_a), (_, of_b) in pairs:
        ratio = _ratio(of_a, of_b)
        if ratio is not None and a.position in ratios:
            ratios[a.position].append(ratio)
    return position_effect(ratios[1], ratios[2])


def _ratio(of_a: Figures, of_b: Figures) -> float | None:
    """Return how much longer A took than B, by tokens where the answers differ in length."""
    a, b = of_a["total_s"], of_b["total_s"]
    tokens_a, tokens_b = of_a["output_tokens"], of_b["output_tokens"]
    if a is None or b is None or min(a, b) <= 0:
        return None
    if tokens_a and tokens_b and abs(tokens_a - tokens_b) > max(1.0, SAME_LENGTH * tokens_b):
        return a / tokens_a / (b / tokens_b)
    return a / b


def _dependence_words(pairs: Sequence[PairOfRuns]) -> list[str]:
    """Say that pairs resemble their neighbours, so that intervals promise too much."""
    for name, label in (("ttfv_s", "first text"), ("total_s", "total")):
        values = [
            (a, b)
            for (_, of_a), (_, of_b) in pairs
            if (a := of_a[name]) and (b := of_b[name]) and a > 0 and b > 0
        ]
        logs = log_ratios(values) or []
        correlation = autocorrelation(logs)
        if correlation is None or correlation * math.sqrt(len(logs)) < ONE_SIDED:
            continue
        if (worth := effective_n(logs)) < len(logs):
            words = (
                f"Pairs resemble their neighbours: of the {label}, {len(logs)} are worth about"
                f" {count(max(1.0, worth))} independent ones, so that its interval is too narrow."
            )
            return [words]
    return []


def _painting_words(comparison: Comparison, pairs: Sequence[PairOfRuns], least: float) -> list[str]:
    """Say that painting a stream may have slowed the server down that runs beside it.

    A stream is painted while it comes, a whole answer after it came. Where the server shares the
    machine's processors with the app, that is a difference between the channels that no other
    client would see: it is told where the server itself was slower, beyond chance and by more than
    a share.
    """
    if comparison.question != "delivery":  # then channels differ in more than that
        return []
    painted = any(run.channel == "A" and run.trace.shown for run in comparison.runs)
    if not painted or not all(map(_is_here, comparison.runs)):
        return []
    rates = [
        (a, b)
        for (_, of_a), (_, of_b) in pairs
        if (a := of_a["server_tok_per_s"]) and (b := of_b["server_tok_per_s"])
    ]
    finding = judge_pairs("server_tok_per_s", rates, least)
    if finding.kind != "different" or finding.negligible or finding.ratio is None:
        return []
    slower = 1 - finding.ratio.estimate
    if slower <= least:
        return []
    words = (
        f"The server decoded {percent(slower)} more slowly while A streamed"
        f" ({ratio_interval(finding.ratio)}): it shares this machine with the app, and painting the"
        " stream may be why; `streamscope run` paints nothing."
    )
    return [words]


def _is_here(run: Run) -> bool:
    """Tell whether the server of a run shares the machine with us."""
    host = urlsplit(run.target.url).hostname or ""
    return bool(run.engine) or host in ("localhost", "::1") or host.startswith("127.")
