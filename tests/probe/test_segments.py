"""Each read is charged with the segments that it brought, and with no others."""

import socket
import struct
import sys
from collections.abc import Iterator

import pytest

from streamscope.probe.segments import SegmentCounter

Pair = tuple[socket.socket, socket.socket]

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts segments")


def info(received: int, segments: int, *, state: int = 1, disordered: int = 0) -> bytes:
    """Return what ``TCP_INFO`` says of a connection."""
    return struct.pack("=B127xQ16xI68xI4x", state, received, segments, disordered)


class Kernel(socket.socket):
    """A socket of which the kernel says what a test wants it to say."""

    def tell(self, *told: bytes) -> "SegmentCounter":
        """Let the kernel say one thing after the other; nothing has been read yet."""
        self.told: Iterator[bytes] = iter([info(0, 0), *told])
        return SegmentCounter(self)

    def getsockopt(self, *_: object) -> bytes:  # type: ignore[override]  # only the one form
        return next(self.told)


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Iterator[Kernel]:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(socket, "TCP_INFO", 11, raising=False)
    with Kernel() as sock:
        yield sock


@linux
def test_writes_that_queued_are_as_many_segments(pair: Pair) -> None:
    near, far = pair
    counter = SegmentCounter(near)
    for number in range(1, 6):
        for _ in range(number):
            far.send(b"data: x\n\n")
        assert counter.count(len(near.recv(65536))) == number
    assert counter.total == 15


@linux
def test_several_pieces_in_one_write_are_one_segment(pair: Pair) -> None:
    near, far = pair
    counter = SegmentCounter(near)
    far.send(b"data: one\n\ndata: two\n\ndata: thr")
    assert counter.count(len(near.recv(65536))) == 1
    far.send(b"ee\n\n")
    assert counter.count(len(near.recv(65536))) == 1


@linux
def test_what_came_between_read_and_count_goes_to_the_next_read(pair: Pair) -> None:
    near, far = pair
    counter = SegmentCounter(near)
    far.send(b"a")
    size = len(near.recv(65536))
    far.send(b"bb")
    assert counter.count(size) == 1
    assert counter.count(len(near.recv(65536))) == 1
    far.send(b"c")
    far.send(b"d")
    assert counter.count(len(near.recv(65536))) == 2


@linux
def test_two_and_one_that_came_late_can_be_split_in_two_ways(pair: Pair) -> None:
    """Nobody knows whether the first read had two of the three segments: nobody says so."""
    near, far = pair
    counter = SegmentCounter(near)
    far.send(b"a")
    far.send(b"b")
    size = len(near.recv(65536))
    far.send(b"c")
    assert counter.count(size) is None
    assert counter.count(len(near.recv(65536))) is None
    far.send(b"d")
    assert counter.count(len(near.recv(65536))) == 1


@linux
def test_a_write_larger_than_a_read_is_never_counted_wrongly(pair: Pair) -> None:
    """On loopback a segment may be as large as a read: parts of it are not split by guessing."""
    near, far = pair
    near.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    counter = SegmentCounter(near)
    sent = far.send(b"x" * 150_000)
    counts: list[int | None] = []
    while sent:
        data = near.recv(65536)
        counts.append(counter.count(len(data), cut=len(data) == 65536))
        sent -= len(data)
    assert len(counts) > 1
    assert sum(count or 0 for count in counts) <= counter.total
    far.send(b"y")
    assert counter.count(len(near.recv(65536))) == 1


@linux
def test_the_end_of_the_connection_is_no_segment(pair: Pair) -> None:
    near, far = pair
    counter = SegmentCounter(near)
    far.send(b"a")
    far.send(b"b")
    far.shutdown(socket.SHUT_WR)
    assert counter.count(len(near.recv(65536))) == 2


def test_a_local_socket_has_none() -> None:
    near, far = socket.socketpair()
    with near, far:
        counter = SegmentCounter(near)
        assert not counter.works
        assert counter.count(5) is None


def test_other_systems_do_not_tell(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    counter = SegmentCounter(pair[0])
    assert (counter.works, counter.count(5)) == (False, None)


def test_old_kernels_do_not_tell(kernel: Kernel) -> None:
    kernel.told = iter([info(0, 0)[:104]])
    assert not SegmentCounter(kernel).works


def test_less_old_kernels_do_not_tell_of_disorder(kernel: Kernel) -> None:
    kernel.told = iter([info(0, 0)[:160], info(7, 2)[:160]])
    counter = SegmentCounter(kernel)
    assert (counter.works, counter.count(7)) == (True, 2)


def test_what_comes_out_of_order_is_not_charged_to_anybody(kernel: Kernel) -> None:
    # The second of three is lost: the third comes before it, and both are read together.
    counter = kernel.tell(
        info(10, 2, disordered=1), info(30, 3, disordered=1), info(40, 4, disordered=1)
    )
    assert [counter.count(size) for size in (10, 20, 10)] == [None, None, 1]


def test_a_count_that_starts_anew_goes_on(kernel: Kernel) -> None:
    counter = kernel.tell(info(10, 2**32 - 1), info(20, 1))
    assert counter.count(10) == 2**32 - 1
    assert counter.count(10) == 2


def test_several_samples_ahead_are_all_remembered(kernel: Kernel) -> None:
    """Three reads fall behind; each sample gives the count for the read that ends where it did."""
    counter = kernel.tell(info(10, 1), info(50, 5), info(50, 5), info(60, 7))
    assert [counter.count(size) for size in (10, 10, 30, 10)] == [1, None, None, 2]


def test_a_connection_that_breaks_is_no_longer_counted(kernel: Kernel) -> None:
    counter = kernel.tell(b"")
    assert counter.count(10) is None
    assert not counter.works
