"""Any two channels against each other, as scripts use it: measured, stopped, continued, redone."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from streamscope.history import History
from streamscope.report.comparison_json import ComparisonRecord, RunLine

if TYPE_CHECKING:
    from tests.cli.conftest import Chat, Shell

pytestmark = pytest.mark.asyncio(loop_scope="session")

SIMULATED = ("--engine", "simulator")
QUICK = ("--repeat", "1", "--warmup", "0", "--max-tokens", "6")


def record(out: str) -> ComparisonRecord:
    return msgspec.json.decode(out, type=ComparisonRecord)


def to(chat: "Chat") -> tuple[str, ...]:
    """Return the options that compare two models of a server that chats."""
    server = ("--url", chat.url, "--protocol", "openai-chat")
    return (*server, "--a", "small", "--b", "large", "--warmup", "0")


def sides(runs: list[RunLine]) -> list[tuple[str, str, str, str]]:
    """Return channel, mode, protocol and model of runs."""
    return [
        (run.channel, run.mode, run.target.protocol, run.target.model) for run in runs if run.target
    ]


@pytest.mark.parametrize(
    ("argv", "told", "expected"),
    [
        (
            ("--a", "model=fast", "--b", "model=steady"),
            "A: fast · B: steady · both stream",
            [("A", "stream", "ollama-chat", "fast"), ("B", "stream", "ollama-chat", "steady")],
        ),
        (
            ("--model", "fast", "--a", "ollama-chat", "--b", "token-sse"),
            "A: ollama-chat · B: token-sse · both stream",
            [("A", "stream", "ollama-chat", "fast"), ("B", "stream", "token-sse", "fast")],
        ),
        (
            ("--model", "fast", "--b", "stream"),
            "A and B ask the same: both stream.",
            [("A", "stream", "ollama-chat", "fast"), ("B", "stream", "ollama-chat", "fast")],
        ),
        (
            ("--model", "fast", "--protocol", "anthropic"),
            "",
            [("A", "stream", "anthropic", "fast"), ("B", "blocking", "anthropic", "fast")],
        ),
        (
            ("--a", "fast", "--b", "blocking steady"),
            "A: fast streaming · B: steady blocking",
            [("A", "stream", "ollama-chat", "fast"), ("B", "blocking", "ollama-chat", "steady")],
        ),
    ],
)
async def test_one_simulator_is_both_channels(
    shell: "Shell", argv: tuple[str, ...], told: str, expected: list[tuple[str, str, str, str]]
) -> None:
    done = await shell(
        "run", "Name a river.", *SIMULATED, *argv, *QUICK, "--no-save", "--format", "jsonl"
    )
    assert done.code == 0
    runs = [msgspec.json.decode(line, type=RunLine) for line in done.out.splitlines()]
    assert sides(runs) == expected
    assert {run.ended for run in runs} <= {"stop", "length"}
    assert ("both stream" in done.err or " · B: " in done.err) == bool(told)
    assert told in done.err
    assert done.err.count("starting simulator") == 1
    assert "pair 1 of 1: first text" in done.err


async def test_json_says_what_each_channel_was_and_what_can_be_asked(shell: "Shell") -> None:
    argv = ("--a", "fast", "--b", "steady", "--no-save", "--format", "json")
    whole = record((await shell("run", "x", *SIMULATED, *QUICK, *argv)).out)
    assert whole.question == "models"
    assert [(run.channel, run.mode) for run in whole.runs] == [("A", "stream"), ("B", "stream")]
    assert whole.verdict is not None
    assert whole.verdict.decision is None, "it would be about streaming"
    models = [each.target.model for each in whole.channels.values()]
    assert models == ["fast", "steady"]


async def test_a_table_names_both_channels_within_eighty_columns(shell: "Shell") -> None:
    argv = ("--a", "fast", "--b", "steady blocking", "--no-save")
    done = await shell("run", "x", *SIMULATED, *QUICK, *argv)
    assert done.code == 0
    assert "A fast streaming" in done.out
    assert "B steady blocking" in done.out
    assert max(map(len, done.out.splitlines())) <= 80


async def test_a_contest_that_was_stopped_goes_on_with_both_and_is_measured_anew(
    shell: "Shell", chat: "Chat", home: Path
) -> None:
    process = await shell.begin("run", "x", *to(chat), "--repeat", "20", "--format", "json")
    assert process.stderr is not None
    while b"pair 1 of 20" not in await process.stderr.readline():
        assert not process.stderr.at_eof()
    chat.gate.clear()  # whatever is asked from now on, waits
    os.killpg(process.pid, signal.SIGINT)
    stopped = await shell.end(process)
    assert stopped.code == 130
    assert "`streamscope run --continue" in stopped.err
    first = record(stopped.out)

    chat.gate.set()
    done = await shell("run", "--continue", "last", "--format", "json")
    assert done.code == 0
    whole = record(done.out)
    assert [run.run_id for run in whole.runs][: len(first.runs)] == [
        run.run_id for run in first.runs
    ]
    good = {(run.pair, run.channel) for run in whole.runs if run.ended == "stop"}
    assert good == {(pair, side) for pair in range(1, 21) for side in "AB"}
    assert {(body["model"], body.get("stream")) for body in chat.bodies} == {
        ("small", True),
        ("large", True),
    }

    chat.bodies.clear()
    again = await shell("history", "rerun", "last", "--format", "jsonl")
    assert again.code == 0
    runs = [msgspec.json.decode(line, type=RunLine) for line in again.out.splitlines()]
    assert len(runs) == len(chat.bodies) == 40
    assert set(sides(runs)) == {
        ("A", "stream", "openai-chat", "small"),
        ("B", "stream", "openai-chat", "large"),
    }
    with History.open(home / "data" / "history.db") as history:
        newer, older = history.comparisons()
    assert (newer.parts, newer.plan) == (older.parts, older.plan)
    assert newer.comparison_id != older.comparison_id
    listed = (await shell("history", "list")).out
    assert "small vs large · x" in listed
    shown = (await shell("history", "show", "last")).out
    assert "A small" in shown
    assert "B large" in shown


async def test_a_contest_of_which_only_one_channel_was_asked_promises_no_more(
    shell: "Shell", chat: "Chat"
) -> None:
    """What the other one was would not be known."""
    chat.gate.clear()
    process = await shell.begin("run", "x", *to(chat), "--repeat", "3")
    assert process.stderr is not None
    while b"both stream" not in await process.stderr.readline():
        assert not process.stderr.at_eof()
    await chat.asked.wait()
    os.killpg(process.pid, signal.SIGINT)
    stopped = await shell.end(process)
    assert stopped.code == 130
    assert "pair 1, A small: stopped" in stopped.err
    assert "Stopped after 0 of 3 pairs." in stopped.err
    assert "--continue" not in stopped.err


async def test_a_failure_is_told_of_the_channel_by_its_name(shell: "Shell", chat: "Chat") -> None:
    chat.status = 401
    done = await shell("run", "x", *to(chat), "--repeat", "1", "--no-save")
    assert done.code == 1
    assert "pair 1, A small: " in done.err


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (("run", "x", "--b", "stream blocking"), "--b says two modes"),
        (("run", "x", "--a", ""), "--a says nothing"),
        (("run", "--continue", "last", "--b", "n"), "leave out --b"),
        (("--b", "protocol=telnet"), "--b: there is no protocol 'telnet'"),
    ],
)
async def test_channels_that_mean_nothing_are_refused_before_anything_begins(
    shell: "Shell", home: Path, argv: tuple[str, ...], sentence: str
) -> None:
    done = await shell(*argv)
    assert (done.code, done.out) == (2, "")
    (line,) = done.err.splitlines()
    assert sentence in line
    assert not (home / "data").exists()


async def test_channels_of_the_config_file_are_measured(
    shell: "Shell", configure: Callable[[str], None]
) -> None:
    configure('engine = "simulator"\na = "fast"\nb = "steady"\n')
    done = await shell("run", "x", *QUICK, "--no-save")
    assert done.code == 0
    assert "A: fast · B: steady · both stream" in done.err
