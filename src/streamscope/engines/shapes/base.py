"""What every shape provides, and what most of them need."""

import abc
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

import msgspec

from streamscope.engines.script import Piece
from streamscope.engines.stage import Report

JSON = "application/json; charset=utf-8"
EVENTS = "text/event-stream"


class Shape(abc.ABC):
    """The bytes of one response; a new instance for each."""

    stream_type: ClassVar[str]
    """Content type of a stream."""

    blocking_type: ClassVar[str] = JSON
    """Content type of a whole answer."""

    early_headers: ClassVar[bool]
    """Whether the headers of a stream are sent at once, or with the first piece."""

    @classmethod
    @abc.abstractmethod
    def refusal(cls, status: int, message: str) -> dict[str, Any]:
        """Return the body of an HTTP error."""

    def begin(self, prompt_tokens: int) -> bytes:
        """Return what goes ahead of everything in a stream, with early headers."""
        del prompt_tokens
        return b""

    @abc.abstractmethod
    def piece(self, piece: Piece) -> bytes:
        """Return one piece of a stream; its text is not empty."""

    @abc.abstractmethod
    def end(self, report: Report) -> list[bytes]:
        """Return the writes that end a stream."""

    @abc.abstractmethod
    def failed(self, message: str) -> bytes | None:
        """Return what ends a stream that fails; ``None`` if it can only be cut."""

    @abc.abstractmethod
    def whole(self, answer: str, thinking: str, report: Report) -> bytes:
        """Return the body of a blocking response."""


def timestamp() -> str:
    """Return the time of day as Ollama writes it: RFC 3339, UTC, to the nanosecond."""
    seconds, nanoseconds = divmod(time.time_ns(), 10**9)
    day = datetime.fromtimestamp(seconds, UTC)
    return f"{day:%Y-%m-%dT%H:%M:%S}.{nanoseconds:09d}Z"


def event(data: Mapping[str, Any], *, named: bool = False) -> bytes:
    """Return a server-sent event, with its ``type`` as its name if that is wanted."""
    name = b"event: " + str(data["type"]).encode() + b"\n" if named else b""
    return name + b"data: " + msgspec.json.encode(data) + b"\n\n"


def unless_empty(name: str, text: str) -> dict[str, str]:
    """Return a member with a text, or none."""
    return {name: text} if text else {}


def timings(report: Report) -> dict[str, Any]:
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
