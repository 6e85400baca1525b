"""Output that nothing takes, or no input, costs one sentence, and a code that a script can see."""

import asyncio
import os
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Past, Shell

COMMANDS = [
    ("history", "list"),
    ("history", "show", "last"),
    ("history", "trend", "last"),
    ("history", "export", "--all"),
    ("history", "export", "--all", "--format", "json"),
]


@pytest.mark.parametrize("argv", COMMANDS)
async def test_a_full_disk(shell: "Shell", past: "Past", argv: tuple[str, ...]) -> None:
    past.comparison(pairs=1)
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        done = await shell.end(await shell.begin(*argv, stdout=full))
    finally:
        os.close(full)
    assert done.code == 1
    assert (
        done.err == "streamscope: Standard output can't be written to: No space left on device.\n"
    )


async def test_a_closed_output_is_no_traceback(past: "Past") -> None:
    past.comparison(pairs=1)
    command = (sys.executable, "-m", "streamscope", "history", "list")
    process = await asyncio.create_subprocess_exec(
        *("sh", "-c", 'exec "$@" >&-', "sh"), *command, stderr=asyncio.subprocess.PIPE
    )
    _, err = await process.communicate()
    assert (process.returncode, err) == (0, b"")


CLOSED = [
    ((), 2, "The app needs a terminal to draw on"),
    (("replay", "last"), 2, "A replay needs a terminal to draw on"),
    (("run", "-"), 2, "The prompt is empty"),
    (("history", "import", "-"), 1, "standard input is empty"),
    (("history", "delete", "last"), 2, "Nobody can be asked here"),
]


@pytest.mark.parametrize(("argv", "code", "said"), CLOSED)
async def test_a_closed_input_is_no_traceback(
    past: "Past", argv: tuple[str, ...], code: int, said: str
) -> None:
    past.comparison(pairs=1)
    command = (sys.executable, "-m", "streamscope", *argv)
    process = await asyncio.create_subprocess_exec(
        *("sh", "-c", 'exec "$@" <&-', "sh"), *command, stderr=asyncio.subprocess.PIPE
    )
    _, err = await process.communicate()
    assert (process.returncode, err.decode().partition(said)[0]) == (code, "streamscope: ")
