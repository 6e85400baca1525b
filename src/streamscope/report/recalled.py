"""Past comparisons: as they were planned, or as far as their runs tell where nobody said."""

from collections.abc import Sequence

from streamscope.plan import Order, Plan
from streamscope.report.comparison import Comparison
from streamscope.trace import ChannelName, Run

UNTOLD = frozenset({"until", "least", "cooldown_s", "seed"})
"""Members of a plan that no run tells of."""


def recalled(plan: Plan | None, runs: list[Run], *, include_busy: bool = False) -> Comparison:
    """Return a past comparison.

    Args:
        plan: How it was to be carried out; ``None`` where nobody said, as of imported runs.
        runs: All its runs.
        include_busy: Whether runs on a busy machine are pooled.
    """
    if plan is not None:
        return Comparison(plan=plan, runs=runs, include_busy=include_busy)
    told, unknown = told_by(runs)
    return Comparison(plan=told, runs=runs, include_busy=include_busy, unknown=unknown)


def told_by(runs: Sequence[Run]) -> tuple[Plan, frozenset[str]]:
    """Return what runs tell of their plan, and the names of its members that they don't tell."""
    measured = [run for run in runs if not run.warmup]
    unknown = set(UNTOLD)
    usual = Plan()
    shown = (measured or list(runs))[:1]
    layout = shown[0].layout if shown else usual.layout
    order = _order(measured)
    if order is None and layout != "race":
        unknown.add("order")
    channels = [run.channel for run in runs if run.warmup]
    warmup = max((channels.count(each) for each in channels), default=0)
    if not warmup:  # they may have been left out of the file
        unknown.add("warmup")
    plan = Plan(
        order=order or usual.order,
        layout=layout,
        regime=shown[0].regime if shown else usual.regime,
        warmup=warmup or usual.warmup,
        repeat=max(1, len({run.pair for run in measured})),
        reuse=any(run.trace.connection == "reused" for run in measured),
    )
    return plan, frozenset(unknown)


def _order(measured: Sequence[Run]) -> Order | None:
    """Return who went first, if that follows a rule and there are pairs enough to see it."""
    places: dict[int, dict[ChannelName, int]] = {}
    for run in measured:
        places.setdefault(run.pair, {})[run.channel] = run.position
    whole = [pair for pair, place in sorted(places.items()) if sorted(place.values()) == [1, 2]]
    if len(whole) < 2:
        return None
    firsts = [pair for pair in whole if places[pair]["A"] == 1]
    if len(firsts) == len(whole):
        return "ab"
    if not firsts:
        return "ba"
    by_turns = len({pair % 2 for pair in firsts}) == 1
    return (
        "abba" if by_turns and len({pair % 2 for pair in set(whole) - set(firsts)}) == 1 else None
    )
