"""What is said on standard error while something is measured.

On a terminal one line is rewritten, at most twice a second and right after something came: then
the next thing is farthest away. Elsewhere there is a line a pair.
"""

import asyncio
import time
from typing import IO

import msgspec
from rich.console import Console

from streamscope.cli.words import both_seconds, clock
from streamscope.measure.figures import Figures
from streamscope.measure.phases import phase
from streamscope.report.channels import name
from streamscope.report.words import percent, plain
from streamscope.sides import Sides
from streamscope.trace import ChannelName, Chunk, Mode, Run, Shown, Trace
from streamscope.trial.ending import marked_words
from streamscope.trial.plan import CHANNELS, Step
from streamscope.trial.progress import Progress
from streamscope.trial.trial import Trial

EVERY_S = 0.5
"""Shortest time between two drawings of the line, s."""

LONGEST = 20
"""Characters of a channel's name, at most: the line has little room."""


class LiveLine:
    """A line of a terminal that is rewritten; nothing where there is no terminal."""

    def __init__(self, stream: IO[str], width: int, *, live: bool) -> None:
        """Prepare.

        Args:
            stream: Where the line stands.
            width: Columns of the terminal.
            live: Whether it is one.
        """
        self._stream = stream
        self._width = width
        self._length = 0
        self.live = live

    def show(self, words: str) -> None:
        """Put these words in place of those that stand there."""
        if not self.live:
            return
        words = words if len(words) < self._width else words[: self._width - 2] + "…"
        self._stream.write("\r" + words.ljust(self._length))
        self._stream.flush()
        self._length = len(words)

    def clear(self) -> None:
        """Leave nothing."""
        if self._length:
            self._stream.write("\r" + " " * self._length + "\r")
            self._stream.flush()
            self._length = 0


