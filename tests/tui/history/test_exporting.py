"""Runs go to a file in the form that its ending names, whole or not at all."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from streamscope.history import Group, History
from streamscope.measure.conventions import Conventions
from streamscope.report.exchange import parse_lines
from streamscope.trace import Run
from streamscope.tui import exporting

Keep = Callable[..., list[Run]]


def _export(history: History, path: Path, runs: list[Run], **of: str) -> int:
    group = None if of else Group.of(runs[0])
    return exporting.export(
        history,
        path,
        group=group,
        comparison=of.get("comparison"),
        conventions=Conventions(),
    )


def test_lines_can_be_read_back_exactly(history: History, keep: Keep, tmp_path: Path) -> None:
    runs = keep("Why?", pairs=3)
    path = tmp_path / "runs.jsonl"
    assert _export(history, path, runs) == 6
    with path.open("rb") as file:
        assert sorted(parse_lines(file, "runs.jsonl"), key=lambda run: run.run_id) == runs


def test_a_table_has_a_line_a_run(history: History, keep: Keep, tmp_path: Path) -> None:
    runs = keep("Why?", pairs=2)
    assert _export(history, tmp_path / "runs.csv", runs) == 4
    lines = (tmp_path / "runs.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 1 + 4
    assert all(any(run.run_id in line for line in lines) for run in runs)


@pytest.mark.parametrize("ending", [".md", ".html", ".MD"])
def test_reports_name_the_prompt(history: History, keep: Keep, tmp_path: Path, ending: str) -> None:
    runs = keep("Why is the sky blue?", pairs=6)
    path = tmp_path / f"report{ending}"
    assert _export(history, path, runs) == 12
    assert "Why is the sky blue?" in path.read_text(encoding="utf-8")


def test_one_comparison_is_one_document(history: History, keep: Keep, tmp_path: Path) -> None:
    runs = keep("Why?", pairs=1)
    keep("Why?", pairs=1)
    path = tmp_path / "one.json"
    assert _export(history, path, runs, comparison=runs[0].comparison_id) == 2
    assert len(msgspec.json.decode(path.read_bytes())["runs"]) == 2


def test_two_comparisons_are_no_document_and_leave_no_file(
    history: History, keep: Keep, tmp_path: Path
) -> None:
    runs = keep("Why?", pairs=1)
    keep("Why?", pairs=1)
    with pytest.raises(exporting.ExportError, match="holds one comparison, and these are 2"):
        _export(history, tmp_path / "two.json", runs)
    assert list(tmp_path.iterdir()) == []


def test_what_was_there_stays_if_writing_fails(
    history: History, keep: Keep, tmp_path: Path
) -> None:
    runs = keep("Why?", pairs=1)
    keep("Why?", pairs=1)
    path = tmp_path / "two.json"
    path.write_text("old", encoding="utf-8")
    with pytest.raises(exporting.ExportError):
        _export(history, path, runs)
    assert path.read_text(encoding="utf-8") == "old"


def test_a_folder_that_went_away_is_said(history: History, keep: Keep, tmp_path: Path) -> None:
    runs = keep("Why?", pairs=1)
    with pytest.raises(exporting.ExportError, match="can't be written"):
        _export(history, tmp_path / "gone" / "runs.csv", runs)


@pytest.mark.parametrize(
    ("name", "said"),
    [("runs.xlsx", "must end in one of"), ("", "must end"), ("nowhere/runs.csv", "no folder")],
)
def test_names_that_cannot_be_written(
    name: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert said in exporting.problem(name)


def test_names_that_can(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.csv").mkdir()
    assert exporting.problem("runs.csv") == ""
    assert "is a folder" in exporting.problem("folder.csv")
    assert exporting.path_of("~nobody-of-this-name/x.csv") == Path("~nobody-of-this-name/x.csv")


@pytest.mark.parametrize(
    ("prompt", "slug"),
    [
        ("Why is the sky blue?", "why-is-the-sky-blue"),
        ("../../etc/passwd", "etc-passwd"),
        ("统一内存", "统一内存"),
        ("?!\x1b", "runs"),
        ("a" * 99, "a" * 40),
    ],
)
def test_a_file_is_called_after_the_prompt(prompt: str, slug: str) -> None:
    assert exporting.slug(prompt) == slug
