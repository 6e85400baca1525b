"""What comes of an answer, headers and bytes, into the record of its run, within its bounds."""

from collections.abc import Sequence

import httpx

from streamscope.probe.failures import BROKEN
from streamscope.probe.messages import Start
from streamscope.probe.record import Record
from streamscope.trace import UNMARKED_FLAG, Fault, Trace
from streamscope.wire import faults
from streamscope.wire.base import Decoder, Protocol
from streamscope.wire.events import Event, Text

ERROR_BODY_BYTES = 65536
"""How much of an error page is read."""

CLOSE_S = 1.0
"""How long the connection may stay open after the protocol's own end mark, in seconds.

Some servers and gateways never close it: the answer is whole, and nobody should wait for more.
"""


_ENDS = frozenset(("transfer-encoding", "content-length"))
"""Headers by which the end of a body shows, whatever becomes of the connection."""


class StopError(Exception):
    """Ends a run with a fault."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault


class Intake:
    """Takes an answer as it comes. Everything here may end the run with a ``StopError``."""

    def __init__(self, start: Start, record: Record) -> None:
        """Wait for the answer.

        Args:
            start: What was asked, and the bounds.
            record: Where everything is noted.
        """
        self._start = start
        self._record = record
        self._decoder: Decoder | None = None

    async def headers(self, response: httpx.Response, speaker: Protocol) -> None:
        """Take the headers of an answer; stop the run if they refuse it."""
        record, target = self._record, self._start.target
        record.wire.answered()
        record.sent()
        record.headers(response.status_code, response.headers)
        if response.status_code >= 300:
            body = _with_location(response, await _beginning(response, ERROR_BODY_BYTES))
            raise StopError(speaker.fault(target, response.status_code, body))
        # Where nothing but the end of the connection ends a body, it may as well have been cut.
        if not speaker.marked and _ENDS.isdisjoint(response.headers):
            record.flag(UNMARKED_FLAG)

    def begin(self, decoder: Decoder) -> None:
        """Have what follows decoded."""
        self._decoder = decoder

    def arrived(self, size: int) -> None:
        """Note bytes that were handed out."""
        self._record.arrived(size)
        limit = self._start.limits.body_bytes
        if self._record.trace.body_bytes > limit:
            raise StopError(faults.oversize("the response body", f"{limit:,} bytes"))

    def feed(self, data: bytes) -> None:
        """Decode bytes, or one message."""
        if self._decoder is not None:
            self.take(self._decoder.feed(data))

    def take(self, events: Sequence[Event]) -> None:
        """Note events; stop the run at a failure, and where there are too many."""
        failure = self._record.note(events)
        if failure is not None:
            raise StopError(faults.in_stream(self._start.target, failure))
        limit = self._start.limits.chunks
        if self._record.chunks > limit:
            raise StopError(faults.oversize("the answer", f"{limit:,} chunks"))

    def end(self, *, closed: bool) -> None:
        """Take the end.

        Args:
            closed: Whether the answer was complete on the wire.
        """
        self._record.over(closed=closed)
        # What was held back came with the last bytes, not with the end of the connection.
        self.take(self._held_back())
        self._record.ended()
        self._explain(self._record.trace)

    def _explain(self, trace: Trace) -> None:
        """Say of an answer that is not whole what happened and what to do."""
        if trace.ended == "incomplete":
            trace.fault = faults.incomplete(
                self._start.target,
                trace.mode,
                began=bool(trace.body_bytes if trace.mode == "blocking" else self._record.chunks),
                told="finish" in trace.marks,
            )

    def rescue(self) -> None:
        """Note text that was held back when the run was cut short: it came with the last bytes.

        What the cut itself made malformed, or an end that came too late, says nothing new.
        """
        self._record.note(event for event in self._held_back() if isinstance(event, Text))

    def _held_back(self) -> list[Event]:
        """Return what the decoder still held back; once."""
        decoder, self._decoder = self._decoder, None
        return list(decoder.finish()) if decoder is not None else []


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
