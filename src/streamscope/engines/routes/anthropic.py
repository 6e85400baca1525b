"""Anthropic's route."""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from streamscope.engines.performance import Performance
from streamscope.engines.routes.base import Message, joined, known, limit, read, route
from streamscope.engines.script import Ask
from streamscope.engines.shapes import AnthropicMessages
from streamscope.engines.stage import RefusedError, Stage


class _Thinking(msgspec.Struct, frozen=True):
    type: str = ""


class _Body(msgspec.Struct, frozen=True, kw_only=True):
    model: str
    max_tokens: int
    messages: tuple[Message, ...]
    system: str | list[dict[str, Any]] | None = None
    stop_sequences: tuple[str, ...] = ()
    thinking: _Thinking | None = None
    stream: bool | None = False
    temperature: float | None = None
    top_p: float | None = None


def routes(stage: Stage) -> list[BaseRoute]:
    """Return the routes."""
    return [route(stage, "/v1/messages", _messages, AnthropicMessages.refusal)]


async def _messages(stage: Stage, request: Request) -> ASGIApp:
    body = await read(request, _Body)
    if not body.messages:
        raise RefusedError(400, "messages: at least one message is required")
    model = known(stage, body.model)
    said = [(message.role, message.text) for message in body.messages]
    if system := joined(body.system):
        said.insert(0, ("system", system))
    ask = Ask(
        prompt="\n".join(text for _, text in said if text),
        topic=said[-1][1],
        max_tokens=limit(body.max_tokens),
        stop=body.stop_sequences,
        think=None if body.thinking is None else body.thinking.type != "disabled",
        messages=tuple(said),
        temperature=body.temperature,
        top_p=body.top_p,
    )
    return Performance(stage, model, ask, AnthropicMessages(model), stream=bool(body.stream))
