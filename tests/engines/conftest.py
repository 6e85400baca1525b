"""Real weights, real servers, and ways to look at processes from outside."""

import asyncio
import json
import os
import subprocess
import sys
import textwrap
import urllib.error
import urllib.request
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from email.message import Message
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import platformdirs
import pytest

from streamscope.engines import local, weights
from streamscope.engines.detect import Fetch
from streamscope.engines.engine import Engine

T = TypeVar("T")

DEADLINE_S = 20.0
POLL_S = 0.02


class Reply(NamedTuple):
    """A whole HTTP reply."""

    status: int
    headers: Message
    body: bytes

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)

    @property
    def lines(self) -> list[Any]:
        """The body as NDJSON."""
        return [json.loads(line) for line in self.body.splitlines()]

    @property
    def events(self) -> list[Any]:
        """The body as server-sent events, the end mark left out."""
        blocks = self.body.decode().split("\n\n")
        assert blocks[-2:] == ["data: [DONE]", ""]
        return [json.loads(block.removeprefix("data: ")) for block in blocks[:-2]]


def _apart(work: Coroutine[Any, Any, T]) -> T:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


async def _eventually(condition: Callable[[], bool]) -> bool:
    for _ in range(round(DEADLINE_S / POLL_S)):
        if condition():
            return True
        await asyncio.sleep(POLL_S)
    return False


def _gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z"


async def _fetch(url: str, timeout_s: float) -> tuple[int, bytes]:
    def get() -> tuple[int, bytes]:
        try:
            with urllib.request.urlopen(url, timeout=timeout_s) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    return await asyncio.to_thread(get)


@pytest.fixture(scope="session")
def apart() -> Callable[[Coroutine[Any, Any, Any]], Any]:
    """Run a coroutine in a loop of its own, for fixtures that outlive the loop of a test."""
    return _apart


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], Coroutine[Any, Any, bool]]:
    """Poll until a condition holds; give up after a generous deadline."""
    return _eventually


@pytest.fixture
def gone() -> Callable[[int], bool]:
    """Tell whether a process has ended, reaped or not."""
    return _gone


@pytest.fixture
def fetch() -> Fetch:
    """GET as a caller of the engines would, over a real socket."""
    return _fetch


@pytest.fixture(scope="session")
def gguf() -> Path:
    """The real weights, downloaded once for all test runs of this machine."""
    named = os.environ.get("STREAMSCOPE_TEST_CACHE")
    cache = Path(named) if named else Path(platformdirs.user_cache_dir("streamscope-tests"))
    return _apart(weights.ensure(cache, lambda _progress: None))


@pytest.fixture(scope="session")
def local_engine(gguf: Path) -> Iterator[Engine]:
    """The real model, served by the real llama.cpp."""
    engine = _apart(local.start(gguf, report=lambda _phase: None))
    yield engine
    engine.close()


def _post(url: str, body: dict[str, Any], key: str | None = None) -> Reply:
    headers = {"Content-Type": "application/json"}
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=DEADLINE_S) as response:
            return Reply(response.status, response.headers, response.read())
    except urllib.error.HTTPError as error:
        with error:
            return Reply(error.code, error.headers, error.read())


@pytest.fixture(scope="session")
def post() -> Callable[..., Reply]:
    """POST JSON and wait for the whole reply."""
    return _post


@pytest.fixture
def parent() -> Iterator[Callable[[str], "subprocess.Popen[str]"]]:
    """Start another Python process that runs some code; whatever is left of it is killed."""
    started: list[subprocess.Popen[str]] = []

    def start(code: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(code)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
