"""Where something was saved is said so that it can be found, also where there is little room."""

from pathlib import Path

import pytest
from rich.cells import cell_len

from streamscope.tui.saved import free_name, saved_words

NAME = "streamscope-2026-01-02-030405.svg"


def test_the_whole_path_is_said_where_there_is_room() -> None:
    said = saved_words("Saved as", Path("/srv/results") / NAME, 200)
    assert said == f"Saved as\n{NAME}\nin /srv/results"


def test_a_long_folder_loses_its_beginning_and_the_name_stays_whole() -> None:
    folder = Path("/srv/a folder with quite a long name/下 another/results of the week")
    first, name, told = saved_words("Saved as", folder / NAME, 80).split("\n")
    assert (first, name) == ("Saved as", NAME)
    assert told.startswith("in …")
    assert told.endswith("/results of the week")
    assert all(cell_len(line) <= 37 for line in (name, told))


def test_a_file_of_the_current_folder_is_said_with_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    (home / "work").mkdir(parents=True)
    monkeypatch.chdir(home / "work")
    monkeypatch.setenv("HOME", str(home))
    assert saved_words("Saved as", Path("x.svg"), 200).endswith("x.svg\nin ~/work")


def test_a_name_can_not_play_tricks() -> None:
    said = saved_words("Saved as", Path("/srv/a\nb\x1b[31m.svg"), 200)
    assert "\x1b" not in said
    assert len(said.splitlines()) == 3


def test_no_file_is_overwritten(tmp_path: Path) -> None:
    names = []
    for _ in range(3):
        names.append(free_name(tmp_path, "screen", ".svg"))
        (tmp_path / names[-1]).touch()
    assert names == ["screen.svg", "screen-2.svg", "screen-3.svg"]
