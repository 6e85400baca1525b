"""How to read servers that somebody wrote for themselves: text under one of many names, or bare.

An object is text if it has text under one of the names below; what its ``type`` or ``event`` says,
or the event's own name, decides whether that text is an answer. Objects without any text are let
be, as long as others have some.
"""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import msgspec

from streamscope.trace import UNMARKED_FLAG
from streamscope.wire import faults, lenient, openai_shapes
from streamscope.wire.bodies import Reader
from streamscope.wire.events import End, Event, Failure, Flag, Ping
from streamscope.wire.ledger import Ledger
from streamscope.wire.messages import clean
from streamscope.wire.transcript import Transcript

PIECES = (
    "token", "text", "content", "delta", "response", "chunk", "output", "message",
    "answer", "data", "choices",
)  # fmt: skip
"""Names under which a stream has a piece of text; the first that has any is taken."""

WHOLES = (
    "text", "response", "output", "completion", "generated_text", "result",
    "answer", "content", "message", "token", "data", "choices",
)  # fmt: skip
"""Names under which an answer is that comes whole."""

MARKS = frozenset({"[DONE]", "[END]"})
"""Texts that are no text but the end."""

_THOUGHTS = ("thinking", "reasoning", "reasoning_content")
_REASONS = ("message", "detail", "content", "text", "data", "reason")
_DONE = ("done", "finished", "is_finished", "final", "is_final", "end", "is_end", "stop")
_FINISH = ("finish_reason", "stop_reason", "done_reason")
_PROMPT = ("prompt_tokens", "input_tokens", "prompt_eval_count")
_OUTPUT = ("completion_tokens", "output_tokens", "eval_count")

_OF_ERRORS = frozenset({"error", "exception"})
_OF_THOUGHTS = frozenset({"thinking", "reasoning", "thought"})
_OF_LIFE = frozenset({"ping", "pong", "heartbeat", "keepalive", "keep-alive", "keep_alive"})
_OF_ENDS = frozenset(
    {"done", "end", "stream_end", "complete", "completed", "finish", "finished", "close"}
)
_OF_PIECES = frozenset({"text_stream"})
_OF_NOTICES = frozenset(
    {"start", "started", "begin", "stream_start", "open", "connected", "status", "info", "log",
     "meta", "metadata", "progress", "usage", "stats", "metrics"}
)  # fmt: skip
"""What an event may be called, by what that means. Any other name means nothing.

What is called ``text_stream`` is text that ``stream_end`` ends.
"""

_DEPTH = 6
_HEAD_CHARS = 200
_ANY = msgspec.json.Decoder()

UNMARKED = Flag(UNMARKED_FLAG)
"""A stream ended cleanly, and nothing in it said that it would say so: it may lack its end."""


class TokenReader(Reader):
    """Reads a stream of objects, of JSON strings or of bare text.

    Which it is shows in the first payload: after an object or a JSON string, bare text is an
    error; after bare text, a JSON string is text with its quotes, as a model may well say one.
    """

    raw: ClassVar[bool] = True

    def __init__(self, names: Sequence[str] = PIECES) -> None:
        """Look for text under these names."""
        self._names = names
        self._said = Transcript()
        self._ledger = Ledger()
        self._form: Literal["", "json", "bare"] = ""
        self._so_far: list[str] = []
        self._strange = b""
        self._understood = False
        self._finished = False
        self._promised = False

    def read(self, payload: bytes, name: str = "message") -> list[Event]:
        """Return the events of one payload."""
        kind = name.lower()
        stripped = payload.strip()
        value = _decoded(stripped)
        if isinstance(value, dict):
            self._form = self._form or "json"
            return self._object(value, kind, payload)
        if isinstance(value, str) and (self._form != "bare" or kind in _OF_ERRORS):
            self._form = self._form or "json"
            return self._words(value, kind)
        broken = not self._form and stripped.startswith(b'{"')
        if (self._form == "json" or broken) and kind not in _OF_ENDS | _OF_ERRORS:
            return self._stray(stripped)
        self._form = self._form or "bare"
        return self._words(payload.decode("utf-8", "replace"), kind)

    def close(self) -> list[Event]:
        """Return text that was held back because it might have been a tag."""
        return self._said.close()

    def over(self, *, marked: bool) -> list[Event]:
        """End: without a mark, too, as many of these servers have none.

        One that says ``"done": false`` with each piece is about to say ``true`` with the last: if
        that is missing, the answer is not whole.
        """
        if self._strange and not self._understood:
            head = clean(self._strange[: 4 * _HEAD_CHARS].decode("utf-8", "replace"), _HEAD_CHARS)
            return [*self.close(), Failure("malformed", f"no text under a known name: {head}")]
        if marked:
            return [*self.close(), End()]
        if self._finished or self._promised or not self._said.said:
            return self.close()
        return [*self._said.finish("stop"), UNMARKED]

    def _stray(self, payload: bytes) -> list[Event]:
        """Take what is no JSON among JSON."""
        if not payload:
            return []
        if payload.lower() in (b"done", b"end") or payload.decode("utf-8", "replace") in MARKS:
            return self.over(marked=True)
        raise lenient.NotValidError("no JSON")

    def _words(self, text: str, kind: str) -> list[Event]:
        """Take text that stands for itself."""
        if kind in _OF_ERRORS:
            return [faults.reported({"error": text})]
        if kind in _OF_ENDS or text.strip() in MARKS:
            return self.over(marked=True)
        if kind in _OF_LIFE:
            return [Ping()]
        return [] if kind in _OF_NOTICES else self._text(text, kind)

    def _object(self, value: dict[str, Any], kind: str, payload: bytes) -> list[Event]:
        kind = next(
            (said.lower() for key in ("type", "event") if isinstance(said := value.get(key), str)),
            kind,
        )
        if value.get("error") or kind in _OF_ERRORS:
            return [_error(value)]
        if kind in _OF_LIFE:
            return [Ping()]
        model = value.get("model")
        found = self._said.model(model if isinstance(model, str) else None)
        ends = kind in _OF_ENDS or any(value.get(flag) is True for flag in _DONE)
        self._promised = self._promised or kind in _OF_PIECES or _promises_end(value)
        texts = self._texts(value, kind, last=ends)
        counts = self._counts(value, payload)
        reason = _finish_reason(value)
        if not (ends or reason or counts or kind in _OF_NOTICES):
            self._strange = self._strange or payload
        found += [*texts, *counts]
        if reason:
            self._finished = True
            found += self._said.finish(openai_shapes.finish_reason(reason))
        return [*found, *self.over(marked=True)] if ends else found

    def _texts(self, value: dict[str, Any], kind: str, *, last: bool) -> list[Event]:
        """Return the text of an object, but for a last one that says all of it once more."""
        if kind in _OF_NOTICES:
            return []
        found: list[Event] = []
        for name in _THOUGHTS:
            if (thought := _text_in(value.get(name), ())) is not None:
                self._understood = True
                found += self._said.reasoning(thought)
                break
        text = _text_in(value, self._names)
        self._understood = self._understood or any(name in value for name in self._names)
        if not text or (last and text == "".join(self._so_far)):
            return found
        return found + self._text(text, kind)

    def _text(self, text: str, kind: str) -> list[Event]:
        self._understood = True
        if kind in _OF_THOUGHTS:
            return self._said.reasoning(text)
        self._so_far.append(text)
        return self._said.answer(text)

    def _counts(self, value: dict[str, Any], payload: bytes) -> list[Event]:
        usage = value.get("usage")
        usage = usage if isinstance(usage, dict) else value
        if not any(name in usage for name in (*_PROMPT, *_OUTPUT)):
            return []
        counts = openai_shapes.Usage(
            prompt_tokens=_first(usage, _PROMPT), completion_tokens=_first(usage, _OUTPUT)
        )
        return self._ledger.told(payload, counts)


