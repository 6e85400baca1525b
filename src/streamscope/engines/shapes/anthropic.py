"""Anthropic's messages: named events, and blocks of content."""

import secrets
from typing import Any

import msgspec

from streamscope.engines.script import Kind, Piece
from streamscope.engines.shapes.base import EVENTS, Shape, event
from streamscope.engines.stage import Report

_KINDS = {
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
}
_REASONS = {"stop": "end_turn", "length": "max_tokens"}


class AnthropicMessages(Shape):
    """``/v1/messages``."""

    stream_type = EVENTS
    early_headers = True

    def __init__(self, model: str) -> None:
        self._head = {
            "id": f"msg_{secrets.token_hex(12)}",
            "type": "message",
            "role": "assistant",
            "model": model,
        }
        self._index = -1
        self._open: Kind | None = None

    @classmethod
    def refusal(cls, status: int, message: str) -> dict[str, Any]:
        """Return the error with its kind."""
        kind = _KINDS.get(status, "api_error" if status >= 500 else "invalid_request_error")
        return {"type": "error", "error": {"type": kind, "message": message}}

    def begin(self, prompt_tokens: int) -> bytes:
        """Return the message without its content, and a ping."""
        usage = _input(prompt_tokens) | {"output_tokens": 1}
        message = {**self._head, **_ending(None), "content": [], "usage": usage}
        start = event({"type": "message_start", "message": message}, named=True)
        return start + event({"type": "ping"}, named=True)

    def piece(self, piece: Piece) -> bytes:
        """Return one delta; the change to another block goes ahead, in the same write."""
        change = b"" if self._open == piece.kind else self._close() + self._begin(piece.kind)
        delta = (
            {"type": "text_delta", "text": piece.text}
            if piece.kind == "answer"
            else {"type": "thinking_delta", "thinking": piece.text}
        )
        return change + self._block("content_block_delta", delta=delta)

    def end(self, report: Report) -> list[bytes]:
        """Return the end of the block, the reason with the counts, and the end mark."""
        closing = self._close()
        reason = {
            "type": "message_delta",
            "delta": _ending(_REASONS[report.ended]),
            "usage": _usage(report),
        }
        stop = event({"type": "message_stop"}, named=True)
        return [*([closing] if closing else []), event(reason, named=True), stop]

    def failed(self, message: str) -> bytes:
        """Return the event that says so."""
        return event(self.refusal(500, message), named=True)

    def whole(self, answer: str, thinking: str, report: Report) -> bytes:
        """Return the message."""
        content = [_block("reasoning", thinking)] if thinking else []
        content.append(_block("answer", answer))
        ending = _ending(_REASONS[report.ended])
        return msgspec.json.encode(
            {**self._head, "content": content, **ending, "usage": _usage(report)}
        )

    def _block(self, name: str, **members: Any) -> bytes:
        return event({"type": name, "index": self._index, **members}, named=True)

    def _begin(self, kind: Kind) -> bytes:
        self._open = kind
        self._index += 1
        return self._block("content_block_start", content_block=_block(kind, ""))

    def _close(self) -> bytes:
        if self._open is None:
            return b""
        signature = b""
        if self._open == "reasoning":
            empty = {"type": "signature_delta", "signature": ""}
            signature = self._block("content_block_delta", delta=empty)
        self._open = None
        return signature + self._block("content_block_stop")


def _block(kind: Kind, text: str) -> dict[str, Any]:
    if kind == "answer":
        return {"type": "text", "text": text}
    return {"type": "thinking", "thinking": text, "signature": ""}


def _ending(reason: str | None) -> dict[str, Any]:
    return {"stop_reason": reason, "stop_sequence": None}


def _input(tokens: int) -> dict[str, Any]:
    cache = {"cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}
    return {"input_tokens": tokens, **cache}


def _usage(report: Report) -> dict[str, Any]:
    details = {"thinking_tokens": report.thinking_tokens}
    counts = {"output_tokens": report.output_tokens, "output_tokens_details": details}
    return _input(report.prompt_tokens) | counts
