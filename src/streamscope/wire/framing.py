"""From bytes to lines, and from lines to server-sent events, without loss and in linear time.

Reads end anywhere: inside a character, between CR and LF, after half a byte order mark. The same
bytes give the same events however they are cut. Only the line ends that a format names are line
ends: U+2028, form feed and their like may stand unescaped inside a JSON string.
"""

from typing import NamedTuple

from streamscope.wire.lenient import is_json

LIMIT_BYTES = 16 * 1024 * 1024
"""Longest line or event: a server that sends more is broken or hostile."""

DONE = b"[DONE]"
"""The end mark of OpenAI-like streams."""

END_NAMES = frozenset({"done", "end"})
"""Event names that end a stream even when they come without data, as tutorials send them."""

_BOM = b"\xef\xbb\xbf"


class LineSplitter:
    """Splits bytes into lines. Each byte is looked at once, however small the reads are.

    Attributes:
        overflow: Whether a line was longer than the limit. Nothing is returned from there on.
    """

    def __init__(self, *, cr_ends_line: bool = False, limit: int = LIMIT_BYTES) -> None:
        """Split on LF alone, dropping one CR before it, or on LF, CR LF and CR.

        Args:
            cr_ends_line: Whether a CR ends a line by itself, as in server-sent events.
            limit: Longest line in bytes.
        """
        self.overflow = False
        self._cr_ends_line = cr_ends_line
        self._limit = limit
        self._rest = bytearray()
        self._after_cr = False

    def feed(self, data: bytes) -> list[bytes]:
        """Return the lines that this read completed, without their ends."""
        lines: list[bytes] = []
        if self.overflow:
            return lines
        *completed, rest = self._line_feeds_only(data).split(b"\n")
        for piece in completed:
            if len(self._rest) + len(piece) > self._limit:
                self.overflow = True
                return lines
            line = piece
            if self._rest:
                line = bytes(self._rest + piece)
                self._rest.clear()
            lines.append(line if self._cr_ends_line else line.removesuffix(b"\r"))
        self._rest += rest
        self.overflow = len(self._rest) > self._limit
        return lines

    def finish(self) -> bytes:
        """Return the last line if it has no end, else nothing."""
        return b"" if self.overflow else bytes(self._rest)

    def _line_feeds_only(self, data: bytes) -> bytes:
        if not self._cr_ends_line or not data:
            return data
        if self._after_cr:
            # The CR has ended its line already: this LF is its other half.
            data = data.removeprefix(b"\n")
        self._after_cr = data.endswith(b"\r")
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return data


class SseEvent(NamedTuple):
    """One event: its data, lines joined by LF, and its name."""

    data: bytes
    name: str = "message"


class SseComment(NamedTuple):
    """A comment: a sign of life without content."""

    text: bytes


SseItem = SseEvent | SseComment


