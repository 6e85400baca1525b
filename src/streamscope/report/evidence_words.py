"""What the server, the observer and the way between say about a run, in words.

Everything is plain text, one statement a line, for ``run -v`` and the details screen.
"""

from streamscope.trace import Trace


def server_words(trace: Trace) -> list[str]:
    """Say what the server reports, beside what was seen; empty if it reports nothing."""
    del trace
    return []


def observer_words(trace: Trace) -> list[str]:
    """Say what measuring took and what stood in its way; empty if nobody looked."""
    del trace
    return []


def buffering_words(trace: Trace) -> list[str]:
    """Say what put pieces of a stream together, and why that is thought; empty if nothing did."""
    del trace
    return []
