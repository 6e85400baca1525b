"""``POST /v1/chat/completions``: OpenAI, vLLM, llama.cpp, LM Studio, Ollama and many more."""

from typing import Any, ClassVar
from urllib.parse import urlsplit

import msgspec

from streamscope.trace import Ended, Fault, Mode, Request, Target, Tokens
from streamscope.wire import faults, lenient, openai_shapes, urls
from streamscope.wire.base import Decoder, HttpCall, Protocol
from streamscope.wire.bodies import Reader, SseBody, WholeBody
from streamscope.wire.events import End, Event, Failure, Finish, Flag, Model, Text, Timings, Usage
from streamscope.wire.numbers import NONSENSE, unspeakable
from streamscope.wire.openai_shapes import ABSENT, Function, ToolCall
from streamscope.wire.request import headers, merge
from streamscope.wire.think import Piece, ThinkSplitter


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
        self._think = ThinkSplitter()
        self._reasons_apart = False
        self._named = False
        self._refused = False
        self._called = False
        self._tokens = Tokens()

    def read(self, payload: bytes, name: str = "message") -> list[Event]:
        """Return the events of one chunk, or of a whole answer."""
        chunk = lenient.decode(payload, _CHUNK)
        # Before the choices: OpenRouter sends an error and choices in one chunk.
        if chunk.error or name == "error" or chunk.object == "error":
            return [faults.reported(lenient.decode(payload, _ANY))]
        if self._mode == "blocking" and not chunk.choices:
            raise lenient.NotValidError("the answer has no choices")
        found: list[Event] = []
        if chunk.model and not self._named:
            self._named = True
            found.append(Model(chunk.model))
        whole = False
        for choice in chunk.choices or ():
            if not choice.index:  # others are further answers to the same prompt
                found += self._choice(choice)
                whole = whole or choice.message is not None
        found += self._numbers(chunk, payload)
        if whole:
            if self._mode == "stream":
                found.append(Flag("not-streamed"))
            found += [*self.close(), End()]
        return found

    def close(self) -> list[Event]:
        """Return text that was held back because it might have been a tag."""
        return _texts(self._think.finish())

    def _choice(self, choice: _Choice) -> list[Event]:
        found: list[Event] = []
        if message := choice.delta or choice.message:
            found += self._message(message)
        if choice.finish_reason == "error":
            found.append(Failure("server", "finish_reason: error"))
        elif choice.finish_reason:
            found += self.close()
            found.append(Finish(self._ended(choice.finish_reason)))
        return found

    def _ended(self, reason: str) -> Ended:
        ended = openai_shapes.finish_reason(reason)
        if ended == "stop":
            # Some servers say ``stop`` whatever it was that they stopped for.
            return "filter" if self._refused else "tool" if self._called else ended
        return ended

    def _message(self, message: _Message) -> list[Event]:
        found: list[Event] = []
        # Gateways that send both members put the same text into both.
        if reasoning := message.reasoning_content or message.reasoning:
            self._reasons_apart = True
            found.append(Text("reasoning", reasoning))
        if message.content:
            if self._reasons_apart:
                found += [*self.close(), Text("answer", message.content)]
            else:
                found += _texts(self._think.feed(message.content))
        if message.refusal:
            # A person reads it in place of the answer, so it is one.
            found.append(Text("answer", message.refusal))
            if not self._refused:
                self._refused = True
                found.append(Finish("filter"))
        for text in map(ToolCall.text, message.tool_calls or ()):
            found += self._tool(text)
        return found + self._tool(openai_shapes.called(message.function_call))

    def _tool(self, text: str) -> list[Event]:
        if not text:
            return []
        self._called = True
        return [Text("tool", text)]

    def _numbers(self, chunk: _Chunk, payload: bytes) -> list[Event]:
        """Return counts that are new, the server's own durations, and whether some can't be."""
        found: list[Event] = []
        timings = openai_shapes.llama_timings(chunk.timings)
        metrics = openai_shapes.vllm_metrics(chunk.metrics)
        tokens = self._tokens
        if timings:
            tokens = tokens.merged(timings.tokens())
        if chunk.usage:
            tokens = tokens.merged(chunk.usage.tokens())
        if tokens != self._tokens:
            self._tokens = tokens
            found.insert(0, Usage(tokens))
        durations = [each.durations() for each in (timings, metrics) if each]
        found += [Timings(each) for each in durations if openai_shapes.says_anything(each)]
        reported = chunk.usage or chunk.timings is not ABSENT or chunk.metrics is not ABSENT
        if any(each and each.impossible() for each in (timings, metrics, chunk.usage)) or (
            reported and unspeakable(payload)
        ):
            found.append(NONSENSE)
        return found


