"""What the history answers with: runs, comparisons and groups without their traces."""

from typing import Literal

import msgspec

from streamscope.history.groups import Group, Part
from streamscope.plan import Plan
from streamscope.trace import (
    ChannelName,
    Clock,
    Ended,
    FaultCode,
    Mode,
    Request,
    ServerTimings,
    Target,
    Tokens,
)

Choice = Literal["stream", "blocking", "tie"]
"""Which of two hidden replays felt faster."""


class GroupValues(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one group in one mode.

    Attributes:
        values: For each name asked for, the known values of the pooled runs, oldest first. A run
            without that figure has no entry, so a list may be shorter than ``n``.
        n: Number of pooled runs: those that ended by themselves, were no warm-ups, and unless
            that is wanted not made on a busy machine.
        excluded: Number of further runs, by the reason why they are not pooled: ``warmup``; how
            they ended (``error``, ``cancelled``, ``filter``, ``incomplete``, ``unfinished``);
            ``busy`` (the machine was too busy for its times to be trusted);
            ``version`` (another version of the server); ``older`` (beyond the newest ones).
    """

    values: dict[str, list[float]]
    n: int
    excluded: dict[str, int]


class RunRow(msgspec.Struct, frozen=True, kw_only=True):
    """A saved run without its trace: a line of a list.

    Attributes:
        run_id: Unique, 32 hexadecimal digits.
        comparison_id: The comparison that it belongs to.
        started_utc: Wall-clock time of the start, ``YYYY-MM-DDTHH:MM:SS.ffffffZ``.
        group: The runs that it may be compared with; holds prompt, engine, layout and regime.
        target: The server.
        channel: The side on which it ran.
        mode: How the channel delivered.
        pair: Number of the pair in its comparison, from 1; 0 for a warm-up.
        position: 1 if it ran first in its pair, 2 if second.
        warmup: Whether it only served to warm up.
        server_version: Version of the server, where it says so.
        ended: How it ended.
        fault_code: The class of fault, if it failed.
        fault_sentence: Why it failed, for a person.
        status: HTTP status.
        clock: Where the arrival times come from.
        tokens: Token counts by the server.
        server: Durations by the server.
        n_chunks: Number of pieces of text, of all kinds.
        n_reasoning_chunks: How many of them were reasoning.
        output_sha: SHA-256 of the whole answer: equal for equal answers.
        reasoning_sha: SHA-256 of the whole reasoning.
        flags: Short names of what makes this run special.
        figures: The figures that were saved with it; ``None`` where there is no value.
    """

    run_id: str
    comparison_id: str
    started_utc: str
    group: Group
    target: Target
    channel: ChannelName
    mode: Mode
    pair: int
    position: int
    warmup: bool
    server_version: str
    ended: Ended | None
    fault_code: FaultCode | None
    fault_sentence: str | None
    status: int | None
    clock: Clock
    tokens: Tokens
    server: ServerTimings
    n_chunks: int
    n_reasoning_chunks: int
    output_sha: str
    reasoning_sha: str
    flags: tuple[str, ...]
    figures: dict[str, float | None]


class ComparisonRow(msgspec.Struct, frozen=True, kw_only=True):
    """A comparison without its runs: a line of a list.

    Attributes:
        comparison_id: Unique, 32 hexadecimal digits.
        started_utc: Start of its first run, ``YYYY-MM-DDTHH:MM:SS.ffffffZ``.
        group: The runs that its own may be pooled with: those of the group that the list is of, or
            else of channel A, where both differ.
        target: The server, of the same channel.
        parts: What each channel asked, and how; of channels that have runs.
        targets: The server of each.
        plan: How it was to be carried out; ``None`` if nobody said, as for imported runs.
        pairs: Number of pairs of which both runs ended by themselves, and that count: on a machine
            that was too busy they do only if that is wanted.
        runs: Number of runs of all kinds.
        failed: How many of them failed: did not end by themselves, nor were stopped by a person,
            nor only warmed up.
        busy: How many ended by themselves, but on a machine that was too busy.
        failed_pairs: Number of pairs of which a run failed and none of its further tries did not.
        note: What a person wrote about it.
        tags: Its tags.
    """

    comparison_id: str
    started_utc: str
    group: Group
    target: Target
    parts: dict[ChannelName, Part]
    targets: dict[ChannelName, Target]
    plan: Plan | None
    pairs: int
    runs: int
    failed: int
    busy: int = 0
    failed_pairs: int = 0
    note: str
    tags: tuple[str, ...]


class GroupRow(msgspec.Struct, frozen=True, kw_only=True):
    """A group with its newest figures: a line of a list.

    Attributes:
        group: The group.
        target: The server, as its newest run called it.
        request: What is asked.
        started_utc: Start of its newest run, ``YYYY-MM-DDTHH:MM:SS.ffffffZ``.
        runs: Number of runs of all kinds.
        pairs: Number of pairs of which both runs ended by themselves.
        note: What a person wrote about it.
        tags: Its tags.
        values: The figures that were asked for, by mode; both modes are always there.
    """

    group: Group
    target: Target
    request: Request
    started_utc: str
    runs: int
    pairs: int
    note: str
    tags: tuple[str, ...]
    values: dict[Mode, GroupValues]


class PairValues(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one pair of which both runs may be pooled.

    Attributes:
        comparison_id: The comparison that it belongs to.
        pair: Its number in that comparison, from 1.
        a: The figures that were asked for of A's run; ``None`` where there is no value.
        b: Those of B's.
        same_output: Whether both answers are the same, to the letter; ``None`` where the text of
            one is not known, as of imported summaries.
    """

    comparison_id: str
    pair: int
    a: dict[str, float | None]
    b: dict[str, float | None]
    same_output: bool | None


class TrendPoint(msgspec.Struct, frozen=True, kw_only=True):
    """One figure in one comparison of a group.

    Attributes:
        comparison_id: The comparison.
        started_utc: Start of its first run of the group.
        values: The known values of the runs that ended by themselves and were no warm-ups, by
            mode, oldest first; both modes are there, and at least one value.
    """

    comparison_id: str
    started_utc: str
    values: dict[Mode, list[float]]


class VoteRow(msgspec.Struct, frozen=True, kw_only=True):
    """What a person said of two replays, without knowing which was which.

    Attributes:
        voted_utc: When, ISO 8601.
        stream_run: Id of the stream run.
        blocking_run: Id of the blocking run.
        choice: Which felt faster.
        felt_stream_s: How long the stream run felt, s; ``None`` if not said.
        felt_blocking_s: How long the blocking run felt, s.
        first_s: When the stream run really showed its first text, s.
        stream_total_s: When its last text was there, s.
        blocking_s: When the blocking run really showed its answer, s.
    """

    voted_utc: str
    stream_run: str
    blocking_run: str
    choice: Choice
    felt_stream_s: float | None = None
    felt_blocking_s: float | None = None
    first_s: float | None = None
    stream_total_s: float | None = None
    blocking_s: float | None = None


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What became of runs that were handed over to be kept.

    Attributes:
        added: How many are new, or were deleted and are back.
        known: How many were there already and were skipped.
    """

    added: int
    known: int


class Deletion(msgspec.Struct, frozen=True, kw_only=True):
    """Runs that were deleted together and come back together.

    Attributes:
        deletion_id: Number of the deletion; 0 if there was nothing to delete.
        runs: How many runs it holds.
    """

    deletion_id: int
    runs: int
