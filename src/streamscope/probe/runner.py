"""One run: send the request, stamp what comes, keep whatever came when it ends badly."""

import asyncio
import datetime
import functools
import ssl
import time
from collections.abc import Callable, Iterable

import httpx

from streamscope.probe.backend import Wire
from streamscope.probe.failures import BROKEN, explain
from streamscope.probe.messages import Finished, Limits, Progress, Sent, Start
from streamscope.probe.transport import StampedTransport
from streamscope.trace import Chunk, Fault, MarkName, Trace
from streamscope.wire import faults
from streamscope.wire.base import Decoder, HttpCall
from streamscope.wire.events import (
    End,
    Event,
    Failure,
    Finish,
    Flag,
    Model,
    Ping,
    Text,
    Timings,
    Usage,
)
from streamscope.wire.registry import protocol

Emit = Callable[[Sent | Progress | Finished], None]
"""Takes reports in the order in which they are made; must not block."""

ERROR_BODY_BYTES = 65536
"""How much of an error page is read."""

CLOSE_S = 1.0
"""How long the connection may stay open after the protocol's own end mark, in seconds.

Some servers and gateways never close it: the answer is whole, and nobody should wait for more.
"""

_TELLING_HEADERS = (
    "server",
    "via",
    "content-type",
    "content-encoding",
    "transfer-encoding",
    "content-length",
    "x-accel-buffering",
    "cf-ray",
    "openai-processing-ms",
    "retry-after",
)
"""Response headers that explain timing. Others may be private and are not kept."""


@functools.cache
def tls_context() -> ssl.SSLContext:
    """Return the one TLS context of this process: making it takes longer than a token."""
    return httpx.create_ssl_context()


