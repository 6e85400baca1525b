"""What requests have in common: headers, ways to say the same, members that a person adds."""

from collections.abc import Mapping
from typing import Any

import msgspec

from streamscope.trace import Request, Target
from streamscope.wire import urls

_OTHER_NAMES = {"topP": "top_p", "num_predict": "max_tokens", "maxOutputTokens": "max_tokens"}
_THINKING = frozenset(
    {"think", "thinking", "reasoning", "reasoning_effort", "chat_template_kwargs", "thinkingConfig"}
)


def headers(accept: str, key: str | None) -> dict[str, str]:
    """Return the headers of a POST; without compression, because it may hold bytes back.

    Args:
        accept: Content type of the answer.
        key: API key, sent as a bearer token; ``None`` or empty for none.
    """
    found = {
        "Content-Type": "application/json",
        "Accept": accept,
        "Accept-Encoding": "identity",
    }
    if key:
        found["Authorization"] = f"Bearer {key}"
    return found


def given(members: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members that are set: ``None`` leaves one to the server, as no stop text does."""
    return {name: value for name, value in members.items() if value is not None and value != []}


def missing(request: Request, *names: str) -> tuple[str, ...]:
    """Return those of these members of a request that were asked for, to be told as not sent.

    One that is named in ``params`` as well is sent in spite of all.
    """
    return tuple(
        name
        for name in names
        if getattr(request, name) not in (None, ()) and name not in request.params
    )


def taken_back(request: Request) -> tuple[str, ...]:
    """Return those members of a request that ``params`` take back with a null.

    They are named there as the server names them, such as ``options.seed``.
    """
    nulls = {name.rpartition(".")[2] for name, value in request.params.items() if value is None}
    nulls |= {_OTHER_NAMES[name] for name in nulls if name in _OTHER_NAMES}
    given_ = msgspec.structs.asdict(request)
    return tuple(name for name in given_ if name in nulls and given_[name] is not None)


def names_thinking(request: Request) -> bool:
    """Tell whether a person sets thinking in ``params``, as the server names it."""
    parts = {part for name in request.params for part in name.split(".")}
    return not parts.isdisjoint(_THINKING)


def limit(request: Request) -> int | None:
    """Return how many tokens an answer may have, if that is certain.

    A person who names a limit as the server does, in ``params``, has the last word, whatever the
    name is.
    """
    named = ("max_", "maxOutput", "num_predict", "n_predict", "generationConfig", "options")
    overruled = any(part in name for name in request.params for part in named)
    return None if overruled else request.max_tokens


def effort(think: bool | str) -> str:
    """Return how hard a model is to think, in the words of OpenAI."""
    return think if isinstance(think, str) else "medium" if think else "none"


def thinking_switch(target: Target, think: bool | str) -> dict[str, Any]:
    """Return the members that set thinking for models whose chat template has a switch of its own.

    Such are Qwen 3 and its like on vLLM and llama.cpp. Local servers ignore members that they
    don't know, while hosted APIs may refuse them, so it is sent into the private network only.
    Elsewhere a person can name it with ``--param``.
    """
    if urls.is_public(target.url):
        return {}
    return {"chat_template_kwargs": {"enable_thinking": effort(think) != "none"}}


def merge(body: dict[str, Any], params: Mapping[str, Any]) -> None:
    """Put ``params`` into ``body``, last and where their names say.

    A dot leads into an object: ``options.num_ctx`` is the member ``num_ctx`` of ``options``. An
    object is merged into an object that is already there; null takes away what is there, so that
    it is left to the server; anything else replaces it.
    """
    for name, value in params.items():
        *outer, last = name.split(".")
        place = body
        for member in outer:
            inner = _copy(place.get(member))
            place[member] = inner
            place = inner
        _set(place, last, value)


def _set(place: dict[str, Any], name: str, value: Any) -> None:
    if isinstance(value, Mapping) and isinstance(place.get(name), dict):
        place[name] = inner = _copy(place[name])
        for member, part in value.items():
            _set(inner, member, part)
    elif value is None and name in place:
        del place[name]
    else:
        place[name] = value


def _copy(value: Any) -> dict[str, Any]:
    """Return a copy, so that nobody's request is changed; an empty object for anything else."""
    return dict(value) if isinstance(value, Mapping) else {}
