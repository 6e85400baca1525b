"""What the OpenAI-like protocols have in common: usage, timings, tool calls, reasons to end."""

from typing import Any, TypeVar

import msgspec

from streamscope.trace import Ended, Mode, Request, ServerTimings, Target, Tokens
from streamscope.wire import known, lenient
from streamscope.wire.events import Event, Failure
from streamscope.wire.numbers import count, duration_s, impossible
from streamscope.wire.request import merge
from streamscope.wire.transcript import Transcript

T = TypeVar("T")

Number = Any
"""A count or a duration as it stands in JSON: anything, as servers write anything there."""

MS = 1000
"""Milliseconds in a second: the unit of all durations here."""

LEAST_TOKENS = 16
"""The lowest limit that OpenAI's newer routes and models take. Others take any."""

ABSENT = msgspec.Raw()
"""Stands for a member that is not there; ``Raw | None`` is no type that msgspec can decode."""

FINISH: dict[str, Ended] = {
    "stop": "stop",
    "eos": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_calls": "tool",
    "function_call": "tool",
    "tool_use": "tool",
    "content_filter": "filter",
    "safety": "filter",
    "refusal": "filter",
    "repetition": "filter",  # vLLM cut a loop off: the rest was withheld
    "abort": "incomplete",
    "pause_turn": "incomplete",  # Anthropic stopped a long turn that is to be continued
}
"""Finish reasons. One that nobody knows ends like ``stop``: the server did say that it is over."""


class CompletionDetails(msgspec.Struct):
    """What the generated tokens were."""

    reasoning_tokens: Number = None


class PromptDetails(msgspec.Struct):
    """What the prompt's tokens were."""

    cached_tokens: Number = None


class Usage(msgspec.Struct):
    """Token counts of one response."""

    prompt_tokens: Number = None
    completion_tokens: Number = None
    completion_tokens_details: CompletionDetails | None = None
    prompt_tokens_details: PromptDetails | None = None

    def impossible(self) -> bool:
        """Tell whether one of the counts can't be."""
        reasoning, cached = self.completion_tokens_details, self.prompt_tokens_details
        counts = (
            self.prompt_tokens,
            self.completion_tokens,
            reasoning and reasoning.reasoning_tokens,
            cached and cached.cached_tokens,
        )
        return impossible(counts)

    def tokens(self) -> Tokens:
        """Return the counts as a trace keeps them."""
        reasoning, cached = self.completion_tokens_details, self.prompt_tokens_details
        return Tokens(
            prompt=count(self.prompt_tokens),
            output=count(self.completion_tokens),
            reasoning=count(reasoning.reasoning_tokens) if reasoning else None,
            cached=count(cached.cached_tokens) if cached else None,
        )


class LlamaTimings(msgspec.Struct):
    """``timings`` of llama.cpp, in ms. They start with the slot: waiting for it is left out."""

    cache_n: Number = None
    prompt_n: Number = None
    prompt_ms: Number = None
    predicted_n: Number = None
    predicted_ms: Number = None

    def durations(self) -> ServerTimings:
        """Return the durations as a trace keeps them."""
        return ServerTimings(
            prefill_s=duration_s(self.prompt_ms, MS),
            decode_s=duration_s(self.predicted_ms, MS),
            prefill_tokens=count(self.prompt_n),
            decode_tokens=count(self.predicted_n),
            source="llama.cpp",
        )

    def impossible(self) -> bool:
        """Tell whether one of them can't be."""
        counts = (self.cache_n, self.prompt_n, self.predicted_n)
        return impossible(counts, (self.prompt_ms, self.predicted_ms), MS)

    def tokens(self) -> Tokens:
        """Return the counts, for streams without a usage report."""
        cached, evaluated = count(self.cache_n), count(self.prompt_n)
        whole = None if cached is None or evaluated is None else cached + evaluated
        return Tokens(prompt=whole, output=count(self.predicted_n), cached=cached)


