"""The server's own account of a run, beside ours."""

import math
from typing import Literal, TypeAlias

import msgspec

from streamscope.measure.believable import believable
from streamscope.measure.timing import Timing, survey
from streamscope.measure.tokens import server_rate
from streamscope.measure.values import Value, known, ratio, seconds
from streamscope.trace import ServerTimings, Tokens, Trace

PartName: TypeAlias = Literal["load", "queue", "prefill", "decode"]
"""What a server spends time on, in order."""

LABELS: dict[PartName, str] = {
    "load": "loading",
    "queue": "queue",
    "prefill": "prefill",
    "decode": "decoding",
}
"""The same for people."""

RELOAD_S = 0.1
"""A server that spends longer than this on its model's load has loaded it, s."""

HELD_SHARE, HELD_S = 0.25, 0.25
"""Text that takes longer to come than it took to generate, by both, was held up or misreported."""


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
        ours_total_s: The whole as it was seen, to the end mark: the server's clock runs on after
            the last text, for the token that ends it.
        overhead_s: What is in none of the parts: network, client, and waiting where the server
            does not report it. ``None`` unless prefill and decoding are known.
        inside_s: The part of the overhead that lies within the server's own total.
        outside_s: The part of it that does not: network and client.
        rate: Tokens decoded per second by the server's clock.
        prefill_rate: Prompt tokens evaluated per second by the server's clock.
        loaded: Whether the model was loaded in this run.
        cached: Prompt tokens that came from a cache; ``None`` where the server does not say.
        prompt: All tokens of the prompt; ``None`` where the server does not say.
        doubts: What can't be true or does not fit, a sentence each.
    """

    source: str
    parts: tuple[Part, ...] = ()
    total_s: float | None = None
    ours_total_s: float | None = None
    overhead_s: float | None = None
    inside_s: float | None = None
    outside_s: float | None = None
    rate: Value | None = None
    prefill_rate: Value | None = None
    loaded: bool = False
    cached: int | None = None
    prompt: int | None = None
    doubts: tuple[str, ...] = ()


def server_side(trace: Trace) -> ServerSide | None:
    """Return the server's account of a run; ``None`` if it gave none."""
    believed = believable(trace)
    server = believed.server
    if not believed.doubts and not named_parts(server) and server.total_s is None:
        return None
    trace = believed.of(trace)
    timing = survey(trace)
    ours_s = seconds(ended_ns(trace, timing))
    parts = tuple(_part(name, each, trace) for name, each in named_parts(server).items())
    over_s = overhead_s(server, ours_s)
    outside_s = None if over_s is None or server.total_s is None else (ours_s or 0) - server.total_s
    return ServerSide(
        source=server.source,
        parts=parts,
        total_s=server.total_s,
        ours_total_s=ours_s,
        overhead_s=over_s,
        inside_s=None if outside_s is None or over_s is None else over_s - outside_s,
        outside_s=outside_s,
        rate=server_rate(trace),
        prefill_rate=prefill_rate(server, trace.tokens),
        loaded=(server.load_s or 0) > RELOAD_S,
        cached=trace.tokens.cached,
        prompt=trace.tokens.prompt,
        doubts=believed.doubts + _held_up(server, timing),
    )


def named_parts(server: ServerTimings) -> dict[PartName, float]:
    """Return the parts that are known, in seconds, in order."""
    all_parts: dict[PartName, float | None] = {
        "load": server.load_s,
        "queue": server.queue_s,
        "prefill": server.prefill_s,
        "decode": server.decode_s,
    }
    return {name: value for name, value in all_parts.items() if value is not None}


def ended_ns(trace: Trace, timing: Timing) -> int | None:
    """Return when the server was through, ns: its end mark, or the last text where there is none.

    ``None`` for runs that did not come to an end of their own.
    """
    return trace.marks.get("done", timing.last_text_ns) if timing.complete else None


def overhead_s(server: ServerTimings, total_s: float | None) -> float | None:
    """Return what of the whole time is in none of the server's parts, s; it may be below zero.

    ``None`` unless the server says how long it evaluated the prompt and generated.
    """
    if total_s is None or server.prefill_s is None or server.decode_s is None:
        return None
    return total_s - math.fsum(named_parts(server).values())


def prefill_rate(server: ServerTimings, counts: Tokens) -> Value | None:
    """Return prompt tokens per second, cached ones left out.

    Where the server does not say how many were cached, the whole prompt is taken: an estimate,
    and too high by the cached part.
    """
    evaluated, certain = server.prefill_tokens, True
    if evaluated is None and counts.prompt is not None:
        evaluated, certain = counts.prompt - (counts.cached or 0), counts.cached is not None
    rate = known(ratio(evaluated, server.prefill_s))
    if rate is None or rate.value <= 0:
        return None
    return known(rate.value, estimated=not certain)


def _part(name: PartName, length_s: float, trace: Trace) -> Part:
    tokens, rate = None, None
    if name == "prefill":
        tokens, rate = trace.server.prefill_tokens, prefill_rate(trace.server, trace.tokens)
    elif name == "decode":
        tokens, rate = trace.server.decode_tokens or trace.tokens.output, server_rate(trace)
    return Part(name=name, label=LABELS[name], seconds=length_s, tokens=tokens, rate=rate)


def _held_up(server: ServerTimings, timing: Timing) -> tuple[str, ...]:
    """Say that text came more slowly than it was generated, if it did."""
    first, last, decode_s = timing.first_any_ns, timing.last_text_ns, server.decode_s
    if timing.mode == "blocking" or decode_s is None or first is None or last is None:
        return ()
    span_s = (last - first) / 1e9
    if not timing.complete or span_s <= decode_s * (1 + HELD_SHARE) + HELD_S:
        return ()
    words = (
        f"The server says that it generated for {decode_s:.2f} s, but its text took {span_s:.2f} s"
        " to come: it was held up on the way, or the server's figure is wrong."
    )
    return (words,)
