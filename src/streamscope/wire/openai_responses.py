"""``POST /v1/responses``: named events, of which few are text, and items in place of a message."""

from typing import Any, ClassVar, Literal

import msgspec

from streamscope.trace import Ended, Mode, Request, Target, Tokens
from streamscope.wire import faults, known, lenient, openai_shapes, urls
from streamscope.wire.bodies import Reader
from streamscope.wire.events import End, Event, Flag
from streamscope.wire.ledger import Ledger
from streamscope.wire.openai_shapes import ABSENT, CompletionDetails, Function, PromptDetails
from streamscope.wire.request import given, missing, thinking_switch
from streamscope.wire.sse_protocol import SseProtocol
from streamscope.wire.transcript import Transcript

_DELTAS: dict[str, Literal["answer", "reasoning", "refusal", "tool"]] = {
    "response.output_text.delta": "answer",
    "response.reasoning_text.delta": "reasoning",
    "response.reasoning_summary_text.delta": "reasoning",
    "response.refusal.delta": "refusal",
    "response.function_call_arguments.delta": "tool",
    "response.custom_tool_call_input.delta": "tool",
}
"""Events that bring text. Those that end in ``.done`` repeat it."""

_LAST = frozenset(
    f"response.{status}" for status in ("completed", "incomplete", "failed", "cancelled")
)
"""Events that end the stream; what they hold says how, whatever they are called."""

_CALLS = ("function_call", "custom_tool_call")


class _Usage(msgspec.Struct):
    input_tokens: openai_shapes.Number = None
    output_tokens: openai_shapes.Number = None
    input_tokens_details: PromptDetails | None = None
    output_tokens_details: CompletionDetails | None = None

    def impossible(self) -> bool:
        """Tell whether one of the counts can't be."""
        return self._usage().impossible()

    def tokens(self) -> Tokens:
        """Return the counts as a trace keeps them."""
        return self._usage().tokens()

    def _usage(self) -> openai_shapes.Usage:
        """Return the same under the names of the other routes."""
        return openai_shapes.Usage(
            prompt_tokens=self.input_tokens,
            completion_tokens=self.output_tokens,
            completion_tokens_details=self.output_tokens_details,
            prompt_tokens_details=self.input_tokens_details,
        )


class _Part(msgspec.Struct):
    type: str | None = None
    text: str | None = None
    refusal: str | None = None


class _Item(msgspec.Struct):
    """One thing that the model made. Only those that are text are looked into."""

    type: str | None = None
    name: str | None = None
    arguments: Any = None
    input: Any = None
    content: msgspec.Raw = ABSENT
    summary: msgspec.Raw = ABSENT


class _Incomplete(msgspec.Struct):
    reason: str | None = None


class _Response(msgspec.Struct):
    model: str | None = None
    status: str | None = None
    output: msgspec.Raw = ABSENT
    incomplete_details: _Incomplete | None = None
    error: Any = None
    usage: _Usage | None = None


class _Event(msgspec.Struct):
    """An event of a stream; of a blocking answer, what tells that it is one."""

    type: str | None = None
    object: str | None = None
    delta: Any = None
    error: Any = None
    response: msgspec.Raw = ABSENT
    item: msgspec.Raw = ABSENT
    timings: msgspec.Raw = ABSENT


_EVENT = msgspec.json.Decoder(_Event)
_RESPONSE = msgspec.json.Decoder(_Response)
_ITEM = msgspec.json.Decoder(_Item)
_ITEMS = msgspec.json.Decoder(list[_Item] | None)
_PARTS = msgspec.json.Decoder(list[_Part] | None)
_ANY = msgspec.json.Decoder()


