"""uvicorn's connections, with a way for the app to break them: ASGI itself has none."""

import socket
from collections.abc import Callable
from typing import Any, cast

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.wsproto_impl import WSProtocol

from streamscope.engines.performance import ABORT

HELD_BYTES = 16 * 1024
"""Bytes of an answer that wait on this side for somebody who takes nothing, in the system and here;
Linux doubles its share."""


class Http(H11Protocol):
    """An HTTP connection that its app can break."""

    def connection_made(self, transport: Any) -> None:
        """Let the app know how."""
        super().connection_made(transport)
        send_at_once(transport)
        hold_little(transport)
        self.app = cast(Any, breakable(cast(ASGIApp, self.app), transport))


class Socket(WSProtocol):
    """A WebSocket that its app can break."""

    def connection_made(self, transport: Any) -> None:
        """Let the app know how."""
        super().connection_made(transport)
        send_at_once(transport)
        hold_little(transport)
        self.app = cast(Any, breakable(cast(ASGIApp, self.app), transport))

    def shutdown(self) -> None:
        """Leave it to the app, which ends the conversation with a word when its time is over."""


def send_at_once(transport: Any) -> None:
    """Have every write leave as it is made: or else a token may wait 40 ms for an acknowledgement.

    asyncio does so only for sockets that were made with the number of TCP, and those that a plain
    listener accepts were not.
    """
    transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def hold_little(transport: Any) -> None:
    """Have the system take little that the other side has not: it would take megabytes of a stream.

    Who takes nothing could else not be told, for minutes, from who reads on.
    """
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, HELD_BYTES)
    transport.set_write_buffer_limits(high=HELD_BYTES)


def breakable(app: ASGIApp, transport: Any) -> ASGIApp:
    """Return the app with an extension in its scope that breaks this connection."""
    breaking: Callable[[], None] = transport.abort

    async def reached(scope: Scope, receive: Receive, send: Send) -> None:
        extensions = {**scope.get("extensions", {}), ABORT: breaking}
        await app({**scope, "extensions": extensions}, receive, send)

    return reached
