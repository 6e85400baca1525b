"""The probe process: reads commands, carries out runs, reports what arrives.

It leaves when its standard input ends, which happens when its parent is gone, however it went.
"""

import asyncio
import gc
import os
import signal
import sys

import httpcore
import httpx

from streamscope.probe import clock, messages
from streamscope.probe.connections import Connections
from streamscope.probe.messages import (
    Cancel,
    Fetch,
    Fetched,
    Ping,
    Pong,
    Progress,
    Ready,
    Report,
    Start,
)
from streamscope.probe.prime import prime
from streamscope.probe.runner import Runner, tls_context
from streamscope.probe.scheduling import wake_promptly
from streamscope.probe.transport import StampedTransport
from streamscope.probe.wire import Wire

FLUSH_S = 0.004
"""Reports on arriving text are sent together, at most this many seconds after the first of them.

Their times are taken before; this only spares the reader on the other side a wake-up for each.
"""

FETCH_BYTES = 1024 * 1024
"""Most bytes of a fetched page."""


class Child:
    """The work of the process: one task for each run, one writer for all reports."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._connections = Connections()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._fetches: set[asyncio.Task[None]] = set()
        self._pending: dict[str, Progress] = {}
        self._flusher: asyncio.TimerHandle | None = None

    def handle(self, body: bytes) -> None:
        """Act on one command."""
        command = messages.command(body)
        if isinstance(command, Start):
            # Collecting garbage may take longer than a token: only between runs.
            gc.disable()
            task = asyncio.create_task(Runner(command, self.emit, self._connections).run())
            self._tasks[command.run_id] = task
            task.add_done_callback(lambda _: self._forget(command.run_id))
        elif isinstance(command, Cancel):
            if task_ := self._tasks.get(command.run_id):
                # A task that is cancelled before its first step could not even report its end.
                asyncio.get_running_loop().call_soon(task_.cancel)
        elif isinstance(command, Ping):
            self.emit(Pong())
        else:
            fetch = asyncio.create_task(self._fetch(command))
            self._fetches.add(fetch)
            fetch.add_done_callback(self._fetches.discard)

    def _forget(self, run_id: str) -> None:
        del self._tasks[run_id]
        if not self._tasks:
            gc.enable()
            gc.collect()

    def emit(self, report: Report) -> None:
        """Send a report; text that arrives quickly is gathered for a moment."""
        if isinstance(report, Progress):
            if held := self._pending.get(report.run_id):
                held.marks.update(report.marks)
                held.chunks.extend(report.chunks)
            else:
                self._pending[report.run_id] = report
            if self._flusher is None:
                self._flusher = asyncio.get_running_loop().call_later(FLUSH_S, self._flush)
            return
        self._flush()
        self._writer.write(messages.frame(report))

    def _flush(self) -> None:
        if self._flusher is not None:
            self._flusher.cancel()
            self._flusher = None
        for report in self._pending.values():
            self._writer.write(messages.frame(report))
        self._pending.clear()

    async def _fetch(self, command: Fetch) -> None:
        transport = StampedTransport(Wire(), tls_context(), command.proxy)
        try:
            async with (
                asyncio.timeout(command.timeout_s),
                httpx.AsyncClient(transport=transport, trust_env=False) as client,
                client.stream("GET", command.url, headers=command.headers) as response,
            ):
                body = b""
                async for part in response.aiter_bytes():
                    body += part
                    if len(body) > FETCH_BYTES:
                        raise ValueError("the page is too long")
            report = Fetched(fetch_id=command.fetch_id, status=response.status_code, body=body)
        except (
            TimeoutError,
            OSError,
            ValueError,
            httpx.HTTPError,
            httpx.InvalidURL,
            httpcore.NetworkError,
            httpcore.ProtocolError,
            httpcore.TimeoutException,
            httpcore.ProxyError,
            httpcore.UnsupportedProtocol,
        ) as error:
            reason = str(error) or type(error).__name__
            report = Fetched(fetch_id=command.fetch_id, error=reason)
        self.emit(report)


async def main() -> None:
    """Serve commands until standard input ends."""
    # The pipe of reports is kept apart from file descriptor 1: a stray print can't break a frame.
    reports = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, reports)
    writer = asyncio.StreamWriter(transport, protocol, None, loop)
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    writer.write(messages.PREAMBLE)
    child = Child(writer)
    wake_promptly()
    stamping = clock.keep_enabled()
    await prime()
    child.emit(Ready(os.getpid()))
    try:
        while True:
            size = int.from_bytes(await reader.readexactly(messages.HEADER_BYTES), "big")
            child.handle(await reader.readexactly(size))
    except (asyncio.IncompleteReadError, ConnectionError):
        # Nobody is left to report to; open connections close with the process.
        del stamping
        os._exit(0)


if __name__ == "__main__":
    # Ctrl-C reaches the whole process group; the parent decides what becomes of the runs.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asyncio.run(main())
