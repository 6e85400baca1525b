"""Play recorded runs again, on one clock, at true speed.

Both runs of a pair were measured alone; the replay shows them side by side as if they had been
asked at the same moment, which is honest as neither disturbed the other.
"""

import bisect

from streamscope.trace import Chunk, Trace

SPEEDS: tuple[float, ...] = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Speeds that a replay can have, as multiples of the true one."""


class ReplayClock:
    """A clock that can be paused, sped up and moved. It is told the time; it reads none itself."""

    def __init__(self, end_ns: int, now_ns: int) -> None:
        """Start playing from zero.

        Args:
            end_ns: Where it stops, ns since sent.
            now_ns: The monotonic time of now.
        """
        self.end_ns = max(0, end_ns)
        self.speed = 1.0
        self.playing = True
        self._from_ns = 0
        self._since_ns = now_ns

    def position_ns(self, now_ns: int) -> int:
        """Return the moment that is shown, ns since sent."""
        position = self._from_ns
        if self.playing:
            position += int((now_ns - self._since_ns) * self.speed)
        return max(0, min(position, self.end_ns))

    def finished(self, now_ns: int) -> bool:
        """Whether the end has been reached."""
        return self.position_ns(now_ns) >= self.end_ns

    def seek(self, position_ns: int, now_ns: int) -> None:
        """Go to a moment."""
        self._from_ns = max(0, min(position_ns, self.end_ns))
        self._since_ns = now_ns

    def toggle(self, now_ns: int) -> None:
        """Pause, or go on; from the end, begin again."""
        position = self.position_ns(now_ns)
        if not self.playing and position >= self.end_ns:
            position = 0
        elif self.playing and position >= self.end_ns:
            self.seek(0, now_ns)
            return
        self.seek(position, now_ns)
        self.playing = not self.playing

    def change_speed(self, steps: int, now_ns: int) -> None:
        """Go some steps up or down the list of speeds."""
        self.seek(self.position_ns(now_ns), now_ns)
        index = SPEEDS.index(self.speed) + steps
        self.speed = SPEEDS[max(0, min(index, len(SPEEDS) - 1))]


class Playback:
    """A recorded run that happens again, as far as its clock has come.

    Attributes:
        trace: The run as it was recorded.
        view: The run as far as it has happened again; the recorded one at the end.
    """

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self._times = [chunk.t_ns for chunk in trace.chunks]
        self._end_ns = end_ns(trace)
        self._shown = 0
        self.view = self._nothing_yet()

    def _nothing_yet(self) -> Trace:
        recorded = self.trace
        return Trace(
            mode=recorded.mode,
            clock=recorded.clock,
            sent_monotonic_ns=recorded.sent_monotonic_ns,
            flags=list(recorded.flags),
        )

    def advance(self, position_ns: int) -> tuple[list[Chunk], bool]:
        """Let the run happen up to a moment.

        Args:
            position_ns: The moment, ns since sent; it may lie before the last one.

        Returns:
            The chunks that came since, and whether they begin at the beginning again because the
            moment lies before what had been shown.
        """
        upto = bisect.bisect_right(self._times, position_ns)
        back = upto < self._shown or (self.view is self.trace and position_ns < self._end_ns)
        if back:
            self._shown = 0
            self.view = self._nothing_yet()
        new = self.trace.chunks[self._shown : upto]
        self._shown = upto
        if position_ns >= self._end_ns:
            self.view = self.trace
        elif self.view is not self.trace:
            self.view.chunks.extend(new)
            self.view.marks = {
                name: at for name, at in self.trace.marks.items() if at <= position_ns
            }
        return new, back


def end_ns(trace: Trace) -> int:
    """Return when a run was over for the one who reads, ns since sent."""
    last = trace.chunks[-1].t_ns if trace.chunks else 0
    ends = [trace.marks[name] for name in ("done", "error", "cancelled") if name in trace.marks]
    return max([last, *ends])
