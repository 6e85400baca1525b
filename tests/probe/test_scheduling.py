"""The wish to be let in early is heard where it can be, and harms nobody where it can't."""

import ctypes
import os
import platform
import struct
import subprocess
import sys

import pytest

from streamscope.probe import scheduling

CALL = """
import os
from streamscope.probe import scheduling
print(scheduling.wake_promptly(), os.getpriority(os.PRIO_PROCESS, 0))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets anybody ask")
def test_an_ordinary_person_is_heard() -> None:
    """In a process of its own: the wish is for the thread that utters it."""
    asked = subprocess.run(
        [sys.executable, "-c", CALL], capture_output=True, text=True, check=True
    ).stdout.split()
    assert asked[0] == str(platform.machine() in ("x86_64", "aarch64", "riscv64"))
    assert int(asked[1]) == os.getpriority(os.PRIO_PROCESS, 0), "which is as it was"


def test_other_systems_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not scheduling.wake_promptly()


class Refusing:
    """A C library on a kernel that wants none of it."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, bytes]] = []

    def syscall(self, number: int, *wish: "int | ctypes.Array[ctypes.c_char]") -> int:
        [attributes] = [each.raw for each in wish if isinstance(each, ctypes.Array)]
        self.asked.append((number, attributes))
        return -1


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> Refusing:
    refusing = Refusing()

    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(os, "getpriority", lambda *_: 3)
    monkeypatch.setattr(ctypes, "CDLL", lambda _: refusing)
    return refusing


@pytest.mark.parametrize(("machine", "number"), [("x86_64", 314), ("aarch64", 274)])
def test_a_refusal_is_taken(
    refusing: Refusing, monkeypatch: pytest.MonkeyPatch, machine: str, number: int
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: machine)
    assert not scheduling.wake_promptly()
    [(asked, wish)] = refusing.asked
    assert asked == number
    assert struct.unpack_from("=IIQiIQQQ", wish) == (48, 0, 0, 3, 0, 100_000, 0, 0)


def test_unknown_processors_are_not_asked(
    refusing: Refusing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "pdp11")
    assert not scheduling.wake_promptly()
    assert refusing.asked == []
