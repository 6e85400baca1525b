"""What tutorials send: tokens as events, tokens as messages, and bare text."""

from typing import Any

import msgspec

from streamscope.engines.script import Piece
from streamscope.engines.shapes.base import EVENTS, Shape, event
from streamscope.engines.stage import Report


class _Homemade(Shape):
    """Refuses as FastAPI does."""

    early_headers = True

    @classmethod
    def refusal(cls, status: int, message: str) -> dict[str, Any]:
        """Return the error as a detail."""
        del status
        return {"detail": message}


class Tokens(_Homemade):
    """``data: {"token": …}``, then ``data: [DONE]``; a thought is a ``thinking``."""

    stream_type = EVENTS

    def piece(self, piece: Piece) -> bytes:
        """Return one event."""
        return event(_token(piece))

    def end(self, report: Report) -> list[bytes]:
        """Return the end mark alone: there is no place for counts that everybody would skip."""
        del report
        return [b"data: [DONE]\n\n"]

    def failed(self, message: str) -> bytes:
        """Return the error as an event; there is no end mark after it."""
        return event({"error": message})

    def whole(self, answer: str, thinking: str, report: Report) -> bytes:
        """Return the text, and the counts."""
        thought = {"thinking": thinking} if thinking else {}
        return msgspec.json.encode({"text": answer, **thought, "usage": _usage(report)})


class Messages(Tokens):
    """The same as messages of a WebSocket; its last one says that it is."""

    def piece(self, piece: Piece) -> bytes:
        """Return one message."""
        return msgspec.json.encode(_token(piece))

    def end(self, report: Report) -> list[bytes]:
        """Return the message that ends the answer, with the counts."""
        return [msgspec.json.encode({"done": True, "usage": _usage(report)})]

    def failed(self, message: str) -> bytes:
        """Return the error as a message."""
        return msgspec.json.encode({"error": message})

    def whole(self, answer: str, thinking: str, report: Report) -> bytes:
        """Return everything in one message."""
        whole = msgspec.json.decode(super().whole(answer, thinking, report))
        return msgspec.json.encode({**whole, "done": True})


class PlainText(_Homemade):
    """The answer and nothing else: no thinking, no counts, and no end mark but the end."""

    stream_type = blocking_type = "text/plain; charset=utf-8"

    def piece(self, piece: Piece) -> bytes:
        """Return the text; nothing for a thought."""
        return piece.text.encode() if piece.kind == "answer" else b""

    def end(self, report: Report) -> list[bytes]:
        """Return nothing."""
        del report
        return []

    def failed(self, message: str) -> None:
        """Return nothing: what would be said would be taken for the answer."""
        del message

    def whole(self, answer: str, thinking: str, report: Report) -> bytes:
        """Return the answer."""
        del thinking, report
        return answer.encode()


def _token(piece: Piece) -> dict[str, str]:
    return {"token" if piece.kind == "answer" else "thinking": piece.text}


def _usage(report: Report) -> dict[str, int]:
    return {"prompt_tokens": report.prompt_tokens, "completion_tokens": report.output_tokens}
