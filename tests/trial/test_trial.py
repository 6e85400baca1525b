"""A comparison keeps every run, ends early only when going on is hopeless, and stops at once."""

import asyncio
import typing
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
import pytest

from streamscope.calibration import Calibration
from streamscope.history import Group
from streamscope.measure.conventions import Trust
from streamscope.measure.figures import Figures
from streamscope.plan import Plan
from streamscope.probe.client import ProbeError
from streamscope.probe.messages import Limits, Start
from streamscope.trace import Chunk, Fault, FaultCode, Observer, Request, Run, Shown, Target, Trace
from streamscope.trial import trial as module
from streamscope.trial.ending import HOPELESS, why_ended
from streamscope.trial.plan import Channel, Course, to_go, whole_pairs
from streamscope.trial.trial import Trial, asked_pause_s, is_complete

if TYPE_CHECKING:
    from tests.trial.conftest import Diary, FakeProbe

    Build = Callable[..., Trial]

TARGET = Target(protocol="openai-chat", url="http://127.0.0.1:1", model="tiny")


@pytest.fixture
def saved() -> list[Run]:
    return []


@pytest.fixture
def build(fake_probe: "FakeProbe", diary: "Diary", saved: list[Run]) -> "Build":
    def trial(
        plan: Plan,
        *,
        prefill_only: bool = False,
        asked: dict[str, typing.Any] | None = None,
        **more: typing.Any,
    ) -> Trial:
        def save(run: Run, figures: Figures) -> None:
            assert figures.values
            saved.append(run)

        request = Request(prompt="Why?", max_tokens=50)
        usual: dict[str, typing.Any] = {"request": request, "target": TARGET, "key": "k"}
        of_both = usual | (asked or {})
        members: dict[str, typing.Any] = {
            "probe": fake_probe,
            "channels": {
                "A": Channel(name="A", mode="stream", **of_both),
                "B": Channel(name="B", mode="blocking", **of_both),
            },
            "course": Course(plan=plan, prefill_only=prefill_only),
            "retry_pause_s": 0.0,
            "away_pause_s": 0.0,
            "listener": diary,
            "save": save,
        }
        return Trial(**(members | more))

    return trial


def plan(**more: typing.Any) -> Plan:
    """Return a plan of one pair, without warm-ups, but for what is said."""
    return Plan(**({"repeat": 1, "warmup": 0} | more))


def good(start: Start) -> Trace:
    """Answer with a word."""
    return Trace(
        mode=start.mode,
        chunks=[Chunk(5, "answer", "Because.", 0)],
        marks={"sent": 0, "done": 9},
        ended="stop",
    )


def failing(code: FaultCode) -> Callable[[Start], Trace]:
    return lambda start: Trace(
        mode=start.mode, ended="error", fault=Fault(code=code, sentence="It failed.")
    )


async def test_both_channels_are_asked_the_same(
    build: "Build", fake_probe: "FakeProbe", diary: "Diary", saved: list[Run]
) -> None:
    limits = Limits(total_s=9)
    runs = await build(plan(repeat=2), limits=limits, asked={"proxy": "http://p:1"}).carry_out()
    assert [(run.channel, run.pair, run.position) for run in runs] == [
        ("A", 1, 1),
        ("B", 1, 2),
        ("B", 2, 1),
        ("A", 2, 2),
    ]
    assert saved == runs == diary.runs
    assert [start.mode for start in fake_probe.starts] == [
        "stream",
        "blocking",
        "blocking",
        "stream",
    ]
    for start in fake_probe.starts:
        assert start.request == Request(prompt="Why?", max_tokens=50)
        assert (start.limits, start.proxy, start.key) == (limits, "http://p:1", "k")
    assert len({run.run_id for run in runs}) == 4
    assert len({run.comparison_id for run in runs}) == 1
    assert fake_probe.at_once == 1
    assert diary.told[:4] == ["A started", "A moved by 1", "A to be painted", "A stop"]


@pytest.mark.parametrize("reuse", [False, True])
async def test_connections_are_used_again_if_the_plan_says_so(
    build: "Build", fake_probe: "FakeProbe", reuse: bool
) -> None:
    """In warm-ups too: they open what the pairs then find open."""
    await build(plan(warmup=1, reuse=reuse)).carry_out()
    assert len(fake_probe.starts) > 2
    assert {start.reuse for start in fake_probe.starts} == {reuse}


