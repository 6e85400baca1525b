"""A model of the person who reads: when they can start, where they wait, when they are through.

The reader takes a fixed time for each word (or Han or kana character), reads in order, and waits
when the next one is not there: ``f_i = max(v_i, f_(i-1)) + d_i``, where ``v_i`` is when it could
be read and ``d_i`` how long reading it takes. The whole idle time is
``I = max over i of (v_i - sum of d_j, j < i)``, and the reader is through at ``I + sum of d``.

For the same generation, a reader of the stream is through less than twice as soon as a reader of
the blocking response, however slow the model: see ``finish_ratio``.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

import msgspec

from streamscope.measure.conventions import Reader
from streamscope.measure.gaps import STALL_FLOOR_MS
from streamscope.measure.reading import Unit, UnitCutter
from streamscope.measure.timing import survey
from streamscope.measure.values import NS_PER_S
from streamscope.trace import Trace

USUAL = Reader()
"""The reader who is meant unless another one is named."""

NOTICED_S = STALL_FLOOR_MS / 1000
"""Waits of the reader above it count as stalls: the same convention as for gaps."""


class Units(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to read in an answer, in order.

    A word can be read when its last letter is there; the last word of all, when the last mark of
    the answer is.

    Attributes:
        visible_s: When each unit could be read, s since sent, ascending.
        kinds: What each unit is.
    """

    visible_s: list[float]
    kinds: list[Unit]

    @property
    def prevailing(self) -> Unit:
        """The unit of the script that prevails, two characters being as much as one word."""
        characters = self.kinds.count("character")
        words = len(self.kinds) - characters
        return "character" if characters > 2 * words else "word"

    def by(self, time_s: float) -> int:
        """Return how many units could be read by a moment, s since sent."""
        return bisect_right(self.visible_s, time_s)

    def words(self, start: int = 0, stop: int | None = None) -> int:
        """Return how many words a stretch of units makes; two characters count as one."""
        stretch = self.kinds[start:stop]
        return (2 * len(stretch) - stretch.count("character")) // 2

    def making(self, words: int) -> int | None:
        """Return how many units, from the first on, make so many words; ``None``: too few."""
        halves = accumulate(1 if kind == "character" else 2 for kind in self.kinds)
        return next((i for i, half in enumerate(halves, start=1) if half >= 2 * words), None)


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """How the reader got through an answer.

    Attributes:
        unit: The unit of the script that prevails.
        units: Words and characters, together.
        start_s: When the first of them could be read, s since sent.
        idle_s: Time without anything to read, from sending on, s.
        stall_s: The part of it that came after the first unit, s.
        stalls: Number of waits after the first unit that were longer than 0.2 s.
        finish_s: When the reader was through, s since sent.
        reading_s: Time in which they really read, s.
    """

    unit: Unit
    units: int
    start_s: float
    idle_s: float
    stall_s: float
    stalls: int
    finish_s: float
    reading_s: float


class Curves(msgspec.Struct, frozen=True, kw_only=True):
    """What could be read, when: the lines of a plot.

    Attributes:
        times_s: Moments, evenly spaced from 0 to ``end_s``.
        a: Units that A let read by each moment; empty without A.
        b: The same for B.
        reader: Units that the reader of A (without A: of B) had read by each moment.
        unit: The unit of the script that prevails.
        end_s: The last moment: when all of both could be read, unless named by the caller.
    """

    times_s: list[float]
    a: list[int]
    b: list[int]
    reader: list[float]
    unit: Unit
    end_s: float


class _Progress(msgspec.Struct, frozen=True):
    """When the reader began each unit, and when they were through with it, s since sent."""

    begun_s: list[float]
    done_s: list[float]

    def at(self, time_s: float) -> float:
        """Return how many units were read by a moment, the one under way in part."""
        whole = bisect_right(self.done_s, time_s)
        if whole == len(self.done_s) or time_s <= self.begun_s[whole]:
            return float(whole)
        begun, done = self.begun_s[whole], self.done_s[whole]
        return whole + (time_s - begun) / (done - begun)


def units_of(trace: Trace) -> Units:
    """Find what there is to read in an answer, and when. Linear in the text."""
    cutter = UnitCutter()
    visible: list[int] = []
    kinds: list[Unit] = []
    now = last = 0
    for chunk in trace.chunks:
        if chunk.kind != "answer":
            continue
        now = max(now, chunk.t_ns)  # a clock may step back by less than it resolves
        goes_on, begun = cutter.cut(chunk.text)
        if goes_on:
            visible[-1] = now
        visible.extend([now] * len(begun))
        kinds.extend(begun)
        if not chunk.text.isspace():
            last = now
    if visible:
        visible[-1] = last
    if trace.mode == "blocking":
        visible = [survey(trace).first_answer_ns or 0] * len(visible)
    return Units(visible_s=[each / NS_PER_S for each in visible], kinds=kinds)


