"""The record of a run: what was asked, and what arrived when.

Every other part of streamscope shares these types. They hold no secrets and do no I/O.

All times named ``*_ns`` are integers in nanoseconds. Unless said otherwise they are counted from
``sent``, the moment at which the last byte of the request was handed to the operating system, on
the monotonic clock that all processes of this machine share. What happens before, such as
connecting, has a negative time.
"""

from typing import Any, Literal

import msgspec

Mode = Literal["stream", "blocking"]
"""How a channel delivers the answer: as it is made, or whole."""

TextKind = Literal["reasoning", "answer", "tool"]
"""What a piece of text is. Only ``answer`` is what the person asked for."""

MarkName = Literal[
    "connecting",  # the connection was begun
    "resolved",  # the name was resolved (absent for literal addresses)
    "connected",  # TCP is up
    "secured",  # TLS is up (absent on plain connections)
    "sending",  # the first byte of the request was handed over
    "sent",  # the last byte of the request was handed over: the zero of all times
    "headers",  # the response headers were complete (of a WebSocket: it was open, before zero)
    "first_byte",  # the first byte of the body
    "usage",  # token counts
    "finish",  # the server named the reason why the text ended
    "done",  # the protocol's own end mark; in blocking mode the whole body
    "closed",  # the response was complete on the wire
    "error",
    "cancelled",
]
"""What can happen once in a run, beside text. ``headers`` is never a time to first token."""

Ended = Literal["stop", "length", "tool", "filter", "incomplete", "error", "cancelled"]
"""How a run ended.

``stop``: the model was finished. ``length``: the token limit was reached. ``tool``: the model
called a tool. ``filter``: the server withheld the rest. ``incomplete``: the connection ended
cleanly without the protocol's end mark. ``error``: see the fault. ``cancelled``: a person or a
limit of ours stopped it.
"""

Clock = Literal["kernel", "read"]
"""Where arrival times come from: the kernel's receive time stamp, or the return of the read."""

Connection = Literal["fresh", "reused"]
"""Whether the run opened its connection, or took one that an earlier run had left open."""

FaultCode = Literal[
    "unreachable",  # no server there, or no way to it
    "tls",  # the certificate or the handshake was refused
    "url",  # not a URL that can be called
    "auth",  # key missing or refused
    "model",  # the server does not know the model
    "request",  # the server refused the request (other 4xx)
    "busy",  # rate limit or full queue
    "loading",  # the server is there, the model is not yet
    "server",  # 5xx, or an error inside the stream
    "malformed",  # bytes that are not the protocol
    "cut",  # the connection broke in the middle
    "silence",  # nothing came for the stall limit
    "timeout",  # the limit for the whole run passed
    "oversize",  # a bound on line, body or marks was passed
    "probe",  # our own measuring process died
]


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """Why a run failed.

    Attributes:
        code: The class of fault.
        sentence: One sentence for a person: what failed, where, and what to do.
        detail: The server's own words, or the exception's, unshortened up to 2,000 characters.
        status: HTTP status, where one was received.
    """

    code: FaultCode
    sentence: str
    detail: str = ""
    status: int | None = None


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A server that answers prompts. Its key is never part of it.

    Attributes:
        protocol: Name of a protocol in the registry of ``streamscope.wire``.
        url: Base URL, without a trailing slash and without credentials.
        model: Model name as the server knows it; empty when the server has only one.
    """

    protocol: str
    url: str
    model: str = ""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked: the same for both channels.

    ``None`` leaves a parameter to the server.

    Attributes:
        prompt: The person's text.
        system: System text.
        temperature: Sampling temperature.
        top_p: Nucleus sampling mass.
        seed: Sampling seed.
        max_tokens: Limit of output tokens, thinking included.
        stop: Texts that end the answer.
        think: ``True``, ``False`` or a level (``low``, ``medium``, ``high``).
        params: Further members of the request body, as the server names them.
    """

    prompt: str
    system: str | None = None
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    think: bool | str | None = None
    params: dict[str, Any] = {}


class Chunk(msgspec.Struct, frozen=True, array_like=True):
    """One piece of text that the server sent as a piece. It may hold several tokens.

    Attributes:
        t_ns: Arrival, ns since sent: the read that completed it.
        kind: What the text is.
        text: The text itself, as received. Untrusted.
        read: Index of that read; chunks of one read share it and arrived together.
        server_ns: The server's own stamp for it, ns since the epoch, where it gives one.
    """

    t_ns: int
    kind: TextKind
    text: str
    read: int
    server_ns: int | None = None


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """Token counts as the server reports them; ``None`` where it does not.

    Attributes:
        prompt: Tokens of the prompt, cached ones included.
        output: All generated tokens, reasoning included.
        reasoning: Generated tokens that were reasoning.
        cached: Prompt tokens that came from a cache.
    """

    prompt: int | None = None
    output: int | None = None
    reasoning: int | None = None
    cached: int | None = None

    def merged(self, newer: "Tokens") -> "Tokens":
        """Return these counts with every count that ``newer`` knows (and is not zero) replaced."""
        return Tokens(
            prompt=newer.prompt or self.prompt,
            output=newer.output or self.output,
            reasoning=newer.reasoning if newer.reasoning is not None else self.reasoning,
            cached=newer.cached if newer.cached is not None else self.cached,
        )


