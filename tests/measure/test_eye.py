"""What is said of the way to the eye is what the pairs of times say, and nothing impossible."""

from streamscope.measure.eye import shown
from streamscope.trace import Shown

MS = 1_000_000


def test_nothing_shown_is_nothing_known() -> None:
    assert shown([]) is None


def test_one_piece_is_its_own_median_and_worst() -> None:
    assert shown([(5 * MS, 29 * MS)]) == Shown(
        chunks=1, frames=1, p50_ns=24 * MS, p99_ns=24 * MS, max_ns=24 * MS
    )


def test_percentiles_run_over_pieces_and_pieces_share_frames() -> None:
    # Ten pieces a ms apart, all in the frame at 10 ms: they waited 10, 9, ... 1 ms.
    pairs = [(at * MS, 10 * MS) for at in range(10)]
    told = shown(pairs)
    assert told is not None
    assert (told.chunks, told.frames) == (10, 1)
    assert told.p50_ns == 5_500_000
    assert told.p99_ns == 9_910_000
    assert told.max_ns == 10 * MS


def test_frames_are_counted_once_each() -> None:
    told = shown([(0, 10), (1, 10), (12, 20), (30, 41)])
    assert told is not None
    assert told.frames == 3


def test_the_order_of_the_pieces_does_not_matter() -> None:
    pairs = [(0, 30), (10, 30), (20, 30), (35, 60)]
    assert shown(pairs) == shown(pairs[::-1])


def test_what_was_seen_before_it_came_is_left_out() -> None:
    assert shown([(20, 10)]) is None
    told = shown([(20, 10), (20, 25)])
    assert told is not None
    assert (told.chunks, told.max_ns) == (1, 5)
