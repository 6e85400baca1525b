"""What was saved is found again: lists, figures by group, pairs, prompts."""

import math
from collections.abc import Callable
from hashlib import sha256

import msgspec
import pytest

from streamscope.history import Group, History, HistoryError
from streamscope.trace import Chunk, Fault, Request, Run, ServerTimings, Target, Tokens

MakeRun = Callable[..., Run]


def save(history: History, run: Run, **figures: float | None) -> Run:
    history.save(run, figures).result()
    return run


def ids(history: History, group: Group | None = None) -> list[str]:
    return [row.run_id for row in history.recent(100, group)]


def test_a_run_is_listed_with_all_that_a_list_shows(history: History, make_run: MakeRun) -> None:
    run = save(
        history,
        make_run(
            pair=3,
            position=2,
            channel="B",
            engine="simulator",
            server_version="0.30.8",
            request={"system": "Be brief.", "max_tokens": 9},
            trace={
                "clock": "kernel",
                "chunks": [
                    Chunk(5, "reasoning", "Hm.", 0),
                    Chunk(10, "answer", "Hello ", 1),
                    Chunk(20, "answer", "you.", 2),
                ],
                "status": 200,
                "tokens": Tokens(prompt=4, output=7, reasoning=3, cached=1),
                "server": ServerTimings(load_s=0.5, decode_s=1.5, decode_tokens=7, source="ollama"),
                "flags": ["simulated"],
            },
        ),
        ttfv_s=0.25,
        gap_p95_ms=None,
    )

    (row,) = history.recent(10)

    assert row.run_id == run.run_id
    assert row.comparison_id == run.comparison_id
    assert row.started_utc == "2026-10-17T12:00:01.000000Z"
    assert row.group == Group.of(run)
    assert row.group.prompt == "Say hello."
    assert row.target == run.target
    assert (row.channel, row.mode, row.pair, row.position) == ("B", "stream", 3, 2)
    assert row.warmup is False
    assert row.server_version == "0.30.8"
    assert (row.ended, row.fault_code, row.fault_sentence) == ("stop", None, None)
    assert (row.status, row.clock) == (200, "kernel")
    assert row.tokens == run.trace.tokens
    assert row.server == run.trace.server
    assert (row.n_chunks, row.n_reasoning_chunks) == (3, 1)
    assert row.output_sha == sha256(b"Hello you.").hexdigest()
    assert row.reasoning_sha == sha256(b"Hm.").hexdigest()
    assert row.flags == ("simulated",)
    assert row.figures == {"ttfv_s": 0.25, "gap_p95_ms": None}


def test_a_failed_run_is_saved_with_its_reason(history: History, make_run: MakeRun) -> None:
    fault = Fault(code="cut", sentence="The connection broke.", detail="reset", status=200)
    run = save(history, make_run(ended="error", trace={"fault": fault}))

    (row,) = history.recent(10)

    assert (row.ended, row.fault_code) == ("error", "cut")
    assert row.fault_sentence == "The connection broke."
    assert history.load(run.run_id) == run


def test_lists_are_newest_first_and_can_be_read_page_by_page(
    history: History, make_run: MakeRun
) -> None:
    runs = [make_run() for _ in range(5)]
    # Saved in another order than they started in, as by an import.
    for run in (runs[2], runs[0], runs[4], runs[1], runs[3]):
        save(history, run)
    newest_first = [run.run_id for run in reversed(runs)]

    assert ids(history) == newest_first
    first = history.recent(2)
    rest = history.recent(10, before=first[-1].run_id)
    assert [row.run_id for row in first + rest] == newest_first


def test_runs_of_the_same_moment_appear_on_exactly_one_page(
    history: History, make_run: MakeRun
) -> None:
    moment = {"started_utc": "2026-10-17T12:00:00Z"}
    runs = [save(history, make_run(trace=moment)) for _ in range(4)]

    first = history.recent(2)
    rest = history.recent(2, before=first[-1].run_id)

    assert [row.run_id for row in first + rest] == [run.run_id for run in reversed(runs)]


def test_starts_are_ordered_across_time_zones(history: History, make_run: MakeRun) -> None:
    late = save(history, make_run(trace={"started_utc": "2026-10-17T11:30:00+00:00"}))
    early = save(history, make_run(trace={"started_utc": "2026-10-17T13:00:00+02:00"}))

    assert ids(history) == [late.run_id, early.run_id]
    assert history.recent(2)[1].started_utc == "2026-10-17T11:00:00.000000Z"


@pytest.mark.parametrize("started", ["", "yesterday", "0001-01-01T00:00:00+23:00"])
def test_a_run_without_a_usable_start_is_saved_as_of_now(
    history: History, make_run: MakeRun, started: str
) -> None:
    dated = save(history, make_run(trace={"started_utc": "2020-01-01T00:00:00Z"}))
    undated = save(history, make_run(trace={"started_utc": started}))

    assert ids(history) == [undated.run_id, dated.run_id]
    assert history.load(undated.run_id).trace.started_utc == started


