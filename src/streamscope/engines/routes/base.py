"""What all routes need: reading bodies, and refusing in the shape of the protocol."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from streamscope.engines.stage import RefusedError, Stage

LIMIT_BYTES = 10_000_000
"""Most that a request may have."""

T = TypeVar("T")
Refused: TypeAlias = Callable[[int, str], dict[str, Any]]
"""Makes the body of an HTTP error of its status and message."""

Handler: TypeAlias = Callable[[Stage, Request], Awaitable[ASGIApp]]


class Message(msgspec.Struct, frozen=True):
    """A message of a conversation, as OpenAI, Ollama and Anthropic write it."""

    role: str
    content: str | list[dict[str, Any]] | None = None

    @property
    def text(self) -> str:
        """Its text, parts joined."""
        return joined(self.content)


def joined(content: str | Sequence[dict[str, Any]] | None) -> str:
    """Return content as one text; parts that are none count as empty."""
    if content is None or isinstance(content, str):
        return content or ""
    return "".join(str(part.get("text", "")) for part in content)


def route(
    stage: Stage, path: str, handler: Handler, refused: Refused, *, method: str = "POST"
) -> Route:
    """Return a route whose refusals have the shape of its protocol."""

    async def endpoint(request: Request) -> ASGIApp:
        try:
            return await handler(stage, request)
        except RefusedError as refusal:
            body = refused(refusal.status, str(refusal))
            return JSONResponse(body, refusal.status, stage.headers)

    return Route(path, endpoint, methods=[method])


async def read(request: Request, kind: type[T]) -> T:
    """Decode the body; members that nobody knows here are ignored.

    Raises:
        RefusedError: It is not what was expected, or longer than any prompt.
    """
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LIMIT_BYTES:
            raise RefusedError(413, f"a request may have {LIMIT_BYTES:,} bytes")
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as error:
        raise RefusedError(400, f"invalid request: {error}") from error


def known(stage: Stage, model: str) -> str:
    """Return the name of a model.

    Raises:
        RefusedError: There is no such model.
    """
    name = model.removesuffix(":latest")
    if name not in stage.profiles:
        raise RefusedError(404, f"model '{model}' not found")
    return name


def known_or_first(stage: Stage, model: str) -> str:
    """Return the name of a model, or of the first one if none was named."""
    return known(stage, model or next(iter(stage.profiles)))


def limit(value: int | None, name: str = "max_tokens") -> int | None:
    """Return a limit of tokens.

    Raises:
        RefusedError: It leaves nothing.
    """
    if value is not None and value < 1:
        raise RefusedError(400, f"{name} must be at least 1, got {value}")
    return value


def ends(stop: str | tuple[str, ...] | None) -> tuple[str, ...]:
    """Return the texts that end the answer."""
    return (stop,) if isinstance(stop, str) else stop or ()


def answered(stage: Stage, content: Any) -> Response:
    """Return content as JSON."""
    return JSONResponse(content, 200, stage.headers)
