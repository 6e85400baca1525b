"""The measuring process: it outlives faults, dies with its parent, and keeps runs apart."""

import asyncio
import gc
import os
import signal
import sys
import textwrap
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from streamscope.probe import client, liveness, messages
from streamscope.probe.client import Probe, ProbeError
from streamscope.trace import Chunk, Request, Trace

if TYPE_CHECKING:
    from tests.conftest import Bench

pytestmark = pytest.mark.asyncio(loop_scope="session")

DONE = b"data: [DONE]\n\n"
DEADLINE_S = 20.0


def delta(text: str) -> bytes:
    return b'data: {"choices":[{"index":0,"delta":{"content":"%b"}}]}\n\n' % text.encode()


def alive(pid: int) -> bool:
    """Whether a process runs; one that ended and waits to be collected does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


def public(pid: int | None) -> bytes:
    """Return what other people's processes may see of a process."""
    return b"".join(
        path.read_bytes()
        for path in (Path(f"/proc/{pid}/cmdline"), Path(f"/proc/{pid}/environ"))
        if path.exists()
    )


async def gone(pid: int) -> bool:
    """Wait until a process has ended; no event tells of one that is not our child."""
    deadline = time.monotonic() + DEADLINE_S
    while alive(pid) and time.monotonic() < deadline:  # noqa: ASYNC110 (see above)
        await asyncio.sleep(0.01)
    return not alive(pid)


@pytest_asyncio.fixture(loop_scope="session")
async def own_probe(bench: "Bench") -> AsyncIterator[Probe]:
    """A probe that this test may kill."""
    probe = Probe()
    bench.probe = probe
    yield probe
    await probe.close()


async def test_a_killed_probe_ends_its_run_and_is_replaced(
    bench: "Bench", own_probe: Probe
) -> None:
    def kill(trace: Trace, new: list[Chunk]) -> None:
        if new:
            assert own_probe.pid is not None
            os.kill(own_probe.pid, signal.SIGKILL)

    server = await bench.serve([delta("kept"), "left"])
    await own_probe.start()
    first = own_probe.pid
    trace = await bench.run(server, listener=kill)
    assert trace.ended == "error"
    assert trace.fault is not None
    assert trace.fault.code == "probe"
    assert trace.fault.sentence.endswith(".")
    assert trace.text() == "kept"
    assert trace.marks["headers"] > 0
    await server.left.wait()

    healthy = await bench.serve([delta("again"), DONE])
    assert (await bench.run(healthy)).text() == "again"
    assert own_probe.pid != first


async def test_a_probe_that_is_killed_between_runs_is_replaced(
    bench: "Bench", own_probe: Probe
) -> None:
    await own_probe.start()
    assert own_probe.pid is not None
    os.kill(own_probe.pid, signal.SIGKILL)
    # Whether its end is noticed before or after the command is written, nobody waits for ever.
    server = await bench.serve([delta("text"), DONE])
    trace = await bench.run(server)
    assert trace.ended == "stop" or (trace.fault is not None and trace.fault.code == "probe")
    assert (await bench.run(server)).ended == "stop"


