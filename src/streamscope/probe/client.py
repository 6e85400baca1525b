"""The app's side of the probe: starts the process, hands it runs, gathers their traces."""

import asyncio
import contextlib
import itertools
import sys
from collections.abc import Callable

import msgspec

from streamscope.probe import messages
from streamscope.probe.liveness import Liveness
from streamscope.probe.messages import (
    Cancel,
    Fetch,
    Fetched,
    Ping,
    Pong,
    Progress,
    Ready,
    Sent,
    Start,
)
from streamscope.trace import Chunk, Fault, Trace
from streamscope.wire import faults

Listener = Callable[[Trace, list[Chunk]], None]
"""Called when a run moved on, with its trace so far and the chunks that are new."""

COMPLAINT_BYTES = 4096
"""How much of what the process says on standard error is kept."""

LEAVE_S = 1.0
"""How long a process may take to end by itself, in seconds."""

START_S = 60.0
"""How long a process may take to be ready, in seconds."""

_DIED = Fault(
    code="probe",
    sentence="The measuring process ended in the middle of the run: run it again "
    "(it has been started anew).",
)

_HUNG = Fault(
    code="probe",
    sentence="The measuring process did not answer any more, as if it was stopped, and was ended: "
    "run it again (it is started anew).",
)


class ProbeError(Exception):
    """The probe can't be started; the text is a sentence for a person."""


class _Running:
    """A run under way, on this side."""

    def __init__(self, start: Start, listener: Listener | None) -> None:
        self.trace = Trace(mode=start.mode)
        self.listener = listener
        self.done: asyncio.Future[Trace] = asyncio.get_running_loop().create_future()

    def tell(self, new: list[Chunk]) -> None:
        """Tell the listener; if it fails, its run fails, and nobody else's."""
        if self.listener is None or self.done.done():
            return
        try:
            self.listener(self.trace, new)
        except Exception as error:  # whatever it is, it belongs to whoever waits for the run
            self.done.set_exception(error)

    def end(self, trace: Trace) -> None:
        """Hand over the whole trace."""
        self.trace = trace
        self.tell([])
        if not self.done.done():
            self.done.set_result(trace)


