"""Plain text in chunks: no framing, no counts, and no end mark but the end of the body.

Every read that holds text is a chunk, however the server cut it: a character, a token or a buffer.
A body that ends with its connection, because it has neither chunks nor a length, can't be told
from one that was cut.
"""

import codecs
from collections.abc import Sequence
from typing import ClassVar, Literal

from streamscope.trace import Mode
from streamscope.wire.base import Decoder
from streamscope.wire.bodies import in_one_piece
from streamscope.wire.events import End, Event, Failure
from streamscope.wire.framing import LIMIT_BYTES
from streamscope.wire.homemade import Homemade
from streamscope.wire.transcript import Transcript


class TextBody(Decoder):
    """Decodes UTF-8 as it comes; what is none becomes U+FFFD, and nothing is trimmed."""

    def __init__(self) -> None:
        """Start before the first byte; a byte order mark there is no text."""
        self._text = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._said = Transcript()

    def feed(self, data: bytes) -> Sequence[Event]:
        """Return the text of this read."""
        return self._said.answer(self._text.decode(data))

    def finish(self) -> Sequence[Event]:
        """Return what is left, and the end: there is no other mark."""
        rest = self._said.answer(self._text.decode(b"", final=True))
        return [*rest, *self._said.close(), End()]


class WholeTextBody(Decoder):
    """Decodes a body that is one text, and says nothing before it is whole."""

    def __init__(self, limit: int = LIMIT_BYTES) -> None:
        """Take bodies of up to ``limit`` bytes."""
        self._limit = limit
        self._bytes = bytearray()
        self._over = False

    def feed(self, data: bytes) -> Sequence[Event]:
        """Keep the bytes; only a body that is too long is told at once."""
        if self._over:
            return []
        self._bytes += data
        if len(self._bytes) <= self._limit:
            return []
        self._over = True
        self._bytes.clear()
        return [Failure("oversize", f"{self._limit:,} bytes in one piece")]

    def finish(self) -> Sequence[Event]:
        """Return all events of the body."""
        if self._over:
            return []
        body = TextBody()
        return in_one_piece([*body.feed(bytes(self._bytes)), *body.finish()])


class PlainText(Homemade):
    """Asked by POST."""

    name: ClassVar[str] = "text"
    label: ClassVar[str] = "a home-made server that sends plain text, asked by POST"
    marked: ClassVar[bool] = False
    accept: ClassVar[str] = "text/plain"
    accept_whole: ClassVar[str] = "text/plain"

    def decoder(self, mode: Mode) -> Decoder:
        """Return a decoder for text as it comes, or for all of it."""
        return TextBody() if mode == "stream" else WholeTextBody()


class PlainTextGet(PlainText):
    """Asked by GET."""

    name: ClassVar[str] = "text-get"
    label: ClassVar[str] = "a home-made server that sends plain text, asked by GET"
    method: ClassVar[Literal["POST", "GET"]] = "GET"
