"""What clients ask, and what they saw of the answers.

It needs nothing but Python's library, as each client may live in a virtual environment of its own.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from benchmarks.known import CHAT, MODEL

MESSAGES = [{"role": "user", "content": "Explain unified memory."}]
BODY = json.dumps(
    {
        "model": MODEL,
        "messages": MESSAGES,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
).encode()
JSON = {"Content-Type": "application/json"}
END = b"0\r\n\r\n"
"""The last chunk of a body."""


@dataclass(frozen=True)
class Reading:
    """What a client saw of one answer; times in ns.

    Attributes:
        zero_ns: The moment from which it counts.
        stamps_ns: Arrival of each piece of text.
        reads: Number of the read that brought each; ``None`` if the client does not tell.
        absolute: Whether the times are on the machine's monotonic clock, or only since the zero.
        clock: Where the stamps come from: ``kernel``, or ``read``.
    """

    zero_ns: int
    stamps_ns: list[int]
    reads: list[int] | None = None
    absolute: bool = True
    clock: str = "read"


@dataclass(frozen=True)
class Report:
    """What a reader found.

    Attributes:
        readings: One for each request.
        cpu_s: Processor time of the last one, user and system, children included; ``None`` if it is
            not known.
    """

    readings: list[Reading]
    cpu_s: float | None


def text_of(line: str) -> str:
    """Return the text of one line of OpenAI's events; empty if it has none."""
    payload = line.removeprefix("data: ")
    if payload == line or payload == "[DONE]":
        return ""
    choices = json.loads(payload)["choices"]
    return str(choices[0]["delta"].get("content") or "") if choices else ""


def understand(arrivals: Iterable[tuple[int, bytes]]) -> tuple[list[int], list[int]]:
    """Return the stamp of each piece of text, and the number of the read that brought its end."""
    held = b""
    stamps: list[int] = []
    reads: list[int] = []
    for index, (at, data) in enumerate(arrivals):
        *lines, held = (held + data).split(b"\n")
        for line in lines:
            if text_of(line.decode()):
                stamps.append(at)
                reads.append(index)
    return stamps, reads


def http_request(url: str) -> bytes:
    """Return the request that the bare loops send."""
    head = f"POST {CHAT} HTTP/1.1\r\nHost: {urlsplit(url).netloc}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n"
    return head.encode() + BODY


def of_trace(trace: Any) -> Reading:
    """Return what one of streamscope's traces says.

    Raises:
        ValueError: The run did not end well.
    """
    if not trace.ok:
        raise ValueError(f"the run ended with {trace.ended}: {trace.fault}")
    zero = trace.sent_monotonic_ns
    return Reading(
        zero_ns=zero,
        stamps_ns=[zero + chunk.t_ns for chunk in trace.chunks],
        reads=[chunk.read for chunk in trace.chunks],
        clock=trace.clock,
    )
