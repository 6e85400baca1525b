"""The routes of tutorials: tokens as events, by POST and GET, and plain text in chunks.

The stream's route has a twin without ``/stream`` that answers at once; ``stream`` in the request
says the same, and comes first. The twin of ``POST /v1/completions/stream`` is OpenAI's.
"""

from functools import partial

import msgspec
from starlette.requests import Request
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from streamscope.engines.performance import Performance
from streamscope.engines.routes.base import ends, known_or_first, limit, read, route
from streamscope.engines.script import Ask
from streamscope.engines.shapes import PlainText, Shape, Tokens
from streamscope.engines.stage import RefusedError, Stage

_LISTS = ("stop",)
_MOST_BATCH_MS = 10_000


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked, in a body, a query or a message.

    Attributes:
        prompt: The prompt.
        model: A profile; empty for the first.
        seed: Of the words.
        max_tokens: Limit, thinking included.
        stop: Texts that end the answer.
        think: Whether to think; ``None`` leaves it to the model.
        stream: ``None`` for what the route stands for.
        tokens_per_chunk: Tokens to a piece; ``None`` leaves it to the model.
        batch_ms: How long tokens are gathered for a piece; ``None`` leaves it to the model.
        timing: Start of the irregularities: the same gives the same times.
        temperature: Of the sampling, for a model that is real.
        top_p: The same.
    """

    prompt: str
    model: str = ""
    seed: int | None = None
    max_tokens: int | None = None
    stop: str | tuple[str, ...] | None = ()
    think: bool | None = None
    stream: bool | None = None
    tokens_per_chunk: int | None = None
    batch_ms: float | None = None
    timing: int | None = None
    temperature: float | None = None
    top_p: float | None = None

    @property
    def ask(self) -> Ask:
        """The same for the stage.

        Raises:
            RefusedError: Something in it can't be.
        """
        if not self.prompt:
            raise RefusedError(400, "prompt must not be empty")
        if self.batch_ms is not None and not 0 <= self.batch_ms <= _MOST_BATCH_MS:
            raise RefusedError(400, f"batch_ms must be from 0 to {_MOST_BATCH_MS}")
        return Ask(
            prompt=self.prompt,
            topic=self.prompt,
            seed=self.seed,
            max_tokens=limit(self.max_tokens),
            stop=ends(self.stop),
            think=self.think,
            tokens_per_chunk=limit(self.tokens_per_chunk, "tokens_per_chunk"),
            batch_s=None if self.batch_ms is None else self.batch_ms / 1e3,
            timing=self.timing,
            temperature=self.temperature,
            top_p=self.top_p,
        )


def routes(stage: Stage) -> list[BaseRoute]:
    """Return the routes."""
    made: list[BaseRoute] = []
    for path, shape in (("/v1/completions", Tokens), ("/text", PlainText)):
        streaming = partial(_answer, shape=shape, stream=True)
        blocking = partial(_answer, shape=shape, stream=False)
        made += [
            route(stage, f"{path}/stream", streaming, shape.refusal),
            route(stage, f"{path}/stream", streaming, shape.refusal, method="GET"),
            route(stage, path, blocking, shape.refusal, method="GET"),
        ]
    whole = partial(_answer, shape=PlainText, stream=False)
    made.append(route(stage, "/text", whole, PlainText.refusal))
    return made


async def _answer(stage: Stage, request: Request, *, shape: type[Shape], stream: bool) -> ASGIApp:
    body = await read(request, Body) if request.method == "POST" else _queried(request)
    model = known_or_first(stage, body.model)
    streams = stream if body.stream is None else body.stream
    return Performance(stage, model, body.ask, shape(), stream=streams)


def _queried(request: Request) -> Body:
    """Read the same from a query, where everything is text."""
    query = request.query_params
    said = {name: query.getlist(name) if name in _LISTS else query[name] for name in query}
    try:
        return msgspec.convert(said, Body, strict=False)
    except msgspec.ValidationError as error:
        raise RefusedError(400, f"invalid request: {error}") from error
