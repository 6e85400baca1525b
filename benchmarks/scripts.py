"""What a server writes, byte by byte and moment by moment: OpenAI's events, Ollama's lines."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import Any, Literal

from benchmarks.known import MODEL, OLLAMA_CHAT

SENTENCE = (
    "Unified memory is one pool that every part of the chip reads and writes, so that nothing "
    "has to be copied between the processor and the graphics unit."
)
MS = 1_000_000
"""Nanoseconds of a millisecond."""

Kind = Literal["answer", "reasoning", "role"]
"""What a piece is: ``role`` has no text, it only says that an assistant will speak."""


@dataclass(frozen=True)
class Write:
    """Bytes that go out in one piece.

    Attributes:
        at_ns: When, counted from the request's arrival.
        data: The bytes.
        texts: Pieces of text in them.
    """

    at_ns: int
    data: bytes
    texts: int = 0


@dataclass(frozen=True)
class Piece:
    """A piece of an answer.

    Attributes:
        at_ns: When it is due, counted from the request's arrival.
        text: Its text.
        kind: What that is.
    """

    at_ns: int
    text: str
    kind: Kind = "answer"


@dataclass(frozen=True)
class Plan:
    """A streamed answer.

    Attributes:
        pieces: In the order in which they are due; those due at the same moment share a write.
        head_ns: When the headers go out, counted from the request's arrival; with the first piece
            if that is due then.
        tail_ns: When the end goes out.
        tokens: What the usage says: of the output.
        extra: Further members of the last message: what the server tells of its own times.
    """

    pieces: tuple[Piece, ...]
    head_ns: int
    tail_ns: int
    tokens: int
    extra: dict[str, Any] = field(default_factory=dict)


def words(count: int) -> list[str]:
    """Return that many words, each with a space after it."""
    return [f"{word} " for word in islice(cycle(SENTENCE.split()), count)]


def regular(count: int, gap_ms: float, first_ms: float) -> Plan:
    """Return an answer of one word after the other, at equal distances."""
    first, gap = round(first_ms * MS), round(gap_ms * MS)
    pieces = [Piece(first + index * gap, word) for index, word in enumerate(words(count))]
    # The end is a gap later, so that it can't share a read with the last piece.
    return Plan(tuple(pieces), 0, first + count * gap, count)


def writes(plan: Plan, path: str) -> list[Write]:
    """Return the writes of a plan in the format of a route."""
    ollama = path == OLLAMA_CHAT
    head = _head("application/x-ndjson" if ollama else "text/event-stream")
    made: dict[int, Write] = {plan.head_ns: Write(plan.head_ns, head)}
    for piece in plan.pieces:
        data = _chunked(_ollama_piece(piece) if ollama else _openai_piece(piece))
        before = made.get(piece.at_ns, Write(piece.at_ns, b""))
        texts = before.texts + (piece.kind != "role")
        made[piece.at_ns] = Write(piece.at_ns, before.data + data, texts)
    end = _ollama_end(plan) if ollama else _openai_end(plan)
    tail = b"".join(map(_chunked, end)) + b"0\r\n\r\n"
    return [*(made[at] for at in sorted(made)), Write(plan.tail_ns, tail)]


def whole(plan: Plan, path: str) -> list[Write]:
    """Return the one write of a blocking answer."""
    answer = _joined(plan.pieces, "answer")
    reasoning = _joined(plan.pieces, "reasoning")
    if path == OLLAMA_CHAT:
        body: dict[str, Any] = {
            **_ollama_about(),
            "message": {"role": "assistant", "content": answer, "thinking": reasoning},
            **_ollama_last(plan),
        }
    else:
        message = {"role": "assistant", "content": answer}
        if reasoning:
            message["reasoning_content"] = reasoning
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        body = {
            **_openai_about("chat.completion"),
            "choices": [choice],
            "usage": _usage(plan.tokens),
            **plan.extra,
        }
    return [Write(plan.tail_ns, page(body), 1)]


def page(payload: object, status: str = "200 OK") -> bytes:
    """Return a whole response with a JSON body."""
    body = json.dumps(payload).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return f"{head}\r\n\r\n".encode() + body


def _head(content_type: str) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nCache-Control: no-cache\r\n"
    return f"{head}Transfer-Encoding: chunked\r\n\r\n".encode()


def _chunked(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def _joined(pieces: Iterable[Piece], kind: Kind) -> str:
    return "".join(piece.text for piece in pieces if piece.kind == kind)


def _usage(tokens: int) -> dict[str, int]:
    return {"prompt_tokens": 8, "completion_tokens": tokens, "total_tokens": tokens + 8}


def _openai_about(kind: str) -> dict[str, Any]:
    return {"id": "known-1", "object": kind, "created": 1_700_000_000, "model": MODEL}


def _event(payload: object) -> bytes:
    return f"data: {json.dumps(payload)}\n\n".encode()


def _openai_piece(piece: Piece, reason: str | None = None) -> bytes:
    deltas: dict[Kind, dict[str, str]] = {
        "answer": {"content": piece.text},
        "reasoning": {"reasoning_content": piece.text},
        "role": {"role": "assistant", "content": ""},
    }
    choice = {"index": 0, "delta": deltas[piece.kind], "finish_reason": reason}
    return _event({**_openai_about("chat.completion.chunk"), "choices": [choice]})


def _openai_end(plan: Plan) -> Sequence[bytes]:
    about = _openai_about("chat.completion.chunk")
    finish = {"index": 0, "delta": {}, "finish_reason": "stop"}
    return (
        _event({**about, "choices": [finish]}),
        _event({**about, "choices": [], "usage": _usage(plan.tokens), **plan.extra}),
        b"data: [DONE]\n\n",
    )


def _ollama_about() -> dict[str, Any]:
    return {"model": MODEL, "created_at": "2026-01-01T00:00:00.000000000Z"}


def _ollama_line(payload: dict[str, Any]) -> bytes:
    return f"{json.dumps({**_ollama_about(), **payload})}\n".encode()


def _ollama_piece(piece: Piece) -> bytes:
    message = {"role": "assistant", "content": "" if piece.kind != "answer" else piece.text}
    if piece.kind == "reasoning":
        message["thinking"] = piece.text
    return _ollama_line({"message": message, "done": False})


def _ollama_last(plan: Plan) -> dict[str, Any]:
    """Return what the last line says beside text: right durations, unless the plan lies."""
    first = plan.pieces[0].at_ns
    return {
        "done": True,
        "done_reason": "stop",
        "total_duration": plan.tail_ns,
        "load_duration": 0,
        "prompt_eval_count": 8,
        "prompt_eval_duration": first,
        "eval_count": plan.tokens,
        "eval_duration": plan.pieces[-1].at_ns - first,
        **plan.extra,
    }


def _ollama_end(plan: Plan) -> Sequence[bytes]:
    message = {"role": "assistant", "content": ""}
    return (_ollama_line({"message": message, **_ollama_last(plan)}),)
