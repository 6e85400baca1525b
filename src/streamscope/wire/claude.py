"""What Claude takes and refuses, model by model: token limits, thinking, sampling."""

import re
from typing import Any
from urllib.parse import urlsplit

from streamscope.trace import Request, Target
from streamscope.wire.request import effort

DEFAULT_LIMIT = 4096
"""Output tokens where no limit was asked for: the protocol wants one."""

LEAST_BUDGET = 1024
"""Smallest budget of thinking tokens that is accepted."""

_SHARES = {"minimal": 0.25, "low": 0.25, "medium": 0.5, "high": 0.75}
"""Part of the limit that a level of thinking may take, where it is set in tokens."""

_MODEL = re.compile(r"claude-[a-z]+-(\d{1,2})(?!\d)(?:[-.](\d{1,2})(?!\d))?")
_ADAPTIVE = (4, 7)
"""Models from this one on refuse a budget."""


def is_anthropic(target: Target) -> bool:
    """Tell whether a target is Anthropic itself."""
    host = urlsplit(target.url).hostname or ""
    return host == "anthropic.com" or host.endswith(".anthropic.com")


def limit(request: Request) -> int:
    """Return the token limit that is sent, whoever has set it."""
    said = request.params.get("max_tokens", request.max_tokens)
    return said if isinstance(said, int) else request.max_tokens or DEFAULT_LIMIT


def is_claude(target: Target) -> bool:
    """Tell whether the model is Anthropic's, be it behind a gateway."""
    return is_anthropic(target) or "claude" in target.model.lower()


def fixed_sampling(target: Target, thinking: dict[str, Any]) -> tuple[str, ...]:
    """Return the names of settings that Claude refuses: when it thinks, and all newer models."""
    thinks = thinking.get("thinking", {"type": "disabled"})["type"] != "disabled"
    fixed = is_claude(target) and (thinks or _adaptive(target.model))
    return ("temperature", "top_p") if fixed else ()


def thinking(target: Target, think: bool | str | None, limit: int) -> dict[str, Any]:
    """Return the members that set thinking, as models of that age take it.

    There are none where the limit leaves no room for the smallest budget: a larger limit than the
    person's would be another question.
    """
    if think is None:
        return {}
    level = effort(think)
    if level == "none":
        return {"thinking": {"type": "disabled"}}
    if _adaptive(target.model):
        # Without its text, nobody could tell thinking from a slow start.
        members: dict[str, Any] = {"thinking": {"type": "adaptive", "display": "summarized"}}
        if isinstance(think, str):
            members["output_config"] = {"effort": level}
        return members
    if limit <= LEAST_BUDGET and is_claude(target):
        return {}
    budget = max(LEAST_BUDGET, int(limit * _SHARES.get(level, 0.75)))
    return {"thinking": {"type": "enabled", "budget_tokens": budget}}


def _adaptive(model: str) -> bool:
    found = _MODEL.search(model.lower())
    return found is not None and (int(found[1]), int(found[2] or 0)) >= _ADAPTIVE
