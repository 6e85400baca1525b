"""OpenAI's routes: models, both kinds of completions, and responses."""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from streamscope.engines.performance import Performance
from streamscope.engines.routes.base import (
    Message,
    answered,
    ends,
    joined,
    known_or_first,
    limit,
    read,
    route,
)
from streamscope.engines.script import Ask
from streamscope.engines.shapes import (
    OpenAIChat,
    OpenAICompletions,
    OpenAIResponses,
    OpenAIRoute,
)
from streamscope.engines.stage import RefusedError, Stage


class _StreamOptions(msgspec.Struct, frozen=True):
    include_usage: bool = False


class _Common(msgspec.Struct, frozen=True, kw_only=True):
    """What all of these routes are asked."""

    model: str = ""
    seed: int | None = None
    stop: str | tuple[str, ...] | None = ()
    stream: bool | None = False
    stream_options: _StreamOptions | None = None
    chat_template_kwargs: dict[str, Any] = {}
    temperature: float | None = None
    top_p: float | None = None

    @property
    def usage(self) -> bool:
        """Whether a stream is to end with the counts."""
        return self.stream_options is not None and self.stream_options.include_usage

    def think(self, effort: str | None) -> bool | None:
        """Return whether to think: what the template is told comes first."""
        template = self.chat_template_kwargs.get("enable_thinking")
        if isinstance(template, bool):
            return template
        return None if effort is None else effort != "none"


class _Chat(_Common, frozen=True, kw_only=True):
    messages: tuple[Message, ...]
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    reasoning_effort: str | None = None


class _Completion(_Common, frozen=True, kw_only=True):
    prompt: str | tuple[str, ...]
    max_tokens: int | None = None


class _Reasoning(msgspec.Struct, frozen=True):
    effort: str | None = None


class _Item(msgspec.Struct, frozen=True):
    role: str = "user"
    content: str | list[dict[str, Any]] | None = None


class _Response(_Common, frozen=True, kw_only=True):
    input: str | tuple[_Item, ...]
    instructions: str | None = None
    max_output_tokens: int | None = None
    reasoning: _Reasoning | None = None


def routes(stage: Stage) -> list[BaseRoute]:
    """Return the routes."""
    return [
        route(stage, "/v1/models", _models, OpenAIRoute.refusal, method="GET"),
        route(stage, "/v1/chat/completions", _chat, OpenAIRoute.refusal),
        route(stage, "/v1/completions", _completion, OpenAIRoute.refusal),
        route(stage, "/v1/responses", _response, OpenAIRoute.refusal),
    ]


async def _models(stage: Stage, _request: Request) -> ASGIApp:
    entries = [
        {"id": model, "object": "model", "created": 0, "owned_by": "streamscope"}
        for model in stage.profiles
    ]
    return answered(stage, {"object": "list", "data": entries})


async def _chat(stage: Stage, request: Request) -> ASGIApp:
    body = await read(request, _Chat)
    if not body.messages:
        raise RefusedError(400, "'messages' must not be empty")
    most = body.max_tokens if body.max_completion_tokens is None else body.max_completion_tokens
    said = [(message.role, message.text) for message in body.messages]
    ask = _ask(body, said, limit(most), body.think(body.reasoning_effort))
    model = known_or_first(stage, body.model)
    shape = OpenAIChat(model, include_usage=body.usage)
    return Performance(stage, model, ask, shape, stream=bool(body.stream))


async def _completion(stage: Stage, request: Request) -> ASGIApp:
    body = await read(request, _Completion)
    texts = [body.prompt] if isinstance(body.prompt, str) else list(body.prompt)
    if len(texts) != 1 or not texts[0]:
        raise RefusedError(400, "'prompt' must be one text that is not empty")
    ask = _ask(body, [("user", texts[0])], limit(body.max_tokens), body.think(None))
    model = known_or_first(stage, body.model)
    shape = OpenAICompletions(model, include_usage=body.usage)
    return Performance(stage, model, ask, shape, stream=bool(body.stream))


async def _response(stage: Stage, request: Request) -> ASGIApp:
    body = await read(request, _Response)
    said = (
        [("user", body.input)]
        if isinstance(body.input, str)
        else [(item.role, joined(item.content)) for item in body.input]
    )
    if not any(text for _, text in said):
        raise RefusedError(400, "'input' must not be empty")
    if body.instructions:
        said.insert(0, ("system", body.instructions))
    effort = body.reasoning.effort if body.reasoning else None
    most = limit(body.max_output_tokens, "max_output_tokens")
    ask = _ask(body, said, most, body.think(effort))
    model = known_or_first(stage, body.model)
    return Performance(stage, model, ask, OpenAIResponses(model), stream=bool(body.stream))


def _ask(body: _Common, said: list[tuple[str, str]], most: int | None, think: bool | None) -> Ask:
    return Ask(
        prompt="\n".join(text for _, text in said if text),
        topic=said[-1][1],
        seed=body.seed,
        max_tokens=most,
        stop=ends(body.stop),
        think=think,
        messages=tuple(said),
        temperature=body.temperature,
        top_p=body.top_p,
    )
