"""Headers, and members that a person adds to a request."""

from typing import Any

import pytest

from streamscope.trace import Request, Target
from streamscope.wire.request import (
    effort,
    given,
    headers,
    merge,
    missing,
    taken_back,
    thinking_switch,
)


@pytest.mark.parametrize(
    ("body", "params", "merged"),
    [
        ({}, {"top_k": 5}, {"top_k": 5}),
        ({"a": 1}, {"a": 2}, {"a": 2}),
        ({}, {"options.num_ctx": 4096}, {"options": {"num_ctx": 4096}}),
        ({"options": {"seed": 1}}, {"options.num_ctx": 2}, {"options": {"seed": 1, "num_ctx": 2}}),
        ({"o": {"seed": 1}}, {"o": {"seed": 2, "n": 3}}, {"o": {"seed": 2, "n": 3}}),
        ({"a": {"b": {"c": 1}}}, {"a": {"b": {"d": 2}}}, {"a": {"b": {"c": 1, "d": 2}}}),
        ({"a": 1}, {"a.b.c": None}, {"a": {"b": {"c": None}}}),
        ({"a": {"b": 1}}, {"a": None}, {}),
        ({"a": {"b": 1, "c": 2}}, {"a.b": None, "a.d": None}, {"a": {"c": 2, "d": None}}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": None}}, {"a": {"c": 2}}),
        ({}, {"a": {"x": 1}, "a.y": 2}, {"a": {"x": 1, "y": 2}}),
    ],
)  # fmt: skip
def test_merge(body: dict[str, Any], params: dict[str, Any], merged: dict[str, Any]) -> None:
    merge(body, params)
    assert body == merged


def test_merge_leaves_the_request_alone() -> None:
    params = {"a": {"x": 1}, "a.y": 2}
    merge({}, params)
    assert params == {"a": {"x": 1}, "a.y": 2}


@pytest.mark.parametrize("name", ["seed", "options.seed", "generationConfig.seed"])
def test_what_a_null_takes_back_is_told(name: str) -> None:
    assert taken_back(Request(prompt="x", seed=7, params={name: None})) == ("seed",)
    assert taken_back(Request(prompt="x", seed=7, params={name: 8})) == ()
    assert taken_back(Request(prompt="x", params={name: None})) == ()


def test_other_names_of_what_is_taken_back() -> None:
    params = {"generationConfig.topP": None, "options.num_predict": None}
    asked = Request(prompt="x", top_p=0.5, max_tokens=9, params=params)
    assert taken_back(asked) == ("top_p", "max_tokens")


def test_headers() -> None:
    plain = headers("application/json", None)
    assert plain["Accept-Encoding"] == "identity"
    assert plain["Content-Type"] == "application/json"
    assert "Authorization" not in plain
    assert "Authorization" not in headers("x", "")
    assert headers("x", "k3y")["Authorization"] == "Bearer k3y"


def test_what_was_asked_for() -> None:
    names = ("system", "temperature", "seed", "stop", "think")
    assert missing(Request(prompt="x"), *names) == ()
    request = Request(prompt="x", system="", temperature=0.0, seed=0, stop=("a",), think=False)
    assert missing(request, *names) == names
    assert missing(request, "stop") == ("stop",)
    assert missing(Request(prompt="x", seed=7, params={"seed": 8}), "seed") == ()


def test_only_what_is_set_is_given() -> None:
    assert given({"a": None, "b": 0, "c": "", "d": [], "e": ["x"], "f": False}) == {
        "b": 0, "c": "", "e": ["x"], "f": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("think", "words", "on"),
    [(True, "medium", True), (False, "none", False), ("low", "low", True), ("none", "none", False)],
)
def test_thinking(think: bool | str, words: str, on: bool) -> None:
    assert effort(think) == words
    near, far = (Target(protocol="p", url=f"http://{host}") for host in ("10.0.0.5", "8.8.8.8"))
    assert thinking_switch(near, think) == {"chat_template_kwargs": {"enable_thinking": on}}
    assert thinking_switch(far, think) == {}
