"""Figures by pair and over time: only what may be pooled, oldest first."""

import math
from collections.abc import Callable
from pathlib import Path

from streamscope.history import Group, History, PairValues, TrendPoint
from streamscope.trace import SUMMARY_FLAG, Chunk, Run

MakeRun = Callable[..., Run]
Keep = Callable[..., Run]

FIRST, SECOND = "1" * 32, "2" * 32


def test_a_pair_has_the_figures_of_both_runs(
    history: History, make_run: MakeRun, keep: Keep
) -> None:
    blocking = keep(make_run("blocking", comparison_id=FIRST, pair=4), a=2.0, b=math.nan)
    keep(make_run("stream", comparison_id=FIRST, pair=4), a=1.0, b=3.0, c=9.0)

    assert history.pairs(*Group.of(blocking).delivered(), ["a", "b"]) == [
        PairValues(
            comparison_id=FIRST,
            pair=4,
            a={"a": 1.0, "b": 3.0},
            b={"a": 2.0, "b": None},
            same_output=True,
        )
    ]


def test_pairs_with_other_answers_are_told(history: History, make_run: MakeRun, keep: Keep) -> None:
    stream = keep(make_run("stream"))
    keep(make_run("blocking", trace={"chunks": [Chunk(1, "answer", "Hello you!", 0)]}))

    assert [pair.same_output for pair in history.pairs(*Group.of(stream).delivered(), [])] == [
        False
    ]


def test_only_pairs_of_which_both_runs_may_be_pooled_count(
    history: History, make_run: MakeRun, keep: Keep
) -> None:
    for pair, (a, b) in enumerate(
        [("stop", "error"), ("cancelled", "stop"), ("stop", "length"), (None, "stop")], 1
    ):
        run = keep(make_run("stream", a, pair=pair))
        keep(make_run("blocking", b, pair=pair))
    keep(make_run("stream", pair=5))
    keep(make_run("stream", pair=0, warmup=True))
    keep(make_run("blocking", pair=0, warmup=True))
    keep(make_run("stream", pair=6))
    keep(make_run("blocking", pair=6, request={"temperature": 0.9}))

    assert [each.pair for each in history.pairs(*Group.of(run).delivered(), [])] == [3]


def test_a_run_that_was_repeated_counts_once(
    history: History, make_run: MakeRun, keep: Keep
) -> None:
    keep(make_run("stream", "error"), a=0.0)
    keep(make_run("blocking"), a=1.0)
    keep(make_run("stream"), a=2.0)
    keep(make_run("stream"), a=3.0)
    run = keep(make_run("blocking"), a=4.0)

    (pair,) = history.pairs(*Group.of(run).delivered(), ["a"])
    assert (pair.a, pair.b) == ({"a": 3.0}, {"a": 4.0})
    assert history.groups()[0].pairs == 1


def test_pairs_are_oldest_first_and_only_the_newest(
    history: History, make_run: MakeRun, keep: Keep
) -> None:
    for comparison in (SECOND, FIRST):
        for pair in (1, 2):
            keep(make_run("stream", comparison_id=comparison, pair=pair))
            run = keep(make_run("blocking", comparison_id=comparison, pair=pair))

    def named(newest: int) -> list[tuple[str, int]]:
        pairs = history.pairs(*Group.of(run).delivered(), [], newest=newest)
        return [(pair.comparison_id, pair.pair) for pair in pairs]

    assert named(200) == [(SECOND, 1), (SECOND, 2), (FIRST, 1), (FIRST, 2)]
    assert named(3) == [(SECOND, 2), (FIRST, 1), (FIRST, 2)]
    assert named(0) == named(-1) == []


def test_pairs_on_an_older_server_are_left_out(
    history: History, make_run: MakeRun, keep: Keep
) -> None:
    for pair, versions in enumerate([("1", "1"), ("1", "2"), ("2", ""), ("", ""), ("2", "2")], 1):
        run = keep(make_run("stream", pair=pair, server_version=versions[0]))
        keep(make_run("blocking", pair=pair, server_version=versions[1]))

    assert [pair.pair for pair in history.pairs(*Group.of(run).delivered(), [])] == [3, 4, 5]


def test_a_trend_has_one_point_a_comparison(
    history: History, make_run: MakeRun, keep: Keep
) -> None:
    keep(make_run("stream", comparison_id=FIRST, pair=0, warmup=True), a=9.0)
    keep(make_run("stream", comparison_id=FIRST, server_version="1"), a=1.0)
    keep(make_run("blocking", comparison_id=FIRST), a=2.0)
    keep(make_run("stream", comparison_id=FIRST), a=3.0, b=1.0)
    keep(make_run("stream", comparison_id="3" * 32), b=1.0)
    keep(make_run("stream", comparison_id=SECOND, server_version="2"), a=4.0)
    keep(make_run("stream", "error", comparison_id=SECOND), a=9.0)
    run = keep(make_run("blocking", comparison_id=SECOND), a=None)
    keep(make_run("stream", comparison_id=SECOND, prompt="Something else."), a=9.0)

    assert history.trend(Group.of(run), "a") == [
        TrendPoint(
            comparison_id=FIRST,
            started_utc="2026-10-17T12:00:01.000000Z",
            values={"stream": [1.0, 3.0], "blocking": [2.0]},
        ),
        TrendPoint(
            comparison_id=SECOND,
            started_utc="2026-10-17T12:00:06.000000Z",
            values={"stream": [4.0], "blocking": []},
        ),
    ]
    assert [point.comparison_id for point in history.trend(Group.of(run), "a", newest=1)] == [
        SECOND
    ]
    assert history.trend(Group.of(run), "unknown") == []


