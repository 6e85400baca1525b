"""Find the route of a home-made server that streams, in what FastAPI tells about itself.

Only a route that takes a ``prompt`` and says, by its name, its content type or a switch, that it
streams is taken: anything else would be a guess, at the cost of a stranger's server.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

_STREAMS = re.compile(r"(.*[/_-])?(stream|streaming|sse)")
_JSON = "application/json"


class Route(msgspec.Struct, frozen=True):
    """A route that streams.

    Attributes:
        path: Its path.
        protocol: The protocol that it speaks.
    """

    path: str
    protocol: str


def streaming_route(schema: Mapping[str, Any], path: str = "", protocol: str = "") -> Route | None:
    """Return the best route of an OpenAPI description; ``None`` if it tells of none.

    Args:
        schema: The description, decoded; it may hold anything.
        path: The only path that is wanted; empty for any.
        protocol: The only protocol that is wanted; empty for any.
    """
    routes = [each for each in _routes(schema, path) if protocol in ("", each[1].protocol)]
    ranked = sorted(routes, key=lambda found: found[0])
    return ranked[0][1] if ranked else None


def _routes(schema: Mapping[str, Any], wanted: str) -> Iterator[tuple[int, Route]]:
    """Yield routes with their rank, the best of which is the lowest."""
    for path, operations in _dict(schema.get("paths")).items():
        if "{" in path or (wanted and path != wanted):
            continue
        for rank, method in enumerate(("post", "get")):
            operation = _dict(operations).get(method)
            if isinstance(operation, dict) and _takes_prompt(schema, operation, method):
                kind = _stream_kind(schema, operation, path)
                if kind:
                    protocol = kind if method == "post" else f"{kind}-get"
                    yield rank + 2 * (not _STREAMS.fullmatch(path)), Route(path, protocol)


def _takes_prompt(schema: Mapping[str, Any], operation: Mapping[str, Any], method: str) -> bool:
    if method == "post":
        return "prompt" in _dict(_body(schema, operation).get("properties"))
    named = operation.get("parameters")
    rows = [_resolved(schema, row) for row in named] if isinstance(named, list) else []
    return any(row.get("name") == "prompt" and row.get("in") == "query" for row in rows)


def _stream_kind(schema: Mapping[str, Any], operation: Mapping[str, Any], path: str) -> str:
    """Return ``token-sse`` or ``text`` for a route that streams; empty for one that does not."""
    answer = _dict(_dict(operation.get("responses")).get("200"))
    types = set(_dict(answer.get("content")))
    if types & {"text/event-stream", "application/x-ndjson"}:
        return "token-sse"
    if types == {"text/plain"}:
        return "text"
    has_switch = "stream" in _dict(_body(schema, operation).get("properties"))
    return "token-sse" if _STREAMS.fullmatch(path) or has_switch else ""


def _body(schema: Mapping[str, Any], operation: Mapping[str, Any]) -> dict[str, Any]:
    content = _dict(_dict(operation.get("requestBody")).get("content"))
    return _resolved(schema, _dict(content.get(_JSON)).get("schema"))


def _resolved(schema: Mapping[str, Any], value: Any) -> dict[str, Any]:
    """Return an object, or the one that it refers to inside the description."""
    found = _dict(value)
    reference = found.get("$ref")
    if not isinstance(reference, str) or not reference.startswith("#/"):
        return found
    place: Any = schema
    for name in reference.removeprefix("#/").split("/"):
        place = _dict(place).get(name)
    return _dict(place)


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
