"""Open connections are kept for a while, by where they lead, and closed when nobody comes."""

import asyncio
import ssl

import httpx
import pytest

from streamscope.probe.connections import Connections, Way
from streamscope.probe.transport import StampedTransport
from streamscope.probe.wire import Wire

WAY = Way("http", "127.0.0.1", 80, "", "kernel")


class Open(StampedTransport):
    """A connection that tells when it is closed."""

    def __init__(self) -> None:
        super().__init__(Wire(), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), keep_open=True)
        self.closed = asyncio.Event()

    async def aclose(self) -> None:
        self.closed.set()


@pytest.mark.parametrize(
    ("url", "way"),
    [
        ("http://127.0.0.1/v1", WAY),
        ("http://127.0.0.1:80/v2?x=1", WAY),
        ("https://127.0.0.1", Way("https", "127.0.0.1", 443, "", "kernel")),
        ("http://127.0.0.1:81", Way("http", "127.0.0.1", 81, "", "kernel")),
        ("http://Elsewhere", Way("http", "elsewhere", 80, "", "kernel")),
    ],
)
def test_a_way_is_known_by_where_it_leads(url: str, way: Way) -> None:
    assert Way.to(httpx.URL(url), None, "kernel") == way


def test_a_way_through_a_proxy_is_another() -> None:
    url = httpx.URL("http://127.0.0.1")
    assert len({Way.to(url, proxy, "kernel") for proxy in (None, "http://p", "http://q")}) == 3


async def test_the_last_one_is_taken_first_and_only_once() -> None:
    connections = Connections()
    first, second = Open(), Open()
    connections.keep(WAY, first)
    connections.keep(WAY, second)
    assert [connections.take(WAY) for _ in range(3)] == [second, first, None]
    assert connections.take(WAY._replace(port=81)) is None


async def test_one_that_nobody_takes_is_closed() -> None:
    connections = Connections(idle_s=0.001)
    idle = Open()
    connections.keep(WAY, idle)
    await idle.closed.wait()
    assert connections.take(WAY) is None


async def test_one_that_was_taken_is_left_open() -> None:
    connections = Connections(idle_s=0.001)
    taken, idle = Open(), Open()
    connections.keep(WAY, taken)
    assert connections.take(WAY) is taken
    connections.keep(WAY, idle)
    await idle.closed.wait()
    assert not taken.closed.is_set()


async def test_closing_closes_all() -> None:
    connections = Connections()
    kept = [Open(), Open()]
    for each in kept:
        connections.keep(WAY, each)
    await connections.aclose()
    assert all(each.closed.is_set() for each in kept)
    assert connections.take(WAY) is None


async def test_one_over_which_something_comes_is_closed() -> None:
    """Be it the end: the other side may wait for us to take notice."""
    connections = Connections()
    ended, other = Open(), Open()
    connections.keep(WAY, ended)
    connections.keep(WAY, other)
    assert ended.wire.on_stray is not None
    ended.wire.on_stray()
    await ended.closed.wait()
    assert ended.wire.on_stray is None
    assert [connections.take(WAY) for _ in range(2)] == [other, None]
