"""What is printed where nothing takes it costs one sentence, and a code that a script can see."""

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
