"""Sockets that remember when their bytes arrived, as a network backend for httpcore.

A socket is read the moment it becomes readable, whether or not anybody waits for the data: when
several segments queue in the kernel before one read, only the last one's time survives.
"""

import asyncio
import contextlib
import errno
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import httpcore

from streamscope.probe import clock
from streamscope.probe.failures import HandshakeError, ResolveError
from streamscope.trace import Clock, MarkName

READ_BYTES = 65536
"""Most bytes of one read."""

QUEUE_BYTES = 8 * 1024 * 1024
"""Bytes that may wait to be decoded before the socket is left alone for a while."""


def _nothing() -> None:
    """Do nothing."""


class Wire:
    """What one connection saw, for the run that uses it: all times monotonic, in ns.

    Attributes:
        marks: Moments of connecting and sending, absolute.
        arrived_ns: Arrival of the bytes that were handed out last.
        read_index: Number of the read that brought them, from 0.
        wanted: Where arrival times are to come from, if that can be had.
        clock: ``kernel`` as long as the kernel has stamped every arrival.
        on_written: Called after each write of the request.
    """

    def __init__(self, *, wanted: Clock = "kernel") -> None:
        self.wanted = wanted
        self.marks: dict[MarkName, int] = {}
        self.arrived_ns = 0
        self.read_index = -1
        self.clock: Clock = "read"
        self.on_written: Callable[[], object] = _nothing
        self._write_began_ns = 0

    def wrote(self, began_ns: int) -> None:
        """Note a finished write: the last one before the answer is when the request was sent."""
        self.marks.setdefault("sending", began_ns)
        self.marks["sent"] = time.monotonic_ns()
        self._write_began_ns = began_ns
        self.on_written()

    def answered(self) -> None:
        """Note that the bytes handed out last belong to the answer, so the request went before.

        A server on the same machine may read, answer and be heard before the write returns here.
        Then the beginning of the last write is the latest moment known to lie before the answer.
        """
        if self.arrived_ns < self.marks["sent"]:
            self.marks["sent"] = min(self._write_began_ns, self.arrived_ns)

    def forget_writes(self) -> None:
        """Drop what was written for a handshake or a tunnel: it was not the request."""
        self.marks.pop("sending", None)
        self.marks.pop("sent", None)


