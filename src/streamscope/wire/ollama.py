"""Ollama's own API: ``/api/chat`` and ``/api/generate``, one JSON text a line."""

import abc
from typing import Any, ClassVar

import msgspec

from streamscope.trace import Ended, Fault, Mode, Request, ServerTimings, Target, Tokens
from streamscope.wire import faults, lenient, urls
from streamscope.wire.base import Decoder, HttpCall, Protocol
from streamscope.wire.bodies import NdjsonBody, Reader, WholeBody
from streamscope.wire.events import End, Event, Flag, Timings, Usage
from streamscope.wire.numbers import NONSENSE, count, duration_s, impossible, unspeakable
from streamscope.wire.openai_shapes import Number, ToolCall
from streamscope.wire.request import headers, merge
from streamscope.wire.stamps import epoch_ns
from streamscope.wire.transcript import Transcript

_FINISH: dict[str, Ended] = {"stop": "stop", "length": "length", "load": "stop", "unload": "stop"}


NS = 1_000_000_000
"""Nanoseconds in a second: the unit of all durations here."""


class _Message(msgspec.Struct):
    """Text of ``/api/chat``."""

    content: str | None = None
    thinking: str | None = None
    tool_calls: list[ToolCall] | None = None


class _Line(msgspec.Struct):
    """A line of a stream, or the whole of a blocking answer; both routes in one."""

    message: _Message | None = None
    response: str | None = None
    thinking: str | None = None
    tool_calls: list[ToolCall] | None = None
    created_at: str | None = None
    model: str | None = None
    error: Any = None
    done: bool | None = None
    done_reason: str | None = None
    total_duration: Number = None
    load_duration: Number = None
    prompt_eval_count: Number = None
    prompt_eval_cached_count: Number = None
    prompt_eval_duration: Number = None
    eval_count: Number = None
    eval_duration: Number = None

    def said(self) -> _Message:
        """Return the text of this line, whichever route it is from."""
        if self.message is not None:
            return self.message
        return _Message(self.response, self.thinking, self.tool_calls)

    def impossible(self) -> bool:
        """Tell whether one of the numbers can't be."""
        counts = (self.prompt_eval_count, self.prompt_eval_cached_count, self.eval_count)
        parts = (self.load_duration, self.prompt_eval_duration, self.eval_duration)
        return impossible(counts, (self.total_duration, *parts), NS)


_LINE = msgspec.json.Decoder(_Line)
_ANY = msgspec.json.Decoder()


class OllamaReader(Reader):
    """Reads lines; a blocking answer is one line with everything in it."""

    def __init__(self) -> None:
        """Start before the first line."""
        self._said = Transcript()

    def read(
        self,
        payload: bytes,
        name: str = "message",  # noqa: ARG002 (lines have no names)
    ) -> list[Event]:
        """Return the events of one line."""
        line = lenient.decode(payload, _LINE)
        if line.error:
            return [faults.reported(lenient.decode(payload, _ANY))]
        if line.done is None and line.message is None and line.response is None:
            raise lenient.NotValidError("neither text nor an end in it")
        self._said.server_ns = epoch_ns(line.created_at)
        found = self._said.model(line.model)
        found += self._text(line.said())
        if line.done:
            found += [*self.close(), *self._end(line, payload)]
        return found

    def close(self) -> list[Event]:
        """Return text that was held back because it might have been a tag."""
        return self._said.close()

    def _text(self, message: _Message) -> list[Event]:
        found = self._said.reasoning(message.thinking)
        found += self._said.answer(message.content)
        for call in message.tool_calls or ():
            found += self._said.tool(call.text())
        return found

    def _end(self, line: _Line, payload: bytes) -> list[Event]:
        """Return what the last line says beside text."""
        found: list[Event] = []
        if reason := line.done_reason:
            found += self._said.finish(_FINISH.get(reason, "stop"))
            if reason in ("load", "unload"):
                found.append(Flag(reason))
        tokens = _tokens(line)
        if tokens != Tokens():
            found.append(Usage(tokens))
        durations = _durations(line, tokens)
        if durations.total_s is not None or durations.decode_s is not None:
            found.append(Timings(durations))
        if line.impossible() or unspeakable(payload):
            found.append(NONSENSE)
        return [*found, End()]


