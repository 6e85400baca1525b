"""What is to be measured: new comparisons, one that goes on, and past ones made anew."""

from collections.abc import Sequence

import msgspec

from streamscope.cli import planning, start
from streamscope.cli.arguments import prompt_text
from streamscope.cli.parsing import UsageError
from streamscope.cli.run_arguments import RunOptions
from streamscope.history import ComparisonRow, Group, History, HistoryError
from streamscope.plan import Plan
from streamscope.settings import Config
from streamscope.trace import SUMMARY_FLAG, Request, Run
from streamscope.trial.plan import Course
from streamscope.trial.setup import Setup, Wish
from streamscope.trial.trial import is_complete


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One comparison that is to be measured.

    Attributes:
        request: What is asked.
        course: How, and from where on.
        wish: The server; ``None`` for that of the command line.
        target: The server that must answer, by its name in the history; empty for any.
        version: The version that it must have; empty for any.
        tags: Tags that the comparison has already.
    """

    request: Request
    course: Course
    wish: Wish | None = None
    target: str = ""
    version: str = ""
    tags: tuple[str, ...] = ()

    def refusal(self, setup: Setup) -> str:
        """Say why a server can't be measured for this; empty if it can."""
        group = Group.asked(setup.target, self.request, engine=setup.engine)
        if self.target and group.target != self.target:
            return f"The comparison was measured on {self.target}, but here is {group.target}."
        if self.version and setup.version and setup.version != self.version:
            return (
                f"The comparison was begun on version {self.version} of the server, which is "
                f"{setup.version} now: `streamscope history rerun` measures it anew."
            )
        return ""


def planned(options: RunOptions, config: Config, history: History | None) -> list[Job]:
    """Return what a command line wants to have measured.

    Raises:
        UsageError: A prompt can't be read, or a comparison can't go on as far as was said.
        HistoryError: What is to be continued or made anew is not there, or can't be.
    """
    busy = planning.trust(options.views, config).include_busy
    if options.going_on:
        return [_continued(_known(history), options, include_busy=busy)]
    if options.again:
        return [_again(_known(history), each, include_busy=busy) for each in options.again]
    course = Course(plan=planning.plan(options, config), include_busy=busy)
    prompts = [prompt_text(said) for said in options.prompts]
    return [
        Job(request=start.request(options, config, prompt), course=course) for prompt in prompts
    ]


def measured_plan(row: ComparisonRow, runs: Sequence[Run]) -> Plan:
    """Return the plan of a past comparison, or what its runs let one guess of it."""
    if row.plan is not None:
        return row.plan
    pairs = {run.pair for run in runs if not run.warmup}
    return Plan(
        repeat=max(1, len(pairs)), layout=row.group.layout, regime=row.group.regime, warmup=0
    )


def _known(history: History | None) -> History:
    if history is None:
        raise HistoryError("There is no history to take the comparison from.")
    return history


def how_far(course: Course) -> str:
    """Say how far a comparison came: ``6 of 30 pairs``, ``6 of at most 30 pairs``."""
    plan = course.plan
    most = f"at most {plan.repeat}" if plan.until is not None else str(plan.repeat)
    return f"{len(course.pairs())} of {most} pairs"


def _continued(history: History, options: RunOptions, *, include_busy: bool) -> Job:
    row, runs = history.comparison(options.going_on)
    _check_whole(row, runs)
    if row.plan is None:
        raise HistoryError(
            f"Comparison {row.comparison_id[:8]} came without its plan, so it can't be continued: "
            f"`streamscope history rerun {row.comparison_id[:8]}` measures it anew."
        )
    course = Course(
        plan=row.plan,
        comparison_id=row.comparison_id,
        runs=tuple(runs),
        include_busy=include_busy,
    )
    if options.most is not None:
        if row.plan.until is None:
            raise UsageError(
                f"--most bounds --until, but comparison {row.comparison_id[:8]} has exactly "
                f"{row.plan.repeat} pairs to go through: leave it out."
            )
        course = with_most(course, options.most)
    if is_complete(course):
        raise HistoryError(_why_complete(row.comparison_id[:8], course))
    job = _job(row, runs, course)
    versions = [run.server_version for run in runs if run.server_version]
    return msgspec.structs.replace(job, version=versions[-1] if versions else "", tags=row.tags)


def _why_complete(named: str, course: Course) -> str:
    """Say that there is nothing left to do, and what can be done all the same."""
    pairs = len(course.pairs())
    if not is_complete(with_most(course, course.plan.repeat + 1)):
        return (
            f"Comparison {named} has gone through the most pairs that it may have, "
            f"{course.plan.repeat}: add --most N to go on."
        )
    return (
        f"Comparison {named} is complete with {pairs} pairs: "
        f"`streamscope history rerun {named}` measures it anew."
    )


def with_most(course: Course, most: int) -> Course:
    """Return the same course with another bound, if its plan goes on until something is known."""
    if course.plan.until is None:
        return course
    plan = msgspec.structs.replace(course.plan, repeat=most)
    return msgspec.structs.replace(course, plan=plan)


def _check_whole(row: ComparisonRow, runs: Sequence[Run]) -> None:
    """Refuse what can't be asked again, before a server is looked for.

    Raises:
        HistoryError: Only summaries of it are known.
    """
    if any(SUMMARY_FLAG in run.trace.flags for run in runs):
        raise HistoryError(
            f"Comparison {row.comparison_id[:8]} was imported as a summary, which says neither "
            "the prompt nor the server, so it can't be measured anew."
        )


def _again(history: History, named: str, *, include_busy: bool) -> Job:
    row, runs = history.comparison(named)
    _check_whole(row, runs)
    plan = measured_plan(row, runs)
    if plan.order == "random":
        plan = msgspec.structs.replace(plan, seed=planning.new_seed())
    return _job(row, runs, Course(plan=plan, include_busy=include_busy))


def _job(row: ComparisonRow, runs: Sequence[Run], course: Course) -> Job:
    """Return what measures the same as some runs did.

    Raises:
        HistoryError: They asked more than one server, or more than one thing.
    """
    groups = {Group.of(run): run for run in runs if not run.warmup} or {row.group: runs[0]}
    if len(groups) > 1:
        raise HistoryError(
            f"Comparison {row.comparison_id[:8]} has channels that differ in server or request, "
            "so it can't be measured from here: measure each with `streamscope run`."
        )
    ((group, run),) = groups.items()
    return Job(
        request=run.request,
        course=course,
        wish=Wish.again(run.target, run.engine),
        target=group.target,
    )
