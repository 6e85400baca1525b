"""How servers without a standard are asked: where, by what method, and with what."""

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from streamscope.trace import FaultCode, Mode, Request, Target
from streamscope.wire.homemade import query, route
from streamscope.wire.registry import protocol

NAMES = ("token-sse", "token-sse-get", "text", "text-get")
MODES: tuple[Mode, ...] = ("stream", "blocking")
USUAL = "/v1/completions/stream"
FULL = Request(
    prompt="Name three rivers & €",
    system="Be brief.",
    temperature=0.0,
    top_p=1.0,
    seed=7,
    max_tokens=64,
    stop=("\n\n", "x"),
    think=False,
    params={"user": "me", "options.deep": [1], "stream": "perhaps"},
)


def server(name: str, path: str = "/generate", model: str = "m") -> Target:
    return Target(protocol=name, url=f"http://127.0.0.1:8000{path}", model=model)


def sent(name: str, request: Request, mode: Mode = "stream", model: str = "m") -> dict[str, Any]:
    """Return the members of a request, wherever they are: those of a query all are text."""
    call = protocol(name).call(server(name, model=model), request, mode, None)
    if call.method == "POST":
        return dict(json.loads(call.body))
    assert call.body == b""
    return dict(parse_qsl(urlsplit(call.url).query, strict_parsing=True))


@pytest.mark.parametrize(
    ("base", "stream", "blocking"),
    [
        # The usual route, where the URL has none.
        ("", "/v1/completions/stream", "/v1/completions"),
        ("/", "/v1/completions/stream", "/v1/completions"),
        # The route that the URL is, and its twin.
        ("/v1/completions/stream", "/v1/completions/stream", "/v1/completions"),
        ("/generate", "/generate", "/generate"),
        ("/generate/stream", "/generate/stream", "/generate"),
        ("/generate_stream", "/generate_stream", "/generate"),
        ("/chat-stream/", "/chat-stream", "/chat"),
        # Nothing is left that could be a twin.
        ("/stream", "/stream", "/stream"),
        ("/api/stream", "/api/stream", "/api/stream"),
        ("/my/v1/stream", "/my/v1/stream", "/my/v1/stream"),
        ("/upstream", "/upstream", "/upstream"),
    ],
)
def test_routes(base: str, stream: str, blocking: str) -> None:
    root = "http://stream.example:8000"
    assert route(root + base, "stream", USUAL) == root + stream
    assert route(root + base, "blocking", USUAL) == root + blocking


def test_usual_routes() -> None:
    for name, path in (("token-sse", USUAL), ("token-sse-get", USUAL), ("text", ""),
                       ("text-get", "")):  # fmt: skip
        call = protocol(name).call(server(name, ""), Request(prompt="x"), "stream", None)
        assert urlsplit(call.url).path == path


@pytest.mark.parametrize("name", ["token-sse", "text"])
@pytest.mark.parametrize("mode", MODES)
def test_whole_requests_by_post(name: str, mode: Mode) -> None:
    call = protocol(name).call(server(name), FULL, mode, "k3y")
    assert (call.method, call.url) == ("POST", "http://127.0.0.1:8000/generate")
    assert call.headers["Authorization"] == "Bearer k3y"
    assert call.headers["Content-Type"] == "application/json"
    assert call.headers["Accept-Encoding"] == "identity"
    assert json.loads(call.body) == {
        "model": "m",
        "prompt": "Name three rivers & €",
        "temperature": 0.0,
        "top_p": 1.0,
        "seed": 7,
        "max_tokens": 64,
        "stop": ["\n\n", "x"],
        "user": "me",
        "options": {"deep": [1]},
        "stream": mode == "stream",
    }


@pytest.mark.parametrize("name", ["token-sse-get", "text-get"])
@pytest.mark.parametrize("mode", MODES)
def test_whole_requests_by_get(name: str, mode: Mode) -> None:
    call = protocol(name).call(server(name), FULL, mode, "k3y")
    assert (call.method, call.body) == ("GET", b"")
    assert call.headers["Authorization"] == "Bearer k3y"
    assert "Content-Type" not in call.headers
    assert "k3y" not in call.url
    assert call.url.startswith("http://127.0.0.1:8000/generate?model=m&prompt=Name%20three")
    assert parse_qsl(urlsplit(call.url).query, strict_parsing=True) == [
        ("model", "m"),
        ("prompt", "Name three rivers & €"),
        ("temperature", "0.0"),
        ("top_p", "1.0"),
        ("seed", "7"),
        ("max_tokens", "64"),
        ("stop", "\n\n"),
        ("stop", "x"),
        ("user", "me"),
        ("options", '{"deep":[1]}'),
        ("stream", "true" if mode == "stream" else "false"),
    ]


