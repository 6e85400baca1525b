"""A server that writes each chunk at a moment known beforehand, and logs when it really did.

It answers ``POST /v1/chat/completions``, streaming or blocking, with ``--chunks`` pieces of text,
one write each, ``--gap`` ms apart. It sleeps until a millisecond before a deadline and spins from
there, in a process of its own for each connection, without Python's collector. So what somebody
else measured can be held against the truth, on the monotonic clock that processes share::

    python -m benchmarks.schedule_server --gap 20 --chunks 300 --log schedule

The first line on standard output is its URL; each answered prompt adds one with the lateness of
its own writes, which tells whether this machine could keep the schedule at all. The times of every
write are in the log file that the line names. All lines and files are JSON. The answer to request
7 gives ``schedule-7`` as the name of its model: that is how a trace finds its log.
"""

import argparse
import contextlib
import gc
import json
import os
import selectors
import signal
import socket
import sys
import time
import traceback
from dataclasses import asdict
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from benchmarks.schedule import MODEL, Log, Schedule
from streamscope.measure.statistics import percentile

SPIN_NS = 1_000_000
"""How long before a deadline sleeping ends and spinning begins: sleeps end late."""

SENTENCE = (
    "Unified memory is one pool that every part of the chip reads and writes, so that nothing "
    "has to be copied between the processor and the graphics unit."
)
PARAGRAPH = 80
"""Words of a paragraph."""

_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
    b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
)


def texts(count: int) -> list[str]:
    """Return the pieces of an answer: a word each."""
    words = enumerate(islice(cycle(SENTENCE.split()), count), 1)
    return [f"{word}\n\n" if number % PARAGRAPH == 0 else f"{word} " for number, word in words]


def _event(payload: object) -> bytes:
    line = f"data: {json.dumps(payload)}\n\n".encode()
    return b"%x\r\n%s\r\n" % (len(line), line)


def _usage(count: int) -> dict[str, int]:
    return {"prompt_tokens": 1, "completion_tokens": count, "total_tokens": count + 1}


def stream_frames(request: int, count: int) -> tuple[list[bytes], bytes]:
    """Return the bytes of each chunk, and those that end the answer: reason, usage, end mark."""
    about = {"id": f"{MODEL}-{request}", "object": "chat.completion.chunk", "created": 0}
    about["model"] = f"{MODEL}-{request}"

    def choice(delta: dict[str, str], reason: str | None) -> bytes:
        return _event({**about, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]})

    frames = [choice({"content": text}, None) for text in texts(count)]
    usage = _event({**about, "choices": [], "usage": _usage(count)})
    done = b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"
    return frames, choice({}, "stop") + usage + done


def whole_answer(request: int, count: int) -> bytes:
    """Return a blocking answer, headers included."""
    message = {"role": "assistant", "content": "".join(texts(count))}
    return _page(
        {
            "id": f"{MODEL}-{request}",
            "object": "chat.completion",
            "created": 0,
            "model": f"{MODEL}-{request}",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": _usage(count),
        }
    )


def _page(payload: object, status: str = "200 OK") -> bytes:
    body = json.dumps(payload).encode()
    return (
        f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    ).encode() + body


def wait_until(due_ns: int) -> None:
    """Return at a monotonic time: sleep for most of it, spin for the rest."""
    left = due_ns - SPIN_NS - time.monotonic_ns()
    if left > 0:
        time.sleep(left / 1e9)
    while time.monotonic_ns() < due_ns:
        pass


def write_on_time(
    connection: socket.socket, frames: list[bytes], first_ns: int, gap_ns: int
) -> tuple[list[int], list[int], list[int]]:
    """Write each frame at its time; return when each was due, was begun and was written, in ns."""
    due = [first_ns + index * gap_ns for index in range(len(frames))]
    before, after = [0] * len(frames), [0] * len(frames)
    for index, frame in enumerate(frames):
        wait_until(due[index])
        before[index] = time.monotonic_ns()
        connection.sendall(frame)
        after[index] = time.monotonic_ns()
    return due, before, after


