"""uvicorn's connections, with a way for the app to break them: ASGI itself has none."""

from collections.abc import Callable
from typing import Any, cast

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.wsproto_impl import WSProtocol

from streamscope.engines.performance import ABORT


class Http(H11Protocol):
    """An HTTP connection that its app can break."""

    def connection_made(self, transport: Any) -> None:
        """Let the app know how."""
        super().connection_made(transport)
        self.app = cast(Any, breakable(cast(ASGIApp, self.app), transport))


class Socket(WSProtocol):
    """A WebSocket that its app can break."""

    def connection_made(self, transport: Any) -> None:
        """Let the app know how."""
        super().connection_made(transport)
        self.app = cast(Any, breakable(cast(ASGIApp, self.app), transport))

    def shutdown(self) -> None:
        """Leave it to the app, which ends the conversation with a word when its time is over."""
        self.stop_keepalive()


def breakable(app: ASGIApp, transport: Any) -> ASGIApp:
    """Return the app with an extension in its scope that breaks this connection."""
    breaking: Callable[[], None] = transport.abort

    async def reached(scope: Scope, receive: Receive, send: Send) -> None:
        extensions = {**scope.get("extensions", {}), ABORT: breaking}
        await app({**scope, "extensions": extensions}, receive, send)

    return reached
