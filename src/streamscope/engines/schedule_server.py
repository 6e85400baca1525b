"""A server that writes each piece of text at a moment known beforehand, and notes when it did.

It answers ``POST /v1/chat/completions``, streaming or blocking. So what somebody else measured
can be held against the truth, on the monotonic clock that all processes of a machine share. A
request may bring a schedule of its own, as its member ``schedule``; ``max_tokens`` shortens it.
The answer to request 7 gives ``schedule-7`` as the name of its model, and ``GET /schedule/7`` tells
what was done for it; ``GET /schedule`` lists what can be asked for.

A thread answers each connection. One answer at a time is exact; two at once share an interpreter,
and their writes wait for each other.
"""

import contextlib
import socket
import struct
import sys
import threading
import time

import msgspec

from streamscope.calibration import Schedule, Written
from streamscope.engines import schedule_frames as shapes
from streamscope.engines.punctual import Alarm, prepare_thread
from streamscope.trace import Clock

KEPT = 64
"""How many answers are remembered."""

KNOWN_S = 5.0
"""How long a request may still be under way when somebody asks what was done for it, s."""

LEAST_FIRST_NS = 2_000_000
"""Between the last preparation and the first write: what was prepared is not to delay it."""

_SO_TIMESTAMPNS = 35  # asm-generic/socket.h
_TIMESPEC = struct.Struct("@qq")
_PLAUSIBLE_NS = 1_000_000_000


class Asked(msgspec.Struct, frozen=True):
    """What matters of a request's body."""

    stream: bool = False
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    schedule: Schedule | None = None


class Incoming(msgspec.Struct, frozen=True, kw_only=True):
    """A request.

    Attributes:
        line: Method and path.
        body: Its body.
        arrived_ns: When its last byte arrived, monotonic.
        arrived_by: Where that time comes from.
    """

    line: str
    body: bytes
    arrived_ns: int
    arrived_by: Clock


class ScheduleServer:
    """Answers on a socket that listens already."""

    def __init__(self, listener: socket.socket, schedule: Schedule) -> None:
        """Prepare.

        Args:
            listener: Where connections come in.
            schedule: What is kept to when a request brings no other.
        """
        self._listener = listener
        self._schedule = schedule
        self._written: dict[int, Written] = {}
        self._requests = 0
        self._news = threading.Condition()
        _want_stamps(listener)  # what it accepts inherits that

    @property
    def url(self) -> str:
        """Its base URL."""
        host, port = self._listener.getsockname()[:2]
        return f"http://{host}:{port}"

    def serve(self) -> None:
        """Answer until the listener is closed."""
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._attend, args=(connection,), daemon=True).start()

    def _attend(self, connection: socket.socket) -> None:
        prepare_thread()
        with connection, contextlib.suppress(ConnectionError):  # the client left
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _want_stamps(connection)
            incoming = receive(connection)
            if incoming.line == "POST /v1/chat/completions":
                self._answer(connection, incoming)
            else:
                connection.sendall(self._page(incoming.line))

    def _page(self, line: str) -> bytes:
        if line == "GET /v1/models":
            models = [{"id": shapes.MODEL, "object": "model"}]
            return shapes.page({"object": "list", "data": models})
        if line == "GET /schedule":
            known = [
                {"request": each.request, "mode": each.mode, "pieces": len(each.pieces)}
                for each in list(self._written.values())
            ]
            return shapes.page(known)
        start, _, number = line.rpartition("/")
        if start == "GET /schedule" and number.isdecimal():
            written = self._find(int(number))
            if written is not None:
                return shapes.page(msgspec.to_builtins(written))
        return shapes.page({"error": {"message": "no such page"}}, "404 Not Found")

    def _find(self, request: int) -> Written | None:
        """Return what was done for a request; wait for it, as it ends when the client has it."""
        with self._news:
            if request <= self._requests:
                self._news.wait_for(lambda: request in self._written, KNOWN_S)
            return self._written.get(request)

    def _answer(self, connection: socket.socket, incoming: Incoming) -> None:
        try:
            asked = msgspec.json.decode(incoming.body, type=Asked)
            schedule = asked.schedule or self._schedule
            _check(schedule)
        except ValueError as error:  # every error of msgspec's decoder is one
            connection.sendall(shapes.page({"error": {"message": str(error)}}, "400 Bad Request"))
            return
        with self._news:
            self._requests += 1
            request = self._requests
        count = schedule.writes * schedule.tokens
        wanted = asked.max_tokens or asked.max_completion_tokens or count
        texts = shapes.pieces(max(1, min(count, wanted)))
        deliver = _stream if asked.stream else _block
        written = deliver(connection, request, texts, schedule, incoming)
        with self._news:
            self._written[request] = written
            for old in sorted(self._written)[:-KEPT]:
                del self._written[old]
            self._news.notify_all()


