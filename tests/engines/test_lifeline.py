"""The child's end of the pipes: it ends with the app, whatever its libraries do or print."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator

import pytest

Start = Callable[[str], "subprocess.Popen[bytes]"]

PRELUDE = """
import ctypes, os, sys, threading
from streamscope.engines.lifeline import Lifeline
line = Lifeline()
"""


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a child that has a lifeline and then runs some code."""
    started: list[subprocess.Popen[bytes]] = []

    def run(code: str) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(
            [sys.executable, "-c", PRELUDE + textwrap.dedent(code)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        with process:  # closes its pipes and reaps it
            process.kill()


def tell(process: "subprocess.Popen[bytes]", text: bytes) -> None:
    assert process.stdin is not None
    process.stdin.write(text)
    process.stdin.flush()


def announced(process: "subprocess.Popen[bytes]") -> object:
    assert process.stdout is not None
    return json.loads(process.stdout.readline())


def let_go(process: "subprocess.Popen[bytes]") -> int:
    """Close its standard input, as the kernel does when the app dies; return its exit code."""
    assert process.stdin is not None
    process.stdin.close()
    return process.wait(20)


def test_it_ends_when_the_app_is_gone(start: Start) -> None:
    child = start("line.configuration(dict); line.announce({}); threading.Event().wait()")
    tell(child, b"{}\n")
    assert announced(child) == {}
    assert child.poll() is None
    assert let_go(child) in (0, -signal.SIGIO)


@pytest.mark.skipif(
    sys.platform != "linux", reason="elsewhere the library must give the lock back first"
)
def test_it_ends_even_while_a_library_holds_the_interpreter_lock(start: Start) -> None:
    child = start("line.configuration(dict); line.announce({}); ctypes.PyDLL(None).sleep(600)")
    tell(child, b"{}\n")
    assert announced(child) == {}
    assert child.poll() is None
    assert let_go(child) in (0, -signal.SIGIO)


def test_it_ends_if_the_app_is_gone_before_it_was_configured(start: Start) -> None:
    child = start("line.configuration(dict); line.announce('never')")
    tell(child, b'{"half a')
    assert let_go(child) == 0


def test_only_the_announcement_reaches_standard_output(start: Start) -> None:
    child = start(
        """
        configuration = line.configuration(dict)
        print("python prints", flush=True)
        os.write(1, b"a library writes\\n")
        line.announce(configuration)
        os.write(1, b"and again")
        os._exit(0)
        """
    )
    tell(child, b'{"a": 1}\n')
    assert child.wait(20) == 0  # its standard input stays open: the end of it would end the child
    assert child.stdout is not None
    assert child.stderr is not None
    out, err = child.stdout.read(), child.stderr.read()
    assert out == b'{"a":1}\n'
    assert err == b"python prints\na library writes\nand again"


def test_a_reason_why_not_is_an_announcement_too(start: Start) -> None:
    child = start("line.configuration(dict); line.fail('No wind.')")
    tell(child, b"{}\n")
    assert announced(child) == {"error": "No wind."}
    assert child.wait(20) == 1


def test_interrupts_are_left_to_the_app(start: Start) -> None:
    child = start("line.configuration(dict); line.announce({}); threading.Event().wait()")
    tell(child, b"{}\n")
    assert announced(child) == {}
    os.kill(child.pid, signal.SIGINT)
    assert let_go(child) in (0, -signal.SIGIO)
