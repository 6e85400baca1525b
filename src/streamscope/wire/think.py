"""Thinking that a server left in the answer: a leading ``<think>…</think>``."""

from typing import NamedTuple

from streamscope.trace import TextKind

_TAGS = {"<think>": "</think>", "<thinking>": "</thinking>"}


class Piece(NamedTuple):
    """A piece of text and what it is."""

    kind: TextKind
    text: str


class ThinkSplitter:
    """Moves a thinking block at the start of an answer out of it, however it is cut.

    Only the beginning counts: a tag further on is text that somebody wrote about tags. Text is
    held back only while it may still turn out to be a tag, so that its arrival stays true. White
    space before a tag is passed on at once, as answer: it may be the beginning of one.
    """

    def __init__(self) -> None:
        """Start before the answer."""
        self._held = ""
        self._closing = ""
        self._decided = False

    def feed(self, text: str) -> list[Piece]:
        """Return the text that is certain now; never an empty piece."""
        if self._decided:
            return [Piece("answer", text)] if text else []
        pieces: list[Piece] = []
        text, self._held = self._held + text, ""
        if not self._closing:
            text = self._opening(text, pieces)
        if self._closing:
            text = self._inside(text, pieces)
        if self._decided:
            _add(pieces, "answer", text)
        return pieces

    def finish(self) -> list[Piece]:
        """Return what was held back: it was no tag after all."""
        held, self._held = self._held, ""
        self._decided = self._decided or bool(held and not self._closing)
        pieces: list[Piece] = []
        _add(pieces, "reasoning" if self._closing else "answer", held)
        return pieces

    def _opening(self, text: str, pieces: list[Piece]) -> str:
        """Look for the opening tag; return what follows it, or what is answer for certain."""
        body = text.lstrip()
        _add(pieces, "answer", text[: len(text) - len(body)])
        for opening, closing in _TAGS.items():
            if body.startswith(opening):
                self._closing = closing
                return body[len(opening) :]
        if any(opening.startswith(body) for opening in _TAGS):
            self._held = body
            return ""
        self._decided = True
        return body

    def _inside(self, text: str, pieces: list[Piece]) -> str:
        """Pass thinking on up to the closing tag; return what follows it."""
        thinking, found, rest = text.partition(self._closing)
        if found:
            self._closing = ""
            self._decided = True
        else:
            kept = _overlap(thinking, self._closing)
            self._held = thinking[len(thinking) - kept :]
            thinking = thinking[: len(thinking) - kept]
        _add(pieces, "reasoning", thinking)
        return rest


def _overlap(text: str, tag: str) -> int:
    """Return how many characters at the end of ``text`` may be the start of ``tag``."""
    for size in range(min(len(text), len(tag) - 1), 0, -1):
        if tag.startswith(text[-size:]):
            return size
    return 0


def _add(pieces: list[Piece], kind: TextKind, text: str) -> None:
    """Append a piece; what came as one piece and is of one kind stays one."""
    if text and pieces and pieces[-1].kind == kind:
        text = pieces.pop().text + text
    if text:
        pieces.append(Piece(kind, text))
