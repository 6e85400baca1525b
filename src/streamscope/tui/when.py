"""Moments in words: local time, and relative while that says more."""

from datetime import datetime, timedelta
from typing import Final

from streamscope.tui.widgets.sanitize import one_line

AGO_WIDTH: Final = 10
"""Cells that ``ago`` takes at most."""

MOMENT_WIDTH: Final = 16
"""Cells that ``moment`` takes at most."""

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_WEEK_DAYS: Final = 7


def local(utc: str) -> datetime | None:
    """Return the moment of an ISO 8601 text in local time; ``None`` if it is none."""
    try:
        return datetime.fromisoformat(utc).astimezone()
    except (ValueError, OverflowError):
        return None


def ago(utc: str, now: datetime) -> str:
    """Say how long ago a moment was: ``5 min ago``, ``yesterday``, then its date.

    Args:
        utc: The moment, ISO 8601.
        now: The present, with its time zone.
    """
    at = local(utc)
    if at is None:
        return one_line(utc, AGO_WIDTH)
    passed = (now - at).total_seconds()
    days = (now.astimezone().date() - at.date()).days
    if passed < 0 or days >= _WEEK_DAYS:
        return f"{at:%Y-%m-%d}"
    if passed < _MINUTE:
        return "just now"
    if passed < _HOUR:
        return f"{passed // _MINUTE:.0f} min ago"
    if days == 0:
        return f"{passed // _HOUR:.0f} h ago"
    return "yesterday" if days == 1 else f"{days} days ago"


def moment(utc: str, now: datetime) -> str:
    """Name a moment to the minute: ``today 14:02``, ``yesterday 9:30``, then date and time."""
    at = local(utc)
    if at is None:
        return one_line(utc, MOMENT_WIDTH)
    today = now.astimezone().date()
    if at.date() == today:
        return f"today {at:%H:%M}"
    if at.date() == today - timedelta(days=1):
        return f"yesterday {at:%H:%M}"
    return f"{at:%Y-%m-%d %H:%M}"


def day(utc: str, now: datetime) -> str:
    """Name the day of a moment: ``today``, ``yesterday``, then its date."""
    return moment(utc, now).partition(" ")[0]


def clock(utc: str) -> str:
    """Name the time of day, to the second."""
    at = local(utc)
    return one_line(utc, AGO_WIDTH) if at is None else f"{at:%H:%M:%S}"
