"""Saving returns at once and loses no run, while other threads and programs do the same."""

import asyncio
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from streamscope.history import Group, History, HistoryError, codec
from streamscope.history import insert as insert_module
from streamscope.trace import Run

MakeRun = Callable[..., Run]
WRITER = Path(__file__).with_name("writer_process.py")


@contextmanager
def writers(path: Path, processes: int, count: int) -> Iterator[list[subprocess.Popen[str]]]:
    """Start programs that save ``count`` runs each, all told to begin at the same moment."""
    started = [
        subprocess.Popen(
            [sys.executable, str(WRITER), str(path), str(count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(processes)
    ]
    try:
        for process in started:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in started:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        yield started
    finally:
        for process in started:
            process.kill()
            process.communicate()


def test_programs_that_start_at_once_on_a_new_file_lose_nothing(path: Path) -> None:
    """Each creates, migrates and writes; each run that was said to be saved is there."""
    with writers(path, processes=3, count=40) as processes:
        said = [line.strip() for process in processes for line in process.communicate()[0].split()]
        assert [process.returncode for process in processes] == [0, 0, 0]

    assert len(said) == 120
    with History.open(path) as history:
        assert history.notice == ""
        assert {row.run_id for row in history.recent(1000)} == set(said)
        assert history.count() == 120
        # What is kept beside the runs is right as well.
        (group,) = history.groups()
        assert (group.runs, group.pairs) == (120, 0)
        assert len(history.comparisons(1000)) == 120


def test_a_killed_program_leaves_every_run_that_it_said_was_saved(path: Path) -> None:
    with writers(path, processes=1, count=0) as (process,):
        assert process.stdout is not None
        said = [process.stdout.readline().strip() for _ in range(15)]
        process.kill()
        said += process.stdout.read().split()

    with History.open(path) as history:
        assert history.notice == ""
        for run_id in said:
            assert len(history.load(run_id).trace.chunks) == 200
        # At most one more: saved, and killed before it was said.
        assert history.count() - len(said) in (0, 1)


def test_every_file_is_for_its_owner_alone(path: Path, make_run: MakeRun, umask: None) -> None:
    with History.open(path) as history:
        history.save(make_run(), {}).result()

        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
        assert modes == dict.fromkeys(["history.db", "history.db-wal", "history.db-shm"], 0o600)
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.fixture(params=[0o000, 0o022, 0o077, 0o177], ids=oct)
def umask(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[None]:
    """Run under each of several umasks, also one that would open everything to everybody."""
    before = os.umask(request.param)
    yield
    os.umask(before)


def test_a_file_that_others_could_read_is_closed_to_them(path: Path) -> None:
    History.open(path).close()
    path.chmod(0o644)

    History.open(path).close()

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_closing_writes_what_is_queued(path: Path, make_run: MakeRun) -> None:
    history = History.open(path)
    futures = [history.save(make_run(), {"a": 1.0}) for _ in range(50)]

    history.close()

    assert all(future.done() and future.exception() is None for future in futures)
    with History.open(path) as history:
        assert history.count() == 50


def test_a_closed_history_says_so(path: Path, make_run: MakeRun) -> None:
    history = History.open(path)
    history.close()
    history.close()

    with pytest.raises(HistoryError, match="is closed"):
        history.save(make_run(), {}).result()
    with pytest.raises(HistoryError, match="is closed"):
        history.count()


def test_closing_waits_no_longer_than_told(
    path: Path, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()
    encode = codec.encode_trace
    monkeypatch.setattr(
        insert_module, "encode_trace", lambda trace: release.wait() and encode(trace)
    )
    history = History.open(path)
    # Whatever opening it had to write is done, too.
    history.undo().result()
    futures = [history.save(make_run(), {}) for _ in range(2)]

    with pytest.raises(HistoryError, match=r"2 changes could not be written .* within 0 s"):
        history.close(timeout=0)

    release.set()
    history.close()
    assert [future.result() for future in futures] == [None, None]


def test_a_save_survives_the_task_that_waits_for_it(path: Path, make_run: MakeRun) -> None:
    """Stopping a comparison cancels its task; the partial run is kept all the same."""

    async def stopped() -> None:
        waiting = asyncio.ensure_future(asyncio.wrap_future(history.save(run, {})))
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    run = make_run(ended="cancelled")
    with History.open(path) as history:
        asyncio.run(stopped())

    with History.open(path) as history:
        assert history.load(run.run_id) == run


def test_one_failure_does_not_stop_the_writer(history: History, make_run: MakeRun) -> None:
    run = make_run()
    first, again, other = (history.save(each, {}) for each in (run, run, make_run()))

    assert isinstance(again.exception(), HistoryError)
    assert (first.result(), other.result()) == (None, None)
    assert history.count() == 2


def test_what_fails_halfway_is_not_saved_at_all(
    history: History, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(trace: object) -> bytes:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(insert_module, "encode_trace", broken)
        with pytest.raises(MemoryError):
            history.save(make_run(), {"a": 1.0}).result()

    assert (history.count(), history.recent(10), history.prompts()) == (0, [], [])


def test_any_thread_may_read_while_runs_are_written(history: History, make_run: MakeRun) -> None:
    runs = [make_run(mode) for _ in range(30) for mode in ("stream", "blocking")]
    group = Group.of(runs[0])

    def read(_: int) -> int:
        listed = history.recent(1000, group)
        by_mode = history.values(group, ["a"])
        for row in listed[:3]:
            assert history.load(row.run_id).trace.ok
        assert all(len(one.values["a"]) == one.n for one in by_mode.values())
        return len(listed)

    with ThreadPoolExecutor(4) as threads:
        reads = [threads.submit(read, number) for number in range(40)]
        futures = [history.save(run, {"a": 1.0}) for run in runs]
        assert all(read.result() <= len(runs) for read in reads)

    assert [future.result() for future in futures] == [None] * len(runs)
    assert history.count() == len(runs)


def test_the_figures_are_those_at_the_time_of_saving(history: History, make_run: MakeRun) -> None:
    figures: dict[str, float | None] = {"a": 1.0}
    future = history.save(make_run(), figures)
    figures["a"] = 2.0
    future.result()

    assert history.recent(1)[0].figures == {"a": 1.0}
