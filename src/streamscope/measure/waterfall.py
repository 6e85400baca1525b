"""Where the time of a run went: one span after the other, from the first mark to the last.

The spans of ours follow each other without gap and without overlap, so their lengths add up to
the whole. What a server says of itself is laid into the span of ours in which it waited: a server
gives durations and no moments, so the *place* of such a span is always inferred, and it is never
longer than the one that holds it.

Which moment ends what is decided here, once:

- Reasoning, answer and tool calls may take turns. Each stretch is a span of its own; it lasts
  until text of another kind comes. The pause between two kinds belongs to the earlier one.
- The last stretch ends with the last text. From there to the end mark the run is ``finishing``.
  Where a run broke off or was stopped within its text, that text was not over: the stretch lasts
  to the break, so that a silence before it is seen.
- A span without length is left out, unless it brought text: that is a moment worth naming.
- Marks that contradict each other, which a clock that steps can make, are moved up to the latest
  one before them. No span is ever negative.
"""

import math
from collections.abc import Iterable, Mapping
from typing import TypeAlias

from streamscope.measure.believable import believable
from streamscope.measure.spans import SPANS, Row, Source, Span, SpanName, SpanText, rows
from streamscope.measure.tokens import silent_thinking_s
from streamscope.measure.values import NS_PER_MS, NS_PER_S
from streamscope.trace import MarkName, TextKind, Trace

__all__ = (
    "SPANS",
    "Row",
    "Source",
    "Span",
    "SpanName",
    "SpanText",
    "headers_with_text",
    "rows",
    "waterfall",
)

_OF_KIND: Mapping[TextKind, SpanName] = {
    "reasoning": "thinking",
    "answer": "answering",
    "tool": "calling",
}
_MOMENTS = frozenset({"thinking", "answering", "calling", "receiving"})
_BEFORE_SENT: tuple[MarkName, ...] = ("connecting", "resolved", "connected", "secured")
_OF_AN_ANSWER: tuple[MarkName, ...] = (
    "headers",
    "first_byte",
    "usage",
    "finish",
    "done",
    "closed",
)
_LEAST_NS = NS_PER_MS
"""A server that says it took less did nothing worth a line, such as loading what was loaded."""
_LONGEST_S = 1e9
_ERROR_STATUS = 300
_TOGETHER_SHARE = 0.02
"""What comes this soon after the headers, as a share of the wait for them, came with them."""
_Step: TypeAlias = tuple[int, SpanName]
"""A moment, ns since sent, and the span that begins there."""


def waterfall(trace: Trace, now_ns: int | None = None) -> tuple[Span, ...]:
    """Return the spans of a run in the order of their start. Time: O(chunks).

    Those of ours add up to the time from the first mark to the last. Those of the server's follow
    the span of ours that holds them. Without any mark there is nothing to return.

    Args:
        trace: A run that ended, in whatever way, or one under way.
        now_ns: For one under way, the present, ns since sent: its last span lasts until then.
    """
    own = _own_spans(trace, now_ns)
    trace = believable(trace).of(trace)
    held = _held(own, sum(claimed for _, claimed in _claims(trace)))
    if held is None:
        return own
    parts = _server_spans(trace, held)
    return tuple(span for one in own for span in ((one, *parts) if one is held else (one,)))


def headers_with_text(trace: Trace) -> bool:
    """Tell whether the headers came together with what they announce.

    Some servers, Ollama among them, hold the headers back until they have the first text. Then
    the wait for headers is the whole wait, and says nothing about when the prompt was read.
    """
    headers = trace.marks.get("headers")
    first = _first_content_ns(trace)
    if headers is None or first is None or headers <= 0:
        return False
    return 0 <= first - headers < max(min(NS_PER_MS, headers), headers * _TOGETHER_SHARE)


def _first_content_ns(trace: Trace) -> int | None:
    """Return when the first text came, or in blocking mode the first byte of the body."""
    if trace.mode == "blocking":
        return trace.marks.get("first_byte")
    return trace.chunks[0].t_ns if trace.chunks else None


def _own_spans(trace: Trace, now_ns: int | None) -> tuple[Span, ...]:
    marks = _marks(trace)
    moments = [*marks.values()]
    if trace.mode == "stream":
        moments += [chunk.t_ns for chunk in trace.chunks]
    if not moments:
        return ()
    if trace.ended is None and now_ns is not None:
        moments.append(now_ns)
    end = max(moments)
    steps = [*_steps_to_headers(trace, marks), *_steps_of_body(trace, marks)]
    return tuple(_spans(steps, min(moments), end))


def _marks(trace: Trace) -> dict[MarkName, int]:
    """Return the marks that count: a reused connection was not connected in this run."""
    marks = dict(trace.marks)
    if trace.connection == "reused":
        for name in _BEFORE_SENT:
            marks.pop(name, None)
    if trace.chunks or any(name in marks for name in _OF_AN_ANSWER):
        marks.setdefault("sent", 0)  # the zero of all times: what is answered was sent
    return marks


