"""One pass over a trace: when the first, the tenth and the last words could be read."""

import msgspec

from streamscope.measure.reading import WORDS_FOR_A_START, WordCounter
from streamscope.measure.values import NS_PER_MS
from streamscope.trace import Mode, TextKind, Trace

TOGETHER_NS = NS_PER_MS
"""Chunks closer than this came together: one write, one buffer, or one proxy's flush."""

ENOUGH_CHARS = 80
"""Characters from which on a text would have been streamed in more than one piece."""


TOKENS_A_CHUNK = 1.5
"""From here on chunks are no tokens, even allowing for characters that take several."""


class Lane(msgspec.Struct, kw_only=True):
    """All text of one kind.

    Attributes:
        chunks: Number of pieces.
        chars: Number of characters (code points).
    """

    chunks: int = 0
    chars: int = 0


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """When text could be read. All times are ns since sent, ``None`` where it never happened.

    In blocking mode nothing can be read before the body is whole, so the first and the last text
    share one moment: ``done``, or else ``closed``.

    Attributes:
        mode: How the channel delivered.
        complete: Whether the run came to an end of its own, so that its last text is the last.
        first_any_ns: First reasoning or answer text.
        first_reasoning_ns: First reasoning text.
        first_answer_ns: First answer text.
        ten_words_ns: First moment with ten words of the answer.
        last_answer_ns: Last answer text.
        last_text_ns: Last text of any kind.
        arrivals_ns: Moments at which answer text arrived; chunks that came in one read count
            once. Empty in blocking mode.
        text_arrivals: Number of moments at which text of any kind arrived.
        together: Answer chunks that came less than 1 ms after the one before.
        answer: Size of the answer.
        reasoning: Size of the reasoning.
        tool: Size of the tool calls.
    """

    mode: Mode
    complete: bool
    first_any_ns: int | None
    first_reasoning_ns: int | None
    first_answer_ns: int | None
    ten_words_ns: int | None
    last_answer_ns: int | None
    last_text_ns: int | None
    arrivals_ns: list[int]
    text_arrivals: int
    together: int
    answer: Lane
    reasoning: Lane
    tool: Lane

    @property
    def at_once(self) -> bool:
        """Whether all text of a stream arrived within one millisecond."""
        first = self.first_any_ns
        if self.mode == "blocking" or first is None or self.last_text_ns is None:
            return False
        return self.last_text_ns - first < TOGETHER_NS

    @property
    def came_whole(self) -> bool:
        """Whether text came all at once though there was enough of it to stream."""
        return self.at_once and self.answer.chars + self.reasoning.chars >= ENOUGH_CHARS


def survey(trace: Trace) -> Timing:
    """Read a trace once, from first to last chunk, whether or not it has ended."""
    lanes: dict[TextKind, Lane] = {"answer": Lane(), "reasoning": Lane(), "tool": Lane()}
    first: dict[TextKind, int] = {}
    last: dict[TextKind, int] = {}
    arrivals: list[int] = []
    together = text_arrivals = 0
    previous = -1
    words, ten_words = WordCounter(), None
    for chunk in trace.chunks:
        kind, now = chunk.kind, chunk.t_ns
        lane = lanes[kind]
        lane.chunks += 1
        lane.chars += len(chunk.text)
        if text_arrivals == 0 or now > previous:
            text_arrivals += 1
            previous = now
        if kind == "answer":
            if arrivals and now - last["answer"] < TOGETHER_NS:
                together += 1
            if is_arrival(now, arrivals[-1] if arrivals else None):
                arrivals.append(now)
            if ten_words is None and words.add(chunk.text) >= WORDS_FOR_A_START:
                ten_words = now
        first.setdefault(kind, now)
        last[kind] = now
    last_text = max(last.values(), default=None)
    if trace.mode == "blocking":
        arrivals, together = [], 0
        last_text = _ready(trace)
        if last_text is not None:
            first = last = dict.fromkeys(first, last_text)
            ten_words = None if ten_words is None else last_text
    return Timing(
        mode=trace.mode,
        complete=trace.ended not in (None, "error", "cancelled"),
        first_any_ns=_least(first.get("reasoning"), first.get("answer")),
        first_reasoning_ns=first.get("reasoning"),
        first_answer_ns=first.get("answer"),
        ten_words_ns=ten_words,
        last_answer_ns=last.get("answer"),
        last_text_ns=last_text,
        arrivals_ns=arrivals,
        text_arrivals=text_arrivals,
        together=together,
        answer=lanes["answer"],
        reasoning=lanes["reasoning"],
        tool=lanes["tool"],
    )


def is_arrival(now_ns: int, previous_ns: int | None) -> bool:
    """Tell whether a chunk is an arrival of its own.

    Chunks of one read carry the same time. A clock that steps back by less than it resolves must
    not make a negative gap either, so anything not later counts as the same arrival.
    """
    return previous_ns is None or now_ns > previous_ns


def _ready(trace: Trace) -> int | None:
    """Return when the body of a blocking response was whole."""
    for name in ("done", "closed"):
        if name in trace.marks:
            return trace.marks[name]
    return trace.chunks[-1].t_ns if trace.chunks else None


def _least(*numbers: int | None) -> int | None:
    return min((number for number in numbers if number is not None), default=None)
