"""Figures of a run under way: what the panes show until the exact ones replace them."""

from streamscope.measure.gaps import GapMeter
from streamscope.measure.values import NS_PER_S, seconds
from streamscope.trace import Chunk, TextKind


class LiveFigures:
    """Takes the chunks of a stream as they come; every property is ready at once.

    For streams only: before its end there is nothing to know about a blocking run.

    Attributes:
        gaps: The gaps of the answer so far.
        kind: What is arriving now; ``None`` before the first text.
        since_ns: When text of that kind began to arrive, ns since sent.
        chunks: Answer chunks.
        answer_chars: Characters of the answer.
        reasoning_chars: Characters of the reasoning.
    """

    def __init__(self) -> None:
        self.gaps = GapMeter()
        self.kind: TextKind | None = None
        self.since_ns: int | None = None
        self.chunks = 0
        self.answer_chars = 0
        self.reasoning_chars = 0
        self._any_ns: int | None = None
        self._answer_ns: int | None = None
        self._last_ns = 0
        self._run_of_kind = 0

    def add(self, chunk: Chunk) -> None:
        """Take the next chunk. O(log n)."""
        now = chunk.t_ns
        if chunk.kind != self.kind:
            self.kind, self.since_ns, self._run_of_kind = chunk.kind, now, 0
        self._run_of_kind += 1
        self._last_ns = now
        if chunk.kind != "tool" and self._any_ns is None:
            self._any_ns = now
        if chunk.kind == "reasoning":
            self.reasoning_chars += len(chunk.text)
        elif chunk.kind == "answer":
            self.chunks += 1
            self.answer_chars += len(chunk.text)
            self.gaps.add(now)
            if self._answer_ns is None:
                self._answer_ns = now

    @property
    def t_any_s(self) -> float | None:
        """First reasoning or answer text, s."""
        return seconds(self._any_ns)

    @property
    def ttfv_s(self) -> float | None:
        """First answer text, s."""
        return seconds(self._answer_ns)

    @property
    def chunks_per_s(self) -> float | None:
        """Chunks per second since text of the present kind began. Chunks, not tokens."""
        if self.since_ns is None or self._last_ns <= self.since_ns:
            return None
        return (self._run_of_kind - 1) * NS_PER_S / (self._last_ns - self.since_ns)