class AnswerReader(TokenReader):
    """Reads an answer that comes whole: an object with text in it, or a JSON string."""

    def __init__(self, names: Sequence[str] = WHOLES) -> None:
        """Look for text under these names."""
        super().__init__(names)

    def read(self, payload: bytes, name: str = "message") -> list[Event]:
        """Return the events of the answer."""
        value = _decoded(payload.strip())
        if isinstance(value, str):
            return [*self._text(value, name), *self.over(marked=True)]
        if not isinstance(value, dict):
            raise lenient.NotValidError("no answer")
        found = self._object(value, "", payload)
        if not self._understood and not any(isinstance(each, Failure) for each in found):
            raise lenient.NotValidError("no text under a known name")
        if found and isinstance(found[-1], End | Failure):
            return found
        return [*found, *self.over(marked=True)]


def _decoded(payload: bytes) -> Any:
    """Return an object or a JSON string; an object in a list is as good. ``None`` for the rest."""
    if not payload.startswith((b"{", b"[", b'"')):
        return None
    try:
        value = lenient.decode(payload, _ANY)
    except lenient.NotValidError:
        return None
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
        value = value[0]
    return value if isinstance(value, dict | str) else None


def _text_in(value: Any, names: Sequence[str], depth: int = _DEPTH) -> str | None:
    """Return text found under the names: the first that is not empty, and empty if all are.

    Lists are joined, but of several choices only the first is the answer.
    """
    if isinstance(value, str):
        return value
    if not depth:
        return None
    if isinstance(value, list):
        parts = [_text_in(each, names, depth - 1) for each in value]
        texts = [part for part in parts if part is not None]
        return "".join(texts) if texts else None
    if not isinstance(value, dict):
        return None
    empty = None
    for name in names:
        inner = value.get(name)
        if name == "choices" and isinstance(inner, list):
            inner = inner[:1]
        text = _text_in(inner, names, depth - 1)
        if text:
            return text
        empty = empty if text is None else text
    return empty


def _error(value: dict[str, Any]) -> Failure:
    if value.get("error"):
        return faults.reported(value)
    return faults.reported({"error": _text_in(value, _REASONS) or value})


def _holders(value: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the objects in which a reason to end may stand."""
    choices = value.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    return [value, first] if isinstance(first, dict) else [value]


def _finish_reason(value: dict[str, Any]) -> str | None:
    for holder in _holders(value):
        reason = _first(holder, _FINISH)
        if isinstance(reason, str) and reason:
            return reason
    return None


def _promises_end(value: dict[str, Any]) -> bool:
    """Tell whether an object has a place for the end and says that this is not it."""
    waiting = any(value.get(flag) is False for flag in _DONE)
    return waiting or any(
        name in holder and holder[name] is None for holder in _holders(value) for name in _FINISH
    )


def _first(holder: dict[str, Any], names: Sequence[str]) -> Any:
    return next((holder[name] for name in names if holder.get(name) is not None), None)