class Telling:
    """Tells what is being done: the listener of trials that are carried out without a screen."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False, markup=False)
        self.line = LiveLine(
            self._console.file, self._console.width, live=self._console.is_terminal
        )
        self._trial: Trial | None = None
        self._sides: Sides | None = None
        self._prefix = ""
        self._last = ""
        self._pair: dict[ChannelName, Figures] = {}
        self._marked: dict[ChannelName, bool] = {}
        self._number = 0
        self._under_way: dict[ChannelName, tuple[Step, int, Trace | None]] = {}
        self._known: Progress | None = None
        self._known_s = 0.0
        self._drawn_s = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> "Telling":
        return self

    def __exit__(self, *_: object) -> None:
        self._rest()

    def say(self, words: str) -> None:
        """Say something that stays."""
        self.line.clear()
        self._console.print(plain(words), soft_wrap=True)

    def doing(self, words: str, share: float | None = None) -> None:
        """Say what is being done before anything is measured."""
        del share
        if self.line.live:
            self.line.show(plain(words))
            return
        what = words.partition(":")[0]
        if what != self._last:
            self._last = what
            self.say(words)

    def begin(self, trial: Trial, sides: Sides, number: int, of: int) -> None:
        """Tell of a trial of two channels from now on: the how manieth of how many."""
        self._trial, self._sides, self._known = trial, sides, None
        self._prefix = f"prompt {number} of {of} · " if of > 1 else ""

    def end(self) -> None:
        """Tell no more of the trial."""
        self._rest()
        self._say_pair()
        self._trial = self._known = None

    def run_started(self, step: Step, started_ns: int) -> None:
        """Name the run."""
        if step.pair != self._number or self._known is None:
            self._say_pair()
            self._know()
        self._number = step.pair
        self._under_way[step.channel] = (step, started_ns, None)
        if step.warmup and step.position == 1 and not self.line.live and self._last != "warm":
            self._last = "warm"
            self.say(f"{self._prefix}warming up")
        self._draw()

    def run_moved(self, step: Step, trace: Trace, new: list[Chunk]) -> None:
        """Draw the line if that is due: nothing will come for a moment."""
        del new
        if self.line.live:
            _, started_ns, _ = self._under_way[step.channel]
            self._under_way[step.channel] = (step, started_ns, trace)
            if time.monotonic() - self._drawn_s >= EVERY_S:
                self._draw()

    async def painted(self, step: Step, trace: Trace) -> Shown | None:
        """Say that no text is shown on a screen."""
        del step, trace
        return None

    def run_ended(self, step: Step, run: Run, figures: Figures) -> None:
        """Say how it ended, if badly; a pair is told of when it is whole."""
        self._under_way.pop(step.channel, None)
        trace = run.trace
        where = "warm-up" if step.warmup else f"pair {step.pair}"
        again = self._trial is not None and self._trial.goes_again(step, trace)
        counted = self._trial is not None and self._trial.course.include_busy
        named = f"{self._prefix}{where}, {called(self._sides, step.channel, trace.mode)}"
        if trace.fault is not None:
            more = " It is made once more." if again else ""
            self.say(f"{named}: {trace.fault.sentence}{more}")
        elif trace.ended == "cancelled":
            self.say(f"{named}: stopped")
        elif marked := marked_words(trace, again=again, include_busy=counted):
            self.say(f"{named}: {marked}")
        if trace.ok and not step.warmup:
            self._pair[step.channel] = figures
            self._marked[step.channel] = trace.busy and not counted

    def _know(self) -> None:
        """Take how far the trial has come: between pairs, or the time to go would grow in one."""
        if self._trial is not None:
            self._known, self._known_s = self._trial.progress, time.monotonic()

    def _say_pair(self) -> None:
        """Tell of the pair that is over, where no line is rewritten."""
        pair, self._pair = self._pair, {}
        marked, self._marked = self._marked, {}
        if self.line.live or len(pair) < len(CHANNELS) or self._trial is None:
            return
        a, b = pair["A"], pair["B"]
        first, total = (both_seconds(a[each], b[each]) for each in ("ttfv_s", "total_s"))
        now = self._trial.progress
        counted = _counted(self._number, now)
        apart = " (busy, not counted)" if any(marked.values()) else ""
        self.say(f"{self._prefix}{counted}: first text {first}, total {total}{apart}{_left(now)}")

    def _draw(self) -> None:
        """Rewrite the line, and see to it that it is rewritten while nothing comes."""
        if self._known is None or self._sides is None:
            return
        if not self.line.live or not self._under_way:
            return
        self._drawn_s = time.monotonic()
        now = later(self._known, self._drawn_s - self._known_s)
        self.line.show(self._prefix + status(now, self._sides, *self._under_way.values()))
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(EVERY_S, self._draw)

    def _rest(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.line.clear()


def called(sides: Sides | None, channel: ChannelName, mode: Mode) -> str:
    """Name a channel in few words: by its mode where nothing else differs, or is known."""
    if sides is None or sides.question == "delivery":
        return mode
    return f"{channel} {name(sides, channel, LONGEST)}"


def contest_words(sides: Sides) -> str:
    """Say what is compared; empty for the usual, one server's stream and its whole answer."""
    if sides.question == "delivery":
        return ""
    both = f"both {'stream' if sides.a.mode == 'stream' else 'block'}"
    if not sides.differ:
        return f"A and B ask the same: {both}."
    named = f"A: {name(sides, 'A')} · B: {name(sides, 'B')}"
    return named if "mode" in sides.differ else f"{named} · {both}"


def status(now: Progress, sides: Sides, *under_way: tuple[Step, int, Trace | None]) -> str:
    """Return the line: repeat, what is being done, time since and to go, width of the medians."""
    first = under_way[0][0]
    parts = ["warming up" if first.warmup else _counted(first.pair, now)]
    for step, _, trace in under_way:
        side = sides.side(step.channel)
        parts.append(f"{called(sides, step.channel, side.mode)} {_phase(trace)}")
    parts.append(clock(now.elapsed_s))
    if left := _left(now):
        parts.append(left.removeprefix(", "))
    if now.width is not None and now.wanted is not None:
        parts.append(f"±{percent(now.width)} of ±{percent(now.wanted)}")
    return " · ".join(parts)


def later(known: Progress, since_s: float) -> Progress:
    """Return what was known of a trial, as it is some seconds later."""
    left = known.left_s
    if left is not None:
        left = (max(0.0, left[0] - since_s), max(0.0, left[1] - since_s))
    return msgspec.structs.replace(known, elapsed_s=known.elapsed_s + since_s, left_s=left)


def _phase(trace: Trace | None) -> str:
    if trace is None:
        return "connecting"
    return phase(trace, time.monotonic_ns() - trace.sent_monotonic_ns).name


def _counted(pair: int, now: Progress) -> str:
    return f"pair {pair} {now.of(pair)}"


def _left(now: Progress) -> str:
    if now.left_s is None or now.left_s[1] < 0.5:
        return ""
    low, high = map(clock, now.left_s)
    return f", about {high} left" if low == high else f", {low} to {high} left"
