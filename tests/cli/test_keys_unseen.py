"""Wherever a key could show itself after it was used, it is looked for, and must not be found."""

import asyncio
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from streamscope.probe import messages
from streamscope.probe.messages import Start
from streamscope.trace import Request, Target

if TYPE_CHECKING:
    from tests.cli.conftest import Chat, Cli, Shell
    from tests.conftest import Bench

in_session = pytest.mark.asyncio(loop_scope="session")

CANARY = "sk-canary-0123456789abcdef"
DONE = b'data: {"choices":[{"index":0,"delta":{"content":"x"}}]}\n\ndata: [DONE]\n\n'


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAMSCOPE_API_KEY", CANARY)


def files_with_it(folder: Path) -> list[str]:
    """Return the files below a folder that hold the key."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert files, "there is something to look through"
    return [str(file) for file in files if CANARY.encode() in file.read_bytes()]


def command_lines() -> bytes:
    """Return what everybody may see of all processes."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(path.read_bytes())
        except OSError:  # it has just ended
            continue
    return b"\n".join(lines)


@pytest.mark.skipif(not Path("/proc").exists(), reason="the command lines are read from /proc")
@in_session
async def test_not_in_the_history_an_export_the_output_or_a_command_line(
    shell: "Shell", cli: "Cli", chat: "Chat", home: Path
) -> None:
    target = ("--url", chat.url, "--protocol", "openai-chat", "--model", "m")
    chat.gate.clear()
    run = await shell.begin("run", "Why?", *target, "--repeat", "1", "--format", "json")
    while not chat.bodies and run.returncode is None:  # noqa: ASYNC110 (nobody tells of a request)
        await asyncio.sleep(0.01)
    assert CANARY.encode() not in command_lines()
    chat.gate.set()
    done = await shell.end(run)
    assert done.code == 0
    assert CANARY not in done.out + done.err
    assert files_with_it(home) == []
    for form in ("json", "csv", "markdown", "html"):
        file = home / f"export.{form}"
        exported = cli("history", "export", "--all", "--format", form, "--output", str(file))
        assert exported.code == 0
        assert CANARY not in exported.out + exported.err
    assert files_with_it(home) == []


@in_session
async def test_the_server_gets_it_and_whoever_it_sends_on_to_does_not(bench: "Bench") -> None:
    other = await bench.serve([DONE])
    server = await bench.serve([], status=307, headers={"Location": f"{other.url}/v1/x"})
    trace = await bench.run(server, key=CANARY)
    assert trace.ended == "error"
    opened = {"Authorization": f"Bearer {CANARY}"}
    status, _ = await bench.probe.fetch(f"{server.url}/v1/models", 5.0, opened)
    assert status == 307
    assert all(CANARY.encode() in head for head, _ in server.requests)
    assert len(server.requests) == 2
    assert other.requests == []


@in_session
async def test_further_headers_go_with_a_run_and_stand_in_for_the_protocols_own(
    bench: "Bench",
) -> None:
    server = await bench.serve([DONE])
    await bench.run(server, key="k", headers={"Authorization": "Bearer t", "OpenAI-Project": "p"})
    ((head, _),) = server.requests
    assert b"Bearer t" in head
    assert b"Bearer k" not in head
    assert b"openai-project: p" in head.lower()


CRASH = """
    import asyncio
    from streamscope import settings
    from streamscope.cli import arguments, start
    from streamscope.probe import messages
    from streamscope.probe.client import Probe
    from streamscope.tui.app import StreamscopeApp

    async def run(self, start, listener=None):
        command = messages.frame(start)
        key, target = start.key, start.target
        raise RuntimeError("broken on purpose")

    Probe.run = run
    options = arguments.parse(
        ["http://127.0.0.1:9/v1", "--protocol", "openai-chat", "--model", "m", "--prompt", "Why?"]
    )
    places = settings.places()
    config = settings.load(places.config_file)

    async def press(pilot):
        while pilot.app.return_code is None:  # until it dies
            await pilot.press("enter")
            await pilot.pause(0.05)

    app = StreamscopeApp(
        open_session=lambda: start.session(options, config, places, None),
        config=config,
        places=places,
        request=start.request(options, config, start.prompt(options)),
    )
    app.run(headless=True, auto_pilot=press)
"""


def test_not_in_the_traceback_of_the_app(home: Path) -> None:
    """Textual shows all locals when an app dies."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(CRASH)],
        capture_output=True,
        timeout=50,
        text=True,
        env={**os.environ, "COLUMNS": "200"},
    )
    told = done.stdout + done.stderr
    assert "broken on purpose" in told
    assert "locals" in told
    assert CANARY not in told
    assert "canary" not in told


def test_not_in_the_traceback_of_the_probe() -> None:
    target = Target(protocol="openai-chat", url="http://127.0.0.1:9", model="m")
    start = Start(run_id="1", target=target, key=CANARY, request=Request(prompt="p"), mode="stream")
    nonsense = b"\x00\x00\x00\x03\xff\xff\xff"
    done = subprocess.run(
        [sys.executable, "-m", "streamscope.probe"],
        input=messages.frame(start) + nonsense,
        capture_output=True,
        timeout=50,
    )
    assert b"Traceback" in done.stderr
    assert CANARY.encode() not in done.stdout + done.stderr