class ServerTimings(msgspec.Struct, frozen=True, kw_only=True):
    """Durations as the server reports them, in seconds; ``None`` where it does not.

    Attributes:
        load_s: Loading the model (Ollama: and waiting for it).
        queue_s: Waiting for a free slot.
        prefill_s: Evaluating the part of the prompt that was not cached.
        decode_s: Generating.
        total_s: The whole request.
        prefill_tokens: Prompt tokens that were really evaluated.
        decode_tokens: Generated tokens that ``decode_s`` covers.
        source: Whose fields these are, such as ``ollama`` or ``llama.cpp``.
    """

    load_s: float | None = None
    queue_s: float | None = None
    prefill_s: float | None = None
    decode_s: float | None = None
    total_s: float | None = None
    prefill_tokens: int | None = None
    decode_tokens: int | None = None
    source: str = ""


class SharedRead(msgspec.Struct, frozen=True, array_like=True):
    """A read of which the parts have one arrival time between them, though they may have had more.

    Attributes:
        size: Bytes that it brought.
        segments: TCP segments that it brought; ``None`` where that is not known. With one, the
            other side sent the parts together; with several, they queued here before the read,
            and only the last one's arrival is known.
    """

    size: int
    segments: int | None = None


class Observer(msgspec.Struct, frozen=True, kw_only=True):
    """What measuring took, and what stood in its way. ``None`` where the system does not tell.

    Attributes:
        cpu_s: Processor time of the probe, user and system, in seconds; of runs at the same time,
            that of all of them.
        waited_s: How long the probe was ready to run and had no processor, in seconds.
        lag_p50_ns: How late the probe looked, median.
        lag_p99_ns: The same, 99th percentile.
        lag_max_ns: The same, at worst.
        lag_from: Counted from the kernel's stamp of what came, or from when a timer was due.
        cores: Processors that the probe may use.
        busy: Share of all processors' time in which they worked, 0 to 1.
        stolen: Share of all processors' time that a hypervisor gave to others, 0 to 1.
        throttled_s: How long a quota kept this group of processes from running, in seconds.
    """

    cpu_s: float
    waited_s: float | None = None
    lag_p50_ns: int | None = None
    lag_p99_ns: int | None = None
    lag_max_ns: int | None = None
    lag_from: Literal["arrival", "timer"] = "timer"
    cores: int = 1
    busy: float | None = None
    stolen: float | None = None
    throttled_s: float | None = None


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """How long text took from its arrival to the frame that showed it: latency to the eye.

    It is no part of any other time: those end when the bytes arrive.

    Attributes:
        chunks: Pieces of text that were shown.
        frames: Frames that brought something new.
        p50_ns: From arrival to frame, median over the chunks.
        p99_ns: The same, 99th percentile.
        max_ns: The same, at worst.
    """

    chunks: int
    frames: int
    p50_ns: int
    p99_ns: int
    max_ns: int


class ClockBasis(msgspec.Struct, frozen=True, kw_only=True):
    """What was found out about the times of one clock, and from how much.

    Attributes:
        error_ns_p99: By how much an arrival time may be wrong; ``None`` if nothing could be said.
        true_gap_ns: The shortest gap for which that was shown; ``None`` if for none.
        counted: Cases that count: schedules that were kept, and whose gaps were true.
        cases: Cases in all.
    """

    error_ns_p99: int | None
    true_gap_ns: int | None
    counted: int
    cases: int


class Basis(msgspec.Struct, frozen=True, kw_only=True):
    """The calibration that was in force when something was measured, in short.

    Attributes:
        measured_utc: When it was made, ISO 8601.
        exact: Whether every one of its schedules was kept.
        clocks: What it found out, by clock.
    """

    measured_utc: str
    exact: bool
    clocks: dict[Clock, ClockBasis]


