"""LM Studio's own API, ``/api/v1/chat``: events that tell loading, prompt and text apart."""

from typing import Any, ClassVar

import msgspec

from streamscope.trace import Mode, Request, ServerTimings, Target, Tokens
from streamscope.wire import faults, lenient, urls
from streamscope.wire.bodies import Reader
from streamscope.wire.events import End, Event, Flag, Ping, Timings
from streamscope.wire.ledger import Ledger
from streamscope.wire.numbers import NONSENSE, count, duration_s, impossible
from streamscope.wire.openai_shapes import Function, Number, called
from streamscope.wire.request import given, missing
from streamscope.wire.sse_protocol import SseProtocol
from streamscope.wire.transcript import Transcript


class _Item(msgspec.Struct):
    """A part of the answer."""

    type: str | None = None
    content: str | None = None
    tool: str | None = None
    arguments: Any = None


class _Stats(msgspec.Struct):
    """Counts, and durations in s."""

    input_tokens: Number = None
    total_output_tokens: Number = None
    reasoning_output_tokens: Number = None
    time_to_first_token_seconds: Number = None
    model_load_time_seconds: Number = None

    def impossible(self) -> bool:
        """Tell whether one of the numbers can't be."""
        counts = (self.input_tokens, self.total_output_tokens, self.reasoning_output_tokens)
        return impossible(counts, (self.time_to_first_token_seconds, self.model_load_time_seconds))

    def tokens(self) -> Tokens:
        """Return the counts as a trace keeps them."""
        return Tokens(
            prompt=count(self.input_tokens),
            output=count(self.total_output_tokens),
            reasoning=count(self.reasoning_output_tokens),
        )


class _Answer(msgspec.Struct):
    """The whole answer: the body of a blocking one, and the end of a stream."""

    model_instance_id: str | None = None
    output: list[_Item] | str | None = None  # text where it is that of a tool
    stats: _Stats | None = None
    error: Any = None


class _Event(_Answer):
    """An event of a stream, or a whole answer in place of one."""

    type: str | None = None
    content: str | None = None
    tool: str | None = None
    arguments: Any = None
    load_time_seconds: Number = None
    result: _Answer | None = None


_EVENT = msgspec.json.Decoder(_Event)
_ANY = msgspec.json.Decoder()


