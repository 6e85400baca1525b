"""The lines of ``streamscope history list``: comparisons, and groups of them."""

from collections.abc import Mapping, Sequence

import msgspec

from streamscope.cli.history.medians import Values, pooled_values
from streamscope.cli.history.place import Desk
from streamscope.cli.jobs import how_far
from streamscope.history import ComparisonRow, Group, GroupRow, HistoryError
from streamscope.measure.inference import Estimate, median_estimate
from streamscope.plan import Plan
from streamscope.sides import Side
from streamscope.trace import ChannelName, Layout, Mode, Regime, Run, Target
from streamscope.trial.plan import Course, last_pair
from streamscope.trial.trial import is_complete

NAMES = (
    "ttfv_s",
    "total_s",
    "server_tok_per_s",
    "e2e_tok_per_s",
    "e2e_char_per_s",
    "output_tokens",
)
"""Figures of which a list tells the medians."""

MANY = 1_000_000
PAGE = 200
"""Comparisons that are looked through at a time for those that are sought."""

Medians = dict[str, Estimate]
"""Medians by name of figure."""


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One channel of a comparison, as JSON has it.

    Attributes:
        target: The server.
        engine: The engine of ours that answered, or empty.
        mode: How it delivered.
        figures: Medians by name of figure.
    """

    target: Target
    engine: str
    mode: Mode
    figures: Medians


class _Line(msgspec.Struct, frozen=True, kw_only=True):
    """What a comparison and a group have in common.

    Attributes:
        layout: Whether its pairs were measured apart or as races.
        regime: Whether prompts may have been cached.
        prompt: What was asked.
        pairs: Whole pairs.
        runs: Runs of all kinds.
        busy: Runs among them for which the machine was too busy.
        note: Its note.
        tags: Its tags.
    """

    layout: Layout
    regime: Regime
    prompt: str
    pairs: int
    runs: int
    busy: int
    note: str
    tags: tuple[str, ...]


class Listed(_Line, frozen=True, kw_only=True):
    """One comparison, as JSON has it.

    Attributes:
        id: Its id.
        started_utc: Start of its first run.
        channels: Those that have runs, with their medians.
        failed: Runs that failed.
        failed_pairs: Pairs of which a run failed and was not made good by a further try.
        state: How far it came, where its plan wanted more; empty where it did not, or nobody knows.
        complete: Whether it has all that its plan wants; absent where nobody knows.
        plan: How it was to be carried out; absent where nobody knows.
    """

    id: str
    started_utc: str
    channels: dict[ChannelName, Measured]
    failed: int
    failed_pairs: int
    state: str
    complete: bool | msgspec.UnsetType = msgspec.UNSET
    plan: Plan | msgspec.UnsetType = msgspec.UNSET

    @property
    def sides(self) -> dict[ChannelName, Side]:
        """What each channel was."""
        return {
            name: Side(target=each.target, mode=each.mode, engine=each.engine)
            for name, each in self.channels.items()
        }


class Pooled(_Line, frozen=True, kw_only=True):
    """One group: comparisons whose runs may be pooled, as JSON has it.

    Attributes:
        target: The server.
        engine: The engine of ours that answered, or empty.
        newest_id: Id of its newest comparison.
        newest_utc: Start of its newest run.
        figures: Medians by mode and name of figure.
    """

    target: Target
    engine: str
    newest_id: str
    newest_utc: str
    figures: dict[Mode, Medians]


def groups(desk: Desk) -> list[Pooled]:
    """Return the groups that were asked for, the one with the newest run first."""
    options, history = desk.options, desk.history
    found = history.groups(options.limit, contains=options.search, names=NAMES)
    return [_group(row, history.comparisons(1, row.group)) for row in found]


def comparisons(desk: Desk) -> list[Listed]:
    """Return the comparisons that were asked for, the one with the newest run first."""
    options, history = desk.options, desk.history
    if not options.search:
        return [_comparison(desk, row) for row in history.comparisons(options.limit)]
    words = options.search.split()
    # One word may be told of one channel's group, and another one of the other's.
    matching = {row.group: row for word in words for row in history.groups(MANY, contains=word)}
    found: list[ComparisonRow] = []
    before = None
    while matching and len(found) < options.limit:
        page = history.comparisons(PAGE, before=before)
        found += [row for row in page if _is_sought(row, matching, words)]
        if len(page) < PAGE:
            break
        before = page[-1].comparison_id
    return [_comparison(desk, row) for row in found[: options.limit]]


def state_words(plan: Plan | None, runs: Sequence[Run], *, include_busy: bool = False) -> str:
    """Say how far a comparison came, where its plan wants more: ``stopped at 6 of 30 pairs``."""
    if plan is None:
        return ""
    course = Course(plan=plan, runs=tuple(runs), include_busy=include_busy)
    if is_complete(course):
        return ""
    if last_pair(runs) >= plan.repeat:
        return f"only {how_far(course)} count"
    failed = bool(runs) and not runs[-1].trace.ok and runs[-1].trace.ended != "cancelled"
    return f"{'failed' if failed else 'stopped'} at {how_far(course)}"


def _is_sought(
    row: ComparisonRow, matching: Mapping[Group, GroupRow], words: Sequence[str]
) -> bool:
    """Tell whether all words are its own or its groups', and not only another comparison's."""
    parts = (part.group for part in row.parts.values())
    groups = [matching[group] for group in parts if group in matching]
    if not groups:
        return False
    tags = {*row.tags, *(tag for group in groups for tag in group.tags)}
    texts = [row.group.prompt, row.note, *tags]
    texts += [text for each in groups for text in (each.group.target, each.note)]
    texts += [target.url for target in row.targets.values()]
    text = "\n".join(texts).casefold()
    return all(
        word[1:].lower() in tags
        if word.startswith("#") and word != "#"
        else word.casefold() in text
        for word in words
    )


def _comparison(desk: Desk, row: ComparisonRow) -> Listed:
    """Tell of one comparison; of one that can't be read any more, what is known without."""
    values: Values = {}
    complete: bool | msgspec.UnsetType = msgspec.UNSET
    try:
        _, runs = desk.history.comparison(row.comparison_id)
    except HistoryError:
        state = "its runs can't be read any more"
    else:
        state = state_words(row.plan, runs, include_busy=desk.include_busy)
        complete = msgspec.UNSET if row.plan is None else not state
        values = pooled_values(desk.as_comparison(row, runs), NAMES)
    return Listed(
        id=row.comparison_id,
        started_utc=row.started_utc,
        channels={
            name: Measured(
                target=row.targets[name],
                engine=part.group.engine,
                mode=part.mode,
                figures=_medians(values.get(name, {})),
            )
            for name, part in row.parts.items()
        },
        layout=row.group.layout,
        regime=row.group.regime,
        prompt=row.group.prompt,
        pairs=row.pairs,
        runs=row.runs,
        failed=row.failed,
        failed_pairs=row.failed_pairs,
        busy=row.busy,
        note=row.note,
        tags=row.tags,
        state=state,
        complete=complete,
        plan=row.plan or msgspec.UNSET,
    )


def _group(row: GroupRow, newest: Sequence[ComparisonRow]) -> Pooled:
    return Pooled(
        newest_id=newest[0].comparison_id if newest else "",
        newest_utc=row.started_utc,
        target=row.target,
        engine=row.group.engine,
        layout=row.group.layout,
        regime=row.group.regime,
        prompt=row.request.prompt,
        pairs=row.pairs,
        runs=row.runs,
        busy=sum(each.excluded.get("busy", 0) for each in row.values.values()),
        note=row.note,
        tags=row.tags,
        figures={mode: _medians(each.values) for mode, each in row.values.items()},
    )


def _medians(values: Mapping[str, list[float]]) -> Medians:
    return {name: median_estimate(known) for name, known in values.items() if known}
