"""``OLLAMA_HOST`` is read as Ollama's own client reads it."""

import pytest

from streamscope.engines.ollama_host import parse_ollama_host


@pytest.mark.parametrize(
    ("value", "url"),
    [
        ("", "http://127.0.0.1:11434"),
        ("  ", "http://127.0.0.1:11434"),
        ("example.com", "http://example.com:11434"),
        ("10.0.0.5", "http://10.0.0.5:11434"),
        ("example.com:1234", "http://example.com:1234"),
        ("example.com:1234/", "http://example.com:1234"),
        (":1234", "http://127.0.0.1:1234"),
        ("http://example.com", "http://example.com:80"),
        ("https://example.com", "https://example.com:443"),
        ("http://example.com:1234", "http://example.com:1234"),
        ("https://example.com/ollama", "https://example.com:443/ollama"),
        ("example.com/ollama/", "http://example.com:11434/ollama"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:1234", "http://127.0.0.1:1234"),
        ("http://0.0.0.0:1234", "http://127.0.0.1:1234"),
        ("[::]", "http://[::1]:11434"),
        ("[::]:1234", "http://[::1]:1234"),
        ("::", "http://[::1]:11434"),
        ("::1", "http://[::1]:11434"),
        ("[::1]", "http://[::1]:11434"),
        ("[::1]:1234", "http://[::1]:1234"),
        ("https://[::1]:1234", "https://[::1]:1234"),
        ("ollama.com", "https://ollama.com:443"),
        ("example.com:66000", "http://example.com:11434"),
        ("example.com:-1", "http://example.com:11434"),
        ("example.com:port", "http://example.com:11434"),
        ("https://example.com:66000", "https://example.com:443"),
        ("example.com:", "http://example.com:11434"),
        ("example.com:65535", "http://example.com:65535"),
        (' "example.com:1234" ', "http://example.com:1234"),
        ("'10.0.0.5'", "http://10.0.0.5:11434"),
    ],
)
def test_a_value_leads_to_the_same_place_as_in_ollama(value: str, url: str) -> None:
    assert parse_ollama_host(value) == url
