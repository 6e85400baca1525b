"""A file is there whole or not at all, whatever stops its writing."""

import os
import stat
from pathlib import Path

import pytest

from streamscope import files


class Stop(BaseException):
    """As Ctrl-C is: no ordinary error."""


def _write_and_stop(path: Path) -> None:
    with files.writing(path) as file:
        file.write(b"half of it")
        raise Stop


def test_what_is_interrupted_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    path.write_text("old")
    with pytest.raises(Stop):
        _write_and_stop(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_stands_under_the_name_before_all_is_written(tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    with files.writing(path) as file:
        file.write(b"all of it")
        assert not path.exists()
    assert path.read_text() == "all of it"
    assert list(tmp_path.iterdir()) == [path]


def test_who_may_read_a_file_and_what_links_to_it_stay(tmp_path: Path) -> None:
    path, link = tmp_path / "runs.jsonl", tmp_path / "link.jsonl"
    path.write_text("old")
    path.chmod(0o640)
    link.symlink_to(path)
    with files.writing(link) as file:
        file.write(b"new")
    assert link.is_symlink()
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reading = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with files.writing(path) as file:
            file.write(b"through it")
        assert os.read(reading, 100) == b"through it"
    finally:
        os.close(reading)
    assert stat.S_ISFIFO(path.stat().st_mode)


def test_the_longest_name_that_a_file_may_have(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 250 + ".json")
    with files.writing(path) as file:
        file.write(b"{}")
    assert path.read_text() == "{}"
