"""What stands between the model and the reader: who put together what was made one by one.

Without evidence of who it was, only what was measured is said.
"""

from statistics import median
from typing import Literal, TypeAlias

import msgspec

from streamscope.measure.believable import believable
from streamscope.measure.bundles import Bundles, bundles, together_share
from streamscope.measure.timing import TOKENS_A_CHUNK, Timing, survey
from streamscope.measure.tokens import BYTES_A_TOKEN, silent_thinking, text_bytes
from streamscope.measure.values import Value
from streamscope.trace import SUMMARY_FLAG, Trace

BufferingKind: TypeAlias = Literal["not-streamed", "buffered", "late", "server-batches"]
"""All came at once; something on the way merges pieces; we looked too late; or the server itself
sends several tokens together."""

BURST_LIMIT = 0.2
"""Share of pieces that came together with the one before, above which that is spoken of."""

FEWEST = 10
"""Fewest pieces in which a shape is seen."""

MOSTLY = 0.5
"""Share of the pieces that came together of which something must hold to be the cause."""

CROWDED = 0.8
"""Share of the processors' time above which programs on this machine wait for each other."""

_BUFFERS = (4096, 8192, 16384, 32768, 65536)
_NEAR = 0.03
_IN_MESSAGES = 101
"""Status of an answer that comes in messages of a WebSocket, which have frames and no chunks."""
_NAGLE_MS = (36.0, 48.0)

_PROXY_ADVICE = (
    "Turn the buffering off: `proxy_buffering off` in nginx, or the header `X-Accel-Buffering: no`"
    " from the server."
)
_GZIP_ADVICE = "Turn compression off for this path: it collects text before it sends any."
_NAGLE_ADVICE = "Let the server set TCP_NODELAY on its connections."
_LATE_ADVICE = "Measure while this machine has less to do."


class Buffering(msgspec.Struct, frozen=True, kw_only=True):
    """That pieces came in bundles, and what is known about why.

    Attributes:
        kind: Where it happened, as far as the evidence goes.
        sentence: What is to be said about it, in one sentence.
        evidence: What it rests on, a sentence each, the strongest first.
        advice: What to do about it, in one sentence; empty if there is nothing to do.
    """

    kind: BufferingKind
    sentence: str
    evidence: tuple[str, ...] = ()
    advice: str = ""


def buffering(trace: Trace, timing: Timing | None = None) -> Buffering | None:
    """Return what put pieces of a stream together; ``None`` if they came one by one.

    Args:
        trace: A run.
        timing: Its survey, if it was made before.
    """
    # A display that paces puts together on purpose.
    paced = any(flag.startswith("paced:") for flag in trace.flags)
    if trace.mode == "blocking" or paced or SUMMARY_FLAG in trace.flags:
        return None
    timing = timing or survey(trace)
    if timing.came_whole:
        return _not_streamed(trace)
    if len(trace.chunks) >= FEWEST and together_share(trace) > BURST_LIMIT:
        return _bundled(trace, bundles(trace))
    return _batches(trace, timing)


def _not_streamed(trace: Trace) -> Buffering:
    shape = bundles(trace)
    evidence = _header_words(trace)
    if shape.made_over_ms is not None and shape.made_over_ms >= 100:
        made = f"The server stamped its pieces over {shape.made_over_ms / 1000:.2f} s."
        return Buffering(
            kind="not-streamed",
            sentence="All text came at once, though the server made it piece by piece: something"
            " on the way holds it back.",
            evidence=(made, *evidence),
            advice=_advice(trace, shape) or _PROXY_ADVICE,
        )
    return Buffering(
        kind="not-streamed",
        sentence="All text came at once: the server, or a proxy before it, does not stream.",
        evidence=evidence,
        advice=_advice(trace, shape),
    )


def _bundled(trace: Trace, shape: Bundles) -> Buffering:
    measured = (
        f"{shape.together} of {shape.pieces} pieces came together with the one before"
        f" ({100 * shape.share:.0f} %), in {shape.bundles} bundles"
    )
    if shape.queued > MOSTLY * shape.together:
        return Buffering(
            kind="late",
            sentence=f"{shape.queued} pieces were sent one by one but read together: this machine"
            " looked too late for their gaps to be known.",
            evidence=(f"{measured}.", *_lag_words(trace)),
            advice=_LATE_ADVICE,
        )
    if shape.resolved and shape.made_together > MOSTLY * shape.together:
        return Buffering(
            kind="server-batches",
            sentence=f"{measured}: {_made_together(trace)}, and the gaps are between its batches.",
            evidence=(f"{shape.made_together} of them bear stamps within 1 ms of the one before.",),
        )
    proof = _proof(trace, shape)
    evidence = (*proof, *_size_words(shape), *_header_words(trace))
    if not proof:
        return Buffering(
            kind="buffered",
            sentence=f"{measured}{_sent_together(shape)}: the gaps tell of that, not of the model.",
            evidence=(*_segment_words(shape), *evidence),
            advice=_advice(trace, shape),
        )
    return Buffering(
        kind="buffered",
        sentence=f"Something between you and the model is buffering: {measured}.",
        evidence=evidence,
        advice=_advice(trace, shape) or _PROXY_ADVICE,
    )


