"""``POST /v1/completions``: a text that goes on, for most servers without a chat template."""

from typing import Any, ClassVar

import msgspec

from streamscope.trace import Mode, Request, Target
from streamscope.wire import faults, lenient, openai_shapes
from streamscope.wire.bodies import Reader
from streamscope.wire.events import End, Event, Flag, Text
from streamscope.wire.ledger import Ledger
from streamscope.wire.openai_shapes import ABSENT
from streamscope.wire.request import given, missing
from streamscope.wire.sse_protocol import SseProtocol
from streamscope.wire.transcript import Transcript


class _Choice(msgspec.Struct):
    index: int | None = None
    text: str | None = None
    finish_reason: str | None = None


class _Chunk(msgspec.Struct):
    """A chunk of a stream, or a whole answer: both have one shape."""

    choices: list[_Choice] | None = None
    error: Any = None
    object: str | None = None
    model: str | None = None
    usage: openai_shapes.Usage | None = None
    timings: msgspec.Raw = ABSENT
    metrics: msgspec.Raw = ABSENT


_CHUNK = msgspec.json.Decoder(_Chunk)
_ANY = msgspec.json.Decoder()


class CompletionsReader(Reader):
    """Reads chunks and whole answers, which nothing but their number tells apart."""

    def __init__(self, mode: Mode) -> None:
        """Read what a channel of this mode receives."""
        self._mode = mode
        self._said = Transcript()
        self._ledger = Ledger()
        self._strange = b""
        self._chosen = False
        self._chunks = 0
        self._whole = False

    def read(self, payload: bytes, name: str = "message") -> list[Event]:
        """Return the events of one chunk, or of a whole answer."""
        chunk = lenient.decode(payload, _CHUNK)
        if chunk.error or name == "error" or chunk.object == "error":
            return [faults.reported(lenient.decode(payload, _ANY))]
        if self._mode == "blocking" and not chunk.choices:
            raise lenient.NotValidError("the answer has no choices")
        self._chosen = self._chosen or chunk.choices is not None
        self._strange = self._strange or payload
        found = self._said.model(chunk.model)
        for choice in chunk.choices or ():
            if not choice.index:  # others are further answers to the same prompt
                found += self._said.answer(choice.text)
                found += openai_shapes.finished(self._said, choice.finish_reason)
        found += self._ledger.told(payload, chunk.usage, chunk.timings, chunk.metrics)
        if self._mode == "blocking":
            return [*found, *self.close(), End()]
        self._note(found, chunk)
        return found

    def strange(self) -> bytes:
        """Return the first payload of a stream without any choices."""
        return b"" if self._chosen else self._strange

    def close(self) -> list[Event]:
        """Return text that was held back because it might have been a tag."""
        return self._said.close()

    def over(self, *, marked: bool) -> list[Event]:
        """Return the end, also of a whole answer where a stream was asked for."""
        if self._whole and not marked:
            return [*self.close(), Flag("not-streamed"), End()]
        return super().over(marked=marked)

    def _note(self, found: list[Event], chunk: _Chunk) -> None:
        """Note whether this may be a whole answer: the only chunk, with text, end and counts."""
        self._chunks += 1
        ended = any(choice.finish_reason for choice in chunk.choices or ())
        spoke = any(isinstance(event, Text) for event in found)
        self._whole = self._chunks == 1 and ended and spoke and chunk.usage is not None


class OpenAICompletions(SseProtocol):
    """The legacy route. There is no place for a system text, and none to set thinking.

    vLLM, llama.cpp and LM Studio take the prompt as it is; Ollama applies the model's template, and
    keeps the text of thinking to itself.
    """

    name: ClassVar[str] = "openai-completions"
    label: ClassVar[str] = (
        "OpenAI completions (vLLM, llama.cpp, LM Studio), mostly without template"
    )
    route: ClassVar[str] = "completions"

    def members(self, target: Target, request: Request) -> dict[str, Any]:
        """Return what is asked."""
        named = {"model": target.model} if target.model else {}
        sampling = {
            "temperature": request.temperature,
            "top_p": request.top_p,
            "seed": request.seed,
            "max_tokens": request.max_tokens,
            "stop": list(request.stop),
        }
        return {**named, "prompt": request.prompt, **given(sampling)}

    def unsent(
        self,
        target: Target,  # noqa: ARG002 (no server of this kind has more members)
        request: Request,
    ) -> tuple[str, ...]:
        """Return what this route has no member for."""
        return missing(request, "system", "think")

    def switch(self, body: dict[str, Any], mode: Mode) -> None:
        """Ask for a stream with counts, or for none."""
        openai_shapes.switch_with_usage(body, mode)

    def reader(self, mode: Mode) -> Reader:
        """Return a new reader."""
        return CompletionsReader(mode)
