"""WebSockets, of which no two are alike: one message each way is an event.

What is sent first is a JSON text as other home-made servers get it (see ``homemade``), or the
prompt alone, or, where the path ends in ``/responses``, OpenAI's ``response.create``. What comes
back tells by itself what it is: OpenAI's events, objects with text under one of many names, or
bare text (see ``tokens``).

The transport feeds one message at a time, and hands what the socket was closed with to ``closed``.
"""

from collections.abc import Sequence
from typing import Any, ClassVar
from urllib.parse import urlsplit

import msgspec

from streamscope.trace import Fault, FaultCode, Mode, Request, Target
from streamscope.wire import faults, lenient
from streamscope.wire.base import Decoder, HttpCall
from streamscope.wire.bodies import MessageBody, Reader, in_one_piece
from streamscope.wire.events import End, Event, Failure
from streamscope.wire.homemade import Homemade, members, route
from streamscope.wire.openai_responses import OpenAIResponses, ResponsesReader
from streamscope.wire.request import merge, missing
from streamscope.wire.tokens import TokenReader

_USUAL = "/ws"
_SCHEMES = {"http": "ws", "https": "wss"}
_RESPONSES = OpenAIResponses()

_CLEAN = (1000, 1005)
_CODES: dict[int, FaultCode] = {
    1001: "cut",  # the server went away
    1006: "cut",  # nobody said anything
    1008: "request",  # against the rules of the server
    1009: "request",  # too large
    1012: "cut",  # it starts anew
    1013: "busy",
    1015: "tls",
    3000: "auth",
    3003: "auth",
    3008: "busy",
    4001: "auth",
    4003: "auth",
    4029: "busy",
    4401: "auth",
    4403: "auth",
    4429: "busy",
}
"""Close codes; the last ones are what many make of HTTP's statuses. All others are errors of the
server."""


def closed(code: int, reason: str) -> Failure | None:
    """Return what it means that a server closed the socket; ``None`` if that is no error.

    Args:
        code: Close code; 1005 for none, 1006 for a connection that just broke.
        reason: What the server said with it.
    """
    if code in _CLEAN:
        return None
    return Failure(_CODES.get(code, "server"), reason or f"the socket was closed with code {code}")


class _Kind(msgspec.Struct):
    type: str | None = None


_KIND = msgspec.json.Decoder(_Kind)


class MessageReader(Reader):
    """Reads messages of any convention, and finds out which it is."""

    raw: ClassVar[bool] = True

    def __init__(self) -> None:
        """Start before the first message."""
        self._reader: TokenReader | ResponsesReader = TokenReader()
        self._decided = False

    def read(self, payload: bytes, name: str = "message") -> list[Event]:
        """Return the events of one message."""
        if not self._decided and _is_openai(payload):
            self._decided = True
            self._reader = ResponsesReader("stream")
        events = self._reader.read(payload, name)
        self._decided = self._decided or bool(events)
        return events

    def close(self) -> list[Event]:
        """Return text that was held back because it might have been a tag."""
        return self._reader.close()

    def over(self, *, marked: bool) -> list[Event]:
        """End as the convention has it."""
        return self._reader.over(marked=marked)


class _Held(Decoder):
    """Holds what messages say until the answer is over, as a blocking channel must."""

    def __init__(self, messages: MessageBody) -> None:
        self._messages = messages
        self._events: list[Event] = []

    def feed(self, data: bytes) -> Sequence[Event]:
        """Take a message; return all events with the one that ends them, as no close may follow."""
        self._events += self._messages.feed(data)
        over = self._events and isinstance(self._events[-1], End | Failure)
        return self._given() if over else []

    def finish(self) -> Sequence[Event]:
        """Return all events."""
        self._events += self._messages.finish()
        return self._given()

    def _given(self) -> list[Event]:
        events, self._events = self._events, []
        return in_one_piece(events)


class WebSocket(Homemade):
    """Asked with a JSON text, or with ``response.create`` where the path ends in ``/responses``."""

    name: ClassVar[str] = "websocket"
    label: ClassVar[str] = "a server that sends tokens over a WebSocket, asked with JSON"

    def call(self, target: Target, request: Request, mode: Mode, key: str | None) -> HttpCall:
        """Return where to connect, and the first message, of text, as the body."""
        return HttpCall(
            method="WEBSOCKET",
            url=_called(target),
            headers={"Authorization": f"Bearer {key}"} if key else {},
            body=self._first(target, request, mode),
        )

    def decoder(self, mode: Mode) -> Decoder:
        """Return a decoder that takes one message at a time."""
        messages = MessageBody(MessageReader())
        return messages if mode == "stream" else _Held(messages)

    def unsent(self, target: Target, request: Request) -> tuple[str, ...]:
        """Return what the first message has no member for."""
        if _wants_openai(target):
            return _RESPONSES.unsent(target, request)
        return super().unsent(target, request)

    def tells_length(self, target: Target) -> bool:
        """Return whether the convention that is spoken there has a word for it."""
        return _wants_openai(target) and _RESPONSES.tells_length(target)

    def fault(self, target: Target, status: int, body: bytes) -> Fault:
        """Say why the server did not open a socket."""
        return faults.refused(target, status, body, _called(target))

    def _first(self, target: Target, request: Request, mode: Mode) -> bytes:
        """Return the first message."""
        if not _wants_openai(target):
            return lenient.encode(members(target, request) | {"stream": mode == "stream"})
        body: dict[str, Any] = {"type": "response.create", **_RESPONSES.members(target, request)}
        merge(body, request.params)
        return lenient.encode(body)


class WebSocketText(WebSocket):
    """Asked with nothing but the prompt."""

    name: ClassVar[str] = "websocket-text"
    label: ClassVar[str] = "a server that sends tokens over a WebSocket, asked with bare text"

    def unsent(
        self,
        target: Target,  # noqa: ARG002 (none of them can take more)
        request: Request,
    ) -> tuple[str, ...]:
        """Return all that was asked for beside the prompt."""
        names = ("system", "temperature", "top_p", "seed", "max_tokens", "stop", "think")
        return (*missing(request, *names), *request.params)

    def _first(
        self,
        target: Target,  # noqa: ARG002 (a bare prompt is the same for all)
        request: Request,
        mode: Mode,  # noqa: ARG002 (the same)
    ) -> bytes:
        return lenient.encode_text(request.prompt)


def _called(target: Target) -> str:
    """Return the URL of the socket: where the URL says, in both modes."""
    url = route(target.url, "stream", _USUAL)
    scheme, _, rest = url.partition(":")
    return f"{_SCHEMES.get(scheme, scheme)}:{rest}"


def _wants_openai(target: Target) -> bool:
    return urlsplit(target.url).path.rstrip("/").endswith("/responses")


def _is_openai(payload: bytes) -> bool:
    if not payload.lstrip().startswith(b"{"):
        return False
    try:
        kind = lenient.decode(payload, _KIND).type
    except lenient.NotValidError:
        return False
    return kind is not None and kind.startswith("response.")
