"""What to do about a request that a server refuses, by what it says of it."""

import re

from streamscope.trace import Target

_TOO_LONG = re.compile(r"context (size|length|window)|too (long|large)|exceed.*context", re.I)
_LENGTH_LIMIT = re.compile(r"max_(completion_|output_)?tokens|num_predict", re.IGNORECASE)
_THINKING = re.compile(r"think|reasoning", re.IGNORECASE)
_OURS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\btemperature\b", re.I), "temperature"),
    (re.compile(r"\btop_?p\b", re.I), "top_p"),
    (re.compile(r"\bseed\b", re.I), "seed"),
    (re.compile(r"\bchat_template_kwargs\b"), "chat_template_kwargs"),
    (re.compile(r"\breasoning_effort\b"), "reasoning_effort"),
    (re.compile(r"\bstore\b"), "store"),
)
"""Members that are sent although the person may never have named them."""

_WITHIN = {"ollama": "options.", "gemini": "generationConfig."}
_SAMPLING = ("temperature", "top_p", "seed")


def for_request(target: Target, text: str) -> str:
    """Return what to do, as the end of a sentence.

    Args:
        target: The server that refuses.
        text: Its own words.
    """
    if _TOO_LONG.search(text):
        return "shorten the prompt, or give the server a larger context"
    for words, name in _OURS:
        if words.search(text):
            return f"leave {name} out with --param {_path(target, name)}=null, or set what it takes"
    if _LENGTH_LIMIT.search(text):
        return "change --max-tokens, or name the limit as the server does with --param"
    if _THINKING.search(text):
        return "change --think, or leave it out"
    return "correct what it names"


def _path(target: Target, name: str) -> str:
    """Return where a member stands in a request to such a server."""
    within = next((at for kind, at in _WITHIN.items() if target.protocol.startswith(kind)), "")
    if not within or name not in _SAMPLING:
        return name
    return within + ("topP" if (target.protocol, name) == ("gemini", "top_p") else name)