class OpenAIChat(Protocol):
    """The protocol that nearly every server speaks."""

    name: ClassVar[str] = "openai-chat"
    label: ClassVar[str] = "OpenAI chat/completions (vLLM, llama.cpp, LM Studio, hosted APIs)"

    def call(self, target: Target, request: Request, mode: Mode, key: str | None) -> HttpCall:
        """Build the request; only the members that switch streaming differ between modes."""
        body: dict[str, Any] = {"model": target.model} if target.model else {}
        system = [] if request.system is None else [{"role": "system", "content": request.system}]
        body["messages"] = [*system, {"role": "user", "content": request.prompt}]
        sampling = {
            "temperature": request.temperature,
            "top_p": request.top_p,
            "seed": request.seed,
            # OpenAI's newer models refuse the old name; local servers ignore the new one.
            _limit_name(target): request.max_tokens,
            "stop": list(request.stop) or None,
        }
        body |= {name: value for name, value in sampling.items() if value is not None}
        body |= _thinking(target, request.think)
        merge(body, request.params)
        body["stream"] = mode == "stream"
        if mode == "stream":
            # Asked for, whatever else the person puts there: without it there are no counts.
            merge(body, {"stream_options": {"include_usage": True}})
        else:
            body.pop("stream_options", None)  # vLLM refuses it here
        accept = "text/event-stream" if mode == "stream" else "application/json"
        return HttpCall(
            method="POST",
            url=urls.openai_url(target.url, "chat/completions"),
            headers=headers(accept, key),
            body=lenient.encode(body),
        )

    def decoder(self, mode: Mode) -> Decoder:
        """Return a decoder for server-sent events, or for one whole answer."""
        reader = ChatReader(mode)
        return SseBody(reader) if mode == "stream" else WholeBody(reader)

    def models_url(self, target: Target) -> str:
        """Return the URL of ``/v1/models``."""
        return urls.openai_url(target.url, "models")

    def parse_models(self, body: bytes) -> list[str]:
        """Return the ids that the server lists."""
        return openai_shapes.model_ids(body)

    def fault(self, target: Target, status: int, body: bytes) -> Fault:
        """Say what an HTTP error means."""
        called = urls.openai_url(target.url, "chat/completions")
        return faults.refused(target, status, body, called)


def _is_openai(target: Target) -> bool:
    host = urlsplit(target.url).hostname or ""
    return host == "openai.com" or host.endswith(".openai.com")


def _limit_name(target: Target) -> str:
    return "max_completion_tokens" if _is_openai(target) else "max_tokens"


def _thinking(target: Target, think: bool | str | None) -> dict[str, Any]:
    """Return the members that set thinking.

    ``reasoning_effort`` is known to OpenAI, vLLM, llama.cpp and Ollama. Models whose chat template
    has a switch of its own, such as Qwen 3 on vLLM and llama.cpp, also want ``enable_thinking``;
    the local servers ignore members that they don't know, while hosted APIs may refuse them, so
    it is sent into the private network only. Elsewhere a person can name it with ``--param``.
    """
    if think is None:
        return {}
    effort = think if isinstance(think, str) else "medium" if think else "none"
    members: dict[str, Any] = {"reasoning_effort": effort}
    if not urls.is_public(target.url):
        members["chat_template_kwargs"] = {"enable_thinking": effort != "none"}
    return members


def _texts(pieces: list[Piece]) -> list[Event]:
    return [Text(piece.kind, piece.text) for piece in pieces]