class StampedStream(httpcore.AsyncNetworkStream):
    """A TCP connection whose reads are stamped."""

    def __init__(self, sock: socket.socket, wire: Wire) -> None:
        self._sock = sock
        self._wire = wire
        self._loop = asyncio.get_running_loop()
        self._kernel = wire.wanted == "kernel" and clock.enable(sock)
        wire.clock = "kernel" if self._kernel else "read"
        self._queue: deque[tuple[int, int, bytes]] = deque()
        self._queued = 0
        self._reads = 0
        self._last_ns = time.monotonic_ns()
        self._ended = False
        self._error: OSError | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._reading = False
        self._closed = False
        self._resume()

    def _resume(self) -> None:
        if not self._reading and not self._ended and not self._closed:
            self._loop.add_reader(self._sock.fileno(), self._on_readable)
            self._reading = True

    def _pause(self) -> None:
        if self._reading:
            self._loop.remove_reader(self._sock.fileno())
            self._reading = False

    def _on_readable(self) -> None:
        stamp: int | None = None
        try:
            if self._kernel:
                data, ancillary, _, _ = self._sock.recvmsg(READ_BYTES, clock.ANCILLARY_BYTES)
                now = time.monotonic_ns()
                if data:
                    stamp = clock.arrival_ns(ancillary, self._last_ns, now)
            else:
                data = self._sock.recv(READ_BYTES)
                now = time.monotonic_ns()
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._error = error
            self._ended = True
            now, data = time.monotonic_ns(), b""
        if data:
            if stamp is None:
                # One arrival without a stamp, and the trace may not claim kernel times.
                self._wire.clock = "read"
                stamp = now
            self._last_ns = stamp
            self._queue.append((stamp, self._reads, data))
            self._reads += 1
            self._queued += len(data)
            if self._queued > QUEUE_BYTES:
                self._pause()
        else:
            self._ended = True
            self._last_ns = now
        if self._ended:
            self._pause()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return the bytes of the oldest read that was not handed out yet; none at the end."""
        if not self._queue and not self._ended:
            self._waiter = self._loop.create_future()
            try:
                async with asyncio.timeout(timeout):
                    await self._waiter
            except TimeoutError as error:
                raise httpcore.ReadTimeout(f"nothing received for {timeout:g} s") from error
            finally:
                self._waiter = None
        if not self._queue:
            self._wire.arrived_ns = self._last_ns
            if self._error is not None:
                raise httpcore.ReadError(str(self._error)) from self._error
            return b""
        arrived_ns, index, data = self._queue.popleft()
        if len(data) > max_bytes:
            self._queue.appendleft((arrived_ns, index, data[max_bytes:]))
            data = data[:max_bytes]
        self._queued -= len(data)
        if self._queued <= QUEUE_BYTES // 2:
            self._resume()
        self._wire.arrived_ns = arrived_ns
        self._wire.read_index = index
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Hand bytes to the operating system."""
        if not buffer:
            return
        began = time.monotonic_ns()
        await self.send(buffer, timeout)
        self._wire.wrote(began)

    async def send(self, buffer: bytes, limit_s: float | None) -> None:
        """Hand bytes over without taking them for a part of the request."""
        try:
            async with asyncio.timeout(limit_s):
                await self._loop.sock_sendall(self._sock, buffer)
        except TimeoutError as error:
            raise httpcore.WriteTimeout("the server takes no data") from error
        except OSError as error:
            raise httpcore.WriteError(str(error)) from error

    async def aclose(self) -> None:
        """Close the connection at once: the server learns that nobody waits any more."""
        if not self._closed:
            self._pause()
            self._closed = True
            self._sock.close()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Return a TLS connection over this one; its reads keep this one's stamps."""
        stream = TLSStream(self, self._wire, ssl_context, server_hostname)
        await stream.handshake(timeout)
        self._wire.marks["secured"] = time.monotonic_ns()
        self._wire.forget_writes()
        return stream

    def get_extra_info(self, info: str) -> Any:
        """Return what httpcore asks of its streams."""
        if info == "socket":
            return self._sock
        if info == "is_readable":
            return self._closed or self._ended or bool(self._queue)
        if info == "server_addr":
            return self._sock.getpeername()
        if info == "client_addr":
            return self._sock.getsockname()
        return None


class TLSStream(httpcore.AsyncNetworkStream):
    """TLS by memory buffers over a stamped connection, so that its stamps survive decryption."""

    def __init__(
        self,
        inner: StampedStream,
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
        data = await self._inner.read(READ_BYTES, limit_s)
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()
        return bool(data)

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return decrypted bytes; they arrived with the last read that was needed for them."""
        while True:
            try:
                return self._ssl.read(max_bytes)
            except ssl.SSLWantReadError:
                await self._flush(timeout)
                await self._fill(timeout)
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""
            except ssl.SSLError as error:
                raise httpcore.ReadError(str(error)) from error

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Encrypt bytes and hand them to the operating system."""
        if not buffer:
            return
        began = time.monotonic_ns()
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
        self._wire.wrote(began)

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
        return self._inner.get_extra_info(info)


class StampedBackend(httpcore.AsyncNetworkBackend):
    """Opens connections for one run and notes when."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Resolve the name and connect to the first address that answers."""
        marks = self._wire.marks
        marks["connecting"] = time.monotonic_ns()
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout):
                addresses = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
                marks["resolved"] = time.monotonic_ns()
                sock = await _connect_any(addresses, timeout)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout("no connection in time") from error
        except socket.gaierror as error:
            raise ResolveError(str(error)) from error
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        marks["connected"] = time.monotonic_ns()
        return StampedStream(sock, self._wire)

    async def sleep(self, seconds: float) -> None:
        """Sleep, for httpcore's retries."""
        await asyncio.sleep(seconds)


async def _connect_any(addresses: list[Any], limit_s: float | None) -> socket.socket:
    """Connect to the first address that answers; leave the later ones some of the time."""
    failure = OSError(errno.EADDRNOTAVAIL, "the name has no address")
    for left, (family, kind, number, _, address) in zip(
        range(len(addresses), 0, -1), addresses, strict=True
    ):
        sock = socket.socket(family, kind, number)
        sock.setblocking(False)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            share = limit_s / 2 if limit_s and left > 1 else None
            async with asyncio.timeout(share):
                await asyncio.get_running_loop().sock_connect(sock, address)
        except OSError as error:  # TimeoutError is one
            sock.close()
            failure = error
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise failure
