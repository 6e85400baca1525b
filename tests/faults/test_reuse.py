"""A connection is used again only where that is asked for, and one that is gone fails no run."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from streamscope.trace import MarkName, Trace

if TYPE_CHECKING:
    from tests.conftest import Bench
    from tests.faults.conftest import Speech

pytestmark = pytest.mark.asyncio(loop_scope="session")

OPENING: set[MarkName] = {"connecting", "resolved", "connected", "secured"}


class Lasting:
    """A server that answers one request after the other on each connection.

    Attributes:
        url: Where it is.
        opened: Connections so far.
        asked: Heads of the requests, with the number of the connection, from 1.
        leave_after: Ends a connection as soon as it has answered so many requests.
        drop_from: Ends a connection without an answer from its request of this number on.
        ended: Set when a connection has ended.
    """

    def __init__(self, answer: bytes) -> None:
        self._answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(answer), answer)
        self.url = ""
        self.opened = 0
        self.asked: list[tuple[int, bytes]] = []
        self.leave_after = 100
        self.drop_from = 100
        self.ended = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await self._converse(self.opened, reader, writer)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        self.ended.set()

    async def _converse(
        self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        for turn in range(1, self.leave_after + 1):
            head = await reader.readuntil(b"\r\n\r\n")
            length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
            await reader.readexactly(int(length))
            self.asked.append((number, head))
            if turn >= self.drop_from:
                return
            writer.write(self._answer)
            await writer.drain()


@pytest_asyncio.fixture(loop_scope="session", params=["plain", "tls"])
async def lasting(
    request: pytest.FixtureRequest, trusting: "Bench", certified: ssl.SSLContext, chat: "Speech"
) -> AsyncIterator[Lasting]:
    """The server, with and without TLS."""
    context = certified if request.param == "tls" else None
    lasting = Lasting(chat.text("One ") + chat.text("two") + chat.finish + chat.end)
    async with await asyncio.start_server(lasting.serve, "127.0.0.1", 0, ssl=context) as server:
        port = server.sockets[0].getsockname()[1]
        lasting.url = f"http{'s' if context else ''}://127.0.0.1:{port}"
        yield lasting


def check(trace: Trace, *, reused: bool) -> None:
    """Check what holds for a whole answer over a connection of one kind."""
    assert (trace.ended, trace.fault, trace.flags) == ("stop", None, []), trace.fault
    assert trace.text() == "One two"
    assert trace.connection == ("reused" if reused else "fresh")
    marks = trace.marks
    assert bool(OPENING & set(marks)) != reused
    assert marks["sending"] <= marks["sent"] == 0 < marks["headers"] <= marks["closed"]
    assert trace.reads >= 1
    assert trace.chunks[0].read < 5, "reads are counted for each run"
    assert trace.segments is None or 1 <= trace.segments < 5


async def test_a_connection_is_used_again(bench: "Bench", lasting: Lasting) -> None:
    for turn in range(3):
        trace = await bench.run(lasting.url, reuse=True, key=f"sk-{turn}")
        check(trace, reused=turn > 0)
    assert lasting.opened == 1
    assert [head.count(b"sk-%d" % turn) for turn, (_, head) in enumerate(lasting.asked)] == [1] * 3


async def test_both_modes_use_the_same_connection(bench: "Bench", lasting: Lasting) -> None:
    await bench.run(lasting.url, reuse=True)
    blocking = await bench.run(lasting.url, reuse=True, mode="blocking")
    assert blocking.connection == "reused"
    assert lasting.opened == 1


async def test_whoever_does_not_ask_for_it_gets_a_fresh_one(
    bench: "Bench", lasting: Lasting
) -> None:
    check(await bench.run(lasting.url, reuse=True), reused=False)
    check(await bench.run(lasting.url), reused=False)
    check(await bench.run(lasting.url, reuse=True), reused=True)
    assert [number for number, _ in lasting.asked] == [1, 2, 1]


async def test_one_that_the_server_has_closed_is_replaced(bench: "Bench", lasting: Lasting) -> None:
    lasting.leave_after = 1
    for _ in range(2):
        check(await bench.run(lasting.url, reuse=True), reused=False)
        await lasting.ended.wait()
        lasting.ended.clear()
    assert lasting.opened == 2


async def test_one_that_the_server_closes_as_it_is_used_is_replaced(
    bench: "Bench", lasting: Lasting
) -> None:
    """The end and the request cross: not a byte of an answer comes."""
    lasting.drop_from = 2
    check(await bench.run(lasting.url, reuse=True), reused=False)
    check(await bench.run(lasting.url, reuse=True), reused=False)
    assert [number for number, _ in lasting.asked] == [1, 1, 2]


async def test_a_fresh_one_that_the_server_closes_is_a_fault(
    bench: "Bench", lasting: Lasting
) -> None:
    lasting.drop_from = 1
    trace = await bench.run(lasting.url, reuse=True)
    assert trace.fault is not None
    assert trace.fault.code == "cut"
    assert len(lasting.asked) == 1, "nothing is asked twice behind the person's back"


async def test_runs_at_once_do_not_share_one(bench: "Bench", lasting: Lasting) -> None:
    for reused in (False, True):
        both = await asyncio.gather(*(bench.run(lasting.url, reuse=True) for _ in range(2)))
        if reused:
            assert {trace.connection for trace in both} == {"reused"}
    assert lasting.opened == 2


async def test_an_answer_that_was_not_heard_out_leaves_nothing_behind(
    bench: "Bench", chat: "Speech"
) -> None:
    server = await bench.serve([chat.text("One "), "left"])
    trace = await bench.run(
        server,
        reuse=True,
        run_id="r",
        listener=lambda _, new: bench.probe.cancel("r") if new else None,
    )
    assert trace.ended == "cancelled"
    await server.left.wait()


async def test_another_clock_takes_another_connection(bench: "Bench", lasting: Lasting) -> None:
    """Whether a connection is stamped is settled when it is opened."""
    await bench.run(lasting.url, reuse=True)
    trace = await bench.run(lasting.url, reuse=True, clock="read")
    check(trace, reused=False)
    assert trace.clock == "read"


async def test_proxies_keep_theirs_apart(bench: "Bench", chat: "Speech") -> None:
    proxy = Lasting(chat.text("One ") + chat.text("two") + chat.finish + chat.end)
    async with await asyncio.start_server(proxy.serve, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        check(await bench.run("http://model.example", reuse=True, proxy=url), reused=False)
        check(await bench.run("http://model.example", reuse=True, proxy=url), reused=True)
        check(await bench.run(url, reuse=True), reused=False)
    assert proxy.opened == 2
