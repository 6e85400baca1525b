"""WebSockets over a stamped connection: bytes in, messages out, each with the read that ended it.

The connection is opened by an ordinary HTTP request, so name, TLS, proxy and refusals are those of
every other run. From then on the frames are read here, by a library without I/O, from the very
bytes that carry the stamps. Nothing is compressed: what a frame says arrived when it arrived.

Imported by the first run that needs it, before it connects, so that no other run pays for it.
"""

import contextlib
import functools
from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

import httpcore
from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import (
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    Pong,
    TextMessage,
)
from wsproto.utilities import generate_accept_token, generate_nonce

from streamscope.probe.failures import NoMessagesError
from streamscope.probe.wire import READ_BYTES
from streamscope.wire.base import HttpCall

UPGRADED = 101
"""HTTP status with which a server agrees."""

NO_CODE = 1005
"""What stands for the code of a close that had none."""

_LEAVING = 1000
_GOING_AWAY = 1001
_WRITE_S = 30.0
_HTTP = {"ws": "http", "wss": "https"}


class Part(NamedTuple):
    """Some of a message.

    Attributes:
        size: Bytes of text or data that it brought.
        message: The whole message, if it ended with them.
    """

    size: int
    message: bytes | None


class Alive(NamedTuple):
    """A ping or a pong: a sign of life, never text."""


class Closed(NamedTuple):
    """The server closed the conversation.

    Attributes:
        code: Its close code; 1005 for none.
        reason: What it said with it.
    """

    code: int
    reason: str


Heard: TypeAlias = Part | Alive | Closed


class Opening:
    """The HTTP request that asks for a conversation."""

    def __init__(self, call: HttpCall) -> None:
        """Prepare to ask for what ``call`` describes; its body is for later."""
        nonce = generate_nonce()
        scheme, _, rest = call.url.partition(":")
        self._accept = generate_accept_token(nonce).decode()
        self.call = HttpCall(
            method="GET",
            url=f"{_HTTP.get(scheme, scheme)}:{rest}",
            headers={
                **call.headers,
                "Accept-Encoding": "identity",
                "Connection": "Upgrade",
                "Upgrade": "websocket",
                "Sec-WebSocket-Version": "13",
                "Sec-WebSocket-Key": nonce.decode(),
            },
        )

    def check(self, status: int, headers: Mapping[str, str]) -> None:
        """Check that the server has agreed.

        Raises:
            NoMessagesError: It answered as a server does that knows no WebSockets.
        """
        if status != UPGRADED:
            raise NoMessagesError(f"it answered by HTTP, with status {status}")
        if headers.get("sec-websocket-accept", "").strip() != self._accept:
            raise NoMessagesError("it did not confirm the key of the handshake")


class WebSocket:
    """An open WebSocket, seen from the client."""

    def __init__(self, stream: httpcore.AsyncNetworkStream, stall_s: float) -> None:
        """Take over a connection.

        Args:
            stream: The connection, after the handshake.
            stall_s: How long the server may be silent, in seconds.
        """
        self._stream = stream
        self._stall_s = stall_s
        self._frames = Connection(ConnectionType.CLIENT)
        self._message: list[bytes] = []
        self._unreadable: NoMessagesError | None = None

    async def say(self, text: bytes) -> None:
        """Send one message of text, in one frame.

        Raises:
            WriteError, WriteTimeout: As httpcore does.
        """
        await self._send(TextMessage(text.decode()), _WRITE_S)

    async def hear(self) -> list[Heard]:
        """Return what the next read brought, in order; pings are answered.

        Raises:
            NoMessagesError: It is no WebSocket. What came before that in the same read has been
                returned.
            ReadError, ReadTimeout, RemoteProtocolError: As httpcore does; the last one where the
                connection ends without a word.
        """
        if self._unreadable is not None:
            raise self._unreadable
        data = await self._stream.read(READ_BYTES, timeout=self._stall_s)
        if not data:
            raise httpcore.RemoteProtocolError("it ended without a close frame")
        self._frames.receive_data(data)
        heard: list[Heard] = []
        for event in self._frames.events():
            if isinstance(event, TextMessage | BytesMessage):
                heard.append(self._part(event))
            elif isinstance(event, CloseConnection):
                heard += self._closed(event)
            else:
                if isinstance(event, Ping) and self._frames.state is ConnectionState.OPEN:
                    await self._mention(event.response())
                heard.append(Alive())
        return heard

    async def leave(self) -> None:
        """Say that nothing more is wanted, and confirm it if the server said so first."""
        if self._frames.state in (ConnectionState.OPEN, ConnectionState.REMOTE_CLOSING):
            await self._mention(CloseConnection(code=_LEAVING))

    async def abandon(self) -> None:
        """Say that nobody listens any more; the connection is to be closed right after."""
        if self._frames.state is ConnectionState.OPEN:
            await self._mention(CloseConnection(code=_GOING_AWAY))

    async def _mention(self, event: Event) -> None:
        """Send a control frame if that takes no time at all: a server that is gone needs none."""
        with contextlib.suppress(httpcore.NetworkError, httpcore.TimeoutException):
            await self._send(event, 0)

    async def _send(self, event: Event, limit_s: float) -> None:
        await self._stream.write(self._frames.send(event), timeout=limit_s)

    def _part(self, event: TextMessage | BytesMessage) -> Part:
        data = event.data.encode() if isinstance(event.data, str) else bytes(event.data)
        self._message.append(data)
        if not event.message_finished:
            return Part(len(data), None)
        message = b"".join(self._message)
        self._message.clear()
        return Part(len(data), message)

    def _closed(self, event: CloseConnection) -> list[Heard]:
        if self._frames.state in (ConnectionState.OPEN, ConnectionState.LOCAL_CLOSING):
            # The library says so of frames that it can't read; nobody has closed anything.
            self._unreadable = NoMessagesError(event.reason or "frames that can't be read")
            return []
        return [Closed(event.code or NO_CODE, event.reason or "")]


@functools.cache
def prime() -> None:
    """Walk once through what a conversation will need, so that none pays for first calls."""
    near, far = Connection(ConnectionType.CLIENT), Connection(ConnectionType.SERVER)
    far.receive_data(near.send(TextMessage("{}")))
    said: tuple[Event, ...] = (
        Ping(b"x"),
        TextMessage("a", message_finished=False),
        TextMessage("b"),
        BytesMessage(b"c"),
        CloseConnection(code=_LEAVING),
    )
    for event in (*far.events(), *said):
        if event in said:
            near.receive_data(far.send(event))
    for event in near.events():
        if isinstance(event, Ping | CloseConnection):
            answer = event.response()
            assert isinstance(answer, Pong | CloseConnection)
            near.send(answer)
