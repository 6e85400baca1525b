"""A home-made server is found by what FastAPI tells about it, and only if there is no doubt."""

from typing import Any

import pytest

from streamscope.engines.openapi import Route, streaming_route

PROMPT = {"type": "object", "properties": {"prompt": {"type": "string"}}}


def post(body: Any = PROMPT, content: str = "application/json") -> dict[str, Any]:
    """Describe a POST, as FastAPI does."""
    return {
        "post": {
            "requestBody": {"content": {"application/json": {"schema": body}}},
            "responses": {"200": {"content": {content: {"schema": {}}}}},
        }
    }


def get(*names: str, content: str = "application/json") -> dict[str, Any]:
    """Describe a GET with a query."""
    parameters = [{"name": name, "in": "query", "schema": {"type": "string"}} for name in names]
    responses: dict[str, Any] = {"200": {"content": {content: {}}}}
    return {"get": {"parameters": parameters, "responses": responses}}


def route(paths: Any, wanted: str = "", **more: Any) -> Route | None:
    return streaming_route({"openapi": "3.1.0", "paths": paths, **more}, wanted)


def test_the_tutorials_endpoint_with_its_model_defined_elsewhere() -> None:
    body = {"$ref": "#/components/schemas/Prompt"}
    paths = {
        "/": {"get": {"responses": {"200": {}}}},
        "/v1/completions": post(body),
        "/v1/completions/stream": post(body) | get("prompt"),
    }
    schemas: Any = {"components": {"schemas": {"Prompt": PROMPT}}}
    assert route(paths, **schemas) == Route("/v1/completions/stream", "token-sse")


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        ({"/stream": get("prompt", "max_tokens")}, Route("/stream", "token-sse-get")),
        ({"/generate": post(content="text/event-stream")}, Route("/generate", "token-sse")),
        ({"/generate": post(content="text/plain")}, Route("/generate", "text")),
        ({"/say": get("prompt", content="text/plain")}, Route("/say", "text-get")),
        (
            {"/ask": post({"properties": {"prompt": {}, "stream": {"type": "boolean"}}})},
            Route("/ask", "token-sse"),
        ),
    ],
)
def test_ways_to_say_that_a_route_streams(paths: Any, expected: Route) -> None:
    assert route(paths) == expected


@pytest.mark.parametrize(
    "paths",
    [
        None,
        [],
        {"/stream": None},
        {"/stream": {"post": 3}},
        {"/stream": post({"properties": {"message": {}}})},
        {"/stream": post({"$ref": "#/components/schemas/Missing"})},
        {"/stream": post({"$ref": "elsewhere.json"})},
        {"/stream": get("q")},
        {"/stream": {"get": {"parameters": "prompt"}}},
        {"/users/{prompt}/stream": post()},
        {"/prompts": post()},
        {"/delete-stream": {"delete": post()["post"]}},
    ],
)
def test_where_there_is_doubt_nothing_is_found(paths: Any) -> None:
    assert route(paths) is None


def test_a_route_that_is_named_is_taken_before_all_others() -> None:
    paths = {"/a/stream": post(), "/b/stream": get("prompt")}
    assert route(paths) == Route("/a/stream", "token-sse")
    assert route(paths, "/b/stream") == Route("/b/stream", "token-sse-get")
    assert route(paths, "/c/stream") is None
