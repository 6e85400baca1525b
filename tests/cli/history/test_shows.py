"""A comparison shows its report, a run its figures, in every format."""

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from streamscope.report.comparison_json import ComparisonRecord, RunLine

if TYPE_CHECKING:
    from tests.cli.conftest import Cli, Past


def test_a_comparison_by_the_beginning_of_its_id(cli: "Cli", past: "Past") -> None:
    name, _ = past.comparison(prompt="Why is the sky blue?")
    past.comparison()
    past.history.annotate(name, note="on the train", tags=["demo"]).result()
    done = cli("history", "show", name[:4])
    assert done.code == 0
    assert done.out.startswith(name[:8])
    assert "Why is the sky blue?" in done.out
    assert "#demo on the train" in done.out
    assert "10× sooner" in done.out
    assert max(map(len, done.out.splitlines())) <= 80


def test_the_last_comparison_in_json(cli: "Cli", past: "Past") -> None:
    past.comparison()
    name, runs = past.comparison(pairs=2)
    record = msgspec.json.decode(
        cli("history", "show", "last", "--format", "json").out, type=ComparisonRecord
    )
    assert {run.comparison_id for run in record.runs} == {name}
    assert [run.run_id for run in record.runs] == [run.run_id for run in runs]


def test_a_run_has_its_figures(cli: "Cli", past: "Past") -> None:
    _, runs = past.comparison(pairs=1)
    done = cli("history", "show", runs[0].run_id[:4])
    assert done.code == 0
    (line,) = [line for line in done.out.splitlines() if line.endswith("ttfv_s")]
    assert line.split() == ["first", "text", "0.20", "s", "ttfv_s"]
    assert "A stream, pair 1" in done.out


def test_a_run_in_json_is_a_line(cli: "Cli", past: "Past") -> None:
    _, runs = past.comparison(pairs=1)
    done = cli("history", "show", runs[1].run_id, "--format", "json")
    assert msgspec.json.decode(done.out, type=RunLine).run_id == runs[1].run_id


@pytest.mark.parametrize(
    ("name", "begins"), [("r.md", "# "), ("r.html", "<!doctype html>"), ("r.csv", "comparison_id,")]
)
def test_the_format_of_a_file_is_in_its_name(
    cli: "Cli", past: "Past", tmp_path: Path, name: str, begins: str
) -> None:
    past.comparison()
    file = tmp_path / name
    done = cli("history", "show", "last", "--output", str(file))
    kinds = {".md": "Markdown", ".html": "HTML", ".csv": "CSV"}
    told = f"Written to {file} ({kinds[file.suffix]}).\n"
    assert done == (0, "", told)
    assert file.read_text().lower().startswith(begins)


@pytest.mark.parametrize("command", ["show", "export"])
def test_a_file_whose_ending_names_no_format_is_not_written(
    cli: "Cli", past: "Past", tmp_path: Path, command: str
) -> None:
    past.comparison()
    done = cli("history", command, "last", "--output", str(tmp_path / "r.pdf"))
    assert (done.code, done.out) == (2, "")
    assert "This can't be written as .pdf" in done.err
    assert list(tmp_path.glob("r.*")) == []


@pytest.mark.parametrize(("named", "why"), [("beef", "no run or comparison"), ("last", "yet")])
def test_what_is_not_there_costs_one_sentence(cli: "Cli", named: str, why: str) -> None:
    done = cli("history", "show", named)
    assert (done.code, done.out) == (1, "")
    assert why in done.err
    assert done.err.count("\n") == 1


def test_two_models_are_shown_by_their_names(cli: "Cli", past: "Past") -> None:
    past.comparison(model="small", against="large", modes=("stream", "stream"))
    done = cli("history", "show", "last")
    assert done.code == 0
    assert "A small" in done.out
    assert "B large" in done.out
    assert "blocking" not in done.out
    assert max(map(len, done.out.splitlines())) <= 80
