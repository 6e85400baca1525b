"""Counts and durations of one response: told when they are new, and when they can't be true."""

from typing import Protocol

import msgspec

from streamscope.trace import Tokens
from streamscope.wire import openai_shapes
from streamscope.wire.events import Event, Timings, Usage
from streamscope.wire.numbers import NONSENSE, unspeakable
from streamscope.wire.openai_shapes import ABSENT


class Counts(Protocol):
    """A usage report, under whatever names."""

    def impossible(self) -> bool:
        """Tell whether one of the counts can't be."""

    def tokens(self) -> Tokens:
        """Return the counts as a trace keeps them."""


class Ledger:
    """Remembers the counts that were told."""

    def __init__(self) -> None:
        """Start without any."""
        self._tokens = Tokens()

    def told(
        self,
        payload: bytes,
        counts: Counts | None,
        timings: msgspec.Raw = ABSENT,
        metrics: msgspec.Raw = ABSENT,
    ) -> list[Event]:
        """Return the events of the numbers in one payload.

        Args:
            payload: All of it, to look for numbers that JSON does not have.
            counts: The usage report, if there is one.
            timings: Durations as llama.cpp reports them.
            metrics: Durations as vLLM reports them.
        """
        found: list[Event] = []
        llama = openai_shapes.llama_timings(timings)
        vllm = openai_shapes.vllm_metrics(metrics)
        tokens = self._tokens
        if llama:
            tokens = tokens.merged(llama.tokens())
        if counts:
            tokens = tokens.merged(counts.tokens())
        if tokens != self._tokens:
            self._tokens = tokens
            found.append(Usage(tokens))
        durations = [each.durations() for each in (llama, vllm) if each]
        found += [Timings(each) for each in durations if openai_shapes.says_anything(each)]
        reported = counts or timings is not ABSENT or metrics is not ABSENT
        if any(each and each.impossible() for each in (llama, vllm, counts)) or (
            reported and unspeakable(payload)
        ):
            found.append(NONSENSE)
        return found
