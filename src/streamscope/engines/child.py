"""The app's end of the pipes to an engine process. See ``lifeline`` for the other end."""

import asyncio
import contextlib
import subprocess
import sys
import threading
from collections import deque
from typing import IO, Any, TypeVar

import msgspec

from streamscope.engines.engine import EngineError

T = TypeVar("T")

_LAST_LINES = 60
_REAP_S = 1.0


class Announcement(msgspec.Struct, frozen=True, kw_only=True):
    """What a serving child says when it is ready.

    Attributes:
        url: Base URL of the server, without a path.
        pid: Its process id.
        model: The model that it serves.
    """

    url: str
    pid: int
    model: str


class _Refusal(msgspec.Struct, frozen=True):
    """What a child says instead, when it knows why it cannot."""

    error: str


class Child:
    """A process of ours, running one of the ``*_child`` modules. It never outlives us.

    It holds no file of ours but its three pipes. Its standard input is open until ``close``, or
    until the kernel closes it because we are gone; both end it.
    """

    def __init__(self, module: str, configuration: Any, *, name: str) -> None:
        """Start the process.

        Args:
            module: Full name of the module to run.
            configuration: What it needs to know, secrets included: it travels by pipe, not by
                argument or environment, where others could read it.
            name: What to call it in an error.

        Raises:
            EngineError: The operating system would not start it.
        """
        self._name = name
        self._last = deque[str](maxlen=_LAST_LINES)
        self._said: list[bytes] = []
        self._lock = threading.Lock()
        self._closed = False
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter, no shell
                [sys.executable, "-P", "-m", module],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        except OSError as error:
            raise EngineError(f"{name} could not be started: {error}.") from error
        # Daemons: a reader must not keep the interpreter from leaving.
        self._threads = [
            threading.Thread(target=self._listen, name=f"{name} out", daemon=True),
            threading.Thread(target=self._collect, name=f"{name} err", daemon=True),
        ]
        self._heard = threading.Event()
        self._waiter: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None
        for thread in self._threads:
            thread.start()
        with contextlib.suppress(OSError):  # if it is dead already, ``announced`` will tell why
            self._stdin.write(msgspec.json.encode(configuration) + b"\n")
            self._stdin.flush()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return not self._closed and self._process.poll() is None

    @property
    def last_lines(self) -> list[str]:
        """The last lines that it printed, oldest first."""
        return list(self._last)

    async def announced(self, kind: type[T], timeout_s: float) -> T:
        """Wait for its announcement; close it if none comes or the wait is cancelled.

        Args:
            kind: The shape of the announcement.
            timeout_s: How long to wait, in seconds.

        Raises:
            EngineError: It said why it cannot, died, or stayed silent for too long.
        """
        try:
            async with asyncio.timeout(timeout_s):
                await self._line()
        except TimeoutError:
            self.close()
            raise EngineError(f"{self._name} was not ready after {timeout_s:g} s.") from None
        except BaseException:
            self.close()
            raise
        try:
            if not self._said:
                raise EngineError(self._epitaph())
            return self._decode(kind, self._said[0])
        except EngineError:
            try:
                await asyncio.to_thread(self._hear_out)
            finally:
                self.close()
            raise

    def close(self) -> None:
        """Kill and reap it, within about a second. Any thread may call this, more than once."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_REAP_S)
            with contextlib.suppress(OSError):  # the pipe broke under what it still held
                self._stdin.close()
            for thread in self._threads:
                thread.join(_REAP_S)

    @property
    def _stdin(self) -> IO[bytes]:
        assert self._process.stdin is not None
        return self._process.stdin

    def _decode(self, kind: type[T], line: bytes) -> T:
        with contextlib.suppress(msgspec.DecodeError):
            raise EngineError(msgspec.json.decode(line, type=_Refusal).error)
        try:
            return msgspec.json.decode(line, type=kind)
        except msgspec.DecodeError as error:
            raise EngineError(f"{self._name} announced itself wrongly: {error}.") from error

    def _epitaph(self) -> str:
        """Say how it died without a word, in one sentence."""
        self._hear_out()
        words = next((line for line in reversed(self._last) if line.strip()), "it said nothing")
        code = self._process.returncode
        how = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
        return f"{self._name} ended before it was ready ({how}): {words.strip()[:200]}"

    def _hear_out(self) -> None:
        """Wait until it has ended by itself and all that it said was read, but for no longer."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_REAP_S)
        self._threads[1].join(_REAP_S)

    async def _line(self) -> None:
        """Wait until the first line, or the end, of its standard output was read."""
        event = asyncio.Event()
        self._waiter = (asyncio.get_running_loop(), event)
        if not self._heard.is_set():
            await event.wait()

    def _listen(self) -> None:
        stdout = self._process.stdout
        assert stdout is not None
        with stdout:
            if line := stdout.readline():
                self._said.append(line)
            self._heard.set()
            if self._waiter is not None:
                loop, event = self._waiter
                with contextlib.suppress(RuntimeError):  # nobody waits any more: the loop is gone
                    loop.call_soon_threadsafe(event.set)

    def _collect(self) -> None:
        stderr = self._process.stderr
        assert stderr is not None
        with stderr:
            for line in stderr:
                self._last.append(line.decode(errors="replace").rstrip())
