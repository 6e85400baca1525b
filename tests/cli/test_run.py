"""``streamscope run`` as scripts use it: a result on stdout, words on stderr, an exit code."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import pytest

from streamscope import __version__
from streamscope.history import History
from streamscope.report.comparison_json import ComparisonRecord, RunLine

if TYPE_CHECKING:
    from tests.conftest import Bench, Scripted

pytestmark = pytest.mark.asyncio(loop_scope="session")

QUICK = ("--engine", "simulator", "--repeat", "1", "--warmup", "0", "--max-tokens", "6")


class Done(NamedTuple):
    """What a command left behind."""

    code: int | None
    out: str
    err: str


async def begin(*argv: str, stdout: int = asyncio.subprocess.PIPE) -> asyncio.subprocess.Process:
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


async def end(process: asyncio.subprocess.Process, given: bytes = b"") -> Done:
    out, err = await process.communicate(given)
    assert b"Traceback" not in err
    assert b"Warning" not in err
    assert b"Error" not in err
    return Done(process.returncode, (out or b"").decode(), err.decode())


async def command(*argv: str, given: bytes = b"") -> Done:
    """Run a command to its end."""
    return await end(await begin(*argv), given)


def to(server: "Scripted") -> tuple[str, ...]:
    """Return the options that name a scripted server."""
    return ("--url", server.url, "--protocol", "openai-chat", "--model", "tiny")


@pytest.fixture(autouse=True)
def _fast(home: Path) -> None:
    (home / "config").mkdir()
    (home / "config" / "config.toml").write_text('profile = "fast"\n')


async def test_json_follows_its_schema_and_the_runs_are_kept(home: Path) -> None:
    done = await command("run", "Why?", *QUICK, "--format", "json")
    assert done.code == 0
    record = msgspec.json.decode(done.out, type=ComparisonRecord)
    assert record.streamscope == __version__
    assert [(run.channel, run.mode, run.ended) for run in record.runs] == [
        ("A", "stream", "length"),
        ("B", "blocking", "length"),
    ]
    assert all(run.text and "simulated" in run.flags for run in record.runs)
    assert record.request is not None
    assert record.request.prompt == "Why?"
    assert "pair 1, stream: first text" in done.err
    with History.open(home / "data" / "history.db") as history:
        kept = [history.load(row.run_id) for row in history.recent(9)]
    assert {run.run_id for run in kept} == {run.run_id for run in record.runs}


async def test_a_line_for_each_run_and_nothing_kept(home: Path) -> None:
    done = await command("run", "-", *QUICK, "--format", "jsonl", "--no-save", given=b"Why?\n")
    assert done.code == 0
    *lines, rest = done.out.split("\n")  # and at no other sign that may end a line
    assert rest == ""
    assert [msgspec.json.decode(line, type=RunLine).channel for line in lines] == ["A", "B"]
    assert not (home / "data").exists()


async def test_a_table_in_a_file(home: Path) -> None:
    file = home / "result.txt"
    done = await command(
        "run", "Why?", *QUICK, "--order", "race", "--no-save", "--output", str(file)
    )
    assert (done.code, done.out) == (0, "")
    assert "first" in file.read_text().lower()


async def test_a_result_that_cannot_be_written_is_not_lost(bench: "Bench", home: Path) -> None:
    server = await bench.serve([b"{}"], status=400, method=b"POST")
    argv = ("run", "x", *to(server), "--no-save", "--format", "json")
    done = await command(*argv, "--output", str(home))
    assert done.code == 1
    assert "can't be written" in done.err
    assert msgspec.json.decode(done.out, type=ComparisonRecord).runs


async def test_a_result_that_could_not_be_written_is_said_before_anything_is_measured(
    home: Path,
) -> None:
    done = await command("run", "x", "--output", str(home / "none" / "x.json"))
    assert (done.code, done.out) == (2, "")
    assert "There is no folder" in done.err


async def test_a_run_that_fails_is_printed_and_kept(bench: "Bench", home: Path) -> None:
    server = await bench.serve([b'{"error": "no key"}'], status=401, method=b"POST")
    done = await command("run", "x", *to(server), "--format", "json")
    assert done.code == 1
    (run,) = msgspec.json.decode(done.out, type=ComparisonRecord).runs
    assert run.error is not None
    assert run.error.code == "auth"
    assert run.error.sentence in done.err.replace("\n", " ")
    with History.open(home / "data" / "history.db") as history:
        assert history.count() == 1


async def test_no_server_is_an_exit_code_of_its_own(free_port: int) -> None:
    done = await command("run", "x", "--url", f"http://127.0.0.1:{free_port}", "--no-save")
    assert (done.code, done.out) == (3, "")
    assert done.err.splitlines()[-1].startswith("streamscope: ")
    assert f"127.0.0.1:{free_port}" in done.err


async def test_a_key_that_would_go_in_the_open_stops_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAMSCOPE_API_KEY", "sk-verysecret")
    done = await command("run", "x", "--url", "http://192.0.2.1:9", "--no-save")
    assert (done.code, done.out) == (3, "")
    assert "unencrypted" in done.err
    assert "verysecret" not in done.err


async def test_an_interrupted_run_is_printed_and_kept(bench: "Bench", home: Path) -> None:
    """Ctrl-C reaches the whole process group, the measuring process included."""
    text = b'data: {"choices":[{"index":0,"delta":{"content":"kept"}}]}\n\n'
    server = await bench.serve([text, "left"], method=b"POST")
    process = await begin("run", "x", *to(server), "--warmup", "0", "--format", "json")
    await server.asked.wait()
    os.killpg(process.pid, signal.SIGINT)
    done = await end(process)
    assert done.code == 130
    (run,) = msgspec.json.decode(done.out, type=ComparisonRecord).runs
    assert run.ended == "cancelled"
    assert "pair 1, stream: stopped" in done.err
    await server.left.wait()
    with History.open(home / "data" / "history.db") as history:
        assert [row.ended for row in history.recent(9)] == ["cancelled"]


async def test_nobody_who_reads_is_no_traceback(bench: "Bench") -> None:
    server = await bench.serve([b"{}"], status=400, method=b"POST")
    reading, writing = os.pipe()
    process = await begin("run", "x", *to(server), "--no-save", "--format", "json", stdout=writing)
    os.close(reading)
    os.close(writing)
    assert (await end(process)).code == 1


async def test_the_module_is_the_command() -> None:
    assert await command("--version") == Done(0, f"streamscope {__version__}\n", "")


async def test_bad_usage_says_so_in_one_line() -> None:
    done = await command("run", "x", "--repeat", "none")
    assert (done.code, done.out) == (2, "")
    (line,) = done.err.splitlines()
    assert "invalid whole number value: 'none'" in line


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (("doctor",), "neither a command nor a URL"),
        (("ftp://127.0.0.1",), "ftp"),
        ((), "needs a terminal"),
    ],
)
async def test_the_app_says_what_it_cannot_open(argv: tuple[str, ...], sentence: str) -> None:
    done = await command(*argv)
    assert (done.code, done.out) == (2, "")
    (line,) = done.err.splitlines()
    assert sentence in line
