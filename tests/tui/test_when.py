"""Moments are told in local time, and relative while that says more."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from streamscope.tui import when

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Live two hours east of Greenwich, without summer time."""
    monkeypatch.setenv("TZ", "XXX-2")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("utc", "said"),
    [
        ("2026-03-10T11:59:30.000000Z", "just now"),
        ("2026-03-10T11:55:00Z", "5 min ago"),
        ("2026-03-10T11:00:01Z", "59 min ago"),
        ("2026-03-10T09:00:00Z", "3 h ago"),
        ("2026-03-09T21:59:00Z", "yesterday"),
        ("2026-03-09T22:01:00Z", "13 h ago"),  # past midnight here
        ("2026-03-07T12:00:00Z", "3 days ago"),
        ("2026-03-03T12:00:00Z", "2026-03-03"),
        ("2026-03-10T12:00:01Z", "2026-03-10"),  # a clock that was ahead
        ("what", "what"),
    ],
)
def test_how_long_ago_fits_its_column(utc: str, said: str) -> None:
    assert when.ago(utc, NOW) == said
    assert len(said) <= when.AGO_WIDTH


@pytest.mark.parametrize(
    ("utc", "said", "day"),
    [
        ("2026-03-10T08:05:00Z", "today 10:05", "today"),
        ("2026-03-09T07:30:00Z", "yesterday 09:30", "yesterday"),
        ("2025-12-31T22:30:00Z", "2026-01-01 00:30", "2026-01-01"),
    ],
)
def test_moments_are_local(utc: str, said: str, day: str) -> None:
    assert when.moment(utc, NOW) == said
    assert when.day(utc, NOW) == day
    assert len(said) <= when.MOMENT_WIDTH


def test_what_is_no_moment_is_shown_harmless() -> None:
    assert when.moment("\x1b[31m", NOW) == "␛[31m"
    assert when.clock("\x1b[31m") == "␛[31m"
    assert when.clock("2026-03-09T07:30:05Z") == "09:30:05"
