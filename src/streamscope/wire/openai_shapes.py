"""What the OpenAI-like protocols have in common: usage, timings, tool calls, reasons to end."""

from typing import Any

import msgspec

from streamscope.trace import Ended, ServerTimings, Tokens
from streamscope.wire import lenient

Number = int | float | None
"""A count or a duration as it stands in JSON; some servers write ``5.0``."""

ABSENT = msgspec.Raw()
"""Stands for a member that is not there; ``Raw | None`` is no type that msgspec can decode."""

FINISH: dict[str, Ended] = {
    "stop": "stop",
    "eos": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "max_tokens": "length",
    "tool_calls": "tool",
    "function_call": "tool",
    "tool_use": "tool",
    "content_filter": "filter",
    "safety": "filter",
    "repetition": "filter",  # vLLM cut a loop off: the rest was withheld
    "abort": "incomplete",
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
            prefill_s=seconds(self.prompt_ms),
            decode_s=seconds(self.predicted_ms),
            prefill_tokens=count(self.prompt_n),
            decode_tokens=count(self.predicted_n),
            source="llama.cpp",
        )

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
            queue_s=seconds(self.queue_time_ms),
            prefill_s=seconds(self.time_to_first_token_ms),
            decode_s=seconds(self.generation_time_ms),
            source="vllm",
        )


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
    if raw is ABSENT:
        return None
    try:
        timings = lenient.decode(bytes(raw), _LLAMA)
    except lenient.NotValidError:
        return None
    return timings if timings.prompt_ms or timings.predicted_ms else None


def vllm_metrics(raw: msgspec.Raw) -> ServerTimings | None:
    """Return ``metrics`` as durations; ``None`` if there are none."""
    if raw is ABSENT:
        return None
    try:
        metrics = lenient.decode(bytes(raw), _VLLM)
    except lenient.NotValidError:
        return None
    durations = metrics.durations()
    return None if durations == ServerTimings(source="vllm") else durations


def finish_reason(name: str) -> Ended:
    """Return how a run ended by the reason that the server named."""
    return FINISH.get(name.lower(), "stop")


def called(function: Function | None) -> str:
    """Return a call's name and arguments as text."""
    if function is None:
        return ""
    arguments = function.arguments
    if arguments is not None and not isinstance(arguments, str):
        arguments = lenient.encode(arguments).decode()
    return f"{function.name or ''}{arguments or ''}"


def count(value: Number) -> int | None:
    """Return a count; ``None`` for an absent or a negative one."""
    return None if value is None or value < 0 else int(value)


def seconds(milliseconds: Number) -> float | None:
    """Return a duration in seconds; ``None`` for an absent or a negative one."""
    return None if milliseconds is None or milliseconds < 0 else milliseconds / 1000


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
