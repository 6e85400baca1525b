"""Engine processes: they say when they are ready, keep secrets, and never outlive the app."""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest

from streamscope.engines import simulator
from streamscope.engines.child import Announcement, Child
from streamscope.engines.detect import Fetch
from streamscope.engines.engine import Engine, EngineError

Eventually = Callable[[Callable[[], bool]], Awaitable[bool]]
Gone = Callable[[int], bool]
Parent = Callable[[str], "Popen[str]"]

LLAMA = "streamscope.engines.llama_child"


def nothing(_phase: str) -> None:
    """Ignore a phase."""


def pid_of(engine: Engine) -> int:
    assert isinstance(engine.process, Child)
    return engine.process.pid


@pytest.fixture
def endless(tmp_path: Path) -> Path:
    """A model that can never be opened, so that loading it does not end: a FIFO."""
    path = tmp_path / "endless.gguf"
    os.mkfifo(path)
    return path


def loading(model: Path, key: str = "k") -> Child:
    configuration = {"gguf": str(model), "model": "m", "key": key}
    return Child(LLAMA, configuration, name="The model")


def shown_by_the_system(pid: int) -> bytes:
    """Return what other users' tools may see of a process."""
    return b"".join(Path(f"/proc/{pid}/{name}").read_bytes() for name in ("cmdline", "environ"))


async def test_close_ends_and_reaps_at_once_and_may_be_repeated_from_any_thread() -> None:
    engine = await simulator.start(report=nothing)
    pid = pid_of(engine)
    assert engine.alive
    engine.close()
    assert not engine.alive
    with pytest.raises(ProcessLookupError):  # not even a zombie
        os.kill(pid, 0)
    again = threading.Thread(target=engine.close)
    again.start()
    again.join()
    engine.close()


async def test_an_engine_that_dies_by_itself_is_seen_to_be_dead(eventually: Eventually) -> None:
    engine = await simulator.start(report=nothing)
    os.kill(pid_of(engine), signal.SIGKILL)
    assert await eventually(lambda: not engine.alive)
    engine.close()


async def test_an_interrupt_from_the_terminal_does_not_reach_an_engine(fetch: Fetch) -> None:
    engine = await simulator.start(report=nothing)
    try:
        os.kill(pid_of(engine), signal.SIGINT)
        status, _ = await fetch(f"{engine.target.url}/api/version", 10)
        assert status == 200
        assert engine.alive
    finally:
        engine.close()


async def test_a_silent_death_is_told_with_the_last_words() -> None:
    child = Child("streamscope.engines.no_such_child", {}, name="The thing")
    with pytest.raises(EngineError, match=r"The thing ended .*exit code 1.*No module named"):
        await child.announced(Announcement, 20)
    assert not child.alive


LATE = """
import time
from streamscope.engines.lifeline import Lifeline
line = Lifeline()
line.configuration(dict)
try:
    line.fail("It can't.")
finally:
    time.sleep(0.2)  # as a library does whose log is written by a thread of its own
    print("the disk is full")
"""


async def test_what_is_said_after_a_refusal_is_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "late_words.py").write_text(LATE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    child = Child("late_words", {}, name="The engine")
    with pytest.raises(EngineError, match=r"^It can't\.$"):
        await child.announced(Announcement, 20)
    assert child.last_lines == ["the disk is full"]


async def test_a_wrong_announcement_is_an_error() -> None:
    child = Child(
        "streamscope.engines.pip_child",
        {"arguments": ["--version"], "temporary": os.devnull},
        name="pip",
    )
    with pytest.raises(EngineError, match=r"pip announced itself wrongly: .*url"):
        await child.announced(Announcement, 20)


async def test_an_engine_that_never_gets_ready_is_given_up(endless: Path, gone: Gone) -> None:
    child = loading(endless)
    with pytest.raises(EngineError, match=r"The model was not ready after 0\.2 s\."):
        await child.announced(Announcement, 0.2)
    assert gone(child.pid)


async def test_a_cancelled_start_leaves_no_process(endless: Path, gone: Gone) -> None:
    child = loading(endless)
    waiting = asyncio.create_task(child.announced(Announcement, 60))
    await asyncio.sleep(0)  # it begins to wait
    assert not gone(child.pid)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert gone(child.pid)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_secrets_are_neither_in_the_arguments_nor_in_the_environment(endless: Path) -> None:
    child = loading(endless, key="s3cr3t-of-this-test")
    try:
        shown = shown_by_the_system(child.pid)
    finally:
        child.close()
    assert LLAMA.encode() in shown
    assert b"s3cr3t-of-this-test" not in shown


async def test_an_engine_ends_when_the_app_is_killed(
    parent: Parent, eventually: Eventually, gone: Gone
) -> None:
    app = parent(
        """
        import asyncio, time
        from streamscope.engines import simulator
        engine = asyncio.run(simulator.start(report=lambda phase: None))
        print(engine.process.pid, flush=True)
        time.sleep(600)
        """
    )
    pid = await first_number(app)
    assert not gone(pid)
    app.kill()
    assert await eventually(lambda: gone(pid))


async def first_number(process: "Popen[str]") -> int:
    stdout: Any = process.stdout
    line = await asyncio.to_thread(stdout.readline)
    assert line, "the app did not get that far"
    return int(line)
