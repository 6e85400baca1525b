"""Commands as a shell starts them, a server that chats, and histories of made-up runs."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeAlias

import msgspec
import pytest
import pytest_asyncio

from streamscope.cli import main
from streamscope.history import History
from streamscope.measure.figures import measure
from streamscope.plan import Plan
from streamscope.trace import (
    ChannelName,
    Chunk,
    Mode,
    Request,
    Run,
    ServerTimings,
    Target,
    Tokens,
    Trace,
)

WORDS = ("Because ", "the ", "sky ", "scatters ", "blue.")
NS = 1_000_000_000
NEVER_BUSY = """
[trust]
lag_ms = 10_000
merged_lag_ms = 10_000
merged_share = 1
waited_share = 1
stolen_share = 1
throttled_share = 1
include_busy = true
"""


class Done(NamedTuple):
    """What a command left behind."""

    code: int | None
    out: str
    err: str


class Shell:
    """Starts commands as processes of their own."""

    async def begin(
        self, *argv: str, stdout: int = asyncio.subprocess.PIPE
    ) -> asyncio.subprocess.Process:
        """Start a command."""
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "streamscope",
            *argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=stdout,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
            env={**os.environ, "PYTHONWARNINGS": "default"},
        )

    async def end(self, process: asyncio.subprocess.Process, given: bytes = b"") -> Done:
        """Wait for its end."""
        out, err = await process.communicate(given)
        assert b"Traceback" not in err
        assert b"Warning" not in err
        assert b"Error" not in err
        return Done(process.returncode, (out or b"").decode(), err.decode())

    async def __call__(self, *argv: str, given: bytes = b"") -> Done:
        """Run a command to its end."""
        return await self.end(await self.begin(*argv), given)


@pytest.fixture
def configure(home: Path) -> Callable[[str], None]:
    """Write the config file, in which this machine is never too busy for a run to count.

    A run on a busy machine is made once more, and whether there is one is no test's to say.
    """

    def write(text: str) -> None:
        folder = home / "config"
        folder.mkdir(exist_ok=True)
        (folder / "config.toml").write_text(text + NEVER_BUSY)

    return write


@pytest.fixture
def shell(configure: Callable[[str], None], home: Path) -> Shell:
    if not (home / "config").exists():
        configure("")
    return Shell()


class Chat:
    """A server that answers each mode of openai-chat at once, as long as its gate is open.

    Attributes:
        url: Where it is.
        bodies: What it was asked, in order.
        asked: Set as soon as it was asked anything.
        gate: Answers wait for it.
        status: HTTP status of its answers.
        version: The version of Ollama that it says it is; empty for a server that says nothing.
    """

    def __init__(self) -> None:
        self.url = ""
        self.bodies: list[dict[str, object]] = []
        self.asked = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()
        self.status = 200
        self.version = ""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"POST"):
                writer.write(self._page(head))
                return
            size = next(
                int(line.partition(b":")[2])
                for line in head.lower().splitlines()
                if line.startswith(b"content-length:")
            )
            asked: dict[str, object] = msgspec.json.decode(await reader.readexactly(size))
            self.bodies.append(asked)
            self.asked.set()
            await self.gate.wait()
            kind, body = _stream() if asked.get("stream") else _whole()
            writer.write(
                b"HTTP/1.1 %d X\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n%b"
                % (self.status, kind, len(body), body)
            )
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    def _page(self, head: bytes) -> bytes:
        if not self.version or not head.startswith(b"GET /api/version "):
            return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
        body = msgspec.json.encode({"version": self.version})
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


def _stream() -> tuple[bytes, bytes]:
    pieces: list[dict[str, object]] = [
        {"choices": [{"index": 0, "delta": {"content": word}}]} for word in WORDS
    ]
    pieces.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    lines = [b"data: " + msgspec.json.encode(piece) for piece in pieces]
    return b"text/event-stream", b"\n\n".join([*lines, b"data: [DONE]", b""])


def _whole() -> tuple[bytes, bytes]:
    message = {"role": "assistant", "content": "".join(WORDS)}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return b"application/json", msgspec.json.encode({"choices": [choice]})


@pytest_asyncio.fixture(loop_scope="session")
async def chat() -> AsyncIterator[Chat]:
    """A server that chats; it ends with the test."""
    chat = Chat()
    server = await asyncio.start_server(chat.answer, "127.0.0.1", 0)
    chat.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield chat
        chat.gate.set()


Cli: TypeAlias = Callable[..., Done]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run a command in this process: what needs no server is quick this way."""

    def call(*argv: str) -> Done:
        capsys.readouterr()
        try:
            code: int | str | None = main(argv)
        except SystemExit as left:
            code = left.code
        assert not isinstance(code, str)
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return Done(code, out, err)

    return call


class Past:
    """Makes up runs and keeps them in the history of the test's home."""

    def __init__(self, history: History) -> None:
        self.history = history
        self._count = 0

    def id(self) -> str:
        """Return an id that no other run or comparison has, and no other begins like."""
        self._count += 1
        return f"{self._count:04x}".ljust(32, "a")

    def comparison(
        self,
        *,
        pairs: int = 6,
        prompt: str = "Why?",
        model: str = "tiny",
        first_s: float = 0.2,
        total_s: float = 2.0,
        plan: Plan | None = None,
        tokens: int = 100,
        engine: str = "",
        url: str = "http://127.0.0.1:9",
        version: str = "",
        against: str = "",
        modes: tuple[Mode, Mode] = ("stream", "blocking"),
    ) -> tuple[str, list[Run]]:
        """Keep a comparison; return its id and its runs. Its values differ a little each pair.

        B asks another model if there is one to be compared with, and is half as quick then.
        """
        name = self.id()
        if plan is not None:
            self.history.begin(name, plan).result()
        runs = []
        for pair in range(1, pairs + 1):
            channels: tuple[ChannelName, ...] = ("A", "B")
            for channel in channels:
                other = against if channel == "B" else ""
                slower = (2 if other else 1) * (1 + pair / 1000)
                mode = modes[channel == "B"]
                trace = _trace(mode, first_s * slower, total_s * slower, tokens)
                trace.started_utc = f"2026-05-{self._count % 28 + 1:02d}T10:{pair:02d}:00.000000Z"
                run = Run(
                    run_id=self.id(),
                    comparison_id=name,
                    channel=channel,
                    target=Target(protocol="openai-chat", url=url, model=other or model),
                    request=Request(prompt=prompt, seed=1),
                    trace=trace,
                    pair=pair,
                    engine=engine,
                    server_version=version,
                )
                self.history.save(run, measure(trace).values).result()
                runs.append(run)
        return name, runs


def _trace(mode: Mode, first_s: float, total_s: float, tokens: int) -> Trace:
    end = int(total_s * NS)
    first = int(first_s * NS)
    if mode == "stream":
        step = (end - first) // (len(WORDS) - 1)
        times = [first + step * index for index in range(len(WORDS))]
        chunks = [
            Chunk(t_ns, "answer", word, read)
            for read, (t_ns, word) in enumerate(zip(times, WORDS, strict=True))
        ]
    else:
        chunks = [Chunk(end, "answer", "".join(WORDS), 0)]
    return Trace(
        mode=mode,
        marks={"sent": 0, "done": end, "closed": end},
        chunks=chunks,
        tokens=Tokens(prompt=5, output=tokens),
        server=ServerTimings(decode_s=total_s - first_s, decode_tokens=tokens),
        ended="stop",
    )


@pytest.fixture
def past(home: Path) -> Iterator[Past]:
    """The history that commands of the test will find."""
    with History.open(home / "data" / "history.db") as history:
        yield Past(history)
