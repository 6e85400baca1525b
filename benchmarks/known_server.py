"""The server of which everything is known: a schedule for its writes, a log of when they were made.

It answers ``POST /v1/chat/completions`` as OpenAI does and ``POST /api/chat`` as Ollama does. It
sleeps until shortly before a deadline and spins from there, in a process of its own for each
connection, without Python's collector; connections are kept open, as real servers keep them::

    python -m benchmarks.known_server --gap 5 --lengths 20 20 2000 --log FOLDER
    python -m benchmarks.known_server --case jitter --log FOLDER

The first line on standard output is its URL; then each answer adds one line when its request has
arrived and one when it was written, with the file that has the times of its writes. It ends with
its standard input.
"""

import argparse
import gc
import json
import mmap
import os
import selectors
import signal
import socket
import struct
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.arrivals import receive, stamp
from benchmarks.known import CHAT, MODEL, OLLAMA_CHAT, Answer
from benchmarks.meaning_cases import CASES
from benchmarks.scripts import Plan, page, regular, whole, writes
from streamscope.engines.punctual import Alarm, prepare_thread

PAGES: dict[str, object] = {
    "/v1/models": {"object": "list", "data": [{"id": MODEL, "object": "model", "created": 0}]},
    "/health": {"status": "ok"},
}
BLOCKING_WORDS = 20
"""Length of a blocking answer to a schedule: nobody measures those here, some clients ask."""

Planner = Callable[[int, bool], Plan]
"""Returns the answer to a request, from its number and whether it is streamed."""


class Counter:
    """Numbers the answers of all processes. Two requests at the same moment could share one."""

    _TWO = struct.Struct("@qq")

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, self._TWO.size)

    def next(self, *, stream: bool) -> int:
        """Return the next number of its sort, from 1."""
        counts = list(self._TWO.unpack_from(self._memory))
        counts[stream] += 1
        self._TWO.pack_into(self._memory, 0, *counts)
        return int(counts[stream])


@dataclass(frozen=True)
class Asked:
    """A request.

    Attributes:
        line: Method and path.
        body: Its JSON, empty if there is none.
        arrived_ns: When the last of it had arrived, monotonic.
    """

    line: str
    body: dict[str, Any]
    arrived_ns: int


class Connection:
    """A connection whose requests carry the kernel's time of arrival."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._arrived_ns = 0
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def read(self) -> Asked | None:
        """Return the next request; ``None`` once the client has left.

        Raises:
            ConnectionError: It left in the middle of one.
        """
        data = self._some()
        if not data:
            return None
        while b"\r\n\r\n" not in data:
            data += self._more()
        head, _, body = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        fields = dict(line.lower().split(":", 1) for line in lines[1:])
        while len(body) < int(fields.get("content-length", 0)):
            body += self._more()
        line = " ".join(lines[0].split()[:2])
        return Asked(line, json.loads(body) if body else {}, self._arrived_ns)

    def write(self, data: bytes) -> None:
        """Send all of it at once."""
        self._sock.sendall(data)

    def _more(self) -> bytes:
        if data := self._some():
            return data
        raise ConnectionError("the client left")

    def _some(self) -> bytes:
        data, self._arrived_ns = receive(self._sock)
        return data


def serve(connection: Connection, planner: Planner, counter: Counter, log_dir: Path) -> None:
    """Answer all requests of one connection."""
    while (asked := connection.read()) is not None:
        method, _, path = asked.line.partition(" ")
        if method == "POST" and path in (CHAT, OLLAMA_CHAT):
            _answer(connection, asked, path, planner, counter, log_dir)
        elif method == "GET" and path in PAGES:
            connection.write(page(PAGES[path]))
        else:
            connection.write(page({"error": {"message": "no such page"}}, "404 Not Found"))


def _answer(
    connection: Connection,
    asked: Asked,
    path: str,
    planner: Planner,
    counter: Counter,
    log_dir: Path,
) -> None:
    stream = bool(asked.body.get("stream", path == OLLAMA_CHAT))
    number = counter.next(stream=stream)
    _tell({"request": number, "stream": stream})
    plan = planner(number, stream)
    script = writes(plan, path) if stream else whole(plan, path)
    due = [asked.arrived_ns + write.at_ns for write in script]
    before, after = [0] * len(script), [0] * len(script)
    alarm = Alarm()
    for index, write in enumerate(script):
        alarm.wait(due[index])
        before[index] = time.monotonic_ns()
        connection.write(write.data)
        after[index] = time.monotonic_ns()
    texts = [write.texts for write in script]
    log = Answer(number, path, stream, asked.arrived_ns, due, before, after, texts)
    file = log_dir / f"{'stream' if stream else 'blocking'}-{number:04}.json"
    file.write_text(json.dumps(asdict(log)))
    _tell({"request": number, "stream": stream, "log": str(file)})


def _tell(line: dict[str, object]) -> None:
    # One short write: lines of several processes don't mix.
    os.write(1, f"{json.dumps(line)}\n".encode())


def listen(planner: Planner, log_dir: Path) -> None:
    """Answer until standard input ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how a connection's process ended
    counter = Counter()
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        stamp(listener)  # connections inherit it, so that even what comes first has its stamp
        os.write(1, f'{{"url": "http://127.0.0.1:{listener.getsockname()[1]}"}}\n'.encode())
        gc.disable()
        gc.freeze()
        with selectors.DefaultSelector() as selector:
            selector.register(listener, selectors.EVENT_READ)
            selector.register(sys.stdin, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    if key.fileobj is not listener:
                        return
                    sock, _ = listener.accept()
                    if os.fork() == 0:
                        _serve_and_leave(sock, planner, counter, log_dir)
                    sock.close()


def _serve_and_leave(
    sock: socket.socket, planner: Planner, counter: Counter, log_dir: Path
) -> None:
    """Serve a connection, as a forked process, and end it."""
    prepare_thread()
    try:
        serve(Connection(sock), planner, counter, log_dir)
    except ConnectionError:
        pass  # the client left
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(0)


def scheduled(lengths: list[int], gap_ms: float, first_ms: float) -> Planner:
    """Return a planner of regular answers.

    Args:
        lengths: Words of the first, second … streamed answer; the last one is for all that follow.
        gap_ms: From one to the next.
        first_ms: From the request to the first.
    """

    def plan(number: int, stream: bool) -> Plan:
        count = lengths[min(number, len(lengths)) - 1] if stream else BLOCKING_WORDS
        return regular(count, gap_ms, first_ms)

    return plan


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--gap", type=float, default=20.0, help="ms between two words (20)")
    parser.add_argument("--first", type=float, default=100.0, help="ms before the first (100)")
    parser.add_argument("--lengths", type=int, nargs="+", default=[300], help="words (300)")
    parser.add_argument("--case", choices=tuple(CASES), help="serve one of the cases of `meanings`")
    parser.add_argument("--log", type=Path, required=True, help="folder for the times of writes")
    options = parser.parse_args()
    if options.case:
        plan = CASES[options.case].plan
        listen(lambda _number, _stream: plan, options.log)
    else:
        listen(scheduled(options.lengths, options.gap, options.first), options.log)


if __name__ == "__main__":
    main()
