"""What one response has said so far: whatever protocol it came by, text becomes the same events."""

from streamscope.trace import Ended, TextKind
from streamscope.wire.events import Event, Finish, Model, Text
from streamscope.wire.think import Piece, ThinkSplitter


class Transcript:
    """Makes events of text, and remembers what decides how later text is to be read.

    Attributes:
        server_ns: The server's own stamp for what follows, ns since the epoch, where it gives one.
        said: Whether there was any text yet, of any kind.
    """

    def __init__(self) -> None:
        """Start before the first text."""
        self.server_ns: int | None = None
        self.said = False
        self._think = ThinkSplitter()
        self._reasons_apart = False
        self._named = False
        self._refused = False
        self._called = False

    def model(self, name: str | None) -> list[Event]:
        """Take the model's name; only the first one is told."""
        if not name or self._named:
            return []
        self._named = True
        return [Model(name)]

    def answer(self, text: str | None) -> list[Event]:
        """Take answer text; a thinking block at its start that the server left in is taken out."""
        if not text:
            return []
        self.said = True
        if self._reasons_apart:
            return [*self.close(), self._text("answer", text)]
        return self._texts(self._think.feed(text))

    def reasoning(self, text: str | None) -> list[Event]:
        """Take thinking that the server keeps apart: tags in the answer are text from here on."""
        if not text:
            return []
        self._reasons_apart = True
        return [self._text("reasoning", text)]

    def refusal(self, text: str | None) -> list[Event]:
        """Take a refusal. A person reads it in place of the answer, so it is one."""
        if not text:
            return []
        found: list[Event] = [self._text("answer", text)]
        if not self._refused:
            self._refused = True
            found.append(Finish("filter"))
        return found

    def tool(self, text: str | None) -> list[Event]:
        """Take a tool call, or a piece of one."""
        if not text:
            return []
        self._called = True
        return [self._text("tool", text)]

    def finish(self, ended: Ended) -> list[Event]:
        """Take the reason why the text ended."""
        if ended == "stop":
            # Some servers say ``stop`` whatever it was that they stopped for.
            ended = "filter" if self._refused else "tool" if self._called else ended
        return [*self.close(), Finish(ended)]

    def close(self) -> list[Event]:
        """Return text that was held back because it might have been a tag."""
        return self._texts(self._think.finish())

    def _texts(self, pieces: list[Piece]) -> list[Event]:
        return [self._text(piece.kind, piece.text) for piece in pieces]

    def _text(self, kind: TextKind, text: str) -> Text:
        self.said = True
        return Text(kind, text, self.server_ns)
