"""Blind votes: which of two replays felt faster, and how long each felt. And what that shows."""

import math
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from streamscope.measure.inference import Estimate, median_estimate, sign_test_p, wilson

Choice = Literal["stream", "blocking", "tie"]
"""What felt faster, told apart only after the vote."""

ALPHA = 0.05
"""A p value below it is taken to show something."""

ABOUT_WHOM = "One person's votes are about that person."


class Vote(msgspec.Struct, frozen=True, kw_only=True):
    """One vote.

    Attributes:
        choice: Which replay felt faster.
        felt_stream_s: How long the streamed one felt, s; ``None`` if that was not answered.
        felt_blocking_s: How long the blocking one felt, s; likewise.
        real_stream_first_s: When the first streamed text was there, s.
        real_stream_total_s: When the last was, s.
        real_blocking_s: When the blocking answer was there, s.
    """

    choice: Choice
    felt_stream_s: float | None = None
    felt_blocking_s: float | None = None
    real_stream_first_s: float
    real_stream_total_s: float
    real_blocking_s: float


class Felt(msgspec.Struct, frozen=True, kw_only=True):
    """Felt over real time, medians; ``None`` where nothing was answered. 1 is true to life.

    Attributes:
        stream_first: Streamed, over the wait for its first text.
        stream_total: Streamed, over its whole time.
        blocking: Blocking, over its whole time, all of which is a wait.
    """

    stream_first: Estimate | None = None
    stream_total: Estimate | None = None
    blocking: Estimate | None = None


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """Counted votes.

    Attributes:
        stream: Votes for streaming.
        blocking: Votes for blocking.
        ties: Votes for neither, left out of the test.
        p: Exact two-sided p of the sign test.
        low: Wilson's 95 % interval for the share of streaming, lower bound, 0 to 1.
        high: Upper bound.
        felt: How long it felt.
        needed: Fewest votes for one side, of as many as there are, that would show something;
            ``None`` where not even all of them would.
        sentence: What the votes show and what they can't.
    """

    stream: int
    blocking: int
    ties: int
    p: float
    low: float
    high: float
    felt: Felt
    needed: int | None
    sentence: str

    @property
    def decided(self) -> int:
        """Votes that were no ties."""
        return self.stream + self.blocking


def tally(votes: Sequence[Vote]) -> Tally:
    """Count votes and test whether they could be chance."""
    stream = sum(vote.choice == "stream" for vote in votes)
    blocking = sum(vote.choice == "blocking" for vote in votes)
    low, high = wilson(stream, stream + blocking)
    counted = Tally(
        stream=stream,
        blocking=blocking,
        ties=len(votes) - stream - blocking,
        p=sign_test_p(stream, blocking),
        low=low,
        high=high,
        felt=_felt(votes),
        needed=least_wins(stream + blocking),
        sentence="",
    )
    return msgspec.structs.replace(counted, sentence=_sentence(counted))


def least_wins(n: int) -> int | None:
    """Return the fewest wins of ``n`` votes with a p below 5 %; ``None`` below six votes."""
    losses, tail = -1, 0  # the most losses that still show something
    while 2 * (tail := tail + math.comb(n, losses + 1)) / (1 << n) < ALPHA:
        losses += 1
    return None if losses < 0 else n - losses


def _felt(votes: Sequence[Vote]) -> Felt:
    return Felt(
        stream_first=_ratio((v.felt_stream_s, v.real_stream_first_s) for v in votes),
        stream_total=_ratio((v.felt_stream_s, v.real_stream_total_s) for v in votes),
        blocking=_ratio((v.felt_blocking_s, v.real_blocking_s) for v in votes),
    )


def _ratio(times: Iterable[tuple[float | None, float]]) -> Estimate | None:
    """Return the median of felt over real; answers that are no times are left out."""
    ratios = [
        felt / real
        for felt, real in times
        if felt is not None
        and math.isfinite(felt)
        and math.isfinite(real)
        and felt >= 0
        and real > 0
        and math.isfinite(felt / real)
    ]
    return median_estimate(ratios) if ratios else None


def _sentence(counted: Tally) -> str:
    """Say what so many votes show, and of whom."""
    n = counted.decided
    if not n:
        return _with_ties("No vote says which felt faster", counted.ties)
    wins, what = max(
        (counted.stream, "streaming"), (counted.blocking, "blocking"), key=lambda side: side[0]
    )
    numbers = f"p {_p(counted.p)}, 95 % interval {_interval(counted, what)}"
    if counted.needed is None:
        said = f"Can't tell: {_votes(n)} can't show anything; it takes six that agree"
    elif wins >= counted.needed:
        said = f"{what.capitalize()} felt faster in {wins} of {n} votes ({numbers})"
    elif counted.stream == counted.blocking:
        said = f"Can't tell: the {n} votes are split evenly ({numbers}); it takes {counted.needed}"
    else:
        said = f"Can't tell: {wins} of {n} votes for {what} ({numbers}); it takes {counted.needed}"
    return _with_ties(said, counted.ties)


def _with_ties(said: str, ties: int) -> str:
    left_out = f"; {ties} {'tie' if ties == 1 else 'ties'} left out" if ties else ""
    return f"{said}{left_out}. {ABOUT_WHOM}"


def _interval(counted: Tally, what: str) -> str:
    low, high = counted.low, counted.high
    if what == "blocking":
        low, high = 1 - high, 1 - low
    return f"{100 * low:.0f}–{100 * high:.0f} %"


def _votes(n: int) -> str:
    return "one vote" if n == 1 else f"{n} votes"


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.2g}"
