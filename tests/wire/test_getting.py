"""The list of models is asked for with the key where each server looks for it."""

import pytest

from streamscope.wire.getting import headers
from streamscope.wire.registry import PROTOCOLS

URL = "https://model.example/v1/models"


@pytest.mark.parametrize(
    ("protocol", "url", "expected"),
    [
        ("openai-chat", URL, {"Authorization": "Bearer k"}),
        ("ollama-chat", URL, {"Authorization": "Bearer k"}),
        ("gemini", URL, {"x-goog-api-key": "k"}),
        (
            "anthropic",
            "https://api.anthropic.com/v1/models",
            {"x-api-key": "k", "anthropic-version": "2023-06-01"},
        ),
        (
            "anthropic",
            URL,
            {"x-api-key": "k", "anthropic-version": "2023-06-01", "Authorization": "Bearer k"},
        ),
    ],
)
def test_the_key_stands_where_it_is_looked_for(
    protocol: str, url: str, expected: dict[str, str]
) -> None:
    usual = {"Accept": "application/json", "Accept-Encoding": "identity"}
    assert headers(protocol, url, "k") == usual | expected


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_without_a_key_there_is_none(protocol: str) -> None:
    found = headers(protocol, URL, None)
    assert "Content-Type" not in found
    assert not {"Authorization", "x-api-key", "x-goog-api-key"} & set(found)
