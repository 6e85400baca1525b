"""Ask the scheduler to let this process run as soon as something has arrived.

Where the processors are busy, a process that wakes up waits until others have had their turn. Under
Linux since 6.12 anybody may say that theirs are to be short, and is then let in earlier: with as
many or more busy processes than processors, a third to a half of the reads that had brought several
writes at once then brought one.

A higher priority is not asked for, even where it is allowed. It counts as a heavy load, from which
the scheduler moves everybody else away: to the other processors, where the server may be.
"""

import ctypes
import os
import platform
import struct
import sys

SLICE_NS = 100_000
"""The shortest turn that may be asked for."""

_SCHED_ATTR = struct.Struct("=IIQiIQQQ")
"""Size, policy, flags, nice, priority, runtime, deadline, period."""

_SCHED_SETATTR = {"x86_64": 314, "aarch64": 274, "riscv64": 274}
"""Number of the system call, which the C library does not wrap, by kind of processor."""


def wake_promptly() -> bool:
    """Ask for short turns soon, for the calling thread; tell whether the system listened."""
    if not sys.platform.startswith("linux"):
        return False
    number = _SCHED_SETATTR.get(platform.machine())
    if number is None or ctypes.sizeof(ctypes.c_void_p) != 8:  # another call has this number there
        return False
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    wish = _SCHED_ATTR.pack(_SCHED_ATTR.size, os.SCHED_OTHER, 0, nice, 0, SLICE_NS, 0, 0)
    try:
        refused: int = ctypes.CDLL(None).syscall(number, 0, ctypes.create_string_buffer(wish), 0)
    except (OSError, AttributeError):
        return False
    return not refused
