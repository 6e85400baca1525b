"""An httpx transport over stamped sockets."""

import ssl
import typing
from collections.abc import AsyncIterator

import httpcore
import httpx

from streamscope.probe.backend import StampedBackend, Wire


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
    """One fresh connection for one request, stamped.

    A kept-alive connection would spare the second run of a pair what the first one paid, and some
    servers close idle ones just as they are used again; so none is kept.

    Raises the exceptions of ``httpcore``.
    """

    def __init__(self, wire: Wire, context: ssl.SSLContext, proxy: str | None = None) -> None:
        backend = StampedBackend(wire)
        self._pool: httpcore.AsyncConnectionPool
        if proxy:
            self._pool = _proxied(proxy, context, backend)
        else:
            self._pool = httpcore.AsyncConnectionPool(
                ssl_context=context,
                max_connections=1,
                max_keepalive_connections=0,
                network_backend=backend,
            )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; return when the response headers are complete."""
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


def _proxied(
    proxy: str, context: ssl.SSLContext, backend: StampedBackend
) -> httpcore.AsyncHTTPProxy:
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
        max_keepalive_connections=0,
        network_backend=backend,
    )