def test_the_list_of_a_group_holds_no_other_runs(history: History, make_run: MakeRun) -> None:
    mine = save(history, make_run())
    save(history, make_run(prompt="Something else."))

    assert ids(history, Group.of(mine)) == [mine.run_id]


@pytest.mark.parametrize(
    "change",
    [
        {"prompt": "Say goodbye."},
        {"request": {"temperature": 0.3}},
        {"request": {"system": "Be brief."}},
        {"request": {"think": False}},
        {"request": {"stop": ("x",)}},
        {"request": {"params": {"top_k": 40}}},
        {"layout": "race"},
        {"regime": "cold"},
        {"engine": "simulator"},
        {"target": Target(protocol="openai-chat", url="http://127.0.0.1:11434", model="m")},
        {"target": Target(protocol="ollama-chat", url="http://127.0.0.1:11435", model="m")},
        {"target": Target(protocol="ollama-chat", url="http://127.0.0.1:11434", model="n")},
    ],
    ids=str,
)
def test_what_changes_the_figures_makes_another_group(
    history: History, make_run: MakeRun, change: dict[str, object]
) -> None:
    mine, other = save(history, make_run(), a=1.0), save(history, make_run(**change), a=2.0)

    assert Group.of(mine) != Group.of(other)
    assert history.values(Group.of(mine), ["a"])["stream"].values == {"a": [1.0]}
    assert history.values(Group.of(other), ["a"])["stream"].values == {"a": [2.0]}


def test_an_engine_of_ours_is_the_same_target_on_every_port(make_run: MakeRun) -> None:
    first, second = (
        make_run(
            engine="simulator",
            target=Target(protocol="ollama-chat", url=f"http://127.0.0.1:{port}", model="m"),
        )
        for port in (40001, 40002)
    )

    assert Group.of(first) == Group.of(second)


def test_a_group_can_be_named_before_it_has_runs(history: History, make_run: MakeRun) -> None:
    run = make_run(layout="race", regime="cold", engine="local")
    group = Group.asked(run.target, run.request, engine="local", layout="race", regime="cold")

    assert group == Group.of(run)
    assert history.values(group, ["a"])["stream"].n == 0
    assert history.recent(10, group) == []
    assert history.last_pair(*group.delivered()) is None
    save(history, run, a=1.0)
    assert history.values(group, ["a"])["stream"].n == 1


def test_parameters_are_the_same_in_any_order_and_as_any_kind_of_number(
    make_run: MakeRun,
) -> None:
    one = make_run(request={"temperature": 0, "params": {"a": 1, "b": {"c": 2, "d": 3}}})
    two = make_run(request={"temperature": 0.0, "params": {"b": {"d": 3, "c": 2}, "a": 1}})

    assert Group.of(one) == Group.of(two)


def test_the_group_of_a_loaded_run_is_the_group_that_was_saved(
    history: History, make_run: MakeRun
) -> None:
    run = save(history, make_run(request={"temperature": 1, "stop": ("a", "b"), "think": "low"}))

    assert Group.of(history.load(run.run_id)) == Group.of(run)


def test_figures_are_pooled_by_mode_oldest_first(history: History, make_run: MakeRun) -> None:
    group = Group.of(save(history, make_run("stream"), ttfv_s=1.0, total_s=2.0))
    save(history, make_run("blocking"), total_s=5.0)
    save(history, make_run("stream"), ttfv_s=3.0, total_s=4.0)

    by_mode = history.values(group, ["ttfv_s", "total_s", "unknown"])

    assert list(by_mode) == ["stream", "blocking"]
    assert by_mode["stream"].values == {"ttfv_s": [1.0, 3.0], "total_s": [2.0, 4.0], "unknown": []}
    assert by_mode["stream"].n == 2
    assert by_mode["blocking"].values == {"ttfv_s": [], "total_s": [5.0], "unknown": []}
    assert by_mode["blocking"].n == 1


def test_only_runs_that_ended_by_themselves_are_pooled_and_the_others_counted(
    history: History, make_run: MakeRun
) -> None:
    good = [make_run(ended=ended) for ended in ("stop", "length", "tool")]
    bad = [
        make_run(ended=ended)
        for ended in ("filter", "incomplete", "error", "cancelled", "cancelled", None)
    ]
    warm = [make_run(warmup=True, pair=0), make_run(warmup=True, pair=0, ended="error")]
    for number, run in enumerate(good + bad + warm):
        save(history, run, total_s=float(number))

    stream = history.values(Group.of(good[0]), ["total_s"])["stream"]

    assert stream.values == {"total_s": [0.0, 1.0, 2.0]}
    assert stream.n == 3
    assert stream.excluded == {
        "cancelled": 2,
        "error": 1,
        "filter": 1,
        "incomplete": 1,
        "unfinished": 1,
        "warmup": 2,
    }


def test_figures_without_a_finite_value_are_not_pooled(history: History, make_run: MakeRun) -> None:
    group = Group.of(save(history, make_run(), a=math.nan, b=math.inf, c=-math.inf, d=None))
    save(history, make_run(), a=1.0)

    stream = history.values(group, "abcd")["stream"]

    assert stream.values == {"a": [1.0], "b": [], "c": [], "d": []}
    assert stream.n == 2
    assert history.recent(2)[1].figures == dict.fromkeys("abcd")