class LMStudioReader(Reader):
    """Reads events, and the whole answer that a blocking channel gets and each stream ends with."""

    def __init__(self, mode: Mode) -> None:
        """Read what a channel of this mode receives."""
        self._mode = mode
        self._transcript = Transcript()
        self._ledger = Ledger()
        self._load_s: float | None = None

    def read(self, payload: bytes, name: str = "message") -> list[Event]:
        """Return the events of one event, or of a whole answer."""
        event = lenient.decode(payload, _EVENT)
        kind = event.type or ("" if name == "message" else name)
        if event.error or kind == "error":
            return [faults.reported(lenient.decode(payload, _ANY))]
        found = self._transcript.model(event.model_instance_id)
        if kind == "chat.end" or isinstance(event.output, list):
            return found + self._whole(event.result or event, payload)
        if self._mode == "blocking" or not kind:
            raise lenient.NotValidError("no output in it")
        return found + self._event(kind, event)

    def close(self) -> list[Event]:
        """Return text that was held back because it might have been a tag."""
        return self._transcript.close()

    def _event(self, kind: str, event: _Event) -> list[Event]:
        if kind == "message.delta":
            return self._transcript.answer(event.content)
        if kind == "reasoning.delta":
            return self._transcript.reasoning(event.content)
        if kind == "tool_call.arguments":
            return self._transcript.tool(called(Function(event.tool, event.arguments)))
        if kind == "model_load.end":
            return [Ping(), *self._loaded(event.load_time_seconds)]
        # What goes on before the first token. Others, of which there may be new ones, say nothing.
        return [Ping()] if kind.startswith(("model_load.", "prompt_processing.")) else []

    def _loaded(self, seconds: Number) -> list[Event]:
        self._load_s = duration_s(seconds, 1)
        if self._load_s is None:
            return [] if seconds is None else [NONSENSE]
        return [Timings(ServerTimings(load_s=self._load_s, source="lmstudio"))]

    def _whole(self, answer: _Answer, payload: bytes) -> list[Event]:
        """Return what the whole answer says; of text only what did not come as a stream."""
        found = self._transcript.model(answer.model_instance_id)
        if not self._transcript.said:
            texts = self._output(answer.output)
            if texts and self._mode == "stream":
                texts.append(Flag("not-streamed"))
            found += texts
        # It calls the tools itself and answers then, so a call is never the reason to end.
        found += [*self.close(), *self._ledger.told(payload, answer.stats)]
        return [*found, *self._durations(answer.stats), End()]

    def _output(self, items: list[_Item] | str | None) -> list[Event]:
        found: list[Event] = []
        for item in items if isinstance(items, list) else ():
            if item.type == "reasoning":
                found += self._transcript.reasoning(item.content)
            elif item.type == "tool_call":
                found += self._transcript.tool(called(Function(item.tool, item.arguments)))
            else:
                found += self._transcript.answer(item.content)
        return found

    def _durations(self, stats: _Stats | None) -> list[Event]:
        if stats is None:
            return []
        load_s = duration_s(stats.model_load_time_seconds, 1)
        durations = ServerTimings(
            load_s=self._load_s if load_s is None else load_s,
            prefill_s=duration_s(stats.time_to_first_token_seconds, 1),
            source="lmstudio",
        )
        return [] if durations == ServerTimings(source="lmstudio") else [Timings(durations)]


class LMStudio(SseProtocol):
    """``/api/v1/chat``; one turn, of which the server keeps nothing."""

    name: ClassVar[str] = "lmstudio"
    label: ClassVar[str] = "LM Studio, /api/v1/chat"
    route: ClassVar[str] = "chat"

    def url(self, target: Target) -> str:
        """Return the URL that is called."""
        return urls.lmstudio_url(target.url, self.route)

    def members(self, target: Target, request: Request) -> dict[str, Any]:
        """Return the members of the body; a setting that the model lacks is refused there."""
        think = request.think
        sampling = {
            "model": target.model or None,
            "input": request.prompt,
            "system_prompt": request.system,
            "temperature": request.temperature,
            "top_p": request.top_p,
            "max_output_tokens": request.max_tokens,
            "reasoning": ("on" if think else "off") if isinstance(think, bool) else think,
            "store": False,
        }
        return given(sampling)

    def unsent(
        self,
        target: Target,  # noqa: ARG002 (all its models have the same members)
        request: Request,
    ) -> tuple[str, ...]:
        """Return the names of what was asked for and has no member here."""
        return missing(request, "seed", "stop")

    def tells_length(
        self,
        target: Target,  # noqa: ARG002 (all its models keep quiet)
    ) -> bool:
        """Return that it says nothing about why an answer ended."""
        return False

    def reader(self, mode: Mode) -> Reader:
        """Return a reader of events and whole answers."""
        return LMStudioReader(mode)

    def models_url(self, target: Target) -> str:
        """Return the URL of ``/api/v1/models``."""
        return urls.lmstudio_url(target.url, "models")

    def parse_models(self, body: bytes) -> list[str]:
        """Return the keys of the models that answer prompts, loaded ones first."""
        try:
            models = lenient.decode(body, _LIST).models or []
        except lenient.NotValidError:
            return []
        models.sort(key=lambda model: not model.loaded_instances)
        return [model.key for model in models if model.key and model.type != "embedding"]


class _Model(msgspec.Struct):
    type: str | None = None
    key: str | None = None
    loaded_instances: list[Any] | None = None


class _Models(msgspec.Struct):
    models: list[_Model] | None = None


_LIST = msgspec.json.Decoder(_Models)
