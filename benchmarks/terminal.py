"""A terminal for programs under measurement: runs one, drains its screen, presses its keys.

It answers none of the questions that programs ask terminals, and it draws nothing, so that next to
nothing but the program itself costs time.
"""

import bisect
import contextlib
import fcntl
import os
import pty
import shutil
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

COLUMNS, ROWS = 120, 40

ALTERNATE_SCREEN = b"\x1b[?1049h"
"""What a full-screen program writes before its first picture."""

RUN_KEY = b"\x12"  # ctrl+r
STOP_KEY = b"\x1b"
QUIT_KEY = b"\x11"  # ctrl+q

FRAME = (b"A streaming", b"B blocking", b"streamscope", b"enter runs it")
"""What streamscope's first picture shows: the borders of both panes and the prompt, its name."""

FILLED = (*FRAME, b"no gaps yet", b" help")
"""What its whole picture shows besides: what stands in a pane at rest, the footer."""

READY = (*FILLED, b"was named")
"""What it shows besides once the server that it was given has answered: it can measure."""


def streamscope_command() -> list[str]:
    """Return the command beside this Python, as a person would run it."""
    command = shutil.which("streamscope", path=str(Path(sys.executable).parent))
    return [command] if command else [sys.executable, "-m", "streamscope"]


def environment(home: Path, *, bytecode: bool = False) -> dict[str, str]:
    """Return an environment in which nothing of the person's own is read or written.

    Args:
        home: Where streamscope keeps its files.
        bytecode: Whether Python keeps what it compiles there, too, so that from the second start
            on it imports as from an installed package, even where it may not write beside sources.
    """
    ours = {
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "LANG": "C.UTF-8",
        "STREAMSCOPE_HOME": str(home),
    }
    leave = ["COLUMNS", "LINES", "NO_COLOR", "LC_ALL"]
    if bytecode:
        leave.append("PYTHONDONTWRITEBYTECODE")
        ours["PYTHONPYCACHEPREFIX"] = str(home / "bytecode")
    theirs = {
        name: value
        for name, value in os.environ.items()
        if name not in leave and not name.startswith("TEXTUAL")
    }
    return {**theirs, **ours}


def cpu_s(pid: int) -> float:
    """Return the processor time, user and system, that a process has used so far, in seconds.

    Linux numbers the CPU clock of a process by its id (``clock_getcpuclockid``); it counts threads
    that are gone, too, and in nanoseconds, where ``/proc/PID/stat`` has steps of 10 ms.
    """
    return time.clock_gettime((~pid << 3) | 2)


def children(pid: int) -> dict[int, str]:
    """Return id and command line of the processes that a process has started."""
    found: dict[int, str] = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            line = Path(f"/proc/{child}/cmdline").read_bytes()
            found[int(child)] = line.replace(b"\0", b" ").decode(errors="replace").strip()
    return found


class Terminal:
    """A program in a pseudo-terminal. A context manager: leaving it ends the program.

    Attributes:
        pid: Process id of the program.
        started_ns: Monotonic time just before it was started.
    """

    def __init__(
        self,
        command: Sequence[str],
        env: Mapping[str, str],
        cwd: Path,
        size: tuple[int, int] = (COLUMNS, ROWS),
    ) -> None:
        """Prepare.

        Args:
            command: The program and its arguments.
            env: Its whole environment.
            cwd: Where it runs.
            size: Columns and rows.
        """
        self._command = list(command)
        self._env = dict(env)
        self._cwd = cwd
        self._size = size
        self._output = bytearray()
        self._ends: list[int] = []  # length of the output after each read
        self._times: list[int] = []  # and when that was
        self._news = threading.Condition()
        self._ended = False
        self.pid = 0
        self.started_ns = 0

    def __enter__(self) -> Self:
        self._master, slave = pty.openpty()
        columns, rows = self._size
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self._drain = threading.Thread(target=self._read)
        self.started_ns = time.monotonic_ns()
        self._process = subprocess.Popen(
            self._command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=self._env,
            cwd=self._cwd,
            start_new_session=True,
        )
        os.close(slave)
        self.pid = self._process.pid
        self._drain.start()
        return self

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._master, 65536)
            except OSError:  # the last process that had the terminal is gone
                data = b""
            now = time.monotonic_ns()
            with self._news:
                self._output += data
                self._ends.append(len(self._output))
                self._times.append(now)
                self._ended = not data
                self._news.notify_all()
            if not data:
                return

    @property
    def size(self) -> int:
        """Bytes that the program has written."""
        with self._news:
            return len(self._output)

    def wait_for(self, marker: bytes, after: int = 0, timeout_s: float = 30.0) -> tuple[int, int]:
        """Wait until the program has written some bytes.

        Args:
            marker: The bytes.
            after: Where in the output to begin to look.
            timeout_s: How long to wait.

        Returns:
            Where in the output they end, and the monotonic time of the read that completed them.

        Raises:
            TimeoutError: They did not come; the text has the end of the output.
        """
        deadline = time.monotonic() + timeout_s
        with self._news:
            while (at := self._output.find(marker, after)) < 0:
                after = max(after, len(self._output) - len(marker) + 1)
                left = deadline - time.monotonic()
                if self._ended or not self._news.wait(max(0.0, left)):
                    raise TimeoutError(f"{marker!r} never came, but {bytes(self._output[-600:])!r}")
            end = at + len(marker)
            return end, self._times[bisect.bisect_left(self._ends, end)]

    def wait_for_picture(self, markers: Sequence[bytes], timeout_s: float = 30.0) -> int:
        """Wait until the program has drawn all that belongs to a picture.

        Returns:
            The monotonic time of the read that completed it, in ns.
        """
        start, _ = self.wait_for(ALTERNATE_SCREEN, 0, timeout_s)
        return max(self.wait_for(marker, start, timeout_s)[1] for marker in markers)

    def press(self, key: bytes) -> None:
        """Type something."""
        os.write(self._master, key)

    def quit(self, timeout_s: float = 5.0) -> None:
        """Leave streamscope as a person would; it is killed later if that takes too long."""
        self.press(QUIT_KEY)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout_s)

    def wait(self, timeout_s: float) -> int:
        """Wait until the program ends by itself; return its exit code.

        Raises:
            TimeoutError: It did not.
        """
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired as error:
            raise TimeoutError(f"the program did not end within {timeout_s:g} s") from error

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # The whole session: the program may have started others.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        self._drain.join()
        os.close(self._master)
