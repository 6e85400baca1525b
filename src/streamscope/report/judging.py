"""From the runs of a comparison to what they show: pairs of figures, judged."""

from collections import Counter
from collections.abc import Sequence

from streamscope.measure.conventions import Conventions
from streamscope.measure.figures import Figures, measure
from streamscope.measure.notes import output_hash
from streamscope.measure.timing import survey
from streamscope.measure.verdict import Judgement, PairFigures, judge
from streamscope.plan import Plan
from streamscope.report.comparison import Comparison
from streamscope.report.summary import Reason, left_out, pooled_pairs
from streamscope.trace import SUMMARY_FLAG, ChannelName, Run

_USUAL = Conventions()

_KINDS: dict[ChannelName, str] = {"A": "streamed", "B": "blocking"}
"""What runs are called where only the delivery differs; else by their channels."""

_ALL: dict[Reason | None, str] = {
    "busy": "no {} run can be trusted: the machine was busy",
    "failed": "no {} run came to a good end",
    "loaded": "the server loaded its model in each {} run",
    "cut": "each {} run was cut at a token limit that the other side did not have",
}

_SOME: dict[Reason | None, str] = {
    "busy": "on a busy machine",
    "failed": "without a good end",
    "loaded": "in which the model was loaded",
    "cut": "cut at a token limit",
    "apart": "made in another way",
}


def pair_figures(
    comparison: Comparison, measured: Sequence[Figures] | None = None
) -> list[PairFigures]:
    """Return the figures of all pairs of which both runs are pooled, in their order.

    Args:
        comparison: What was done.
        measured: The figures of its runs, in their order, if they were computed before.
    """
    measured = measured or [measure(run.trace) for run in comparison.runs]
    return [
        PairFigures(
            a=of_a.values,
            b=of_b.values,
            same_output=same_output(a, b),
            estimated=of_a.estimated,
            whole=survey(a.trace).came_whole,
        )
        for (a, of_a), (b, of_b) in pooled_pairs(comparison, measured)
    ]


def judge_comparison(
    comparison: Comparison,
    measured: Sequence[Figures] | None = None,
    conventions: Conventions = _USUAL,
) -> Judgement:
    """Judge a comparison: first text, total, rate, and what to do.

    Args:
        comparison: What was done.
        measured: The figures of its runs, in their order, if they were computed before.
        conventions: Margins, and when streaming is worth it.
    """
    return judge(
        pair_figures(comparison, measured),
        conventions.thresholds,
        question=comparison.question,
        why_none=why_none(comparison),
    )


def judge_pair(
    a: Run, b: Run, measured: tuple[Figures, Figures], conventions: Conventions = _USUAL
) -> Judgement:
    """Judge one pair that stands alone, as one of a comparison of one pair is judged.

    Args:
        a: A's run.
        b: B's.
        measured: Their figures.
        conventions: Margins, and when streaming is worth it.
    """
    plan = Plan(layout=a.layout, regime=a.regime)
    alone = Comparison(plan=plan, runs=[a, b], include_busy=conventions.trust.include_busy)
    return judge_comparison(alone, measured, conventions)


def why_none(comparison: Comparison) -> str:
    """Say why no pair of a comparison can be judged: a clause."""
    reasons = left_out(comparison)
    for channel, kind in _KINDS.items():
        name = kind if comparison.question == "delivery" else channel
        whys = [
            why
            for run, why in zip(comparison.runs, reasons, strict=True)
            if run.channel == channel and why != "warmups"
        ]
        if not whys:
            return f"there are no {name} runs"
        if all(why is not None for why in whys):
            return _none_good(name, Counter(why for why in whys if why != "retried"))
    return "of no pair both runs are good"


def _none_good(name: str, whys: Counter[Reason | None]) -> str:
    """Say what was wrong with all runs of a kind."""
    if len(whys) == 1:
        return _ALL.get(next(iter(whys)), "no {} run can be used").format(name)
    parts = ", ".join(f"{count} {_SOME.get(why, 'left out')}" for why, count in whys.items())
    return f"no {name} run can be used: {parts}"


def same_output(a: Run, b: Run) -> bool | None:
    """Tell whether two runs wrote the same answer; ``None`` where no text of one is known."""
    if any(SUMMARY_FLAG in run.trace.flags for run in (a, b)):
        return None
    if not a.trace.chunks and not b.trace.chunks:
        return None
    return output_hash(a.trace) == output_hash(b.trace)
