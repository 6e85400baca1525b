"""The child's end of the pipes between an engine process and the app that started it.

Standard input brings one JSON line of configuration, then nothing: it stays open for as long as
the app lives, and its end is the order to leave. The real standard output carries one JSON line,
the announcement; everything that libraries print goes to standard error, which the app collects.
"""

import os
import select
import signal
import sys
import threading
from typing import Any, NoReturn, TypeVar

import msgspec

T = TypeVar("T")


class Lifeline:
    """Take over the standard streams of this process. Build it first, once, in the main thread."""

    def __init__(self) -> None:
        # Ctrl+C in the terminal reaches every process of the group; only the app decides.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self._announcements = os.dup(1)
        os.dup2(2, 1)

    def configuration(self, kind: type[T]) -> T:
        """Read the configuration and begin to watch for the end of standard input.

        Raises:
            msgspec.DecodeError: It is not the JSON that was expected.
        """
        line = bytearray()
        # One byte at a time: nothing behind the line may be swallowed by a buffer.
        while (byte := os.read(0, 1)) not in (b"", b"\n"):
            line += byte
        if not byte:
            os._exit(0)
        self._watch()
        return msgspec.json.decode(bytes(line), type=kind)

    def announce(self, announcement: Any) -> None:
        """Send the one line that the app waits for."""
        os.write(self._announcements, msgspec.json.encode(announcement) + b"\n")
        os.close(self._announcements)

    def fail(self, sentence: str) -> NoReturn:
        """Send the reason why there is nothing to announce, as one sentence, and leave.

        Not at once: a library that logs from a thread of its own may still have the details to say.

        Raises:
            SystemExit: Always.
        """
        self.announce({"error": sentence})
        raise SystemExit(1)

    def _watch(self) -> None:
        threading.Thread(target=_leave_at_end, name="lifeline", daemon=True).start()
        if sys.platform == "linux":
            import fcntl

            # The thread cannot run while a library holds the interpreter lock, as llama.cpp does
            # for as long as it loads a model. So let the kernel end us too: SIGIO comes when the
            # pipe is closed, and its default action is to terminate.
            signal.signal(signal.SIGIO, signal.SIG_DFL)
            fcntl.fcntl(0, fcntl.F_SETOWN, os.getpid())
            fcntl.fcntl(0, fcntl.F_SETFL, fcntl.fcntl(0, fcntl.F_GETFL) | os.O_ASYNC)
            if select.select([0], [], [], 0)[0]:  # it was closed before the signal was armed
                os._exit(0)


def _leave_at_end() -> NoReturn:
    """Wait for the end of standard input, then leave without any clean-up that might hang."""
    while os.read(0, 4096):
        pass
    os._exit(0)
