"""What some servers and models are known to take or to refuse, told by their addresses and names.

Only what is known is left out of a request, and whatever is left out is said (``Protocol.unsent``).
What a person adds with ``--param`` is sent, whatever is known.
"""

import re
from urllib.parse import urlsplit

from streamscope.trace import Request, Target
from streamscope.wire import urls
from streamscope.wire.request import effort, names_thinking

_OLLAMA_PORT = 11434
_SEEDLESS_PORTS = (_OLLAMA_PORT, 1234)
"""Usual ports of Ollama and of LM Studio."""
_SEEDED_PORTS = (8000, 8080)
"""Usual ports of vLLM and of llama.cpp."""

_HERE = ("127.0.0.1", "::1", "localhost")

_OPENAI = ("openai.com", "openai.azure.com")
_OFF_TAKERS = (
    ("ollama.com", re.compile("")),
    ("openrouter.ai", re.compile("")),
    ("groq.com", re.compile("qwen")),
    ("generativelanguage.googleapis.com", re.compile(r"gemini-2\.5-flash")),
)
"""Hosts that take ``none`` as an effort to think, and for which models."""

_THINKERS = re.compile(r"(?:^|[/:])(?:gpt-(?:[5-9]|\d\d)(?!\d)(?!-chat)|o[1-9](?![^-:]))")
_PLAIN = re.compile(r"(?:^|[/:])(?:gpt-[34]|chatgpt-4|gpt-5-chat)")
_STOPPABLE = re.compile(r"(?:^|[/:])gpt-(?:5\.[1-9]|[6-9]|\d\d)(?!.*-(?:codex|pro|chat))")


def is_openai(target: Target) -> bool:
    """Tell whether a target is OpenAI itself, or OpenAI's models at Azure."""
    return any(_is_at(target, domain) for domain in _OPENAI)


def fixed_sampling(target: Target) -> tuple[str, ...]:
    """Return the names of sampling settings that OpenAI's models which think refuse."""
    thinks = is_openai(target) and _THINKERS.search(target.model.lower())
    return ("temperature", "top_p") if thinks else ()


def level(target: Target, think: bool | str | None) -> str | None:
    """Return how hard to think in OpenAI's words; ``None`` where a server might refuse to be told.

    Not to think at all (``none``) is known to few, and to OpenAI's newer models alone.
    """
    if think is None:
        return None
    named = effort(think)
    if is_openai(target) and _PLAIN.search(target.model.lower()):
        return None
    return named if named != "none" or _takes_off(target) else None


def takes_seed(target: Target) -> bool:
    """Tell whether a server is likely to know ``seed`` and ``stop`` where OpenAI has neither.

    It is, if it is llama.cpp, as the one that we start, or vLLM: on this machine nearly all others
    have their usual ports, and in the network nobody can tell but by theirs.
    """
    parts = urlsplit(target.url)
    if parts.hostname in _HERE:
        return parts.port not in _SEEDLESS_PORTS
    return not urls.is_public(target.url) and parts.port in _SEEDED_PORTS


def unthought(request: Request) -> tuple[str, ...]:
    """Return that thinking was asked for, or declined, for a request that does not say so."""
    return () if request.think is None or names_thinking(request) else ("think",)


def _takes_off(target: Target) -> bool:
    if is_openai(target):
        return _STOPPABLE.search(target.model.lower()) is not None
    if urls.is_public(target.url):
        model = target.model.lower()
        return any(_is_at(target, host) and models.search(model) for host, models in _OFF_TAKERS)
    return urlsplit(target.url).port == _OLLAMA_PORT


def _is_at(target: Target, domain: str) -> bool:
    host = urlsplit(target.url).hostname or ""
    return host == domain or host.endswith(f".{domain}")
