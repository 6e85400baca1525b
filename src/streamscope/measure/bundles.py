"""The shape of a stream: which pieces came together, in what bundles, and who can have done that.

A piece came together with the one before if it followed closer than a tenth of the mean gap, and
than a millisecond. So a fast server is not mistaken for a bundling one: its gaps are small, but
all alike.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from statistics import median

import msgspec

from streamscope.measure.values import NS_PER_MS
from streamscope.trace import Chunk, Trace

CLOSE_NS = NS_PER_MS
"""Pieces further apart than this never count as together, ns."""

CLOSE_SHARE = 0.1
"""Nor do pieces further apart than this share of the mean gap."""

SMALL_SEGMENT = 1000
"""Segments of fewer bytes on average were not cut by the network: each was sent by itself."""


class Bundles(msgspec.Struct, frozen=True, kw_only=True):
    """How the pieces of a stream came.

    Attributes:
        pieces: Pieces of text.
        together: Pieces that came together with the one before.
        bundles: Moments at which several pieces came.
        period_ms: From one moment at which pieces came to the next, median.
        steady: Share of these periods that differ from their median by less than a tenth.
        queued: Of ``together``, those that were sent one by one and queued here before a read.
        one_segment: Of ``together``, those that came in one segment with the one before.
        sizes: Bytes of the reads that brought several pieces, where known.
        made_apart: Of ``together``, those that the server stamped well apart from the one before.
        made_together: Of ``together``, those that it stamped at nearly the same moment.
        held_ms: For how long the first piece of a bundle was held, by the server's stamps: the
            median over the bundles whose pieces were made apart; ``None`` without stamps.
        resolved: Whether the server's stamps tell moments within a millisecond apart.
        made_over_ms: Time between the server's first and last stamp; ``None`` without stamps.
    """

    pieces: int
    together: int
    bundles: int
    period_ms: float | None
    steady: float
    queued: int
    one_segment: int
    sizes: tuple[int, ...]
    made_apart: int
    made_together: int
    resolved: bool
    held_ms: float | None
    made_over_ms: float | None

    @property
    def share(self) -> float:
        """Share of the pieces that came together with the one before."""
        return self.together / self.pieces if self.pieces else 0.0


def together_share(trace: Trace) -> float:
    """Return the share of pieces that came together with the one before, sooner than ``bundles``.

    Most streams have next to none, and nothing else about their shape is of interest.
    """
    chunks = [chunk for chunk in trace.chunks if chunk.kind != "tool"]
    if len(chunks) < 2:
        return 0.0
    close_ns = near_ns(chunks)
    close = sum(is_close(before, after, close_ns) for before, after in pairwise(chunks))
    return close / len(chunks)


def near_ns(chunks: Sequence[Chunk]) -> float:
    """Return how close pieces of this text must be to have come together, ns."""
    if len(chunks) < 2:
        return 0.0
    mean = (chunks[-1].t_ns - chunks[0].t_ns) / (len(chunks) - 1)
    return min(CLOSE_NS, CLOSE_SHARE * mean)


def is_close(before: Chunk, after: Chunk, close_ns: float) -> bool:
    """Tell whether a piece came together with the one before it."""
    return after.t_ns - before.t_ns < close_ns or after.read == before.read


def bundles(trace: Trace) -> Bundles:
    """Survey the shape of a stream. Time: O(chunks)."""
    chunks = [chunk for chunk in trace.chunks if chunk.kind != "tool"]
    found = _bundled(chunks)
    close = [pair for bundle in found for pair in pairwise(bundle)]
    periods = [after[0].t_ns - before[0].t_ns for before, after in pairwise(found)]
    middle = median(periods) if periods else None
    near = sum(abs(each - middle) < 0.1 * middle for each in periods) if middle else 0
    in_one_read = [pair for pair in close if _one_read(pair)]
    made = [made for pair in close if (made := _made_ns(pair)) is not None]
    apart = sum(each >= CLOSE_NS for each in made)
    return Bundles(
        pieces=len(chunks),
        together=len(close),
        bundles=sum(len(bundle) > 1 for bundle in found),
        period_ms=None if middle is None else middle / NS_PER_MS,
        steady=near / len(periods) if periods else 0.0,
        queued=sum(_queued(trace, pair[1].read) for pair in in_one_read),
        one_segment=sum(_segments(trace, pair[1].read) == 1 for pair in in_one_read),
        sizes=_sizes(trace, in_one_read),
        made_apart=apart,
        made_together=len(made) - apart,
        resolved=any((chunk.server_ns or 0) % NS_PER_MS for chunk in chunks),
        held_ms=_held_ms(found),
        made_over_ms=_made_over_ms(chunks),
    )


_Pair = tuple[Chunk, Chunk]


def _one_read(pair: _Pair) -> bool:
    return pair[0].read == pair[1].read


def _made_ns(pair: _Pair) -> int | None:
    """Return how far apart the server stamped two pieces; a clock that steps back says nothing."""
    before, after = pair[0].server_ns, pair[1].server_ns
    return None if before is None or after is None or after < before else after - before


def _segments(trace: Trace, read: int) -> int | None:
    shared = trace.shared.get(read)
    return None if shared is None else shared.segments


def _queued(trace: Trace, read: int) -> bool:
    """Tell whether a read brought what had been sent one by one, and had waited here for it."""
    segments = _segments(trace, read)
    return (segments or 1) > 1 and trace.shared[read].size < SMALL_SEGMENT * (segments or 1)


def _sizes(trace: Trace, pairs: Iterable[_Pair]) -> tuple[int, ...]:
    reads = dict.fromkeys(after.read for _, after in pairs)
    return tuple(trace.shared[read].size for read in reads if read in trace.shared)


def _bundled(chunks: Sequence[Chunk]) -> list[list[Chunk]]:
    """Return the pieces, those together that came together."""
    if not chunks:
        return []
    close_ns = near_ns(chunks)
    found = [[chunks[0]]]
    for before, chunk in pairwise(chunks):
        if is_close(before, chunk, close_ns):
            found[-1].append(chunk)
        else:
            found.append([chunk])
    return found


def _held_ms(found: Iterable[Sequence[Chunk]]) -> float | None:
    """Return for how long bundles were held: a median, so that one step of a clock is nothing."""
    spans = [_made_ns((bundle[0], bundle[-1])) for bundle in found]
    held = [span for span in spans if span is not None and span >= CLOSE_NS]
    return median(held) / NS_PER_MS if held else None


def _made_over_ms(chunks: Sequence[Chunk]) -> float | None:
    made = _made_ns((chunks[0], chunks[-1])) if chunks else None
    return None if made is None else made / NS_PER_MS