def test_runs_of_an_older_server_are_counted_but_not_pooled(
    history: History, make_run: MakeRun
) -> None:
    group = Group.of(save(history, make_run(server_version="1"), a=1.0))
    save(history, make_run("blocking", server_version="1"), a=4.0)
    save(history, make_run(server_version=""), a=2.0)
    save(history, make_run(server_version="2"), a=3.0)
    save(history, make_run(server_version="3", ended="error"), a=5.0)

    by_mode = history.values(group, ["a"])

    assert by_mode["stream"].values == {"a": [2.0, 3.0]}
    assert by_mode["stream"].excluded == {"error": 1, "version": 1}
    assert by_mode["blocking"].values == {"a": []}
    assert by_mode["blocking"].excluded == {"version": 1}


@pytest.mark.parametrize("versions", [("", "", "", ""), ("", "1", "", "1"), ("1", "1", "", "")])
def test_only_the_newest_runs_are_pooled_and_the_older_ones_counted(
    history: History, make_run: MakeRun, versions: tuple[str, ...]
) -> None:
    for number, version in enumerate(versions):
        run = save(history, make_run(server_version=version), a=float(number))

    stream = history.values(Group.of(run), ["a"], newest=3)["stream"]

    assert stream.values == {"a": [1.0, 2.0, 3.0]}
    assert (stream.n, stream.excluded) == (3, {"older": 1})


def test_the_last_pair_is_the_newest_one_with_both_runs_well(
    history: History, make_run: MakeRun
) -> None:
    old = "1" * 32
    stream = save(history, make_run("stream", comparison_id=old, pair=1))
    save(history, make_run("blocking", comparison_id=old, pair=1))
    blocking = save(history, make_run("blocking", comparison_id=old, pair=2))
    stream = save(history, make_run("stream", comparison_id=old, pair=2))
    new = "2" * 32
    save(history, make_run("stream", comparison_id=new, pair=1))
    save(history, make_run("blocking", ended="error", comparison_id=new, pair=1))
    save(history, make_run("stream", comparison_id=new, pair=2))
    save(history, make_run("blocking", comparison_id=new, pair=3))
    save(history, make_run("stream", warmup=True, comparison_id=new, pair=0))
    save(history, make_run("blocking", warmup=True, comparison_id=new, pair=0))

    assert history.last_pair(*Group.of(stream).delivered()) == (stream, blocking)


def test_a_pair_across_two_groups_is_no_pair(history: History, make_run: MakeRun) -> None:
    stream = save(history, make_run("stream"))
    save(history, make_run("blocking", request={"temperature": 0.9}))

    assert history.last_pair(*Group.of(stream).delivered()) is None


def test_prompts_are_listed_once_the_last_used_first(history: History, make_run: MakeRun) -> None:
    for prompt in ("one", "two", "three", "one"):
        save(history, make_run(prompt=prompt))

    assert history.prompts() == ["one", "three", "two"]
    assert history.prompts(limit=1) == ["one"]


def test_an_imported_older_run_does_not_make_its_prompt_newer(
    history: History, make_run: MakeRun
) -> None:
    older, newer = make_run(prompt="older"), make_run(prompt="newer")
    oldest = make_run(prompt="older", trace={"started_utc": "2001-01-01T00:00:00Z"})
    for run in (newer, older, oldest):
        save(history, run)

    assert history.prompts() == ["newer", "older"]


@pytest.mark.parametrize(
    ("contains", "found"),
    [
        ("ÄPFEL", ["Schöne Äpfel"]),
        ("strasse", ["Die Straße"]),
        ("100%", ["100% sure_thing"]),
        ("_", ["100% sure_thing"]),
        ("内存", ["解释统一内存"]),
        ("nothing", []),
    ],
)
def test_prompts_are_found_by_any_part_in_any_case(
    history: History, make_run: MakeRun, contains: str, found: list[str]
) -> None:
    for prompt in ("Schöne Äpfel", "Die Straße", "100% sure_thing", "解释统一内存"):
        save(history, make_run(prompt=prompt))

    assert history.prompts(contains) == found


def test_runs_are_counted(history: History, make_run: MakeRun) -> None:
    assert history.count() == 0
    save(history, make_run())
    save(history, make_run(prompt="other", ended="error"))
    assert history.count() == 2


def test_an_unknown_run_is_named(history: History) -> None:
    with pytest.raises(HistoryError, match=r"There is no run nosuchrun"):
        history.load("nosuchrun")


def test_a_run_is_saved_once(history: History, make_run: MakeRun) -> None:
    run = save(history, make_run(), a=1.0)
    again = msgspec.structs.replace(run, request=Request(prompt="other"))

    with pytest.raises(HistoryError, match="already in the history"):
        history.save(again, {}).result()

    assert history.load(run.run_id) == run
    assert history.prompts() == [run.request.prompt]