async def test_a_race_has_both_under_way(build: "Build", fake_probe: "FakeProbe") -> None:
    runs = await build(plan(repeat=3, layout="race")).carry_out()
    assert fake_probe.at_once == 2
    assert {run.layout for run in runs} == {"race"}
    assert sorted(run.channel for run in runs) == ["A"] * 3 + ["B"] * 3


async def test_warm_ups_are_kept_as_such(
    build: "Build", fake_probe: "FakeProbe", saved: list[Run]
) -> None:
    await build(plan(warmup=1), prefill_only=True).carry_out()
    assert [run.warmup for run in saved] == [True, False, False]
    assert [start.request.max_tokens for start in fake_probe.starts] == [1, 50, 50]
    assert "prefill-only" in saved[0].trace.flags
    assert len({Group.of(run) for run in saved}) == 1, "the history lists what was asked, once"


async def test_warm_ups_tell_how_long_it_will_take(build: "Build", fake_probe: "FakeProbe") -> None:
    left: list[tuple[float, float] | None] = []
    trial = build(plan(warmup=1, repeat=4))

    def slow(start: Start) -> Trace:
        left.append(trial.progress.left_s)
        trace = good(start)
        trace.marks["done"] = (2 if start.mode == "stream" else 1) * 10**9
        return trace

    fake_probe.answer = slow
    await trial.carry_out()
    assert left[:4] == [None, None, (12.0, 12.0), (12.0, 12.0)]


async def test_simulated_answers_are_marked(build: "Build", saved: list[Run]) -> None:
    await build(plan(), asked={"engine": "simulator", "server_version": "0.1"}).carry_out()
    assert all(run.trace.flags == ["simulated"] for run in saved)
    assert {(run.engine, run.server_version) for run in saved} == {("simulator", "0.1")}


@pytest.mark.parametrize("code", typing.get_args(FaultCode))
async def test_only_what_every_run_would_meet_again_ends_a_comparison(
    build: "Build", fake_probe: "FakeProbe", saved: list[Run], code: FaultCode
) -> None:
    fake_probe.answer = failing(code)
    runs = await build(plan(repeat=2)).carry_out()
    assert len(runs) == (1 if code in HOPELESS else 8), "each one is made twice"
    assert saved == runs, "a failed run is kept like any other"


async def test_a_server_that_starts_anew_is_waited_for(
    build: "Build", fake_probe: "FakeProbe"
) -> None:
    fails = failing("unreachable")
    fake_probe.answer = lambda start: (fails if len(fake_probe.starts) == 3 else good)(start)
    runs = await build(plan(repeat=2)).carry_out()
    assert [run.trace.ok for run in runs] == [True, True, False, True, True]


async def test_a_server_that_is_gone_is_tried_once_more_and_named(
    build: "Build", fake_probe: "FakeProbe"
) -> None:
    fails = failing("unreachable")
    fake_probe.answer = lambda start: (good if len(fake_probe.starts) <= 2 else fails)(start)
    trial = build(plan(repeat=9))
    runs = await trial.carry_out()
    assert [run.trace.ok for run in runs] == [True, True, False, False]
    assert runs[-1].trace.fault is not None
    assert why_ended(trial.so_far) == runs[-1].trace.fault.sentence.rstrip(".")


async def test_a_server_that_never_answered_is_not_waited_for_because_another_one_did(
    build: "Build", fake_probe: "FakeProbe"
) -> None:
    elsewhere = Target(protocol="openai-chat", url="http://127.0.0.1:2", model="tiny")
    fails = failing("unreachable")
    fake_probe.answer = lambda start: (fails if start.target == elsewhere else good)(start)
    asked: dict[str, typing.Any] = {"request": Request(prompt="Why?"), "mode": "stream"}
    channels = {
        "A": Channel(name="A", target=TARGET, **asked),
        "B": Channel(name="B", target=elsewhere, **asked),
    }
    runs = await build(plan(repeat=2), channels=channels).carry_out()
    assert [(run.channel, run.trace.ok) for run in runs] == [("A", True), ("B", False)]


