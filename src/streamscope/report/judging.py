"""From the runs of a comparison to what they show: pairs of figures, judged."""

from collections.abc import Sequence

from streamscope.measure.conventions import Conventions
from streamscope.measure.figures import Figures, measure
from streamscope.measure.notes import output_hash
from streamscope.measure.verdict import Judgement, PairFigures, judge
from streamscope.report.comparison import Comparison
from streamscope.report.summary import pooled_pairs
from streamscope.trace import SUMMARY_FLAG, Run

_USUAL = Conventions()


def pair_figures(
    comparison: Comparison, measured: Sequence[Figures] | None = None
) -> list[PairFigures]:
    """Return the figures of all pairs of which both runs are pooled, in their order.

    Args:
        comparison: What was done. A streamed.
        measured: The figures of its runs, in their order, if they were computed before.
    """
    measured = measured or [measure(run.trace) for run in comparison.runs]
    return [
        PairFigures(
            a=of_a.values,
            b=of_b.values,
            same_output=same_output(a, b),
            estimated=of_a.estimated,
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
        comparison: What was done. A streamed.
        measured: The figures of its runs, in their order, if they were computed before.
        conventions: Margins, and when streaming is worth it.
    """
    return judge(pair_figures(comparison, measured), conventions.thresholds)


def same_output(a: Run, b: Run) -> bool | None:
    """Tell whether two runs wrote the same answer; ``None`` where their texts are not known."""
    if any(SUMMARY_FLAG in run.trace.flags for run in (a, b)):
        return None
    return output_hash(a.trace) == output_hash(b.trace)
