"""Ollama's own protocol: a JSON object to a line."""

import abc
from typing import Any

import msgspec

from streamscope.engines.script import Piece
from streamscope.engines.shapes.base import Shape, timestamp, unless_empty
from streamscope.engines.stage import Report


class Ollama(Shape):
    """Ollama's own protocol, in either of its two forms."""

    stream_type = "application/x-ndjson"
    early_headers = False  # its handler waits for the first piece before it writes anything

    def __init__(self, model: str) -> None:
        self._model = model

    @classmethod
    def refusal(cls, status: int, message: str) -> dict[str, Any]:
        """Return the error as a text; Ollama has no more to say."""
        del status
        return {"error": message}

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

    def failed(self, message: str) -> bytes:
        """Return a line that is no answer."""
        return msgspec.json.encode({"error": message}) + b"\n"

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
        return {"response": answer, **unless_empty("thinking", thinking)}


class OllamaChat(Ollama):
    """``/api/chat``."""

    def text(self, answer: str, thinking: str) -> dict[str, Any]:
        """Return the text as a message."""
        message = {"role": "assistant", "content": answer}
        return {"message": {**message, **unless_empty("thinking", thinking)}}


def _split(piece: Piece) -> tuple[str, str]:
    return (piece.text, "") if piece.kind == "answer" else ("", piece.text)
