"""What leaves the history comes back into another one as it was; a bad line loses nothing."""

import io
import itertools
import pkgutil
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from streamscope.history import History
from streamscope.plan import Plan
from streamscope.report.comparison_json import ComparisonRecord, RunLine, to_jsonl

if TYPE_CHECKING:
    from tests.cli.conftest import Cli, Past


@pytest.fixture
def other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Switch to another home; return its history."""
    monkeypatch.setenv("STREAMSCOPE_HOME", str(tmp_path / "other"))
    return tmp_path / "other" / "data" / "history.db"


@pytest.mark.parametrize("form", ["jsonl", "json"])
def test_a_history_moves_to_another_machine(
    cli: "Cli", past: "Past", tmp_path: Path, request: pytest.FixtureRequest, form: str
) -> None:
    names = [past.comparison(pairs=2)[0], past.comparison(pairs=1, prompt="What else?")[0]]
    file = tmp_path / f"all.{form}"
    done = cli("history", "export", "--all", "--output", str(file))
    assert (done.code, done.out) == (0, "")
    before = list(past.history.export())
    there = request.getfixturevalue("other")
    one, two = (name[:8] for name in names)
    said = f"6 runs added.\n  {one}  Why?\n  {two}  What else?\n"
    assert cli("history", "import", str(file)) == (0, said, "")
    assert cli("history", "import", str(file)).out == "0 runs added, 6 known already.\n"
    with History.open(there) as history:
        assert list(history.export()) == before


@pytest.mark.parametrize("form", ["jsonl", "json"])
def test_how_a_comparison_was_to_be_carried_out_moves_with_it(
    cli: "Cli", past: "Past", tmp_path: Path, request: pytest.FixtureRequest, form: str
) -> None:
    plan = Plan(order="random", seed=9, repeat=5, until=0.05, warmup=2, cooldown_s=0.5)
    name, _ = past.comparison(pairs=2, plan=plan)
    file = tmp_path / f"all.{form}"
    assert cli("history", "export", "--all", "--output", str(file)).code == 0
    there = request.getfixturevalue("other")
    assert cli("history", "import", str(file)).code == 0
    with History.open(there) as history:
        assert history.plan(name) == plan
    shown = cli("history", "show", "last").out
    assert "stopped at 2 of at most 5 pairs" in shown
    assert "order RANDOM" in shown


def test_a_plan_that_comes_later_is_added_and_replaces_none(
    cli: "Cli", past: "Past", tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    name, runs = past.comparison(pairs=2, plan=Plan(repeat=4))
    old, new, other = (tmp_path / f"{each}.jsonl" for each in ("old", "new", "other"))
    old.write_bytes(b"".join(to_jsonl(run) for run in runs))
    assert cli("history", "export", "--all", "--output", str(new)).code == 0
    other.write_bytes(b"".join(to_jsonl(run, Plan(repeat=9)) for run in runs))
    there = request.getfixturevalue("other")
    assert cli("history", "import", str(old)).code == 0
    assert "came without its plan" in cli("history", "show", "last").out
    assert cli("history", "import", str(new), str(other)).out == "0 runs added, 8 known already.\n"
    with History.open(there) as history:
        assert history.plan(name) == Plan(repeat=4)


def test_a_run_alone_does_not_pass_for_a_comparison(cli: "Cli", past: "Past") -> None:
    _, runs = past.comparison(pairs=1, plan=Plan(repeat=4))
    done = cli("history", "export", runs[0].run_id)
    assert msgspec.json.decode(done.out, type=RunLine).plan is None


def test_lines_to_standard_output(cli: "Cli", past: "Past") -> None:
    _, runs = past.comparison(pairs=2)
    past.comparison(prompt="Not me")
    done = cli("history", "export", "--search", "why?")
    lines = [msgspec.json.decode(line, type=RunLine) for line in done.out.splitlines()]
    assert [line.run_id for line in lines] == [run.run_id for run in runs]


def test_a_run_and_a_comparison_by_id(cli: "Cli", past: "Past") -> None:
    name, runs = past.comparison(pairs=1)
    _, others = past.comparison(pairs=1)
    done = cli("history", "export", others[0].run_id, name[:4])
    ids = [msgspec.json.decode(line, type=RunLine).run_id for line in done.out.splitlines()]
    assert ids == [others[0].run_id, *(run.run_id for run in runs)]


def test_comparisons_in_json_oldest_first(cli: "Cli", past: "Past") -> None:
    older, _ = past.comparison(pairs=1)
    newer, _ = past.comparison(pairs=1, prompt="What else?")
    done = cli("history", "export", "--all", "--format", "json")
    records = [msgspec.json.decode(line, type=ComparisonRecord) for line in done.out.splitlines()]
    assert [each.runs[0].comparison_id for each in records] == [older, newer]


@pytest.mark.parametrize(
    ("name", "begins"), [("r.md", "# "), ("r.html", "<!doctype html>"), ("r.csv", "comparison_id,")]
)
def test_reports_of_several_comparisons(
    cli: "Cli", past: "Past", tmp_path: Path, name: str, begins: str
) -> None:
    past.comparison(prompt="One?")
    past.comparison(prompt="Two?")
    file = tmp_path / name
    assert cli("history", "export", "--all", "--output", str(file)).code == 0
    text = file.read_text()
    assert text.lower().startswith(begins)
    assert "One?" in text
    assert "Two?" in text


@pytest.mark.parametrize("argv", [(), ("last", "--all"), ("--search", "x", "--all")])
def test_what_to_export_is_said_once(cli: "Cli", argv: tuple[str, ...]) -> None:
    done = cli("history", "export", *argv)
    assert (done.code, done.out) == (2, "")
    assert "an ID, --search TEXT or --all" in done.err


@pytest.mark.parametrize("argv", [("beef",), ("--search", "nothing"), ("--all",)])
@pytest.mark.parametrize("form", ["jsonl", "csv", "json", "markdown"])
def test_an_export_of_nothing_overwrites_no_file(
    cli: "Cli", tmp_path: Path, argv: tuple[str, ...], form: str
) -> None:
    file = tmp_path / "mine"
    file.write_text("precious")
    done = cli("history", "export", *argv, "--format", form, "--output", str(file))
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("streamscope: There is no")
    assert file.read_text() == "precious"


def test_a_file_that_cannot_be_written_is_one_sentence(
    cli: "Cli", past: "Past", tmp_path: Path
) -> None:
    past.comparison(pairs=1)
    assert cli("history", "export", "--all", "--output", str(tmp_path)).err == (
        f"streamscope: {tmp_path} can't be written: it is a folder. Name another file.\n"
    )
    done = cli("history", "export", "--all", "--format", "jsonl", "--output", "/dev/full")
    assert done.code == 1
    assert done.err == "streamscope: /dev/full can't be written: No space left on device.\n"


def test_an_export_that_is_interrupted_leaves_what_was_there(
    cli: "Cli", past: "Past", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    past.comparison(pairs=2)
    file = tmp_path / "all.jsonl"
    file.write_text("precious")
    rest = iter([b"a line\n"])

    def interrupted(run: object, *_: object) -> bytes:
        if (line := next(rest, None)) is None:
            raise KeyboardInterrupt
        return line

    monkeypatch.setattr("streamscope.report.comparison_json.to_jsonl", interrupted)
    assert cli("history", "export", "--all", "--output", str(file)).code == 130
    assert file.read_text() == "precious"
    assert [each.name for each in tmp_path.glob(".*")] == []


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (b'{"ttft_s": NaN}', "NaN or Infinity"),
        (b'{"schema": "streamscope/run/2"}', "update streamscope"),
        (b"hello", "is not JSON"),
    ],
)
def test_a_bad_line_ends_an_import_and_keeps_what_came_before(
    cli: "Cli", past: "Past", tmp_path: Path, request: pytest.FixtureRequest, bad: bytes, why: str
) -> None:
    past.comparison(pairs=2)
    lines = cli("history", "export", "last").out.encode().splitlines()
    file = tmp_path / "bad.jsonl"
    file.write_bytes(b"\n".join([*lines[:3], bad, *lines[3:]]))
    there = request.getfixturevalue("other")
    done = cli("history", "import", str(file), "none.jsonl")
    assert (done.code, done.out) == (1, "")
    problem, kept, comparison = done.err.splitlines()
    assert comparison == "  0001aaaa  Why?"
    assert problem.startswith(f"streamscope: {file}, line 4 ")
    assert why in problem
    assert kept == "What came before is kept: 3 runs added."
    with History.open(there) as history:
        assert history.count() == 3


@pytest.mark.parametrize(("moment", "kept"), [("measure", 2), ("_Fresh.see", 3)])
def test_an_import_that_is_interrupted_says_what_it_kept(
    cli: "Cli",
    past: "Past",
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    moment: str,
    kept: int,
) -> None:
    """While it reads it ends at once; a run that is being kept is kept."""
    past.comparison(pairs=3)
    file = tmp_path / "all.jsonl"
    cli("history", "export", "--all", "--output", str(file))
    there = request.getfixturevalue("other")
    with monkeypatch.context() as patch:
        owner, _, name = f"streamscope.cli.history.files.{moment}".rpartition(".")
        usual = getattr(pkgutil.resolve_name(owner), name)
        count = itertools.count(1)

        def interrupted(*given: object) -> object:
            if next(count) == 3:
                signal.raise_signal(signal.SIGINT)
            return usual(*given)

        patch.setattr(f"{owner}.{name}", interrupted)
        done = cli("history", "import", str(file), "none.jsonl")
    assert (done.code, done.out) == (130, "")
    assert done.err == (
        f"Stopped: {kept} runs added. Importing again goes on from there.\n  0001aaaa  Why?\n"
    )
    with History.open(there) as history:
        assert history.count() == kept
    assert (
        cli("history", "import", str(file)).out == f"{6 - kept} runs added, {kept} known already.\n"
    )


def test_an_import_names_a_handful_of_the_comparisons_that_are_new(
    cli: "Cli", past: "Past", tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    names = [past.comparison(pairs=1, prompt=f"\x1b[31m{n} " + "long " * 40)[0] for n in range(7)]
    one, rest = tmp_path / "one.jsonl", tmp_path / "all.jsonl"
    cli("history", "export", names[0], "--output", str(one))
    cli("history", "export", "--all", "--output", str(rest))
    request.getfixturevalue("other")
    cli("history", "import", str(one))
    done = cli("history", "import", str(rest))
    counts, *lines, more = done.out.splitlines()
    assert counts == "12 runs added, 2 known already."
    assert [line.split()[0] for line in lines] == [name[:8] for name in names[1:6]]
    assert more == "  and 1 more: `streamscope history list` has them."
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in done.out
    assert cli("history", "show", lines[0].split()[0]).code == 0


def test_a_pipe_is_a_file_named_with_a_dash(
    cli: "Cli", past: "Past", monkeypatch: pytest.MonkeyPatch
) -> None:
    past.comparison(pairs=1)
    out = cli("history", "export", "last").out
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(out.encode() + b"[1]\n")))
    done = cli("history", "import", "-")
    assert done.code == 1
    assert done.err.startswith("streamscope: standard input, line 3 ")
    assert done.err.endswith("What came before is kept: 0 runs added, 2 known already.\n")


def test_a_file_that_is_not_there(cli: "Cli") -> None:
    done = cli("history", "import", "none.jsonl")
    assert (done.code, done.out) == (1, "")
    assert done.err.splitlines() == [
        "streamscope: none.jsonl can't be read: No such file or directory.",
        "Nothing was added.",
    ]
