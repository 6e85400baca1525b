"""``POST /v1/messages``: Anthropic, and Ollama, llama.cpp, vLLM and LM Studio after it."""

from typing import Any, ClassVar

import msgspec

from streamscope.trace import Mode, Request, Target, Tokens
from streamscope.wire import claude, faults, known, lenient, openai_shapes, urls
from streamscope.wire.bodies import Reader
from streamscope.wire.events import End, Event, Finish, Flag, Ping
from streamscope.wire.ledger import Ledger
from streamscope.wire.numbers import count, impossible
from streamscope.wire.openai_shapes import ABSENT, Function, Number
from streamscope.wire.request import given, headers, missing
from streamscope.wire.sse_protocol import SseProtocol
from streamscope.wire.transcript import Transcript

VERSION = "2023-06-01"
"""Version of the protocol that is asked for."""


class _Details(msgspec.Struct):
    thinking_tokens: Number = None


class _Usage(msgspec.Struct):
    """Counts; what was read from or written to a cache is not among ``input_tokens``."""

    input_tokens: Number = None
    cache_read_input_tokens: Number = None
    cache_creation_input_tokens: Number = None
    output_tokens: Number = None
    output_tokens_details: _Details | None = None

    def after(self, older: "_Usage") -> "_Usage":
        """Return these counts, with those of an older report where these are missing or zero."""
        both = zip(msgspec.structs.astuple(self), msgspec.structs.astuple(older), strict=True)
        return _Usage(*(new if new or old is None else old for new, old in both))

    def impossible(self) -> bool:
        """Tell whether one of the counts can't be."""
        inputs = (
            self.input_tokens,
            self.cache_read_input_tokens,
            self.cache_creation_input_tokens,
        )
        details = self.output_tokens_details
        return impossible((*inputs, self.output_tokens, details and details.thinking_tokens))

    def tokens(self) -> Tokens:
        """Return the counts as a trace keeps them: the prompt with what was cached."""
        fresh, cached = count(self.input_tokens), count(self.cache_read_input_tokens)
        written = count(self.cache_creation_input_tokens)
        details = self.output_tokens_details
        return Tokens(
            prompt=None if fresh is None else fresh + (cached or 0) + (written or 0),
            output=count(self.output_tokens),
            reasoning=count(details.thinking_tokens) if details else None,
            cached=cached,
        )


class _Block(msgspec.Struct):
    """A block of content, or a piece of one: the members of both, whatever their type."""

    type: str | None = None
    text: str | None = None
    thinking: str | None = None
    name: str | None = None
    input: Any = None
    partial_json: str | None = None


class _Message(msgspec.Struct):
    """A whole message; at the start of a stream, one without content."""

    model: str | None = None
    content: list[msgspec.Raw] | None = None
    stop_reason: str | None = None
    usage: _Usage | None = None


class _Ending(msgspec.Struct):
    stop_reason: str | None = None


class _Event(msgspec.Struct):
    """An event; its other members are read when its type is known to have them."""

    type: str | None = None
    error: Any = None
    message: msgspec.Raw = ABSENT
    content_block: msgspec.Raw = ABSENT
    delta: msgspec.Raw = ABSENT
    usage: msgspec.Raw = ABSENT


_EVENT = msgspec.json.Decoder(_Event)
_MESSAGE = msgspec.json.Decoder(_Message)
_BLOCK = msgspec.json.Decoder(_Block)
_ENDING = msgspec.json.Decoder(_Ending)
_USAGE = msgspec.json.Decoder(_Usage | None)
_ANY = msgspec.json.Decoder()


