"""A blind test: two replays, told apart only after the vote. All of it but the drawing.

Only the answers are shown. Thinking is left out on both sides, so that there is one moment from
which each can be read, and the estimates can be held against it.
"""

import math
import re
import secrets
from collections.abc import Callable, Iterable
from concurrent.futures import Future, wait
from datetime import UTC, datetime
from typing import Literal, TypeAlias

import msgspec

from streamscope.history import Group, History, HistoryError, VoteRow
from streamscope.measure.blind import Choice, Tally, Vote, tally
from streamscope.measure.figures import Figures
from streamscope.measure.inference import Estimate
from streamscope.measure.statistics import median
from streamscope.trace import Mode, Run
from streamscope.trial.replay import Playback, ReplayClock, end_ns

Side: TypeAlias = Literal["left", "right"]
SIDES: tuple[Side, Side] = ("left", "right")

Said: TypeAlias = Literal["left", "right", "tie"]
"""Which side felt faster, or neither."""

Stage: TypeAlias = Literal["ready", "watching", "left", "right", "over"]
"""Where a round is. In ``left`` and ``right`` the wait on that side is asked for."""

LONGEST_S = 3600.0
"""Longest wait that is taken for an answer, s."""

SAVING_S = 5.0
"""How long the results wait for votes that are still to be written, s."""

_SECONDS = re.compile(r"(\d+(?:[.,]\d*)?|[.,]\d+)\s*(?:s|sec|secs|seconds?)?", re.ASCII)


class UnfitError(Exception):
    """A pair that can't be voted on; the message is a sentence."""


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """One of the two runs, and its real waits.

    Attributes:
        run: The run.
        first_s: When its answer could first be read, s since sent.
        total_s: When the last of it could, s since sent.
    """

    run: Run
    first_s: float
    total_s: float


Subjects: TypeAlias = dict[Mode, Subject]
"""A stream run and a blocking run."""


def subjects(runs: Iterable[tuple[Run, Figures]]) -> Subjects:
    """Return the two runs of a pair as a blind test needs them.

    Raises:
        UnfitError: If they are not a streamed and a blocking answer, both whole.
    """
    found: Subjects = {}
    for run, figures in runs:
        first, total = figures["ttfv_s"], figures["total_s"]
        if not run.trace.ok or not run.trace.text().strip() or first is None or total is None:
            raise UnfitError(f"A blind test needs two whole answers: {run.channel} has none.")
        found[run.trace.mode] = Subject(run=run, first_s=first, total_s=total)
    if len(found) != 2:
        raise UnfitError("A blind test needs a streamed and a blocking answer to one prompt.")
    return found


def read_seconds(text: str) -> float | None:
    """Read a time that a person typed, such as ``2.5``, ``2,5 s`` or nothing (``None``).

    Raises:
        ValueError: With a sentence, if it is no such time.
    """
    if not text.strip():
        return None
    found = _SECONDS.fullmatch(text.strip().lower())
    seconds = float(found[1].replace(",", ".")) if found else math.inf
    if seconds > LONGEST_S:
        raise ValueError("Type seconds, such as 2.5, or nothing to skip it.")
    return seconds


def fair_coin() -> bool:
    """Draw a side by lot."""
    return bool(secrets.randbits(1))


class Round:
    """Two replays on one clock, what the person says of them, and which was which.

    Attributes:
        modes: How each side was delivered. Not to be shown before the end.
        stage: Where the round is.
        said: Which side felt faster; ``None`` before the vote.
        felt_s: How long the wait felt on each side, s, as far as it was said.
    """

    def __init__(self, pair: Subjects, *, stream_left: bool) -> None:
        self.modes: dict[Side, Mode] = (
            {"left": "stream", "right": "blocking"}
            if stream_left
            else {"left": "blocking", "right": "stream"}
        )
        self.stage: Stage = "ready"
        self.said: Said | None = None
        self.felt_s: dict[Side, float | None] = dict.fromkeys(SIDES)
        self._pair = pair
        self._playbacks = {side: Playback(pair[self.modes[side]].run.trace) for side in SIDES}
        self._readable: set[Side] = set()
        self._clock: ReplayClock | None = None

    def start(self, now_ns: int) -> None:
        """Begin both replays at a monotonic time."""
        end = max(end_ns(subject.run.trace) for subject in self._pair.values())
        self._clock = ReplayClock(end, now_ns)
        self.stage = "watching"

    def advance(self, now_ns: int) -> dict[Side, str]:
        """Return the answer text that came on each side since the last time."""
        if self._clock is None:
            return dict.fromkeys(SIDES, "")
        position = self._clock.position_ns(now_ns)
        came: dict[Side, str] = {}
        for side, playback in self._playbacks.items():
            new, _ = playback.advance(position)
            came[side] = "".join(chunk.text for chunk in new if chunk.kind == "answer")
            if came[side].strip():
                self._readable.add(side)
        return came

    def playing(self, now_ns: int) -> bool:
        """Whether there is still something to come."""
        return self._clock is not None and not self._clock.finished(now_ns)

    @property
    def may_vote(self) -> bool:
        """Whether both sides have shown text, and nothing has been said yet."""
        return self.stage == "watching" and len(self._readable) == len(SIDES)

    def vote(self, said: Said) -> None:
        """Say which felt faster. Nothing happens before both have shown text."""
        if self.may_vote:
            self.said = said
            self.stage = "left"

    def estimate(self, seconds: float | None) -> None:
        """Say how long the wait felt on the side that is asked about; ``None`` skips it."""
        if self.stage == "left":
            self.felt_s["left"] = seconds
            self.stage = "right"
        elif self.stage == "right":
            self.felt_s["right"] = seconds
            self.stage = "over"

    def back(self) -> None:
        """Go back by one question."""
        if self.stage == "left":
            self.said = None
            self.stage = "watching"
        elif self.stage == "right":
            self.stage = "left"

    @property
    def choice(self) -> Choice | None:
        """What felt faster, in truth; ``None`` before the vote."""
        if self.said is None or self.said == "tie":
            return self.said
        return self.modes[self.said]

    def row(self, voted_utc: str) -> VoteRow | None:
        """Return the vote as it is kept; ``None`` if there is none."""
        choice = self.choice
        if choice is None:
            return None
        stream, blocking = self._pair["stream"], self._pair["blocking"]
        felt = {mode: self.felt_s[side] for side, mode in self.modes.items()}
        return VoteRow(
            voted_utc=voted_utc,
            stream_run=stream.run.run_id,
            blocking_run=blocking.run.run_id,
            choice=choice,
            felt_stream_s=felt["stream"],
            felt_blocking_s=felt["blocking"],
            first_s=stream.first_s,
            stream_total_s=stream.total_s,
            blocking_s=blocking.total_s,
        )


