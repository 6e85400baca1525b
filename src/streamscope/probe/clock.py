"""Arrival times of bytes: the kernel's receive stamp where it can be had, else the read's.

Linux stamps each TCP segment when it comes in, whatever this process is doing at that moment, and
hands the stamp of the last one out with ``recvmsg``. The stamp is wall-clock time; it is moved to
the monotonic clock by the offset between the two, and refused when that has changed since the last
read, or when the result can't be true: somebody has set the clock in between.
"""

import socket
import struct
import sys
import time
from typing import NamedTuple

SO_TIMESTAMPNS = 35
"""``SO_TIMESTAMPNS`` of ``asm-generic/socket.h``: not named by Python's socket module."""

_TIMESPEC = struct.Struct("@qq")
ANCILLARY_BYTES = socket.CMSG_SPACE(_TIMESPEC.size) if hasattr(socket, "CMSG_SPACE") else 0
"""Room for one time stamp beside the data of a ``recvmsg``."""

_SLACK_NS = 100_000
"""How far a stamp may lie outside the possible: both clocks are read one after the other."""

_STEP_NS = 10_000
"""Changes of the offset up to this are noise of the measurement."""

_PLAUSIBLE_NS = 2_000_000_000
"""Bytes that waited longer than this in the kernel were not read eagerly: distrust the stamp."""


def enable(sock: socket.socket) -> bool:
    """Ask the kernel to stamp what this socket receives; tell whether it agreed."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    except OSError:
        return False
    return True


def keep_enabled() -> socket.socket | None:
    """Return an idle socket that keeps the kernel stamping for as long as it is open.

    The kernel stamps nothing while no socket asks for it, and takes a moment to begin when the
    first one does: without this the first bytes of a run could come without a stamp.
    """
    idle = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    if enable(idle):
        return idle
    idle.close()
    return None


def arrival_ns(
    ancillary: list[tuple[int, int, bytes]], offset_ns: int, not_before_ns: int, read_ns: int
) -> int | None:
    """Return the kernel's receive time on the monotonic clock, in ns.

    Args:
        ancillary: What ``recvmsg`` returned beside the data.
        offset_ns: Monotonic minus wall-clock time.
        not_before_ns: An earlier moment that the arrival can't precede.
        read_ns: Monotonic time at which the read returned.

    Returns:
        The time, or ``None`` when there is no stamp, or only one that can't be true.
    """
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS and len(data) >= _TIMESPEC.size:
            seconds, nanoseconds = _TIMESPEC.unpack_from(data)
            stamp = seconds * 1_000_000_000 + nanoseconds + offset_ns
            possible = min(max(stamp, not_before_ns), read_ns)
            if abs(possible - stamp) <= _SLACK_NS and read_ns - possible < _PLAUSIBLE_NS:
                return int(possible)
    return None


class Offset(NamedTuple):
    """Monotonic minus wall-clock time, in ns, and by how much that may be wrong."""

    ns: int
    within_ns: int


def measured_offset() -> Offset:
    """Measure the offset once, between two looks at the monotonic clock."""
    before = time.monotonic_ns()
    wall = time.time_ns()
    after = time.monotonic_ns()
    return Offset((before + after) // 2 - wall, (after - before + 1) // 2)


class WallClock:
    """The offset of the wall clock, and whether somebody has set it.

    Both clocks run at one rate, also while the time is being corrected slowly: their offset only
    changes when the wall clock is set, or the machine has slept. So the most exact measurement
    holds for as long as the later ones agree with it, and one that was taken while this process
    had to wait for a processor spoils nothing.
    """

    def __init__(self) -> None:
        """Measure the offset."""
        self._kept = measured_offset()

    def restart(self) -> None:
        """Measure the offset anew: what happened to the clock before does not matter."""
        self._kept = min((measured_offset() for _ in range(3)), key=lambda each: each.within_ns)

    def offset_ns(self) -> int | None:
        """Return the offset; ``None`` once after the clock was set."""
        now, kept = measured_offset(), self._kept
        if abs(now.ns - kept.ns) > now.within_ns + kept.within_ns + _STEP_NS:
            self.restart()
            return None
        if now.within_ns < kept.within_ns:
            self._kept = now
        return self._kept.ns
