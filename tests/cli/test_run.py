"""``streamscope run`` as scripts use it: a result on stdout, words on stderr, an exit code."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from streamscope import __version__
from streamscope.history import History
from streamscope.plan import Plan
from streamscope.report.comparison_json import ComparisonRecord, RunLine

if TYPE_CHECKING:
    from tests.cli.conftest import Chat, Past, Shell
    from tests.conftest import Bench, Scripted

pytestmark = pytest.mark.asyncio(loop_scope="session")

QUICK = ("--engine", "simulator", "--repeat", "1", "--warmup", "0", "--max-tokens", "6")


def to(server: "Scripted") -> tuple[str, ...]:
    """Return the options that name a scripted server."""
    return ("--url", server.url, "--protocol", "openai-chat", "--model", "tiny")


@pytest.fixture(autouse=True)
def _fast(configure: Callable[[str], None]) -> None:
    configure('profile = "fast"\n')


async def test_json_follows_its_schema_and_the_runs_are_kept(shell: "Shell", home: Path) -> None:
    done = await shell("run", "Why?", *QUICK, "--format", "json")
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
    assert "pair 1 of 1: first text" in done.err
    with History.open(home / "data" / "history.db") as history:
        kept = [history.load(row.run_id) for row in history.recent(9)]
    assert {run.run_id for run in kept} == {run.run_id for run in record.runs}


async def test_a_line_for_each_run_and_nothing_kept(shell: "Shell", home: Path) -> None:
    done = await shell("run", "-", *QUICK, "--format", "jsonl", "--no-save", given=b"Why?\n")
    assert done.code == 0
    *lines, rest = done.out.split("\n")  # and at no other sign that may end a line
    assert rest == ""
    assert [msgspec.json.decode(line, type=RunLine).channel for line in lines] == ["A", "B"]
    assert not (home / "data").exists()


async def test_a_table_in_a_file(shell: "Shell", home: Path) -> None:
    file = home / "result.txt"
    done = await shell("run", "Why?", *QUICK, "--order", "race", "--no-save", "--output", str(file))
    assert (done.code, done.out) == (0, "")
    *_, verdict, told = done.err.splitlines()
    assert told == f"Written to {file} (a table, as text)."
    assert verdict in file.read_text().replace("\n", " ")
    assert "One pair, so nothing could be tested" in verdict


async def test_a_file_of_no_known_kind_is_refused_before_anything_is_measured(
    shell: "Shell", home: Path
) -> None:
    done = await shell("run", "Why?", *QUICK, "--output", str(home / "r.pdf"))
    assert (done.code, done.out) == (2, "")
    assert "can't be written as .pdf" in done.err
    assert not (home / "data").exists()


async def test_a_result_that_cannot_be_written_is_not_lost(
    shell: "Shell", bench: "Bench", home: Path
) -> None:
    server = await bench.serve([b"{}"], status=400, method=b"POST")
    argv = ("run", "x", *to(server), "--no-save", "--format", "json")
    done = await shell(*argv, "--output", "/dev/full")
    assert done.code == 1
    assert "can't be written" in done.err
    assert msgspec.json.decode(done.out, type=ComparisonRecord).runs


async def test_a_result_that_nothing_takes_is_one_sentence(shell: "Shell", bench: "Bench") -> None:
    server = await bench.serve([b"{}"], status=400, method=b"POST")
    full = os.open("/dev/full", os.O_WRONLY)
    argv = ("run", "x", *to(server), "--no-save", "--format", "json")
    try:
        done = await shell.end(await shell.begin(*argv, stdout=full))
    finally:
        os.close(full)
    assert done.code == 1
    assert done.err.splitlines()[-1] == (
        "streamscope: Standard output can't be written to: No space left on device."
    )


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("none/x.json", "There is no folder for"),
        (".", "can't be written: it is a folder"),
        ("x" * 300, "can't be written: File name too long"),
    ],
)
async def test_a_result_that_could_not_be_written_is_said_before_anything_is_measured(
    shell: "Shell", home: Path, name: str, why: str
) -> None:
    done = await shell("run", "x", "--format", "json", "--output", str(home / name))
    assert (done.code, done.out) == (2, "")
    assert why in done.err
    assert not (home / "data").exists()


async def test_a_run_that_fails_is_printed_and_kept(
    shell: "Shell", bench: "Bench", home: Path
) -> None:
    server = await bench.serve([b'{"error": "no key"}'], status=401, method=b"POST")
    done = await shell("run", "x", *to(server), "--format", "json")
    assert done.code == 1
    (run,) = msgspec.json.decode(done.out, type=ComparisonRecord).runs
    assert run.error is not None
    assert run.error.code == "auth"
    assert run.error.sentence in done.err.replace("\n", " ")
    with History.open(home / "data" / "history.db") as history:
        assert history.count() == 1


async def test_no_server_is_an_exit_code_of_its_own(shell: "Shell", free_port: int) -> None:
    done = await shell("run", "x", "--url", f"http://127.0.0.1:{free_port}", "--no-save")
    assert (done.code, done.out) == (3, "")
    assert done.err.splitlines()[-1].startswith("streamscope: ")
    assert f"127.0.0.1:{free_port}" in done.err


async def test_a_key_that_would_go_in_the_open_stops_it(
    shell: "Shell", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STREAMSCOPE_API_KEY", "sk-verysecret")
    done = await shell("run", "x", "--url", "http://192.0.2.1:9", "--no-save")
    assert (done.code, done.out) == (3, "")
    assert "unencrypted" in done.err
    assert "verysecret" not in done.err


async def test_an_interrupted_run_is_printed_and_kept(
    shell: "Shell", bench: "Bench", home: Path
) -> None:
    """Ctrl-C reaches the whole process group, the measuring process included."""
    text = b'data: {"choices":[{"index":0,"delta":{"content":"kept"}}]}\n\n'
    server = await bench.serve([text, "left"], method=b"POST")
    process = await shell.begin("run", "x", *to(server), "--warmup", "0", "--format", "json")
    await server.asked.wait()
    os.killpg(process.pid, signal.SIGINT)
    done = await shell.end(process)
    assert done.code == 130
    (run,) = msgspec.json.decode(done.out, type=ComparisonRecord).runs
    assert run.ended == "cancelled"
    assert "pair 1, stream: stopped" in done.err
    await server.left.wait()
    with History.open(home / "data" / "history.db") as history:
        assert [row.ended for row in history.recent(9)] == ["cancelled"]


async def test_a_service_manager_ends_a_run_as_a_person_does(
    shell: "Shell", home: Path, configure: Callable[[str], None]
) -> None:
    """SIGTERM to the group reaches the measuring process and the simulator, too."""
    argv = ("run", "Why?", "--engine", "simulator", "--repeat", "3", "--warmup", "1")
    configure('profile = "slow"\n')
    process = await shell.begin(*argv, "--format", "json")
    assert process.stderr is not None
    while b"warming up" not in await process.stderr.readline():
        assert not process.stderr.at_eof()
    os.killpg(process.pid, signal.SIGTERM)
    done = await shell.end(process)
    assert done.code == 130
    assert "warm-up, stream: stopped" in done.err
    assert "Stopped after 0 of 3 pairs" in done.err
    assert "run it again" not in done.err
    (run,) = msgspec.json.decode(done.out, type=ComparisonRecord).runs
    assert (run.ended, run.error) == ("cancelled", None)
    with History.open(home / "data" / "history.db") as history:
        assert [row.ended for row in history.recent(9)] == ["cancelled"]
    assert "stopped at 0 of 3 pairs" in (await shell("history", "list")).out


async def test_nobody_who_reads_is_no_traceback(shell: "Shell", bench: "Bench") -> None:
    server = await bench.serve([b"{}"], status=400, method=b"POST")
    reading, writing = os.pipe()
    process = await shell.begin(
        "run", "x", *to(server), "--no-save", "--format", "json", stdout=writing
    )
    os.close(reading)
    os.close(writing)
    assert (await shell.end(process)).code == 1


async def test_the_module_is_the_command(shell: "Shell") -> None:
    assert await shell("--version") == (0, f"streamscope {__version__}\n", "")


async def test_bad_usage_says_so_in_one_line(shell: "Shell") -> None:
    done = await shell("run", "x", "--repeat", "none")
    assert (done.code, done.out) == (2, "")
    (line,) = done.err.splitlines()
    assert "invalid whole number value: 'none'" in line


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (("docter",), "neither a command nor a URL"),
        (("ftp://127.0.0.1",), "ftp"),
        (("run", "x", "--url", "none"), "--url none names no server"),
        ((), "needs a terminal"),
    ],
)
async def test_the_app_says_what_it_cannot_open(
    shell: "Shell", argv: tuple[str, ...], sentence: str
) -> None:
    done = await shell(*argv)
    assert (done.code, done.out) == (2, "")
    (line,) = done.err.splitlines()
    assert sentence in line


# ------------------------------------------------------------------------------ several, and again


async def test_several_prompts_are_one_report_and_a_record_a_line(
    shell: "Shell", chat: "Chat"
) -> None:
    argv = ("run", "One?", *to_chat(chat), "--repeat", "1", "--warmup", "0", "Two?")
    done = await shell(*argv, "--format", "json", "--no-save")
    assert done.code == 0
    records = [msgspec.json.decode(line, type=ComparisonRecord) for line in done.out.splitlines()]
    assert [each.request.prompt for each in records if each.request] == ["One?", "Two?"]
    assert "prompt 2 of 2 · pair 1 of 1: first text" in done.err


async def test_until_the_medians_are_known_or_the_most_is_reached(
    shell: "Shell", chat: "Chat"
) -> None:
    argv = ("run", "x", *to_chat(chat), "--until", "0.0001%", "--most", "7", "--warmup", "0")
    done = await shell(*argv, "--format", "json", "--no-save")
    assert done.code == 0
    record = msgspec.json.decode(done.out, type=ComparisonRecord)
    assert record.plan is not None
    assert (record.plan.repeat, record.plan.until) == (7, 0.000001)
    assert len(record.runs) == 14
    assert "was not reached: the median" in done.err
    assert "Ended after the most pairs, 7: --most 14 would go on." in done.err


async def test_more_pairs_are_measured_where_the_most_were_not_enough(
    shell: "Shell", chat: "Chat", home: Path
) -> None:
    argv = ("run", "x", *to_chat(chat), "--until", "0.0001%", "--most", "6", "--warmup", "0")
    done = await shell(*argv)
    with History.open(home / "data" / "history.db") as history:
        (row,) = history.comparisons()
    more = f"--continue {row.comparison_id[:8]} --most 12"
    assert f"`streamscope run {more}` goes on" in done.err
    assert "add --most N to go on" in (await shell("run", "--continue", "last")).err
    done = await shell("run", "--continue", "last", "--most", "7", "--format", "json")
    assert done.code == 0
    record = msgspec.json.decode(done.out, type=ComparisonRecord)
    assert record.plan is not None
    assert record.plan.repeat == 7
    assert [run.pair for run in record.runs] == [pair for pair in range(1, 8) for _ in "AB"]


async def test_a_fixed_number_of_pairs_has_no_bound_to_move(shell: "Shell", past: "Past") -> None:
    past.comparison(pairs=2, plan=Plan(repeat=3))
    done = await shell("run", "--continue", "last", "--most", "9")
    assert (done.code, done.out) == (2, "")
    assert "has exactly 3 pairs" in done.err


@pytest.mark.parametrize("argv", [("history", "rerun"), ("run", "--continue")])
async def test_an_imported_summary_is_refused_before_a_server_is_looked_for(
    shell: "Shell", home: Path, argv: tuple[str, ...]
) -> None:
    file = home / "results.jsonl"
    file.write_text('{"mode": "stream", "ttft_s": 0.5, "total_s": 2}\n')
    assert (await shell("history", "import", str(file))).code == 0
    done = await shell(*argv, "last")
    assert (done.code, done.out) == (1, "")
    (line,) = done.err.splitlines()
    assert "was imported as a summary" in line


async def test_a_comparison_that_was_stopped_goes_on_where_it_was(
    shell: "Shell", chat: "Chat", home: Path
) -> None:
    argv = ("run", "x", *to_chat(chat), "--repeat", "30", "--warmup", "0", "--regime", "cold")
    process = await shell.begin(*argv, "--tag", "mine", "--format", "json")
    assert process.stderr is not None
    while b"pair 1 of 30" not in await process.stderr.readline():
        assert not process.stderr.at_eof()
    chat.gate.clear()  # whatever is asked from now on, waits
    os.killpg(process.pid, signal.SIGINT)
    stopped = await shell.end(process)
    assert stopped.code == 130
    assert "`streamscope run --continue" in stopped.err
    first = msgspec.json.decode(stopped.out, type=ComparisonRecord)
    assert 0 < len(first.runs) < 60

    chat.gate.set()
    done = await shell(
        "run", "--continue", "last", "--tag", "whole", "--note", "in two goes", "--format", "json"
    )
    assert done.code == 0
    record = msgspec.json.decode(done.out, type=ComparisonRecord)
    assert record.plan == first.plan
    assert [run.run_id for run in record.runs][: len(first.runs)] == [
        run.run_id for run in first.runs
    ]
    good = {(run.pair, run.channel) for run in record.runs if run.ended == "stop"}
    assert good == {(pair, side) for pair in range(1, 31) for side in "AB"}
    assert len({run.nonce for run in record.runs}) == len(record.runs), "every prompt is new"
    with History.open(home / "data" / "history.db", include_busy=True) as history:
        (row,) = history.comparisons()
    assert (row.pairs, row.note, row.tags) == (30, "in two goes", ("mine", "whole"))

    again = await shell("run", "--continue", "last")
    assert (again.code, again.out) == (1, "")
    assert "is complete with 30 pairs" in again.err


async def test_a_past_comparison_is_measured_anew_on_the_same_server(
    shell: "Shell", chat: "Chat", home: Path
) -> None:
    argv = ("run", "Same?", *to_chat(chat), "--repeat", "2", "--warmup", "0", "--seed", "7")
    assert (await shell(*argv)).code == 0
    asked = list(chat.bodies)
    done = await shell("history", "rerun", "last", "--format", "json")
    assert done.code == 0
    assert chat.bodies[len(asked) :] == asked
    with History.open(home / "data" / "history.db") as history:
        newer, older = history.comparisons()
    assert newer.comparison_id != older.comparison_id
    assert (newer.group, newer.plan) == (older.group, older.plan)


async def test_an_engine_of_ours_answers_a_past_comparison_again(shell: "Shell") -> None:
    assert (await shell("run", "Why?", *QUICK)).code == 0
    done = await shell("history", "rerun", "last", "--format", "jsonl")
    assert done.code == 0
    runs = [msgspec.json.decode(line, type=RunLine) for line in done.out.splitlines()]
    assert {(run.engine, run.target.model) for run in runs if run.target} == {("simulator", "fast")}


async def test_another_server_than_before_is_not_measured_into_a_comparison(
    shell: "Shell", chat: "Chat", past: "Past"
) -> None:
    past.comparison(pairs=2, plan=Plan(repeat=3), url=chat.url, version="0.1")
    chat.version = "0.2"
    done = await shell("run", "--continue", "last")
    assert (done.code, done.out, chat.bodies) == (3, "", [])
    assert "was begun on version 0.1 of the server, which is 0.2 now" in done.err
    chat.version = "0.1"
    assert (await shell("run", "--continue", "last")).code == 0


async def test_reports_know_what_the_reader_and_the_clients_are_like(
    shell: "Shell", chat: "Chat", home: Path
) -> None:
    file = home / "report.md"
    argv = ("run", "x", *to_chat(chat), "--repeat", "1", "--warmup", "0", "--no-save")
    done = await shell(*argv, "--wpm", "123", "--client-timeout", "45", "--output", str(file))
    assert (done.code, done.out) == (0, "")
    report = file.read_text()
    assert "123 words a minute" in report
    assert "45 s" in report


async def test_a_server_that_always_fails_ends_a_comparison_that_can_go_on(
    shell: "Shell", bench: "Bench"
) -> None:
    server = await bench.serve([b"{}"], status=401, method=b"POST")
    done = await shell("run", "x", *to(server), "--repeat", "4")
    assert done.code == 1
    ended = next(line for line in done.err.splitlines() if line.startswith("Ended after"))
    assert ended.startswith("Ended after 0 of 4 pairs: ")
    assert "refuses access" in ended
    assert "`streamscope run --continue" in ended


def to_chat(server: "Chat") -> tuple[str, ...]:
    """Return the options that name a server that chats."""
    return ("--url", server.url, "--protocol", "openai-chat", "--model", "tiny")
