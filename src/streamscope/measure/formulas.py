"""One function a figure: from the facts of a run to a number, or to ``None`` where it has none."""

from collections.abc import Collection
from typing import get_args

import msgspec

from streamscope.measure import server_side
from streamscope.measure.believable import believable
from streamscope.measure.first_arrival import first_arrival, tokens_of, whole
from streamscope.measure.gaps import Gaps, gap_statistics
from streamscope.measure.timing import Timing, survey
from streamscope.measure.tokens import Split, server_rate, split_tokens
from streamscope.measure.values import NS_PER_MS, NS_PER_S, Value, known, ratio, seconds
from streamscope.trace import SUMMARY_FLAG, MarkName, TextKind, Trace

_ANSWER: tuple[TextKind, ...] = ("answer",)


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What all figures of one run are made of; gathered once, so that each costs nothing.

    Attributes:
        trace: The run, without what of the server's figures can't be.
        timing: Its survey.
        gaps: Its gaps; ``None`` in blocking mode and below two arrivals.
        tokens: Its tokens, split.
        doubts: What of the server's figures can't be, a sentence each.
    """

    trace: Trace
    timing: Timing
    gaps: Gaps | None
    tokens: Split
    doubts: tuple[str, ...] = ()

    @property
    def streamed(self) -> bool:
        """Whether the single pieces of the answer were seen, so that they mean something."""
        return self.timing.mode == "stream" and SUMMARY_FLAG not in self.trace.flags


def gather(trace: Trace) -> Facts:
    """Gather the facts of a run in one pass over its chunks."""
    timing = survey(trace)
    believed = believable(trace)
    trace = believed.of(trace)
    return Facts(
        trace=trace,
        timing=timing,
        gaps=None if SUMMARY_FLAG in trace.flags else gap_statistics(timing.arrivals_ns),
        tokens=split_tokens(trace, timing),
        doubts=believed.doubts,
    )


def _mark(facts: Facts, name: MarkName) -> Value | None:
    return known(seconds(facts.trace.marks.get(name)))


def ttfb(facts: Facts) -> Value | None:
    """First byte of the body, s."""
    return _mark(facts, "first_byte")


def t_any(facts: Facts) -> Value | None:
    """First reasoning or answer text, s."""
    return known(seconds(facts.timing.first_any_ns))


def ttfv(facts: Facts) -> Value | None:
    """First answer text, s."""
    return known(seconds(facts.timing.first_answer_ns))


def t_10(facts: Facts) -> Value | None:
    """First moment with ten words, s."""
    return known(seconds(facts.timing.ten_words_ns))


def total(facts: Facts) -> Value | None:
    """Last text, s; ``None`` for a run that was stopped or failed: its end is not the end."""
    return known(seconds(facts.timing.last_text_ns)) if facts.timing.complete else None


def done(facts: Facts) -> Value | None:
    """End mark of the protocol, s; ``None`` for a summary: nobody knows where it ends."""
    return None if SUMMARY_FLAG in facts.trace.flags else _mark(facts, "done")


def close(facts: Facts) -> Value | None:
    """End of the response on the wire, s."""
    return _mark(facts, "closed")


def connect(facts: Facts) -> Value | None:
    """Name, TCP and TLS, s; ``None`` on a connection that was already there."""
    marks = facts.trace.marks
    up = marks.get("secured", marks.get("connected"))
    begun = marks.get("connecting")
    return None if up is None or begun is None else known(seconds(up - begun))


def thinking_tax(facts: Facts) -> Value | None:
    """Time between the first text of any kind and the first of the answer, s."""
    timing = facts.timing
    if timing.mode == "blocking" or timing.first_answer_ns is None or timing.first_any_ns is None:
        return None
    return known(seconds(timing.first_answer_ns - timing.first_any_ns))


def hidden_time(facts: Facts) -> Value | None:
    """Time that the tokens took that were never sent, s, at the server's rate."""
    hidden, rate = facts.tokens.hidden, server_rate(facts.trace)
    if hidden is None or rate is None or hidden.value <= 0:
        return None
    return known(ratio(hidden.value, rate.value), estimated=True)


