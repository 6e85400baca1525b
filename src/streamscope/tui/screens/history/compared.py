"""What was compared with what, and what it takes to measure that again."""

import msgspec

from streamscope.history import ComparisonRow, GroupRow, History
from streamscope.plan import Plan
from streamscope.sides import Side, Sides
from streamscope.trace import Target
from streamscope.trial.plan import meant
from streamscope.tui.exporting import plan_of
from streamscope.tui.screens.history.chosen import Rerun


def newest_again(history: History, row: GroupRow) -> Rerun:
    """Return what measures a group again: its newest comparison, or its delivery."""
    newest = history.comparisons(1, row.group)
    if newest and contest_of(newest[0]) is not None:
        return again(history, newest[0])
    plan = plan_of(newest[0]) if newest else Plan(layout=row.group.layout, regime=row.group.regime)
    return Rerun(request=row.request, plan=plan, sides=delivery(row.target, row.group.engine))


def again(history: History, row: ComparisonRow) -> Rerun:
    """Return what measures a comparison again: by its plan, between the same channels."""
    _, runs = history.comparison(row.comparison_id)
    planned = None if row.plan is None else row.plan.sides
    sides = Sides.of(runs) or planned or delivery(row.target, row.group.engine)
    request = meant(run.request for run in runs)
    return Rerun(request=request, plan=plan_of(row), sides=sides)


def delivery(target: Target, engine: str) -> Sides:
    """Return the usual channels of a server: its stream, and its whole answer."""
    stream = Side(target=target, mode="stream", engine=engine)
    return Sides(a=stream, b=msgspec.structs.replace(stream, mode="blocking"))


def sides_of(row: ComparisonRow) -> Sides | None:
    """Return what was compared with what; ``None`` where only one channel has runs."""
    if len(row.parts) < 2:
        return None
    a, b = (
        Side(target=row.targets[name], mode=part.mode, engine=part.group.engine)
        for name, part in sorted(row.parts.items())
    )
    return Sides(a=a, b=b)


def contest_of(row: ComparisonRow) -> Sides | None:
    """Return what was compared with what; ``None`` for one server's two ways to deliver."""
    sides = sides_of(row)
    return None if sides is None or sides.question == "delivery" else sides