class Wait(msgspec.Struct, frozen=True, kw_only=True):
    """How long one way of delivery let people wait before they could read: felt, and really.

    Attributes:
        felt_s: Median of what was said, s.
        real_s: Median of the real waits of the same votes, s.
        ratio: Felt over real, median over the votes; ``None`` where a real wait is not known.
        n: Number of answers.
    """

    felt_s: float
    real_s: float
    ratio: Estimate | None
    n: int


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """What votes come to.

    Attributes:
        now: The votes of this test.
        before: Earlier ones about the same prompt and target.
        together: All of them.
        waits: Of all of them, by mode; a mode is missing where nothing was said.
        rounds: The rounds of this test with a vote, in order.
        problems: What went wrong in keeping or reading votes; sentences.
    """

    now: Tally
    before: Tally
    together: Tally
    waits: dict[Mode, Wait]
    rounds: tuple[Round, ...]
    problems: tuple[str, ...]


class BlindTest:
    """Rounds about one pair, and the votes that came of them."""

    def __init__(
        self,
        pair: Subjects,
        history: History | None,
        *,
        coin: Callable[[], bool] = fair_coin,
    ) -> None:
        """Prepare.

        Args:
            pair: What is voted on.
            history: Where votes are kept; ``None`` to forget them afterwards.
            coin: Whether the stream goes to the left in the next round.
        """
        self._pair = pair
        self._history = history
        self._coin = coin
        self._rounds: list[Round] = []
        self._rows: list[VoteRow] = []
        self._saving: list[Future[None]] = []

    @property
    def votes(self) -> int:
        """Number of votes so far."""
        return len(self._rows)

    def draw(self) -> Round:
        """Return a new round, its sides drawn by lot."""
        return Round(self._pair, stream_left=self._coin())

    def keep(self, done: Round) -> None:
        """Count the vote of a round, with as many estimates as were given; return at once."""
        now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        row = done.row(now)
        if row is None:
            return
        self._rounds.append(done)
        self._rows.append(row)
        if self._history is not None:
            self._saving.append(self._history.vote(row))

    def results(self) -> Results:
        """Count all votes. Waits for those that are being written, so call it in a thread."""
        problems = self._unsaved()
        before: list[VoteRow] = []
        if self._history is not None:
            try:
                kept = self._history.votes(Group.of(self._pair["stream"].run))
                before = [row for row in kept if row not in self._rows]
            except HistoryError as error:
                problems.append(str(error))
        together = [*before, *self._rows]
        counted = tally([_vote(row) for row in together])
        waits: dict[Mode, Wait | None] = {
            "stream": _wait(
                ((row.felt_stream_s, row.first_s) for row in together), counted.felt.stream_first
            ),
            "blocking": _wait(
                ((row.felt_blocking_s, row.blocking_s) for row in together), counted.felt.blocking
            ),
        }
        return Results(
            now=tally([_vote(row) for row in self._rows]),
            before=tally([_vote(row) for row in before]),
            together=counted,
            waits={mode: each for mode, each in waits.items() if each is not None},
            rounds=tuple(self._rounds),
            problems=tuple(dict.fromkeys(problems)),
        )

    def _unsaved(self) -> list[str]:
        """Return why votes could not be kept, once that is known."""
        done, late = wait(self._saving, timeout=SAVING_S)
        problems = [str(error) for each in done if (error := each.exception()) is not None]
        if late:
            problems.append("The history is busy: the votes of this test are not written yet.")
        return problems


def _vote(row: VoteRow) -> Vote:
    """Return a vote as it is counted; a real time that nobody knows is no number."""
    return Vote(
        choice=row.choice,
        felt_stream_s=row.felt_stream_s,
        felt_blocking_s=row.felt_blocking_s,
        real_stream_first_s=math.nan if row.first_s is None else row.first_s,
        real_stream_total_s=math.nan if row.stream_total_s is None else row.stream_total_s,
        real_blocking_s=math.nan if row.blocking_s is None else row.blocking_s,
    )


def _wait(
    pairs: Iterable[tuple[float | None, float | None]], ratio: Estimate | None
) -> Wait | None:
    known = [(felt, real) for felt, real in pairs if felt is not None and real is not None]
    if not known:
        return None
    return Wait(
        felt_s=median([felt for felt, _ in known]),
        real_s=median([real for _, real in known]),
        ratio=ratio,
        n=len(known),
    )
