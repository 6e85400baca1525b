"""``POST /completion``: llama.cpp's own route, one event a token, without a chat template."""

from typing import Any, ClassVar

import msgspec

from streamscope.trace import Ended, Mode, Request, Target, Tokens
from streamscope.wire import faults, lenient, urls
from streamscope.wire.bodies import Reader
from streamscope.wire.events import End, Event, Flag
from streamscope.wire.ledger import Ledger
from streamscope.wire.numbers import count, impossible
from streamscope.wire.openai_shapes import ABSENT, Number
from streamscope.wire.request import given, missing
from streamscope.wire.sse_protocol import SseProtocol
from streamscope.wire.transcript import Transcript

_STOPPED: dict[str, Ended] = {"eos": "stop", "word": "stop", "limit": "length", "none": "stop"}
"""``stop_type``; ``none`` is said of what had nothing to generate."""


class _Event(msgspec.Struct):
    """An event of a stream, or the whole of a blocking answer; the last event has it all."""

    content: str | None = None
    stop: bool | None = None
    stop_type: str | None = None
    index: int | None = None
    model: str | None = None
    error: Any = None
    tokens_predicted: Number = None
    tokens_evaluated: Number = None
    timings: msgspec.Raw = ABSENT

    def impossible(self) -> bool:
        """Tell whether one of the counts can't be."""
        return impossible((self.tokens_predicted, self.tokens_evaluated))

    def tokens(self) -> Tokens:
        """Return the counts; cached tokens are among those of the prompt."""
        return Tokens(prompt=count(self.tokens_evaluated), output=count(self.tokens_predicted))


_EVENT = msgspec.json.Decoder(_Event)
_ANY = msgspec.json.Decoder()


class LlamaCppReader(Reader):
    """Reads events; a blocking answer is one event with everything in it."""

    def __init__(self, mode: Mode) -> None:
        """Read what a channel of this mode receives."""
        self._mode = mode
        self._said = Transcript()
        self._ledger = Ledger()

    def read(self, payload: bytes, name: str = "message") -> list[Event]:
        """Return the events of one payload."""
        event = lenient.decode(payload, _EVENT)
        if event.error or name == "error":
            return [faults.reported(lenient.decode(payload, _ANY))]
        if event.stop is None and event.content is None:
            raise lenient.NotValidError("neither text nor an end in it")
        if event.index:  # another answer to the same prompt
            return []
        first = not self._said.said
        found = self._said.model(event.model)
        found += self._said.answer(event.content)
        if event.stop:
            found += self._end(event, payload)
            if self._mode == "stream" and first and event.content:
                found.append(Flag("not-streamed"))  # the last event of a stream repeats no text
            found.append(End())
        return found

    def close(self) -> list[Event]:
        """Return text that was held back because it might have been a tag."""
        return self._said.close()

    def _end(self, event: _Event, payload: bytes) -> list[Event]:
        """Return what the last event says beside text."""
        reason = event.stop_type
        found = self._said.finish(_STOPPED.get(reason, "stop")) if reason else self.close()
        return found + self._ledger.told(payload, event, event.timings)


class LlamaCppCompletion(SseProtocol):
    """llama.cpp's own route. There is no place for a system text, and none to set thinking."""

    name: ClassVar[str] = "llamacpp-completion"
    label: ClassVar[str] = "llama.cpp, /completion, without chat template"
    route: ClassVar[str] = "completion"

    def url(self, target: Target) -> str:
        """Return the URL that is called: beside the version, not below it."""
        return f"{urls.above_version(target.url)}/{self.route}"

    def members(self, target: Target, request: Request) -> dict[str, Any]:
        """Return what is asked; only a router looks at the model."""
        named = {"model": target.model} if target.model else {}
        sampling = {
            "temperature": request.temperature,
            "top_p": request.top_p,
            "seed": request.seed,
            "n_predict": request.max_tokens,
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

    def reader(self, mode: Mode) -> Reader:
        """Return a new reader."""
        return LlamaCppReader(mode)

    def models_url(self, target: Target) -> str:
        """Return the URL of ``/v1/models``."""
        return f"{urls.above_version(target.url)}/v1/models"