def read_request(connection: socket.socket) -> tuple[str, dict[str, Any]]:
    """Return method and path, and the body.

    Raises:
        ConnectionError: The client left before the end of the request.
    """
    data = b""
    while b"\r\n\r\n" not in data:
        data += _some(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    fields = dict(line.lower().split(":", 1) for line in lines[1:])
    while len(body) < int(fields.get("content-length", 0)):
        body += _some(connection)
    return " ".join(lines[0].split()[:2]), json.loads(body) if body else {}


def _some(connection: socket.socket) -> bytes:
    if data := connection.recv(65536):
        return data
    raise ConnectionError("the client left")


def answer(
    connection: socket.socket, request: int, schedule: Schedule, log_dir: Path | None
) -> None:
    """Answer one connection's only request."""
    line, body = read_request(connection)
    began_ns = time.monotonic_ns()
    if line == "GET /v1/models":
        connection.sendall(_page({"object": "list", "data": [{"id": MODEL, "object": "model"}]}))
        return
    if line != "POST /v1/chat/completions":
        connection.sendall(_page({"error": {"message": "no such page"}}, "404 Not Found"))
        return
    wanted = body.get("max_tokens") or body.get("max_completion_tokens") or schedule.chunks
    count = min(schedule.chunks, int(wanted))
    first_ns = began_ns + round(schedule.first_ms * 1e6)
    gap_ns = round(schedule.gap_ms * 1e6)
    if body.get("stream"):
        frames, tail = stream_frames(request, count)
        connection.sendall(_HEAD)
        times = write_on_time(connection, frames, first_ns, gap_ns)
        # A gap later, so that it can't share a read with the last chunk.
        wait_until(first_ns + count * gap_ns)
        connection.sendall(tail)
        log = Log(request, "stream", *times)
    else:
        at_ns = first_ns + (count - 1) * gap_ns
        frames = [whole_answer(request, count)]
        log = Log(request, "blocking", *write_on_time(connection, frames, at_ns, 0))
    connection.close()
    _report(log, log_dir)


def _report(log: Log, log_dir: Path | None) -> None:
    late = log.lateness_ms()
    line: dict[str, object] = {"request": log.request, "mode": log.mode, "writes": len(late)}
    line["late_ms"] = {
        name: round(percentile(late, share), 4)
        for name, share in (("p50", 0.5), ("p99", 0.99), ("max", 1.0))
    }
    if log_dir is not None:
        file = log_dir / f"request-{log.request:04}.json"
        file.write_text(json.dumps(asdict(log)))
        line["log"] = str(file)
    # One short write: lines of several processes don't mix.
    os.write(1, f"{json.dumps(line)}\n".encode())


def serve(schedule: Schedule, port: int, log_dir: Path | None, *, owned: bool) -> None:
    """Answer until interrupted, or, if owned by another process, until standard input ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how an answer's process ended
    with socket.create_server(("127.0.0.1", port), backlog=64) as listener:
        os.write(1, f'{{"url": "http://127.0.0.1:{listener.getsockname()[1]}"}}\n'.encode())
        gc.disable()
        gc.freeze()
        with selectors.DefaultSelector() as selector:
            selector.register(listener, selectors.EVENT_READ)
            if owned:
                selector.register(sys.stdin, selectors.EVENT_READ)
            request = 0
            while True:
                for key, _ in selector.select():
                    if key.fileobj is not listener:
                        return
                    connection, _ = listener.accept()
                    request += 1
                    if os.fork() == 0:
                        _answer_and_leave(connection, request, schedule, log_dir)
                    connection.close()


def _answer_and_leave(
    connection: socket.socket, request: int, schedule: Schedule, log_dir: Path | None
) -> None:
    """Answer, as a forked process, and end it."""
    try:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        answer(connection, request, schedule, log_dir)
    except ConnectionError:
        pass  # the client left
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(0)


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--chunks", type=int, default=300, help="chunks of an answer (300)")
    parser.add_argument("--gap", type=float, default=20.0, help="ms between two chunks (20)")
    parser.add_argument("--first", type=float, default=100.0, help="ms before the first (100)")
    parser.add_argument("--port", type=int, default=0, help="on loopback; 0 takes a free one (0)")
    parser.add_argument("--log", type=Path, help="folder for the times of every write")
    parser.add_argument("--owned", action="store_true", help="end when standard input ends")
    options = parser.parse_args()
    if options.log is not None:
        options.log.mkdir(parents=True, exist_ok=True)
    schedule = Schedule(options.chunks, options.gap, options.first)
    with contextlib.suppress(KeyboardInterrupt):
        serve(schedule, options.port, options.log, owned=options.owned)


if __name__ == "__main__":
    main()
