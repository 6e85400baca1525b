"""Latency to the eye: from the arrival of text to the frame that showed it. Pure."""

from collections.abc import Sequence

from streamscope.measure.statistics import percentile
from streamscope.trace import Shown


def shown(sightings: Sequence[tuple[int, int]]) -> Shown | None:
    """Sum up when pieces of text came and when they were seen.

    Args:
        sightings: For each piece that was shown, its arrival and the frame that showed it first,
            both in ns on one monotonic clock. Several pieces may share a frame.

    Returns:
        The percentiles (type 7), in whole ns; ``None`` if nothing was shown. Nothing is seen before
        it comes: pieces that say so, because a clock was set meanwhile, are left out.
    """
    possible = [(came_ns, seen_ns) for came_ns, seen_ns in sightings if seen_ns >= came_ns]
    if not possible:
        return None
    took = sorted(seen_ns - came_ns for came_ns, seen_ns in possible)
    return Shown(
        chunks=len(took),
        frames=len({seen_ns for _, seen_ns in possible}),
        p50_ns=round(percentile(took, 0.5)),
        p99_ns=round(percentile(took, 0.99)),
        max_ns=took[-1],
    )
