"""How many TCP segments each read brought: what tells a queue here from a burst over there.

A read that holds several pieces of text gives them one time. If they came in one segment, the
other side sent them together and the time is true for all of them. If they came in several, those
queued here before anybody looked, and only the last one's arrival is known.

Linux counts the segments that carry data (``TCP_INFO``), also those that the network card or the
kernel has joined. The count can only be taken after the read, when more may have come; so it is
kept with the number of bytes that it covers, and believed for reads that end exactly there.

What the count can't tell:

- A single write that fills more than one segment (about 1,400 bytes over Ethernet, 64 KiB on
  loopback) is several segments; they came microseconds apart.
- Where segments came out of order, the count runs ahead of the bytes: such reads get none.
- A segment that came twice is counted twice.
"""

import socket
import struct
import sys
from collections import deque
from typing import NamedTuple

_INFO_BYTES = 232
"""Up to the count of segments out of order. Older kernels return less."""

_LEAST_BYTES = 156
"""Up to the count of segments with data, which every kernel since 4.6 returns."""

_STATE = struct.Struct("=B")
_RECEIVED = struct.Struct("=128xQ")
_SEGMENTS = struct.Struct("=152xI")
_DISORDERED = struct.Struct("=224xI")

_ENDED_STATES = frozenset({6, 8, 9, 11})
"""Time-wait, close-wait, last-ack, closing: the other side's end has come."""

_WRAP = 2**32


class _Sample(NamedTuple):
    """The counts of a connection at one moment: bytes, segments, segments out of order."""

    received: int
    segments: int
    disordered: int


class SegmentCounter:
    """Counts the segments of one connection, read by read.

    Attributes:
        works: Whether the system tells.
        total: Segments that have come in, whether or not they were read.
    """

    def __init__(self, sock: socket.socket) -> None:
        """Count on a connection of which nothing has been read yet."""
        self._sock = sock
        self._bytes = 0
        self._segments: int | None = 0
        self._ahead: deque[_Sample] = deque()
        self._disordered = 0
        self.total = 0
        self.works = sys.platform.startswith("linux") and self._sample() is not None

    def count(self, size: int, *, cut: bool = False) -> int | None:
        """Return how many segments a read brought; ``None`` where that is not certain.

        To be called right after the read.

        Args:
            size: Bytes that the read returned.
            cut: Whether it returned as many as it had room for, and so may end inside a segment.
        """
        if not self.works:
            return None
        counted, before = self.total, self._segments
        self._bytes += size
        sample = self._sample()
        if sample is None:
            self.works = False
            return None
        self._segments = self._up_to_here(sample)
        one_each = counted == before and sample.segments - counted == 2
        if self._segments is None and one_each and not cut and not self._lost_order(sample):
            self._segments = counted + 1
        self._disordered = sample.disordered
        if before is None or self._segments is None:
            return None
        return self._segments - before

    def _up_to_here(self, sample: _Sample) -> int | None:
        """Return how many segments hold all bytes read so far and no others, if a sample says."""
        if self._lost_order(sample):
            self._ahead.clear()
            return None
        if not self._ahead or self._ahead[-1].received < sample.received:
            self._ahead.append(sample)
        while self._ahead and self._ahead[0].received < self._bytes:
            self._ahead.popleft()
        if self._ahead and self._ahead[0].received == self._bytes:
            return self._ahead[0].segments
        return None

    def _lost_order(self, sample: _Sample) -> bool:
        return sample.disordered != self._disordered

    def _sample(self) -> _Sample | None:
        try:
            info = self._sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_BYTES)
        except OSError:
            return None
        if len(info) < _LEAST_BYTES:
            return None
        (received,) = _RECEIVED.unpack_from(info)
        (state,) = _STATE.unpack_from(info)
        (segments,) = _SEGMENTS.unpack_from(info)
        disordered = 0
        if len(info) >= _DISORDERED.size:
            (disordered,) = _DISORDERED.unpack_from(info)
        self.total += (segments - self.total) % _WRAP
        # The mark of the end counts as a byte.
        return _Sample(received - (state in _ENDED_STATES), self.total, disordered)
