"""The parts of a run's time: their names, what is said of them, and their records."""

from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias

import msgspec

SpanName: TypeAlias = Literal[
    "resolving",
    "connecting",
    "securing",
    "sending",
    "headers",
    "waiting",
    "queue",
    "load",
    "prefill",
    "hidden",
    "decode",
    "thinking",
    "answering",
    "calling",
    "receiving",
    "finishing",
    "closing",
]

Source: TypeAlias = Literal["ours", "server"]
"""Who measured a span: the probe, or the server, about itself."""


class SpanText(msgspec.Struct, frozen=True):
    """What a person reads about a span.

    Attributes:
        label: A few words.
        explanation: What begins and ends it, in a sentence.
    """

    label: str
    explanation: str


SPANS: Mapping[SpanName, SpanText] = {
    "resolving": SpanText("looking up the name", "Until the server's name was an address."),
    "connecting": SpanText("connecting", "Until the TCP connection was up."),
    "securing": SpanText("TLS", "Until the TLS handshake was over."),
    "sending": SpanText(
        "sending",
        "From a connection that is up to the last byte of the request handed to the system. Over a"
        " WebSocket the request is the message with the prompt, and opening the socket is part of"
        " this.",
    ),
    "headers": SpanText(
        "waiting for headers",
        "From the last byte of the request to the end of the response headers. What that means"
        " differs from server to server: it is no wait for a first token.",
    ),
    "waiting": SpanText(
        "waiting for text",
        "From the headers to the first text; in blocking mode to the first byte of the body.",
    ),
    "queue": SpanText("queue", "Waiting for a free slot, as the server says."),
    "load": SpanText("loading the model", "Loading the model or waiting for it, as it says."),
    "prefill": SpanText("prefill", "Reading the part of the prompt that was not cached."),
    "hidden": SpanText(
        "hidden thinking",
        "Until the first text, for as long as the tokens took that were never sent (estimate).",
    ),
    "decode": SpanText(
        "generating", "Making the answer that blocking mode sends when it is whole."
    ),
    "thinking": SpanText("thinking", "Reasoning text arrives."),
    "answering": SpanText("answering", "Text of the answer arrives."),
    "calling": SpanText("calling a tool", "A tool call arrives."),
    "receiving": SpanText(
        "receiving",
        "From the first byte to the whole body, where nothing can be read before: blocking mode"
        " and error pages.",
    ),
    "finishing": SpanText("finishing", "From the last text to the protocol's end mark."),
    "closing": SpanText("closing", "From the end mark to the end of the response on the wire."),
}
"""What is said of each span, in the order in which they can come."""


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a run's time.

    Attributes:
        name: What happened in it.
        start_ns: Its beginning, ns since sent: negative before the request was sent.
        end_ns: Its end, never before its beginning.
        source: Whether we measured it, or the server did, about itself.
        estimated: Whether its length was inferred or cut. The place of a span of the server's is
            inferred in any case.
        claimed_ns: The length that the server gave it; ``None`` for spans of ours and inferred
            ones. More than the span's own length where it did not fit.
    """

    name: SpanName
    start_ns: int
    end_ns: int
    source: Source = "ours"
    estimated: bool = False
    claimed_ns: int | None = None

    @property
    def length_ns(self) -> int:
        """How long it lasted, ns."""
        return self.end_ns - self.start_ns


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """All spans of one name, for a drawing with a line for each.

    Attributes:
        name: Their name.
        spans: They, in order: more than one where thinking and answering take turns.
    """

    name: SpanName
    spans: tuple[Span, ...]

    @property
    def length_ns(self) -> int:
        """How long all of them lasted, ns."""
        return sum(span.length_ns for span in self.spans)

    @property
    def source(self) -> Source:
        """Who measured them."""
        return self.spans[0].source

    @property
    def estimated(self) -> bool:
        """Whether any was inferred or cut."""
        return any(span.estimated for span in self.spans)


def rows(spans: Iterable[Span]) -> tuple[Row, ...]:
    """Gather spans by name, in the order in which each name first comes."""
    by_name: dict[SpanName, list[Span]] = {}
    for span in spans:
        by_name.setdefault(span.name, []).append(span)
    return tuple(Row(name=name, spans=tuple(found)) for name, found in by_name.items())