class VllmMetrics(msgspec.Struct):
    """``metrics`` of vLLM, in ms; ``time_to_first_token_ms`` starts after the queue."""

    queue_time_ms: Number = None
    time_to_first_token_ms: Number = None
    generation_time_ms: Number = None

    def durations(self) -> ServerTimings:
        """Return the durations as a trace keeps them."""
        return ServerTimings(
            queue_s=duration_s(self.queue_time_ms, MS),
            prefill_s=duration_s(self.time_to_first_token_ms, MS),
            decode_s=duration_s(self.generation_time_ms, MS),
            source="vllm",
        )

    def impossible(self) -> bool:
        """Tell whether one of them can't be."""
        durations = (self.queue_time_ms, self.time_to_first_token_ms, self.generation_time_ms)
        return impossible((), durations, MS)


class Function(msgspec.Struct):
    """What a tool call calls; the arguments are a string, or an object from Ollama."""

    name: str | None = None
    arguments: Any = None


class ToolCall(msgspec.Struct):
    """A tool call, or a piece of one."""

    function: Function | None = None

    def text(self) -> str:
        """Return the name and the arguments as they were written."""
        return called(self.function)


_LLAMA = msgspec.json.Decoder(LlamaTimings)
_VLLM = msgspec.json.Decoder(VllmMetrics)


def llama_timings(raw: msgspec.Raw) -> LlamaTimings | None:
    """Return ``timings``; ``None`` if they are absent, all zero, or of some other server's shape.

    Durations are an extra: no answer is refused for their sake.
    """
    timings = _extra(raw, _LLAMA)
    return timings if timings and (timings.prompt_ms or timings.predicted_ms) else None


def vllm_metrics(raw: msgspec.Raw) -> VllmMetrics | None:
    """Return ``metrics``; ``None`` if they are absent, or of some other server's shape."""
    metrics = _extra(raw, _VLLM)
    return None if metrics == VllmMetrics() else metrics


def says_anything(durations: ServerTimings) -> bool:
    """Tell whether any of the durations is known."""
    return any(
        each is not None for each in (durations.queue_s, durations.prefill_s, durations.decode_s)
    )


def _extra(raw: msgspec.Raw, decoder: msgspec.json.Decoder[T]) -> T | None:
    if raw is ABSENT:
        return None
    try:
        return lenient.decode(bytes(raw), decoder)
    except lenient.NotValidError:
        return None


def shortest(target: Target, request: Request) -> Request:
    """Return the same request for as short an answer as the server grants."""
    least = LEAST_TOKENS if known.is_openai(target) else 1
    return msgspec.structs.replace(request, max_tokens=least)


def finish_reason(name: str) -> Ended:
    """Return how a run ended by the reason that the server named."""
    return FINISH.get(name.lower(), "stop")


def finished(said: Transcript, reason: str | None) -> list[Event]:
    """Return the events of a choice's reason to end; none while it goes on."""
    if reason == "error":
        return [Failure("server", "finish_reason: error")]
    return said.finish(finish_reason(reason)) if reason else []


def switch_with_usage(body: dict[str, Any], mode: Mode) -> None:
    """Ask for a stream with counts in it, or for no stream."""
    body["stream"] = mode == "stream"
    if mode == "stream":
        # Asked for, whatever else the person puts there: without it there are no counts.
        merge(body, {"stream_options": {"include_usage": True}})
    else:
        body.pop("stream_options", None)  # vLLM refuses it here


def called(function: Function | None) -> str:
    """Return a call's name and arguments as text."""
    if function is None:
        return ""
    arguments = function.arguments
    if arguments is not None and not isinstance(arguments, str):
        arguments = lenient.encode(arguments).decode()
    return f"{function.name or ''}{arguments or ''}"


def model_ids(body: bytes) -> list[str]:
    """Return the ids in the answer of ``/v1/models``; empty if it is none."""
    try:
        return [model.id for model in lenient.decode(body, _MODELS).data or () if model.id]
    except lenient.NotValidError:
        return []


class _Model(msgspec.Struct):
    id: str = ""


class _Models(msgspec.Struct):
    data: list[_Model] | None = None


_MODELS = msgspec.json.Decoder(_Models)