class _StopError(Exception):
    """Ends a run with a fault."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault


class Runner:
    """Carries out one run and reports it."""

    def __init__(self, start: Start, emit: Emit) -> None:
        self._start = start
        self._emit = emit
        self._wire = Wire(wanted=start.clock)
        self._zero = 0
        self._chunks = 0
        self._end_seen = False
        self._trace = Trace(mode=start.mode)

    async def run(self) -> None:
        """Run to the end, whatever the end is, and report it. Cancelling stops the run."""
        trace, start = self._trace, self._start
        try:
            async with asyncio.timeout(start.limits.total_s):
                await self._exchange()
        except asyncio.CancelledError:
            # The task itself is done with here: whoever cancelled it waits for the report.
            trace.ended = "cancelled"
            self._mark_now("cancelled")
        except _StopError as stop:
            self._fail(stop.fault)
        except TimeoutError:
            self._fail(faults.timeout(start.target, start.limits.total_s))
        except Exception as error:  # whatever it is, a run ends with a report
            self._fail(explain(error, start, any_text=bool(self._chunks)))
        trace.clock = self._wire.clock
        self._emit(Finished(run_id=start.run_id, trace=trace))

    def _fail(self, fault: Fault) -> None:
        self._trace.ended = "error"
        self._trace.fault = fault
        self._mark_now("error")

    def _mark_now(self, name: MarkName) -> None:
        if self._zero:
            self._trace.marks[name] = time.monotonic_ns() - self._zero

    async def _exchange(self) -> None:
        start, limits = self._start, self._start.limits
        speaker = protocol(start.target.protocol)
        call = speaker.call(start.target, start.request, start.mode, start.key)
        decoder = speaker.decoder(start.mode)
        transport = StampedTransport(self._wire, tls_context(), start.proxy)
        async with httpx.AsyncClient(
            transport=transport, timeout=_timeout(limits), trust_env=False
        ) as client:
            request = _build(client, call)
            loop = asyncio.get_running_loop()
            # Headers and body are two writes in a row: the callback comes after both.
            self._wire.on_written = lambda: loop.call_soon(self._note_sent)
            response = await client.send(request, stream=True)
            self._wire.answered()
            self._note_sent()
            try:
                self._note_headers(response)
                if response.status_code >= 300:
                    body = await _beginning(response, ERROR_BODY_BYTES)
                    raise _StopError(
                        speaker.fault(
                            start.target, response.status_code, _with_location(response, body)
                        )
                    )
                await self._body(response, decoder)
            finally:
                await response.aclose()

    def _note_sent(self) -> None:
        wire, trace = self._wire, self._trace
        sent = wire.marks["sent"]
        if sent == self._zero:
            return
        self._zero = sent
        trace.sent_monotonic_ns = sent
        age_ns = time.monotonic_ns() - sent
        began = datetime.datetime.now(datetime.UTC) - datetime.timedelta(microseconds=age_ns / 1000)
        trace.started_utc = began.isoformat(timespec="milliseconds")
        trace.marks = {name: at - sent for name, at in wire.marks.items()}
        trace.clock = wire.clock
        self._emit(
            Sent(
                run_id=self._start.run_id,
                sent_monotonic_ns=sent,
                started_utc=trace.started_utc,
                clock=wire.clock,
                marks=dict(trace.marks),
            )
        )

    def _note_headers(self, response: httpx.Response) -> None:
        trace = self._trace
        trace.status = response.status_code
        trace.headers = {
            name: response.headers[name][:200]
            for name in _TELLING_HEADERS
            if name in response.headers
        }
        at = self._wire.arrived_ns - self._zero
        trace.marks["headers"] = at
        self._emit(Progress(run_id=self._start.run_id, marks={"headers": at}))

    async def _body(self, response: httpx.Response, decoder: Decoder) -> None:
        wire, trace = self._wire, self._trace
        if response.headers.get("content-encoding", "identity") != "identity":
            trace.flags.append("compressed")
            parts = response.aiter_bytes()
        else:
            parts = response.aiter_raw()
        last_at, last_read = 0, -1
        try:
            async with asyncio.timeout(None) as patience:
                async for part in parts:
                    if not part:
                        continue
                    last_at = wire.arrived_ns - self._zero
                    trace.reads += wire.read_index != last_read
                    last_read = wire.read_index
                    self._count(len(part), last_at)
                    self._take(decoder.feed(part), last_at)
                    if self._end_seen and patience.when() is None:
                        patience.reschedule(asyncio.get_running_loop().time() + CLOSE_S)
        except (TimeoutError, *BROKEN):
            if not self._end_seen:
                raise
            trace.flags.append("unclosed")
        else:
            trace.marks["closed"] = wire.arrived_ns - self._zero
        # What the decoder held back came with the last bytes, not with the end of the connection.
        self._take(decoder.finish(), last_at)
        if self._start.mode == "blocking":
            trace.marks.setdefault("done", last_at)
        if trace.ended is None:
            trace.ended = "incomplete"
        elif not self._end_seen and "unterminated" not in trace.flags:
            trace.flags.append("unterminated")

    def _count(self, size: int, at: int) -> None:
        """Note bytes of the body, and that they are within bounds."""
        trace, limit = self._trace, self._start.limits.body_bytes
        if not trace.body_bytes:
            trace.marks["first_byte"] = at
            self._emit(Progress(run_id=self._start.run_id, marks={"first_byte": at}))
        trace.body_bytes += size
        if trace.body_bytes > limit:
            raise _StopError(faults.oversize("the response body", f"{limit:,} bytes"))

    def _take(self, events: Iterable[Event], at: int) -> None:
        """Note events that one read completed."""
        trace, read = self._trace, self._wire.read_index
        chunks: list[Chunk] = []
        before = len(trace.marks)
        failure: Failure | None = None
        for event in events:
            if isinstance(event, Text):
                chunks.append(Chunk(at, event.kind, event.text, read, event.server_ns))
            elif isinstance(event, Usage):
                trace.tokens = trace.tokens.merged(event.tokens)
                trace.marks.setdefault("usage", at)
            elif isinstance(event, Timings):
                trace.server = event.server
            elif isinstance(event, Model):
                trace.model = event.name
            elif isinstance(event, Finish):
                trace.ended = event.reason
                trace.marks.setdefault("finish", at)
            elif isinstance(event, End):
                self._end_seen = True
                trace.ended = trace.ended or "stop"
                trace.marks.setdefault("done", at)
            elif isinstance(event, Ping):
                trace.pings += 1
            elif isinstance(event, Flag):
                if event.name not in trace.flags:
                    trace.flags.append(event.name)
            elif failure is None:
                failure = event
        self._chunks += len(chunks)
        if chunks or len(trace.marks) != before:
            marks = dict(list(trace.marks.items())[before:])
            self._emit(Progress(run_id=self._start.run_id, marks=marks, chunks=chunks))
        if failure is not None:
            raise _StopError(faults.in_stream(self._start.target, failure))
        if self._chunks > self._start.limits.chunks:
            raise _StopError(faults.oversize("the answer", f"{self._start.limits.chunks:,} chunks"))


def _timeout(limits: Limits) -> httpx.Timeout:
    return httpx.Timeout(connect=limits.connect_s, read=limits.stall_s, write=30.0, pool=None)


def _build(client: httpx.AsyncClient, call: HttpCall) -> httpx.Request:
    headers = httpx.Headers({"User-Agent": "streamscope", **call.headers})
    return client.build_request(call.method, call.url, headers=headers, content=call.body or None)


async def _beginning(response: httpx.Response, limit: int) -> bytes:
    """Return the first bytes of a body; an error page that breaks off is still an error page."""
    body = b""
    try:
        async for part in response.aiter_bytes():
            body += part
            if len(body) >= limit:
                break
    except BROKEN:
        pass
    return body[:limit]


def _with_location(response: httpx.Response, body: bytes) -> bytes:
    """Return the body of an error, or where a redirect leads, which its body rarely says."""
    if response.has_redirect_location:
        return str(response.headers["location"]).encode()
    return body
