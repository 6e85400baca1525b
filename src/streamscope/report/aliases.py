"""The names under which scripts write what they measured, and how their members are read.

``docs/reports.md`` prints these tables.
"""

import re
from collections.abc import Mapping
from typing import Any, Literal

from streamscope.report.restore import RecordError

Quantity = Literal["first", "total", "load", "prefill", "decode"]

TIMES: dict[Quantity, tuple[str, ...]] = {
    "first": (
        "ttft", "time_to_first_token", "first_token", "first_token_time", "first_token_latency",
        "first_text", "ttfv", "ttfc", "time_to_first_chunk",
    ),
    "total": (
        "total", "total_time", "elapsed", "elapsed_time", "latency", "total_latency", "duration",
        "wall", "wall_time", "e2e", "e2e_latency", "response_time", "total_duration",
    ),
    "load": ("load", "load_time", "load_duration"),
    "prefill": ("prefill", "prefill_time", "prompt_eval", "prompt_eval_duration"),
    "decode": ("decode", "decode_time", "eval", "eval_time", "eval_duration"),
}  # fmt: skip
"""Names of durations, without the unit that may follow: ``_s``, ``_sec``, ``_ms``, ``_us``,
``_ns``. Without a unit they are seconds, but Ollama's own ``…_duration`` are nanoseconds."""

OLLAMA_NS = frozenset({"total_duration", "load_duration", "prompt_eval_duration", "eval_duration"})
UNITS = {
    "s": 1.0, "sec": 1.0, "secs": 1.0, "seconds": 1.0, "ms": 1e-3, "millis": 1e-3,
    "milliseconds": 1e-3, "us": 1e-6, "ns": 1e-9,
}  # fmt: skip

RATE = ("tps", "tokens_per_s", "tokens_per_sec", "tokens_per_second", "tok_s", "tok_per_s",
        "toks_per_s", "token_rate", "rate", "throughput", "eval_rate", "decode_rate")  # fmt: skip
OUTPUT = ("output_tokens", "eval_count", "tokens", "n_tokens", "num_tokens", "token_count",
          "completion_tokens", "generated_tokens", "tokens_out", "n_eval")  # fmt: skip
INPUT = ("prompt_eval_count", "prompt_tokens", "input_tokens", "tokens_in")
MODE = ("mode", "delivery", "variant", "kind", "type")
STREAM = ("stream", "streaming", "is_stream", "streamed")
SCENARIO = ("prompt", "scenario", "case", "label", "prompt_name", "prompt_id", "task", "name",
            "test")  # fmt: skip
REPEAT = ("run", "repeat", "rep", "iteration", "iter", "i", "index", "trial", "round",
          "run_number")  # fmt: skip
WARMUP = ("warmup", "warm_up", "is_warmup")
MODEL = ("model", "model_name")
ERROR = ("error", "exception", "err")
STARTED = ("started_utc", "started_at", "started", "timestamp", "time", "ts", "date", "created_at")
PROTOCOL = ("protocol", "api")
URL = ("url", "base_url", "host", "endpoint")
VERSION = ("server_version", "ollama_version", "version")
REASON = ("done_reason", "finish_reason")

ENDPOINTS = {
    "/api/generate": "ollama-generate",
    "/api/chat": "ollama-chat",
    "/v1/chat/completions": "openai-chat",
    "/v1/completions": "openai-completions",
    "/v1/completions/stream": "token-sse",
    "/v1/responses": "openai-responses",
    "/v1/messages": "anthropic",
    "/api/v1/chat": "lmstudio",
    "/completion": "llamacpp-completion",
}
"""Ends of a URL that name a protocol."""

LONGEST_S = 86_400.0
"""No run of such an experiment takes a day, in seconds: its times have another unit."""

MOST_TOKENS = 100_000_000


class Members:
    """The members of one object, found by any of their names, with their bounds checked.

    Names are compared in plain form: ``Time-To First.Token`` is ``time_to_first_token``. Members
    of an inner object count as well, unless the outer one has the same.
    """

    def __init__(self, members: Mapping[str, Any]) -> None:
        self.known = _plain(members)
        for value in list(self.known.values()):
            if isinstance(value, dict):
                self.known = _plain(value) | self.known

    def __contains__(self, name: str) -> bool:
        return self.known.get(name) is not None

    def duration(self, quantity: Quantity) -> float | None:
        """Return a duration in seconds, whatever its unit.

        Raises:
            RecordError: It is no number, negative, or longer than a day.
        """
        for name in TIMES[quantity]:
            for unit, factor in UNITS.items():
                if f"{name}_{unit}" in self:
                    return self._seconds(f"{name}_{unit}", factor)
            if name in self:
                return self._seconds(name, 1e-9 if name in OLLAMA_NS else 1.0)
        return None

    def _seconds(self, name: str, factor: float) -> float:
        value = self.known[name]
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise RecordError(f"{name} is not a number")
        if value < 0:
            raise RecordError(f"{name} is negative")
        if value * factor > LONGEST_S:
            raise RecordError(f"{name} is more than a day: name its unit, as in {name}_ms")
        return value * factor

    def number(self, names: tuple[str, ...]) -> float | None:
        """Return the first of these members that is a number, 0 or more.

        Raises:
            RecordError: It is negative.
        """
        for name in names:
            value = self.known.get(name)
            if isinstance(value, int | float) and not isinstance(value, bool):
                if value < 0:
                    raise RecordError(f"{name} is negative")
                return value
        return None

    def count(self, names: tuple[str, ...]) -> int | None:
        """Return the first of these members that is a number, rounded.

        Raises:
            RecordError: It is negative, or larger than any count.
        """
        value = self.number(names)
        if value is None:
            return None
        if value > MOST_TOKENS:
            raise RecordError(f"a count of {value:.3g} can't be")
        return round(value)

    def text(self, names: tuple[str, ...]) -> str:
        """Return the first of these members that is a text with something in it, or ``""``."""
        for name in names:
            value = self.known.get(name)
            if isinstance(value, str) and value.strip():
                return value.strip()
        return ""

    def true(self, names: tuple[str, ...]) -> bool:
        """Tell whether any of these members says yes."""
        return any(self.known.get(name) in (True, 1, "true", "yes") for name in names)


def _plain(members: Mapping[str, Any]) -> dict[str, Any]:
    return {_plain_name(name): value for name, value in members.items()}


def _plain_name(name: str) -> str:
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")