def read(trace: Trace, reader: Reader = USUAL) -> Reading | None:
    """Let a reader read an answer as it comes, in either mode.

    Returns:
        ``None`` where the answer has no text, or none with a letter or digit. Of a run under way
        or gone wrong: the reading of what there is.

    Raises:
        ValueError: If the reader's speed is not a positive number.
    """
    return reading_of(units_of(trace), reader)


def reading_of(units: Units, reader: Reader = USUAL) -> Reading | None:
    """Do what ``read`` does, from units that were found before."""
    if not units.kinds:
        return None
    durations = _durations(units, reader)
    progress = _follow(units, durations)
    waits = [
        begun - free for begun, free in zip(progress.begun_s[1:], progress.done_s, strict=False)
    ]
    start = units.visible_s[0]
    stall = math.fsum(waits)
    return Reading(
        unit=units.prevailing,
        units=len(units.kinds),
        start_s=start,
        idle_s=start + stall,
        stall_s=stall,
        stalls=sum(wait > NOTICED_S for wait in waits),
        finish_s=progress.done_s[-1],
        reading_s=math.fsum(durations),
    )


def available(trace: Trace, times_s: Sequence[float]) -> list[int]:
    """Return how many units could be read by each moment (s since sent, in any order)."""
    units = units_of(trace)
    return [units.by(time) for time in times_s]


def reader_at(trace: Trace, times_s: Sequence[float], reader: Reader = USUAL) -> list[float]:
    """Return how many units a reader had read by each moment, the one under way in part.

    Raises:
        ValueError: If the reader's speed is not a positive number.
    """
    units = units_of(trace)
    progress = _follow(units, _durations(units, reader))
    return [progress.at(time) for time in times_s]


def read_by(units: Units, count: int, reader: Reader = USUAL) -> float:
    """Return when a reader was through with the first ``count`` units (at least one), s.

    Raises:
        ValueError: If the reader's speed is not a positive number.
    """
    return _follow(units, _durations(units, reader)).done_s[count - 1]


def curves(
    a: Trace | None,
    b: Trace | None,
    reader: Reader,
    points: int,
    until_s: float | None = None,
) -> Curves:
    """Compute the plot "what could be read, when".

    Args:
        a: The run of channel A, if there is one.
        b: The run of channel B, if there is one.
        reader: Whose line is drawn.
        points: Number of moments, at least 2.
        until_s: The last moment; by default, when all of both could be read. The reader is often
            far behind by then.

    Raises:
        ValueError: If there are fewer than 2 points, or the reader's speed is not positive.
    """
    if points < 2:
        raise ValueError(f"a plot needs at least 2 points, not {points}")
    of_a, of_b = (None if trace is None else units_of(trace) for trace in (a, b))
    end = until_s
    if end is None:
        lasts = [units.visible_s[-1] for units in (of_a, of_b) if units and units.visible_s]
        end = max(lasts, default=0.0)
    # The last moment exactly: a hair before it, a step that comes then would not be seen.
    times = [*(end * i / (points - 1) for i in range(points - 1)), end]
    followed = of_a or of_b or Units(visible_s=[], kinds=[])
    progress = _follow(followed, _durations(followed, reader))
    return Curves(
        times_s=times,
        a=[of_a.by(time) for time in times] if of_a else [],
        b=[of_b.by(time) for time in times] if of_b else [],
        reader=[progress.at(time) for time in times],
        unit=followed.prevailing,
        end_s=end,
    )


def finish_ratio(a: Reading, b: Reading) -> float | None:
    """Return how many times sooner the reader of A was through than the reader of B.

    For a stream and a blocking response of the same generation it lies below 2: the last word
    gives ``I >= T - (W - 1) / R``, so ``T + W / R <= I + (2 W - 1) / R < 2 (I + W / R)``. Two
    runs that took different times, or made different texts, may lie outside.
    """
    return b.finish_s / a.finish_s if a.finish_s > 0 else None


def _durations(units: Units, reader: Reader) -> list[float]:
    per_word = _seconds_each(reader.words_per_minute, "words")
    per_character = _seconds_each(reader.characters_per_minute, "characters")
    return [per_character if kind == "character" else per_word for kind in units.kinds]


def _seconds_each(per_minute: float, what: str) -> float:
    if not (math.isfinite(per_minute) and per_minute > 0):
        raise ValueError(f"a reader must read more than 0 {what} a minute, not {per_minute:g}")
    return 60 / per_minute


def _follow(units: Units, durations: Sequence[float]) -> _Progress:
    begun: list[float] = []
    done: list[float] = []
    free = 0.0
    for visible, duration in zip(units.visible_s, durations, strict=True):
        begin = max(visible, free)
        free = begin + duration
        begun.append(begin)
        done.append(free)
    return _Progress(begun, done)
