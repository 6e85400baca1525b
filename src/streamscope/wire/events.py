"""What a decoder says about the bytes it was fed: small, typed and free of time.

The probe adds the time. All events of one ``feed`` arrived with the read that was fed.
"""

from typing import TypeAlias

import msgspec

from streamscope.trace import Ended, FaultCode, ServerTimings, TextKind, Tokens


class Text(msgspec.Struct, frozen=True):
    """Non-empty text. A role, an empty string or a usage report is never a ``Text``.

    Attributes:
        kind: Answer, reasoning or tool call.
        text: The text as sent; never empty.
        server_ns: The server's own stamp, ns since the epoch, where it gives one.
    """

    kind: TextKind
    text: str
    server_ns: int | None = None


class Usage(msgspec.Struct, frozen=True):
    """Token counts. May come more than once; counts of zero do not replace known ones."""

    tokens: Tokens


class Timings(msgspec.Struct, frozen=True):
    """The server's own durations."""

    server: ServerTimings


class Model(msgspec.Struct, frozen=True):
    """The model's name, as the server says it. Sent once."""

    name: str


class Finish(msgspec.Struct, frozen=True):
    """The server named the reason why the text ended. More events may follow."""

    reason: Ended


class End(msgspec.Struct, frozen=True):
    """The protocol's own end mark."""


class Ping(msgspec.Struct, frozen=True):
    """A sign of life without content, such as an SSE comment."""


class Flag(msgspec.Struct, frozen=True):
    """Something that makes this run special, as a short name (``unterminated``)."""

    name: str


class Failure(msgspec.Struct, frozen=True):
    """An error inside a response whose HTTP status was good, or bytes that are no protocol.

    Attributes:
        code: The class of fault.
        detail: The server's own words.
    """

    code: FaultCode
    detail: str


Event: TypeAlias = Text | Usage | Timings | Model | Finish | End | Ping | Flag | Failure
