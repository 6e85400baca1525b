"""Numbers and texts as the command line writes them."""

from datetime import datetime

from streamscope.report.words import NONE, plain, seconds


def shortened(text: str, length: int) -> str:
    """Return a text that is no longer than so many characters."""
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def both_seconds(a: float | None, b: float | None) -> str:
    """Write two times in seconds, with one unit where one serves both: ``0.24 vs 1.56 s``."""
    first, second = seconds(a), seconds(b)
    number, _, unit = first.partition(" ")
    same = first != NONE and second.endswith(f" {unit}")
    return f"{number if same else first} vs {second}"


def clock(value_s: float) -> str:
    """Write a time in whole seconds: ``0:41``, ``1:02:05``."""
    minutes, rest = divmod(round(value_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def local(utc: str) -> str:
    """Write a moment in the time of the person: ``2026-05-01 14:05``."""
    try:
        return datetime.fromisoformat(utc).astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return plain(utc)[:16]
