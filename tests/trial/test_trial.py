"""A comparison keeps every run, ends early only when going on is hopeless, and stops at once."""

import asyncio
import typing
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from streamscope.measure.figures import Figures
from streamscope.probe.client import ProbeError
from streamscope.probe.messages import Limits, Start
from streamscope.trace import Fault, FaultCode, Request, Run, Target, Trace
from streamscope.trial.plan import Channel, Plan
from streamscope.trial.trial import HOPELESS, Trial

if TYPE_CHECKING:
    from tests.trial.conftest import Diary, FakeProbe

    Build = Callable[..., Trial]

TARGET = Target(protocol="openai-chat", url="http://127.0.0.1:1", model="tiny")


@pytest.fixture
def saved() -> list[Run]:
    return []


@pytest.fixture
def build(fake_probe: "FakeProbe", diary: "Diary", saved: list[Run]) -> "Build":
    def trial(plan: Plan, **more: typing.Any) -> Trial:
        def save(run: Run, figures: Figures) -> None:
            assert figures.values
            saved.append(run)

        members: dict[str, typing.Any] = {
            "probe": fake_probe,
            "channels": {
                "A": Channel(name="A", target=TARGET, mode="stream", key="k"),
                "B": Channel(name="B", target=TARGET, mode="blocking", key="k"),
            },
            "request": Request(prompt="Why?", max_tokens=50),
            "plan": plan,
            "listener": diary,
            "save": save,
        }
        return Trial(**(members | more))

    return trial


def failing(code: FaultCode) -> Callable[[Start], Trace]:
    return lambda start: Trace(
        mode=start.mode, ended="error", fault=Fault(code=code, sentence="It failed.")
    )


async def test_both_channels_are_asked_the_same(
    build: "Build", fake_probe: "FakeProbe", diary: "Diary", saved: list[Run]
) -> None:
    limits = Limits(total_s=9)
    runs = await build(Plan(pairs=2), limits=limits, proxy="http://p:1").carry_out()
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
    assert diary.told[:3] == ["A started", "A moved by 1", "A stop"]


async def test_a_race_has_both_under_way(build: "Build", fake_probe: "FakeProbe") -> None:
    runs = await build(Plan(pairs=3, layout="race")).carry_out()
    assert fake_probe.at_once == 2
    assert {run.layout for run in runs} == {"race"}
    assert sorted(run.channel for run in runs) == ["A"] * 3 + ["B"] * 3


async def test_warm_ups_are_kept_as_such(
    build: "Build", fake_probe: "FakeProbe", saved: list[Run]
) -> None:
    await build(Plan(warmups=1, prefill_only=True)).carry_out()
    assert [run.warmup for run in saved] == [True, False, False]
    assert [start.request.max_tokens for start in fake_probe.starts] == [1, 50, 50]
    assert saved[0].request.max_tokens == 1


async def test_simulated_answers_are_marked(build: "Build", saved: list[Run]) -> None:
    await build(Plan(), engine="simulator", server_version="0.1").carry_out()
    assert all(run.trace.flags == ["simulated"] for run in saved)
    assert {(run.engine, run.server_version) for run in saved} == {("simulator", "0.1")}


@pytest.mark.parametrize("code", typing.get_args(FaultCode))
async def test_only_what_every_run_would_meet_again_ends_a_comparison(
    build: "Build", fake_probe: "FakeProbe", saved: list[Run], code: FaultCode
) -> None:
    fake_probe.answer = failing(code)
    runs = await build(Plan(pairs=2)).carry_out()
    assert len(runs) == (1 if code in HOPELESS else 4)
    assert saved == runs, "a failed run is kept like any other"


async def test_a_race_that_is_hopeless_keeps_both_runs(
    build: "Build", fake_probe: "FakeProbe", saved: list[Run]
) -> None:
    fake_probe.answer = failing("auth")
    assert len(await build(Plan(pairs=2, layout="race")).carry_out()) == 2
    assert len(saved) == 2


async def test_a_probe_that_does_not_start_is_a_fault(
    build: "Build", fake_probe: "FakeProbe", saved: list[Run]
) -> None:
    fake_probe.answer = lambda _: ProbeError("It did not start.")
    (run,) = await build(Plan(pairs=3)).carry_out()
    assert saved == [run]
    assert run.trace.fault == Fault(code="probe", sentence="It did not start.")
    assert run.trace.ended == "error"


@pytest.mark.parametrize("layout", ["apart", "race"])
async def test_stopping_ends_what_is_under_way_and_begins_nothing(
    build: "Build", fake_probe: "FakeProbe", saved: list[Run], layout: typing.Any
) -> None:
    fake_probe.answer = lambda _: None
    trial = build(Plan(pairs=5, layout=layout))
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
    trial = build(Plan(pairs=5))
    trial.stop()
    assert await trial.carry_out() == []
    assert fake_probe.starts == []


async def test_it_waits_until_the_server_is_done_with_what_was_stopped(
    build: "Build", fake_probe: "FakeProbe"
) -> None:
    quiet = asyncio.Event()

    async def settle() -> None:
        await quiet.wait()

    carrying = asyncio.create_task(build(Plan(), settle=settle).carry_out())
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
        await build(Plan(layout="race")).carry_out()
    assert raised.group_contains(LookupError, match="the pane is gone")
    assert fake_probe.under_way == {}, "the other run does not go on by itself"


async def test_cancelling_it_leaves_no_run_behind(
    build: "Build", fake_probe: "FakeProbe", saved: list[Run]
) -> None:
    fake_probe.answer = lambda _: None
    carrying = asyncio.create_task(build(Plan(layout="race")).carry_out())
    await fake_probe.began.wait()
    carrying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await carrying
    assert fake_probe.under_way == {}
    assert saved == []