@pytest.mark.parametrize(
    ("name", "stream", "blocking"),
    [("token-sse", "text/event-stream", "application/json"), ("text", "text/plain", "text/plain")],
)
def test_what_is_accepted(name: str, stream: str, blocking: str) -> None:
    for mode, accepted in zip(MODES, (stream, blocking), strict=True):
        call = protocol(name).call(server(name), Request(prompt="x"), mode, None)
        assert call.headers["Accept"] == accepted
        assert "Authorization" not in call.headers


@pytest.mark.parametrize("name", NAMES)
def test_the_least_request(name: str) -> None:
    assert set(sent(name, Request(prompt="x"), model="")) == {"prompt", "stream"}


@pytest.mark.parametrize("name", ["token-sse", "text"])
@pytest.mark.parametrize(
    ("params", "members"),
    [
        ({"message": "{prompt}"}, {"message": "Hi"}),
        ({"inputs": "{prompt}", "parameters.max_new_tokens": 5},
         {"inputs": "Hi", "parameters": {"max_new_tokens": 5}}),
        ({"messages": [{"role": "user", "content": "{prompt}"}]},
         {"messages": [{"role": "user", "content": "Hi"}]}),
        ({"prompt": "{prompt}", "q": "{prompt}"}, {"prompt": "Hi", "q": "Hi"}),
        # Only all of a text stands for the prompt: part of one is somebody's text.
        ({"style": "as {prompt}"}, {"prompt": "Hi", "style": "as {prompt}"}),
    ],
)  # fmt: skip
def test_the_prompt_goes_where_a_parameter_says(
    name: str, params: dict[str, Any], members: dict[str, Any]
) -> None:
    request = Request(prompt="Hi", params=params)
    before = json.dumps(params)
    assert sent(name, request, model="") == {**members, "stream": True}
    assert json.dumps(params) == before


def test_the_prompt_of_a_query_goes_where_a_parameter_says() -> None:
    request = Request(prompt="Hi", params={"q": "{prompt}"})
    assert sent("token-sse-get", request, model="") == {"q": "Hi", "stream": "true"}


def test_a_query_takes_whatever_a_terminal_gives() -> None:
    assert query({"q": "a\ud800b", "n": None}) == "q=a%EF%BF%BDb&n=null"


@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_sent_is_told(name: str) -> None:
    speaker = protocol(name)
    assert speaker.unsent(server(name), FULL) == ("system", "think")
    given = Request(prompt="x", system="s", params={"system": "s"})
    assert speaker.unsent(server(name), given) == ()


@pytest.mark.parametrize("name", NAMES)
def test_there_is_no_list_of_models(name: str) -> None:
    assert protocol(name).models_url(server(name)) == ""
    assert protocol(name).parse_models(b'{"data":[{"id":"m"}]}') == []


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("status", "body", "code", "words"),
    [
        (404, b'{"detail":"Not Found"}', "url", "/generate (404"),
        (405, b'{"detail":"Method Not Allowed"}', "url", "POST, GET"),
        (422, b'{"detail":[{"loc":["body","prompt"],"msg":"Field required","type":"missing"}]}',
         "request", "body.prompt: Field required"),
        (401, b'{"detail":"Not authenticated"}', "auth", "API key"),
        (429, b'{"detail":"Too many"}', "busy", "wait"),
        (500, b"Internal Server Error", "server", "Internal Server Error"),
        (307, b"http://127.0.0.1:8000/generate/", "url", "redirects to"),
    ],
)  # fmt: skip
def test_errors_before_the_stream(
    name: str, status: int, body: bytes, code: FaultCode, words: str
) -> None:
    fault = protocol(name).fault(server(name), status, body)
    assert (fault.code, fault.status) == (code, status)
    assert words in fault.sentence


def test_both_routes_are_told_where_one_of_them_is_missing() -> None:
    target = server("token-sse", "/generate/stream")
    fault = protocol("token-sse").fault(target, 404, b"")
    assert (
        "not at http://127.0.0.1:8000/generate/stream or, for a whole answer, /generate (404)"
        in (fault.sentence)
    )
    moved = protocol("token-sse").fault(target, 307, b"/generate/")
    assert "redirects to http://127.0.0.1:8000/generate/ (307)" in moved.sentence
