"""The simulator's routes: what each protocol asks, read and handed to the stage."""

import math
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from streamscope.engines.performance import HEADERS, Performance
from streamscope.engines.script import Ask
from streamscope.engines.shapes import (
    Ollama,
    OllamaChat,
    OllamaGenerate,
    OpenAIChat,
    timestamp,
)
from streamscope.engines.stage import Stage

T = TypeVar("T")
Handler = Callable[[Stage, Request], Awaitable[ASGIApp]]

OLLAMA_VERSION = "0.33.0+simulated"
"""The Ollama whose protocol is spoken. Version-dependent figures are computed by it."""


class RefusedError(Exception):
    """A request that gets an HTTP error; its text is the message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class _Message(msgspec.Struct, frozen=True):
    role: str
    content: str | list[dict[str, Any]] | None = None

    @property
    def text(self) -> str:
        if isinstance(self.content, list):
            return "".join(str(part.get("text", "")) for part in self.content)
        return self.content or ""


class _OllamaOptions(msgspec.Struct, frozen=True):
    seed: int | None = None
    num_predict: int | None = None
    stop: tuple[str, ...] = ()


class _OllamaBody(msgspec.Struct, frozen=True):
    model: str = ""
    prompt: str = ""
    system: str = ""
    messages: tuple[_Message, ...] = ()
    stream: bool | None = True
    think: bool | str | None = None
    keep_alive: float | str | None = None
    options: _OllamaOptions = _OllamaOptions()


class _StreamOptions(msgspec.Struct, frozen=True):
    include_usage: bool = False


class _OpenAIBody(msgspec.Struct, frozen=True):
    messages: tuple[_Message, ...]
    model: str = ""
    seed: int | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    stop: str | tuple[str, ...] | None = ()
    stream: bool | None = False
    stream_options: _StreamOptions | None = None
    reasoning_effort: str | None = None
    chat_template_kwargs: dict[str, Any] = {}


def application(stage: Stage) -> Starlette:
    """Return the simulator as an ASGI application."""

    def route(
        path: str, handler: Handler, shape: Callable[[RefusedError], Any], method: str
    ) -> Route:
        return Route(path, _endpoint(stage, handler, shape), methods=[method])

    return Starlette(
        routes=[
            route("/", _root, _ollama_error, "GET"),
            route("/api/version", _version, _ollama_error, "GET"),
            route("/api/tags", _tags, _ollama_error, "GET"),
            route("/api/ps", _loaded, _ollama_error, "GET"),
            route("/api/show", _show, _ollama_error, "POST"),
            route("/api/generate", partial(_ollama, chat=False), _ollama_error, "POST"),
            route("/api/chat", partial(_ollama, chat=True), _ollama_error, "POST"),
            route("/v1/models", _models, _openai_error, "GET"),
            route("/v1/chat/completions", _openai_chat, _openai_error, "POST"),
        ]
    )


def _endpoint(
    stage: Stage, handler: Handler, shape: Callable[[RefusedError], Any]
) -> Callable[[Request], Awaitable[ASGIApp]]:
    """Give a handler the stage, and its refusals the shape of its protocol."""

    async def endpoint(request: Request) -> ASGIApp:
        try:
            return await handler(stage, request)
        except RefusedError as refusal:
            return JSONResponse(shape(refusal), refusal.status, HEADERS)

    return endpoint


def _ollama_error(refusal: RefusedError) -> dict[str, Any]:
    return {"error": str(refusal)}


def _openai_error(refusal: RefusedError) -> dict[str, Any]:
    kind = "not_found_error" if refusal.status == 404 else "invalid_request_error"
    return {"error": {"code": refusal.status, "message": str(refusal), "type": kind}}


async def _root(_stage: Stage, _request: Request) -> ASGIApp:
    return Response("The streamscope simulator is running", 200, HEADERS, "text/plain")


async def _version(stage: Stage, _request: Request) -> ASGIApp:
    return _json({"version": OLLAMA_VERSION, "simulated": True, "slots": stage.slots})


async def _tags(stage: Stage, _request: Request) -> ASGIApp:
    return _json({"models": [_entry(stage, model) for model in stage.profiles]})


async def _loaded(stage: Stage, _request: Request) -> ASGIApp:
    return _json({"models": [_entry(stage, model) for model in stage.loaded]})


async def _show(stage: Stage, request: Request) -> ASGIApp:
    body = await _read(request, _OllamaBody)
    return _json(_entry(stage, _known(stage, body.model)))


async def _models(stage: Stage, _request: Request) -> ASGIApp:
    entries = [
        {"id": model, "object": "model", "created": 0, "owned_by": "streamscope"}
        for model in stage.profiles
    ]
    return _json({"object": "list", "data": entries})


async def _ollama(stage: Stage, request: Request, *, chat: bool) -> ASGIApp:
    body = await _read(request, _OllamaBody)
    if not body.model:
        raise RefusedError(400, "model is required")
    model = _known(stage, body.model)
    shape: Ollama = OllamaChat(model) if chat else OllamaGenerate(model)
    if not (body.messages if chat else body.prompt):
        return await _load_or_unload(stage, model, body, shape)
    think = _think(body.think)
    if think and not stage.profiles[model].thinks:
        raise RefusedError(400, f'"{model}" does not support thinking')
    texts = [message.text for message in body.messages] if chat else [body.system, body.prompt]
    limit = body.options.num_predict
    ask = Ask(
        prompt="\n".join(filter(None, texts)),
        topic=texts[-1],
        seed=body.options.seed,
        max_tokens=limit if limit is not None and limit > 0 else None,
        stop=body.options.stop,
        think=think,
    )
    return Performance(stage, model, ask, shape, stream=body.stream is not False)


async def _load_or_unload(stage: Stage, model: str, body: _OllamaBody, shape: Ollama) -> ASGIApp:
    """Answer a request without a prompt as Ollama does: in one object, streaming or not."""
    if body.keep_alive == 0:
        stage.unload(model)
        return Response(shape.special("unload"), 200, HEADERS, shape.blocking_type)
    await stage.load(model)
    return Response(shape.special("load"), 200, HEADERS, shape.blocking_type)


async def _openai_chat(stage: Stage, request: Request) -> ASGIApp:
    body = await _read(request, _OpenAIBody)
    if not body.messages:
        raise RefusedError(400, "'messages' must not be empty")
    model = _known(stage, body.model or next(iter(stage.profiles)))
    limit = body.max_tokens if body.max_completion_tokens is None else body.max_completion_tokens
    if limit is not None and limit < 1:
        raise RefusedError(400, f"max_tokens must be at least 1, got {limit}")
    texts = [message.text for message in body.messages]
    think = None if body.reasoning_effort is None else body.reasoning_effort != "none"
    if isinstance(template := body.chat_template_kwargs.get("enable_thinking"), bool):
        think = template
    ask = Ask(
        prompt="\n".join(texts),
        topic=texts[-1],
        seed=body.seed,
        max_tokens=limit,
        stop=(body.stop,) if isinstance(body.stop, str) else body.stop or (),
        think=think,
    )
    usage = body.stream_options is not None and body.stream_options.include_usage
    shape = OpenAIChat(model, include_usage=usage)
    return Performance(stage, model, ask, shape, stream=bool(body.stream))


async def _read(request: Request, kind: type[T]) -> T:
    """Decode the body; members that the simulator does not know are ignored."""
    try:
        return msgspec.json.decode(await request.body(), type=kind)
    except msgspec.DecodeError as error:
        raise RefusedError(400, f"invalid request: {error}") from error


def _known(stage: Stage, model: str) -> str:
    name = model.removesuffix(":latest")
    if name not in stage.profiles:
        raise RefusedError(404, f"model '{model}' not found")
    return name


def _think(value: bool | str | None) -> bool | None:
    levels = ("low", "medium", "high", "max")
    if isinstance(value, str) and value not in levels:
        raise RefusedError(
            400, f"invalid think value: {value!r} (must be one of {', '.join(levels)})"
        )
    return None if value is None else bool(value)


def _entry(stage: Stage, model: str) -> dict[str, Any]:
    """Describe a model as ``/api/tags`` and ``/api/show`` do."""
    profile = stage.profiles[model]
    return {
        "name": model,
        "model": model,
        "modified_at": timestamp(),
        "size": 0,
        "digest": "",
        "details": {"family": "simulated", "parameter_size": "0", "quantization_level": ""},
        "capabilities": ["completion", *(["thinking"] if profile.thinks else [])],
        "model_info": {"simulated.tokens_per_s": math.trunc(profile.tokens_per_s * 10) / 10},
    }


def _json(content: Any) -> Response:
    return JSONResponse(content, 200, HEADERS)
