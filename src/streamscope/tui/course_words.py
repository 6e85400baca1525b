"""What a comparison under way is doing, how far it has come, and how it ended, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streamscope.plan import Plan
    from streamscope.trial.plan import Step
    from streamscope.trial.progress import Progress

GOES_ON = "ctrl+n can go on with it."
"""What can be done with a comparison that lacks pairs."""


def doing(step: Step, plan: Plan, at: Progress | None = None) -> str:
    """Name the run that is under way, and how far the comparison has come.

    Args:
        step: The run.
        plan: What is carried out.
        at: How far it is; ``None`` to say nothing of it.
    """
    if step.warmup:
        return "warm-up"
    side = "A and B" if plan.layout == "race" else step.channel
    if plan.repeat == 1:
        return f"measuring · {side}"
    of = at.of(step.pair) if at is not None else f"of {plan.repeat}"
    return f"pair {step.pair} {of} · {side}{progress_words(at)}"


def ended(at: Progress, plan: Plan, *, stopped: bool, why: str = "", goes_on: bool = True) -> str:
    """Say how a comparison ended, and whether it can go on.

    Args:
        at: How far it came.
        plan: What was to be carried out.
        stopped: Whether a person stopped it.
        why: Why it gave up, or why pairs do not count: a clause.
        goes_on: Whether it could go on: it is kept, measured apart, and has runs of both channels.
    """
    later = f" {GOES_ON}" if goes_on else ""
    pairs = f"{at.pairs} pair{'s' if at.pairs != 1 else ''}"
    if stopped:
        return f"Stopped after {pairs}; what is measured stays.{later}"
    if why:
        of = f"of {plan.repeat}" if plan.until is None else f"of at most {plan.repeat}"
        return f"Ended with {at.pairs} {of} pairs: {why}.{later}"
    if at.wanted is None or at.width is None:
        return f"Done: {pairs}."
    if at.width <= at.wanted:
        return f"Done: {pairs}, medians known to ±{100 * at.width:.1f} %."
    most = ", the most there may be" if at.pairs >= plan.repeat else ""
    return f"Done: {pairs}{most}; medians known to ±{100 * at.width:.1f} % only."


def progress_words(at: Progress | None) -> str:
    """Return how well the medians are known, how long it has taken, and what is left of it."""
    if at is None:
        return ""
    said = ""
    if at.wanted is not None:
        width = "" if at.width is None else f"±{100 * at.width:.1f} % "
        said += f" · {width}→ ±{100 * at.wanted:g} %"
    said += f" · {about_time(at.elapsed_s)}"
    if at.left_s is not None:
        least, most = (about_time(each) for each in at.left_s)
        said += f", {least if least == most else f'{least} to {most}'} left"
    return said


def about_time(seconds: float) -> str:
    """Write a time that is only a guess: ``8 s``, ``50 s``, ``3 min``, ``2 h``."""
    if seconds < 10:
        return f"{seconds:.0f} s"
    if seconds < 95:
        return f"{5 * round(seconds / 5)} s"
    if seconds < 95 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h"
