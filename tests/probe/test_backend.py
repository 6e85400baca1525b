"""Sockets lose no byte and no stamp, however the reader dawdles, and connect where they can."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from typing import Any

import httpcore
import pytest
import pytest_asyncio

from streamscope.probe.backend import QUEUE_BYTES, StampedBackend, StampedStream
from streamscope.probe.wire import Arrival, Wire


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def far(pair: tuple[socket.socket, socket.socket]) -> socket.socket:
    return pair[1]


@pytest_asyncio.fixture
async def stream(
    pair: tuple[socket.socket, socket.socket], wire: Wire
) -> AsyncIterator[StampedStream]:
    stream = StampedStream(pair[0], wire)
    yield stream
    await stream.aclose()


async def test_a_read_that_is_handed_out_in_parts_keeps_its_time(
    stream: StampedStream, far: socket.socket, wire: Wire
) -> None:
    far.sendall(b"One two three")
    parts = [await stream.read(4)]
    first = (wire.last.at_ns, wire.last.number)
    while sum(map(len, parts)) < 13:
        parts.append(await stream.read(4))
        assert (wire.last.at_ns, wire.last.number) == first
    assert b"".join(parts) == b"One two three"
    assert first[1] == 0


async def test_later_reads_have_later_numbers(
    stream: StampedStream, far: socket.socket, wire: Wire
) -> None:
    seen: list[tuple[int, int]] = []
    for number in range(3):
        far.sendall(b"x")
        assert await stream.read(10) == b"x"
        seen.append((wire.last.number, wire.last.at_ns))
        assert wire.last.number == number
    assert seen == sorted(seen)


async def test_a_reader_that_dawdles_loses_nothing(
    stream: StampedStream, far: socket.socket, wire: Wire
) -> None:
    """More comes than may wait here: the socket is left alone for a while, and then read again."""
    block = bytes(range(256)) * 256
    blocks = 3 * QUEUE_BYTES // len(block)

    async def send() -> None:
        for _ in range(blocks):
            await asyncio.get_running_loop().sock_sendall(far, block)
        far.shutdown(socket.SHUT_WR)

    sending = asyncio.create_task(send())
    received = bytearray(await stream.read(1))
    # As long as nothing is taken, the sender can't be done: the queue is bounded.
    held: set[asyncio.Task[Any]]
    _, held = await asyncio.wait([sending], timeout=0.3)
    assert held == {sending}
    stamps = [wire.last.at_ns]
    while data := await stream.read(1 << 20):
        received += data
        stamps.append(wire.last.at_ns)
    await sending
    assert bytes(received) == block * blocks
    assert stamps == sorted(stamps)


async def test_the_end_comes_after_all_that_was_sent(
    stream: StampedStream, far: socket.socket
) -> None:
    far.sendall(b"last words")
    far.close()
    assert await stream.read(100) == b"last words"
    assert await stream.read(100) == b""
    assert await stream.read(100) == b""


async def test_silence_is_a_timeout(stream: StampedStream, far: socket.socket) -> None:
    with pytest.raises(httpcore.ReadTimeout, match=r"0\.01 s"):
        await stream.read(100, timeout=0.01)
    far.sendall(b"late")
    assert await stream.read(100, timeout=10) == b"late"


async def test_a_server_that_takes_nothing_is_a_timeout(
    stream: StampedStream, far: socket.socket
) -> None:
    assert far.fileno() > 0
    with pytest.raises(httpcore.WriteTimeout):
        await stream.write(b"x" * 50_000_000, timeout=0.05)


async def test_the_last_write_is_when_the_request_was_sent(
    stream: StampedStream, wire: Wire
) -> None:
    await stream.write(b"head")
    first = dict(wire.marks)
    await stream.write(b"")
    assert wire.marks == first
    await stream.write(b"body")
    assert wire.marks["sending"] == first["sending"]
    assert wire.marks["sent"] > first["sent"]


def test_a_request_was_sent_before_its_answer_came(wire: Wire) -> None:
    wire.writing(100)
    wire.wrote()
    after = wire.marks["sent"]
    wire.last = Arrival(after + 1, after + 1, 0, 1, 1)
    wire.answered()
    assert wire.marks["sent"] == after
    wire.last = Arrival(after - 1, after, 0, 1, 1)
    wire.answered()
    assert wire.marks["sent"] == 100


async def test_a_socket_without_stamps_is_honest(wire: Wire) -> None:
    """Local sockets carry none: after one such arrival no trace may claim kernel times."""
    near, far = socket.socketpair()
    near.setblocking(False)
    with far:
        stream = StampedStream(near, wire)
        far.sendall(b"x")
        assert await stream.read(10) == b"x"
        await stream.aclose()
    assert wire.clock == "read"
    assert wire.last.at_ns > 0


async def test_the_first_address_that_answers_is_taken(
    wire: Wire, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        addresses = [
            (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", at))
            for at in (free_port, port)
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: addresses)
        stream = await StampedBackend(wire).connect_tcp("two.example", 80, timeout=5)
        assert stream.get_extra_info("server_addr") == ("127.0.0.1", port)
        await stream.aclose()
    assert wire.marks["connecting"] <= wire.marks["resolved"] <= wire.marks["connected"]


async def test_a_name_with_no_address_at_all(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [])
    with pytest.raises(httpcore.ConnectError, match="no address"):
        await StampedBackend(wire).connect_tcp("none.example", 80, timeout=5)


async def test_a_run_that_wants_the_time_of_the_read_gets_no_other(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    """A calibration compares both clocks: neither may be taken for the other."""
    near, far = pair
    wire = Wire(wanted="read")
    stream = StampedStream(near, wire)
    try:
        far.sendall(b"x")
        written = time.monotonic_ns()
        assert await stream.read(10) == b"x"
        assert wire.clock == "read"
        assert wire.last.at_ns > written, "the kernel had it before the write came back"
    finally:
        await stream.aclose()
