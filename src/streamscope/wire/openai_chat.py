"""``POST /v1/chat/completions``: OpenAI, vLLM, llama.cpp, LM Studio, Ollama and many more."""

from typing import Any, ClassVar

import msgspec

from streamscope.trace import Mode, Request, Target
from streamscope.wire import faults, known, lenient, openai_shapes
from streamscope.wire.bodies import Reader
from streamscope.wire.events import End, Event, Flag
from streamscope.wire.ledger import Ledger
from streamscope.wire.openai_shapes import ABSENT, Function, ToolCall
from streamscope.wire.request import given, missing, thinking_switch
from streamscope.wire.sse_protocol import SseProtocol
from streamscope.wire.transcript import Transcript


class _Message(msgspec.Struct):
    """``delta`` of a chunk, or ``message`` of a whole answer."""

    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    tool_calls: list[ToolCall] | None = None
    function_call: Function | None = None


class _Choice(msgspec.Struct):
    index: int | None = None
    delta: _Message | None = None
    message: _Message | None = None
    finish_reason: str | None = None


class _Chunk(msgspec.Struct):
    choices: list[_Choice] | None = None
    error: Any = None
    object: str | None = None
    model: str | None = None
    usage: openai_shapes.Usage | None = None
    timings: msgspec.Raw = ABSENT
    metrics: msgspec.Raw = ABSENT


_CHUNK = msgspec.json.Decoder(_Chunk)
_ANY = msgspec.json.Decoder()


class ChatReader(Reader):
    """Reads chunks and whole answers alike; a stream may hold either."""

    def __init__(self, mode: Mode) -> None:
        """Read what a channel of this mode receives."""
        self._mode = mode
        self._said = Transcript()
        self._ledger = Ledger()
        self._strange = b""
        self._chosen = False

    def read(self, payload: bytes, name: str = "message") -> list[Event]:
        """Return the events of one chunk, or of a whole answer."""
        chunk = lenient.decode(payload, _CHUNK)
        # Before the choices: OpenRouter sends an error and choices in one chunk.
        if chunk.error or name == "error" or chunk.object == "error":
            return [faults.reported(lenient.decode(payload, _ANY))]
        if self._mode == "blocking" and not chunk.choices:
            raise lenient.NotValidError("the answer has no choices")
        self._chosen = self._chosen or chunk.choices is not None
        self._strange = self._strange or payload
        found = self._said.model(chunk.model)
        whole = False
        for choice in chunk.choices or ():
            if not choice.index:  # others are further answers to the same prompt
                found += self._choice(choice)
                whole = whole or choice.message is not None
        found += self._ledger.told(payload, chunk.usage, chunk.timings, chunk.metrics)
        if whole:
            if self._mode == "stream":
                found.append(Flag("not-streamed"))
            found += [*self.close(), End()]
        return found

    def strange(self) -> bytes:
        """Return the first payload of a stream without any choices."""
        return b"" if self._chosen else self._strange

    def close(self) -> list[Event]:
        """Return text that was held back because it might have been a tag."""
        return self._said.close()

    def _choice(self, choice: _Choice) -> list[Event]:
        found: list[Event] = []
        if message := choice.delta or choice.message:
            found += self._message(message)
        return found + openai_shapes.finished(self._said, choice.finish_reason)

    def _message(self, message: _Message) -> list[Event]:
        said = self._said
        # Gateways that send both members put the same text into both.
        found = said.reasoning(message.reasoning_content or message.reasoning)
        found += said.answer(message.content)
        found += said.refusal(message.refusal)
        for call in message.tool_calls or ():
            found += said.tool(call.text())
        return found + said.tool(openai_shapes.called(message.function_call))


class OpenAIChat(SseProtocol):
    """The protocol that nearly every server speaks."""

    name: ClassVar[str] = "openai-chat"
    label: ClassVar[str] = "OpenAI chat/completions (vLLM, llama.cpp, LM Studio, hosted APIs)"
    route: ClassVar[str] = "chat/completions"

    def members(self, target: Target, request: Request) -> dict[str, Any]:
        """Return what is asked."""
        body: dict[str, Any] = {"model": target.model} if target.model else {}
        system = [] if request.system is None else [{"role": "system", "content": request.system}]
        body["messages"] = [*system, {"role": "user", "content": request.prompt}]
        sampling = {
            "temperature": request.temperature,
            "top_p": request.top_p,
            "seed": request.seed,
            # OpenAI's newer models refuse the old name; local servers ignore the new one.
            _limit_name(target): request.max_tokens,
            "stop": list(request.stop),
        }
        for name in known.fixed_sampling(target):
            del sampling[name]
        return body | given(sampling) | _thinking(target, request.think)

    def unsent(self, target: Target, request: Request) -> tuple[str, ...]:
        """Return what this server, or this model, is known to refuse."""
        fixed = missing(request, *known.fixed_sampling(target))
        return fixed if _thinking(target, request.think) else fixed + known.unthought(request)

    def shortest(self, target: Target, request: Request) -> Request:
        """Return the request for one token, or for as few as OpenAI grants."""
        return openai_shapes.shortest(target, request)

    def switch(self, body: dict[str, Any], mode: Mode) -> None:
        """Ask for a stream with counts, or for none."""
        openai_shapes.switch_with_usage(body, mode)

    def reader(self, mode: Mode) -> Reader:
        """Return a new reader."""
        return ChatReader(mode)


def _limit_name(target: Target) -> str:
    return "max_completion_tokens" if known.is_openai(target) else "max_tokens"


def _thinking(target: Target, think: bool | str | None) -> dict[str, Any]:
    """Return the members that set thinking; OpenAI, vLLM, llama.cpp and Ollama know the first."""
    if think is None:
        return {}
    level = known.level(target, think)
    return given({"reasoning_effort": level}) | thinking_switch(target, think)
