"""What the app and the probe process say to each other: msgpack frames over two pipes.

A frame is its length as four bytes, big-endian, and the message. Commands go to the probe by its
standard input, so that keys never show up in an argument list; reports come back by its standard
output.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec

from streamscope.trace import Chunk, Clock, MarkName, Mode, Request, Target, Trace

HEADER_BYTES = 4
"""Length of the length."""


PREAMBLE = b"streamscope probe\n"
"""What comes before the first report: until then, anything may have been printed there."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of one run; when one is passed the run ends with a fault and keeps what it has.

    Attributes:
        connect_s: For the connection, TLS included, in seconds.
        stall_s: For a silence without a single byte, in seconds.
        total_s: For the whole run, in seconds.
        body_bytes: For the body.
        chunks: For the number of pieces of text.
    """

    connect_s: float = 5.0
    stall_s: float = 120.0
    total_s: float = 600.0
    body_bytes: int = 256 * 1024 * 1024
    chunks: int = 1_000_000


class Start(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Send a request and report what comes.

    Attributes:
        run_id: Chosen by the sender; all reports on this run carry it.
        target: The server.
        key: Its key, if it wants one.
        headers: What is sent beside the headers of the protocol, or in place of them: it may
            hold a key, too.
        request: What to ask.
        mode: How the answer is to be delivered.
        limits: Bounds of the run.
        proxy: URL of an HTTP proxy to go through.
        clock: Where arrival times are to come from: with ``kernel``, wherever it can be had.
        reuse: Whether to take a connection that an earlier such run has left open, and to leave
            this one's open.
    """

    run_id: str
    target: Target
    key: str | None = None
    headers: Mapping[str, str] = {}
    request: Request
    mode: Mode
    limits: Limits = Limits()
    proxy: str | None = None
    clock: Clock = "kernel"
    reuse: bool = False

    def __repr__(self) -> str:
        return f"Start({self.run_id!r}, {self.target!r}, {self.mode!r})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """Show what identifies the run, and never the key."""
        return [("run_id", self.run_id), ("target", self.target), ("mode", self.mode)]


class Cancel(msgspec.Struct, frozen=True, tag=True):
    """End a run at once and close its connection."""

    run_id: str


class Fetch(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Get a small page, to learn what a server is."""

    fetch_id: int
    url: str
    headers: dict[str, str] = {}
    timeout_s: float = 1.0
    proxy: str | None = None

    def __repr__(self) -> str:
        return f"Fetch({self.fetch_id!r}, {self.url!r})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """Show what is asked for, and never the headers: they may hold the key."""
        return [("fetch_id", self.fetch_id), ("url", self.url)]


class Ping(msgspec.Struct, frozen=True, tag=True):
    """Say that you are there."""


Command: TypeAlias = Start | Cancel | Fetch | Ping


class Ready(msgspec.Struct, frozen=True, tag=True):
    """The probe has walked its whole path once and is ready to time."""

    pid: int


class Sent(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The request is out, and with it the zero of all times is known.

    Attributes:
        run_id: The run.
        sent_monotonic_ns: That zero, on the machine's monotonic clock.
        started_utc: The wall-clock time of it, ISO 8601.
        clock: Where arrival times will come from.
        marks: What happened before, with negative times.
    """

    run_id: str
    sent_monotonic_ns: int
    started_utc: str
    clock: Clock
    marks: dict[MarkName, int]


class Progress(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What has happened since the last report on this run."""

    run_id: str
    marks: dict[MarkName, int] = {}
    chunks: list[Chunk] = []


class Finished(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A run is over. The trace is whole but for its chunks, which were all reported before."""

    run_id: str
    trace: Trace


class Fetched(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The answer to a fetch: a status and a body, or the reason why there is none."""

    fetch_id: int
    status: int = 0
    body: bytes = b""
    error: str = ""


class Pong(msgspec.Struct, frozen=True, tag=True):
    """The probe is there: it reads its commands and may act on them."""


Report: TypeAlias = Ready | Sent | Progress | Finished | Fetched | Pong


def _plain(value: Any) -> str:
    """Return text of a kind of its own, such as a key that hides itself, as plain text."""
    if isinstance(value, str):
        return str(value)
    raise TypeError(f"a {type(value).__name__} can't be sent")


_encoder = msgspec.msgpack.Encoder(enc_hook=_plain)
_commands: msgspec.msgpack.Decoder[Command] = msgspec.msgpack.Decoder(Start | Cancel | Fetch | Ping)
_reports: msgspec.msgpack.Decoder[Report] = msgspec.msgpack.Decoder(
    Ready | Sent | Progress | Finished | Fetched | Pong
)


def frame(message: Any) -> bytes:
    """Return a message as one frame."""
    body = _encoder.encode(message)
    return len(body).to_bytes(HEADER_BYTES, "big") + body


def command(body: bytes) -> Command:
    """Read a command from the body of a frame."""
    return _commands.decode(body)


def report(body: bytes) -> Report:
    """Read a report from the body of a frame."""
    return _reports.decode(body)
