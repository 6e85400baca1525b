"""The list is short enough to be read and complete enough to be worked with."""

import csv
import io
from typing import TYPE_CHECKING

import msgspec
import pytest

from streamscope.cli.history.lists import Listed

if TYPE_CHECKING:
    from tests.cli.conftest import Cli, Past


SUBCOMMANDS = (
    *("list", "show", "compare", "export", "import", "delete"),
    *("undo", "tag", "note", "rerun", "path"),
)


@pytest.fixture
def two(past: "Past") -> list[str]:
    """Two groups, the older one first: ids of their only comparisons."""
    older, _ = past.comparison(prompt="Why is the sky blue?", pairs=6)
    newer, _ = past.comparison(prompt="Explain " * 40, model="large", pairs=2)
    past.history.annotate(older, note="on the train", tags=["demo"]).result()
    return [older, newer]


def test_groups_newest_first_within_eighty_columns(cli: "Cli", two: list[str]) -> None:
    done = cli("history", "list")
    assert done.code == 0
    lines = done.out.splitlines()
    assert max(map(len, lines)) <= 80
    head, newer, about, older, why, remarks = lines
    assert head.split() == ["ID", "newest", "pairs", "first", "text", "total"]
    assert newer.startswith(two[1][:8])
    assert about.strip().startswith("large · Explain Explain")
    assert older.startswith(two[0][:8])
    assert older.endswith("6  0.20 vs 2.01 s       2.01 vs 2.01 s")
    assert why.strip() == "tiny · Why is the sky blue?"
    assert remarks.strip() == "#demo on the train"


@pytest.mark.parametrize("sought", ["sky", "#demo", "TRAIN sky", "tiny"])
@pytest.mark.parametrize("each", [(), ("--each",)])
def test_a_search_finds_by_prompt_model_note_and_tag(
    cli: "Cli", two: list[str], sought: str, each: tuple[str, ...]
) -> None:
    done = cli("history", "list", "--search", sought, "--format", "json", *each)
    listed = msgspec.json.decode(done.out, type=list[Listed])
    assert [one.id for one in listed] == [two[0]]


def test_a_search_that_finds_nothing_says_so(cli: "Cli", two: list[str]) -> None:
    done = cli("history", "list", "--search", "green")
    assert done.code == 0
    assert done.out.startswith("There is nothing with 'green' in it")


def test_an_empty_history_is_no_error(cli: "Cli") -> None:
    done = cli("history", "list")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("There is nothing in the history")


def test_comparisons_one_by_one(cli: "Cli", past: "Past", two: list[str]) -> None:
    third, _ = past.comparison(prompt="Why is the sky blue?", pairs=1)
    groups = msgspec.json.decode(cli("history", "list", "--format=json").out, type=list[Listed])
    each = msgspec.json.decode(
        cli("history", "list", "--each", "--format=json").out, type=list[Listed]
    )
    assert [one.id for one in groups] == [third, two[1]]
    assert [one.pairs for one in groups] == [7, 2]
    assert [(one.id, one.pairs, one.failed) for one in each] == [
        (third, 1, 0),
        (two[1], 2, 0),
        (two[0], 6, 0),
    ]


def test_a_limit_is_kept_and_told(cli: "Cli", two: list[str]) -> None:
    done = cli("history", "list", "--limit", "1")
    assert two[1][:8] in done.out
    assert two[0][:8] not in done.out
    assert "These are the newest 1: --limit N shows more." in done.out


def test_json_has_medians_with_their_intervals(cli: "Cli", two: list[str]) -> None:
    listed = msgspec.json.decode(cli("history", "list", "--format=json").out, type=list[Listed])
    figures = listed[1].figures
    assert figures is not msgspec.UNSET
    first = figures["stream"]["ttfv_s"]
    assert first.n == 6
    assert [first.low, first.estimate, first.high] == pytest.approx([0.2002, 0.2007, 0.2012])
    assert first.coverage == 0.96875


def test_a_table_for_other_programs(cli: "Cli", two: list[str]) -> None:
    rows = list(csv.DictReader(io.StringIO(cli("history", "list", "--format=csv").out)))
    assert [row["id"] for row in rows] == [two[1], two[0]]
    assert rows[1]["prompt"] == "Why is the sky blue?"
    assert float(rows[1]["blocking_total_s"]) == pytest.approx(2.007)
    assert rows[1]["tags"] == "demo"


def test_a_prompt_with_escape_sequences_is_harmless(cli: "Cli", past: "Past") -> None:
    past.comparison(prompt="\x1b[31mred\x1b]0;title\x07", model="\x1b[2Jm")
    done = cli("history", "list")
    assert "red" in done.out
    assert "\x1b" not in done.out
    assert "\x07" not in done.out


def test_a_format_that_means_nothing_here_is_refused(cli: "Cli") -> None:
    done = cli("history", "list", "--output", "list.html")
    assert (done.code, done.out) == (2, "")
    assert "say --format table or json or csv" in done.err


def test_the_place_of_the_history(cli: "Cli", past: "Past") -> None:
    assert cli("history", "path") == (0, f"{past.history.path}\n", "")


def test_a_history_that_cannot_be_opened_is_one_sentence(cli: "Cli", past: "Past") -> None:
    file = past.history.path
    past.history.close()
    file.unlink()
    file.mkdir()
    done = cli("history", "list")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("streamscope: The history")
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("argv", [(), ("look",), ("show",), ("compare", "last")])
def test_a_command_that_is_none_is_refused_in_one_line(cli: "Cli", argv: tuple[str, ...]) -> None:
    done = cli("history", *argv)
    assert (done.code, done.out) == (2, "")
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(
    "argv",
    [
        ("--help",),
        ("run", "--help"),
        ("replay", "--help"),
        ("history", "--help"),
        *(("history", name, "--help") for name in SUBCOMMANDS),
    ],
)
def test_help_fits_a_terminal(cli: "Cli", argv: tuple[str, ...]) -> None:
    done = cli(*argv)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("usage: streamscope " + " ".join(argv[:-1]))
    assert max(map(len, done.out.splitlines())) <= 84
