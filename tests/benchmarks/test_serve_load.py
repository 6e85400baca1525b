"""Lateness is counted from the earliest token of a stream, and a small load comes whole."""

import pytest

from benchmarks.serve_load import Load, lateness, load


def test_a_token_is_late_against_the_earliest_for_its_place() -> None:
    assert lateness([100, 110, 125, 130], 10) == [0, 0, 5, 0]
    assert lateness([105, 110, 120], 10) == [5, 0, 0]


def test_the_share_of_late_tokens_has_a_bound_of_ten_milliseconds() -> None:
    assert Load(1, 1, [0.0, 1.0, 10.0, 10.1], 0.0).late_share == 0.25
    assert Load(1, 1, [0.0, 1.0, 2.0, 3.0], 0.0).quantile(1.0) == 3.0


async def test_a_small_load_comes_whole() -> None:
    done = await load(3, 500, 20)
    assert (done.streams, done.whole, len(done.late_ms)) == (3, 3, 60)
    assert done.late_ms == sorted(done.late_ms)
    assert done.late_ms[0] == pytest.approx(0, abs=1e-6)