class AnthropicReader(Reader):
    """Reads events and whole messages; a stream may hold either."""

    def __init__(self, mode: Mode) -> None:
        """Read what a channel of this mode receives."""
        self._mode = mode
        self._said = Transcript()
        self._ledger = Ledger()
        self._usage = _Usage()

    def read(self, payload: bytes, name: str = "message") -> list[Event]:
        """Return the events of one payload; unknown ones are none."""
        event = lenient.decode(payload, _EVENT)
        kind = event.type or name
        if event.error or "error" in (kind, name):
            return [faults.reported(lenient.decode(payload, _ANY))]
        if kind == "message" or self._mode == "blocking":
            return self._whole(payload)
        if kind == "ping":
            return [Ping()]
        if kind == "message_start":
            return self._start(event, payload)
        if kind == "content_block_start":
            return self._begun(_decoded(event.content_block))
        if kind == "content_block_delta":
            return self._piece(_decoded(event.delta))
        if kind == "message_delta":
            return self._delta(event, payload)
        return [*self.close(), End()] if kind == "message_stop" else []

    def close(self) -> list[Event]:
        """Return text that was held back because it might have been a tag."""
        return self._said.close()

    def _start(self, event: _Event, payload: bytes) -> list[Event]:
        if event.message is ABSENT:
            return []
        message = lenient.decode(bytes(event.message), _MESSAGE)
        if message.usage:
            message.usage.output_tokens = None  # a placeholder
        return [*self._said.model(message.model), *self._counted(message.usage, payload)]

    def _begun(self, block: _Block) -> list[Event]:
        """Return what the start of a block says; the input of a tool is still empty there."""
        block.input = None
        return self._block(block)

    def _piece(self, delta: _Block) -> list[Event]:
        match delta.type:
            case "text_delta":
                return self._said.answer(delta.text)
            case "thinking_delta":
                return self._said.reasoning(delta.thinking)
            case "input_json_delta":
                return self._said.tool(delta.partial_json)
        return []  # signatures and citations are no text

    def _block(self, block: _Block) -> list[Event]:
        match block.type:
            case "text":
                return self._said.answer(block.text)
            case "thinking":
                return self._said.reasoning(block.thinking)
            case "tool_use" | "server_tool_use":
                return self._said.tool(openai_shapes.called(Function(block.name, block.input)))
        return []

    def _delta(self, event: _Event, payload: bytes) -> list[Event]:
        found: list[Event] = []
        if event.delta is not ABSENT:
            found += self._finished(lenient.decode(bytes(event.delta), _ENDING).stop_reason)
        if event.usage is not ABSENT:
            found += self._counted(lenient.decode(bytes(event.usage), _USAGE), payload)
        return found

    def _finished(self, reason: str | None) -> list[Event]:
        # The reason is exact here: tools that the server itself runs end like any text.
        ended = openai_shapes.finish_reason(reason) if reason else None
        return [*self.close(), Finish(ended)] if ended else []

    def _counted(self, usage: _Usage | None, payload: bytes) -> list[Event]:
        """Return counts; each report has all of them so far, or only those that are new."""
        if usage is None:
            return []
        self._usage = usage.after(self._usage)
        return self._ledger.told(payload, self._usage)

    def _whole(self, payload: bytes) -> list[Event]:
        message = lenient.decode(payload, _MESSAGE)
        if message.content is None:
            raise lenient.NotValidError("the message has no content")
        found = self._said.model(message.model)
        for block in message.content:
            found += self._block(_decoded(block))
        found += self._finished(message.stop_reason)
        found += self._counted(message.usage, payload)
        if self._mode == "stream":
            found.append(Flag("not-streamed"))
        return [*found, *self.close(), End()]


class Anthropic(SseProtocol):
    """Anthropic's messages."""

    name: ClassVar[str] = "anthropic"
    label: ClassVar[str] = "Anthropic messages (also vLLM, llama.cpp, LM Studio, Ollama)"
    route: ClassVar[str] = "messages"

    def url(self, target: Target) -> str:
        """Return the URL that is called."""
        return urls.anthropic_url(target.url, self.route)

    def headers(self, target: Target, accept: str, key: str | None) -> dict[str, str]:
        """Return the headers. Elsewhere than at Anthropic the key may be wanted as a bearer token.

        vLLM looks for nothing else, while others know ``x-api-key`` alone.
        """
        found = headers(accept, None if claude.is_anthropic(target) else key)
        found["anthropic-version"] = VERSION
        if key:
            found["x-api-key"] = key
        return found

    def members(self, target: Target, request: Request) -> dict[str, Any]:
        """Return what is asked; a limit is sent even if there is none, as the protocol wants."""
        limit = claude.limit(request)
        members = {
            "model": target.model or None,
            "max_tokens": limit,
            "system": request.system,
            "messages": [{"role": "user", "content": request.prompt}],
            "temperature": request.temperature,
            "top_p": request.top_p,
            "stop_sequences": list(request.stop),
        }
        thinking = claude.thinking(target, request.think, limit)
        for name in claude.fixed_sampling(target, thinking):
            del members[name]
        return given(members) | thinking

    def unsent(self, target: Target, request: Request) -> tuple[str, ...]:
        """Return what the protocol has no member for, and what Claude would refuse."""
        thinking = claude.thinking(target, request.think, claude.limit(request))
        left = missing(request, *claude.fixed_sampling(target, thinking), "seed")
        return left if thinking else left + known.unthought(request)

    def limit_added(self, request: Request) -> int | None:
        """Return the limit that is sent where nobody has set one."""
        unset = request.max_tokens is None and "max_tokens" not in request.params
        return claude.DEFAULT_LIMIT if unset else None

    def shortest(self, target: Target, request: Request) -> Request:
        """Return the request for one token; Claude wants more than that where it is to think."""
        short = super().shortest(target, request)
        if claude.thinking(target, request.think, 1):
            return short
        return msgspec.structs.replace(short, think=None)

    def reader(self, mode: Mode) -> Reader:
        """Return a new reader."""
        return AnthropicReader(mode)

    def models_url(self, target: Target) -> str:
        """Return the URL of ``/v1/models``; Anthropic lists twenty if it is asked for no more."""
        pages = "?limit=1000" if claude.is_anthropic(target) else ""
        return f"{urls.anthropic_url(target.url, 'models')}{pages}"


def _decoded(raw: msgspec.Raw) -> _Block:
    return _Block() if raw is ABSENT else lenient.decode(bytes(raw), _BLOCK)
