"""What speaks against believing a comparison of two channels that differ in more than delivery."""

from collections.abc import Sequence

import msgspec

from streamscope.measure.conventions import Thresholds
from streamscope.measure.figures import Figures
from streamscope.measure.server_side import RELOAD_S
from streamscope.measure.statistics import median
from streamscope.report.comparison import Comparison
from streamscope.report.summary import pooled_pairs
from streamscope.report.words import count
from streamscope.sides import Aspect, Sides
from streamscope.trace import SUMMARY_FLAG, ChannelName, Run

OFTEN = 0.4
"""Two models that push each other out are loaded in every second run, but for the order's turns."""

_CHANNELS: tuple[ChannelName, ...] = ("A", "B")
_ASPECTS: dict[Aspect, str] = {
    "model": "model",
    "server": "server",
    "protocol": "protocol",
    "mode": "delivery",
}


CACHING = "cache_prompt"
"""Parameter by which llama.cpp is told whether to keep a prompt in its cache."""


class ContestValidity(msgspec.Struct, frozen=True, kw_only=True):
    """How far two channels can be compared, a sentence each.

    Attributes:
        cautions: What speaks against believing what was found.
        information: What it can't tell by nature.
    """

    cautions: list[str] = []
    information: list[str] = []


def contest_validity(
    comparison: Comparison, measured: Sequence[Figures], thresholds: Thresholds
) -> ContestValidity:
    """Say how far two channels can be compared; nothing where only the delivery differs.

    Args:
        comparison: What was done.
        measured: The figures of its runs, in their order.
        thresholds: From what share on a difference matters.
    """
    sides = comparison.sides
    if sides is None or sides.question == "delivery":
        return ContestValidity()
    cautions: list[str] = []
    information: list[str] = []
    if not sides.differ:
        information.append("A and B are one channel twice: what they differ in is chance.")
    if mixed := _mixed_words(sides):
        # Delivery is ours to choose; a server has the models that it has.
        (cautions if "mode" in sides.differ else information).append(mixed)
    cautions += _cache_words(comparison)
    if sides.question == "models":
        cautions += _length_words(comparison, measured, thresholds.margin)
        cautions += _loading_words(comparison, sides)
    return ContestValidity(cautions=cautions, information=information)


def _mixed_words(sides: Sides) -> str:
    """Say in how many respects the channels differ, if that is more than one."""
    *most, last = (_ASPECTS[aspect] for aspect in sides.differ) if sides.differ else ("",)
    if not most:
        return ""
    return (
        f"A and B differ in {', '.join(most)} and {last}: which of them makes a difference can't"
        " be told."
    )


def _cache_words(comparison: Comparison) -> list[str]:
    """Say that one server was told not to cache prompts, and the other one was not.

    Our local engine is told so, as it would otherwise treat two channels of its own unlike.
    """
    if comparison.plan.regime != "warm":
        return []
    without = [
        channel
        for channel in _CHANNELS
        if any(run.request.params.get(CACHING) is False for run in comparison.of(channel))
    ]
    if len(without) != 1:
        return []
    other = "B" if without == ["A"] else "A"
    words = (
        f"{without[0]} was told not to keep prompts in its cache, and {other} may: --regime cold"
        " keeps both from it."
    )
    return [words]


def _length_words(comparison: Comparison, measured: Sequence[Figures], least: float) -> list[str]:
    """Say that one model wrote more than the other, so that its total is longer for that alone."""
    runs: dict[ChannelName, list[Run]] = {"A": [], "B": []}
    for (a, _), (b, _) in pooled_pairs(comparison, measured):
        runs["A"].append(a)
        runs["B"].append(b)
    lengths = [
        median([float(len(run.trace.text())) for run in runs[channel]])
        for channel in _CHANNELS
        if runs[channel] and all(SUMMARY_FLAG not in run.trace.flags for run in runs[channel])
    ]
    if len(lengths) < 2 or 0 < max(lengths) <= min(lengths) * (1 + least):
        return []
    if not all(lengths):
        which = " and ".join(
            name for name, each in zip(_CHANNELS, lengths, strict=True) if not each
        )
        return [f"Most runs of {which} brought no answer: their totals are not those of one."]
    of_a, of_b = map(count, lengths)
    words = (
        f"The answers differ in length (A {of_a}, B {of_b} characters): totals compare answers, not"
        " speeds; the text rate compares speeds."
    )
    return [words]


def _loading_words(comparison: Comparison, sides: Sides) -> list[str]:
    """Say that a server loads its models again and again, as it does not keep both."""
    if sides.a.place != sides.b.place:
        return []
    good = [run for run in comparison.runs if run.trace.ok]
    again = all(sum(_loads(run) for run in good if run.channel == name) > 1 for name in _CHANNELS)
    timed = [run for run in good if not run.warmup]
    loaded = sum(map(_loads, timed))
    if not again or loaded < OFTEN * len(timed):
        return []
    words = (
        f"The server loaded a model in {loaded} of {len(timed)} runs: it does not keep both, and"
        " each pushes the other out. Let it keep both (Ollama: OLLAMA_MAX_LOADED_MODELS=2), or give"
        " each a server of its own."
    )
    return [words]


def _loads(run: Run) -> bool:
    return (run.trace.server.load_s or 0) > RELOAD_S
