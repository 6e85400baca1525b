"""What one connection saw, for the run that uses it."""

import time
from collections.abc import Callable
from typing import NamedTuple

from streamscope.probe.segments import SegmentCounter
from streamscope.trace import Clock, MarkName

READ_BYTES = 65536
"""Most bytes of one read."""


class Arrival(NamedTuple):
    """One read of a socket.

    Attributes:
        at_ns: When its last byte arrived, monotonic, by the kernel where that tells.
        read_ns: When the read returned, monotonic.
        number: Number of the read in its run, from 0.
        size: Bytes that it brought.
        segments: TCP segments that it brought; ``None`` where that is not certain.
    """

    at_ns: int
    read_ns: int
    number: int
    size: int
    segments: int | None


NOTHING = Arrival(0, 0, -1, 0, None)
"""Before the first read."""


def _nothing() -> None:
    """Do nothing."""


class Wire:
    """What one connection saw, for the run that uses it: all times monotonic, in ns.

    Attributes:
        marks: Moments of connecting and sending, absolute.
        last: The read that brought the bytes that were handed out last.
        heard: Whether anything of the answer was handed out.
        ended_ns: When the end came that was handed out; 0 before.
        wanted: Where arrival times are to come from, if that can be had.
        clock: ``kernel`` as long as the kernel has stamped every arrival.
        on_written: Called after each write of the request.
        on_stray: Called when something comes while the connection is not in use.
    """

    def __init__(self, *, wanted: Clock = "kernel") -> None:
        """Wait for a connection."""
        self.wanted = wanted
        self.marks: dict[MarkName, int] = {}
        self.last = NOTHING
        self.ended_ns = 0
        self.clock: Clock = "read"
        self.on_written: Callable[[], object] = _nothing
        self.on_stray: Callable[[], object] | None = None
        self._stamped: Clock = "read"
        self.heard = False
        self._asking = True
        self._reads = 0
        self._write_began_ns = 0
        self._segments: SegmentCounter | None = None
        self._segments_before = 0

    def begin(self) -> None:
        """Forget what was seen: another request is to use the connection."""
        self.marks = {}
        self.last = NOTHING
        self.ended_ns = 0
        self.on_written = _nothing
        self.clock = self._stamped
        self.heard = False
        self._asking = True
        self._reads = 0

    def opened(self, segments: SegmentCounter, *, stamped: bool) -> None:
        """Note a new connection.

        Args:
            segments: Counts what comes in.
            stamped: Whether the kernel is willing to stamp it.
        """
        self._segments = segments
        self._stamped = self.clock = "kernel" if stamped else "read"

    @property
    def last_ns(self) -> int:
        """When the bytes that were handed out last arrived, or else the end."""
        return self.ended_ns or self.last.at_ns

    @property
    def fresh(self) -> bool:
        """Whether the connection was opened for this run."""
        return "connecting" in self.marks

    @property
    def stale(self) -> bool:
        """Whether the connection was used again, and nothing has come over it since."""
        return not self.fresh and not self.heard

    @property
    def counted(self) -> bool:
        """Whether the system counts segments."""
        return self._segments is not None and self._segments.works

    @property
    def segments(self) -> int | None:
        """Segments that have come since the request began to be sent; ``None`` if not known."""
        if self._segments is None or not self.counted:
            return None
        return self._segments.total - self._segments_before

    def next_read(self) -> int:
        """Return the number of a read that has just been made."""
        self._reads += 1
        return self._reads - 1

    def writing(self, began_ns: int) -> None:
        """Note that a write begins."""
        if not self._asking:
            return
        if "sending" not in self.marks:
            self.marks["sending"] = began_ns
            self._segments_before = self._segments.total if self._segments is not None else 0
        self._write_began_ns = began_ns

    def wrote(self) -> None:
        """Note a finished write: the last one before the answer is when the request was sent."""
        if self._asking:
            self.marks["sent"] = time.monotonic_ns()
            self.on_written()

    def asked(self) -> None:
        """Note that the request is out as a whole: what is written now is no part of it."""
        self._asking = False

    @property
    def greeted(self) -> bool:
        """Whether the bytes handed out last arrived before the request began to be sent."""
        return self.last.at_ns < self.marks.get("sending", 0)

    def answered(self) -> None:
        """Note that the bytes handed out last belong to the answer, so the request went before.

        A server on the same machine may read, answer and be heard before the write returns here.
        Then the beginning of the last write is the latest moment known to lie before the answer.
        """
        if self.last.at_ns < self.marks["sent"]:
            self.marks["sent"] = min(self._write_began_ns, self.last.at_ns)

    def forget_writes(self) -> None:
        """Drop what was written for a handshake or a tunnel: it was not the request."""
        self.marks.pop("sending", None)
        self.marks.pop("sent", None)
