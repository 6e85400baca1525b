"""How a simulated answer looks on the wire. One class a protocol, without time or sockets.

A new protocol is one more ``Shape`` here and one more route in ``simulator_app``.
"""

import abc
import secrets
import time
from datetime import UTC, datetime
from typing import Any, ClassVar

import msgspec

from streamscope.engines.script import Piece
from streamscope.engines.stage import Report


class Shape(abc.ABC):
    """The bytes of one response; a new instance for each."""

    stream_type: ClassVar[str]
    """Content type of a stream."""

    blocking_type: ClassVar[str]
    """Content type of a whole answer."""

    early_headers: ClassVar[bool]
    """Whether the headers of a stream are sent at once, or with the first piece."""

    @abc.abstractmethod
    def piece(self, piece: Piece) -> bytes:
        """Return one piece of a stream; its text is not empty."""

    @abc.abstractmethod
    def end(self, report: Report) -> list[bytes]:
        """Return the writes that end a stream."""

    @abc.abstractmethod
    def whole(self, answer: str, thinking: str, report: Report) -> bytes:
        """Return the body of a blocking response."""


class Ollama(Shape):
    """Ollama's own protocol, in either of its two forms."""

    stream_type = "application/x-ndjson"
    blocking_type = "application/json; charset=utf-8"
    early_headers = False  # its handler waits for the first piece before it writes anything

    def __init__(self, model: str) -> None:
        self._model = model

    @abc.abstractmethod
    def text(self, answer: str, thinking: str) -> dict[str, Any]:
        """Return the members that carry the text."""

    def piece(self, piece: Piece) -> bytes:
        """Return one line."""
        answer, thinking = _split(piece)
        return self._line(answer, thinking, {"done": False}) + b"\n"

    def end(self, report: Report) -> list[bytes]:
        """Return the line with the counts and durations."""
        return [self.whole("", "", report) + b"\n"]

    def whole(self, answer: str, thinking: str, report: Report) -> bytes:
        """Return the same object as the last line of a stream, with all of the text."""
        figures = {
            "total_duration": report.total_ns,
            "load_duration": report.load_ns,
            "prompt_eval_count": report.prompt_tokens,
            "prompt_eval_duration": report.prefill_ns,
            "eval_count": report.output_tokens,
            "eval_duration": report.decode_ns,
        }
        # Ollama leaves out what is zero.
        known = {name: value for name, value in figures.items() if value}
        return self._line(answer, thinking, {"done": True, "done_reason": report.ended, **known})

    def special(self, reason: str) -> bytes:
        """Return the answer to a request without a prompt, which loads or unloads the model."""
        return self._line("", "", {"done": True, "done_reason": reason})

    def _line(self, answer: str, thinking: str, rest: dict[str, Any]) -> bytes:
        head = {"model": self._model, "created_at": timestamp()}
        return msgspec.json.encode({**head, **self.text(answer, thinking), **rest})


class OllamaGenerate(Ollama):
    """``/api/generate``."""

    def text(self, answer: str, thinking: str) -> dict[str, Any]:
        """Return the text as top-level members."""
        return {"response": answer, **_unless_empty("thinking", thinking)}


class OllamaChat(Ollama):
    """``/api/chat``."""

    def text(self, answer: str, thinking: str) -> dict[str, Any]:
        """Return the text as a message."""
        message = {"role": "assistant", "content": answer}
        return {"message": {**message, **_unless_empty("thinking", thinking)}}


class OpenAIChat(Shape):
    """``/v1/chat/completions``, in the dialect of llama.cpp's server."""

    stream_type = "text/event-stream"
    blocking_type = "application/json; charset=utf-8"
    early_headers = True

    def __init__(self, model: str, *, include_usage: bool) -> None:
        self._head = {
            "created": int(time.time()),
            "id": f"chatcmpl-{secrets.token_hex(16)}",
            "model": model,
            "system_fingerprint": "simulated",
        }
        self._include_usage = include_usage
        self._greeted = False

    def piece(self, piece: Piece) -> bytes:
        """Return one event; the role goes ahead of the first text, in the same write."""
        role = b"" if self._greeted else self._delta({"role": "assistant", "content": None})
        self._greeted = True
        name = "content" if piece.kind == "answer" else "reasoning_content"
        return role + self._delta({name: piece.text})

    def end(self, report: Report) -> list[bytes]:
        """Return the finish, the usage if it was asked for, and the end mark."""
        finish = self._object([self._choice(report.ended, delta={})], chunk=True)
        timings = {"timings": _timings(report)}
        if not self._include_usage:
            return [_event({**finish, **timings}), b"data: [DONE]\n\n"]
        usage = {**self._object([], chunk=True), "usage": _usage(report), **timings}
        return [_event(finish), _event(usage), b"data: [DONE]\n\n"]

    def whole(self, answer: str, thinking: str, report: Report) -> bytes:
        """Return the completion object."""
        message = {"role": "assistant", "content": answer}
        message |= _unless_empty("reasoning_content", thinking)
        whole = self._object([self._choice(report.ended, message=message)], chunk=False)
        return msgspec.json.encode({**whole, "usage": _usage(report), "timings": _timings(report)})

    def _delta(self, delta: dict[str, str | None]) -> bytes:
        return _event(self._object([self._choice(None, delta=delta)], chunk=True))

    def _choice(self, finish: str | None, **text: dict[str, Any]) -> dict[str, Any]:
        return {"finish_reason": finish, "index": 0, **text}

    def _object(self, choices: list[dict[str, Any]], *, chunk: bool) -> dict[str, Any]:
        kind = "chat.completion.chunk" if chunk else "chat.completion"
        return {"choices": choices, **self._head, "object": kind}


def timestamp() -> str:
    """Return the time of day as Ollama writes it: RFC 3339, UTC, to the nanosecond."""
    seconds, nanoseconds = divmod(time.time_ns(), 10**9)
    day = datetime.fromtimestamp(seconds, UTC)
    return f"{day:%Y-%m-%dT%H:%M:%S}.{nanoseconds:09d}Z"


def _event(data: dict[str, Any]) -> bytes:
    return b"data: " + msgspec.json.encode(data) + b"\n\n"


def _split(piece: Piece) -> tuple[str, str]:
    return (piece.text, "") if piece.kind == "answer" else ("", piece.text)


def _unless_empty(name: str, text: str) -> dict[str, str]:
    return {name: text} if text else {}


def _usage(report: Report) -> dict[str, Any]:
    return {
        "completion_tokens": report.output_tokens,
        "prompt_tokens": report.prompt_tokens,
        "total_tokens": report.prompt_tokens + report.output_tokens,
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": report.thinking_tokens},
    }


def _timings(report: Report) -> dict[str, Any]:
    """Return llama.cpp's own figures; the first token is free, as there."""
    prompt_ms, predicted_ms = report.prefill_ns / 1e6, report.decode_ns / 1e6
    steps = max(0, report.output_tokens - 1)
    return {
        "cache_n": 0,
        "prompt_n": report.prompt_tokens,
        "prompt_ms": prompt_ms,
        "prompt_per_second": report.prompt_tokens / prompt_ms * 1e3 if prompt_ms else 0.0,
        "predicted_n": report.output_tokens,
        "predicted_ms": predicted_ms,
        "predicted_per_second": steps / predicted_ms * 1e3 if predicted_ms else 0.0,
    }
