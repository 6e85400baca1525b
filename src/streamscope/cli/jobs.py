"""What is to be measured: new comparisons, one that goes on, and past ones made anew."""

from collections.abc import Mapping, Sequence

import msgspec

from streamscope.cli import planning, start
from streamscope.cli.arguments import prompt_text
from streamscope.cli.parsing import UsageError
from streamscope.cli.run_arguments import RunOptions
from streamscope.history import ComparisonRow, Group, History, HistoryError
from streamscope.plan import Plan
from streamscope.report.recalled import told_by
from streamscope.settings import Config
from streamscope.sides import Sides
from streamscope.trace import SUMMARY_FLAG, ChannelName, Request, Run
from streamscope.trial.plan import Course, meant
from streamscope.trial.setup import DELIVERY, Matchup, Wish, Wishes
from streamscope.trial.trial import is_complete


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One comparison that is to be measured.

    Attributes:
        request: What is asked.
        course: How, and from where on.
        wishes: The servers; ``None`` for those of the command line.
        groups: What each channel must come to, as the history names it; empty for anything.
        versions: The version that the server of a channel must have, where that matters.
        tags: Tags that the comparison has already.
    """

    request: Request
    course: Course
    wishes: Wishes | None = None
    groups: Mapping[ChannelName, Group] = {}
    versions: Mapping[ChannelName, str] = {}
    tags: tuple[str, ...] = ()

    def refusal(self, matchup: Matchup) -> str:
        """Say why servers can't be measured for this; empty if they can."""
        for name, channel in matchup.channels(self.request).items():
            here = Group.asked(channel.target, channel.request, engine=channel.engine)
            where = "" if matchup.one_server else f" on channel {name}"
            before = self.groups.get(name, here)
            if here.target != before.target:
                return (
                    f"The comparison was measured on {before.target}{where}, but here is "
                    f"{here.target}."
                )
            if here.params != before.params:
                return (
                    f"The comparison asked {before.target}{where} with other parameters than it "
                    "would be asked with now."
                )
            version = self.versions.get(name, "")
            if version and channel.server_version not in ("", version):
                return (
                    f"The comparison was begun on version {version} of the server{where}, which is "
                    f"{channel.server_version} now: `streamscope history rerun` measures it anew."
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
        past = _known(history)
        return [_again(past, each, options, config, include_busy=busy) for each in options.again]
    course = Course(plan=planning.plan(options, config), include_busy=busy)
    prompts = [prompt_text(said) for said in options.prompts]
    return [
        Job(request=start.request(options, config, prompt), course=course) for prompt in prompts
    ]


def measured_plan(row: ComparisonRow, runs: Sequence[Run]) -> Plan:
    """Return the plan of a past comparison, or what its runs tell of it and else is usual."""
    if row.plan is not None:
        return row.plan
    return told_by(runs)[0]


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
    versions = {run.channel: run.server_version for run in runs if run.server_version}
    return msgspec.structs.replace(job, versions=versions, tags=row.tags)


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


def _again(
    history: History, named: str, options: RunOptions, config: Config, *, include_busy: bool
) -> Job:
    row, runs = history.comparison(named)
    _check_whole(row, runs)
    plan = planning.recounted(measured_plan(row, runs), options, config)
    if plan.order == "random":
        plan = msgspec.structs.replace(plan, seed=planning.new_seed())
    return _job(row, runs, Course(plan=plan, include_busy=include_busy))


def _job(row: ComparisonRow, runs: Sequence[Run], course: Course) -> Job:
    """Return what measures the same as some runs did.

    Raises:
        HistoryError: A channel asked more than one server, or there was more than one thing asked.
    """
    measured = [run for run in runs if not run.warmup] or runs[:1]
    asked = {run.channel: run for run in measured}
    groups = {name: Group.of(run) for name, run in asked.items()}
    constant = all(Group.of(run) == groups[run.channel] for run in measured)
    if not constant or len({group.prompt for group in groups.values()}) > 1:
        raise HistoryError(
            f"Comparison {row.comparison_id[:8]} has runs of one channel that differ in server or "
            "request, or channels that differ in prompt, so it can't be measured from here."
        )
    request = meant(run.request for run in asked.values())
    return Job(request=request, course=course, wishes=_wishes(row, runs), groups=groups)


def _wishes(row: ComparisonRow, runs: Sequence[Run]) -> Wishes:
    """Return what was compared.

    Raises:
        HistoryError: It never got to one of the channels, which may be anything.
    """
    sides = Sides.of(runs) or (None if row.plan is None else row.plan.sides)
    if sides is not None:
        return Wishes.again(sides)
    run = runs[-1]
    if run.trace.mode != DELIVERY[run.channel == "B"]:
        raise HistoryError(
            f"Comparison {row.comparison_id[:8]} was stopped before both channels were asked, so "
            "nobody knows what the other one was: measure it with `streamscope run`."
        )
    asked = Wish.again(run.target, run.engine)
    return Wishes(a=msgspec.structs.replace(asked, named_once=True))
