"""The registry of protocols."""

import subprocess
import sys

import pytest

from streamscope.trace import Target
from streamscope.wire.registry import PROTOCOLS, protocol


def test_names() -> None:
    assert list(PROTOCOLS) == [
        "ollama-chat",
        "ollama-generate",
        "openai-chat",
        "openai-completions",
        "openai-responses",
        "llamacpp-completion",
        "anthropic",
        "gemini",
        "lmstudio",
        "token-sse",
        "token-sse-get",
        "text",
        "text-get",
        "websocket",
        "websocket-text",
    ]
    for name, speaker in PROTOCOLS.items():
        assert speaker.name == name
        assert speaker.label
        assert protocol(name) is speaker


def test_an_unknown_name_is_answered_with_those_that_exist() -> None:
    with pytest.raises(ValueError, match="openai-chat") as caught:
        protocol("gopher")
    assert "gopher" in str(caught.value)
    assert "ollama-chat" in str(caught.value)


@pytest.mark.parametrize("name", list(PROTOCOLS))
def test_every_protocol_says_what_an_error_means(name: str) -> None:
    target = Target(protocol=name, url="http://127.0.0.1:1", model="m")
    fault = protocol(name).fault(target, 404, b'{"detail":"Not Found"}')
    assert fault.code == "url"


def test_nothing_heavy_is_imported() -> None:
    code = (
        "import sys, streamscope.wire.registry\n"
        "print({'httpx', 'httpcore', 'textual', 'asyncio', 'ssl'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
