"""OpenAI's older routes, in the dialect of llama.cpp's server."""

import abc
import secrets
import time
from typing import Any, ClassVar

import msgspec

from streamscope.engines.script import Piece
from streamscope.engines.shapes.base import EVENTS, Shape, event, timings, unless_empty
from streamscope.engines.stage import Report

_DONE = b"data: [DONE]\n\n"
_KINDS = {404: "not_found_error", 429: "rate_limit_error", 503: "unavailable_error"}


class OpenAIRoute(Shape):
    """What all routes of OpenAI's have in common: how they refuse."""

    stream_type = EVENTS
    early_headers = True

    @classmethod
    def refusal(cls, status: int, message: str) -> dict[str, Any]:
        """Return the error with its kind."""
        kind = _KINDS.get(status, "server_error" if status >= 500 else "invalid_request_error")
        return {"error": {"code": status, "message": message, "type": kind}}


class _Choices(OpenAIRoute):
    """A route whose answers are choices, of which there is one."""

    prefix: ClassVar[str]
    """How ids begin."""

    kind: ClassVar[str]
    """The ``object`` that an answer is."""

    chunk_kind: ClassVar[str]
    """The ``object`` that a piece of it is."""

    def __init__(self, model: str, *, include_usage: bool) -> None:
        self._head = {
            "created": int(time.time()),
            "id": f"{self.prefix}-{secrets.token_hex(16)}",
            "model": model,
            "system_fingerprint": "streamscope",
        }
        self._include_usage = include_usage

    @property
    @abc.abstractmethod
    def nothing(self) -> dict[str, Any]:
        """The members of a choice in a chunk without text."""

    @abc.abstractmethod
    def everything(self, answer: str, thinking: str) -> dict[str, Any]:
        """Return the members of the choice of a whole answer."""

    def end(self, report: Report) -> list[bytes]:
        """Return the finish, the usage if it was asked for, and the end mark."""
        finish = self._chunk([self._choice(report.ended, self.nothing)])
        figures = {"timings": timings(report)}
        if not self._include_usage:
            return [event({**finish, **figures}), _DONE]
        usage = {**self._chunk([]), "usage": _usage(report), **figures}
        return [event(finish), event(usage), _DONE]

    def failed(self, message: str) -> bytes:
        """Return the error as an event; there is no end mark after it."""
        return event(self.refusal(500, message))

    def whole(self, answer: str, thinking: str, report: Report) -> bytes:
        """Return the completion object."""
        choice = self._choice(report.ended, self.everything(answer, thinking))
        whole = {"choices": [choice], **self._head, "object": self.kind}
        return msgspec.json.encode({**whole, "usage": _usage(report), "timings": timings(report)})

    def text(self, members: dict[str, Any]) -> bytes:
        """Return a chunk with a choice that holds these."""
        return event(self._chunk([self._choice(None, members)]))

    def _choice(self, finish: str | None, members: dict[str, Any]) -> dict[str, Any]:
        return {"finish_reason": finish, "index": 0, **members}

    def _chunk(self, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {"choices": choices, **self._head, "object": self.chunk_kind}


class OpenAIChat(_Choices):
    """``/v1/chat/completions``."""

    prefix = "chatcmpl"
    kind = "chat.completion"
    chunk_kind = "chat.completion.chunk"
    nothing = {"delta": {}}

    def __init__(self, model: str, *, include_usage: bool) -> None:
        super().__init__(model, include_usage=include_usage)
        self._greeted = False

    def piece(self, piece: Piece) -> bytes:
        """Return one event; the role goes ahead of the first text, in the same write."""
        greeting = {"delta": {"role": "assistant", "content": None}}
        role = b"" if self._greeted else self.text(greeting)
        self._greeted = True
        name = "content" if piece.kind == "answer" else "reasoning_content"
        return role + self.text({"delta": {name: piece.text}})

    def everything(self, answer: str, thinking: str) -> dict[str, Any]:
        """Return the message."""
        message = {"role": "assistant", "content": answer}
        return {"message": {**message, **unless_empty("reasoning_content", thinking)}}


class OpenAICompletions(_Choices):
    """``/v1/completions``, which knows no thinking: it is left out, as by Ollama."""

    prefix = "cmpl"
    kind = chunk_kind = "text_completion"
    nothing = {"text": ""}

    def piece(self, piece: Piece) -> bytes:
        """Return one event; that of a thought is empty."""
        return self.text({"text": piece.text if piece.kind == "answer" else ""})

    def everything(self, answer: str, thinking: str) -> dict[str, Any]:
        """Return the answer alone."""
        del thinking
        return {"text": answer}


def _usage(report: Report) -> dict[str, Any]:
    return {
        "completion_tokens": report.output_tokens,
        "prompt_tokens": report.prompt_tokens,
        "total_tokens": report.prompt_tokens + report.output_tokens,
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": report.thinking_tokens},
    }
