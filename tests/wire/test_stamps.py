"""Server stamps are read to the nanosecond."""

import pytest

from streamscope.wire.stamps import epoch_ns


@pytest.mark.parametrize(
    ("stamp", "ns"),
    [
        ("1970-01-01T00:00:01Z", 1_000_000_000),
        ("2026-08-21T10:00:00.51234Z", 1_787_306_400_512_340_000),
        ("2026-08-21T10:00:00.123456789Z", 1_787_306_400_123_456_789),
        ("2026-08-21T10:00:00.1234567899Z", 1_787_306_400_123_456_789),
        ("2026-08-21T12:00:00+02:00", 1_787_306_400_000_000_000),
        ("2026-08-21T06:30:00.000000001-03:30", 1_787_306_400_000_000_001),
        ("2026-08-21t10:00:00z", 1_787_306_400_000_000_000),
    ],
)
def test_stamps(stamp: str, ns: int) -> None:
    assert epoch_ns(stamp) == ns


@pytest.mark.parametrize(
    "stamp",
    [None, "", "yesterday", "2026-08-21", "2026-08-21T10:00:00", "2026-13-01T00:00:00Z",
     "0001-01-01T00:00:00Z", "2026-08-21T10:00:00,5Z", "٢٠٢٦-08-21T10:00:00Z"],
)  # fmt: skip
def test_what_is_no_stamp(stamp: str | None) -> None:
    assert epoch_ns(stamp) is None