def gap_p50(facts: Facts) -> Value | None:
    """Median gap, ms."""
    return known(facts.gaps.p50_ms) if facts.gaps else None


def gap_p95(facts: Facts) -> Value | None:
    """95th percentile of the gaps, ms."""
    return known(facts.gaps.p95_ms) if facts.gaps else None


def gap_max(facts: Facts) -> Value | None:
    """Longest gap, ms."""
    return known(facts.gaps.max_ms) if facts.gaps else None


def gap_mean(facts: Facts) -> Value | None:
    """Mean gap, ms."""
    return known(facts.gaps.mean_ms) if facts.gaps else None


def gap_cv(facts: Facts) -> Value | None:
    """Coefficient of variation of the gaps."""
    return known(facts.gaps.cv) if facts.gaps else None


def stalls(facts: Facts) -> Value | None:
    """Number of stalls."""
    return known(facts.gaps.stalls) if facts.gaps else None


def stall_time(facts: Facts) -> Value | None:
    """Sum of the stalls, s."""
    return known(facts.gaps.stall_ms / 1000) if facts.gaps else None


def chunks(facts: Facts) -> Value | None:
    """Number of answer chunks; ``None`` in blocking mode, where pieces mean nothing."""
    return known(facts.timing.answer.chunks) if facts.streamed else None


def burst_share(facts: Facts) -> Value | None:
    """Share of gaps between answer chunks that are shorter than 1 ms."""
    if not facts.streamed:
        return None
    return known(ratio(facts.timing.together, facts.timing.answer.chunks - 1))


def chunk_rate(facts: Facts) -> Value | None:
    """Answer chunks per second from the first arrival to the last."""
    chunks, span_ns = facts.timing.answer.chunks, _answer_span(facts)
    if span_ns is None:
        return None
    began = first_arrival(facts.trace, _ANSWER)
    return _rate(known(chunks), Value(float(began.chunks)), span_ns)


def visible_rate(facts: Facts) -> Value | None:
    """Answer tokens per second from the first arrival to the last."""
    return _token_rate(facts, facts.tokens.visible, _ANSWER, _answer_span(facts))


def tpot(facts: Facts) -> Value | None:
    """Time per token after the first arrival, ms, over exactly the tokens whose arrival was seen.

    With reasoning in sight these are all tokens, otherwise those of the answer.
    """
    timing, tokens = facts.timing, facts.tokens
    if not facts.streamed:
        return None
    if timing.reasoning.chunks:
        span_ns = _span(timing.first_any_ns, timing.last_text_ns)
        rate = _token_rate(facts, tokens.output, get_args(TextKind), span_ns)
    else:
        rate = visible_rate(facts)
    return None if rate is None else known(1000 / rate.value, estimated=rate.estimated)


def decode_rate(facts: Facts) -> Value | None:
    """Tokens per second by the server's own clock, corrected for the first token."""
    return server_rate(facts.trace)


def prefill_rate(facts: Facts) -> Value | None:
    """Prompt tokens per second, cached ones left out.

    Where the server does not say how many were cached, the whole prompt is taken: an estimate,
    and too high by the cached part.
    """
    return server_side.prefill_rate(facts.trace.server, facts.trace.tokens)


def end_to_end_rate(facts: Facts) -> Value | None:
    """All tokens by the whole time, tokens per second."""
    return _quotient(facts.tokens.output, total(facts))


def end_to_end_visible_rate(facts: Facts) -> Value | None:
    """Answer tokens by the whole time, tokens per second."""
    return _quotient(facts.tokens.visible, total(facts))


def end_to_end_text_rate(facts: Facts) -> Value | None:
    """Answer characters by the whole time, characters per second; ``None`` without any."""
    chars = facts.timing.answer.chars
    return _quotient(known(chars), total(facts)) if chars else None


