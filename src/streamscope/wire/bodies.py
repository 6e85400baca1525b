"""Decoders by framing: SSE, NDJSON, messages, or one whole body. A protocol brings only a reader.

A reader gets payloads and knows one protocol; a body gets bytes and knows one framing. Whatever
comes after the end mark or after a failure is dropped: a ``[DONE]`` behind an error is no success.
"""

import abc
from collections.abc import Iterable, Sequence
from typing import ClassVar

import msgspec

from streamscope.wire import faults, lenient
from streamscope.wire.base import Decoder
from streamscope.wire.events import End, Event, Failure, Flag, Ping, Text
from streamscope.wire.framing import (
    DONE,
    END_NAMES,
    LIMIT_BYTES,
    LineSplitter,
    SseComment,
    SseItem,
    SseSplitter,
)
from streamscope.wire.messages import clean, find_report, read_report

_ANY = msgspec.json.Decoder()
_HEAD_CHARS = 200


class Reader(abc.ABC):
    """Turns the payloads of one response into events, and holds its state."""

    raw: ClassVar[bool] = False
    """Whether a payload may be bare text, in which white space and colons count."""

    @abc.abstractmethod
    def read(self, payload: bytes, name: str = "message") -> list[Event]:
        """Return the events of one payload, in order; ``End`` last.

        Args:
            payload: One JSON text, not blank; as it came if the reader takes it ``raw``.
            name: Name of the event that it came in.

        Raises:
            NotValidError: It is not the protocol.
        """

    @abc.abstractmethod
    def close(self) -> list[Event]:
        """Return what was held back; nothing more will be read. May be called again."""

    def strange(self) -> bytes:
        """Return a payload with nothing of the protocol in it, if all of them were like that.

        Single ones are let be, as gateways add their own; where there is nothing else, it is that.
        """
        return b""

    def over(self, *, marked: bool) -> list[Event]:
        """Return what the end of the body brings, what was held back included.

        Args:
            marked: Whether the framing's own end mark came, rather than just the end of the bytes.
        """
        return [*self.close(), *([End()] if marked else [])]


class _Body(Decoder):
    """What all framings share: bad payloads, and that nothing follows the end."""

    def __init__(self, reader: Reader, limit: int) -> None:
        self._reader = reader
        self._limit = limit
        self._over = False
        self._understood = False
        self._broken = False

    def _read(self, payload: bytes, name: str = "message", *, cut: bool = False) -> list[Event]:
        """Return the events of one payload, whatever it is.

        Args:
            payload: The payload.
            name: Name of the event that it came in.
            cut: Whether the body ended in it. If it is then no JSON, that is why, and the
                missing end mark tells of it better than a complaint about its form.
        """
        try:
            events = self._reader.read(payload, name)
        except lenient.NotValidError as error:
            if cut and self._understood:
                self._broken = True
                return [Flag("unterminated")]
            return [_failure(payload, name, error)]
        self._understood = True
        return events

    def _until_over(self, events: Iterable[Event]) -> list[Event]:
        """Return the events up to the first end or failure, and note that it came."""
        taken: list[Event] = []
        for event in events:
            if self._over:
                break
            if isinstance(event, Failure):
                self._over = True
                taken += self._reader.close()
            elif isinstance(event, End):
                self._over = True
            taken.append(event)
        return taken

    def _ending(self) -> list[Event]:
        """Return what the end of the bytes brings, if there was no other end before it."""
        if self._over:
            return []
        if strange := self._reader.strange():
            error = lenient.NotValidError("no answer in it")
            return self._until_over([_failure(strange, "message", error)])
        # In the middle of a payload it is no end that could mean anything.
        last = self._reader.close() if self._broken else self._reader.over(marked=False)
        return self._until_over(last)

    def _too_long(self) -> Failure:
        return Failure("oversize", f"{self._limit:,} bytes in one piece")


