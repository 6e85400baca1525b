"""Sockets that remember when their bytes arrived, as a network backend for httpcore.

A socket is read the moment it becomes readable, whether or not anybody waits for the data: when
several segments queue in the kernel before one read, only the last one's time survives.
"""

import asyncio
import errno
import ipaddress
import socket
import ssl
import time
from collections import deque
from collections.abc import Iterable
from typing import Any

import httpcore

from streamscope.probe import clock
from streamscope.probe.failures import ResolveError
from streamscope.probe.segments import SegmentCounter
from streamscope.probe.tls import TLSStream
from streamscope.probe.wire import READ_BYTES, Arrival, Wire

QUEUE_BYTES = 8 * 1024 * 1024
"""Bytes that may wait to be decoded before the socket is left alone for a while."""


class StampedStream(httpcore.AsyncNetworkStream):
    """A TCP connection whose reads are stamped."""

    def __init__(self, sock: socket.socket, wire: Wire) -> None:
        self._sock = sock
        self._wire = wire
        self._loop = asyncio.get_running_loop()
        self._kernel = wire.wanted == "kernel" and clock.enable(sock)
        self._wall = clock.WallClock()
        self._segments = SegmentCounter(sock)
        wire.opened(self._segments, stamped=self._kernel)
        self._queue: deque[tuple[Arrival, bytes]] = deque()
        self._queued = 0
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
        ancillary: list[tuple[int, int, bytes]] = []
        try:
            if self._kernel:
                data, ancillary, _, _ = self._sock.recvmsg(READ_BYTES, clock.ANCILLARY_BYTES)
            else:
                data = self._sock.recv(READ_BYTES)
            now = time.monotonic_ns()
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._error = error
            now, data = time.monotonic_ns(), b""
        if data:
            self._arrived(data, self._stamp(ancillary, now), now)
        else:
            self._ended = True
            self._last_ns = now
            self._pause()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
        elif self._wire.on_stray is not None:
            self._wire.on_stray()

    def _stamp(self, ancillary: list[tuple[int, int, bytes]], now_ns: int) -> int:
        """Return when bytes arrived that were read just now."""
        if self._kernel:
            offset = self._wall.offset_ns()
            if offset is not None:
                stamp = clock.arrival_ns(ancillary, offset, self._last_ns, now_ns)
                if stamp is not None:
                    return stamp
            # One arrival without a stamp, and the trace may not claim kernel times.
            self._wire.clock = "read"
        return now_ns

    def _arrived(self, data: bytes, stamp_ns: int, now_ns: int) -> None:
        segments = self._segments.count(len(data), cut=len(data) == READ_BYTES)
        arrival = Arrival(stamp_ns, now_ns, self._wire.next_read(), len(data), segments)
        self._last_ns = stamp_ns
        self._queue.append((arrival, data))
        self._queued += len(data)
        if self._queued > QUEUE_BYTES:
            self._pause()

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return the bytes of the oldest read that was not handed out yet; none at the end."""
        data = await self.take(max_bytes, timeout)
        self._wire.heard |= bool(data)
        return data

    async def take(self, max_bytes: int, limit_s: float | None) -> bytes:
        """Return bytes as ``read`` does, without taking them for a part of the answer."""
        if not self._queue and not self._ended:
            self._waiter = self._loop.create_future()
            try:
                async with asyncio.timeout(limit_s):
                    await self._waiter
            except TimeoutError as error:
                raise httpcore.ReadTimeout(f"nothing received for {limit_s:g} s") from error
            finally:
                self._waiter = None
        if not self._queue:
            self._wire.ended_ns = self._last_ns
            if self._error is not None:
                raise httpcore.ReadError(str(self._error)) from self._error
            return b""
        arrival, data = self._queue.popleft()
        if len(data) > max_bytes:
            self._queue.appendleft((arrival, data[max_bytes:]))
            data = data[:max_bytes]
        self._queued -= len(data)
        if self._queued <= QUEUE_BYTES // 2:
            self._resume()
        self._wire.last = arrival
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Hand bytes to the operating system."""
        if not buffer:
            return
        self._wire.writing(time.monotonic_ns())
        await self.send(buffer, timeout)
        self._wire.wrote()

    async def send(self, buffer: bytes, limit_s: float | None) -> None:
        """Hand bytes over without taking them for a part of the request."""
        self._wall.restart()
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
            return self._closed or self._ended or bool(self._queue) or self._has_something()
        if info == "server_addr":
            return self._sock.getpeername()
        if info == "client_addr":
            return self._sock.getsockname()
        return None

    def _has_something(self) -> bool:
        """Tell whether there is something to read, be it the end."""
        try:
            self._sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True


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
        try:
            async with asyncio.timeout(timeout):
                if _is_literal(host):
                    addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
                else:
                    loop = asyncio.get_running_loop()
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


def _is_literal(host: str) -> bool:
    """Tell whether a host is written as an address: there is no name to be looked up."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


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
