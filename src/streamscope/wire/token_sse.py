"""The endpoint of a hundred tutorials: ``data: {"token": "Nile"}``, then ``data: [DONE]``.

See ``homemade`` for how it is asked, and ``tokens`` for how it is read.
"""

from collections.abc import Sequence
from typing import ClassVar, Literal

from streamscope.trace import Mode
from streamscope.wire import lenient
from streamscope.wire.base import Decoder
from streamscope.wire.bodies import SseBody, WholeBody, in_one_piece
from streamscope.wire.events import Event, Flag
from streamscope.wire.homemade import Homemade
from streamscope.wire.tokens import AnswerReader, TokenReader

_FIELDS = (b"data:", b"event:", b"id:", b"retry:", b":")

STREAMED = Flag("streamed")
"""A whole answer was asked for, and came as a stream: it was read to its end before it was told."""


class _Answer(WholeBody):
    """Decodes a whole answer, or the stream that a server sends which knows nothing else."""

    def __init__(self) -> None:
        super().__init__(AnswerReader())

    def finish(self) -> Sequence[Event]:
        """Return all events of the body."""
        body = self.taken()
        if not _is_stream(body):
            return super().finish()
        stream = SseBody(TokenReader())
        return [STREAMED, *in_one_piece([*stream.feed(body), *stream.finish()])]


class TokenSse(Homemade):
    """Asked by POST."""

    name: ClassVar[str] = "token-sse"
    label: ClassVar[str] = "a home-made server that sends tokens as events, asked by POST"
    path: ClassVar[str] = "/v1/completions/stream"
    accept: ClassVar[str] = "text/event-stream"

    def decoder(self, mode: Mode) -> Decoder:
        """Return a decoder for events (or lines of JSON), or for one whole answer."""
        return SseBody(TokenReader()) if mode == "stream" else _Answer()


class TokenSseGet(TokenSse):
    """Asked by GET, as a browser's ``EventSource`` asks."""

    name: ClassVar[str] = "token-sse-get"
    label: ClassVar[str] = "a home-made server that sends tokens as events, asked by GET"
    method: ClassVar[Literal["POST", "GET"]] = "GET"


def _is_stream(body: bytes) -> bool:
    """Tell whether a body is an event stream, or lines of JSON, rather than one answer."""
    if body.startswith(_FIELDS):
        return True
    first, more, _ = body.partition(b"\n")
    return bool(more) and first.startswith(b"{") and lenient.is_json(first)
