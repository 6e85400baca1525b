"""Numbers that servers report beside the text: taken if they can be true, else left out and told.

A count or a duration is an extra: whatever a server writes there, no answer is lost for its sake.
"""

import math
import re
from collections.abc import Iterable
from typing import Any

from streamscope.wire.events import Flag

NONSENSE = Flag("impossible-figures")
"""A server reported a number that can't be: negative, none at all, or beyond all bounds."""

LONGEST_S = 86_400.0
"""No run takes longer than a day, so no part of one does, s."""

MOST_TOKENS = 100_000_000
"""No prompt and no answer has more tokens."""

_NO_NUMBER = re.compile(rb'"\w+"\s*:\s*-?(?:NaN|Infinity)')


def count(value: Any) -> int | None:
    """Return a count; ``None`` for one that is absent or can't be."""
    number = _number(value)
    return int(number) if number is not None and number <= MOST_TOKENS else None


def duration_s(value: Any, per_second: int) -> float | None:
    """Return a duration in seconds; ``None`` for one that is absent or can't be.

    Args:
        value: The duration as it stands in the JSON text.
        per_second: How many of its units make a second.
    """
    number = _number(value)
    return number / per_second if number is not None and number <= LONGEST_S * per_second else None


def impossible(
    counts: Iterable[Any] = (), durations: Iterable[Any] = (), per_second: int = 1
) -> bool:
    """Tell whether any of these numbers is there but can't be true.

    Args:
        counts: Numbers of tokens.
        durations: Durations.
        per_second: How many units of a duration make a second.
    """
    return any(each is not None and count(each) is None for each in counts) or any(
        each is not None and duration_s(each, per_second) is None for each in durations
    )


def unspeakable(payload: bytes) -> bool:
    """Tell whether a JSON text has numbers that JSON does not have: ``NaN`` and infinities."""
    # The search is slow, and nearly never needed.
    return (b"NaN" in payload or b"Infinity" in payload) and bool(_NO_NUMBER.search(payload))


def _number(value: Any) -> float | None:
    """Return a finite number that is not negative; ``None`` for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value >= 0 else None