def _made_together(trace: Trace) -> str:
    """Say who made pieces together that bear stamps of one moment.

    A server that was late itself stamps what it catches up with at one moment, too. On the
    loopback its machine is this one, and known to be busy or not.
    """
    observer = trace.observer
    crowded = observer is not None and (observer.busy or 0) > CROWDED
    if trace.busy or crowded:
        return "the server stamped them together, by its design or because it was late"
    return "the server made them together"


def _sent_together(shape: Bundles) -> str:
    if shape.one_segment <= MOSTLY * shape.together:
        return ""
    return ", sent together by the server or by something between"


def _batches(trace: Trace, timing: Timing) -> Buffering | None:
    """Say that chunks hold several tokens, if they do."""
    sent, chunks = _sent_tokens(trace, timing), timing.answer.chunks + timing.reasoning.chunks
    if sent is None or chunks < FEWEST or sent.value < TOKENS_A_CHUNK * chunks:
        return None
    about = "about " if sent.estimated else ""
    return Buffering(
        kind="server-batches",
        sentence=f"A chunk holds {about}{sent.value / chunks:.1f} tokens on average: the server"
        " sends several together, so gaps between chunks are not those between tokens.",
        evidence=(f"{about}{sent.value:.0f} tokens came in {chunks} chunks.".capitalize(),),
    )


def _sent_tokens(trace: Trace, timing: Timing) -> Value | None:
    """Return how many tokens came as text; ``None`` where nobody knows."""
    output = believable(trace).tokens.output
    if output is None or timing.tool.chunks:
        return None
    if timing.reasoning.chunks:
        return Value(float(output))
    if trace.tokens.reasoning is not None:
        return Value(float(output - trace.tokens.reasoning))  # the rest was never sent
    if hidden := silent_thinking(trace, timing):
        return Value(output - hidden.value, estimated=True)
    # Without a word on reasoning, text that is long enough for all tokens has room for no thought.
    room = text_bytes(trace) >= BYTES_A_TOKEN * output
    return Value(float(output), estimated=True) if room else None


def _proof(trace: Trace, shape: Bundles) -> tuple[str, ...]:
    """Return what tells that it was not the server that put them together."""
    found = []
    if shape.made_apart > MOSTLY * shape.together and shape.held_ms is not None:
        found.append(
            f"The server stamped {shape.made_apart} of them apart from the one before: bundles"
            f" were held for {shape.held_ms:.0f} ms (median)."
        )
    if "compressed" in trace.flags:
        found.append("The answer came compressed, though that was not asked for.")
    if _is_nagle(shape):
        found.append(
            f"Bundles came every {shape.period_ms:.0f} ms: the mark of Nagle's algorithm waiting"
            " for a delayed acknowledgement."
        )
    return tuple(found)


def _is_nagle(shape: Bundles) -> bool:
    low, high = _NAGLE_MS
    return shape.period_ms is not None and low <= shape.period_ms <= high and shape.steady > MOSTLY


def _size_words(shape: Bundles) -> tuple[str, ...]:
    """Say that bundles are as large as buffers are, if they are."""
    if len(shape.sizes) < 3:
        return ()
    typical = median(shape.sizes)
    for size in _BUFFERS:
        if abs(typical - size) <= _NEAR * size:
            return (f"Bundles have {typical:,.0f} bytes (median), as a buffer of {size:,} has.",)
    return ()


def _segment_words(shape: Bundles) -> tuple[str, ...]:
    if shape.one_segment <= MOSTLY * shape.together:
        return ()
    return (f"{shape.one_segment} of them were sent together with the one before, in one segment.",)


def _header_words(trace: Trace) -> tuple[str, ...]:
    """Return what the response headers say about who is in between."""
    headers = {name.lower(): value for name, value in trace.headers.items()}
    found = []
    if via := headers.get("via"):
        found.append(f"It came through a proxy (Via: {via}).")
    server = headers.get("server", "")
    if "cf-ray" in headers or "cloudflare" in server.lower():
        found.append("It came through Cloudflare.")
    elif "nginx" in server.lower():
        found.append(f"It came through nginx (Server: {server}).")
        if headers.get("x-accel-buffering", "").lower() != "no":
            found.append("Nothing told nginx not to buffer (X-Accel-Buffering: no is missing).")
    if encoding := headers.get("content-encoding"):
        found.append(f"It came encoded ({encoding}), though that was not asked for.")
    if length := headers.get("content-length"):
        found.append(
            f"Its length was known before it began (Content-Length: {length}): it was whole."
        )
    elif (
        headers
        and trace.status != _IN_MESSAGES
        and "chunked" not in headers.get("transfer-encoding", "").lower()
    ):
        found.append("It was not sent in chunks (Transfer-Encoding: chunked is missing).")
    return tuple(found)


def _lag_words(trace: Trace) -> tuple[str, ...]:
    observer = trace.observer
    if observer is None or observer.lag_p99_ns is None:
        return ()
    return (f"Arrivals were looked at up to {observer.lag_p99_ns / 1e6:.1f} ms late (p99).",)


def _advice(trace: Trace, shape: Bundles) -> str:
    headers = {name.lower(): value.lower() for name, value in trace.headers.items()}
    if "compressed" in trace.flags or "content-encoding" in headers:
        return _GZIP_ADVICE
    if "via" in headers or "nginx" in headers.get("server", "") or "cf-ray" in headers:
        return _PROXY_ADVICE
    return _NAGLE_ADVICE if _is_nagle(shape) else ""
