"""What people have set for other programs names servers here as well, in a known order."""

import pytest

from streamscope.engines.found import Candidate
from streamscope.engines.variables import candidates, llama_url, unusable, vendor_base


def test_the_order_is_ollama_openai_anthropic_llama_cpp() -> None:
    variables = {
        "LLAMA_ARG_PORT": "8081",
        "ANTHROPIC_BASE_URL": "https://gateway.example",
        "OPENAI_BASE_URL": "http://127.0.0.1:8000/v1/",
        "OLLAMA_HOST": ":1234",
    }
    assert candidates(variables) == (
        Candidate(url="http://127.0.0.1:1234", variable="OLLAMA_HOST"),
        Candidate(url="http://127.0.0.1:8000/v1", variable="OPENAI_BASE_URL"),
        Candidate(
            url="https://gateway.example", variable="ANTHROPIC_BASE_URL", protocol="anthropic"
        ),
        Candidate(url="http://127.0.0.1:8081", variable="LLAMA_ARG_PORT"),
    )
    assert unusable(variables) == []


def test_what_is_empty_is_not_set() -> None:
    empty = {"OLLAMA_HOST": " ", "OPENAI_BASE_URL": "", "LLAMA_ARG_HOST": " "}
    assert candidates({}) == candidates(empty) == ()
    assert unusable(empty) == []


def test_a_variable_that_names_no_server_is_left_out_and_told_of() -> None:
    variables = {"OPENAI_BASE_URL": "ftp://me:secret@example.com", "OLLAMA_HOST": "a b"}
    assert [each.variable for each in candidates(variables)] == ["OLLAMA_HOST"]
    problems = unusable(variables)
    assert [problem.split()[0] for problem in problems] == ["OLLAMA_HOST", "OPENAI_BASE_URL"]
    assert all(problem.endswith(".") for problem in problems)
    assert "secret" not in str(problems)


@pytest.mark.parametrize(
    ("host", "port", "url"),
    [
        ("", "", ""),
        ("", "9000", "http://127.0.0.1:9000"),
        ("0.0.0.0", "", "http://127.0.0.1:8080"),
        ("box.lan", "9000", "http://box.lan:9000"),
        ("::", "", "http://[::1]:8080"),
        ("::1", "", "http://[::1]:8080"),
        ("/run/llama.sock", "", ""),
    ],
)
def test_where_llama_cpp_was_told_to_listen(host: str, port: str, url: str) -> None:
    assert llama_url({"LLAMA_ARG_HOST": host, "LLAMA_ARG_PORT": port}) == url


def test_llama_cpp_may_have_its_routes_below_a_prefix() -> None:
    variables = {"LLAMA_ARG_PORT": "9000", "LLAMA_ARG_API_PREFIX": "/llm/"}
    assert llama_url(variables) == "http://127.0.0.1:9000/llm"


def test_a_vendors_key_belongs_to_the_base_that_its_variable_names() -> None:
    usual = "https://api.openai.com/v1"
    assert vendor_base({}, "OPENAI_BASE_URL", usual) == usual
    named = {"OPENAI_BASE_URL": "http://box:1/v1/"}
    assert vendor_base(named, "OPENAI_BASE_URL", usual) == "http://box:1/v1"
    assert vendor_base({"OPENAI_BASE_URL": "ftp://x"}, "OPENAI_BASE_URL", usual) == ""
