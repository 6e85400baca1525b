"""Slots, a queue with an end, and a server that ends."""

import json
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import pytest
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import connect

from streamscope.engines.engine import EngineError
from streamscope.engines.serve import listen, url_of
from streamscope.engines.stage import LAST_WORDS, Stage
from streamscope.wire.websocket import closed

if TYPE_CHECKING:
    from tests.engines.serve.conftest import House

Within = Callable[[Callable[[], bool]], bool]
Opening = Callable[..., AbstractContextManager["House"]]

MESSAGES = [{"role": "user", "content": "Why?"}]
BODIES: dict[str, dict[str, Any]] = {
    "/api/chat": {"model": "endless", "messages": MESSAGES},
    "/api/generate": {"model": "endless", "prompt": "Why?"},
    "/v1/chat/completions": {"messages": MESSAGES, "model": "endless", "stream": True},
    "/v1/completions": {"prompt": "Why?", "model": "endless"},
    "/v1/responses": {"input": "Why?", "model": "endless", "stream": True},
    "/v1/messages": {"model": "endless", "max_tokens": 9_000, "messages": MESSAGES, "stream": True},
    "/v1/completions/stream": {"prompt": "Why?", "model": "endless"},
    "/text/stream": {"prompt": "Why?", "model": "endless"},
}


def post(url: str, body: dict[str, Any]) -> Any:
    sent = urllib.request.Request(url, json.dumps(body).encode())
    return urllib.request.urlopen(sent, timeout=20)


@pytest.fixture(scope="module")
def crowded(opening: Opening, within: Within) -> Iterator["House"]:
    """A house whose only slot is taken, and where nobody may wait."""
    from tests.engines.serve.conftest import PROFILES

    with opening(Stage(PROFILES, queue=0)) as house:
        with post(f"{house.url}/api/generate", BODIES["/api/generate"]):
            assert within(lambda: house.stage.playing == 1)
            yield house
        assert within(lambda: house.stage.present == 0)


@pytest.mark.parametrize("path", BODIES)
def test_one_too_many_is_told_when_to_come_back(crowded: "House", path: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        post(crowded.url + path, BODIES[path])
    with refused.value as reply:
        assert reply.code == 429
        assert reply.headers["Retry-After"] == "100"  # 10,000 tokens at 100 a second
        assert reply.headers["Content-Type"].startswith("application/json")
        body = json.load(reply)
    said = body.get("error", body.get("detail"))
    assert "slots are taken" in (said if isinstance(said, str) else said["message"])
    if path == "/v1/messages":
        assert (body["type"], said["type"]) == ("error", "rate_limit_error")


def test_no_request_is_longer_than_any_prompt(house: "House") -> None:
    body = {"model": "quick", "max_tokens": 9, "messages": [], "system": "x" * 10_000_000}
    with pytest.raises(urllib.error.HTTPError) as refused:
        post(f"{house.url}/v1/messages", body)
    with refused.value as reply:
        assert reply.code == 413
        assert json.load(reply)["error"] == {
            "type": "request_too_large",
            "message": "a request may have 10,000,000 bytes",
        }


def test_over_a_websocket_as_well(crowded: "House") -> None:
    with connect(f"{crowded.url.replace('http', 'ws')}/ws") as chat:
        chat.send("Why?")
        told = json.loads(chat.recv())
        with pytest.raises(ConnectionClosedError) as end:
            chat.recv()
    assert told["retry_after_s"] == 1  # of the first model, which a bare prompt gets
    assert end.value.rcvd is not None
    fault = closed(end.value.rcvd.code, "")
    assert fault is not None
    assert fault.code == "busy"


def test_a_conversation_goes_on_over_one_websocket(house: "House") -> None:
    with connect(f"{house.url.replace('http', 'ws')}/ws") as chat:
        for prompt in ('{"prompt": "One?", "stream": false}', "Two?", b"Three?"):
            chat.send(prompt)
            answer = [json.loads(chat.recv())]
            while not answer[-1].get("done"):
                answer.append(json.loads(chat.recv()))
            assert len(answer) == (1 if "stream" in str(prompt) else 31)
        for wrong in ('{"prompt": ""}', '{"prompt": 3}', '{"model"'):
            with connect(f"{house.url.replace('http', 'ws')}/ws") as other:
                other.send(wrong)
                assert json.loads(other.recv())["error"]


def test_answers_under_way_have_a_moment_and_end_in_their_own_shape(
    opening: Opening, within: Within
) -> None:
    from tests.engines.serve.conftest import PROFILES

    with opening(Stage(PROFILES, slots=4), moment_s=0.05) as house:
        streams = {
            path: post(house.url + path, BODIES[path])
            for path in ("/api/chat", "/v1/messages", "/v1/completions/stream")
        }
        socket_url = f"{house.url.replace('http', 'ws')}/ws"
        with connect(socket_url) as chat, connect(socket_url) as idle:
            chat.send(json.dumps(BODIES["/text/stream"]))
            assert within(lambda: house.stage.playing == 4)
            house.service.should_exit = True
            ends = {
                path: stream.read().rstrip().splitlines()[-1] for path, stream in streams.items()
            }
            assert LAST_WORDS in [*until_closed(chat)][-1]
            assert [LAST_WORDS in message for message in until_closed(idle)] == [True]
        assert json.loads(ends["/api/chat"]) == {"error": LAST_WORDS}
        assert json.loads(ends["/v1/completions/stream"].removeprefix(b"data: ")) == {
            "error": LAST_WORDS
        }
        anthropic = json.loads(ends["/v1/messages"].removeprefix(b"data: "))
        assert anthropic["error"]["message"] == LAST_WORDS
        for stream in streams.values():
            stream.close()


def until_closed(chat: Any) -> Iterator[str]:
    while True:
        try:
            yield chat.recv()
        except ConnectionClosedError:
            return


def test_an_answer_that_is_short_enough_is_whole_when_the_server_ends(
    opening: Opening, within: Within
) -> None:
    from streamscope.engines.profiles import Profile

    brief = Profile(prefill_s=0.02, tokens_per_s=100, tokens=10)
    with opening(Stage({"brief": brief}), moment_s=20.0) as house:
        with post(f"{house.url}/api/generate", {"model": "brief", "prompt": "Why?"}) as stream:
            assert within(lambda: house.stage.playing == 1)
            house.service.should_exit = True
            assert json.loads(stream.read().splitlines()[-1])["done"] is True
        house.thread.join()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(house.address)


# Where it listens


def test_a_port_in_use_is_told_in_one_sentence() -> None:
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        assert url_of(listener) == f"http://127.0.0.1:{port}"
        with pytest.raises(EngineError, match=f"^Port {port} is in use: name another"):
            listen("127.0.0.1", port)


@pytest.mark.parametrize(
    ("host", "sentence"),
    [
        ("nowhere.invalid", "There is no address 'nowhere.invalid'"),
        ("192.0.2.1", "This machine has no address 192.0.2.1"),
    ],
)
def test_an_address_that_is_not_ours_is_told_in_one_sentence(host: str, sentence: str) -> None:
    with pytest.raises(EngineError, match=sentence):
        listen(host, 0)


def test_an_address_for_everybody_is_called_by_its_loopback() -> None:
    with listen("0.0.0.0", 0) as listener:
        assert url_of(listener).startswith("http://127.0.0.1:")
    with listen("::1", 0) as listener:
        assert url_of(listener).startswith("http://[::1]:")
