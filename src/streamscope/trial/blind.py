"""A round of a blind test: two replays, told apart only after the vote. All but the drawing.

Only the answers are shown. Thinking is left out on both sides, so that there is one moment from
which each can be read, and the estimates can be held against it.
"""

import math
import re
import secrets
from collections.abc import Iterable
from typing import Literal, TypeAlias

import msgspec

from streamscope.history import VoteRow
from streamscope.measure.blind import Choice
from streamscope.measure.figures import Figures
from streamscope.sides import Aspect, Sides
from streamscope.sides import Side as Channel
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

_ABOUT = "A blind test is about streaming against blocking"
_WAYS: dict[Mode, str] = {"stream": "streamed", "blocking": "came whole"}
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
        UnfitError: If they are not a streamed and a blocking answer of one model, both whole.
    """
    found: Subjects = {}
    for run, figures in runs:
        first, total = figures["ttfv_s"], figures["total_s"]
        if not run.trace.ok or not run.trace.text().strip() or first is None or total is None:
            raise UnfitError(f"A blind test needs two whole answers: {run.channel} has none.")
        found[run.trace.mode] = Subject(run=run, first_s=first, total_s=total)
    if len(found) != 2:
        raise UnfitError(f"{_ABOUT}: both of these answers {_WAYS[next(iter(found))]}.")
    if set(_differ(found)) - {"mode"}:
        raise UnfitError(f"{_ABOUT}: what else differs here would be voted on, too.")
    return found


def _differ(pair: Subjects) -> tuple[Aspect, ...]:
    sides = Sides(a=Channel.of(pair["stream"].run), b=Channel.of(pair["blocking"].run))
    return sides.differ


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
