"""``streamscope calibrate`` from a shell: a result, or one sentence, and no process left."""

import asyncio
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from streamscope import settings
from streamscope.calibration import Calibration
from streamscope.cli import main
from streamscope.history import calibrations

if TYPE_CHECKING:
    from tests.cli.conftest import Shell

FEW = ("calibrate", "--gaps", "2", "--writes", "10")
"""The least that can be tried."""

LONG = ("calibrate", "--gaps", "1000", "--writes", "1000")


def children(pid: int) -> dict[int, str]:
    """Return the processes that a process has started, and their command lines."""
    found = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            line = Path(f"/proc/{child}/cmdline").read_bytes()
            found[int(child)] = line.replace(b"\0", b" ").decode()
    return found


async def begun(process: asyncio.subprocess.Process) -> None:
    """Wait until the first case is under way."""
    assert process.stderr is not None
    await process.stderr.readuntil(b"case 1 of")


def nobody_left(process: asyncio.subprocess.Process) -> bool:
    """Whether nothing of a shell's session lives."""
    try:
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        return True
    return False


async def test_json_is_the_record_that_is_kept(shell: "Shell") -> None:
    done = await shell(*FEW, "--format", "json")
    made = msgspec.json.decode(done.out, type=Calibration)
    assert done.code == 0
    assert [case.gap_ns for case in made.cases] == [2_000_000] * len(made.cases)
    assert all(case.writes == 10 and not case.lost and not case.doubled for case in made.cases)
    assert made.painted
    kept = calibrations.read(settings.places().calibration_file)
    best = "kernel" if any(case.clock == "kernel" for case in made.cases) else "read"
    assert kept == (made if best in made.error_ns_p99 else None), "or there was nothing to keep"
    assert "case 1 of " in done.err
    assert done.err.splitlines()[-1].startswith(("Kept for this machine", "Nothing was found out"))


async def test_a_file_is_written_and_nothing_kept_when_so_asked(
    shell: "Shell", tmp_path: Path
) -> None:
    file = tmp_path / "made.json"
    done = await shell(*FEW, "--no-save", "--output", str(file))
    assert (done.code, done.out) == (0, "")
    assert msgspec.json.decode(file.read_bytes(), type=Calibration).cases
    assert done.err.splitlines()[-1] == f"Written to {file} (JSON)."
    assert not settings.places().calibration_file.exists()


async def test_what_cannot_be_kept_is_printed_all_the_same(shell: "Shell") -> None:
    data = settings.places().data
    data.parent.mkdir(parents=True, exist_ok=True)
    data.write_text("a file where a folder should be")
    done = await shell(*FEW)
    assert "server" in done.out.splitlines()[-1] or "late" in done.out
    assert done.out.count("kernel") + done.out.count("read") >= 2
    last = done.err.splitlines()[-1]
    if "Nothing was found out" in last:  # on a machine too busy to find anything out
        assert done.code == 0
    else:
        assert done.code == 1
        assert last.startswith("streamscope: The calibration cannot be kept in ")


async def test_ctrl_c_in_the_middle_keeps_nothing_and_leaves_nobody(shell: "Shell") -> None:
    process = await shell.begin(*LONG)
    await begun(process)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the whole group
    done = await shell.end(process)
    assert done.code == 130
    assert done.out == ""
    assert done.err.splitlines()[-1] == "Stopped: nothing was kept."
    assert not settings.places().calibration_file.exists()
    assert nobody_left(process)


async def test_a_schedule_server_that_dies_is_one_sentence(shell: "Shell") -> None:
    process = await shell.begin(*LONG)
    await begun(process)
    (server,) = [pid for pid, line in children(process.pid).items() if "schedule_child" in line]
    os.kill(server, signal.SIGKILL)
    done = await shell.end(process)
    assert done.code == 1
    assert done.err.splitlines()[-1] == (
        "streamscope: The schedule server ended in the middle, so nothing was found out: try again."
    )
    assert nobody_left(process)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (("--gaps", "0"), "must be 0.05 to 1000 ms, not 0"),
        (("--gaps", "20", "-1"), "must be 0.05 to 1000 ms, not -1"),
        (("--gaps", "soon"), "must be 0.05 to 1000 ms, not soon"),
        (("--gaps", "nan"), "must be 0.05 to 1000 ms, not nan"),
        (("--gaps",), "expected at least one argument"),
        (("--writes", "1"), "must be from 10 to 100000, not 1"),
        (("--writes", "many"), "invalid whole number value: 'many'"),
        (("--format", "csv"), "invalid choice: 'csv'"),
        (("--output", "result.csv"), "This can't be written as .csv"),
        (("--output", "/nowhere/result.json"), "There is no folder for /nowhere/result.json"),
        (("more",), "unrecognized arguments: more"),
    ],
)
def test_what_means_nothing_is_said_in_one_line(
    capsys: pytest.CaptureFixture[str], said: tuple[str, ...], words: str
) -> None:
    try:
        code: object = main(["calibrate", *said])
    except SystemExit as left:
        code = left.code
    assert code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert words in err


def test_the_help_fits_eighty_columns_and_names_the_exit_codes(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as left:
        main(["calibrate", "--help"])
    assert left.value.code == 0
    out = capsys.readouterr().out
    assert "exit codes:" in out
    assert max(map(len, out.splitlines())) <= 80