async def test_a_probe_that_is_stopped_is_given_up_and_replaced(
    bench: "Bench", own_probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says nothing, as when the server thinks; nobody may wait for it for ever."""
    monkeypatch.setattr(liveness, "ASK_S", 0.01)

    def stop(trace: Trace, new: list[Chunk]) -> None:
        if new:
            assert own_probe.pid is not None
            os.kill(own_probe.pid, signal.SIGSTOP)

    server = await bench.serve([delta("kept"), "left"])
    trace = await bench.run(server, listener=stop)
    assert (trace.ended, trace.text()) == ("error", "kept")
    assert trace.fault is not None
    assert trace.fault.code == "probe"
    assert "did not answer" in trace.fault.sentence
    healthy = await bench.serve([delta("again"), DONE])
    assert (await bench.run(healthy)).text() == "again"


async def test_a_probe_whose_server_says_nothing_is_not_given_up(
    bench: "Bench", own_probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(liveness, "ASK_S", 0.001)
    monkeypatch.setattr(liveness, "UNANSWERED", 10**9)
    asked = asyncio.Event()
    questions = 0
    send = own_probe._send

    def count(frame: bytes) -> None:
        nonlocal questions
        questions += frame == messages.frame(messages.Ping())
        if questions == 20:
            asked.set()
        send(frame)

    monkeypatch.setattr(own_probe, "_send", count)
    server = await bench.serve([delta("One "), asked, delta("two"), DONE])
    trace = await bench.run(server)
    assert (trace.ended, trace.text()) == ("stop", "One two")


async def test_one_that_never_gets_ready_is_given_up(
    own_probe: Probe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text("import threading\nthreading.Event().wait()\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(client, "START_S", 0.1)
    with pytest.raises(ProbeError, match="was not ready within"):
        await own_probe.start()
    assert own_probe.pid is not None
    assert await gone(own_probe.pid)


async def test_ctrl_c_does_not_end_it(bench: "Bench", own_probe: Probe) -> None:
    def interrupt(trace: Trace, new: list[Chunk]) -> None:
        if new:
            assert own_probe.pid is not None
            os.kill(own_probe.pid, signal.SIGINT)
            go_on.set()

    go_on = asyncio.Event()
    server = await bench.serve([delta("One "), go_on, delta("two"), DONE])
    trace = await bench.run(server, listener=interrupt)
    assert (trace.ended, trace.text()) == ("stop", "One two")


async def test_it_leaves_when_its_parent_is_killed() -> None:
    code = """
        import asyncio
        from streamscope.probe.client import Probe

        async def main():
            probe = Probe()
            await probe.start()
            print(probe.pid, flush=True)
            await asyncio.Event().wait()

        asyncio.run(main())
    """
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", textwrap.dedent(code), stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    pid = int(await parent.stdout.readline())
    assert alive(pid)
    parent.kill()
    await parent.communicate()
    assert await gone(pid)


async def test_closing_ends_the_process_and_whoever_waits(bench: "Bench", own_probe: Probe) -> None:
    closing: list[asyncio.Task[None]] = []

    def close(trace: Trace, new: list[Chunk]) -> None:
        if new:
            closing.append(asyncio.create_task(own_probe.close()))

    server = await bench.serve([delta("kept"), "left"])
    trace = await bench.run(server, listener=close)
    await asyncio.gather(*closing)
    assert (trace.ended, trace.text()) == ("error", "kept")
    assert own_probe.pid is not None
    assert not alive(own_probe.pid)
    with pytest.raises(ProbeError):
        await bench.run(server)
    await own_probe.close()


async def test_closing_while_it_starts_leaves_nothing_behind(own_probe: Probe) -> None:
    starting = asyncio.create_task(own_probe.start())
    await asyncio.sleep(0)
    await own_probe.close()
    with pytest.raises(ProbeError):
        await starting
    assert own_probe.pid is None or await gone(own_probe.pid)


async def test_one_that_cannot_start_says_why(
    own_probe: Probe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text("import os, sys\nsys.exit('no luck today')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(ProbeError, match=r"did not start: .*no luck today"):
        await own_probe.start()


async def test_nobody_complains_of_a_start_that_nobody_waits_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when Ctrl-C comes while the process starts."""
    (tmp_path / "sitecustomize.py").write_text("import os\nos.read(0, 1)\nos._exit(1)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    probe = Probe()
    complaints: list[dict[str, object]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: complaints.append(context))
    try:
        starting = asyncio.create_task(probe.start())
        while probe.pid is None:  # noqa: ASYNC110 (nothing tells of it but the process id)
            await asyncio.sleep(0.01)
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        await probe.close()
        del probe, starting
        gc.collect()
    finally:
        loop.set_exception_handler(None)
    assert complaints == []


async def test_a_stray_print_cannot_break_a_frame(
    bench: "Bench", own_probe: Probe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Prints whenever something connects: while priming, and in the middle of a run.
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys\n"
        "def hook(event, args):\n"
        "    if event == 'socket.connect':\n"
        "        print('stray', flush=True)\n"
        "        os.write(1, b'words')\n"
        "sys.addaudithook(hook)\n"
        "print('early', flush=True)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    server = await bench.serve([delta("text"), DONE])
    assert (await bench.run(server)).text() == "text"


async def test_a_flood_of_complaints_holds_up_nothing(
    bench: "Bench", own_probe: Probe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # More than a pipe holds, and without a single line end.
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys\n"
        "def hook(event, args):\n"
        "    if event == 'socket.connect':\n"
        "        os.write(2, b'x' * 300_000)\n"
        "sys.addaudithook(hook)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    server = await bench.serve([delta("text"), DONE])
    assert (await bench.run(server)).text() == "text"


@pytest.mark.parametrize(("ending", "times"), [("await probe.close()", 4), ("return", 1)])
async def test_it_leaves_no_complaint_behind(ending: str, times: int) -> None:
    """Neither of unclosed pipes nor of children whose end the event loop missed."""
    code = f"""
        import asyncio
        from streamscope.probe.client import Probe

        async def main():
            probe = Probe()
            await probe.start()
            {ending}

        for _ in range({times}):
            asyncio.run(main())
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-Wdefault",
        "-c",
        textwrap.dedent(code),
        stderr=asyncio.subprocess.PIPE,
    )
    _, err = await process.communicate()
    assert (process.returncode, err) == (0, b"")


async def test_cancelling_closes_the_connection_and_keeps_what_came(bench: "Bench") -> None:
    def cancel(trace: Trace, new: list[Chunk]) -> None:
        if new:
            bench.probe.cancel("c")
            bench.probe.cancel("c")

    server = await bench.serve([delta("kept"), "left"])
    trace = await bench.run(server, run_id="c", listener=cancel)
    assert (trace.ended, trace.fault, trace.text()) == ("cancelled", None, "kept")
    assert trace.marks["cancelled"] >= trace.chunks[-1].t_ns
    await server.left.wait()


async def test_cancelling_before_anything_was_answered(bench: "Bench") -> None:
    server = await bench.serve(["left"], framing="raw")
    run = asyncio.create_task(bench.run(server, run_id="c"))
    await server.asked.wait()
    bench.probe.cancel("c")
    trace = await run
    assert (trace.ended, trace.chunks) == ("cancelled", [])
    await server.left.wait()


async def test_cancelling_in_the_same_breath(bench: "Bench") -> None:
    """Both commands reach the process together, before the run could take its first step."""
    server = await bench.serve(["left"], framing="raw")
    await bench.probe.start()
    run = asyncio.create_task(bench.run(server, run_id="c"))
    while not run.done():
        bench.probe.cancel("c")
        await asyncio.sleep(0)
    assert run.result().ended == "cancelled"


async def test_cancelling_while_the_process_starts(bench: "Bench", own_probe: Probe) -> None:
    server = await bench.serve([DONE])
    run = asyncio.create_task(bench.run(server, run_id="c"))
    await asyncio.sleep(0)
    own_probe.cancel("c")
    assert (await run).ended == "cancelled"
    assert server.requests == []


async def test_a_cancelled_waiter_cancels_its_run(bench: "Bench") -> None:
    server = await bench.serve([delta("lost"), "left"])
    run = asyncio.create_task(bench.run(server))
    await server.seen.wait()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    await server.left.wait()


async def test_cancelling_what_is_over_does_nothing(bench: "Bench") -> None:
    server = await bench.serve([delta("text"), DONE])
    await bench.run(server, run_id="over")
    bench.probe.cancel("over")
    bench.probe.cancel("never")
    assert (await bench.run(server)).ended == "stop"


async def test_two_runs_at_once_do_not_mix(bench: "Bench") -> None:
    both = asyncio.Event()
    left = await bench.serve([delta("a"), "seen", both, delta("A"), DONE])
    right = await bench.serve([delta("b"), "seen", both, delta("B"), DONE])
    runs = asyncio.gather(bench.run(left), bench.run(right))
    await left.seen.wait()
    await right.seen.wait()
    both.set()
    first, second = await runs
    assert (first.text(), second.text()) == ("aA", "bB")
    assert first.sent_monotonic_ns != second.sent_monotonic_ns


async def test_a_listener_that_fails_fails_its_own_run_only(bench: "Bench") -> None:
    def fail(trace: Trace, new: list[Chunk]) -> None:
        if new:
            raise LookupError("the pane is gone")

    server = await bench.serve([delta("text"), "left"])
    with pytest.raises(LookupError, match="the pane is gone"):
        await bench.run(server, listener=fail)
    await server.left.wait()
    healthy = await bench.serve([delta("text"), DONE])
    assert (await bench.run(healthy)).text() == "text"


@pytest.mark.parametrize("bad", [Request(prompt="\udcff"), Request(prompt="x", seed=2**70)])
async def test_a_request_that_cannot_be_encoded(bench: "Bench", bad: Request) -> None:
    trace = await bench.run("http://127.0.0.1:9", request=bad)
    assert trace.fault is not None
    assert trace.fault.code == "request"
    assert trace.fault.sentence.isprintable()


async def test_a_page_is_fetched(bench: "Bench") -> None:
    server = await bench.serve([b'{"models": []}'], kind="application/json")
    status, body = await bench.probe.fetch(server.url + "/api/tags", headers={"X-Who": "me"})
    assert (status, body) == (200, b'{"models": []}')
    head = server.requests[0][0]
    assert head.startswith(b"GET /api/tags HTTP/1.1\r\n")
    assert b"me" in head


async def test_a_fetch_follows_nothing(bench: "Bench") -> None:
    elsewhere = await bench.serve([b"secret"])
    server = await bench.serve([], status=302, headers={"Location": elsewhere.url})
    assert (await bench.probe.fetch(server.url))[0] == 302
    assert elsewhere.requests == []


async def test_a_fetch_that_fails_raises(bench: "Bench", free_port: int) -> None:
    silent = await bench.serve(["left"], framing="raw")
    endless = await bench.serve([b"x" * 65536] * 17 + ["left"])
    for url in (
        f"http://127.0.0.1:{free_port}",
        silent.url,
        endless.url,
        "http://nowhere.invalid",
        "gopher://127.0.0.1",
        "http://[",
    ):
        with pytest.raises(OSError, match=r"\w"):
            await bench.probe.fetch(url, timeout_s=0.2)


async def test_the_key_goes_to_the_server_and_nowhere_else(bench: "Bench") -> None:
    server = await bench.serve([delta("text"), DONE])
    trace = await bench.run(server, key="sk-verysecret")
    assert b"Bearer sk-verysecret" in server.requests[0][0]
    assert "verysecret" not in repr(trace)
    assert b"verysecret" not in public(bench.probe.pid)
