"""How many of the generated tokens could be seen. Counts come from the server, never from chunks.

A chunk is no token: it may hold several, and a token may make none. Chunks only serve to *split* a
count that the server gave, and what is split that way is marked as an estimate.
"""

import msgspec

from streamscope.measure.timing import Lane, Timing, survey
from streamscope.measure.values import Value, known, seconds
from streamscope.trace import Trace

CLOCK_FROM_FIRST_TOKEN = frozenset({"ollama", "llama.cpp", "vllm"})
"""Servers whose generation clock starts when the first token exists: it spans ``n - 1`` steps."""

SILENT_TOKENS = 20
SILENT_SHARE = 0.2
"""Hidden thinking is only claimed above both, or any small delay would look like a thought."""


class Split(msgspec.Struct, frozen=True, kw_only=True):
    """The generated tokens and where they went; ``None`` where the server gives no count.

    Attributes:
        output: All generated tokens.
        visible: Tokens of the answer.
        reasoning: Tokens of reasoning, seen or not.
        hidden: Tokens of reasoning that never arrived; ``None`` too where reasoning text was
            seen, because nobody can tell whether it was all.
    """

    output: Value | None = None
    visible: Value | None = None
    reasoning: Value | None = None
    hidden: Value | None = None


def server_rate(trace: Trace) -> Value | None:
    """Return the server's own decode rate in tokens per second, freed of its bias.

    Where the server's clock starts at the first token, n tokens took n - 1 steps. For a server of
    which that is not known the plain quotient is returned, as an estimate.
    """
    server = trace.server
    count = server.decode_tokens if server.decode_tokens is not None else trace.tokens.output
    if count is None or server.decode_s is None or server.decode_s <= 0:
        return None
    if server.source in CLOCK_FROM_FIRST_TOKEN:
        return known((count - 1) / server.decode_s) if count > 1 else None
    return known(count / server.decode_s, estimated=True) if count > 0 else None


def silent_thinking(trace: Trace, timing: Timing | None = None) -> Value | None:
    """Estimate how many tokens were generated before the first visible one and never sent.

    Between prefill and the first word the server generates at its decode rate; what it made in
    that time was not shown. Every answer chunk holds at least one token, so no more tokens than
    ``output - chunks`` can be hidden: this keeps a wait in a queue from looking like a thought.

    Args:
        trace: A finished run.
        timing: Its survey, if it was made before.

    Returns:
        ``None`` unless it is a stream without any reasoning text, the server reports its
        durations, and both more than 20 tokens and more than 20 % of all are missing.
    """
    timing = timing or survey(trace)
    rate, first = server_rate(trace), seconds(timing.first_answer_ns)
    output = trace.tokens.output
    if timing.mode == "blocking" or timing.reasoning.chunks or trace.tokens.reasoning is not None:
        return None
    if rate is None or first is None or not output or trace.server.prefill_s is None:
        return None
    before = (trace.server.load_s or 0) + (trace.server.queue_s or 0) + trace.server.prefill_s
    hidden = min((first - before) * rate.value, float(output - timing.answer.chunks))
    if hidden <= SILENT_TOKENS or hidden <= SILENT_SHARE * output:
        return None
    return known(hidden, estimated=True)


def split_tokens(trace: Trace, timing: Timing) -> Split:
    """Split the server's count into reasoning and answer, exactly where it says how."""
    output = trace.tokens.output
    if not output:
        return Split(reasoning=known(trace.tokens.reasoning))
    reasoning = known(trace.tokens.reasoning)
    hidden = None
    if not timing.reasoning.chunks:
        hidden = silent_thinking(trace, timing) if reasoning is None else reasoning
        reasoning = reasoning or hidden
    elif reasoning is None:
        share = _share(timing, timing.reasoning, timing.answer, timing.tool)
        reasoning = known(output * share, estimated=True)
    visible = Value(
        output - reasoning.value if reasoning else float(output),
        estimated=reasoning is not None and reasoning.estimated,
    )
    if timing.tool.chunks:
        share = _share(timing, timing.answer, timing.tool)
        visible = Value(visible.value * share, estimated=True)
    return Split(
        output=known(output),
        visible=visible if visible.value >= 0 else None,
        reasoning=reasoning,
        hidden=hidden,
    )


def _share(timing: Timing, lane: Lane, *others: Lane) -> float:
    """Return a lane's share of the text: of chunks, or of characters where all came at once."""
    by_chars = timing.mode == "blocking" or timing.at_once
    sizes = [each.chars if by_chars else each.chunks for each in (lane, *others)]
    total = sum(sizes)
    return sizes[0] / total if total else 0.0