def _steps_to_headers(trace: Trace, marks: Mapping[MarkName, int]) -> Iterable[_Step]:
    begins: tuple[tuple[MarkName, SpanName], ...] = (
        ("connecting", "resolving" if "resolved" in marks else "connecting"),
        ("resolved", "connecting"),
        ("connected", "securing" if _securing(trace, marks) else "sending"),
        ("secured", "sending"),
        ("sending", "sending"),
        ("sent", "headers"),
        ("headers", "waiting"),
    )
    for mark, name in begins:
        if mark in marks:
            yield marks[mark], name


def _securing(trace: Trace, marks: Mapping[MarkName, int]) -> bool:
    return "secured" in marks or (trace.fault is not None and trace.fault.code == "tls")


def _steps_of_body(trace: Trace, marks: Mapping[MarkName, int]) -> Iterable[_Step]:
    refused = trace.status is not None and trace.status >= _ERROR_STATUS
    if trace.mode == "blocking" or refused:
        began: MarkName = "headers" if refused else "first_byte"
        if began in marks:
            yield marks[began], "receiving"
    elif trace.chunks:
        yield from _stretches(trace)
        if _text_is_over(trace):
            yield trace.chunks[-1].t_ns, "finishing"
    if "done" in marks:
        yield marks["done"], "closing"


def _stretches(trace: Trace) -> Iterable[_Step]:
    """Return where each kind of text took over; those without length only at their first time.

    So there are never more stretches than moments at which text arrived, and the three kinds.
    """
    turns: list[tuple[int, TextKind]] = []
    for chunk in trace.chunks:
        if not turns or chunk.kind != turns[-1][1]:
            turns.append((chunk.t_ns, chunk.kind))
    seen: set[TextKind] = set()
    for index, (start, kind) in enumerate(turns):
        last = index + 1 == len(turns)
        if last or kind not in seen or turns[index + 1][0] > start:
            seen.add(kind)
            yield start, _OF_KIND[kind]


def _text_is_over(trace: Trace) -> bool:
    if any(name in trace.marks for name in ("finish", "done", "closed")):
        return True
    return trace.ended not in (None, "error", "cancelled")


def _spans(steps: Iterable[_Step], first: int, end: int) -> Iterable[Span]:
    """Join steps to spans that touch: every moment is moved up to the latest one before it."""
    open_name: SpanName | None = None
    start = at = first
    for moment, name in steps:
        at = max(at, moment) if open_name is not None else first
        if name == open_name:
            continue
        if open_name is not None and (at > start or open_name in _MOMENTS):
            yield Span(name=open_name, start_ns=start, end_ns=at)
        open_name, start = name, at
    if open_name is not None and (end > start or open_name in _MOMENTS):
        yield Span(name=open_name, start_ns=start, end_ns=end)


def _held(own: Iterable[Span], claimed_ns: int) -> Span | None:
    """Return the span in which the server did what came before the first text.

    That is the wait after the headers, if most of what the server claims fits into it; where the
    headers came only with the text, it is the wait for them.
    """
    waits = {span.name: span for span in own if span.name in ("headers", "waiting")}
    headers, waiting = waits.get("headers"), waits.get("waiting")
    if headers is None or waiting is None:
        return waiting or headers
    if waiting.length_ns >= headers.length_ns:
        return waiting
    return waiting if 0 < claimed_ns <= 2 * waiting.length_ns else headers


def _claims(trace: Trace) -> list[tuple[SpanName, int]]:
    """Return what the server says that it did before the first text, and how long, ns."""
    server = trace.server
    claims: list[tuple[SpanName, float | None]] = [
        ("queue", server.queue_s),
        ("load", server.load_s),
        ("prefill", server.prefill_s),
    ]
    if trace.mode == "blocking":
        claims.append(("decode", server.decode_s))
    lengths = [(name, _claimed_ns(claim_s)) for name, claim_s in claims]
    return [(name, length_ns) for name, length_ns in lengths if length_ns >= _LEAST_NS]


def _server_spans(trace: Trace, held: Span) -> tuple[Span, ...]:
    """Lay the server's durations into a span, from its start, and cut what does not fit.

    Those that can't be true at all, because the whole run was shorter, are not among them.
    """
    spans: list[Span] = []
    at = held.start_ns
    for name, claimed in _claims(trace):
        end = min(at + claimed, held.end_ns)
        cut = end - at < claimed
        spans.append(
            Span(
                name=name,
                start_ns=at,
                end_ns=end,
                source="server",
                estimated=cut,
                claimed_ns=claimed,
            )
        )
        at = end
    hidden = silent_thinking_s(trace) if at < held.end_ns else None
    if hidden is not None:  # it ends with the first text; what lies before it is not known
        start = max(at, held.end_ns - _claimed_ns(hidden.value))
        spans.append(
            Span(name="hidden", start_ns=start, end_ns=held.end_ns, source="server", estimated=True)
        )
    return tuple(spans)


def _claimed_ns(claim_s: float | None) -> int:
    """Return a duration of the server's, ns; 0 for what is none."""
    if claim_s is None or not math.isfinite(claim_s) or claim_s <= 0:
        return 0
    return round(min(claim_s, _LONGEST_S) * NS_PER_S)
