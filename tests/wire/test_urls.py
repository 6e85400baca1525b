"""Addresses as people type them."""

import pytest

from streamscope.wire.urls import (
    gemini_url,
    is_public,
    lmstudio_url,
    ollama_url,
    openai_url,
    validate_url,
    without_credentials,
)


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("127.0.0.1:11434", "http://127.0.0.1:11434"),
        (" localhost:8000/v1/ ", "http://localhost:8000/v1"),
        ("http://HOST:8000//", "http://host:8000"),
        ("https://api.openai.com/v1", "https://api.openai.com/v1"),
        ("api.openai.com/v1", "https://api.openai.com/v1"),
        ("example.com:8000", "http://example.com:8000"),
        ("gpu-box", "http://gpu-box"),
        ("gpu.local/v1", "http://gpu.local/v1"),
        ("::1", "http://[::1]"),
        ("[::1]:8080/x", "http://[::1]:8080/x"),
        ("10.0.0.5", "http://10.0.0.5"),
        ("127.1", "http://127.1"),
        ("ws://127.0.0.1:8000/ws/", "ws://127.0.0.1:8000/ws"),
        ("WSS://host/chat", "wss://host/chat"),
        ("http://bücher.example:80/Pfad", "http://bücher.example:80/Pfad"),
        ("http://host:8000/docs#/default/stream", "http://host:8000/docs"),
        ("http://host/?", "http://host"),
        (
            "https://host/v1beta/models/g:streamGenerateContent?alt=sse",
            "https://host/v1beta/models/g:streamGenerateContent",
        ),
        (
            "https://x.openai.azure.com/openai/v1/chat/completions?api-version=preview",
            "https://x.openai.azure.com/openai/v1/chat/completions",
        ),
    ],
)
def test_plain_form(typed: str, url: str) -> None:
    assert validate_url(typed) == url
    assert validate_url(url) == url


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("", "empty"),
        ("  ", "empty"),
        ("http://a b", "spaces"),
        ("http://a\x1b[31m", "control"),
        ("ftp://host", "http://"),
        ("://host", "http://"),
        ("http://me:secret@host", "user name"),
        ("me:secret@host:80", "user name"),
        ("http://", "no server"),
        (":1234", "no server"),
        ("http://host:0", "port"),
        ("http://host:70000", "port"),
        ("host:port", "port"),
        ("http://host/v1?key=secret", "must not hold a key"),
        ("https://host/v1beta/models/g:streamGenerateContent?alt=sse&key=secret", "hold a key"),
        ("http://host/v1?api_key=secret", "must not hold a key"),
        ("http://host/v1?access-token=secret", "must not hold a key"),
        (
            "http://host/v1/?stream=secret#x",
            r"without \? and what follows it: http://host/v1, that",
        ),
        ("host:8000/v1?alt=sse", r"without \? and what follows it: http://host:8000/v1, that is"),
        (
            "https://x.openai.azure.com/openai/deployments/gpt/chat/completions?api-version=1",
            r"type https://x\.openai\.azure\.com/openai/v1, and gpt as the model \(--model\)",
        ),
        ("https://x.openai.azure.com?api-version=1", "and the deployment as the model"),
        ("http://x.example/openai/v1?api-version=1", "without"),
        ("http://[::1", "malformed"),
        ("http://ho<st", "characters"),
    ],
)
def test_refused_with_one_sentence(typed: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as caught:
        validate_url(typed)
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert "secret" not in sentence
    assert sentence.isprintable()


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("https://api.openai.com", True),
        ("http://8.8.8.8:1", True),
        ("http://localhost:1", False),
        ("http://my.localhost", False),
        ("http://127.0.0.1", False),
        ("http://127.1", False),
        ("http://8.8.2056", True),
        ("http://[::1]:1", False),
        ("http://192.168.1.2", False),
        ("http://100.64.0.1", False),
        ("http://gpu", False),
        ("http://gpu.internal", False),
    ],
)
def test_public(url: str, public: bool) -> None:
    assert is_public(url) is public


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("http://h:8000", "http://h:8000/v1/chat/completions"),
        ("http://h:8000/v1", "http://h:8000/v1/chat/completions"),
        ("http://h:8000/v1/", "http://h:8000/v1/chat/completions"),
        ("http://h:8000/v1/chat/completions", "http://h:8000/v1/chat/completions"),
        ("http://h/chat/completions", "http://h/chat/completions"),
        ("http://h/v1/models", "http://h/v1/chat/completions"),
        ("http://h/prefix", "http://h/prefix/v1/chat/completions"),
        ("https://h/openai/v1", "https://h/openai/v1/chat/completions"),
        ("https://h/v1beta/openai", "https://h/v1beta/openai/chat/completions"),
        ("https://v1.example.com", "https://v1.example.com/v1/chat/completions"),
    ],
)
def test_openai_routes(base: str, url: str) -> None:
    assert openai_url(base, "chat/completions") == url
    assert openai_url(base, "models") == url.replace("chat/completions", "models")


@pytest.mark.parametrize(
    "base",
    ["http://h:11434", "http://h:11434/", "http://h:11434/api", "http://h:11434/api/chat",
     "http://h:11434/api/generate"],
)  # fmt: skip
def test_ollama_routes(base: str) -> None:
    assert ollama_url(base, "chat") == "http://h:11434/api/chat"
    assert ollama_url(base, "tags") == "http://h:11434/api/tags"


def test_ollama_behind_a_path() -> None:
    assert ollama_url("https://h/ollama", "chat") == "https://h/ollama/api/chat"


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("https://h", "https://h/v1beta/models"),
        ("https://h/v1beta", "https://h/v1beta/models"),
        ("https://h/v1alpha/", "https://h/v1alpha/models"),
        ("https://h/v1/models", "https://h/v1/models"),
        ("https://h/v1beta/models/g:generateContent", "https://h/v1beta/models"),
        ("https://h/proxy", "https://h/proxy/v1beta/models"),
    ],
)
def test_gemini_routes(base: str, url: str) -> None:
    assert gemini_url(base, "models") == url


@pytest.mark.parametrize(
    "base", ["", "/", "/v1", "/api", "/api/v0", "/api/v1", "/api/v1/chat", "/api/v1/models"]
)
def test_lmstudio_routes(base: str) -> None:
    assert lmstudio_url(f"http://h:1234{base}", "chat") == "http://h:1234/api/v1/chat"
    assert lmstudio_url(f"https://h/lm{base}", "models") == "https://h/lm/api/v1/models"


def test_credentials_are_never_shown() -> None:
    shown = without_credentials("https://me:secret@h:1/v1?key=secret#secret")
    assert shown == "https://h:1/v1"
