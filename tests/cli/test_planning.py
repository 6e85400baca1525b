"""What is said counts more than the config, and that more than what is usual."""

import argparse
from typing import Any

import pytest

from streamscope.cli import planning
from streamscope.cli.history.arguments import EXPORT_FORMATS, parse
from streamscope.cli.jobs import planned
from streamscope.cli.parsing import UsageError, share
from streamscope.cli.run_arguments import (
    FORMATS,
    Format,
    RunOptions,
    Views,
    parse_rerun,
    parse_run,
)
from streamscope.measure.conventions import Costs, Reader, Trust
from streamscope.plan import Plan
from streamscope.settings import ComparisonDefaults, Config


def plan(*argv: str, config: Config | None = None) -> Plan:
    return planning.plan(parse_run(["x", *argv]), config or Config())


def of(**changes: Any) -> Config:
    return Config(comparison=ComparisonDefaults(**changes))


def test_six_pairs_where_nobody_says_anything() -> None:
    assert plan() == Plan(repeat=6, warmup=1, order="abba")


def test_the_config_decides_how_many_where_it_says_so() -> None:
    assert plan(config=of(repeat=9)) == Plan(repeat=9)
    wanted = plan(config=of(until=0.1, most=20))
    assert (wanted.until, wanted.least, wanted.repeat) == (0.1, 6, 20)


def test_a_config_that_only_names_an_order_leaves_the_number_alone() -> None:
    assert plan(config=of(order="ba", warmup=3)) == Plan(repeat=6, order="ba", warmup=3)


def test_exactly_n_pairs_whatever_the_config_says() -> None:
    assert plan("--repeat", "2", config=of(until=0.1)) == Plan(repeat=2)


@pytest.mark.parametrize("said", ["5%", "5 %", "0.05", ".05"])
def test_until_the_medians_are_known(said: str) -> None:
    assert plan("--until", said) == Plan(repeat=30, until=0.05, least=6)


def test_at_most_fewer_than_the_config_wants_at_least() -> None:
    wanted = plan("--until", "5%", "--most", "8", config=of(least=12))
    assert (wanted.repeat, wanted.least) == (8, 8)


@pytest.mark.parametrize("said", ["0", "0%", "5", "-5%", "101%", "nan", "nan%", "", "%", "much"])
def test_a_share_that_is_none(said: str) -> None:
    """The refusal says what a share is: its bounds, and how it is written."""
    bounds = r"above 0% and at most 100%, such as 5% or 0\.05"
    with pytest.raises(argparse.ArgumentTypeError, match=bounds):
        share(said)


def test_a_share_may_be_the_whole() -> None:
    assert share("100%") == share("1") == 1


def test_a_race_is_a_layout_and_not_an_order() -> None:
    raced = plan("--order", "race")
    assert (raced.layout, raced.order) == ("race", "abba")


def test_a_random_order_is_drawn_anew_each_time() -> None:
    assert len({plan("--order", "random").seed for _ in range(3)}) > 1
    assert plan("--order", "latin").seed == 0


def test_connections_are_used_again_only_where_somebody_says_so() -> None:
    assert not plan().reuse
    assert plan("--reuse-connection").reuse
    assert plan(config=of(reuse_connection=True)).reuse


def test_all_else_of_a_plan() -> None:
    assert plan("--regime=cold", "--warmup=0", "--cooldown=1.5", "--order=ab") == Plan(
        repeat=6, regime="cold", warmup=0, cooldown_s=1.5, order="ab"
    )


def test_what_reports_take_for_granted() -> None:
    config = Config(reader=Reader(words_per_minute=100), costs=Costs(timeout_s=7, currency="EUR"))
    said = planning.conventions(Views(cpm=300, price=2.5), config)
    assert (said.reader.words_per_minute, said.reader.characters_per_minute) == (100, 300)
    assert (said.costs.timeout_s, said.costs.price_per_million, said.costs.currency) == (
        7,
        2.5,
        "EUR",
    )


def test_views_are_read_wherever_reports_are_made() -> None:
    argv = ["last", "--wpm", "200", "--client-timeout", "9"]
    assert parse_rerun(argv).views == Views(wpm=200, client_timeout_s=9)


