"""Recorded responses, and decoders fed in every way in which bytes can arrive."""

import ast
import itertools
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from streamscope.trace import Mode, Target
from streamscope.wire.events import Event
from streamscope.wire.registry import protocol

DATA = Path(__file__).parent / "data"


@pytest.fixture
def load() -> Callable[[str], tuple[int, Mode, bytes]]:
    """Return status, mode and body of a recorded response; the notes around it taken away."""
    return _load


@pytest.fixture
def timeline() -> list[bytes]:
    """The body bytes of each read of one llama.cpp stream."""
    lines = (DATA / "llamacpp/stream_timeline_ms.txt").read_text().splitlines()
    reads = [ast.literal_eval(line.split(maxsplit=1)[1]) for line in lines[1:]]
    return [_dechunked(read) for read in reads if not read.startswith(b"HTTP/1.1 200")]


@pytest.fixture
def decode() -> Callable[[str, Mode, bytes], list[Event]]:
    """Decode a body whole, byte by byte and in pieces of seven: all three must agree."""
    return _decode


@pytest.fixture
def decode_split() -> Callable[[str, Mode, bytes], list[Event]]:
    """Decode a body whole and in two pieces, cut at every position: all must agree."""
    return _decode_split


@pytest.fixture
def target() -> Target:
    return Target(protocol="openai-chat", url="http://127.0.0.1:8000", model="m")


@pytest.fixture
def ollama() -> Target:
    return Target(protocol="ollama-chat", url="http://127.0.0.1:11434", model="qwen3:4b")


def _load(name: str) -> tuple[int, Mode, bytes]:
    raw = (DATA / f"{name}.txt").read_bytes()
    while raw.startswith((b"#", b"\n")):
        raw = raw.partition(b"\n")[2]
    head, _, body = raw.partition(b"\r\n\r\n")
    status_line, *fields = head.decode("latin-1").lower().split("\r\n")
    headers = dict(field.split(":", 1) for field in fields)
    if "content-length" in headers:
        body = body[: int(headers["content-length"])]
    before, _, last = body.rstrip(b"\n").rpartition(b"\n")
    if last.startswith((b"# curl", b"curl:")):
        body = before + b"\n"
    if "raw_chunked" in name:
        body = _dechunked(body)
    mode: Mode = "stream" if "event-stream" in headers["content-type"] else "blocking"
    return int(status_line.split()[1]), mode, body


def _dechunked(data: bytes) -> bytes:
    """Take HTTP's chunked framing away."""
    body = b""
    while data:
        size, _, rest = data.partition(b"\r\n")
        length = int(size, 16)
        body += rest[:length]
        data = rest[length + 2 :]
    return body


def _decode(name: str, mode: Mode, body: bytes) -> list[Event]:
    whole = _run(name, mode, [body])
    for size in (1, 7):
        assert _run(name, mode, [body[i : i + size] for i in range(0, len(body), size)]) == whole
    return whole


def _decode_split(name: str, mode: Mode, body: bytes) -> list[Event]:
    whole = _decode(name, mode, body)
    for at in range(len(body)):
        assert _run(name, mode, [body[:at], body[at:]]) == whole
    return whole


def _run(name: str, mode: Mode, reads: Sequence[bytes]) -> list[Event]:
    decoder = protocol(name).decoder(mode)
    events = list(itertools.chain.from_iterable(map(decoder.feed, reads)))
    return events + list(decoder.finish())
