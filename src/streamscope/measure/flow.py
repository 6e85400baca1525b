"""Two published indices of smoothness that are independent of a single gap.

Both compare arrivals with the pace of somebody who consumes at a steady rate. Their authors count
tokens; the functions take the arrivals of whatever is counted, in order, repeated where several
arrived together.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

_NEARLY_S = 1e-9
"""Times are whole nanoseconds: what is closer than one is the same."""


def fluidity(
    arrivals_s: Sequence[float], first_deadline_s: float, deadline_s: float
) -> float | None:
    """Return the share of deadlines that a stream met (fluidity-index, Etalon 2024).

    The first arrival is due after ``first_deadline_s``, each later one ``deadline_s`` after the
    one before. Being early saves up slack. Being late costs as many missed deadlines as it spans,
    and the clock starts again from the late arrival.

    Args:
        arrivals_s: Ascending, s since sent.
        first_deadline_s: s, positive.
        deadline_s: s, positive.

    Returns:
        0 to 1; ``None`` without arrivals.

    Raises:
        ValueError: If a deadline is not positive.
    """
    if not (deadline_s > 0 and first_deadline_s > 0):
        raise ValueError("deadlines must be positive")
    if not arrivals_s:
        return None
    slack = 0.0
    met = missed = 0
    due = first_deadline_s
    for took in (arrivals_s[0], *(after - before for before, after in pairwise(arrivals_s))):
        late = took - slack - due
        if late <= _NEARLY_S:
            slack = max(0.0, -late)
            met += 1
        else:
            slack = 0.0
            missed += math.floor((late + _NEARLY_S) / deadline_s) + 1
        due = deadline_s
    return met / (met + missed)


def andes(arrivals_s: Sequence[float], rate: float, expected_s: float) -> float | None:
    """Return the quality of experience of a stream (Andes 2024, second version).

    Somebody consumes at ``rate`` from ``expected_s`` on. ``QoE = 1 - S_delay / S_whole``, where
    ``S_delay`` sums how much later than ideally they consumed each, and ``S_whole`` when they did.

    Args:
        arrivals_s: Ascending, s since sent.
        rate: What is consumed a second; positive.
        expected_s: When the first is expected, s.

    Returns:
        Above 0, at most 1; ``None`` without arrivals.

    Raises:
        ValueError: If the rate or the expectation is out of range.
    """
    if not (rate > 0 and expected_s >= 0):
        raise ValueError("the rate must be positive and the expected start not negative")
    if not arrivals_s:
        return None
    step = 1 / rate
    delays: list[float] = []
    whole: list[float] = []
    earliest = expected_s
    for i, arrival in enumerate(arrivals_s):
        consumed = max(arrival, earliest)
        delays.append(max(0.0, consumed - (expected_s + i * step)))
        whole.append(consumed)
        earliest = consumed + step
    total = math.fsum(whole)
    return 1 - math.fsum(delays) / total if total > 0 else 1.0
