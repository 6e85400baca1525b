"""What all tests share: no trace of the person at the machine, one probe, a server that obeys."""

import asyncio
import contextlib
import gc
import socket
import ssl
import struct
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any, Literal, TypeAlias

import hypothesis
import pytest
import pytest_asyncio

from streamscope.probe.client import Probe
from streamscope.probe.messages import Limits, Start
from streamscope.trace import Chunk, Mode, Request, Target, Trace

# How long an example takes says something about the machine, not about the code.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

PRIVATE = (
    "ALL_PROXY",
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "ANTHROPIC_BASE_URL",
    "GEMINI_API_KEY",
    "GOOGLE_API_KEY",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "LLAMA_API_KEY",
    "LLAMA_ARG_API_PREFIX",
    "LLAMA_ARG_HOST",
    "LLAMA_ARG_PORT",
    "LM_API_TOKEN",
    "NO_PROXY",
    "OLLAMA_API_KEY",
    "OLLAMA_HOST",
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "OPENAI_ORG_ID",
    "OPENAI_PROJECT_ID",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "STREAMSCOPE_API_KEY",
    "STREAMSCOPE_HOME",
    "VLLM_API_KEY",
)
"""What the environment says about the person at this machine."""

LIMITS = Limits(connect_s=5.0, stall_s=20.0, total_s=30.0)
"""Bounds that no healthy run here comes near."""

Framing: TypeAlias = Literal["chunked", "close", "length", "raw"]
"""How a scripted body is delimited; ``raw`` writes the steps as they are, head and all."""

Step: TypeAlias = bytes | asyncio.Event | Literal["cut", "left", "reset", "seen"]
"""What a scripted server does next.

Bytes are written; an event is waited for; ``seen`` waits until the client has reported text,
``left`` until it has closed the connection; ``cut`` closes without ending the body, ``reset``
does so with a TCP reset.
"""


def pytest_collection_finish() -> None:
    """Let the garbage collector pass over all that was imported and collected: it stays."""
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _nobody() -> Iterator[None]:
    """Hide proxies, servers and keys of whoever runs the tests, from child processes too."""
    with pytest.MonkeyPatch.context() as patch:
        for name in PRIVATE:
            patch.delenv(name, raising=False)
            patch.delenv(name.lower(), raising=False)
        yield


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own for every test: the person's config and history are never touched."""
    path = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("STREAMSCOPE_HOME", str(path))
    return path


class Scripted:
    """A server that plays one script to everybody who asks.

    Attributes:
        url: Where it is.
        requests: Heads and bodies of the requests, in order.
        asked: Set when a request is complete.
        seen: To be set by the client when it has reported text.
        left: Set when a client closed the connection before the script did.
        wrote_ns: Monotonic times just before and just after each write of a body.
    """

    def __init__(self, steps: Sequence[Step], head: bytes, framing: Framing, method: bytes) -> None:
        self._steps = steps
        self._method = method
        self._head = head
        self._framing = framing
        self.url = ""
        self.requests: list[tuple[bytes, bytes]] = []
        self.asked = asyncio.Event()
        self.seen = asyncio.Event()
        self.left = asyncio.Event()
        self.wrote_ns: list[tuple[int, int]] = []

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Play the script on one connection."""
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                if await self._hear(reader):
                    await self._play(reader, writer)
                else:
                    writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _hear(self, reader: asyncio.StreamReader) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            (
                int(line.partition(b":")[2])
                for line in head.splitlines()
                if line.lower().startswith(b"content-length:")
            ),
            0,
        )
        if not head.startswith(self._method):
            return False
        self.requests.append((head, await reader.readexactly(length)))
        self.asked.set()
        return True

    async def _play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._framing != "raw":
            writer.write(self._head)
        for step in self._steps:
            if isinstance(step, bytes):
                before = time.monotonic_ns()
                writer.write(b"%x\r\n%b\r\n" % (len(step), step) if self._chunked else step)
                await writer.drain()
                self.wrote_ns.append((before, time.monotonic_ns()))
            elif isinstance(step, asyncio.Event):
                await step.wait()
            elif step == "seen":
                await self.seen.wait()
            elif step == "left":
                with contextlib.suppress(ConnectionError):
                    assert await reader.read() == b""
                self.left.set()
            elif step == "reset":
                sock = writer.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
                return
            else:
                return
        if self._chunked:
            writer.write(b"0\r\n\r\n")

    @property
    def _chunked(self) -> bool:
        return self._framing == "chunked"


class Bench:
    """Puts a scripted server and the real probe together."""

    def __init__(self, probe: Probe, stack: contextlib.AsyncExitStack) -> None:
        self.probe = probe
        self._stack = stack

    async def serve(
        self,
        steps: Sequence[Step],
        *,
        status: int = 200,
        kind: str = "text/event-stream",
        framing: Framing = "chunked",
        headers: dict[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
        method: bytes = b"",
    ) -> Scripted:
        """Start a server that plays ``steps`` as the body of its answer; it ends with the test.

        Requests of another method than ``method``, if one is given, get a 404.
        """
        length = sum(len(step) for step in steps if isinstance(step, bytes))
        delimiter = {"chunked": "Transfer-Encoding: chunked", "length": f"Content-Length: {length}"}
        lines = [
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
            f"Content-Type: {kind}",
            delimiter.get(framing, "Connection: close"),
            *(f"{name}: {value}" for name, value in (headers or {}).items()),
        ]
        head = "".join(f"{line}\r\n" for line in [*lines, ""]).encode()
        scripted = Scripted(steps, head, framing, method)
        server = await asyncio.start_server(scripted.answer, "127.0.0.1", 0, ssl=tls)
        await self._stack.enter_async_context(server)
        port = server.sockets[0].getsockname()[1]
        scripted.url = f"http{'s' if tls else ''}://127.0.0.1:{port}"
        return scripted

    async def run(
        self,
        server: Scripted | str,
        *,
        protocol: str = "openai-chat",
        mode: Mode = "stream",
        limits: Limits = LIMITS,
        listener: Callable[[Trace, list[Chunk]], None] | None = None,
        **more: Any,
    ) -> Trace:
        """Run one request through the probe; ``more`` are further members of its command."""

        def note(trace: Trace, new: list[Chunk]) -> None:
            if new and isinstance(server, Scripted):
                server.seen.set()
            if listener is not None:
                listener(trace, new)

        command = Start(
            run_id=more.pop("run_id", uuid.uuid4().hex),
            target=Target(
                protocol=protocol,
                url=server if isinstance(server, str) else server.url,
                model="tiny",
            ),
            request=more.pop("request", Request(prompt="Why?")),
            mode=mode,
            limits=limits,
            **more,
        )
        return await self.probe.run(command, note)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def probe() -> AsyncIterator[Probe]:
    """The real measuring process, one for all tests: starting it takes a moment."""
    probe = Probe()
    yield probe
    await probe.close()


@pytest_asyncio.fixture(loop_scope="session")
async def bench(probe: Probe) -> AsyncIterator[Bench]:
    """Scripted servers, and runs against them."""
    async with contextlib.AsyncExitStack() as stack:
        yield Bench(probe, stack)


@pytest.fixture
def free_port() -> int:
    """A port of this machine on which nobody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port
