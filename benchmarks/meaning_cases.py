"""Answers on which tools disagree, each with everything about it known beforehand.

All have 200 tokens, a word each, and say so in their usage. What differs is how they are cut into
chunks and writes, what of them is reasoning, when the headers come, and what the server claims.
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from benchmarks.known import CHAT, OLLAMA_CHAT
from benchmarks.scripts import MS, Kind, Piece, Plan, words

TOKENS = 200
REASONING = 50
"""How many of them are reasoning, where there is any."""

FIRST_MS = 500.0
TOKEN_MS = 5.0
"""From one token to the next."""

NONSENSE_TIMINGS = {
    "timings": {
        "prompt_n": 8,
        "prompt_ms": -5.0,
        "prompt_per_second": -1600.0,
        "predicted_n": TOKENS,
        "predicted_ms": 1.0,
        "predicted_per_second": 200_000.0,
    }
}
"""What llama.cpp adds to its last message; here a prefill before the request, and a decode that
took a millisecond."""

NONSENSE_DURATIONS = {
    "total_duration": 1_000_000,
    "load_duration": 0,
    "prompt_eval_duration": 9_000_000_000,
    "eval_duration": 20_000_000_000,
}
"""What Ollama adds to its last line; here parts that are longer than the whole."""


@dataclass(frozen=True)
class Case:
    """An answer, and what is special about it.

    Attributes:
        about: In a few words, for people.
        plan: The answer.
        path: The route on which streamscope asks for it; the others know OpenAI's only.
        reasoning: How many of the tokens are reasoning.
        head_tokens: Tokens that come with the first write that has text.
    """

    about: str
    plan: Plan
    path: str = CHAT
    reasoning: int = 0
    head_tokens: int = 1

    @property
    def first_answer(self) -> int:
        """Which of the pieces with text is the first of the answer."""
        kinds = [piece.kind for piece in self.plan.pieces if piece.kind != "role"]
        return kinds.index("answer")


def cut(tokens: int, size: int, reasoning: int) -> list[tuple[str, Kind]]:
    """Return the texts of chunks of that many tokens; a chunk is either reasoning or answer."""
    whole = words(tokens)
    parts: Iterable[tuple[Sequence[str], Kind]] = (
        (whole[:reasoning], "reasoning"),
        (whole[reasoning:], "answer"),
    )
    return [
        ("".join(part[start : start + size]), kind)
        for part, kind in parts
        for start in range(0, len(part), size)
    ]


def jittered(count: int, mean_ms: float, seed: int = 7) -> list[float]:
    """Return gaps in ms that scatter as those of a busy server do, one of them a stall of 300."""
    scatter = random.Random(seed)
    gaps = [mean_ms * scatter.lognormvariate(-0.32, 0.8) for _ in range(count)]
    gaps[count // 2] = 300.0
    return gaps


def plan(
    *,
    size: int = 1,
    reasoning: int = 0,
    together: int = 1,
    gaps_ms: Sequence[float] | None = None,
    head_ms: float = 0.0,
    role_ms: float | None = None,
    extra: dict[str, Any] | None = None,
) -> Plan:
    """Return an answer of `TOKENS` tokens.

    Args:
        size: Tokens of a chunk.
        reasoning: Tokens that are reasoning.
        together: Chunks of a write.
        gaps_ms: From write to write; by default as long as their tokens take.
        head_ms: When the headers come.
        role_ms: When a chunk without text comes that only names a role.
        extra: What the last message adds.
    """
    texts = cut(TOKENS, size, reasoning)
    count = -(-len(texts) // together)
    steps = list(gaps_ms or [TOKEN_MS * size * together] * (count - 1))
    at = [round(ms * MS) for ms in accumulate([FIRST_MS, *steps[: count - 1]])]
    pieces = [Piece(at[i // together], text, kind) for i, (text, kind) in enumerate(texts)]
    if role_ms is not None:
        pieces.insert(0, Piece(round(role_ms * MS), "", "role"))
    tail = at[-1] + 20 * MS
    return Plan(tuple(pieces), round(head_ms * MS), tail, TOKENS, extra or {})


CASES: dict[str, Case] = {
    "plain": Case("one token a chunk, a chunk a write, headers at once", plan()),
    "chunks": Case("4 tokens a chunk", plan(size=4), head_tokens=4),
    "reasoning": Case(
        f"{REASONING} of {TOKENS} tokens are reasoning",
        plan(reasoning=REASONING),
        reasoning=REASONING,
    ),
    "jitter": Case(
        "gaps that scatter, one stall of 300 ms", plan(gaps_ms=jittered(TOKENS - 1, TOKEN_MS))
    ),
    "late-headers": Case("headers after 300 ms, text after 500 ms", plan(head_ms=300.0)),
    "late-together": Case("headers with the first text, after 500 ms", plan(head_ms=FIRST_MS)),
    "role-first": Case("a chunk without text after 100 ms, text after 500 ms", plan(role_ms=100.0)),
    "several": Case("5 events a write", plan(together=5), head_tokens=5),
    "llama-timings": Case(
        "timings that can't be: prefill -5 ms, 200 tokens decoded in 1 ms",
        plan(extra=NONSENSE_TIMINGS),
    ),
    "ollama-durations": Case(
        "durations that can't be: 9 s of prefill and 20 s of decode in 0.001 s",
        plan(extra=NONSENSE_DURATIONS),
        path=OLLAMA_CHAT,
    ),
    "everything": Case(
        f"4 tokens a chunk, {REASONING} tokens of reasoning, 3 chunks a write, jitter, a role "
        "after 300 ms with the headers, timings that can't be",
        plan(
            size=4,
            reasoning=REASONING,
            together=3,
            gaps_ms=jittered(16, 12 * TOKEN_MS),
            head_ms=300.0,
            role_ms=300.0,
            extra=NONSENSE_TIMINGS,
        ),
        reasoning=REASONING,
        head_tokens=12,
    ),
}