class Probe:
    """The measuring process. One serves all runs; it is started again if it dies."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._ready: asyncio.Future[None] | None = None
        self._starting = asyncio.Lock()
        self._waiting: set[str] = set()
        self._runs: dict[str, _Running] = {}
        self._fetches: dict[int, asyncio.Future[Fetched]] = {}
        self._fetch_ids = itertools.count()
        self._complaints = b""
        self._closed = False
        self._fault = _DIED
        self._liveness = Liveness(
            busy=lambda: bool(self._runs),
            ask=lambda: self._send(messages.frame(Ping())),
            give_up=self._give_up,
        )

    @property
    def pid(self) -> int | None:
        """Process id, once started."""
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """Start the process if it is not there, and wait until it is ready to time.

        Raises:
            ProbeError: It ended before it was ready.
        """
        async with self._starting:
            if self._closed:
                raise ProbeError("The measuring process was already closed.")
            if self._process is not None and self._process.returncode is None:
                return
            # Whoever still waits for the old process must not be taken for a user of the new one.
            await asyncio.gather(*self._tasks, return_exceptions=True)
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",  # never import from the folder that the person happens to be in
                "-m",
                "streamscope.probe",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            self._process = process
            self._fault = _DIED
            self._ready = asyncio.get_running_loop().create_future()
            complaints = asyncio.create_task(self._collect_complaints(process))
            self._tasks = [complaints, asyncio.create_task(self._listen(process, complaints))]
            if self._closed:  # in the meantime
                process.kill()
            try:
                async with asyncio.timeout(START_S):
                    await asyncio.shield(self._ready)
            except TimeoutError:
                self._ready.cancel()
                process.kill()
                raise ProbeError(
                    f"The measuring process was not ready within {START_S:g} s: try again."
                ) from None

    async def run(self, start: Start, listener: Listener | None = None) -> Trace:
        """Carry out one run and return its trace, whatever the end is.

        Args:
            start: What to ask whom, and how.
            listener: Told whenever something happened; must return quickly.

        Raises:
            ProbeError: The process could not be started.
        """
        try:
            command = messages.frame(start)
        except (UnicodeEncodeError, OverflowError, TypeError) as error:
            return Trace(mode=start.mode, ended="error", fault=faults.unsendable(str(error)))
        self._waiting.add(start.run_id)
        try:
            await self.start()
            wanted = start.run_id in self._waiting
        finally:
            self._waiting.discard(start.run_id)
        if not wanted:
            return Trace(mode=start.mode, ended="cancelled")
        running = _Running(start, listener)
        self._runs[start.run_id] = running
        self._send(command)
        self._liveness.watch()
        try:
            return await asyncio.shield(running.done)
        except BaseException:
            self.cancel(start.run_id)
            raise

    def cancel(self, run_id: str) -> None:
        """Stop a run at once. Its ``run`` returns what there was until then."""
        self._waiting.discard(run_id)
        if run_id in self._runs:
            self._send(messages.frame(Cancel(run_id)))

    async def fetch(
        self,
        url: str,
        timeout_s: float = 1.0,
        headers: dict[str, str] | None = None,
        proxy: str | None = None,
    ) -> tuple[int, bytes]:
        """Get a small page; return its status and body.

        Raises:
            OSError: No answer in time, or none that could be read.
            ProbeError: The process could not be started.
        """
        await self.start()
        fetch_id = next(self._fetch_ids)
        answer = asyncio.get_running_loop().create_future()
        self._fetches[fetch_id] = answer
        fetch = Fetch(
            fetch_id=fetch_id, url=url, headers=headers or {}, timeout_s=timeout_s, proxy=proxy
        )
        self._send(messages.frame(fetch))
        try:
            fetched: Fetched = await answer
        finally:
            self._fetches.pop(fetch_id, None)
        if fetched.error:
            raise OSError(fetched.error)
        return fetched.status, fetched.body

    async def close(self) -> None:
        """End the process. Runs under way end as errors."""
        self._closed = True
        process = self._process
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        await _leave(process)
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _give_up(self) -> None:
        """End a process that does not answer; whoever listens to it sees the end."""
        if self._process is not None and self._process.returncode is None:
            self._fault = _HUNG
            self._process.kill()

    def _send(self, frame: bytes) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        with contextlib.suppress(ConnectionError):  # the listener sees the end, too
            self._process.stdin.write(frame)

    async def _collect_complaints(self, process: asyncio.subprocess.Process) -> None:
        """Keep the end of standard error, and keep it off the terminal.

        Whatever comes is read: the process would stop where the pipe is full.
        """
        assert process.stderr is not None
        self._complaints = b""
        while data := await process.stderr.read(COMPLAINT_BYTES):
            self._complaints = (self._complaints + data)[-COMPLAINT_BYTES:]

    async def _listen(
        self, process: asyncio.subprocess.Process, complaints: asyncio.Task[None]
    ) -> None:
        assert process.stdout is not None
        try:
            await process.stdout.readuntil(messages.PREAMBLE)
            while True:
                header = await process.stdout.readexactly(messages.HEADER_BYTES)
                body = await process.stdout.readexactly(int.from_bytes(header, "big"))
                self._take(messages.report(body))
        except (asyncio.IncompleteReadError, ConnectionError):
            await _leave(process)
        except (asyncio.LimitOverrunError, msgspec.DecodeError):
            process.kill()
        await process.wait()
        await _hang_up(process)
        await complaints  # the last one says why
        self._bury()

    def _bury(self) -> None:
        """Answer everybody who still waits for a process that is gone."""
        lines = self._complaints.decode(errors="replace").split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "no message")
        if self._ready is not None and not self._ready.done():
            self._ready.set_exception(ProbeError(f"The measuring process did not start: {last}"))
            # Whoever waited may have been stopped: asyncio would complain that nobody looked.
            self._ready.exception()
        runs, self._runs = self._runs, {}
        for running in runs.values():
            running.trace.ended = "error"
            running.trace.fault = msgspec.structs.replace(self._fault, detail=last)
            running.end(running.trace)
        for fetch in self._fetches.values():
            if not fetch.done():
                fetch.set_exception(OSError("the measuring process ended"))

    def _take(self, report: messages.Report) -> None:
        self._liveness.heard()
        if isinstance(report, Pong):
            return
        if isinstance(report, Ready):
            if self._ready is not None and not self._ready.done():
                self._ready.set_result(None)
        elif isinstance(report, Fetched):
            answer = self._fetches.get(report.fetch_id)
            if answer is not None and not answer.done():
                answer.set_result(report)
        elif (running := self._runs.get(report.run_id)) is not None:
            trace = running.trace
            if isinstance(report, Sent):
                trace.sent_monotonic_ns = report.sent_monotonic_ns
                trace.started_utc = report.started_utc
                trace.clock = report.clock
                trace.marks = dict(report.marks)
                running.tell([])
            elif isinstance(report, Progress):
                trace.marks.update(report.marks)
                trace.chunks.extend(report.chunks)
                running.tell(report.chunks)
            else:
                report.trace.chunks = trace.chunks
                del self._runs[report.run_id]
                running.end(report.trace)


async def _hang_up(process: asyncio.subprocess.Process) -> None:
    """Close the way to a process that is gone, and take note that the last words did not arrive.

    asyncio would complain of that on standard error if nobody did.
    """
    assert process.stdin is not None
    process.stdin.close()
    with contextlib.suppress(ConnectionError):
        await process.stdin.wait_closed()


async def _leave(process: asyncio.subprocess.Process) -> None:
    """Let a process end that has been told to, or has begun to; make it end if it does not.

    It is not killed at once: to signal a process that has just ended takes its exit status away
    from the event loop, which complains.
    """
    try:
        async with asyncio.timeout(LEAVE_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
