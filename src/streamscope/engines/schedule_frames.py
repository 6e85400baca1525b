"""What a schedule server sends: pieces of text that can be told apart, and where they are cut."""

import json
from itertools import cycle, islice
from typing import Any, NamedTuple

from streamscope.calibration import Cut, Schedule

MODEL = "schedule"
"""The server's only model; an answer adds the number of its request, to be found again by it."""

SENTENCE = (
    "Unified memory is one pool that every part of the chip reads and writes, so that nothing "
    "has to be copied between the processor and the graphics unit."
)
PARAGRAPH = 80
"""Words of a paragraph."""

_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")

HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
    b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
)
"""The response headers of a stream."""


class Frames(NamedTuple):
    """A streamed answer.

    Attributes:
        writes: The bytes of each write.
        completed: Index of the write that completes each piece.
        tail: What ends the answer: reason, usage, end mark.
    """

    writes: list[bytes]
    completed: list[int]
    tail: bytes


def pieces(count: int) -> list[str]:
    """Return the pieces of an answer: a word each, numbered, so that no two are the same.

    The number stands raised behind the word, in characters of two and three bytes.
    """
    words = enumerate(islice(cycle(SENTENCE.split()), count), 1)
    return [f"{word}{str(number).translate(_RAISED)}{_space(number)}" for number, word in words]


def frames(request: int, texts: list[str], schedule: Schedule) -> Frames:
    """Return what is written, for as many pieces as there are texts."""
    about = _about(request, "chat.completion.chunk")
    head = _dumps(about)[:-1]
    events = [
        f'data: {head},"choices":[{{"index":0,"delta":{{"content":{_dumps(text)}}},'
        f'"finish_reason":null}}]}}\n\n'.encode()
        for text in texts
    ]
    end = {**about, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    usage = {**about, "choices": [], "usage": _usage(len(texts))}
    tail = [f"data: {_dumps(each)}\n\n".encode() for each in (end, usage)]
    tail.append(b"data: [DONE]\n\n")
    writes, completed = _divided(events, schedule.tokens, schedule.cut)
    return Frames(
        [_chunk(write) for write in writes], completed, _chunk(b"".join(tail)) + b"0\r\n\r\n"
    )


def whole(request: int, texts: list[str]) -> bytes:
    """Return a blocking answer, headers included."""
    message = {"role": "assistant", "content": "".join(texts)}
    return page(
        {
            **_about(request, "chat.completion"),
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": _usage(len(texts)),
        }
    )


def page(payload: object, status: str = "200 OK") -> bytes:
    """Return a page of JSON, headers included."""
    body = _dumps(payload).encode()
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


def cut_at(event: bytes, cut: Cut) -> int:
    """Return where an event is cut: bytes of it that go with the write before its last one."""
    if cut == "character":
        # Behind the first byte of the last character that has several: 0xC2 to 0xF4 begin one.
        return next(at for at in range(len(event) - 1, -1, -1) if event[at] >= 0xC2) + 1
    return len(event) // 2 if cut == "line" else len(event)


def _divided(events: list[bytes], tokens: int, cut: Cut) -> tuple[list[bytes], list[int]]:
    """Return the bytes of each write, and the write that completes each event."""
    groups = [events[at : at + tokens] for at in range(0, len(events), tokens)]
    writes, completed, left = [], [], b""
    for index, group in enumerate(groups):
        *before, last = group
        is_last = index == len(groups) - 1
        at = len(last) if is_last else cut_at(last, cut)
        writes.append(b"".join((left, *before, last[:at])))
        completed += [index] * len(before) + [index + (at < len(last))]
        left = last[at:]
    return writes, completed


def _space(number: int) -> str:
    return "\n\n" if number % PARAGRAPH == 0 else " "


def _about(request: int, kind: str) -> dict[str, Any]:
    name = f"{MODEL}-{request}"
    return {"id": name, "object": kind, "created": 0, "model": name}


def _usage(count: int) -> dict[str, int]:
    return {"prompt_tokens": 1, "completion_tokens": count, "total_tokens": count + 1}


def _dumps(payload: object) -> str:
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":"))


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)