def receive(connection: socket.socket) -> Incoming:
    """Read a request.

    Raises:
        ConnectionError: The client left before its end, or sent no HTTP.
    """
    data, arrived = _some(connection)
    while b"\r\n\r\n" not in data:
        more, arrived = _some(connection)
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    line, *fields = head.decode("latin-1").split("\r\n")
    values = dict(field.lower().split(":", 1) for field in fields if ":" in field)
    size = values.get("content-length", "0").strip()
    if not size.isdecimal():
        raise ConnectionError("that is no length")
    while len(body) < int(size):
        more, arrived = _some(connection)
        body += more
    return Incoming(
        line=" ".join(line.split()[:2]), body=body, arrived_ns=arrived[0], arrived_by=arrived[1]
    )


def _stream(
    connection: socket.socket,
    request: int,
    texts: list[str],
    schedule: Schedule,
    incoming: Incoming,
) -> Written:
    """Write on time; everything else is done before the first write, or after the last."""
    made = shapes.frames(request, texts, schedule)
    connection.sendall(shapes.HEAD)
    count = len(made.writes)
    alarm = Alarm()
    first_ns = _first_ns(schedule, incoming)
    due = [first_ns + index * schedule.gap_ns for index in range(count)]
    before, after = _write(connection, made.writes, due, alarm)
    # A gap later, so that it can't share a read with the last piece.
    alarm.wait(due[-1] + max(schedule.gap_ns, LEAST_FIRST_NS))
    connection.sendall(made.tail)
    return Written(
        request=request,
        mode="stream",
        arrived_ns=incoming.arrived_ns,
        arrived_by=incoming.arrived_by,
        due_ns=due,
        before_ns=before,
        after_ns=after,
        pieces=texts,
        completed=made.completed,
    )


def _block(
    connection: socket.socket,
    request: int,
    texts: list[str],
    schedule: Schedule,
    incoming: Incoming,
) -> Written:
    """Write all at once, when a stream would have written its last piece."""
    answer = shapes.whole(request, texts)
    writes = -(-len(texts) // schedule.tokens)
    due = [_first_ns(schedule, incoming) + (writes - 1) * schedule.gap_ns]
    before, after = _write(connection, [answer], due, Alarm())
    return Written(
        request=request,
        mode="blocking",
        arrived_ns=incoming.arrived_ns,
        arrived_by=incoming.arrived_by,
        due_ns=due,
        before_ns=before,
        after_ns=after,
        pieces=["".join(texts)],
        completed=[0],
    )


def _write(
    connection: socket.socket, writes: list[bytes], due: list[int], alarm: Alarm
) -> tuple[list[int], list[int]]:
    """Write each at its moment; return when each was begun and was done."""
    before, after = [0] * len(writes), [0] * len(writes)
    clock, send, wait = time.monotonic_ns, connection.sendall, alarm.wait
    for index, data in enumerate(writes):
        wait(due[index])
        before[index] = clock()
        send(data)
        after[index] = clock()
    return before, after


def _first_ns(schedule: Schedule, incoming: Incoming) -> int:
    """Return when the first write is due."""
    return max(incoming.arrived_ns + schedule.first_ns, time.monotonic_ns() + LEAST_FIRST_NS)


def _check(schedule: Schedule) -> None:
    """Refuse what can't be kept to.

    Raises:
        ValueError: A number is out of its bounds.
    """
    if schedule.writes < 1 or schedule.tokens < 1 or min(schedule.gap_ns, schedule.first_ns) < 0:
        raise ValueError("a schedule has at least one write and one token, and no negative time")


def _want_stamps(sock: socket.socket) -> None:
    if sys.platform.startswith("linux"):
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)


def _some(connection: socket.socket) -> tuple[bytes, tuple[int, Clock]]:
    """Read; return the bytes and when they arrived.

    The kernel's stamp is understood here anew, and not by the code that this server judges.
    """
    ancillary: list[tuple[int, int, bytes]] = []
    if not hasattr(connection, "recvmsg"):
        data = connection.recv(65536)
    else:
        room = socket.CMSG_SPACE(_TIMESPEC.size)
        data, ancillary, _, _ = connection.recvmsg(65536, room)
    read_ns, wall_ns = time.monotonic_ns(), time.time_ns()
    if not data:
        raise ConnectionError("the client left")
    for level, kind, value in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS) and len(value) >= _TIMESPEC.size:
            seconds, nanoseconds = _TIMESPEC.unpack_from(value)
            age_ns = wall_ns - (seconds * 1_000_000_000 + nanoseconds)
            if 0 <= age_ns < _PLAUSIBLE_NS:  # else somebody has set the wall clock
                return data, (read_ns - age_ns, "kernel")
    return data, (read_ns, "read")
