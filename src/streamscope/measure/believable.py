"""What of a server's own figures can be true, given what was seen.

A server that reports nonsense is no reason to lose a run, and no reason to show nonsense: what
can't be is left out of every figure, and said.
"""

import math
from typing import TypeAlias

import msgspec

from streamscope.trace import ServerTimings, Tokens, Trace

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

_PROMPT = ("prompt", "cached")
_MADE = ("output", "reasoning")
_SERVER_MADE = ("decode_tokens",)
"""Counts of what was generated, which takes time; a prompt may come from a cache in none."""

_NONSENSE = "The server reported figures that can't be, such as negative ones: they are left out."

_Seconds: TypeAlias = dict[str, float | None]


class Believed(msgspec.Struct, frozen=True):
    """A server's figures, as far as they can be true.

    Attributes:
        server: The durations; ``None`` in place of those that can't be.
        tokens: The counts; ``None`` in place of those that can't be.
        doubts: What was left out and why, a sentence each.
    """

    server: ServerTimings
    tokens: Tokens
    doubts: tuple[str, ...] = ()

    def of(self, trace: Trace) -> Trace:
        """Return the run with what can be believed in place of what was reported."""
        if not self.doubts:
            return trace
        return msgspec.structs.replace(trace, server=self.server, tokens=self.tokens)


def believable(trace: Trace) -> Believed:
    """Return the server's durations and counts without those that can't be true."""
    most_s = longest_s(trace)
    tokens, server, doubts = _counted(trace, most_s)
    kept: _Seconds = {name: getattr(server, name) for name, _ in (*_PARTS, ("total_s", ""))}
    doubts += _nonsense(kept, flagged=IMPOSSIBLE_FLAG in trace.flags and not doubts)
    doubts += _no_time(kept, server.decode_tokens or tokens.output or 0)
    doubts += _longer(kept, most_s)
    if not doubts:
        return Believed(trace.server, trace.tokens)
    return Believed(msgspec.structs.replace(server, **kept), tokens, doubts)


def longest_s(trace: Trace) -> float | None:
    """Return how long the server can have worked at most, s; ``None`` where nobody can tell."""
    times = [*trace.marks.values()]
    if trace.chunks:
        times.append(trace.chunks[-1].t_ns)
    end_s = max(times, default=0) / 1e9
    return end_s * (1 + SLACK_SHARE) + SLACK_S if end_s > 0 else None


def _counted(trace: Trace, most_s: float | None) -> tuple[Tokens, ServerTimings, tuple[str, ...]]:
    """Drop counts below zero, and more generated tokens than any model makes in that time."""
    tokens, server = trace.tokens, trace.server
    most = math.inf if most_s is None else FASTEST * most_s
    made = [tokens.output, tokens.reasoning, server.decode_tokens]
    largest = max((count for count in made if count is not None), default=0)
    bounds = ((tokens, _PROMPT, math.inf), (tokens, _MADE, most), (server, _SERVER_MADE, most))
    dropped = [
        (holder, name)
        for holder, names, bound in bounds
        for name in names
        if (count := getattr(holder, name)) is not None and not 0 <= count <= bound
    ]
    if not dropped:
        return tokens, server, ()
    doubts: tuple[str, ...] = ()
    if any(getattr(holder, name) < 0 for holder, name in dropped):
        doubts += (_NONSENSE,)
    if largest > most and most_s is not None:
        too_many = (
            f"The server reports {largest:,} tokens in a run of at most {most_s:.2f} s: no model"
            " is that fast, so the count is left out."
        )
        doubts += (too_many,)
    return (
        msgspec.structs.replace(tokens, **_without(tokens, dropped)),
        msgspec.structs.replace(server, **_without(server, dropped)),
        doubts,
    )


def _without(
    holder: Tokens | ServerTimings, dropped: list[tuple[Tokens | ServerTimings, str]]
) -> dict[str, None]:
    return {name: None for each, name in dropped if each is holder}


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
    return (_NONSENSE,)


def _no_time(kept: _Seconds, count: int) -> tuple[str, ...]:
    """Drop a time to generate in which nothing can have been generated."""
    decode_s = kept["decode_s"]
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