class _Ollama(Protocol):
    """What both routes share."""

    route: ClassVar[str]

    @abc.abstractmethod
    def _input(self, request: Request) -> dict[str, Any]:
        """Return the members that hold the prompt."""

    def call(self, target: Target, request: Request, mode: Mode, key: str | None) -> HttpCall:
        """Build the request; ``stream`` is sent both ways, because its default is true."""
        body: dict[str, Any] = {"model": target.model, **self._input(request)}
        if request.think is not None:
            body["think"] = request.think
        sampling = {
            "temperature": request.temperature,
            "top_p": request.top_p,
            "seed": request.seed,
            "num_predict": request.max_tokens,
            "stop": list(request.stop) or None,  # a bare string is refused
        }
        if options := {name: value for name, value in sampling.items() if value is not None}:
            body["options"] = options
        merge(body, request.params)
        body["stream"] = mode == "stream"
        accept = "application/x-ndjson" if mode == "stream" else "application/json"
        return HttpCall(
            method="POST",
            url=urls.ollama_url(target.url, self.route),
            headers=headers(accept, key),
            body=lenient.encode(body),
        )

    def decoder(self, mode: Mode) -> Decoder:
        """Return a decoder for lines, or for one whole answer."""
        reader = OllamaReader()
        return NdjsonBody(reader) if mode == "stream" else WholeBody(reader)

    def models_url(self, target: Target) -> str:
        """Return the URL of ``/api/tags``."""
        return urls.ollama_url(target.url, "tags")

    def parse_models(self, body: bytes) -> list[str]:
        """Return the names of the models that were pulled."""
        try:
            models = lenient.decode(body, _TAGS).models or []
        except lenient.NotValidError:
            return []
        return [name for model in models if (name := model.name or model.model)]

    def fault(self, target: Target, status: int, body: bytes) -> Fault:
        """Say what an HTTP error means."""
        return faults.refused(target, status, body, urls.ollama_url(target.url, self.route))


class OllamaChat(_Ollama):
    """``/api/chat``: the chat template, and thinking apart from the answer."""

    name: ClassVar[str] = "ollama-chat"
    label: ClassVar[str] = "Ollama, /api/chat"
    route: ClassVar[str] = "chat"

    def _input(self, request: Request) -> dict[str, Any]:
        system = [] if request.system is None else [{"role": "system", "content": request.system}]
        return {"messages": [*system, {"role": "user", "content": request.prompt}]}


class OllamaGenerate(_Ollama):
    """``/api/generate``: one prompt, one completion."""

    name: ClassVar[str] = "ollama-generate"
    label: ClassVar[str] = "Ollama, /api/generate"
    route: ClassVar[str] = "generate"

    def _input(self, request: Request) -> dict[str, Any]:
        system = {} if request.system is None else {"system": request.system}
        return {"prompt": request.prompt, **system}


class _Tag(msgspec.Struct):
    name: str | None = None
    model: str | None = None


class _Tags(msgspec.Struct):
    models: list[_Tag] | None = None


_TAGS = msgspec.json.Decoder(_Tags)


def _tokens(line: _Line) -> Tokens:
    return Tokens(
        prompt=count(line.prompt_eval_count),
        output=count(line.eval_count),
        cached=count(line.prompt_eval_cached_count),
    )


def _durations(line: _Line, tokens: Tokens) -> ServerTimings:
    # The count includes cached tokens, the duration does not: where the server does not say how
    # many were cached, nobody knows how many were evaluated.
    known = tokens.prompt is not None and tokens.cached is not None
    evaluated = (tokens.prompt or 0) - (tokens.cached or 0) if known else None
    return ServerTimings(
        load_s=duration_s(line.load_duration, NS),
        prefill_s=duration_s(line.prompt_eval_duration, NS),
        decode_s=duration_s(line.eval_duration, NS),
        total_s=duration_s(line.total_duration, NS),
        prefill_tokens=count(evaluated),
        decode_tokens=tokens.output,
        source="ollama",
    )
