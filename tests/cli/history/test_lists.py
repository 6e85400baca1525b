"""The list is short enough to be read and complete enough to be worked with."""

import csv
import io
import re
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import msgspec
import pytest

from streamscope.cli.history.listed import Listed, Pooled
from streamscope.measure.figures import measure
from streamscope.plan import Plan
from streamscope.report.comparison_json import ComparisonRecord

if TYPE_CHECKING:
    from tests.cli.conftest import Cli, Past


SUBCOMMANDS = (
    *("list", "show", "compare", "trend", "export", "import", "delete"),
    *("undo", "tag", "note", "rerun", "path"),
)


def listed(cli: "Cli", *argv: str) -> list[Listed]:
    """Return the comparisons of a list."""
    return msgspec.json.decode(
        cli("history", "list", "--format", "json", *argv).out, type=list[Listed]
    )


def pooled(cli: "Cli", *argv: str) -> list[Pooled]:
    """Return the groups of a list."""
    done = cli("history", "list", "--groups", "--format", "json", *argv)
    return msgspec.json.decode(done.out, type=list[Pooled])


@pytest.fixture
def two(past: "Past") -> list[str]:
    """Two comparisons, each a group of its own, the older one first: their ids."""
    older, _ = past.comparison(prompt="Why is the sky blue?", pairs=6)
    newer, _ = past.comparison(prompt="Explain " * 40, model="large", pairs=2)
    past.history.annotate(older, note="on the train", tags=["demo"]).result()
    return [older, newer]


@pytest.mark.parametrize(
    ("argv", "heads"),
    [((), ["ID", "started"]), (("--groups",), ["newest", "ID", "newest", "run"])],
)
def test_newest_first_within_eighty_columns(
    cli: "Cli", past: "Past", two: list[str], argv: tuple[str, ...], heads: list[str]
) -> None:
    (_, older_group) = past.history.groups()
    past.history.annotate(older_group.group, note="on the train", tags=["demo"]).result()
    done = cli("history", "list", *argv)
    assert done.code == 0
    lines = done.out.splitlines()
    assert max(map(len, lines)) <= 80
    head, newer, about, older, why, remarks = lines
    assert head.split() == [*heads, "pairs", "first", "text", "total"]
    assert newer.startswith(two[1][:8])
    assert about.strip().startswith("large · Explain Explain")
    assert older.startswith(two[0][:8])
    assert older.endswith("6  0.20 vs 2.01 s       2.01 vs 2.01 s")
    assert why.strip() == "tiny · Why is the sky blue?"
    assert remarks.strip() == "#demo on the train"


def test_two_models_are_both_named_and_their_medians_kept_apart(cli: "Cli", past: "Past") -> None:
    """Both stream, so that their mode tells them not apart."""
    past.comparison(model="small", against="large", modes=("stream", "stream"), pairs=2)
    (row,) = listed(cli)
    told = [(each.target.model, each.figures["ttfv_s"].n) for each in row.channels.values()]
    assert told == [("small", 2), ("large", 2)]
    figures, about = cli("history", "list").out.splitlines()[1:]
    assert figures.endswith("2  0.20 vs 0.40 s       2.00 vs 4.01 s")
    assert about.strip() == "small vs large · Why?"
    (other,) = csv.DictReader(io.StringIO(cli("history", "list", "--format=csv").out))
    assert (other["A_model"], other["B_model"], other["B_mode"]) == ("small", "large", "stream")


def test_what_tells_two_channels_of_one_model_apart_is_named_beside_it(
    cli: "Cli", past: "Past"
) -> None:
    past.comparison(modes=("blocking", "stream"), pairs=1)
    assert (
        cli("history", "list").out.splitlines()[2].strip() == "tiny · blocking vs streaming · Why?"
    )


def test_long_names_of_two_models_fit_eighty_columns(cli: "Cli", past: "Past") -> None:
    names = [f"somebody/A-Model-With-A-Long-Name-GGUF:{bits}" for bits in ("Q4_K_M", "Q8_0")]
    past.comparison(model=names[0], against=names[1], modes=("stream", "stream"), pairs=1)
    lines = cli("history", "list").out.splitlines()
    assert max(map(len, lines)) <= 80
    a, _, b = lines[2].strip().partition(" · ")[0].partition(" vs ")
    assert a != b


@pytest.mark.parametrize("sought", ["small", "large", "large small why?"])
def test_a_search_finds_two_models_by_either(cli: "Cli", past: "Past", sought: str) -> None:
    name, _ = past.comparison(model="small", against="large", modes=("stream", "stream"))
    past.comparison(model="other")
    assert [one.id for one in listed(cli, "--search", sought)] == [name]


