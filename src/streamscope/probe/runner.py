"""One run: send the request, stamp what comes, keep whatever came when it ends badly."""

import asyncio
import functools
import ssl

import httpx

from streamscope.probe.connections import Connections, Way
from streamscope.probe.failures import BROKEN, explain
from streamscope.probe.intake import CLOSE_S, Intake, StopError
from streamscope.probe.messages import Limits, Start
from streamscope.probe.record import Emit, Record
from streamscope.probe.transport import StampedTransport
from streamscope.probe.wire import Wire
from streamscope.trace import Fault
from streamscope.wire import faults
from streamscope.wire.base import HttpCall, Protocol
from streamscope.wire.registry import protocol
from streamscope.wire.request import limit, taken_back

_ONLY_WEBSOCKETS = "only websocket protocols call ws:// and wss://"


@functools.cache
def tls_context() -> ssl.SSLContext:
    """Return the one TLS context of this process: making it takes longer than a token."""
    return httpx.create_ssl_context()


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
        self._intake = Intake(start, self._record)

    async def run(self) -> None:
        """Run to the end, whatever the end is, and report it. Cancelling stops the run."""
        record, start = self._record, self._start
        try:
            async with asyncio.timeout(start.limits.total_s):
                await self._exchange()
        except asyncio.CancelledError:
            # The task itself is done with here: whoever cancelled it waits for the report.
            self._intake.rescue()
            record.cut_short("cancelled")
        except StopError as stop:
            self._fail(stop.fault)
        except TimeoutError:
            self._fail(faults.timeout(start.target, start.limits.total_s))
        except Exception as error:  # whatever it is, a run ends with a report
            self._fail(explain(error, start, any_text=bool(record.chunks)))
        record.finish()

    def _fail(self, fault: Fault) -> None:
        self._intake.rescue()
        self._record.cut_short("error", fault)

    async def _exchange(self) -> None:
        start, record = self._start, self._record
        speaker = protocol(start.target.protocol)
        call = speaker.call(start.target, start.request, start.mode, start.key)
        call.headers.update(start.headers)
        record.expect(
            unsent=(*speaker.unsent(start.target, start.request), *taken_back(start.request)),
            limit=limit(start.request),
            added=speaker.limit_added(start.request),
            told=speaker.tells_length(start.target),
        )
        talk = self._talk
        if call.method == "WEBSOCKET":
            # Here, before anything is timed, so that starting up takes no longer for the others.
            from streamscope.probe.conversation import Conversation
            from streamscope.probe.websocket import prime

            prime()
            conversation = Conversation(start, record, self._intake, call)
            call, talk = conversation.call, conversation.hold
        url = httpx.URL(call.url)
        if url.scheme not in ("http", "https"):
            raise StopError(faults.bad_url(start.target.url, _ONLY_WEBSOCKETS))
        way = Way.to(url, start.proxy, start.clock)
        transport = self._transport(way)
        try:
            # A client for each run, which is not closed: the connection may outlive it.
            client = httpx.AsyncClient(
                transport=transport, timeout=_timeout(start.limits), trust_env=False
            )
            await talk(client, _build(client, call), speaker)
        finally:
            if self._connections is not None and transport.is_idle:
                self._connections.keep(way, transport)
            else:
                await transport.aclose()

    async def _talk(
        self, client: httpx.AsyncClient, request: httpx.Request, speaker: Protocol
    ) -> None:
        """Ask by HTTP, and take the body."""
        loop = asyncio.get_running_loop()
        # Headers and body are two writes in a row: the callback comes after both.
        self._record.wire.on_written = lambda: loop.call_soon(self._record.sent)
        response = await client.send(request, stream=True)
        try:
            await self._intake.headers(response, speaker)
            self._intake.begin(speaker.decoder(self._start.mode))
            await self._body(response)
        finally:
            await response.aclose()

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

    async def _body(self, response: httpx.Response) -> None:
        record, intake = self._record, self._intake
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
                    intake.arrived(len(part))
                    intake.feed(part)
                    if record.end_seen and patience.when() is None:
                        patience.reschedule(asyncio.get_running_loop().time() + CLOSE_S)
        except (TimeoutError, *BROKEN):
            if not record.end_seen:
                raise
            closed = False
        intake.end(closed=closed)


def _timeout(limits: Limits) -> httpx.Timeout:
    return httpx.Timeout(connect=limits.connect_s, read=limits.stall_s, write=30.0, pool=None)


def _build(client: httpx.AsyncClient, call: HttpCall) -> httpx.Request:
    headers = httpx.Headers({"User-Agent": "streamscope", **call.headers})
    return client.build_request(call.method, call.url, headers=headers, content=call.body or None)
