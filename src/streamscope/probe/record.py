"""The record of one run as it grows: events, the reads that brought them, and their times."""

import datetime
import time
from collections.abc import Callable, Iterable, Mapping

from streamscope.probe.messages import Finished, Progress, Sent, Start
from streamscope.probe.observer import Watch
from streamscope.probe.wire import NOTHING, Wire
from streamscope.trace import (
    COUNTED_FLAG,
    IGNORED_FLAG,
    LIMIT_FLAG,
    UNSENT_FLAG,
    Chunk,
    Ended,
    Fault,
    MarkName,
    SharedRead,
    Trace,
)
from streamscope.wire.events import (
    End,
    Event,
    Failure,
    Finish,
    Flag,
    Model,
    Ping,
    Text,
    Timings,
    Usage,
)

Emit = Callable[[Sent | Progress | Finished], None]
"""Takes reports in the order in which they are made; must not block."""

_TELLING_HEADERS = (
    "server",
    "via",
    "content-type",
    "content-encoding",
    "transfer-encoding",
    "content-length",
    "x-accel-buffering",
    "cf-ray",
    "openai-processing-ms",
    "retry-after",
)
"""Response headers that explain timing. Others may be private and are not kept."""


IGNORED_TOKENS = 8
"""Tokens beyond the limit from which on it was ignored, and not counted a little differently."""

IGNORED_SHARE = 0.1
"""The same, as a share of the limit."""


