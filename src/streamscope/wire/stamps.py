"""Time stamps that servers write, as integers: floats lose what nanoseconds are for."""

import datetime
import re

_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))",
    re.ASCII,
)
_EPOCH_DAY = datetime.date(1970, 1, 1).toordinal()


def epoch_ns(stamp: str | None) -> int | None:
    """Return an RFC 3339 time as ns since the epoch; ``None`` if it is none, or before it.

    Digits beyond the nanosecond are dropped.
    """
    match = _RFC3339.fullmatch(stamp) if stamp else None
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, sign, off_hour, off_minute = match.groups()
    try:
        days = datetime.date(int(year), int(month), int(day)).toordinal() - _EPOCH_DAY
    except ValueError:
        return None
    seconds = ((days * 24 + int(hour)) * 60 + int(minute)) * 60 + int(second)
    if sign:
        offset = (int(off_hour) * 60 + int(off_minute)) * 60
        seconds -= offset if sign == "+" else -offset
    nanoseconds = int((fraction or "")[:9].ljust(9, "0"))
    result = seconds * 1_000_000_000 + nanoseconds
    return result if result > 0 else None