async def test_a_race_that_is_hopeless_keeps_both_runs(
    build: "Build", fake_probe: "FakeProbe", saved: list[Run]
) -> None:
    fake_probe.answer = failing("auth")
    assert len(await build(plan(repeat=2, layout="race")).carry_out()) == 2
    assert len(saved) == 2


async def test_a_probe_that_does_not_start_is_a_fault(
    build: "Build", fake_probe: "FakeProbe", saved: list[Run]
) -> None:
    fake_probe.answer = lambda _: ProbeError("It did not start.")
    (run,) = await build(plan(repeat=3)).carry_out()
    assert saved == [run]
    assert run.trace.fault == Fault(code="probe", sentence="It did not start.")
    assert run.trace.ended == "error"


@pytest.mark.parametrize("layout", ["apart", "race"])
async def test_stopping_ends_what_is_under_way_and_begins_nothing(
    build: "Build", fake_probe: "FakeProbe", saved: list[Run], layout: typing.Any
) -> None:
    fake_probe.answer = lambda _: None
    trial = build(plan(repeat=5, layout=layout))
    carrying = asyncio.create_task(trial.carry_out())
    await fake_probe.began.wait()
    await asyncio.sleep(0)
    trial.stop()
    runs = await carrying
    assert trial.stopped
    assert [run.trace.ended for run in runs] == ["cancelled"] * (2 if layout == "race" else 1)
    assert saved == runs
    assert fake_probe.under_way == {}


async def test_stopping_before_it_begins(build: "Build", fake_probe: "FakeProbe") -> None:
    trial = build(plan(repeat=5))
    trial.stop()
    assert await trial.carry_out() == []
    assert fake_probe.starts == []


async def test_it_waits_until_the_server_is_done_with_what_was_stopped(
    build: "Build", fake_probe: "FakeProbe"
) -> None:
    quiet = asyncio.Event()

    async def settle() -> None:
        await quiet.wait()

    carrying = asyncio.create_task(build(plan(), settle=settle).carry_out())
    await asyncio.sleep(0)
    assert fake_probe.starts == []
    quiet.set()
    assert len(await carrying) == 2