class Record:
    """Writes down what happens in one run, and reports it.

    Attributes:
        trace: What has happened so far.
        chunks: Pieces of text so far.
        end_seen: Whether the protocol's own end mark has come.
    """

    def __init__(self, start: Start, wire: Wire, emit: Emit) -> None:
        """Begin a record of a run.

        Args:
            start: What is asked.
            wire: What the connection sees.
            emit: Takes the reports.
        """
        self.trace = Trace(mode=start.mode)
        self.wire = wire
        self.chunks = 0
        self.end_seen = False
        self._run_id = start.run_id
        self._emit = emit
        self._watch = Watch()
        self._limit: int | None = None
        self._length_told = True
        self._zero = 0
        self._read = NOTHING
        self._pieces = 0
        self._at = 0

    def expect(
        self, *, unsent: Iterable[str], limit: int | None, added: int | None, told: bool
    ) -> None:
        """Note what cannot be asked for, and how long the answer may become.

        Args:
            unsent: Names of what was asked for and is not sent.
            limit: Most tokens that the answer may have; ``None`` if nobody has set a limit.
            added: The limit that is sent where nobody has; ``None`` if none is.
            told: Whether the server says so when the limit cuts the answer.
        """
        for name in unsent:
            self.flag(UNSENT_FLAG + "_".join(name.split()))
            if name == "max_tokens":
                limit = None
        if added is not None:
            self.flag(f"{LIMIT_FLAG}{added}")
        self._limit, self._length_told = limit if added is None else added, told

    def sent(self) -> None:
        """Note that the request is out, or that it was out at another time than was thought."""
        wire, trace = self.wire, self.trace
        sent = wire.marks.get("sent", self._zero)
        if sent == self._zero:
            return
        self._zero = sent
        trace.sent_monotonic_ns = sent
        age_ns = time.monotonic_ns() - sent
        began = datetime.datetime.now(datetime.UTC) - datetime.timedelta(microseconds=age_ns / 1000)
        trace.started_utc = began.isoformat(timespec="milliseconds")
        trace.marks = {name: at - sent for name, at in wire.marks.items()}
        trace.clock = wire.clock
        trace.connection = "fresh" if wire.fresh else "reused"
        self._emit(
            Sent(
                run_id=self._run_id,
                sent_monotonic_ns=sent,
                started_utc=trace.started_utc,
                clock=wire.clock,
                marks=dict(trace.marks),
            )
        )

    def headers(self, status: int, headers: Mapping[str, str]) -> None:
        """Note that the response headers are complete."""
        self._keep(status, headers)
        self._at = self.wire.last.at_ns - self._zero
        self._mark("headers", self._at)

    def upgraded(self, status: int, headers: Mapping[str, str]) -> None:
        """Note that a connection was opened for messages, with headers before the request."""
        self._keep(status, headers)
        self.wire.marks["headers"] = self.wire.last.at_ns

    def _keep(self, status: int, headers: Mapping[str, str]) -> None:
        self.trace.status = status
        self.trace.headers = {
            name: headers[name][:200] for name in _TELLING_HEADERS if name in headers
        }

    def arrived(self, size: int) -> None:
        """Note bytes of the body that were handed out; what they hold came with their read."""
        trace, read = self.trace, self.wire.last
        if read.number != self._read.number:
            self._judge_read()
            self._read, self._pieces = read, 0
            self._at = read.at_ns - self._zero
            trace.reads += 1
            if self.wire.clock == "kernel":
                self._watch.arrived(read.at_ns, read.read_ns)
        if not trace.body_bytes:
            self._mark("first_byte", self._at)
        trace.body_bytes += size

    def _mark(self, name: MarkName, at: int) -> None:
        self.trace.marks[name] = at
        self._emit(Progress(run_id=self._run_id, marks={name: at}))

    def _judge_read(self) -> None:
        """Keep what is known of the last read if its parts have one time between them."""
        read = self._read
        if read.number < 0 or self.trace.mode == "blocking":  # nothing was sent in pieces
            return
        several = read.segments > 1 if read.segments is not None else self.wire.counted
        if self._pieces > 1 or several:
            self.trace.shared[read.number] = SharedRead(read.size, read.segments)

    def note(self, events: Iterable[Event]) -> Failure | None:
        """Note events that the last read completed; return the first failure among them."""
        trace, at = self.trace, self._at
        chunks: list[Chunk] = []
        before = len(trace.marks)
        failure: Failure | None = None
        for event in events:
            if isinstance(event, Text):
                read = max(self._read.number, 0)
                chunks.append(Chunk(at, event.kind, event.text, read, event.server_ns))
            elif isinstance(event, Usage):
                trace.tokens = trace.tokens.merged(event.tokens)
                trace.marks.setdefault("usage", at)
            elif isinstance(event, Timings):
                trace.server = event.server
            elif isinstance(event, Model):
                trace.model = event.name
            elif isinstance(event, Finish):
                trace.ended = event.reason
                trace.marks.setdefault("finish", at)
            elif isinstance(event, End):
                self.end_seen = True
                trace.ended = trace.ended or "stop"
                trace.marks.setdefault("done", at)
            elif isinstance(event, Ping):
                trace.pings += 1
            elif isinstance(event, Flag):
                self.flag(event.name)
            elif failure is None:
                failure = event
        self.chunks += len(chunks)
        self._pieces += len(chunks)
        if chunks or len(trace.marks) != before:
            marks = dict(list(trace.marks.items())[before:])
            self._emit(Progress(run_id=self._run_id, marks=marks, chunks=chunks))
        return failure

    def flag(self, name: str) -> None:
        """Note what makes this run special."""
        if name not in self.trace.flags:
            self.trace.flags.append(name)

    def over(self, *, closed: bool) -> None:
        """Note that no more bytes will come.

        Args:
            closed: Whether the response was complete on the wire.
        """
        trace = self.trace
        if closed:
            trace.marks["closed"] = self.wire.last_ns - self._zero
        else:
            self.flag("unclosed")

    def ended(self) -> None:
        """Note that the answer is over, and how, if it did not say so itself."""
        trace = self.trace
        if trace.mode == "blocking":
            trace.marks.setdefault("done", self._at)
        if trace.ended is None:
            trace.ended = "incomplete"
        elif not self.end_seen:
            self.flag("unterminated")
        self._judge_length()

    def _judge_length(self) -> None:
        """Find out by the server's own count what the limit did, where the server does not say."""
        trace, limit, output = self.trace, self._limit, self.trace.tokens.output
        if limit is None or output is None:
            return
        if output > limit + max(IGNORED_TOKENS, IGNORED_SHARE * limit):
            self.flag(IGNORED_FLAG)
        elif output >= limit and not self._length_told and trace.ended == "stop":
            trace.ended = "length"
            self.flag(COUNTED_FLAG)

    def cut_short(self, ended: Ended, fault: Fault | None = None) -> None:
        """Note that the run has ended otherwise than by itself, now."""
        trace = self.trace
        trace.ended, trace.fault = ended, fault
        if self._zero:
            name: MarkName = "cancelled" if ended == "cancelled" else "error"
            trace.marks[name] = time.monotonic_ns() - self._zero

    def finish(self) -> None:
        """Close the record and report it."""
        self._judge_read()
        trace, wire = self.trace, self.wire
        trace.clock = wire.clock
        trace.segments = wire.segments if self._zero else None
        trace.observer = self._watch.end(stamped=wire.clock == "kernel")
        self._emit(Finished(run_id=self._run_id, trace=trace))
