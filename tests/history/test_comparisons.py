"""Comparisons are listed with what was planned and what became of it, and come back whole."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from streamscope.history import Group, History, HistoryError
from streamscope.plan import Plan
from streamscope.trace import Run, Target

MakeRun = Callable[..., Run]
Keep = Callable[..., Run]

FIRST, SECOND, THIRD = "1" * 32, "2" * 32, "3" * 32


def listed(history: History, group: Group | None = None) -> list[str]:
    return [row.comparison_id for row in history.comparisons(group=group)]


def test_a_comparison_is_listed_with_its_plan_and_what_became_of_it(
    history: History, make_run: MakeRun, keep: Keep
) -> None:
    plan = Plan(order="random", repeat=3, until=0.05, cooldown_s=1.5, seed=7)
    history.begin(FIRST, plan).result()
    first = keep(make_run(comparison_id=FIRST, warmup=True, pair=0, ended="error"))
    for pair, (a, b) in enumerate([("stop", "length"), ("stop", "error"), ("cancelled", None)], 1):
        keep(make_run("stream", a, comparison_id=FIRST, channel="A", pair=pair))
        keep(make_run("blocking", b, comparison_id=FIRST, channel="B", pair=pair))

    (row,) = history.comparisons()

    assert row.comparison_id == FIRST
    assert row.started_utc == "2026-10-17T12:00:01.000000Z"
    assert row.group == Group.of(first)
    assert row.target == first.target
    assert row.plan == plan
    assert (row.pairs, row.runs) == (1, 7)
    # The second blocking run, and the one that never ended: a warm-up or a stop is no failure.
    assert row.failed == 2
    assert row.failed_pairs == 2
    assert (row.note, row.tags) == ("", ())


def test_pairs_that_failed_are_counted_once_however_often_they_were_tried(
    history: History, make_run: MakeRun, keep: Keep
) -> None:
    for pair, (a, b) in enumerate([("error", "error"), ("stop", "error"), ("stop", "stop")], 1):
        for ended in ("error", a):
            keep(make_run("stream", ended, comparison_id=FIRST, channel="A", pair=pair))
        for ended in ("error", b):
            keep(make_run("blocking", ended, comparison_id=FIRST, channel="B", pair=pair))

    (row,) = history.comparisons()

    assert (row.runs, row.failed, row.failed_pairs, row.pairs) == (12, 9, 2, 1)


def test_busy_runs_are_counted_apart_from_those_that_failed(
    history: History, make_run: MakeRun, keep: Keep
) -> None:
    busy = {"flags": ["busy"]}
    keep(make_run(comparison_id=FIRST, pair=1, trace=busy))
    keep(make_run(comparison_id=FIRST, pair=1))
    keep(make_run("blocking", comparison_id=FIRST, channel="B", pair=1, trace=busy))
    keep(make_run(comparison_id=FIRST, pair=0, warmup=True, trace=busy))
    keep(make_run("blocking", "error", comparison_id=FIRST, channel="B", pair=1))

    (row,) = history.comparisons()

    assert (row.runs, row.busy, row.failed, row.pairs) == (5, 2, 1, 0)


def test_runs_of_which_nobody_said_the_plan_are_a_comparison_all_the_same(
    history: History, make_run: MakeRun, keep: Keep
) -> None:
    keep(make_run(comparison_id=FIRST))

    (row,) = history.comparisons()

    assert (row.comparison_id, row.plan, row.runs, row.pairs) == (FIRST, None, 1, 0)


def test_a_comparison_without_runs_is_not_listed(history: History) -> None:
    history.begin(FIRST, Plan()).result()

    assert history.comparisons() == []
    with pytest.raises(HistoryError, match="There is no comparison"):
        history.comparison(FIRST)


def test_a_comparison_that_is_continued_has_the_newer_plan(
    history: History, make_run: MakeRun, keep: Keep
) -> None:
    history.begin(FIRST, Plan(repeat=6)).result()
    keep(make_run(comparison_id=FIRST))
    history.begin(FIRST, Plan(repeat=12)).result()

    assert history.comparison(FIRST)[0].plan == Plan(repeat=12)


def test_a_plan_that_cannot_be_read_costs_the_plan_alone(
    history: History, make_run: MakeRun, keep: Keep
) -> None:
    history.begin(FIRST, Plan()).result()
    keep(make_run(comparison_id=FIRST))
    with closing(sqlite3.connect(history.path)) as connection:
        connection.execute('UPDATE comparisons SET plan = \'{"order": "by lot"}\'')
        connection.commit()

    assert [(row.plan, row.runs) for row in history.comparisons()] == [(None, 1)]


def test_the_comparison_with_the_newest_run_is_first(
    history: History, make_run: MakeRun, keep: Keep
) -> None:
    for comparison in (FIRST, SECOND, THIRD, FIRST):
        keep(make_run(comparison_id=comparison))

    assert listed(history) == [FIRST, THIRD, SECOND]
    pages = [history.comparisons(1)]
    while pages[-1]:
        pages.append(history.comparisons(1, before=pages[-1][-1].comparison_id))
    assert [row.comparison_id for page in pages for row in page] == [FIRST, THIRD, SECOND]


def test_comparisons_of_the_same_moment_appear_on_exactly_one_page(
    history: History, make_run: MakeRun, keep: Keep
) -> None:
    moment = {"started_utc": "2026-10-17T12:00:00Z"}
    runs = [keep(make_run(comparison_id=each, trace=moment)) for each in (SECOND, FIRST, THIRD)]

    for group in (None, Group.of(runs[0])):
        first = history.comparisons(2, group)
        rest = history.comparisons(2, group, before=first[-1].comparison_id)
        assert [row.comparison_id for row in first + rest] == [THIRD, SECOND, FIRST]


def test_the_list_of_a_group_holds_no_other_comparisons(
    history: History, make_run: MakeRun, keep: Keep
) -> None:
    keep(make_run(comparison_id=SECOND, prompt="Something else."))
    mine = keep(make_run(comparison_id=FIRST))

    assert listed(history, Group.of(mine)) == [FIRST]
    assert listed(history, Group.of(make_run(prompt="never asked"))) == []


def test_two_servers_in_one_comparison_are_a_pair_and_listed_under_both(
    history: History, make_run: MakeRun, keep: Keep
) -> None:
    other = Target(protocol="openai-chat", url="http://127.0.0.1:8000", model="n")
    b = keep(make_run("stream", comparison_id=FIRST, channel="B", target=other))
    a = keep(make_run("stream", comparison_id=FIRST, channel="A"))

    (row,) = history.comparisons()
    assert (row.group, row.target, row.pairs) == (Group.of(a), a.target, 1)
    (row,) = history.comparisons(group=Group.of(b))
    assert (row.group, row.target, row.pairs) == (Group.of(b), other, 1)


def test_a_comparison_comes_back_whole_in_the_order_in_which_it_was_made(
    history: History, make_run: MakeRun, keep: Keep
) -> None:
    runs = [make_run(comparison_id=FIRST, pair=pair, nonce=str(pair)) for pair in (2, 1, 3)]
    # Saved in another order, as by an import.
    for run in reversed(runs):
        keep(run)
    keep(make_run(comparison_id=SECOND))

    for name in (FIRST, "1111"):
        row, found = history.comparison(name)
        assert row.comparison_id == FIRST
        assert found == runs


def test_an_old_history_has_its_comparisons_too(path: Path, make_run: MakeRun) -> None:
    """What lists are made from is filled in when the schema is upgraded."""
    old = (Path(__file__).parent / "schemas" / "1.sql").read_text(encoding="utf-8")
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(old)
        connection.execute("PRAGMA user_version = 1")
        connection.execute("INSERT INTO prompts VALUES (1, 'sha', 'Why?', 'why?', '2026-10-17')")
        connection.execute(
            "INSERT INTO groups VALUES (1, 1, 'ollama-chat http://HOST ÄM', '', 'params', "
            "'apart', 'warm', '{}')"
        )
        for seq, (mode, pair, left_out) in enumerate(
            [
                ("stream", 0, "warmup"),
                ("stream", 1, ""),
                ("blocking", 1, ""),
                ("stream", 2, ""),
                ("blocking", 2, "error"),
            ]
        ):
            connection.execute(
                "INSERT INTO runs (run_id, group_id, started_utc, mode, left_out, comparison_id, "
                "channel, pair, position, warmup, protocol, url, model, server_model, "
                "server_version, clock, timings_source, n_chunks, n_reasoning_chunks, output_sha, "
                "reasoning_sha, flags) VALUES (?, 1, ?, ?, ?, ?, ?, ?, 1, 0, 'ollama-chat', "
                "'http://HOST', 'ÄM', '', '', 'kernel', '', 0, 0, '', '', '[]')",
                (
                    f"{seq:032x}",
                    f"2026-10-17T12:00:0{seq}.000000Z",
                    mode,
                    left_out,
                    FIRST,
                    "A" if mode == "stream" else "B",
                    pair,
                ),
            )
        connection.commit()

    with History.open(path) as history:
        (row,) = history.comparisons()
        assert (row.plan, row.runs, row.pairs, row.failed) == (None, 5, 1, 1)
        assert row.started_utc == "2026-10-17T12:00:00.000000Z"
        (group,) = history.groups(contains="äm host")
        assert (group.runs, group.pairs) == (5, 1)
        assert group.started_utc == "2026-10-17T12:00:04.000000Z"
        assert history.prompts() == ["Why?"]
