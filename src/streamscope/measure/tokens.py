"""How many of the generated tokens could be seen. Counts come from the server, never from chunks.

A chunk is no token: it may hold several, and a token may make none. Chunks only serve to *split* a
count that the server gave, and what is split that way is marked as an estimate.
"""

import msgspec

from streamscope.measure.timing import Lane, Timing, survey
from streamscope.measure.values import NS_PER_S, Value, known, ratio, seconds
from streamscope.trace import SUMMARY_FLAG, Trace

CLOCK_FROM_FIRST_TOKEN = frozenset({"ollama", "llama.cpp", "vllm"})
"""Servers whose generation clock starts when the first token exists: it spans ``n - 1`` steps."""

LEAVES_ZEROS_OUT = frozenset({"ollama"})
"""Servers that leave a duration out when it is zero, as prefill is when all was cached."""

CONTROL_TOKENS = 10
"""Tokens that an answer may have beside those of its text: turns, channels, its end."""

BYTES_A_TOKEN = 2.5
"""Text with so many bytes for each token that was made can hold them all: most hold four."""

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
    that time was not shown. Two cross-checks keep a wait in a queue, and text that something on
    the way held back, from looking like a thought, and the least of the three counts:

    - Every chunk of the answer holds at least one token, so no more than the rest are hidden.
    - The server decoded the hidden tokens too: no longer than it decoded beyond the time in which
      the visible text was made. One token more is allowed, as nobody knows whether the first one
      was made in the one time or before it.

    Args:
        trace: A finished run.
        timing: Its survey, if it was made before.

    Returns:
        ``None`` unless it is a stream that began with text of the answer, without any reasoning
        text, the server reports its durations, and both more than 20 tokens and more than 20 % of
        all are missing.
    """
    timing = timing or survey(trace)
    rate, first = server_rate(trace), seconds(timing.first_answer_ns)
    output, server = trace.tokens.output, trace.server
    if timing.mode == "blocking" or timing.reasoning.chunks or trace.tokens.reasoning is not None:
        return None
    if rate is None or first is None or not output or server.decode_s is None:
        return None
    if server.prefill_s is None and server.source not in LEAVES_ZEROS_OUT:
        return None
    made_in_s = _visible_window_s(trace, timing)
    if made_in_s is None:
        return None
    before = (server.load_s or 0) + (server.queue_s or 0) + (server.prefill_s or 0)
    hidden = min(
        (first - before) * rate.value,
        float(output - timing.answer.chunks),
        (server.decode_s - made_in_s) * rate.value + 1,
    )
    return known(hidden, estimated=True) if _is_much(hidden, output) else None


def silent_thinking_s(trace: Trace, timing: Timing | None = None) -> Value | None:
    """Estimate how long the server thought in silence before the first text, s.

    It is the time that its rate takes for the tokens that ``silent_thinking`` finds.
    """
    hidden, rate = silent_thinking(trace, timing), server_rate(trace)
    if hidden is None or rate is None:
        return None
    return known(ratio(hidden.value, rate.value), estimated=True)


def unsent_tokens(trace: Trace) -> int | None:
    """Return how many of the tokens at least are in no text that was sent.

    No token of a text is shorter than a byte, so an answer has at most as many tokens as it has
    bytes in UTF-8. A few control tokens are allowed for. This holds in blocking mode too, needs
    no durations, and says nothing about answers of some length: they have bytes enough.

    Returns:
        ``None`` unless both more than 20 tokens and more than 20 % of all are missing.
    """
    output = trace.tokens.output
    if trace.ended not in ("stop", "length") or not output or trace.tokens.reasoning is not None:
        return None
    if any(chunk.kind != "answer" for chunk in trace.chunks):
        return None
    size = len(trace.text().encode("utf-8", "surrogatepass"))
    missing = output - size - CONTROL_TOKENS
    return missing if _is_much(missing, output) else None


def _is_much(hidden: float, output: int) -> bool:
    return hidden > SILENT_TOKENS and hidden > SILENT_SHARE * output


def _visible_window_s(trace: Trace, timing: Timing) -> float | None:
    """Return how long it took to make the visible text, s; ``None`` where that cannot be known.

    The server's own stamps tell it best: a proxy that holds text back does not change them.
    """
    first, last = trace.chunks[0], trace.chunks[-1]
    if first.kind != "answer":  # a tool call comes whole: what it took was no thought
        return None
    if first.server_ns is not None and last.server_ns is not None:
        return max(0.0, (last.server_ns - first.server_ns) / NS_PER_S)
    return None if timing.came_whole else max(0.0, (last.t_ns - first.t_ns) / NS_PER_S)


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
    if reasoning is None and _may_hide(trace, timing):
        return Split(output=known(output))  # most likely thinking, and nobody knows how much
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


def _may_hide(trace: Trace, timing: Timing) -> bool:
    """Tell whether the text is too short for all tokens, and nothing tells where the rest went.

    Of a stream that is only said where it is certain: a stream shows a wait, and from that hidden
    tokens were estimated before. Of a blocking response, the size of the text is all there is.
    """
    output = trace.tokens.output or 0
    if SUMMARY_FLAG in trace.flags or not timing.answer.chars or timing.tool.chunks:
        return False
    if unsent_tokens(trace) is not None:
        return True
    short = text_bytes(trace) < BYTES_A_TOKEN * output
    return trace.mode == "blocking" and output > SILENT_TOKENS and short


def text_bytes(trace: Trace) -> int:
    """Return the size of all text in UTF-8; lone surrogates count as they are."""
    return sum(len(chunk.text.encode("utf-8", "surrogatepass")) for chunk in trace.chunks)


def _share(timing: Timing, lane: Lane, *others: Lane) -> float:
    """Return a lane's share of the text: of chunks, or of characters where all came at once."""
    by_chars = timing.mode == "blocking" or timing.at_once
    sizes = [each.chars if by_chars else each.chunks for each in (lane, *others)]
    total = sum(sizes)
    return sizes[0] / total if total else 0.0