class ResponsesReader(Reader):
    """Reads events and whole answers; a stream may hold either."""

    def __init__(self, mode: Mode) -> None:
        """Read what a channel of this mode receives."""
        self._mode = mode
        self._said = Transcript()
        self._ledger = Ledger()

    def read(self, payload: bytes, name: str = "message") -> list[Event]:
        """Return the events of one payload."""
        event = lenient.decode(payload, _EVENT)
        kind = event.type or name
        if event.error or "error" in (kind, name):
            return [faults.reported(lenient.decode(payload, _ANY))]
        if self._mode == "blocking" or event.object == "response":
            return self._whole(payload)
        if kind == "message":
            raise lenient.NotValidError("no type in it")
        if kind in _DELTAS:
            return self._delta(kind, event.delta)
        if kind == "response.output_item.added" and event.item is not ABSENT:
            return self._begun(lenient.decode(bytes(event.item), _ITEM))
        response = _Response()
        if kind.startswith("response.") and event.response is not ABSENT:
            response = lenient.decode(bytes(event.response), _RESPONSE)
        found = self._said.model(response.model)
        if kind not in _LAST:
            return found
        if not self._said.said and response.output is not ABSENT:
            found += self._late(response.output)
        found += self._ledger.told(payload, response.usage, event.timings)
        return found + self._ended(response, kind.removeprefix("response."))

    def close(self) -> list[Event]:
        """Return text that was held back because it might have been a tag."""
        return self._said.close()

    def _delta(self, kind: str, text: Any) -> list[Event]:
        if not isinstance(text, str):
            raise lenient.NotValidError("$.delta is no text")
        match _DELTAS[kind]:
            case "answer":
                return self._said.answer(text)
            case "reasoning":
                return self._said.reasoning(text)
            case "refusal":
                return self._said.refusal(text)
            case "tool":
                return self._said.tool(text)

    def _begun(self, item: _Item) -> list[Event]:
        """Return the name of a tool that is being called; what it is called with follows."""
        return self._said.tool(item.name) if item.type in _CALLS else []

    def _whole(self, payload: bytes) -> list[Event]:
        response = lenient.decode(payload, _RESPONSE)
        if response.output is ABSENT:
            raise lenient.NotValidError("the answer has no output")
        found = self._said.model(response.model)
        found += self._items(response.output)
        found += self._ledger.told(payload, response.usage)
        if self._mode == "stream":
            found.append(Flag("not-streamed"))
        return found + self._ended(response, "completed")

    def _late(self, output: msgspec.Raw) -> list[Event]:
        """Return text that came with the end alone, because nobody sent it in pieces."""
        found = self._items(output)
        return [*found, Flag("not-streamed")] if self._said.said else found

    def _items(self, output: msgspec.Raw) -> list[Event]:
        found: list[Event] = []
        for item in lenient.decode(bytes(output), _ITEMS) or ():
            if item.type == "message":
                for part in _parts(item.content):
                    found += self._said.answer(part.text) + self._said.refusal(part.refusal)
            elif item.type == "reasoning":
                for part in (*_parts(item.summary), *_parts(item.content)):
                    found += self._said.reasoning(part.text)
            elif item.type in _CALLS:
                made_with = item.input if item.arguments is None else item.arguments
                found += self._said.tool(openai_shapes.called(Function(item.name, made_with)))
        return found

    def _ended(self, response: _Response, status: str) -> list[Event]:
        """Return how it ended; ``status`` is what holds where the response itself says nothing."""
        status = response.status or status
        if status == "failed" or response.error:
            error = response.error or "the response failed"
            return [*self.close(), faults.reported({"error": error})]
        ended = _reason(status, response.incomplete_details)
        return [*self._said.finish(ended), End()] if ended else self.close()


class OpenAIResponses(SseProtocol):
    """OpenAI's newer route, which vLLM, llama.cpp, LM Studio and Ollama have as well.

    Ollama and llama.cpp say ``completed`` also of an answer that the limit cut, so that it ends
    like any other.
    """

    name: ClassVar[str] = "openai-responses"
    label: ClassVar[str] = "OpenAI responses (vLLM, llama.cpp, LM Studio, Ollama, OpenAI)"
    route: ClassVar[str] = "responses"

    def members(self, target: Target, request: Request) -> dict[str, Any]:
        """Return what is asked; nothing of it is to be stored."""
        sampling = {
            "model": target.model or None,
            "input": request.prompt,
            "instructions": request.system,
            "temperature": request.temperature,
            "top_p": request.top_p,
            "max_output_tokens": request.max_tokens,
            "store": False,
        }
        for name in known.fixed_sampling(target):
            del sampling[name]
        return given(sampling) | _extras(target, request) | _thinking(target, request.think)

    def unsent(self, target: Target, request: Request) -> tuple[str, ...]:
        """Return what OpenAI's own route has no member for, and what the model would refuse."""
        extras = () if known.takes_seed(target) else ("seed", "stop")
        left = missing(request, *known.fixed_sampling(target), *extras)
        return left if _thinking(target, request.think) else left + known.unthought(request)

    def tells_length(self, target: Target) -> bool:
        """Return whether this is OpenAI: llama.cpp and Ollama call cut answers completed."""
        return urls.is_public(target.url)

    def shortest(self, target: Target, request: Request) -> Request:
        """Return the request for one token, or for as few as OpenAI grants."""
        return openai_shapes.shortest(target, request)

    def switch(self, body: dict[str, Any], mode: Mode) -> None:
        """Ask for a stream or for none."""
        super().switch(body, mode)
        if mode == "blocking":
            body.pop("stream_options", None)  # refused here

    def reader(self, mode: Mode) -> Reader:
        """Return a new reader."""
        return ResponsesReader(mode)


def _extras(target: Target, request: Request) -> dict[str, Any]:
    """Return members that vLLM and llama.cpp know and OpenAI would refuse."""
    if not known.takes_seed(target):
        return {}
    return given({"seed": request.seed, "stop": list(request.stop)})


def _thinking(target: Target, think: bool | str | None) -> dict[str, Any]:
    """Return the members that set thinking; without a summary nobody could see how long it took."""
    if think is None:
        return {}
    level = known.level(target, think)
    reasoning = {"effort": level, "summary": None if level == "none" else "auto"}
    told = {"reasoning": given(reasoning)} if level else {}
    return told | thinking_switch(target, think)


def _parts(raw: msgspec.Raw) -> list[_Part]:
    return [] if raw is ABSENT else lenient.decode(bytes(raw), _PARTS) or []


def _reason(status: str, details: _Incomplete | None) -> Ended | None:
    """Return how a response of that status ended; ``None`` if it has not."""
    if status in ("queued", "in_progress"):
        return None
    if status == "incomplete":
        return openai_shapes.FINISH.get((details and details.reason) or "", "incomplete")
    return "incomplete" if status == "cancelled" else "stop"
