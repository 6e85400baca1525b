"""People paste whole URLs: route and host say what is spoken there, before anybody is asked."""

import pytest

from streamscope.engines.addresses import Said, above, is_loopback, read, root_of, server_of

HERE = "http://127.0.0.1:8000"


@pytest.mark.parametrize(
    ("url", "base", "protocol"),
    [
        (HERE, HERE, ""),
        (f"{HERE}/v1", f"{HERE}/v1", ""),
        (f"{HERE}/v1/models", f"{HERE}/v1", ""),
        (f"{HERE}/v1/chat/completions", f"{HERE}/v1", "openai-chat"),
        (f"{HERE}/openai/v1/chat/completions", f"{HERE}/openai/v1", "openai-chat"),
        (f"{HERE}/v1/completions", f"{HERE}/v1", "openai-completions"),
        (f"{HERE}/v1/responses", f"{HERE}/v1", "openai-responses"),
        (f"{HERE}/v1/messages", HERE, "anthropic"),
        (f"{HERE}/gateway/v1/messages", f"{HERE}/gateway", "anthropic"),
        (f"{HERE}/completion", HERE, "llamacpp-completion"),
        (f"{HERE}/api/chat", HERE, "ollama-chat"),
        (f"{HERE}/api/generate", HERE, "ollama-generate"),
        (f"{HERE}/ollama/api/generate", f"{HERE}/ollama", "ollama-generate"),
        (f"{HERE}/api/tags", HERE, "ollama-chat"),
        (f"{HERE}/api/v1/chat", HERE, "lmstudio"),
        (f"{HERE}/v1/completions/stream", f"{HERE}/v1/completions/stream", "token-sse"),
        (f"{HERE}/generate_stream", f"{HERE}/generate_stream", "token-sse"),
        (f"{HERE}/stream", f"{HERE}/stream", "token-sse"),
        ("ws://127.0.0.1:8000/chat", "ws://127.0.0.1:8000/chat", "websocket"),
        ("wss://host/v1/responses", "wss://host/v1/responses", "websocket"),
        ("ws://127.0.0.1:8000/v1/x", "ws://127.0.0.1:8000/v1/x", "websocket"),
        ("wss://model.example", "wss://model.example", "websocket"),
        (f"{HERE}/upstream", f"{HERE}/upstream", ""),
        (f"{HERE}/docs", HERE, ""),
        (f"{HERE}/team/metrics", f"{HERE}/team", ""),
        (f"{HERE}/generate", f"{HERE}/generate", ""),
    ],
)
def test_a_route_names_protocol_and_base_at_once(url: str, base: str, protocol: str) -> None:
    assert read(url) == Said(base=base, protocol=protocol)


@pytest.mark.parametrize(
    ("url", "base", "protocol", "vendor"),
    [
        ("https://api.openai.com", "https://api.openai.com/v1", "openai-chat", "openai.com"),
        ("https://api.openai.com/v1", "https://api.openai.com/v1", "openai-chat", "openai.com"),
        (
            "https://API.OpenAI.com/v1/responses",
            "https://API.OpenAI.com/v1",
            "openai-responses",
            "openai.com",
        ),
        ("https://api.anthropic.com", "https://api.anthropic.com", "anthropic", "anthropic.com"),
        (
            "https://api.anthropic.com/v1/messages",
            "https://api.anthropic.com",
            "anthropic",
            "anthropic.com",
        ),
        (
            "https://generativelanguage.googleapis.com/v1beta",
            "https://generativelanguage.googleapis.com/v1beta",
            "gemini",
            "googleapis.com",
        ),
        (
            "https://generativelanguage.googleapis.com/v1beta/openai",
            "https://generativelanguage.googleapis.com/v1beta/openai",
            "openai-chat",
            "googleapis.com",
        ),
        ("https://ollama.com:443", "https://ollama.com:443", "ollama-chat", "ollama.com"),
        ("https://api.openai.com.example.com", "https://api.openai.com.example.com", "", None),
    ],
)
def test_a_vendor_is_known_by_its_host(
    url: str, base: str, protocol: str, vendor: str | None
) -> None:
    said = read(url)
    assert (said.base, said.protocol, said.vendor) == (base, protocol, vendor)


def test_a_route_of_gemini_names_the_model_too() -> None:
    root = "https://generativelanguage.googleapis.com/v1beta"
    for verb in ("generateContent", "streamGenerateContent"):
        assert read(f"{root}/models/gemini-x:{verb}") == Said(
            base=root, protocol="gemini", model="gemini-x", vendor="googleapis.com"
        )


@pytest.mark.parametrize(
    ("base", "root"),
    [
        (HERE, HERE),
        (f"{HERE}/v1", HERE),
        (f"{HERE}/api", HERE),
        (f"{HERE}/api/v1", HERE),
        (f"{HERE}/gateway/v1beta", f"{HERE}/gateway"),
        (f"{HERE}/v1/engine", f"{HERE}/v1/engine"),
    ],
)
def test_servers_keep_what_tells_them_apart_above_a_version(base: str, root: str) -> None:
    assert root_of(base) == root


def test_above_a_url_lies_what_leads_to_it_nearest_first() -> None:
    assert above(f"{HERE}/a/b") == [f"{HERE}/a", HERE]
    assert above(HERE) == []


def test_a_server_is_a_url_without_its_path() -> None:
    assert server_of(f"{HERE}/a/b") == server_of(HERE) == HERE


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:11434", True),
        ("http://127.9.9.9", True),
        ("http://[::1]:8080/v1", True),
        ("http://localhost:8080", True),
        ("http://LOCALHOST", True),
        ("http://api.localhost", True),
        ("http://127.1:8000", True),
        ("http://127.0.1", True),
        ("http://0x7f.1", True),
        ("http://2130706433:8000", True),
        ("http://[::ffff:127.0.0.1]:8000", True),
        ("http://0.0.0.0:8000", True),
        ("http://[::]:8000", True),
        ("http://128.1", False),
        ("http://127.1.example.com", False),
        ("http://192.168.0.2", False),
        ("http://localhost.example.com", False),
        ("http://127.0.0.1.example.com", False),
        ("http://[fe80::1]", False),
        ("https://api.openai.com/v1", False),
        ("http://user@127.0.0.1@example.com", False),
        ("", False),
    ],
)
def test_loopback_is_this_machine_and_nothing_that_looks_like_it(url: str, expected: bool) -> None:
    assert is_loopback(url) is expected