class Trace(msgspec.Struct, kw_only=True):
    """What happened in one run, in order of arrival. It grows while the run is under way.

    Attributes:
        mode: How the channel delivered.
        clock: Where the arrival times come from.
        sent_monotonic_ns: The zero of all times, on the machine's monotonic clock.
        started_utc: Wall-clock time of the start, ISO 8601, for people only.
        marks: Time of each thing that happened, ns since sent.
        chunks: All non-empty text, in order of arrival.
        ended: How it ended; ``None`` while it runs.
        fault: Why it failed, if it did.
        tokens: Token counts by the server.
        server: Durations by the server.
        model: The model's name by the server, if it said so.
        status: HTTP status.
        headers: Response headers that explain timing (server, via, encodings).
        connection: Whether the connection was opened for this run.
        reads: Number of reads that brought body bytes.
        segments: TCP segments that brought the response; ``None`` where that is not known.
        shared: Reads of a stream that held more than one piece of text or more than one segment,
            or may have, by index.
        body_bytes: Number of body bytes.
        pings: Keep-alive comments seen: signs of life, never text.
        flags: Short names of what makes this run special, such as ``simulated``.
        observer: What measuring took; ``None`` where nobody looked.
        shown: When the text was on the screen; ``None`` where there was none.
        error_ns_p99: By how much an arrival time may be wrong (99th percentile), as this machine
            was last calibrated with this clock; ``None`` where it was not, where the machine was
            busy, and where text came faster than what was calibrated.
        calibration: What that rests on; ``None`` where the machine was not calibrated.
    """

    mode: Mode
    clock: Clock = "read"
    sent_monotonic_ns: int = 0
    started_utc: str = ""
    marks: dict[MarkName, int] = {}
    chunks: list[Chunk] = []
    ended: Ended | None = None
    fault: Fault | None = None
    tokens: Tokens = Tokens()
    server: ServerTimings = ServerTimings()
    model: str = ""
    status: int | None = None
    headers: dict[str, str] = {}
    connection: Connection = "fresh"
    reads: int = 0
    segments: int | None = None
    shared: dict[int, SharedRead] = {}
    body_bytes: int = 0
    pings: int = 0
    flags: list[str] = []
    observer: Observer | None = None
    shown: Shown | None = None
    error_ns_p99: int | None = None
    calibration: Basis | None = None

    def text(self, kind: TextKind = "answer") -> str:
        """Return all text of one kind, joined."""
        return "".join(chunk.text for chunk in self.chunks if chunk.kind == kind)

    @property
    def unsent(self) -> tuple[str, ...]:
        """Names of what was asked for and could not be sent, such as ``seed``."""
        return tuple(
            flag.removeprefix(UNSENT_FLAG) for flag in self.flags if flag.startswith(UNSENT_FLAG)
        )

    @property
    def limit_added(self) -> int | None:
        """Token limit that was sent because the protocol wants one; ``None`` if none was."""
        for flag in self.flags:
            limit = flag.removeprefix(LIMIT_FLAG)
            if limit != flag and limit.isdecimal():
                return int(limit)
        return None

    @property
    def known_clock(self) -> Clock | None:
        """Where the arrival times come from; ``None`` where nobody knows, as of a summary."""
        return None if SUMMARY_FLAG in self.flags else self.clock

    @property
    def ok(self) -> bool:
        """Whether the run ended by itself, so that its figures may be pooled."""
        return self.ended in ("stop", "length", "tool")

    @property
    def busy(self) -> bool:
        """Whether the machine was too busy for these times to be trusted, as was judged then."""
        return BUSY_FLAG in self.flags


SUMMARY_FLAG = "imported-summary"
"""Flag of a run of which only a summary was imported: it has no texts, and the times of its chunks
are its first and last moment, between which nothing may be read out of them."""

BUSY_FLAG = "busy"
"""Flag of a run during which the machine was too busy for its times to be trusted, by the settings
that were in force."""

PREFILL_FLAG = "prefill-only"
"""Flag of a warm-up that was asked for the first token only, whatever its request says: it loads
the model and fills the cache."""

UNSENT_FLAG = "unsent:"
"""Begins a flag for each thing that was asked for and not sent, because the protocol has no member
for it or the model would refuse it, such as ``unsent:seed``."""

COUNTED_FLAG = "length-counted"
"""Flag of a run of which the token count, and not the server, says that the limit cut it."""

LIMIT_FLAG = "limit:"
"""Begins a flag with the token limit that was sent because the protocol wants one, though nobody
had asked for any, such as ``limit:4096``."""

UNMARKED_FLAG = "unmarked"
"""Flag of a run whose answer ended cleanly and without any mark, on a protocol that need not have
one: nobody can tell whether the answer is whole."""

IGNORED_FLAG = "limit-ignored"
"""Flag of a run in which the server made far more tokens than it was allowed."""

Layout = Literal["apart", "race"]
"""Whether the two runs of a pair were measured one after the other, or both at once."""

Regime = Literal["warm", "cold"]
"""Whether the prompt may be in the server's cache. Runs of both are never pooled."""

ChannelName = Literal["A", "B"]
"""One side of the comparison: A is drawn on the left, B on the right."""


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One request on one channel, with everything needed to compare it with others.

    Attributes:
        run_id: Unique, 32 hexadecimal digits.
        comparison_id: The comparison that it belongs to, 32 hexadecimal digits.
        channel: The side on which it ran.
        target: The server.
        request: What was asked.
        trace: What happened.
        layout: Whether the pair was measured apart or as a race.
        regime: Whether the prompt may have been cached.
        nonce: What was put before the prompt so that no cache could know it; empty when warm.
        pair: Number of the pair in its comparison, from 1; 0 for a warm-up.
        position: 1 if it ran first in its pair, 2 if second.
        warmup: Whether it only served to warm up; never pooled.
        engine: Name of the engine of ours that answered (``local``, ``simulator``), or empty.
        server_version: Version of the server, where it says so.
    """

    run_id: str
    comparison_id: str
    channel: ChannelName
    target: Target
    request: Request
    trace: Trace
    layout: Layout = "apart"
    regime: Regime = "warm"
    nonce: str = ""
    pair: int = 1
    position: int = 1
    warmup: bool = False
    engine: str = ""
    server_version: str = ""