class SseSplitter:
    """Splits the bytes of a ``text/event-stream`` into events and comments.

    It follows the specification, and forgives what servers are seen to do:

    - A data line that is a whole JSON object, or ``[DONE]``, is delivered at once and not at the
      blank line, so that a server that sends none is timed as well as any other.
    - Other data lines that make no JSON together, but each alone, are as many events.
    - A line that is JSON without ``data:`` is an event, and so are the lines of a JSON text that
      is laid out over several.
    - ``error:`` in place of ``data:`` (llama.cpp before September 2025) is an event named
      ``error``; ``event: done`` without data is an event without data.
    - Data that starts with a colon is a comment.
    - An event without the last blank line is delivered by ``finish``.

    Where data may be bare text (``raw``), the same forms may be a model's words: a colon at the
    start is text, and lines are taken apart only if each is a JSON object, array or string.

    Attributes:
        overflow: Whether a line or an event was longer than the limit. Nothing comes after it.
        unterminated: After ``finish``: whether the last event lacked its blank line.
        ignored: The first line that meant nothing, for a complaint if no event ever comes.
    """

    def __init__(self, limit: int = LIMIT_BYTES, *, raw: bool = False) -> None:
        """Take lines and events of up to ``limit`` bytes, of JSON or of bare text as well."""
        self.overflow = False
        self.unterminated = False
        self.ignored = b""
        self._limit = limit
        self._raw = raw
        self._lines = LineSplitter(cr_ends_line=True, limit=limit)
        self._start: bytes | None = b""
        self._items: list[SseItem] = []
        self._name = ""
        self._data: list[bytes] = []
        self._size = 0
        self._delivered = False
        self._bare = False

    def feed(self, data: bytes) -> list[SseItem]:
        """Return what this read completed, in order."""
        return self._take(self._lines.feed(self._without_bom(data)))

    def finish(self) -> list[SseItem]:
        """Return what the end of the body leaves, and set ``unterminated``."""
        items = self._take(self._lines.feed(self._start or b""))
        if rest := self._lines.finish():
            items += self._take([rest])
        if not self.overflow:
            self.unterminated = bool(
                self._data or self._delivered or self._name.lower() in END_NAMES
            )
            items += self._take([b""])
        return items

    def _without_bom(self, data: bytes) -> bytes:
        if self._start is None:
            return data
        start = self._start + data
        if len(start) < len(_BOM) and _BOM.startswith(start):
            self._start = start
            return b""
        self._start = None
        return start.removeprefix(_BOM)

    def _take(self, lines: list[bytes]) -> list[SseItem]:
        for line in lines:
            if self.overflow:
                break
            self._line(line)
        self.overflow = self.overflow or self._lines.overflow
        items, self._items = self._items, []
        return items

    def _line(self, line: bytes) -> None:
        if not line:
            self._blank()
            return
        if line.startswith(b":"):
            self._items.append(SseComment(line[1:]))
            return
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            self._end_bare()
            self._datum(value)
        elif field == b"event":
            self._end_bare()
            self._name = value.decode("utf-8", "replace")
        elif field == b"error":
            self._end_bare()
            self._name = "error"
            self._datum(value)
        elif self._bare or line.startswith((b"{", b"[")):
            self._bare_line(line)
        elif field not in (b"id", b"retry") and not self.ignored:
            self.ignored = line

    def _datum(self, value: bytes) -> None:
        if value.strip() == DONE:
            self._deliver()
            self._items.append(SseEvent(value, self._name or "message"))
            self._delivered = True
        elif self._data:
            self._keep(value)
        elif value.startswith(b":") and not self._raw:
            self._items.append(SseComment(value[1:]))
        elif value.startswith(b"{") and value.rstrip().endswith(b"}") and is_json(value):
            self._items.append(SseEvent(value, self._name or "message"))
            self._delivered = True
        else:
            self._keep(value)

    def _bare_line(self, line: bytes) -> None:
        """Take a line of JSON that stands there without ``data:``."""
        if not self._bare:
            self._deliver()
            self._bare = True
            if line.strip() == DONE or is_json(line):
                self._keep(line)
                self._end_bare()
                return
        self._keep(line)
        if line.startswith((b"}", b"]")):
            self._end_bare()

    def _end_bare(self) -> None:
        if self._bare:
            self._deliver()
            self._bare = False

    def _keep(self, value: bytes) -> None:
        self._size += len(value) + 1
        if self._size > self._limit + 1:
            self.overflow = True
            self._data.clear()
        else:
            self._data.append(value)

    def _deliver(self) -> None:
        """Deliver the data lines that were kept."""
        lines, self._data, self._size = self._data, [], 0
        if not lines:
            return
        name = self._name or "message"
        whole = b"\n".join(lines)
        if len(lines) > 1 and not is_json(whole) and all(map(self._stands_alone, lines)):
            self._items.extend(SseEvent(line, name) for line in lines)
        else:
            self._items.append(SseEvent(whole, name))

    def _stands_alone(self, line: bytes) -> bool:
        """Tell whether a line can be an event by itself: of bare text, a digit alone is none."""
        return is_json(line) and (not self._raw or line.startswith((b"{", b"[", b'"')))

    def _blank(self) -> None:
        if self._data:
            self._deliver()
        elif not self._delivered and self._name.lower() in END_NAMES:
            self._items.append(SseEvent(b"", self._name))
        self._name = ""
        self._delivered = self._bare = False