def benefit(facts: Facts) -> Value | None:
    """Time in which the stream shows what blocking hides, s."""
    end, start = total(facts), ttfv(facts)
    if facts.timing.mode == "blocking" or end is None or start is None:
        return None
    return known(end.value - start.value)


def benefit_share(facts: Facts) -> Value | None:
    """The benefit as a share of the whole time."""
    return _quotient(benefit(facts), total(facts))


def output_tokens(facts: Facts) -> Value | None:
    """All generated tokens."""
    return facts.tokens.output


def visible_tokens(facts: Facts) -> Value | None:
    """Tokens of the answer."""
    return facts.tokens.visible


def reasoning_tokens(facts: Facts) -> Value | None:
    """Tokens of reasoning."""
    return facts.tokens.reasoning


def hidden_tokens(facts: Facts) -> Value | None:
    """Tokens of reasoning that were never sent."""
    return facts.tokens.hidden


def prompt_tokens(facts: Facts) -> Value | None:
    """Tokens of the prompt."""
    return known(facts.trace.tokens.prompt)


def cached_tokens(facts: Facts) -> Value | None:
    """Tokens of the prompt that came from a cache."""
    return known(facts.trace.tokens.cached)


def load_time(facts: Facts) -> Value | None:
    """Loading the model, s, by the server."""
    return known(facts.trace.server.load_s)


def prefill_time(facts: Facts) -> Value | None:
    """Evaluating the prompt, s, by the server."""
    return known(facts.trace.server.prefill_s)


def decode_time(facts: Facts) -> Value | None:
    """Generating, s, by the server."""
    return known(facts.trace.server.decode_s)


def overhead(facts: Facts) -> Value | None:
    """The time that is in none of the server's durations, s."""
    end_s = seconds(server_side.ended_ns(facts.trace, facts.timing))
    return known(server_side.overhead_s(facts.trace.server, end_s))


def shown_p50(facts: Facts) -> Value | None:
    """From arrival to the screen, median, ms."""
    shown = facts.trace.shown
    return None if shown is None else known(shown.p50_ns / NS_PER_MS)


def shown_p99(facts: Facts) -> Value | None:
    """From arrival to the screen, 99th percentile, ms."""
    shown = facts.trace.shown
    return None if shown is None else known(shown.p99_ns / NS_PER_MS)


def read_lag(facts: Facts) -> Value | None:
    """How late the probe looked, 99th percentile, ms."""
    observer = facts.trace.observer
    if observer is None or observer.lag_p99_ns is None:
        return None
    return known(observer.lag_p99_ns / NS_PER_MS)


def probe_cpu(facts: Facts) -> Value | None:
    """Processor time of the probe, ms."""
    observer = facts.trace.observer
    return None if observer is None else known(1000 * observer.cpu_s)


def _answer_span(facts: Facts) -> int | None:
    if not facts.streamed:
        return None
    return _span(facts.timing.first_answer_ns, facts.timing.last_answer_ns)


def _span(start_ns: int | None, end_ns: int | None) -> int | None:
    return None if start_ns is None or end_ns is None else end_ns - start_ns


def _token_rate(
    facts: Facts, count: Value | None, kinds: Collection[TextKind], span_ns: int | None
) -> Value | None:
    """Return tokens per second between the first arrival of some kinds of text and the last."""
    if count is None or span_ns is None:
        return None
    began = first_arrival(facts.trace, kinds)
    return _rate(count, tokens_of(began, whole(facts.trace, kinds), count), span_ns)


def _rate(count: Value | None, began: Value, span_ns: int) -> Value | None:
    """Return things per second: those of the first arrival only start the clock."""
    if count is None or count.value <= began.value:
        return None
    return known(
        ratio((count.value - began.value) * NS_PER_S, span_ns),
        estimated=count.estimated or began.estimated,
    )


def _quotient(over: Value | None, under: Value | None) -> Value | None:
    if over is None or under is None:
        return None
    return known(ratio(over.value, under.value), estimated=over.estimated or under.estimated)
