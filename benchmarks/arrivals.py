"""When a request came in, by the kernel's clock. The truth is not told by the code under test."""

import contextlib
import socket
import struct
import sys
import time

_SO_TIMESTAMPNS = 35  # of asm-generic/socket.h; Python's socket module doesn't name it
_TIMESPEC = struct.Struct("@qq")
_SPACE = socket.CMSG_SPACE(_TIMESPEC.size)
_OLDEST_NS = 1_000_000_000
"""A stamp that is older than this when it is read is no arrival, but a clock that was set."""


def stamp(sock: socket.socket) -> None:
    """Ask the kernel to stamp what this socket, or those accepted by it, receive."""
    if sys.platform.startswith("linux"):
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)


def receive(sock: socket.socket, size: int = 65536) -> tuple[bytes, int]:
    """Return data, and the monotonic time in ns at which the last of it arrived.

    That is the kernel's time, or the time of the read where the kernel gives none.
    """
    data, ancillary, _, _ = sock.recvmsg(size, _SPACE)
    now = time.monotonic_ns()
    offset = now - time.time_ns()
    for level, kind, value in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS):
            seconds, nanoseconds = _TIMESPEC.unpack_from(value)
            arrived = seconds * 1_000_000_000 + nanoseconds + offset
            if now - _OLDEST_NS < arrived <= now:
                return data, arrived
    return data, now
