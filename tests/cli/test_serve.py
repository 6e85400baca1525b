"""``streamscope serve`` from a shell: it answers, and it ends when it is told to."""

import asyncio
import re
import signal
import socket
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from streamscope import settings
from streamscope.cli import main
from streamscope.cli.parsing import UsageError
from streamscope.cli.serve import exposed
from streamscope.cli.serve_arguments import options_of, profile
from streamscope.engines.profiles import PROFILES

if TYPE_CHECKING:
    from tests.cli.conftest import Shell


async def url_of(process: asyncio.subprocess.Process) -> str:
    """Wait until it says where it is."""
    assert process.stdout is not None
    said = await process.stdout.readuntil(b"\n")
    found = re.search(r"http://\S+:\d+", said.decode())
    assert found is not None
    return found[0]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
async def test_it_serves_until_it_is_told_to_end(shell: "Shell", how: signal.Signals) -> None:
    process = await shell.begin("serve", "--port", "0", "--prefill", "0", "--rate", "2000")
    url = await url_of(process)

    def ask() -> bytes:
        with urllib.request.urlopen(f"{url}/text?prompt=Why") as reply:
            said: bytes = reply.read()
            return said

    assert (await asyncio.to_thread(ask)).startswith(b"[simulated] ")
    process.send_signal(how)
    done = await shell.end(process)
    assert done.code == 0
    assert f"curl -N '{url}/v1/completions/stream?prompt=Hello'" in done.out
    assert f"--url {url} --protocol token-sse" in done.out
    assert done.err == ""


async def test_a_second_signal_ends_what_is_under_way(shell: "Shell") -> None:
    process = await shell.begin("serve", "--port", "0", "--rate", "1")
    host, _, port = (await url_of(process)).removeprefix("http://").rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET /text/stream?prompt=Why HTTP/1.1\r\nHost: x\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    assert await process.stderr.readline() == b"Stopping: 1 answer ends within 3 s (ctrl+c: now).\n"
    process.send_signal(signal.SIGINT)
    assert (await shell.end(process)).code == 0
    writer.close()


async def test_a_port_in_use_is_one_sentence(shell: "Shell") -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = await shell("serve", "--port", str(port))
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(f"streamscope: Port {port} is in use: name another with --port")
    assert done.err.count("\n") == 1


def test_what_is_said_changes_the_profile_that_is_named() -> None:
    words = """--profile fast --prefill 1 --rate 9 --jitter 0 --stalls 5% --stall 0.5 --thinking 20%
        --chunk 2 --batch 75 --fail error --fail-at 7 --tokens 50 --load 2"""
    said = profile(options_of(words.split()))
    assert (said.prefill_s, said.tokens_per_s, said.jitter, said.stall_share) == (1, 9, 0, 0.05)
    assert (said.stall_s, said.thinking_share, said.tokens_per_chunk) == (0.5, 0.2, 2)
    assert (said.batch_s, said.failure, said.fail_at) == (0.075, "error", 7)
    assert (said.tokens, said.load_s) == (50, 2)
    assert profile(options_of(["--profile", "fast"])) == PROFILES["fast"]


def test_a_place_for_a_failure_wants_a_failure() -> None:
    with pytest.raises(UsageError, match="say --fail error, cut or stall"):
        profile(options_of(["--fail-at", "3"]))


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--rate", "0"], "--rate: must be a number of at least 0.001"),
        (["--stalls", "100%"], "--stalls: must be a share"),
        (["--port", "65536"], "--port: must be from 0 to 65535"),
        (["--profile", "x"], "--profile: invalid choice: 'x'"),
        (["--fail", "x"], "--fail: invalid choice: 'x'"),
    ],
)
def test_what_can_not_be_is_one_line(
    argv: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(["serve", *argv])
    assert end.value.code == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1


def test_only_a_server_for_others_is_warned_of() -> None:
    assert exposed("127.0.0.1") == exposed("::1") == ""
    assert "others in your network" in exposed("0.0.0.0")


@pytest.mark.parametrize("said", [["--rate", "5"], ["--profile", "fast"], ["--slots", "3"]])
def test_a_real_model_takes_no_profile(said: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--model", "local", *said]) == 2
    assert "--model local takes no profile" in capsys.readouterr().err


async def test_a_model_file_that_is_none_is_one_sentence(shell: "Shell", home: Path) -> None:
    config = settings.places().config_file
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text('model_file = "/nowhere/model.gguf"\n')
    done = await shell("serve", "--model", "local", "--port", "0")
    assert done.code == 1
    assert done.err == (
        "streamscope: The model /nowhere/model.gguf cannot be read: No such file or directory.\n"
    )