class SseBody(_Body):
    """Decodes ``text/event-stream``."""

    def __init__(self, reader: Reader, limit: int = LIMIT_BYTES) -> None:
        """Take events of up to ``limit`` bytes."""
        super().__init__(reader, limit)
        self._sse = SseSplitter(limit, raw=reader.raw)

    def feed(self, data: bytes) -> Sequence[Event]:
        """Return the events that this read completed."""
        if self._over:
            return []
        events = self._items(self._sse.feed(data))
        if self._sse.overflow:
            events += self._until_over([self._too_long()])
        return events

    def finish(self) -> Sequence[Event]:
        """Return what is left, and say whether the last event was cut."""
        if self._over:
            return []
        items = self._sse.finish()
        events = self._items(items, cut=self._sse.unterminated)
        if self._sse.unterminated and Flag("unterminated") not in events:
            events.insert(0, Flag("unterminated"))
        if not self._understood and not self._over and self._sse.ignored:
            error = lenient.NotValidError("no event stream")
            events += self._until_over([_failure(self._sse.ignored, "message", error)])
        return [*events, *self._ending()]

    def _items(self, items: Iterable[SseItem], *, cut: bool = False) -> list[Event]:
        events: list[Event] = []
        for item in items:
            if self._over:
                break
            if isinstance(item, SseComment):
                self._understood = True
                events.append(Ping())
                continue
            payload = item.data.strip()
            if payload == DONE or (not payload and item.name.lower() in END_NAMES):
                self._understood = True
                events += self._until_over(self._reader.over(marked=True))
            elif given := item.data if self._reader.raw else payload:
                events += self._until_over(self._read(given, item.name, cut=cut))
        return events


class NdjsonBody(_Body):
    """Decodes one JSON text a line."""

    def __init__(self, reader: Reader, limit: int = LIMIT_BYTES) -> None:
        """Take lines of up to ``limit`` bytes."""
        super().__init__(reader, limit)
        self._lines = LineSplitter(limit=limit)

    def feed(self, data: bytes) -> Sequence[Event]:
        """Return the events of the lines that this read completed."""
        events: list[Event] = []
        for line in self._lines.feed(data):
            if self._over:
                break
            if line.strip():
                events += self._until_over(self._read(line))
        if self._lines.overflow:
            events += self._until_over([self._too_long()])
        return events

    def finish(self) -> Sequence[Event]:
        """Return the events of a last line without its end."""
        if self._over:
            return []
        rest = self._lines.finish()
        events = self._until_over(self._read(rest, cut=True)) if rest.strip() else []
        return [*events, *self._ending()]


class MessageBody(_Body):
    """Decodes messages: each ``feed`` is one, whole, and one payload."""

    def __init__(self, reader: Reader, limit: int = LIMIT_BYTES) -> None:
        """Take messages of up to ``limit`` bytes."""
        super().__init__(reader, limit)

    def feed(self, data: bytes) -> Sequence[Event]:
        """Return the events of this message."""
        if self._over:
            return []
        if len(data) > self._limit:
            return self._until_over([self._too_long()])
        payload = data.strip()
        if payload == DONE:
            return self._until_over(self._reader.over(marked=True))
        given = data if self._reader.raw else payload
        return self._until_over(self._read(given)) if given else []

    def finish(self) -> Sequence[Event]:
        """Return what the end of the conversation brings."""
        return self._ending()


class WholeBody(_Body):
    """Decodes a body that is one JSON text, and says nothing before it is whole."""

    def __init__(self, reader: Reader, limit: int = LIMIT_BYTES) -> None:
        """Take bodies of up to ``limit`` bytes."""
        super().__init__(reader, limit)
        self._bytes = bytearray()

    def feed(self, data: bytes) -> Sequence[Event]:
        """Keep the bytes; only a body that is too long is told at once."""
        if self._over:
            return []
        self._bytes += data
        if len(self._bytes) > self._limit:
            self._bytes.clear()
            return self._until_over([self._too_long()])
        return []

    def taken(self) -> bytes:
        """Return what came so far."""
        return bytes(self._bytes)

    def finish(self) -> Sequence[Event]:
        """Return all events of the body."""
        body = self.taken().strip()
        if self._over or not body:
            return []
        # A body that breaks off was cut by a connection that ends without saying so.
        self._understood = body.startswith(b"{") and not body.endswith(b"}")
        events = self._until_over(self._read(body, cut=True))
        return [*events, *self._ending()]


def in_one_piece(events: Iterable[Event]) -> list[Event]:
    """Return events with texts of one kind in a row joined: what came whole has no pieces."""
    joined: list[Event] = []
    for event in events:
        before = joined[-1] if joined else None
        if isinstance(event, Text) and isinstance(before, Text) and event.kind == before.kind:
            joined[-1] = msgspec.structs.replace(before, text=before.text + event.text)
        else:
            joined.append(event)
    return joined


def _failure(payload: bytes, name: str, error: lenient.NotValidError) -> Failure:
    """Say what a payload is that is not the protocol: perhaps an error of another shape."""
    if name == "error":
        return Failure("server", read_report(payload).text)
    try:
        value = lenient.decode(payload, _ANY)
    except lenient.NotValidError:
        value = None
    if find_report(value) is not None:
        return faults.reported(value)
    head = clean(payload[: 4 * _HEAD_CHARS].decode("utf-8", "replace"), _HEAD_CHARS)
    return Failure("malformed", f"{error}: {head}")
