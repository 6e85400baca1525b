"""TLS by memory buffers over a stamped connection, so that its stamps survive decryption."""

import asyncio
import contextlib
import ssl
import time
from typing import Any, Protocol

import httpcore

from streamscope.probe.failures import HandshakeError
from streamscope.probe.wire import READ_BYTES, Wire


class Carrier(Protocol):
    """The connection below."""

    async def take(self, max_bytes: int, limit_s: float | None) -> bytes:
        """Return bytes that are no part of the answer as they are; none at the end."""

    async def send(self, buffer: bytes, limit_s: float | None) -> None:
        """Hand bytes over that are no part of the request."""

    async def aclose(self) -> None:
        """Close the connection at once."""

    def get_extra_info(self, info: str) -> Any:
        """Return what httpcore asks of its streams."""


class TLSStream(httpcore.AsyncNetworkStream):
    """TLS by memory buffers over a stamped connection, so that its stamps survive decryption."""

    def __init__(
        self,
        inner: Carrier,
        wire: Wire,
        context: ssl.SSLContext,
        server_hostname: str | None,
    ) -> None:
        self._inner = inner
        self._wire = wire
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._ssl = context.wrap_bio(
            self._incoming, self._outgoing, server_hostname=server_hostname
        )

    async def handshake(self, limit_s: float | None) -> None:
        """Shake hands."""
        try:
            async with asyncio.timeout(limit_s):
                while True:
                    try:
                        self._ssl.do_handshake()
                    except ssl.SSLWantReadError:
                        await self._flush(None)
                        if not await self._fill(None):
                            raise HandshakeError("closed during the TLS handshake") from None
                    else:
                        await self._flush(None)
                        return
        except TimeoutError as error:
            await self.aclose()
            raise HandshakeError("the TLS handshake took too long") from error
        except ssl.SSLError as error:
            with contextlib.suppress(httpcore.NetworkError):
                await self._flush(1.0)  # the alert that tells the server why
            await self.aclose()
            raise HandshakeError(str(error)) from error
        except HandshakeError:
            await self.aclose()
            raise
        except httpcore.NetworkError as error:
            await self.aclose()
            raise HandshakeError(str(error)) from error

    async def _flush(self, limit_s: float | None) -> None:
        if data := self._outgoing.read():
            await self._inner.send(data, limit_s)

    async def _fill(self, limit_s: float | None) -> bool:
        data = await self._inner.take(READ_BYTES, limit_s)
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()
        return bool(data)

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return decrypted bytes; they arrived with the last read that was needed for them."""
        while True:
            try:
                data = self._ssl.read(max_bytes)
            except ssl.SSLWantReadError:
                await self._flush(timeout)
                await self._fill(timeout)
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""
            except ssl.SSLError as error:
                raise httpcore.ReadError(str(error)) from error
            else:
                self._wire.heard |= bool(data)  # none at the end
                return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Encrypt bytes and hand them to the operating system."""
        if not buffer:
            return
        self._wire.writing(time.monotonic_ns())
        view = memoryview(buffer)
        while view:
            try:
                view = view[self._ssl.write(view) :]
            except ssl.SSLWantReadError:
                await self._flush(timeout)
                await self._fill(timeout)
            except ssl.SSLError as error:
                raise httpcore.WriteError(str(error)) from error
        await self._flush(timeout)
        self._wire.wrote()

    async def aclose(self) -> None:
        """Close the connection at once."""
        await self._inner.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Refuse TLS inside TLS: it is only needed behind a proxy that itself speaks TLS."""
        raise httpcore.ConnectError("TLS inside TLS is not supported")

    def get_extra_info(self, info: str) -> Any:
        """Return what httpcore asks of its streams."""
        if info == "ssl_object":
            return self._ssl
        if info == "is_readable" and self._incoming.pending:
            return True
        return self._inner.get_extra_info(info)
