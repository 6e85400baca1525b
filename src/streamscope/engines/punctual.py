"""Being on time: a thread that acts at a moment, to some microseconds, and sleeps until then.

A sleep ends late: by the slack that the kernel allows itself to bundle timers, by the time that it
takes to wake a processor, and by the turn of whoever runs there. The first and the last can be
asked for (Linux only, without privilege); for the rest one wakes early and spins.
"""

import ctypes
import errno
import os
import platform
import struct
import sys
import time

LEAST_NS, MOST_NS = 50_000, 250_000
"""How long before its moment a thread wakes up to spin, ns.

More would help where wake-ups are slow and harm where processors are few: who sleeps and has asked
for short turns takes a processor from whoever has it, and who spins has it taken away.
"""

_DECAY = 0.999
_PR_SET_TIMERSLACK = 29
_SLICE_NS = 100_000
_SCHED_SETATTR = {"x86_64": 314, "aarch64": 274, "riscv64": 274}
_SCHED_ATTR = struct.Struct("=IIQiIQQQ")
"""Size, policy, flags, nice, priority, runtime, deadline, period."""


class Alarm:
    """Waits for moments. It spins as little as this machine's wake-ups allow, and learns it.

    Spinning keeps a whole processor from everybody else, which on a small machine is half of it:
    so it begins as late as it can, and earlier after each time that it began too late.
    """

    def __init__(self) -> None:
        self._spin_ns: float = 2 * LEAST_NS

    def wait(self, due_ns: int) -> None:
        """Return at a monotonic time, ns: sleep for most of it, spin for the rest."""
        clock = time.monotonic_ns
        left = due_ns - self._spin_ns - clock()
        if left > 0:
            time.sleep(left / 1e9)
            late = clock() > due_ns
            wanted = self._spin_ns * (2 if late else _DECAY)
            self._spin_ns = min(MOST_NS, max(LEAST_NS, wanted))
        while clock() < due_ns:
            pass


def prepare_thread() -> None:
    """Have the calling thread woken on time, as far as the system lets it."""
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    # Both fail on old kernels and change nothing then.
    libc.prctl(_PR_SET_TIMERSLACK, ctypes.c_ulong(1), 0, 0, 0)
    _ask_for_short_slices(libc)


def _ask_for_short_slices(libc: ctypes.CDLL) -> int:
    """Ask for short turns, which come sooner (Linux 6.12 and later); return 0 or the error."""
    number = _SCHED_SETATTR.get(platform.machine())
    if number is None:
        return errno.ENOSYS
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    packed = _SCHED_ATTR.pack(_SCHED_ATTR.size, 0, 0, nice, 0, _SLICE_NS, 0, 0)
    attributes = ctypes.create_string_buffer(packed, len(packed))
    failed = libc.syscall(ctypes.c_long(number), 0, attributes, 0)
    return ctypes.get_errno() if failed else 0
