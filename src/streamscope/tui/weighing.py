"""What runs support, and what speaks against believing it: asked in threads by the main screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamscope.history import HistoryError
from streamscope.measure.verdict import judge
from streamscope.report.comparison import Comparison
from streamscope.report.judging import judge_comparison
from streamscope.report.validity import cautions_of, validity_of

if TYPE_CHECKING:
    from streamscope.measure.verdict import Judgement
    from streamscope.settings import Config
    from streamscope.trial.session import Session
    from streamscope.trial.setup import Matchup
    from streamscope.trial.trial import Trial
    from streamscope.tui.subject import Subject


def weigh(session: Session, matchup: Matchup, about: Subject, config: Config) -> Judgement | None:
    """Return what all pairs that are kept of a subject support.

    ``None`` where there are none, or none that can be read.
    """
    try:
        pairs = session.past.pairs(matchup, about.request, about.layout, about.regime)
    except HistoryError:
        return None  # whoever asks for the medians says so
    question = matchup.sides.question
    return judge(pairs, config.verdict, question=question) if pairs else None


def weigh_runs(trial: Trial, config: Config) -> Judgement:
    """Return what the runs of one comparison support, or why they support nothing."""
    return judge_comparison(_comparison(trial, config), conventions=config.conventions)


def believe(trial: Trial, config: Config) -> tuple[list[str], list[str]]:
    """Return how a comparison was carried out, and what speaks against believing it."""
    comparison, conventions = _comparison(trial, config), config.conventions
    return validity_of(comparison, conventions), cautions_of(comparison, conventions)


def _comparison(trial: Trial, config: Config) -> Comparison:
    busy = config.trust.include_busy
    return Comparison(plan=trial.plan, runs=list(trial.runs), include_busy=busy)