def test_texts_that_were_never_seen_are_not_the_same(
    history: History, make_run: MakeRun, keep: Keep
) -> None:
    imported = {"flags": [SUMMARY_FLAG], "chunks": [Chunk(10, "answer", "", 0)]}
    stream = keep(make_run("stream", trace=imported))
    keep(make_run("blocking", trace=imported))

    assert [pair.same_output for pair in history.pairs(*Group.of(stream).delivered(), [])] == [None]


BUSY = {"flags": ["busy"]}


def test_runs_on_a_busy_machine_are_left_out_unless_they_are_wanted(
    history: History, path: Path, make_run: MakeRun, keep: Keep
) -> None:
    for pair in (1, 2):
        trace = BUSY if pair == 2 else {}
        run = keep(make_run("stream", pair=pair, trace=trace), a=float(pair))
        keep(make_run("blocking", pair=pair, channel="B"), a=10.0 * pair)
    group = Group.of(run)

    values = history.values(group, ["a"])
    assert (values["stream"].values, values["stream"].excluded) == ({"a": [1.0]}, {"busy": 1})
    assert [each.pair for each in history.pairs(*group.delivered(), ["a"])] == [1]
    assert history.trend(group, "a")[0].values == {"stream": [1.0], "blocking": [10.0, 20.0]}
    assert [(row.pairs, row.failed) for row in history.comparisons()] == [(1, 0)]
    last = history.last_pair(*group.delivered())
    assert last is not None
    assert last[0].pair == 1

    with History.open(path, include_busy=True) as all_of_it:
        values = all_of_it.values(group, ["a"])
        assert (values["stream"].values, values["stream"].excluded) == ({"a": [1.0, 2.0]}, {})
        assert [each.pair for each in all_of_it.pairs(*group.delivered(), ["a"])] == [1, 2]
        assert all_of_it.trend(group, "a")[0].values["stream"] == [1.0, 2.0]
        (row,) = all_of_it.groups(names=["a"])
        assert row.values["stream"].n == 2
        assert [(row.pairs, row.busy) for row in all_of_it.comparisons()] == [(2, 1)]
        assert all_of_it.comparison(run.comparison_id)[0].pairs == 2
        last = all_of_it.last_pair(*group.delivered())
        assert last is not None
        assert last[0].pair == 2


def test_only_the_newest_are_pooled_whatever_the_machine_was_like(
    path: Path, make_run: MakeRun
) -> None:
    with History.open(path, include_busy=True) as history:
        for number in range(6):
            trace = BUSY if number % 2 else {}
            version = "2" if number % 3 else ""
            run = make_run("stream", pair=number + 1, trace=trace, server_version=version)
            history.save(run, {"a": float(number)}).result()
        values = history.values(Group.of(run), ["a"], newest=4)["stream"]
        assert values.values == {"a": [2.0, 3.0, 4.0, 5.0]}
        assert values.excluded == {"older": 2}


def test_a_run_that_was_made_again_on_a_quiet_machine_is_the_one_that_counts(
    path: Path, make_run: MakeRun
) -> None:
    with History.open(path, include_busy=True) as history:
        for name, mode, trace in (("a", "blocking", {}), ("b", "blocking", BUSY)):
            history.save(make_run(mode, trace=trace), {"a": float(ord(name))}).result()
        run = make_run("stream")
        history.save(run, {"a": 1.0}).result()
        (pair,) = history.pairs(*Group.of(run).delivered(), ["a"])
        assert pair.b == {"a": float(ord("a"))}


def test_pairs_of_some_comparisons_are_all_read_by_channel(
    history: History, path: Path, make_run: MakeRun, keep: Keep
) -> None:
    for number, comparison in enumerate((FIRST, SECOND, "3" * 32), 1):
        for pair, trace in ((1, {}), (2, {}), (3, BUSY)):
            basics = {"comparison_id": comparison, "pair": pair, "server_version": str(number)}
            keep(make_run("stream", channel="B", trace=trace, **basics), a=10.0 * number)
            keep(make_run("stream", channel="A", **basics), a=0.0)
            keep(make_run("stream", channel="A", **basics), a=float(number))
    keep(make_run("stream", comparison_id=SECOND, pair=4, channel="A"), a=9.0)

    def found(history: History) -> list[tuple[str, int, float | None, float | None]]:
        pairs = history.pairs_in([FIRST, SECOND, "4" * 32], ["a"])
        return [(each.comparison_id, each.pair, each.a["a"], each.b["a"]) for each in pairs]

    quiet = [(FIRST, 1, 1.0, 10.0), (FIRST, 2, 1.0, 10.0)]
    quiet += [(SECOND, 1, 2.0, 20.0), (SECOND, 2, 2.0, 20.0)]
    assert found(history) == quiet
    with History.open(path, include_busy=True) as all_of_it:
        assert {each[:2] for each in found(all_of_it)} > {(FIRST, 3), (SECOND, 3)}
    assert history.pairs_in([], ["a"]) == []
