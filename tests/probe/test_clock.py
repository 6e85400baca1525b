"""Kernel stamps are believed only when they can be true, whatever the wall clock does."""

import socket
import struct
import sys
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamscope.probe import clock
from streamscope.probe.clock import SO_TIMESTAMPNS, Offset, WallClock, arrival_ns

SECOND = 1_000_000_000
OFFSET = -1_700_000_000 * SECOND
"""Monotonic minus wall-clock time of an imagined machine."""

Ancillary = list[tuple[int, int, bytes]]


def stamped(monotonic_ns: int) -> Ancillary:
    """Return what the kernel hands out for bytes that arrived at a monotonic time."""
    seconds, rest = divmod(monotonic_ns - OFFSET, SECOND)
    return [(socket.SOL_SOCKET, SO_TIMESTAMPNS, struct.pack("@qq", seconds, rest))]


def test_a_stamp_is_moved_to_the_monotonic_clock() -> None:
    assert arrival_ns(stamped(5 * SECOND), OFFSET, 4 * SECOND, 5 * SECOND + 30_000) == 5 * SECOND


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        (5 * SECOND + 40, 5 * SECOND),  # a little after the read that brought it
        (4 * SECOND - 40, 4 * SECOND),  # a little before what came before it
        (4 * SECOND, 4 * SECOND),
        (5 * SECOND, 5 * SECOND),
    ],
)
def test_what_two_clocks_read_in_turn_can_miss_is_clamped(stamp: int, expected: int) -> None:
    assert arrival_ns(stamped(stamp), OFFSET, 4 * SECOND, 5 * SECOND) == expected


@pytest.mark.parametrize(
    "step", [-3600 * SECOND, -SECOND, -200_000, 200_000, SECOND, 86400 * SECOND]
)
def test_a_clock_that_was_set_in_between_is_not_believed(step: int) -> None:
    # The read came right after the last one, so that neither direction leaves room.
    read = 5 * SECOND
    assert arrival_ns(stamped(read + step), OFFSET, read - 1000, read) is None


def test_bytes_that_lay_there_for_seconds_are_not_believed() -> None:
    assert arrival_ns(stamped(5 * SECOND), OFFSET, 0, 8 * SECOND) is None


@pytest.mark.parametrize(
    "ancillary",
    [
        [],
        [(socket.SOL_SOCKET, SO_TIMESTAMPNS, b"")],
        [(socket.SOL_SOCKET, SO_TIMESTAMPNS, b"\0" * 8)],
        [(socket.SOL_SOCKET, SO_TIMESTAMPNS + 1, b"\0" * 16)],
        [(socket.IPPROTO_TCP, SO_TIMESTAMPNS, b"\0" * 16)],
        [(socket.SOL_SOCKET, SO_TIMESTAMPNS, b"\0" * 16)],  # the epoch
    ],
)
def test_without_a_stamp_there_is_no_time(ancillary: Ancillary) -> None:
    assert arrival_ns(ancillary, OFFSET, 0, 5 * SECOND) is None


def test_the_stamp_is_found_among_other_messages() -> None:
    other = (socket.IPPROTO_TCP, 1, b"\0" * 16)
    assert arrival_ns([other, *stamped(SECOND)], OFFSET, 0, SECOND + 10) == SECOND


@given(
    stamp=st.integers(0, 10 * SECOND),
    earliest=st.integers(0, 10 * SECOND),
    waited=st.integers(0, 10 * SECOND),
)
def test_a_time_never_leaves_what_is_possible(stamp: int, earliest: int, waited: int) -> None:
    read = earliest + waited
    found = arrival_ns(stamped(stamp), OFFSET, earliest, read)
    assert found is None or earliest <= found <= read


class Offsets:
    """What the machine's clocks say in turn; the last goes on for ever."""

    def __init__(self, *offsets: Offset) -> None:
        self._offsets = list(offsets)

    def __call__(self) -> Offset:
        return self._offsets.pop(0) if len(self._offsets) > 1 else self._offsets[0]


def clock_of(monkeypatch: pytest.MonkeyPatch, *offsets: Offset) -> WallClock:
    monkeypatch.setattr(clock, "measured_offset", Offsets(*offsets))
    return WallClock()


def test_the_offset_is_that_of_this_machine() -> None:
    before = time.monotonic_ns() - time.time_ns()
    offset = WallClock().offset_ns()
    after = time.monotonic_ns() - time.time_ns()
    assert offset is not None
    assert min(before, after) - SECOND < offset < max(before, after) + SECOND


def test_the_most_exact_measurement_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that was interrupted for 3 ms may be off by as much: it must move no arrival."""
    wall = clock_of(
        monkeypatch,
        Offset(OFFSET + 50, 100),
        Offset(OFFSET, 40),
        Offset(OFFSET + 1_500_000, 1_500_000),
        Offset(OFFSET + 60, 90),
    )
    assert [wall.offset_ns() for _ in range(3)] == [OFFSET] * 3


@pytest.mark.parametrize("step", [-3600 * SECOND, -SECOND, -20_000, 20_000, SECOND, 3600 * SECOND])
def test_a_clock_that_is_set_is_noticed_once(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """Also forwards and after a long silence, where the stamp itself would look possible."""
    wall = clock_of(monkeypatch, Offset(OFFSET, 40), Offset(OFFSET - step, 40))
    assert wall.offset_ns() is None
    assert wall.offset_ns() == OFFSET - step


def test_what_happened_to_the_clock_before_a_request_does_not_matter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wall = clock_of(monkeypatch, Offset(OFFSET, 40), Offset(OFFSET - SECOND, 40))
    wall.restart()
    assert wall.offset_ns() == OFFSET - SECOND


def test_other_systems_fall_back_to_the_read(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as sock:
        monkeypatch.setattr(sys, "platform", "darwin")
        assert not clock.enable(sock)
        assert clock.keep_enabled() is None


def test_a_kernel_that_refuses_falls_back_to_the_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    closed = socket.socket()
    closed.close()
    assert not clock.enable(closed)


@pytest.fixture
def keep(request: pytest.FixtureRequest) -> Callable[[socket.socket], None]:
    return lambda sock: request.addfinalizer(sock.close)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux hands out these stamps")
def test_the_kernel_stamps_between_write_and_read(
    keep: Callable[[socket.socket], None],
) -> None:
    idle = clock.keep_enabled()
    assert idle is not None
    keep(idle)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        near = socket.create_connection(listening.getsockname())
        keep(near)
        far, _ = listening.accept()
        keep(far)
    assert clock.enable(near)
    before = time.monotonic_ns()
    far.sendall(b"x")
    data, ancillary, _, _ = near.recvmsg(10, clock.ANCILLARY_BYTES)
    read = time.monotonic_ns()
    assert data == b"x"
    found = arrival_ns(ancillary, clock.measured_offset().ns, before, read)
    assert found is not None
    assert before <= found <= read
