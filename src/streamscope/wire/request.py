"""What all requests have in common: headers, and members that a person adds to the body."""

from collections.abc import Mapping
from typing import Any


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


def merge(body: dict[str, Any], params: Mapping[str, Any]) -> None:
    """Put ``params`` into ``body``, last and where their names say.

    A dot leads into an object: ``options.num_ctx`` is the member ``num_ctx`` of ``options``. An
    object is merged into an object that is already there; anything else replaces what was there.
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
    else:
        place[name] = value


def _copy(value: Any) -> dict[str, Any]:
    """Return a copy, so that nobody's request is changed; an empty object for anything else."""
    return dict(value) if isinstance(value, Mapping) else {}
