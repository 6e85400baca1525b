"""Whether a model was loaded and a prompt cached: every server that tells is heard."""

import json
from typing import Any

import pytest

from streamscope.trace import Tokens
from streamscope.wire.events import Timings, Usage
from streamscope.wire.registry import PROTOCOLS, protocol

SECOND = 1_000_000_000
OPENAI = {
    "prompt_tokens": 36,
    "completion_tokens": 2,
    "prompt_tokens_details": {"cached_tokens": 16},
}
OLLAMA = {
    "done": True,
    "done_reason": "stop",
    "prompt_eval_count": 36,
    "eval_count": 2,
    "prompt_eval_cached_count": 16,
    "total_duration": 9 * SECOND,
    "load_duration": 2 * SECOND,
    "eval_duration": SECOND,
}
ANSWERS: dict[str, dict[str, Any]] = {
    "ollama-chat": {"message": {"content": "Nile"}, **OLLAMA},
    "ollama-generate": {"response": "Nile", **OLLAMA},
    "openai-chat": {
        "choices": [{"message": {"content": "Nile"}, "finish_reason": "stop"}],
        "usage": OPENAI,
    },
    "openai-completions": {
        "choices": [{"index": 0, "text": "Nile", "finish_reason": "stop"}],
        "usage": OPENAI,
    },
    "openai-responses": {
        "object": "response",
        "status": "completed",
        "output": [{"type": "message", "content": [{"type": "output_text", "text": "Nile"}]}],
        "usage": {
            "input_tokens": 36,
            "output_tokens": 2,
            "input_tokens_details": {"cached_tokens": 16},
        },
    },
    "llamacpp-completion": {
        "content": "Nile",
        "stop": True,
        "tokens_evaluated": 36,
        "tokens_predicted": 2,
        "timings": {"cache_n": 16, "prompt_n": 20, "prompt_ms": 5.0, "predicted_n": 2,
                    "predicted_ms": 9.0},
    },
    "anthropic": {
        "type": "message",
        "content": [{"type": "text", "text": "Nile"}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 20, "cache_read_input_tokens": 16, "output_tokens": 2},
    },
    "gemini": {
        "candidates": [{"content": {"parts": [{"text": "Nile"}]}, "finishReason": "STOP"}],
        "usageMetadata": {
            "promptTokenCount": 36,
            "candidatesTokenCount": 2,
            "cachedContentTokenCount": 16,
        },
    },
    "lmstudio": {
        "output": [{"type": "message", "content": "Nile"}],
        "stats": {"input_tokens": 36, "total_output_tokens": 2, "model_load_time_seconds": 2.0},
    },
}  # fmt: skip
"""Answers by protocol, of a prompt of 36 tokens of which 16 were cached, where that can be said."""

SILENT = {"lmstudio"}
"""Protocols in which no server says what was cached."""

LOADS = {"ollama-chat", "ollama-generate", "lmstudio"}
"""Protocols in which a server says how long it took to load the model."""


def test_only_home_made_servers_are_left_out() -> None:
    homemade = {name for name in PROTOCOLS if name.startswith(("token-sse", "text", "websocket"))}
    assert set(ANSWERS) | homemade == set(PROTOCOLS)


@pytest.mark.parametrize("name", list(ANSWERS))
def test_what_was_cached_and_loaded_is_known(name: str) -> None:
    decoder = protocol(name).decoder("blocking")
    events = [*decoder.feed(json.dumps(ANSWERS[name]).encode()), *decoder.finish()]
    tokens = Tokens()
    for event in events:
        if isinstance(event, Usage):
            tokens = tokens.merged(event.tokens)
    assert (tokens.prompt, tokens.output) == (36, 2)
    assert tokens.cached == (None if name in SILENT else 16)
    loads = [event.server.load_s for event in events if isinstance(event, Timings)]
    assert (2.0 in loads) == (name in LOADS)
