"""The server's own account of a run, beside ours."""

from typing import Literal, TypeAlias

import msgspec

from streamscope.measure.values import Value
from streamscope.trace import Trace

PartName: TypeAlias = Literal["queue", "load", "prefill", "decode"]
"""What a server spends time on, in order."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One duration that the server reports.

    Attributes:
        name: What it was spent on.
        label: The same for people.
        seconds: How long it took by the server's clock.
        tokens: Tokens that were worked on in it; ``None`` where that has no meaning or is unknown.
        rate: Tokens per second: ``(n - 1) / t`` where the server's clock starts at the first.
    """

    name: PartName
    label: str
    seconds: float
    tokens: int | None = None
    rate: Value | None = None


class ServerSide(msgspec.Struct, frozen=True, kw_only=True):
    """What the server says about a run, and how that compares with what was seen.

    Attributes:
        source: Whose figures these are, such as ``ollama`` or ``llama.cpp``.
        parts: The durations that can be believed, in order.
        total_s: The whole by the server's clock, where it says so.
        ours_total_s: The whole as it was seen.
        overhead_s: What is in none of the parts: network, client, and waiting where the server
            does not report it. ``None`` unless prefill and decoding are known.
        rate: Tokens decoded per second by the server's clock.
        prefill_rate: Prompt tokens evaluated per second by the server's clock.
        loaded: Whether the model was loaded in this run.
        cached: Prompt tokens that came from a cache; ``None`` where the server does not say.
        doubts: What can't be true or does not fit, a sentence each.
    """

    source: str
    parts: tuple[Part, ...] = ()
    total_s: float | None = None
    ours_total_s: float | None = None
    overhead_s: float | None = None
    rate: Value | None = None
    prefill_rate: Value | None = None
    loaded: bool = False
    cached: int | None = None
    doubts: tuple[str, ...] = ()


def server_side(trace: Trace) -> ServerSide | None:
    """Return the server's account of a run; ``None`` if it gave none."""
    del trace
    return None
