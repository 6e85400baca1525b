"""One run: send the request, stamp what comes, keep whatever came when it ends badly."""

import asyncio
import functools
import ssl
from collections.abc import Sequence

import httpx

from streamscope.probe.connections import Connections, Way
from streamscope.probe.failures import BROKEN, explain
from streamscope.probe.messages import Limits, Start
from streamscope.probe.record import Emit, Record
from streamscope.probe.transport import StampedTransport
from streamscope.probe.wire import Wire
from streamscope.trace import Fault
from streamscope.wire import faults
from streamscope.wire.base import Decoder, HttpCall
from streamscope.wire.events import Event, Text
from streamscope.wire.registry import protocol

ERROR_BODY_BYTES = 65536
"""How much of an error page is read."""

CLOSE_S = 1.0
"""How long the connection may stay open after the protocol's own end mark, in seconds.

Some servers and gateways never close it: the answer is whole, and nobody should wait for more.
"""


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

    def __init__(self, start: Start, emit: Emit, connections: Connections | None = None) -> None:
        """Prepare a run.

        Args:
            start: What to ask whom, and how.
            emit: Takes the reports.
            connections: Has what earlier runs left open, for runs that may use it.
        """
        self._start = start
        self._connections = connections if start.reuse else None
        self._record = Record(start, Wire(wanted=start.clock), emit)
        self._decoder: Decoder | None = None

    async def run(self) -> None:
        """Run to the end, whatever the end is, and report it. Cancelling stops the run."""
        record, start = self._record, self._start
        try:
            async with asyncio.timeout(start.limits.total_s):
                await self._exchange()
        except asyncio.CancelledError:
            # The task itself is done with here: whoever cancelled it waits for the report.
            self._rescue()
            record.cut_short("cancelled")
        except _StopError as stop:
            self._fail(stop.fault)
        except TimeoutError:
            self._fail(faults.timeout(start.target, start.limits.total_s))
        except Exception as error:  # whatever it is, a run ends with a report
            self._fail(explain(error, start, any_text=bool(record.chunks)))
        record.finish()

    def _fail(self, fault: Fault) -> None:
        self._rescue()
        self._record.cut_short("error", fault)

    def _rescue(self) -> None:
        """Note text that was held back when the run was cut short: it came with the last bytes.

        What the cut itself made malformed, or an end that came too late, says nothing new.
        """
        self._record.note(event for event in self._held_back() if isinstance(event, Text))

    def _held_back(self) -> list[Event]:
        """Return what the decoder still held back; once."""
        decoder, self._decoder = self._decoder, None
        return list(decoder.finish()) if decoder is not None else []

    async def _exchange(self) -> None:
        start, record = self._start, self._record
        speaker = protocol(start.target.protocol)
        call = speaker.call(start.target, start.request, start.mode, start.key)
        way = Way.to(httpx.URL(call.url), start.proxy, start.clock)
        transport = self._transport(way)
        wire = record.wire
        try:
            # A client for each run, which is not closed: the connection may outlive it.
            client = httpx.AsyncClient(
                transport=transport, timeout=_timeout(start.limits), trust_env=False
            )
            loop = asyncio.get_running_loop()
            # Headers and body are two writes in a row: the callback comes after both.
            wire.on_written = lambda: loop.call_soon(record.sent)
            response = await client.send(_build(client, call), stream=True)
            wire.answered()
            record.sent()
            try:
                record.headers(response.status_code, response.headers)
                if response.status_code >= 300:
                    body = await _beginning(response, ERROR_BODY_BYTES)
                    raise _StopError(
                        speaker.fault(
                            start.target, response.status_code, _with_location(response, body)
                        )
                    )
                self._decoder = speaker.decoder(start.mode)
                await self._body(response, self._decoder)
            finally:
                await response.aclose()
        finally:
            if self._connections is not None and transport.is_idle:
                self._connections.keep(way, transport)
            else:
                await transport.aclose()

    def _transport(self, way: Way) -> StampedTransport:
        """Return a connection that an earlier run has left open, or one that is yet to be made."""
        if self._connections is not None and (kept := self._connections.take(way)) is not None:
            self._record.wire = kept.wire
            kept.wire.begin()
            return kept
        return StampedTransport(
            self._record.wire,
            tls_context(),
            self._start.proxy,
            keep_open=self._connections is not None,
        )

    async def _body(self, response: httpx.Response, decoder: Decoder) -> None:
        record = self._record
        if response.headers.get("content-encoding", "identity") != "identity":
            record.flag("compressed")
            parts = response.aiter_bytes()
        else:
            parts = response.aiter_raw()
        closed = True
        try:
            async with asyncio.timeout(None) as patience:
                async for part in parts:
                    if not part:
                        continue
                    record.arrived(len(part))
                    self._check_size()
                    self._take(decoder.feed(part))
                    if record.end_seen and patience.when() is None:
                        patience.reschedule(asyncio.get_running_loop().time() + CLOSE_S)
        except (TimeoutError, *BROKEN):
            if not record.end_seen:
                raise
            closed = False
        record.over(closed=closed)
        # What the decoder held back came with the last bytes, not with the end of the connection.
        self._take(self._held_back())
        record.ended()

    def _check_size(self) -> None:
        limit = self._start.limits.body_bytes
        if self._record.trace.body_bytes > limit:
            raise _StopError(faults.oversize("the response body", f"{limit:,} bytes"))

    def _take(self, events: Sequence[Event]) -> None:
        """Note events; stop the run at a failure, and where there are too many."""
        failure = self._record.note(events)
        if failure is not None:
            raise _StopError(faults.in_stream(self._start.target, failure))
        limit = self._start.limits.chunks
        if self._record.chunks > limit:
            raise _StopError(faults.oversize("the answer", f"{limit:,} chunks"))


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
