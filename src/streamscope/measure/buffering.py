"""What stands between the model and the reader: who put together what was made one by one."""

from typing import Literal, TypeAlias

import msgspec

from streamscope.trace import Trace

BufferingKind: TypeAlias = Literal["not-streamed", "buffered", "late", "server-batches"]
"""All came at once; something on the way merges pieces; we looked too late; or the server itself
sends several tokens together."""


class Buffering(msgspec.Struct, frozen=True, kw_only=True):
    """That pieces came in bundles, and what is known about why.

    Attributes:
        kind: Where it happened, as far as the evidence goes.
        sentence: What is to be said about it, in one sentence.
        evidence: What it rests on, a sentence each, the strongest first.
        advice: What to do about it, in one sentence; empty if there is nothing to do.
    """

    kind: BufferingKind
    sentence: str
    evidence: tuple[str, ...] = ()
    advice: str = ""


def buffering(trace: Trace) -> Buffering | None:
    """Return what put pieces of a stream together; ``None`` if they came one by one."""
    del trace
    return None
