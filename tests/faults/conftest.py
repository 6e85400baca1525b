"""How each protocol says the same things, so that one test covers all of them."""

import json
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import pytest_asyncio
import trustme

from streamscope.probe.client import Probe

if TYPE_CHECKING:
    from tests.conftest import Bench


def _sse(value: Any) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def _line(value: Any) -> bytes:
    return json.dumps(value).encode() + b"\n"


def _delta(text: str, reason: str | None = None) -> Any:
    return {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": reason}]}


class Speech(NamedTuple):
    """One protocol's words.

    Attributes:
        protocol: Its name.
        kind: Content type of its streams.
        path: Where it is asked.
        text: Makes a piece of text.
        finish: Names the reason why the text ended; empty where that is the end mark itself.
        end: Ends a stream.
        error: Reports an error inside a stream.
        garbage: Is not the protocol, but ends as a piece of it does.
        whole: Makes a blocking answer.
    """

    protocol: str
    kind: str
    path: bytes
    text: Callable[[str], bytes]
    finish: bytes
    end: bytes
    error: Callable[[str], bytes]
    garbage: bytes
    whole: Callable[[str], bytes]


_CHAT = Speech(
    protocol="openai-chat",
    kind="text/event-stream",
    path=b"/v1/chat/completions",
    text=lambda text: _sse(_delta(text)),
    finish=_sse(_delta("", "stop")),
    end=b"data: [DONE]\n\n",
    error=lambda words: _sse({"error": {"message": words}}),
    garbage=b'data: {"choices": [{"del\n\n',
    whole=lambda text: _line(
        {"choices": [{"index": 0, "message": {"content": text}, "finish_reason": "stop"}]}
    ),
)


def _ollama(protocol: str, path: bytes, piece: Callable[[str], dict[str, Any]]) -> Speech:
    last = {"done": True, "done_reason": "stop", "eval_count": 2}
    return Speech(
        protocol=protocol,
        kind="application/x-ndjson",
        path=path,
        text=lambda text: _line({**piece(text), "done": False}),
        finish=b"",
        end=_line({**piece(""), **last}),
        error=lambda words: _line({"error": words}),
        garbage=b'{"model": "m", "mess\n',
        whole=lambda text: _line({**piece(text), **last}),
    )


_OLLAMA_CHAT = _ollama("ollama-chat", b"/api/chat", lambda text: {"message": {"content": text}})
_OLLAMA_GENERATE = _ollama("ollama-generate", b"/api/generate", lambda text: {"response": text})


@pytest.fixture(params=[_CHAT, _OLLAMA_CHAT, _OLLAMA_GENERATE], ids=lambda each: each.protocol)
def speech(request: pytest.FixtureRequest) -> Speech:
    """The words of every protocol in turn."""
    assert isinstance(request.param, Speech)
    return request.param


@pytest.fixture
def chat() -> Speech:
    """The words of chat/completions, where the protocol does not matter."""
    return _CHAT


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def certified(authority: trustme.CA) -> ssl.SSLContext:
    """What a server with a certificate of the authority's needs."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def trusting_probe(
    authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Probe]:
    """A probe that trusts the authority, as a person would make it do so."""
    file: Path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    probe = Probe()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(file))
        await probe.start()
    yield probe
    await probe.close()


@pytest.fixture
def trusting(bench: "Bench", trusting_probe: Probe) -> "Bench":
    bench.probe = trusting_probe
    return bench
