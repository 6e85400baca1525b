"""OpenAI's newer route: numbered events, and items in place of a message."""

import secrets
import time
from typing import Any

import msgspec

from streamscope.engines.script import Kind, Piece
from streamscope.engines.shapes.base import event
from streamscope.engines.shapes.openai import OpenAIRoute
from streamscope.engines.stage import Report


class OpenAIResponses(OpenAIRoute):
    """``/v1/responses``: thinking comes as a summary, which is what OpenAI and Ollama send."""

    def __init__(self, model: str) -> None:
        self._head = {
            "id": f"resp_{secrets.token_hex(16)}",
            "object": "response",
            "created_at": int(time.time()),
            "model": model,
            "parallel_tool_calls": False,
            "tool_choice": "auto",
            "tools": [],
            "error": None,
        }
        self._ids: dict[Kind, str] = {
            "reasoning": f"rs_{secrets.token_hex(16)}",
            "answer": f"msg_{secrets.token_hex(16)}",
        }
        self._number = 0
        self._done: list[dict[str, Any]] = []
        self._open: Kind | None = None
        self._text = ""

    def begin(self, prompt_tokens: int) -> bytes:
        """Return the response as it is before anything was made."""
        del prompt_tokens
        response = self._response("in_progress", [], None)
        return b"".join(
            self._event(f"response.{name}", response=response)
            for name in ("created", "in_progress")
        )

    def piece(self, piece: Piece) -> bytes:
        """Return one event; those that begin its item go ahead, in the same write."""
        opening = b"" if self._open == piece.kind else self._close() + self._begin(piece.kind)
        self._text += piece.text
        if piece.kind == "answer":
            logprobs: dict[str, Any] = {"logprobs": []}
            return opening + self._delta("output_text.delta", delta=piece.text, **logprobs)
        return opening + self._delta("reasoning_summary_text.delta", delta=piece.text)

    def end(self, report: Report) -> list[bytes]:
        """Return what closes the item, and the response as it has become."""
        closing = self._close()
        last = self._whole(self._done, report)
        name = f"response.{last['status']}"
        return [*([closing] if closing else []), self._event(name, response=last)]

    def failed(self, message: str) -> bytes:
        """Return the event that says so."""
        return self._event("error", code="server_error", message=message, param=None)

    def whole(self, answer: str, thinking: str, report: Report) -> bytes:
        """Return the response object."""
        items = [self._item("reasoning", thinking)] if thinking else []
        return msgspec.json.encode(self._whole([*items, self._item("answer", answer)], report))

    def _event(self, name: str, **members: Any) -> bytes:
        number, self._number = self._number, self._number + 1
        return event({"type": name, "sequence_number": number, **members}, named=True)

    def _delta(self, name: str, **members: Any) -> bytes:
        """Return an event that concerns the open part of the open item."""
        assert self._open is not None
        part = "content_index" if self._open == "answer" else "summary_index"
        item = {"item_id": self._ids[self._open], "output_index": len(self._done), part: 0}
        return self._event(f"response.{name}", **item, **members)

    def _begin(self, kind: Kind) -> bytes:
        self._open, self._text = kind, ""
        item = self._item(kind, None)
        added = self._event("response.output_item.added", output_index=len(self._done), item=item)
        name = "content_part.added" if kind == "answer" else "reasoning_summary_part.added"
        return added + self._delta(name, part=_part(kind, ""))

    def _close(self) -> bytes:
        """Return the events that repeat the whole of an item, as clients expect them."""
        if self._open is None:
            return b""
        kind, text = self._open, self._text
        if kind == "answer":
            logprobs: dict[str, Any] = {"logprobs": []}
            done = self._delta("output_text.done", text=text, **logprobs)
            done += self._delta("content_part.done", part=_part(kind, text))
        else:
            done = self._delta("reasoning_summary_text.done", text=text)
            done += self._delta("reasoning_summary_part.done", part=_part(kind, text))
        item = self._item(kind, text)
        done += self._event("response.output_item.done", output_index=len(self._done), item=item)
        self._done.append(item)
        self._open = None
        return done

    def _item(self, kind: Kind, text: str | None) -> dict[str, Any]:
        """Return an item with all of its text, or as it begins."""
        parts = [] if text is None else [_part(kind, text)]
        if kind == "reasoning":
            return {"id": self._ids[kind], "type": "reasoning", "summary": parts}
        return {
            "id": self._ids[kind],
            "type": "message",
            "role": "assistant",
            "status": "in_progress" if text is None else "completed",
            "content": parts,
        }

    def _whole(self, items: list[dict[str, Any]], report: Report) -> dict[str, Any]:
        usage = {
            "input_tokens": report.prompt_tokens,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": report.output_tokens,
            "output_tokens_details": {"reasoning_tokens": report.thinking_tokens},
            "total_tokens": report.prompt_tokens + report.output_tokens,
        }
        return self._response(
            "incomplete" if report.ended == "length" else "completed", items, usage
        )

    def _response(
        self, status: str, items: list[dict[str, Any]], usage: dict[str, Any] | None
    ) -> dict[str, Any]:
        why = {"reason": "max_output_tokens"} if status == "incomplete" else None
        rest = {"status": status, "incomplete_details": why, "output": items, "usage": usage}
        return {**self._head, **rest}


def _part(kind: Kind, text: str) -> dict[str, Any]:
    if kind == "reasoning":
        return {"type": "summary_text", "text": text}
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
