"""A replay takes what was recorded from a file or the history, and opens the app on it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from streamscope.cli import replay
from streamscope.plan import Plan
from streamscope.report.comparison import Comparison
from streamscope.report.comparison_json import to_json, to_jsonl
from streamscope.report.exchange import ExchangeError
from streamscope.trace import Run

if TYPE_CHECKING:
    from tests.cli.conftest import Cli, Past


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Pretend that there is a terminal; return what the app is opened with."""
    told: list[dict[str, Any]] = []

    class App:
        return_code = 0

        def __init__(self, **given: Any) -> None:
            told.append(given)

        def run(self) -> None:
            return

    monkeypatch.setattr("streamscope.tui.app.StreamscopeApp", App)
    monkeypatch.setattr("streamscope.cli.start.at_terminal", lambda: True)
    return told


def shown(opened: list[dict[str, Any]]) -> list[Run]:
    (recorded,) = [each["recorded"] for each in opened]
    assert list(recorded) == ["A", "B"]
    return list(recorded.values())


def test_the_last_whole_pair_of_the_history(
    cli: "Cli", past: "Past", opened: list[dict[str, Any]]
) -> None:
    _, runs = past.comparison(pairs=3, prompt="Which?")
    past.history.delete(runs=[runs[-1].run_id]).result()
    assert cli("replay", "last").code == 0
    assert shown(opened) == runs[2:4]
    assert opened[0]["request"].prompt == "Which?"


def test_a_pair_of_two_models(cli: "Cli", past: "Past", opened: list[dict[str, Any]]) -> None:
    _, runs = past.comparison(model="small", against="large", modes=("stream", "stream"))
    assert cli("replay", "last").code == 0
    assert shown(opened) == runs[-2:]
    assert [run.target.model for run in shown(opened)] == ["small", "large"]


def test_the_pair_of_a_run(cli: "Cli", past: "Past", opened: list[dict[str, Any]]) -> None:
    _, runs = past.comparison(pairs=3)
    assert cli("replay", runs[2].run_id[:4]).code == 0
    assert shown(opened) == runs[2:4]


def test_a_pair_by_number(cli: "Cli", past: "Past", opened: list[dict[str, Any]]) -> None:
    _, runs = past.comparison(pairs=3)
    assert cli("replay", "last", "--pair", "1").code == 0
    assert shown(opened) == runs[:2]


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_a_file_that_was_sent_by_somebody(
    cli: "Cli", past: "Past", opened: list[dict[str, Any]], tmp_path: Path, form: str
) -> None:
    name, runs = past.comparison(pairs=1)
    comparison = Comparison(plan=Plan(repeat=1), runs=runs)
    file = tmp_path / f"sent.{form}"
    file.write_bytes(to_json(comparison) if form == "json" else b"".join(map(to_jsonl, runs)))
    past.history.delete(comparisons=[name]).result()
    assert cli("replay", str(file)).code == 0
    assert shown(opened) == runs


@pytest.mark.parametrize("what", ["last", "none.jsonl"])
def test_without_a_terminal_it_says_so_before_it_reads_anything(
    cli: "Cli", past: "Past", what: str
) -> None:
    past.comparison(pairs=1)
    done = cli("replay", what)
    assert (done.code, done.out) == (2, "")
    assert "needs a terminal" in done.err
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("beef", "no run or comparison"),
        ("none.jsonl", "can't be read: No such file"),
        ("last", "no comparison in the history yet"),
    ],
)
def test_what_is_not_there_costs_one_sentence(
    cli: "Cli", opened: list[dict[str, Any]], what: str, why: str
) -> None:
    done = cli("replay", what)
    assert opened == []
    assert (done.code, done.out) == (1, "")
    assert why in done.err
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("before", [0, 1])
def test_a_file_that_is_broken_before_its_first_pair_is_whole(
    cli: "Cli", past: "Past", opened: list[dict[str, Any]], tmp_path: Path, before: int
) -> None:
    _, runs = past.comparison(pairs=1)
    file = tmp_path / "bad.jsonl"
    file.write_bytes(b"".join([*map(to_jsonl, runs[:before]), b"hello\n"]))
    done = cli("replay", str(file))
    assert done.code == 1
    assert f"{file}, line {before + 1} is not JSON" in done.err
    assert done.err.count("\n") == 1
    assert opened == []


def test_the_pairs_before_the_damage_can_be_replayed(
    cli: "Cli", past: "Past", opened: list[dict[str, Any]], tmp_path: Path
) -> None:
    _, runs = past.comparison(pairs=4)
    lines = [to_jsonl(run) for run in runs]
    file = tmp_path / "cut.jsonl"
    file.write_bytes(b"".join([*lines[:5], lines[5][:99]]))
    done = cli("replay", str(file))
    assert done.code == 0
    assert shown(opened) == runs[2:4]
    assert f"{file}, line 6 is not JSON" in done.err
    assert done.err.endswith("Pair 2 stands before it.\n")


def test_nothing_is_read_beyond_the_pair_that_is_wanted(past: "Past") -> None:
    _, runs = past.comparison(pairs=9)
    rest = iter(runs)
    assert list(replay.choose(rest, 2).values()) == runs[2:4]
    assert list(rest) == runs[5:], "the first run of the next pair told that nothing more comes"


def test_a_run_that_was_made_once_more_stands_for_its_pair(past: "Past") -> None:
    _, runs = past.comparison(pairs=2)
    again = msgspec.structs.replace(runs[1], run_id=past.id())
    assert replay.choose([*runs[:2], again, *runs[2:]], 1) == {"A": runs[0], "B": again}


def test_lone_runs_are_not_all_held(past: "Past", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "HALVES", 2)
    _, runs = past.comparison(pairs=9)
    alone = runs[::2]
    assert replay.choose([*alone, runs[1]]) == {"B": runs[1]}, "its other half is forgotten"
    assert list(replay.choose([*alone, runs[-1]])) == ["A", "B"]


def test_runs_without_text_show_nothing(past: "Past") -> None:
    _, runs = past.comparison(pairs=1)
    silent = [
        msgspec.structs.replace(run, trace=msgspec.structs.replace(run.trace, chunks=[]))
        for run in runs
    ]
    with pytest.raises(ExchangeError, match="no run that has any text"):
        replay.choose(silent)
    with pytest.raises(ExchangeError, match="no pair 7 that has any text"):
        replay.choose(runs, 7)


def test_a_run_alone_is_replayed_alone(past: "Past") -> None:
    _, runs = past.comparison(pairs=1)
    assert replay.choose(runs[1:]) == {"B": runs[1]}