@pytest.mark.parametrize("said", [True, False])
@pytest.mark.parametrize("configured", [True, False])
def test_busy_runs_count_if_anybody_says_so(*, said: bool, configured: bool) -> None:
    config = Config(trust=Trust(include_busy=configured, lag_ms=7))
    options = parse_run(["x", *["--include-busy"] * said])
    wanted = Trust(include_busy=said or configured, lag_ms=7)
    assert planning.conventions(options.views, config).trust == wanted
    (job,) = planned(options, config, None)
    assert job.course.include_busy == wanted.include_busy


@pytest.mark.parametrize("argv", [["show", "last"], ["compare", "a", "b"], ["export", "--all"]])
def test_the_history_can_be_told_to_count_busy_runs(argv: list[str]) -> None:
    assert parse([*argv, "--include-busy"]).views.include_busy
    assert not parse(argv).views.include_busy


@pytest.mark.parametrize(
    ("said", "output", "expected"),
    [
        ("", "", "table"),
        ("", "r.JSON", "json"),
        ("", "r.ndjson", "jsonl"),
        ("", "r.htm", "html"),
        ("", "r.txt", "table"),
        ("", "result", "table"),
        ("json", "r.pdf", "json"),
        ("csv", "r.md", "csv"),
    ],
)
def test_the_format_of_a_result(said: str, output: str, expected: str) -> None:
    assert planning.output_format(said, output) == expected


@pytest.mark.parametrize(
    ("output", "allowed"), [("r.pdf", FORMATS), ("r.2026", FORMATS), ("r.txt", EXPORT_FORMATS)]
)
def test_an_ending_that_names_no_format_is_refused(
    output: str, allowed: tuple[Format, ...]
) -> None:
    """Nobody should find a table where they wanted something else."""
    with pytest.raises(UsageError, match=r"end the file's name in one of .*\.json.* --format"):
        planning.output_format("", output, allowed)


def test_a_comparison_that_goes_on_may_have_a_new_bound() -> None:
    assert parse_run(["--continue", "last", "--most", "60"]).most == 60


@pytest.mark.parametrize(
    ("argv", "why"),
    [
        (["x", "--most", "8"], "add --until"),
        (["-", "-"], "name a - once"),
        (["--continue", "last", "x"], "leave out the prompt"),
        (["--continue", "last", "--model", "m", "--no-save"], "leave out --model, --no-save"),
        (["--continue", "last", "--cooldown", "1"], "leave out --cooldown"),
    ],
)
def test_a_command_line_that_contradicts_itself(argv: list[str], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        parse_run(argv)


@pytest.mark.parametrize(
    ("argv", "past", "repeat", "until", "least"),
    [
        ([], Plan(repeat=8, order="ba"), 8, None, 6),
        (["--repeat", "12"], Plan(repeat=8, order="ba"), 12, None, 6),
        (["--repeat", "12"], Plan(repeat=30, until=0.05, order="ba"), 12, None, 6),
        (["--until", "2%"], Plan(repeat=8, order="ba"), 30, 0.02, 6),
        (["--until", "2%", "--most", "9"], Plan(repeat=8, order="ba"), 9, 0.02, 6),
        (["--most", "60"], Plan(repeat=30, until=0.05, order="ba"), 60, 0.05, 6),
    ],
)
def test_what_is_measured_anew_may_have_more_pairs(
    argv: list[str], past: Plan, repeat: int, until: float | None, least: int
) -> None:
    plan = planning.recounted(past, parse_rerun(["last", *argv]), Config())
    assert (plan.repeat, plan.until, plan.least, plan.order) == (repeat, until, least, "ba")


def test_a_bound_for_exactly_so_many_pairs_is_refused() -> None:
    with pytest.raises(UsageError, match="has exactly 8 pairs: add --until"):
        planning.recounted(Plan(repeat=8), parse_rerun(["last", "--most", "9"]), Config())


def test_what_may_be_said_of_a_comparison_that_goes_on() -> None:
    argv = ["--continue", "last", "--tag", "t", "--format=csv", "--wpm=9", "--timeout=9"]
    assert isinstance(parse_run(argv), RunOptions)
