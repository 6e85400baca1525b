"""Ollama's routes."""

import math
from functools import partial
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from streamscope.engines.performance import Performance
from streamscope.engines.routes.base import Message, answered, known, read, route
from streamscope.engines.script import Ask
from streamscope.engines.shapes import Ollama, OllamaChat, OllamaGenerate, timestamp
from streamscope.engines.stage import RefusedError, Stage

OLLAMA_VERSION = "0.33.0"
"""The Ollama whose protocol is spoken. Version-dependent figures are computed by it."""

_LEVELS = ("low", "medium", "high", "max")


class _Options(msgspec.Struct, frozen=True):
    seed: int | None = None
    num_predict: int | None = None
    stop: tuple[str, ...] = ()
    temperature: float | None = None
    top_p: float | None = None


class _Body(msgspec.Struct, frozen=True):
    model: str = ""
    prompt: str = ""
    system: str = ""
    messages: tuple[Message, ...] = ()
    stream: bool | None = True
    think: bool | str | None = None
    keep_alive: float | str | None = None
    options: _Options | None = None


def routes(stage: Stage) -> list[BaseRoute]:
    """Return the routes."""
    return [
        route(stage, "/api/version", _version, Ollama.refusal, method="GET"),
        route(stage, "/api/tags", _tags, Ollama.refusal, method="GET"),
        route(stage, "/api/ps", _loaded, Ollama.refusal, method="GET"),
        route(stage, "/api/show", _show, Ollama.refusal),
        route(stage, "/api/generate", partial(_answer, chat=False), Ollama.refusal),
        route(stage, "/api/chat", partial(_answer, chat=True), Ollama.refusal),
    ]


def version(stage: Stage) -> str:
    """Return the version, with what answers behind it."""
    return f"{OLLAMA_VERSION}+{'simulated' if stage.simulated else 'streamscope'}"


async def _version(stage: Stage, _request: Request) -> ASGIApp:
    return answered(
        stage,
        {"version": version(stage), "simulated": stage.simulated, "slots": stage.slots},
    )


async def _tags(stage: Stage, _request: Request) -> ASGIApp:
    return answered(stage, {"models": [_entry(stage, model) for model in stage.profiles]})


async def _loaded(stage: Stage, _request: Request) -> ASGIApp:
    return answered(stage, {"models": [_entry(stage, model) for model in stage.loaded]})


async def _show(stage: Stage, request: Request) -> ASGIApp:
    body = await read(request, _Body)
    return answered(stage, _entry(stage, known(stage, body.model)))


async def _answer(stage: Stage, request: Request, *, chat: bool) -> ASGIApp:
    body = await read(request, _Body)
    if not body.model:
        raise RefusedError(400, "model is required")
    model = known(stage, body.model)
    shape: Ollama = OllamaChat(model) if chat else OllamaGenerate(model)
    if not (body.messages if chat else body.prompt):
        return await _load_or_unload(stage, model, body, shape)
    think = _think(body.think)
    if think and not stage.profiles[model].thinks:
        raise RefusedError(400, f'"{model}" does not support thinking')
    texts = [message.text for message in body.messages] if chat else [body.system, body.prompt]
    options = body.options or _Options()
    limit = options.num_predict
    ask = Ask(
        prompt="\n".join(filter(None, texts)),
        topic=texts[-1],
        seed=options.seed,
        max_tokens=limit if limit is not None and limit > 0 else None,
        stop=options.stop,
        think=think,
        messages=_conversation(body, chat=chat),
        temperature=options.temperature,
        top_p=options.top_p,
    )
    return Performance(stage, model, ask, shape, stream=body.stream is not False)


def _conversation(body: _Body, *, chat: bool) -> tuple[tuple[str, str], ...]:
    if chat:
        return tuple((message.role, message.text) for message in body.messages)
    system = (("system", body.system),) if body.system else ()
    return (*system, ("user", body.prompt))


async def _load_or_unload(stage: Stage, model: str, body: _Body, shape: Ollama) -> ASGIApp:
    """Answer a request without a prompt as Ollama does: in one object, streaming or not."""
    if body.keep_alive == 0:
        stage.unload(model)
        return Response(shape.special("unload"), 200, stage.headers, shape.blocking_type)
    await stage.load(model)
    return Response(shape.special("load"), 200, stage.headers, shape.blocking_type)


def _think(value: bool | str | None) -> bool | None:
    if isinstance(value, str) and value not in _LEVELS:
        raise RefusedError(
            400, f"invalid think value: {value!r} (must be one of {', '.join(_LEVELS)})"
        )
    return None if value is None else bool(value)


def _entry(stage: Stage, model: str) -> dict[str, Any]:
    """Describe a model as ``/api/tags`` and ``/api/show`` do."""
    profile = stage.profiles[model]
    family = "simulated" if stage.simulated else "llama.cpp"
    rate = {"simulated.tokens_per_s": math.trunc(profile.tokens_per_s * 10) / 10}
    return {
        "name": model,
        "model": model,
        "modified_at": timestamp(),
        "size": 0,
        "digest": "",
        "details": {"family": family, "parameter_size": "0", "quantization_level": ""},
        "capabilities": ["completion", *(["thinking"] if profile.thinks else [])],
        "model_info": rate if stage.simulated else {},
    }
