"""An httpx transport over stamped sockets."""

import ssl
import typing
from collections.abc import AsyncIterator

import httpcore
import httpx

from streamscope.probe.backend import StampedBackend
from streamscope.probe.wire import Wire


class _Body(httpx.AsyncByteStream):
    """The body of a response, passed through as it comes."""

    def __init__(self, stream: typing.AsyncIterable[bytes]) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._stream:
            yield part

    async def aclose(self) -> None:
        close = getattr(self._stream, "aclose", None)
        if close is not None:
            await close()


class StampedTransport(httpx.AsyncBaseTransport):
    """One connection, stamped, for one request after the other.

    A connection that is used again spares its run what the first one paid, and some servers close
    idle ones just as they are used again; so it is not kept open unless that is asked for. If one
    turns out to be closed before a single byte of the answer came, a fresh one is opened.

    Raises the exceptions of ``httpcore``.

    Attributes:
        wire: What the connection saw for the request under way.
    """

    def __init__(
        self,
        wire: Wire,
        context: ssl.SSLContext,
        proxy: str | None = None,
        *,
        keep_open: bool = False,
    ) -> None:
        """Prepare a connection; it is opened by the first request.

        Args:
            wire: Is told what the connection sees.
            context: For TLS.
            proxy: URL of an HTTP proxy.
            keep_open: Whether the connection may serve another request.
        """
        self.wire = wire
        self._pool = _pool(StampedBackend(wire), context, proxy, kept=int(keep_open))

    @property
    def is_idle(self) -> bool:
        """Whether there is a connection whose last answer is complete, and nothing came after."""
        return any(
            connection.is_idle() and not connection.has_expired()
            for connection in self._pool.connections
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; return when the response headers are complete."""
        try:
            return await self._send(request)
        except (httpcore.ReadError, httpcore.WriteError, httpcore.RemoteProtocolError):
            if not self.wire.stale:
                raise
            self.wire.begin()
            return await self._send(request)

    async def _send(self, request: httpx.Request) -> httpx.Response:
        assert isinstance(request.stream, httpx.AsyncByteStream)
        response = await self._pool.handle_async_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=request.url.raw_path,
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        assert isinstance(response.stream, typing.AsyncIterable)
        return httpx.Response(
            status_code=response.status,
            headers=response.headers,
            stream=_Body(response.stream),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        """Close the connection."""
        await self._pool.aclose()


def _pool(
    backend: StampedBackend, context: ssl.SSLContext, proxy: str | None, kept: int
) -> httpcore.AsyncConnectionPool:
    if not proxy:
        return httpcore.AsyncConnectionPool(
            ssl_context=context,
            max_connections=1,
            max_keepalive_connections=kept,
            network_backend=backend,
        )
    try:
        way = httpx.Proxy(proxy)
    except (ValueError, httpx.InvalidURL) as error:
        raise httpcore.ProxyError(str(error)) from error
    return httpcore.AsyncHTTPProxy(
        httpcore.URL(
            scheme=way.url.raw_scheme, host=way.url.raw_host, port=way.url.port, target=b"/"
        ),
        proxy_auth=way.raw_auth,
        ssl_context=context,
        proxy_ssl_context=context if way.url.scheme == "https" else None,
        max_connections=1,
        max_keepalive_connections=kept,
        network_backend=backend,
    )