async def test_a_race_ends_with_a_listener_that_fails(
    build: "Build", fake_probe: "FakeProbe", diary: "Diary", monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise LookupError("the pane is gone")

    fake_probe.answer = lambda start: (
        None if start.mode == "stream" else Trace(mode="blocking", ended="stop")
    )
    monkeypatch.setattr(diary, "run_ended", fail)
    with pytest.raises(ExceptionGroup) as raised:
        await build(plan(layout="race")).carry_out()
    assert raised.group_contains(LookupError, match="the pane is gone")
    assert fake_probe.under_way == {}, "the other run does not go on by itself"


async def test_cancelling_it_leaves_no_run_behind(
    build: "Build", fake_probe: "FakeProbe", saved: list[Run]
) -> None:
    fake_probe.answer = lambda _: None
    carrying = asyncio.create_task(build(plan(layout="race")).carry_out())
    await fake_probe.began.wait()
    carrying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await carrying
    assert fake_probe.under_way == {}
    assert saved == []


def taking(*seconds: float) -> Callable[[Start], Trace]:
    """Answer so that the pairs take so long in turn; the last one for good."""
    runs = iter([each for each in seconds for _ in "AB"])
    last = seconds[-1]

    def answer(start: Start) -> Trace:
        end = round(next(runs, last) * 1e9)
        first = end if start.mode == "blocking" else end // 4
        chunks = [Chunk(first, "answer", "Be", 0), Chunk(end, "answer", "cause.", 1)]
        return Trace(mode=start.mode, chunks=chunks, marks={"sent": 0, "done": end}, ended="stop")

    return answer


async def test_a_run_that_fails_is_made_once_more(build: "Build", fake_probe: "FakeProbe") -> None:
    bad = [failing("busy"), taking(1.0)]
    fake_probe.answer = lambda start: (bad.pop(0) if len(bad) > 1 else bad[0])(start)
    runs = await build(plan(repeat=2)).carry_out()
    assert [(run.channel, run.pair, run.trace.ended) for run in runs] == [
        ("A", 1, "error"),
        ("A", 1, "stop"),
        ("B", 1, "stop"),
        ("B", 2, "stop"),
        ("A", 2, "stop"),
    ]


async def test_a_stopped_run_is_not_made_again(build: "Build", fake_probe: "FakeProbe") -> None:
    trial = build(plan(repeat=3))

    def stopped(start: Start) -> Trace:
        trial.stop()
        return failing("cut")(start)

    fake_probe.answer = stopped
    assert len(await trial.carry_out()) == 1


async def test_it_gives_up_where_pair_after_pair_fails(
    build: "Build", fake_probe: "FakeProbe"
) -> None:
    fake_probe.answer = failing("server")
    runs = await build(plan(repeat=30)).carry_out()
    assert {run.pair for run in runs} == {1, 2, 3}


async def test_single_failures_do_not_add_up(build: "Build", fake_probe: "FakeProbe") -> None:
    """What fails now and then is no reason to end a comparison."""
    count = iter(range(1000))
    good = taking(1.0)
    # Both tries of every second pair's first run fail.
    fake_probe.answer = lambda start: (
        failing("cut")(start) if next(count) % 5 in (0, 1) else good(start)
    )
    runs = await build(plan(repeat=9)).carry_out()
    assert max(run.pair for run in runs) == 9


async def test_it_ends_when_the_medians_are_known_well_enough(
    build: "Build", fake_probe: "FakeProbe"
) -> None:
    fake_probe.answer = taking(1.0, 1.01, 0.99, 1.0, 1.02, 1.0)
    trial = build(plan(repeat=30, until=0.05))
    assert len(await trial.carry_out()) == 12, "six pairs, and not one more"
    assert trial.progress.width is not None
    assert trial.progress.width <= 0.05


async def test_it_goes_on_while_they_are_not(build: "Build", fake_probe: "FakeProbe") -> None:
    wild = [1.0, 2.0, 3.0, 1.5, 2.5, 1.2, 2.8, 1.1, 2.9, 2.0, 1.0, 3.0]
    fake_probe.answer = taking(*wild)
    trial = build(plan(repeat=12, until=0.05))
    assert len(await trial.carry_out()) == 24, "the most there may be"
    assert (trial.progress.pairs, trial.progress.most) == (12, 12)


async def test_pairs_that_do_not_count_are_made_good_when_it_goes_on(
    build: "Build", fake_probe: "FakeProbe"
) -> None:
    """Or else a comparison on a server that was broken could never be finished."""
    fake_probe.answer = failing("server")
    given_up = build(plan(repeat=4))
    await given_up.carry_out()
    course = msgspec.structs.replace(given_up.so_far, comparison_id=given_up.comparison_id)
    assert not is_complete(course)
    fake_probe.answer = taking(1.0)
    trial = build(course.plan, course=course)
    runs = await trial.carry_out()
    assert is_complete(trial.so_far)
    further = runs[len(course.runs) :]
    assert [run.pair for run in further] == [4, 4, 5, 5, 6, 6, 7, 7], "and no pair of two days"
    assert trial.progress.of(7) == "of 7"


async def test_a_pair_lost_on_the_way_is_missing(build: "Build", fake_probe: "FakeProbe") -> None:
    count = iter(range(1000))
    good = taking(1.0)
    fake_probe.answer = lambda start: (
        failing("cut")(start) if next(count) in (2, 3) else good(start)
    )
    trial = build(plan(repeat=3))
    await trial.carry_out()
    assert max(run.pair for run in trial.runs) == 3, "as many as were planned are gone through"
    assert not is_complete(trial.so_far)
    assert list(to_go(trial.so_far)) == [4]


async def test_a_pair_that_was_cut_short_may_keep_its_good_run(
    build: "Build", fake_probe: "FakeProbe"
) -> None:
    good = taking(1.0)
    trial = build(plan(repeat=1))

    def cut(start: Start) -> Trace:
        if len(fake_probe.starts) == 1:
            return good(start)
        trial.stop()
        return Trace(mode=start.mode, ended="cancelled")

    fake_probe.answer = cut
    await trial.carry_out()
    fake_probe.answer = lambda start: (
        failing("cut")(start) if start.mode == "stream" else good(start)
    )
    again = build(trial.plan, course=trial.so_far)
    await again.carry_out()
    assert again.progress.pairs == 1


async def test_a_stopped_comparison_goes_on_where_it_was(
    build: "Build", fake_probe: "FakeProbe"
) -> None:
    trial = build(plan(repeat=4))
    good = taking(1.0)

    def stopped_at_the_fourth(start: Start) -> Trace:
        if len(fake_probe.starts) <= 3:
            return good(start)
        trial.stop()
        return Trace(mode=start.mode, ended="cancelled")

    fake_probe.answer = stopped_at_the_fourth
    runs = await trial.carry_out()
    assert [(run.channel, run.pair) for run in runs] == [("A", 1), ("B", 1), ("B", 2), ("A", 2)]
    fake_probe.answer = good
    course = Course(plan=plan(repeat=4), comparison_id=trial.comparison_id, runs=tuple(trial.runs))
    went_on = build(plan(), course=course)
    everything = await went_on.carry_out()
    new = everything[len(runs) :]
    assert [(run.channel, run.pair) for run in new] == [
        ("B", 2),  # the pair that was cut short is measured anew, both runs next to each other
        ("A", 2),
        ("A", 3),
        ("B", 3),
        ("B", 4),
        ("A", 4),
    ]
    assert {run.comparison_id for run in everything} == {trial.comparison_id}
    assert went_on.progress.pairs == 4


async def test_a_cold_prompt_is_new_each_time_and_kept_as_it_was_typed(
    build: "Build", fake_probe: "FakeProbe"
) -> None:
    runs = await build(plan(repeat=2, warmup=1, regime="cold")).carry_out()
    sent = [start.request.prompt for start in fake_probe.starts]
    assert len(set(sent)) == 6
    assert len(set(map(len, sent))) == 1
    assert [f"[{run.nonce}] Why?" for run in runs] == sent
    assert {run.request.prompt for run in runs} == {"Why?"}
    assert {run.regime for run in runs} == {"cold"}


async def test_stopping_cuts_a_cool_down_short(build: "Build", fake_probe: "FakeProbe") -> None:
    trial = build(plan(repeat=2, cooldown_s=1e6))
    carrying = asyncio.create_task(trial.carry_out())
    while trial.progress.pairs < 1:  # noqa: ASYNC110 (nothing is told when a pause begins)
        await asyncio.sleep(0)
    trial.stop()
    assert len(await carrying) == 2


@pytest.mark.parametrize(
    ("asked", "seconds"), [("3", 3.0), ("", 0.0), ("1e9", 60.0), ("-5", 0.0), ("nan", 0.0)]
)
def test_a_server_may_ask_for_a_longer_pause(asked: str, seconds: float) -> None:
    assert asked_pause_s(Trace(mode="stream", headers={"retry-after": asked})) == seconds


async def test_when_the_text_was_on_the_screen_is_kept_and_measured(
    build: "Build", diary: "Diary", saved: list[Run]
) -> None:
    shown = Shown(chunks=1, frames=1, p50_ns=9, p99_ns=9, max_ns=9)

    async def paint(trace: Trace) -> Shown | None:
        assert trace.ended == "stop"
        return shown

    diary.paint = paint
    await build(plan()).carry_out()
    assert [run.trace.shown for run in saved] == [shown, shown]
    assert diary.told.index("A to be painted") < diary.told.index("A stop")


async def test_a_screen_that_fails_loses_no_run(
    build: "Build", diary: "Diary", saved: list[Run]
) -> None:
    async def paint(trace: Trace) -> Shown | None:
        raise RuntimeError("The screen is gone.")

    diary.paint = paint
    await build(plan()).carry_out()
    assert [(run.trace.ended, run.trace.shown) for run in saved] == [("stop", None)] * 2


async def test_a_screen_that_never_answers_holds_nothing_up(
    build: "Build", diary: "Diary", saved: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def paint(trace: Trace) -> Shown | None:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(module, "PAINTED_S", 0.001)
    diary.paint = paint
    await build(plan()).carry_out()
    assert [(run.trace.ended, run.trace.shown) for run in saved] == [("stop", None)] * 2


async def test_a_run_that_was_stopped_waits_for_no_screen(
    build: "Build", fake_probe: "FakeProbe", diary: "Diary", saved: list[Run]
) -> None:
    fake_probe.answer = lambda _: None
    trial = build(plan())
    task = asyncio.create_task(trial.carry_out())
    await fake_probe.began.wait()
    trial.stop()
    await task
    assert [run.trace.ended for run in saved] == ["cancelled"]
    assert "A to be painted" not in diary.told


async def test_each_run_carries_the_error_of_the_clock_that_it_was_timed_with(
    build: "Build", saved: list[Run]
) -> None:
    known = Calibration(
        measured_utc="2026-01-01T00:00:00Z",
        streamscope="1",
        python="3.11",
        system="Linux",
        cores=2,
        machine="m",
        painted=True,
        exact=True,
        error_ns_p99={"read": 200_000},
        true_gap_ns=1_000_000,
        cases=(),
    )
    await build(plan(), calibration=known).carry_out()
    assert {run.trace.error_ns_p99 for run in saved} == {200_000}
    only_kernel = msgspec.structs.replace(known, error_ns_p99={"kernel": 50_000})
    saved.clear()
    await build(plan(), calibration=only_kernel).carry_out()
    assert {run.trace.error_ns_p99 for run in saved} == {None}
    assert all(run.trace.calibration is not None for run in saved), "what was known is kept"


async def test_a_run_on_a_busy_machine_claims_no_error(
    build: "Build", fake_probe: "FakeProbe", saved: list[Run]
) -> None:
    fake_probe.answer = held_up
    known = Calibration(
        measured_utc="2026-01-01T00:00:00Z",
        streamscope="1",
        python="3.11",
        system="Linux",
        cores=2,
        machine="m",
        painted=True,
        exact=True,
        error_ns_p99={"read": 200_000, "kernel": 200_000},
        true_gap_ns=1_000_000,
        cases=(),
    )
    await build(plan(), calibration=known).carry_out()
    assert all(run.trace.busy for run in saved)
    assert {run.trace.error_ns_p99 for run in saved} == {None}


def held_up(start: Start) -> Trace:
    """Answer with a word, on a machine of which a hypervisor took half."""
    trace = good(start)
    trace.observer = Observer(cpu_s=0.01, stolen=0.5)
    return trace


async def test_a_run_on_a_busy_machine_is_marked_and_made_once_more(
    build: "Build", fake_probe: "FakeProbe"
) -> None:
    answers = iter([held_up])
    fake_probe.answer = lambda start: next(answers, good)(start)
    trial = build(plan(repeat=2))
    assert not trial.so_far.runs
    runs = await trial.carry_out()
    assert trial.so_far.runs == tuple(runs)
    assert [(run.channel, run.pair, run.trace.busy) for run in runs] == [
        ("A", 1, True),
        ("A", 1, False),
        ("B", 1, False),
        ("B", 2, False),
        ("A", 2, False),
    ]
    assert trial.progress.pairs == 2
    assert [pair[0] is runs[1] for pair in whole_pairs(runs)] == [True, False]


async def test_a_machine_that_stays_busy_ends_a_comparison(
    build: "Build", fake_probe: "FakeProbe"
) -> None:
    fake_probe.answer = held_up
    trial = build(plan(repeat=9))
    runs = await trial.carry_out()
    assert trial.progress.pairs == 0
    assert {run.pair for run in runs} == {1, 2, 3}
    assert len(runs) == 12
    assert all(run.trace.busy for run in runs)
    assert not is_complete(Course(plan=plan(repeat=9), runs=tuple(runs)))


async def test_busy_runs_count_where_that_is_wanted(
    build: "Build", fake_probe: "FakeProbe"
) -> None:
    fake_probe.answer = held_up
    course = Course(plan=plan(repeat=4), include_busy=True)
    trial = build(course.plan, course=course)
    runs = await trial.carry_out()
    assert trial.progress.pairs == 4
    assert len(runs) == 8
    assert all(run.trace.busy for run in runs)  # marked all the same


async def test_what_is_busy_is_a_setting(build: "Build", fake_probe: "FakeProbe") -> None:
    fake_probe.answer = held_up
    (run, _) = await build(plan(), trust=Trust(stolen_share=0.6)).carry_out()
    assert not run.trace.busy


async def test_a_busy_run_that_failed_is_a_failed_one(
    build: "Build", fake_probe: "FakeProbe"
) -> None:
    def broken(start: Start) -> Trace:
        trace = held_up(start)
        trace.ended = "filter"
        return trace

    fake_probe.answer = broken
    assert len(await build(plan()).carry_out()) == 2  # withheld: not made again for being busy