@pytest.mark.parametrize("sought", ["sky", "#demo", "TRAIN sky", "tiny"])
def test_a_search_finds_by_prompt_model_note_and_tag(
    cli: "Cli", two: list[str], sought: str
) -> None:
    assert [one.id for one in listed(cli, "--search", sought)] == [two[0]]
    assert [one.newest_id for one in pooled(cli, "--search", sought)] == [two[0]]


def test_a_comparison_is_not_found_by_what_is_written_about_another_one(
    cli: "Cli", past: "Past"
) -> None:
    tagged, _ = past.comparison(pairs=1)
    noted, _ = past.comparison(pairs=1)
    past.history.annotate(tagged, tags=["mine"]).result()
    past.history.annotate(noted, note="by night").result()
    assert [one.id for one in listed(cli, "--search", "#mine")] == [tagged]
    assert [one.id for one in listed(cli, "--search", "night why?")] == [noted]
    assert listed(cli, "--search", "#mine night") == []
    assert [one.pairs for one in pooled(cli, "--search", "#mine")] == [2]


def test_what_is_written_about_a_group_finds_all_its_comparisons(cli: "Cli", past: "Past") -> None:
    ids = [past.comparison(pairs=1)[0] for _ in range(2)]
    past.comparison(prompt="What else?")
    (_, group) = past.history.groups()
    past.history.annotate(group.group, tags=["ours"]).result()
    assert [one.id for one in listed(cli, "--search", "#ours")] == ids[::-1]


def test_a_search_that_finds_nothing_says_so(cli: "Cli", two: list[str]) -> None:
    done = cli("history", "list", "--search", "green")
    assert done.code == 0
    assert done.out.startswith("There is nothing with 'green' in it")


def test_an_empty_history_is_no_error(cli: "Cli") -> None:
    done = cli("history", "list")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("There is nothing in the history")


def test_a_row_is_one_comparison_with_its_own_pairs_medians_and_remarks(
    cli: "Cli", past: "Past"
) -> None:
    """What stands beside an id is what `show` and `tag` say of that id."""
    older, _ = past.comparison(pairs=3, first_s=0.2, total_s=2.0)
    newer, _ = past.comparison(pairs=1, first_s=0.6, total_s=6.0)
    past.history.annotate(older, tags=["first"]).result()
    past.history.annotate(newer, note="slower").result()
    rows = {one.id: one for one in listed(cli)}
    assert list(rows) == [newer, older]
    assert [(one.pairs, one.runs, one.failed) for one in rows.values()] == [(1, 2, 0), (3, 6, 0)]
    assert [(one.tags, one.note) for one in rows.values()] == [((), "slower"), (("first",), "")]
    for name, row in rows.items():
        shown = msgspec.json.decode(
            cli("history", "show", name, "--format=json").out, type=ComparisonRecord
        )
        assert [each.mode for each in row.channels.values()] == ["stream", "blocking"]
        figures_of = [each.figures for each in row.channels.values()]
        sides = zip(figures_of, (shown.summary.A, shown.summary.B), strict=True)
        for figures, summary in sides:
            assert {"ttfv_s", "total_s"} <= set(figures)
            medians = {figure: known.estimate for figure, known in figures.items()}
            assert medians == {figure: summary[figure].median for figure in medians}


def test_groups_pool_and_say_whose_id_it_is(cli: "Cli", past: "Past") -> None:
    older, _ = past.comparison(pairs=3)
    newer, _ = past.comparison(pairs=1)
    past.history.annotate(older, tags=["first"]).result()
    (group,) = pooled(cli)
    assert (group.newest_id, group.pairs, group.runs) == (newer, 4, 8)
    assert group.figures["stream"]["ttfv_s"].n == 4
    assert group.tags == (), "a comparison's tags are not its group's"


def test_what_was_only_compared_with_others_has_no_pairs_of_its_own(
    cli: "Cli", past: "Past"
) -> None:
    past.comparison(pairs=2)
    past.comparison(model="small", against="large", modes=("stream", "stream"), pairs=3)
    lines = cli("history", "list", "--groups").out.splitlines()
    figures = [line.split() for line in lines if re.match(r"[0-9a-f]{8} ", line)]
    assert sorted(line[3] for line in figures) == ["2", "–", "–"]


def test_a_comparison_that_was_stopped_says_so(cli: "Cli", past: "Past") -> None:
    past.comparison(pairs=2, plan=Plan(repeat=2))
    past.comparison(pairs=2)
    stopped, _ = past.comparison(pairs=6, plan=Plan(repeat=30, until=1e-9))
    newest, *others = listed(cli)
    assert (newest.id, newest.complete) == (stopped, False)
    assert newest.state == "stopped at 6 of at most 30 pairs"
    assert [one.state for one in others] == ["", ""]
    assert [one.complete for one in others] == [msgspec.UNSET, True], "one has no plan"
    assert "\n           stopped at 6 of at most 30 pairs\n" in cli("history", "list").out
    shown = cli("history", "show", stopped).out
    assert "stopped at 6 of at most 30 pairs" in shown
    assert f"`streamscope run --continue {stopped[:8]}` goes on" in shown
    assert "stopped" not in cli("history", "show", others[0].id).out


