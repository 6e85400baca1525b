"""The local model behind our routes: the words are real, and so is who stops and who fails."""

import dataclasses
import json
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import pytest

from streamscope.engines.engine import Engine
from streamscope.engines.local_stage import Gathered, LocalStage
from streamscope.engines.script import Ask
from streamscope.trace import Target

if TYPE_CHECKING:
    from tests.engines.serve.conftest import House

Within = Callable[[Callable[[], bool]], bool]
Opening = Callable[..., AbstractContextManager["House"]]

MESSAGES = [
    {"role": "system", "content": "You are brief."},
    {"role": "user", "content": "Name three rivers of Europe."},
]


@pytest.fixture(scope="module")
def real(opening: Opening, local_engine: Engine) -> Iterator["House"]:
    with opening(LocalStage(local_engine, queue=4, patience_s=20.0)) as house:
        yield house


def post(url: str, body: dict[str, Any]) -> Any:
    return urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode()))


def test_both_modes_say_the_same_and_count_the_same(real: "House", local_engine: Engine) -> None:
    options = {"num_predict": 12, "seed": 7, "temperature": 0.8}
    body = {"model": local_engine.target.model, "messages": MESSAGES, "options": options}
    with post(f"{real.url}/api/chat", body) as reply:
        *pieces, last = (json.loads(line) for line in reply)
        assert "x-simulated" not in reply.headers
    with post(f"{real.url}/api/chat", {**body, "stream": False}) as reply:
        whole = json.load(reply)
    assert "".join(piece["message"]["content"] for piece in pieces) == whole["message"]["content"]
    assert len(whole["message"]["content"]) > 12
    for done in (last, whole):
        assert (done["eval_count"], done["done_reason"]) == (12, "length")
        assert done["prompt_eval_count"] > 20, "both messages, with their roles"
        assert 0 < done["prompt_eval_duration"] < done["total_duration"]


def test_other_protocols_have_the_same_model(real: "House") -> None:
    asked = {"messages": MESSAGES, "max_tokens": 6, "seed": 7}
    with post(f"{real.url}/v1/chat/completions", asked) as reply:
        said = json.load(reply)["choices"][0]["message"]["content"]
    with post(
        f"{real.url}/v1/responses", {"input": MESSAGES, "max_output_tokens": 6, "seed": 7}
    ) as reply:
        assert json.load(reply)["output"][-1]["content"][0]["text"] == said
    query = "prompt=Why&max_tokens=6&seed=7"
    with urllib.request.urlopen(f"{real.url}/text/stream?{query}") as reply:
        text = reply.read().decode()
    with urllib.request.urlopen(f"{real.url}/v1/completions?{query}") as reply:
        assert json.load(reply)["text"] == text
    with urllib.request.urlopen(
        f"{real.url}/v1/completions/stream?{query}&tokens_per_chunk=3"
    ) as reply:
        events = [line for line in reply.read().split(b"\n\n") if b"token" in line]
    assert len(events) == 2
    assert "".join(json.loads(event[6:])["token"] for event in events) == text


def test_who_leaves_stops_the_model(real: "House", within: Within) -> None:
    path = "/text/stream?prompt=Tell+a+long+story&max_tokens=400"
    with socket.create_connection(real.address) as client:
        before = real.stage.made
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert within(lambda: real.stage.made > before)
    assert within(lambda: real.stage.present == 0)
    assert real.stage.made < before + 400


def test_people_are_told_what_answers(real: "House", local_engine: Engine) -> None:
    with urllib.request.urlopen(real.url) as reply:
        assert reply.read() == b"The streamscope server is running"
    page = urllib.request.Request(real.url, headers={"Accept": "text/html"})
    with urllib.request.urlopen(page) as reply:
        said = reply.read().decode()
    assert local_engine.caution in said
    assert "Simulated" not in said
    with urllib.request.urlopen(f"{real.url}/api/version") as reply:
        assert json.load(reply)["simulated"] is False


def test_a_model_that_is_gone_is_an_error_in_the_shape_of_the_protocol(
    opening: Opening, local_engine: Engine, free_port: int
) -> None:
    gone = Target(protocol="openai-chat", url=f"http://127.0.0.1:{free_port}/v1", model="gone")
    stage = LocalStage(dataclasses.replace(local_engine, target=gone), queue=4, patience_s=20.0)
    with opening(stage) as house:
        with pytest.raises(urllib.error.HTTPError) as refused:
            post(f"{house.url}/api/generate", {"model": "gone", "prompt": "Why?"})
        with refused.value as reply:
            assert reply.code == 500
            assert "the local model does not answer" in json.load(reply)["error"]


def test_what_the_model_refuses_is_told_in_its_words(
    opening: Opening, local_engine: Engine
) -> None:
    stranger = dataclasses.replace(local_engine, key="wrong")
    asked = {"model": local_engine.target.model, "messages": MESSAGES}
    with opening(LocalStage(stranger, queue=4, patience_s=20.0)) as house:
        with pytest.raises(urllib.error.HTTPError) as refused:
            post(f"{house.url}/api/chat", asked)
        with refused.value as reply:
            assert "API Key" in json.load(reply)["error"]


@pytest.mark.parametrize(
    ("ask", "sizes"),
    [
        ({}, [1, 1, 1, 1, 1, 1]),
        ({"tokens_per_chunk": 2}, [2, 1, 2, 1]),
        ({"batch_s": 0.02}, [3, 3]),
        ({"batch_s": 10.0}, [3, 3]),
    ],
)
def test_tokens_are_gathered_as_the_request_wants_it(ask: dict[str, Any], sizes: list[int]) -> None:
    gathered = Gathered(Ask(prompt="x", topic="x", **ask))
    pieces = []
    for place in range(6):
        kind = "reasoning" if place < 3 else "answer"
        pieces += gathered.add(kind, str(place), place * 10_000_000)  # type: ignore[arg-type] # one of both
    pieces += gathered.rest()
    assert [piece.tokens for piece in pieces] == sizes
    assert "".join(piece.text for piece in pieces) == "012345"
    assert (gathered.thinking, gathered.total) == (3, 6)
    assert gathered.rest() == []
