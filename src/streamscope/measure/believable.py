"""What of a server's own figures can be true, given what was seen.

A server that reports nonsense is no reason to lose a run, and no reason to show nonsense: what
can't be is left out of every figure, and said.
"""

import math
from typing import TypeAlias

import msgspec

from streamscope.trace import ServerTimings, Trace

IMPOSSIBLE_FLAG = "impossible-figures"
"""Flag of a run in whose figures the decoder found nonsense."""

SLACK_SHARE, SLACK_S = 0.05, 0.05
"""By how much two clocks may disagree on the length of a run: a share of it, and seconds."""

LONGEST_S = 86_400.0
"""No run takes longer than a day, s."""

FASTEST = 1_000_000.0
"""No model generates one answer at more tokens per second."""

_PARTS: tuple[tuple[str, str], ...] = (
    ("load_s", "loading the model"),
    ("queue_s", "waiting"),
    ("prefill_s", "evaluating the prompt"),
    ("decode_s", "generating"),
)

_Seconds: TypeAlias = dict[str, float | None]


class Believed(msgspec.Struct, frozen=True):
    """A server's durations, as far as they can be true.

    Attributes:
        server: The durations; ``None`` in place of those that can't be.
        doubts: What was left out and why, a sentence each.
    """

    server: ServerTimings
    doubts: tuple[str, ...] = ()


def believable(trace: Trace) -> Believed:
    """Return the server's durations without those that can't be true."""
    server = trace.server
    kept: _Seconds = {name: getattr(server, name) for name, _ in (*_PARTS, ("total_s", ""))}
    if not any(value is not None for value in kept.values()):
        return Believed(server, _nonsense(kept, flagged=IMPOSSIBLE_FLAG in trace.flags))
    doubts = [
        *_nonsense(kept, flagged=IMPOSSIBLE_FLAG in trace.flags),
        *_no_time(kept, trace),
        *_longer(kept, longest_s(trace)),
    ]
    if not doubts:
        return Believed(server)
    return Believed(msgspec.structs.replace(server, **kept), tuple(doubts))


def longest_s(trace: Trace) -> float | None:
    """Return how long the server can have worked at most, s; ``None`` where nobody can tell."""
    times = [*trace.marks.values()]
    if trace.chunks:
        times.append(trace.chunks[-1].t_ns)
    end_s = max(times, default=0) / 1e9
    return end_s * (1 + SLACK_SHARE) + SLACK_S if end_s > 0 else None


def _nonsense(kept: _Seconds, *, flagged: bool) -> tuple[str, ...]:
    """Drop what is no duration of anything; the decoder drops most of it at the door."""
    bad = [
        name
        for name, value in kept.items()
        if value is not None and not (math.isfinite(value) and 0 <= value <= LONGEST_S)
    ]
    kept.update(dict.fromkeys(bad))
    if not bad and not flagged:
        return ()
    return ("The server reported figures that can't be, such as negative ones: they are left out.",)


def _no_time(kept: _Seconds, trace: Trace) -> tuple[str, ...]:
    """Drop a time to generate in which nothing can have been generated."""
    decode_s, count = kept["decode_s"], trace.server.decode_tokens or trace.tokens.output or 0
    if decode_s is None or count < 2 or decode_s * FASTEST > count - 1:
        return ()
    kept["decode_s"] = None
    return (f"The server reports {count} tokens in no time ({decode_s:.2g} s): that is left out.",)


def _longer(kept: _Seconds, most_s: float | None) -> tuple[str, ...]:
    """Drop what took longer than the run; all parts, if only their sum did."""
    if most_s is None:
        return ()
    doubts = []
    for name, words in (*_PARTS, ("total_s", "the whole")):
        value = kept[name]
        if value is not None and value > most_s:
            kept[name] = None
            doubts.append(
                f"The server reports {value:.2f} s for {words}, longer than the run took:"
                " that is left out."
            )
    parts = [value for name, _ in _PARTS if (value := kept[name]) is not None]
    if math.fsum(parts) > most_s:
        kept.update({name: None for name, _ in _PARTS})
        doubts.append(
            f"The server's durations add up to {math.fsum(parts):.2f} s, longer than the run took:"
            " they are left out."
        )
    return tuple(doubts)