def test_a_comparison_whose_runs_cannot_be_read_stays_in_the_list(cli: "Cli", past: "Past") -> None:
    name, _ = past.comparison(pairs=2)
    with closing(sqlite3.connect(past.history.path)) as db:
        db.execute("UPDATE traces SET trace = x'00'")
        db.commit()
    (row,) = listed(cli)
    assert (row.id, row.pairs) == (name, 2)
    assert [each.figures for each in row.channels.values()] == [{}, {}]
    assert row.state == "its runs can't be read any more"


def test_a_limit_is_kept_and_told(cli: "Cli", two: list[str]) -> None:
    done = cli("history", "list", "--limit", "1")
    assert two[1][:8] in done.out
    assert two[0][:8] not in done.out
    assert "These are the newest 1: --limit N shows more." in done.out


def test_json_has_medians_with_their_intervals(cli: "Cli", two: list[str]) -> None:
    first = listed(cli)[1].channels["A"].figures["ttfv_s"]
    assert first.n == 6
    assert [first.low, first.estimate, first.high] == pytest.approx([0.2002, 0.2007, 0.2012])
    assert first.coverage == 0.96875


@pytest.mark.parametrize(("argv", "column"), [((), "id"), (("--groups",), "newest_id")])
def test_a_table_for_other_programs_says_whose_id_it_is(
    cli: "Cli", two: list[str], argv: tuple[str, ...], column: str
) -> None:
    rows = csv.DictReader(io.StringIO(cli("history", "list", "--format=csv", *argv).out))
    assert [row[column] for row in rows] == [two[1], two[0]]


def test_a_table_for_other_programs(cli: "Cli", two: list[str]) -> None:
    rows = list(csv.DictReader(io.StringIO(cli("history", "list", "--format=csv").out)))
    assert [row["id"] for row in rows] == [two[1], two[0]]
    assert rows[1]["prompt"] == "Why is the sky blue?"
    assert (rows[1]["B_mode"], rows[1]["B_model"]) == ("blocking", "tiny")
    assert float(rows[1]["B_total_s"]) == pytest.approx(2.007)
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


def test_the_choices_of_commands_are_complete(cli: "Cli") -> None:
    said = cli("history", "look").err
    assert [name for name in SUBCOMMANDS if f"'{name}'" not in said] == []


def test_a_rerun_after_two_dashes_is_one(cli: "Cli") -> None:
    assert "the following arguments are required: ID" in cli("history", "--", "rerun").err


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
        ("doctor", "--help"),
        ("history", "--help"),
        *(("history", name, "--help") for name in SUBCOMMANDS),
    ],
)
def test_help_fits_a_terminal(cli: "Cli", argv: tuple[str, ...]) -> None:
    done = cli(*argv)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("usage: streamscope " + " ".join(argv[:-1]))
    assert max(map(len, done.out.splitlines())) <= 84


def test_a_comparison_lacks_the_pairs_that_failed(cli: "Cli", past: "Past") -> None:
    name, runs = past.comparison(pairs=3, plan=Plan(repeat=3))
    past.history.delete(runs=[runs[-1].run_id]).result()
    broken = msgspec.structs.replace(runs[-1].trace, ended="error")
    for _ in range(2):
        again = msgspec.structs.replace(runs[-1], run_id=past.id(), trace=broken)
        past.history.save(again, measure(broken).values).result()
    (one,) = listed(cli)
    assert (one.failed, one.failed_pairs, one.complete) == (2, 1, False)
    assert "only 2 of 3 pairs count · 1 pair failed" in cli("history", "list").out
    assert f"`streamscope run --continue {name[:8]}` goes on" in cli("history", "show", name).out


def test_busy_runs_are_counted_in_the_list(cli: "Cli", past: "Past") -> None:
    _, runs = past.comparison(pairs=2)
    traces = [msgspec.structs.replace(run.trace, flags=["busy"]) for run in runs[:3]]
    for run, trace in zip(runs, traces, strict=False):
        again = msgspec.structs.replace(run, run_id=past.id(), trace=trace)
        past.history.save(again, measure(trace).values).result()
    assert [one.busy for one in listed(cli)] == [3]
    assert "3 runs busy" in cli("history", "list").out
    assert "3 runs busy" in cli("history", "list", "--groups").out
