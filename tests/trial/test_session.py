"""A session finds a server, keeps its key to itself, and does not measure over what was stopped."""

import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import pytest_asyncio
from rich.pretty import pretty_repr

from streamscope.engines.found import Candidate
from streamscope.history import History, HistoryError
from streamscope.keys import Key, KeyRefusedError, Keys
from streamscope.plan import Plan
from streamscope.probe.client import ProbeError
from streamscope.probe.messages import Limits, Start
from streamscope.sides import Side, Sides
from streamscope.trace import Request, Target, Trace
from streamscope.trial import session as module
from streamscope.trial.plan import Course
from streamscope.trial.session import Session
from streamscope.trial.setup import Matchup, NoServerError, Setup, Wish, Wishes
from streamscope.trial.trial import Trial

if TYPE_CHECKING:
    from tests.trial.conftest import Diary, FakeProbe

    Build = Callable[..., Session]

REQUEST = Request(prompt="Why?")
ONE_PAIR = Course(plan=Plan(repeat=1, warmup=0))
TARGET = Target(protocol="openai-chat", url="https://model.example/v1", model="tiny")
SETUP = Setup(target=TARGET, key="sk-verysecret")
USUAL = Matchup.of(SETUP)


@pytest_asyncio.fixture
async def build(
    fake_probe: "FakeProbe", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator["Build"]:
    monkeypatch.setattr(module, "Probe", lambda: fake_probe)
    made: list[Session] = []

    def session(**more: Any) -> Session:
        members: dict[str, Any] = {
            "wishes": Wishes(),
            "history": None,
            "cache_dir": tmp_path,
            "limits": Limits(),
            "key_for": lambda *_: None,
            "proxy_for": lambda _: None,
        }
        made.append(Session(**(members | more)))
        return made[-1]

    yield session
    for each in made:
        await each.close()


def test_no_way_to_print_a_server_shows_its_key() -> None:
    for shown in (repr(SETUP), str(SETUP), pretty_repr(SETUP), repr([SETUP])):
        assert "verysecret" not in shown
        assert "model.example" in shown


def test_its_name_lasts_though_an_engine_has_another_port_at_each_start() -> None:
    ports = [
        Setup(
            target=Target(protocol="ollama-chat", url=f"http://127.0.0.1:{port}", model="m"),
            engine="simulator",
        )
        for port in (1, 2)
    ]
    assert ports[0].identity == ports[1].identity == "ollama-chat simulator m"
    assert SETUP.identity == "openai-chat model.example tiny"
    assert (SETUP.layout, Setup(target=TARGET, contended=False).layout) == ("apart", "race")


async def test_the_first_pair_of_a_prompt_fills_the_cache_and_later_ones_go_on(
    build: "Build",
) -> None:
    session = build()
    courses = [session.course(USUAL, REQUEST, Plan(repeat=pairs)) for pairs in (1, 2, 1)]
    assert [course.pairs_before for course in courses] == [0, 0, 3]
    assert [course.prefill_only for course in courses] == [True, False, True]
    assert courses[0].plan.warmup == 1
    assert courses[2].plan.warmup == 0, "the cache is full"
    other = session.course(USUAL, Request(prompt="How?"), Plan(repeat=1))
    assert (other.plan.warmup, other.pairs_before) == (1, 0)


async def test_a_comparison_has_the_warm_ups_of_its_plan(build: "Build") -> None:
    uncached = Setup(target=TARGET, uncached=True)
    course = build().course(Matchup.of(uncached), REQUEST, Plan(repeat=6, warmup=2))
    assert (course.plan.warmup, course.prefill_only) == (2, False)


async def test_nothing_is_filled_where_nothing_is_cached_or_disturbed(build: "Build") -> None:
    session = build()
    assert session.course(USUAL, REQUEST, Plan(repeat=1, layout="race")).plan.warmup == 0
    uncached = Setup(target=TARGET, uncached=True)
    assert (
        session.course(Matchup.of(uncached), Request(prompt="How?"), Plan(repeat=1)).plan.warmup
        == 0
    )


async def test_a_key_and_a_proxy_go_to_every_run(
    build: "Build", fake_probe: "FakeProbe", diary: "Diary"
) -> None:
    setup = Setup(target=TARGET, key="k", proxy="http://proxy:1", version="0.9")
    runs = await build().trial(Matchup.of(setup), REQUEST, ONE_PAIR, diary).carry_out()
    assert [(start.key, start.proxy, start.mode) for start in fake_probe.starts] == [
        ("k", "http://proxy:1", "stream"),
        ("k", "http://proxy:1", "blocking"),
    ]
    assert {run.server_version for run in runs} == {"0.9"}


async def test_after_a_stopped_run_the_server_is_left_in_peace_for_a_while(
    build: "Build", fake_probe: "FakeProbe", diary: "Diary", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SETTLE_S", 0.05)
    session = build()
    fake_probe.answer = lambda start: Trace(mode=start.mode, ended="cancelled")
    stopped_ns = time.monotonic_ns()
    await session.trial(USUAL, REQUEST, ONE_PAIR, diary).carry_out()
    before = len(fake_probe.starts)
    await session.trial(USUAL, REQUEST, ONE_PAIR, diary).carry_out()
    assert len(fake_probe.starts) == before + 2
    assert time.monotonic_ns() - stopped_ns >= 0.05e9


async def test_runs_are_kept_and_remembered(build: "Build", diary: "Diary", tmp_path: Path) -> None:
    session = build(history=History.open(tmp_path / "history.db"))
    await session.trial(USUAL, REQUEST, Course(plan=Plan(repeat=2, warmup=0)), diary).carry_out()
    await session.saved()
    assert session.problems() == []
    memory = session.past.memory(USUAL, REQUEST, "apart")
    assert len(memory.values["A"].values["total_s"]) == 2
    assert session.past.prompts("Wh") == ["Why?"]
    assert session.past.memory(USUAL, REQUEST, "race").values["A"].n == 0
    assert [pair.same_output for pair in session.past.pairs(USUAL, REQUEST, "apart")] == [
        True,
        True,
    ]
    assert session.past.pairs(USUAL, REQUEST, "apart", "cold") == []


def _stop_at_the_third_run(fake_probe: "FakeProbe", trial: Trial) -> None:
    """Let a trial be stopped by a person while its second pair is measured."""
    whole = fake_probe.answer

    def answer(start: Start) -> Trace | ProbeError | None:
        if len(fake_probe.starts) <= 2:
            return whole(start)
        trial.stop()
        return Trace(mode=start.mode, ended="cancelled")

    fake_probe.answer = answer


async def test_a_comparison_that_was_stopped_is_found_again(
    build: "Build", fake_probe: "FakeProbe", diary: "Diary", tmp_path: Path
) -> None:
    history = History.open(tmp_path / "history.db")
    session = build(history=history)
    trial = session.trial(USUAL, REQUEST, Course(plan=Plan(repeat=3, warmup=0)), diary)
    whole = fake_probe.answer
    _stop_at_the_third_run(fake_probe, trial)
    await trial.carry_out()
    await session.saved()
    course = session.past.unfinished(USUAL, REQUEST)
    assert course is not None
    assert (course.comparison_id, course.plan.repeat) == (trial.comparison_id, 3)
    assert [run.run_id for run in course.runs] == [run.run_id for run in trial.runs]
    fake_probe.answer = whole
    await session.trial(USUAL, REQUEST, course, diary).carry_out()
    await session.saved()
    assert session.past.unfinished(USUAL, REQUEST) is None, "it is complete"


async def test_the_newest_comparison_goes_on_whether_warm_or_cold(
    build: "Build", fake_probe: "FakeProbe", diary: "Diary", tmp_path: Path
) -> None:
    history = History.open(tmp_path / "history.db")
    session = build(history=history)
    whole = fake_probe.answer

    async def measure(plan: Plan, *, stopped: bool) -> Trial:
        trial = session.trial(USUAL, REQUEST, Course(plan=plan), diary)
        fake_probe.starts.clear()
        fake_probe.answer = whole
        if stopped:
            _stop_at_the_third_run(fake_probe, trial)
        await trial.carry_out()
        await session.saved()
        return trial

    warm = Plan(repeat=3, warmup=0)
    cold = msgspec.structs.replace(warm, regime="cold")
    await measure(warm, stopped=True)
    newer = await measure(cold, stopped=True)
    course = session.past.unfinished(USUAL, REQUEST)
    assert course is not None
    assert (course.comparison_id, course.plan.regime) == (newer.comparison_id, "cold")
    await measure(warm, stopped=False)
    assert session.past.unfinished(USUAL, REQUEST) is None, "the newest one is complete"


async def test_what_two_servers_did_is_remembered_of_each_and_of_both(
    build: "Build", diary: "Diary", tmp_path: Path
) -> None:
    """The pairs of two models are no pairs of either alone, but their runs are runs of each."""
    session = build(history=History.open(tmp_path / "history.db"))
    other = Setup(target=msgspec.structs.replace(TARGET, model="large"), key="sk-other")
    models = Matchup(a=SETUP, b=other, modes=("stream", "stream"))
    plan = Course(plan=Plan(repeat=2, warmup=0))
    runs = await session.trial(models, REQUEST, plan, diary).carry_out()
    await session.trial(USUAL, REQUEST, ONE_PAIR, diary).carry_out()
    await session.saved()
    assert session.problems() == []
    assert len(session.past.pairs(models, REQUEST, "apart")) == 2
    assert len(session.past.pairs(USUAL, REQUEST, "apart")) == 1
    turned = Matchup(a=other, b=SETUP, modes=("stream", "stream"))
    assert len(session.past.pairs(turned, REQUEST, "apart")) == 2, "whichever side each was on"
    memory = session.past.memory(models, REQUEST, "apart")
    assert {name: values.n for name, values in memory.values.items()} == {"A": 3, "B": 2}
    newest = session.past.last_pair(models, REQUEST, "apart")
    assert [run.run_id for run, _ in newest] == [
        next(run.run_id for run in reversed(runs) if run.channel == name) for name in ("A", "B")
    ]


async def test_what_is_compared_is_kept_with_the_plan_unless_it_is_the_usual(
    build: "Build", diary: "Diary", tmp_path: Path
) -> None:
    """Who goes on with a comparison that was stopped early must not guess what B was."""
    session = build(history=History.open(tmp_path / "history.db"))
    other = Setup(target=msgspec.structs.replace(TARGET, model="large"))
    models = Matchup(a=SETUP, b=other, modes=("stream", "stream"))
    assert session.trial(models, REQUEST, ONE_PAIR, diary).plan.sides == models.sides
    assert session.trial(USUAL, REQUEST, ONE_PAIR, diary).plan.sides is None


async def test_a_channel_against_itself_is_paired_by_its_sides(
    build: "Build", diary: "Diary", tmp_path: Path
) -> None:
    session = build(history=History.open(tmp_path / "history.db"))
    twice = Matchup(a=SETUP, b=SETUP, modes=("stream", "stream"))
    await session.trial(twice, REQUEST, Course(plan=Plan(repeat=3, warmup=0)), diary).carry_out()
    await session.saved()
    assert len(session.past.pairs(twice, REQUEST, "apart")) == 3
    assert session.past.pairs(USUAL, REQUEST, "apart") == []
    assert [run.channel for run, _ in session.past.last_pair(twice, REQUEST, "apart")] == ["A", "B"]


async def test_what_was_stopped_goes_on_between_the_same_two_servers_only(
    build: "Build", fake_probe: "FakeProbe", diary: "Diary", tmp_path: Path
) -> None:
    session = build(history=History.open(tmp_path / "history.db"))
    other = Setup(target=msgspec.structs.replace(TARGET, model="large"))
    models = Matchup(a=SETUP, b=other, modes=("stream", "stream"))
    trial = session.trial(models, REQUEST, Course(plan=Plan(repeat=3, warmup=0)), diary)
    _stop_at_the_third_run(fake_probe, trial)
    await trial.carry_out()
    await session.saved()
    assert session.past.unfinished(USUAL, REQUEST) is None
    course = session.past.unfinished(models, REQUEST)
    assert course is not None
    assert course.comparison_id == trial.comparison_id


async def test_each_server_has_its_cache_filled(
    build: "Build", fake_probe: "FakeProbe", diary: "Diary"
) -> None:
    """Or else the first pair of two models would load the second one."""
    session = build()
    other = Setup(target=msgspec.structs.replace(TARGET, model="large"))
    models = Matchup(a=SETUP, b=other, modes=("stream", "stream"))
    course = session.course(models, REQUEST, Plan(repeat=1))
    await session.trial(models, REQUEST, course, diary).carry_out()
    assert [start.target.model for start in fake_probe.starts] == ["tiny", "large", "tiny", "large"]
    assert [start.request.max_tokens for start in fake_probe.starts] == [1, 1, None, None]


async def test_a_run_that_could_not_be_kept_is_told_once(
    build: "Build", diary: "Diary", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from streamscope.history import store

    def refuse(*_: object) -> None:
        raise HistoryError("The disk is full.")

    monkeypatch.setattr(store, "insert_run", refuse)
    session = build(history=History.open(tmp_path / "history.db"))
    runs = await session.trial(USUAL, REQUEST, ONE_PAIR, diary).carry_out()
    await session.saved()
    assert len(runs) == 2, "the comparison goes on all the same"
    assert session.problems() == ["The disk is full."] * 2
    assert session.problems() == []


async def test_without_a_history_nothing_is_remembered(build: "Build", diary: "Diary") -> None:
    session = build()
    await session.trial(USUAL, REQUEST, ONE_PAIR, diary).carry_out()
    assert session.past.memory(USUAL, REQUEST, "apart").values == {}
    assert session.past.pairs(USUAL, REQUEST, "apart") == []
    assert session.past.unfinished(USUAL, REQUEST) is None
    assert (session.past.prompts(), session.notice, session.problems()) == ([], "", [])


@pytest.mark.parametrize("url", ["ftp://x", "http://", "http://a b", "http://me:pw@x"])
async def test_a_url_that_cannot_be_called_is_told(
    build: "Build", fake_probe: "FakeProbe", monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    async def started() -> None:
        """Be there."""

    monkeypatch.setattr(fake_probe, "start", started)
    with pytest.raises(NoServerError, match=r"\.$") as raised:
        await build(wishes=Wishes(a=Wish(url=url))).open(lambda *_: None)
    assert "pw" not in str(raised.value)


async def test_a_model_that_an_engine_does_not_have_is_refused_and_not_ignored(
    build: "Build",
) -> None:
    wishes = {
        "model_file": Wish(engine="local", model="nosuch"),
        "nosuch": Wish(engine="simulator", model="nosuch"),
    }
    for sentence, wish in wishes.items():
        with pytest.raises(NoServerError, match=sentence):
            await build(wishes=Wishes(a=wish)).open(lambda *_: None)


async def test_a_url_is_looked_for_again_once_it_was_wanted(build: "Build") -> None:
    """What the picker was told stays wanted when it could not be had."""
    session = build(wishes=Wishes(a=Wish(engine="simulator")))
    with pytest.raises(NoServerError):
        await session.open(lambda *_: None, Wishes(a=Wish(url="ftp://elsewhere")))
    with pytest.raises(NoServerError, match="ftp"):
        await session.open(lambda *_: None)


async def test_a_probe_that_does_not_start_is_told(
    build: "Build", fake_probe: "FakeProbe", monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail() -> None:
        raise ProbeError("It did not start.")

    monkeypatch.setattr(fake_probe, "start", fail)
    with pytest.raises(NoServerError, match="It did not start"):
        await build().open(lambda *_: None)


VLLM: dict[str, object] = {"data": [{"id": "m", "owned_by": "vllm"}]}


class Web:
    """Servers by the beginnings of their URLs, and what they were asked.

    Attributes:
        lists: Model lists.
        asked: Headers of the requests, by URL.
    """

    def __init__(self) -> None:
        self.lists: dict[str, dict[str, object]] = {}
        self.asked: dict[str, dict[str, str]] = {}

    async def fetch(
        self, url: str, _timeout_s: float, headers: dict[str, str], _proxy: str | None
    ) -> tuple[int, bytes]:
        self.asked[url] = headers
        for root, models in self.lists.items():
            if url.startswith(root):
                return (200, msgspec.json.encode(models)) if "/v1/models" in url else (404, b"")
        raise ConnectionRefusedError(url)


@pytest.fixture
def web(fake_probe: "FakeProbe", monkeypatch: pytest.MonkeyPatch) -> Web:
    web = Web()

    async def started() -> None:
        """Be there."""

    monkeypatch.setattr(fake_probe, "start", started)
    monkeypatch.setattr(fake_probe, "fetch", web.fetch)
    return web


async def test_a_key_goes_into_the_header_that_the_server_reads(build: "Build", web: Web) -> None:
    root = "https://api.anthropic.com"
    web.lists[root] = {"data": [{"id": "claude-x"}]}
    session = build(
        wishes=Wishes(a=Wish(url=root)),
        key_for=lambda *_: Key(value="k", source="test", headers={"extra": "1"}),
    )
    setup = (await session.open(lambda *_: None)).a
    assert (setup.target.protocol, setup.target.model) == ("anthropic", "claude-x")
    (headers,) = web.asked.values()
    assert {name: headers.get(name) for name in ("x-api-key", "extra", "Authorization")} == {
        "x-api-key": "k",
        "extra": "1",
        "Authorization": None,
    }
    assert "anthropic-version" in headers
    assert (setup.key, setup.headers) == ("k", {"extra": "1"})


async def test_further_headers_reach_every_run(
    build: "Build", fake_probe: "FakeProbe", diary: "Diary"
) -> None:
    setup = Setup(target=TARGET, headers={"Authorization": "Bearer t"})
    await build().trial(Matchup.of(setup), REQUEST, ONE_PAIR, diary).carry_out()
    assert [start.headers for start in fake_probe.starts] == [{"Authorization": "Bearer t"}] * 2


async def test_a_server_whose_key_is_not_sent_is_passed_over_and_that_is_said(
    build: "Build", web: Web
) -> None:
    far, near = "http://10.0.0.2:8000", "http://127.0.0.1:8000"
    web.lists = {far: VLLM, near: VLLM}

    def key_for(url: str, *_named: str) -> Key | None:
        if url.startswith(far):
            raise KeyRefusedError("The key stays here.")
        return None

    candidates = [Candidate(url=far, variable="OPENAI_BASE_URL")]
    session = build(key_for=key_for, candidates=candidates)
    setup = (await session.open(lambda *_: None)).a
    assert setup.place == "127.0.0.1:8000"
    assert setup.reason == "vLLM answers at 127.0.0.1:8000 with m. The key stays here."
    assert not any(url.startswith(far) for url in web.asked)
    with pytest.raises(NoServerError, match="The key stays here"):
        await session.open(lambda *_: None, Wishes(a=Wish(url=far)))


async def test_servers_to_choose_from_are_all_that_somebody_named(build: "Build", web: Web) -> None:
    urls = ["http://127.0.0.1:7001", "http://127.0.0.1:7002", "https://api.openai.com"]
    web.lists = dict.fromkeys(urls, VLLM)
    wanted, named, offered = urls
    session = build(
        wishes=Wishes(a=Wish(url=wanted)),
        candidates=[Candidate(url=named, variable="OPENAI_BASE_URL")],
        offered=[Candidate(url=offered)],
    )
    assert (await session.preview()).target == Target(
        protocol="openai-chat", url=f"{wanted}/v1", model="m"
    )
    assert [found.url for found in await session.discover()] == [f"{url}/v1" for url in urls]


async def test_what_stands_at_one_place_is_offered_together(build: "Build", web: Web) -> None:
    one, other = "http://127.0.0.1:7001", "http://127.0.0.1:7002"
    web.lists = dict.fromkeys((one, other), VLLM)
    named = [Candidate(url=url) for url in (one, other, f"{one}/v1/messages")]
    found = await build(candidates=named).discover()
    assert [(each.url, each.protocol) for each in found] == [
        (f"{one}/v1", "openai-chat"),
        (one, "anthropic"),
        (f"{other}/v1", "openai-chat"),
    ]


async def test_a_model_that_nobody_has_is_not_replaced_by_an_engine_of_ours(
    build: "Build", web: Web
) -> None:
    def key_for(url: str, *_named: str) -> Key | None:
        if url.startswith("http://10.0.0.2"):
            raise KeyRefusedError("The key stays here.")
        return None

    candidates = [Candidate(url="http://10.0.0.2:8000", variable="OPENAI_BASE_URL")]
    wishes = Wishes(a=Wish(model="foo:1b"))
    session = build(wishes=wishes, key_for=key_for, candidates=candidates)
    with pytest.raises(NoServerError) as told:
        await session.open(lambda *_: None)
    assert str(told.value).startswith("No server answers on the usual ports, so there is nobody to")
    assert "foo:1b" in str(told.value)
    assert str(told.value).endswith("The key stays here.")
    web.lists = {"http://127.0.0.1:8000": VLLM}
    setup = (await session.open(lambda *_: None)).a
    assert setup.target.model == "foo:1b"
    assert "is asked for foo:1b, which it does not list" in setup.reason


async def test_a_server_that_was_named_by_a_url_with_a_fragment_is_remembered_without(
    build: "Build", web: Web, tmp_path: Path
) -> None:
    web.lists = {"http://model.example:8000": VLLM}
    wishes = Wishes(a=Wish(url="http://model.example:8000/docs#/chat"))
    history = History.open(tmp_path / "history.db")
    await build(wishes=wishes, history=history).open(lambda *_: None)
    kept = (tmp_path / "servers.json").read_text()
    assert "http://model.example:8000/docs" in kept
    assert "#" not in kept


async def test_a_server_that_was_named_is_remembered_and_offered_again(
    build: "Build", web: Web, tmp_path: Path
) -> None:
    url = "http://model.example:8000"
    web.lists = {url: VLLM}
    first = build(
        wishes=Wishes(a=Wish(url=url)),
        history=History.open(tmp_path / "history.db"),
        key_for=lambda *_: Key(value="sk-canary", source="test"),
    )
    await first.open(lambda *_: None)
    assert b"canary" not in (tmp_path / "servers.json").read_bytes()
    later = build()
    assert [found.url for found in await later.discover()] == [f"{url}/v1"]
    web.lists = {}
    setup = (await build(wishes=Wishes(a=Wish(url=url))).open(lambda *_: None)).a
    assert setup.target == Target(protocol="openai-chat", url=f"{url}/v1", model="m")
    assert setup.reason.endswith("says nothing now: it is asked as it was before.")
    assert setup.version == ""


async def test_who_wants_no_history_has_no_server_remembered(
    build: "Build", web: Web, tmp_path: Path
) -> None:
    web.lists = {"http://127.0.0.1:7001": VLLM}
    await build(wishes=Wishes(a=Wish(url="http://127.0.0.1:7001"))).open(lambda *_: None)
    assert not (tmp_path / "servers.json").exists()


async def test_keys_are_at_hand_before_servers_have_to_answer_in_time(
    build: "Build", web: Web
) -> None:
    """A command may ask a person, and a server that waits for its key looks like a silent one."""
    url = "http://127.0.0.1:7001"
    web.lists = {url: VLLM}
    asked_before: list[int] = []

    def key_for(wanted: str, *_named: str) -> Key | None:
        if wanted == url:
            asked_before.append(len(web.asked))
        return None

    session = build(key_for=key_for, candidates=[Candidate(url=url, variable="OPENAI_BASE_URL")])
    await session.open(lambda *_: None)
    assert asked_before == [0]
    web.asked.clear()
    await session.discover()
    assert asked_before == [0, 0]


async def test_two_servers_are_found_and_each_has_its_own_key(build: "Build", web: Web) -> None:
    near, far = "http://127.0.0.1:7001", "https://model.example"
    web.lists = {near: VLLM, far: VLLM}
    told: list[tuple[str, tuple[str, ...]]] = []

    def key_for(url: str, *named: str) -> Key | None:
        told.append((url, named))
        return Key(value="sk-far", source="test") if url.startswith(far) else None

    session = build(key_for=key_for, wishes=Wishes(a=Wish(url=near), b=Wish(url=far)))
    matchup = await session.open(lambda *_: None)
    assert [matchup.a.place, matchup.b.place] == ["127.0.0.1:7001", "model.example"]
    assert (matchup.a.key, matchup.b.key) == (None, "sk-far")
    assert matchup.modes == ("stream", "stream")
    assert told[-1][1] == (near, near, far), "the first one's is the person's own key"
    sent = {url: headers.get("Authorization") for url, headers in web.asked.items()}
    assert all((value == "Bearer sk-far") == url.startswith(far) for url, value in sent.items())


async def test_the_key_of_a_person_follows_no_choice_of_what_was_found(
    build: "Build", web: Web
) -> None:
    """It is for the server that they named; a list, or the history, names none."""
    mine, other = "https://mine.example", "https://other.example"
    web.lists = {mine: VLLM, other: VLLM}
    keys = Keys({"STREAMSCOPE_API_KEY": "sk-mine"})
    session = build(key_for=keys.find, wishes=Wishes(a=Wish(url=mine)))

    async def keys_with(a: Wish, b: Wish | None = None) -> list[str | None]:
        matchup = await session.open(lambda *_: None, Wishes(a=a, b=b))
        return [matchup.a.key, matchup.b.key]

    found, kept = Wish(url=other, named=False), Wish(url=mine, named=False)
    assert await keys_with(Wish(url=mine)) == ["sk-mine"] * 2
    assert await keys_with(found) == [None] * 2
    assert await keys_with(kept, found) == ["sk-mine", None], "it is still that one's"
    assert await keys_with(found, kept) == [None, "sk-mine"]
    assert await keys_with(kept, Wish(url=other)) == ["sk-mine", None], "one key, one server"
    assert await keys_with(Wish(url=other)) == ["sk-mine"] * 2, "as it was typed"


async def test_measuring_two_servers_again_sends_the_key_of_a_person_to_neither(
    build: "Build", web: Web
) -> None:
    """Which one it was for, the history does not know."""
    one, other = "https://one.example", "https://other.example"
    web.lists = {one: VLLM, other: VLLM}
    sides = [
        Side(target=Target(protocol="openai-chat", url=f"{url}/v1", model="m"), mode="stream")
        for url in (one, other)
    ]
    keys = Keys({"STREAMSCOPE_API_KEY": "sk-mine"})
    session = build(key_for=keys.find)
    both = Wishes.again(Sides(a=sides[0], b=sides[1]))
    matchup = await session.open(lambda *_: None, both)
    assert (matchup.a.key, matchup.b.key) == (None, None)


async def test_measuring_again_sends_the_key_of_a_person_where_they_named_the_server_once(
    build: "Build", web: Web, tmp_path: Path
) -> None:
    """A history may hold what somebody else has measured, at a server of their own."""
    mine, foreign = "https://mine.example/v1", "https://foreign.example/v1"
    silent = "https://silent.example/v1"  # a gateway that lists no models
    web.lists = {mine.removesuffix("/v1"): VLLM, foreign.removesuffix("/v1"): VLLM}
    keys = Keys({"STREAMSCOPE_API_KEY": "sk-mine"})

    def again(url: str) -> Wishes:
        target = Target(protocol="openai-chat", url=url, model="m")
        stream, whole = (Side(target=target, mode=mode) for mode in ("stream", "blocking"))
        return Wishes.again(Sides(a=stream, b=whole))

    async def key_of(wishes: Wishes, session: Session) -> str | None:
        return (await session.open(lambda *_: None, wishes)).a.key

    history = History.open(tmp_path / "history.db")
    first = build(key_for=keys.find, history=history)
    assert await key_of(again(mine), first) is None, "nobody has named it yet"
    assert await key_of(Wishes(a=Wish(url=mine)), first) == "sk-mine"
    assert await key_of(again(foreign), first) is None
    assert await key_of(again(mine), first) == "sk-mine", "it is still that one's"
    later = build(key_for=keys.find, history=history)
    assert await key_of(again(foreign), later) is None, "that it was measured again names it not"
    assert await key_of(again(mine), later) == "sk-mine"
    unlisted = Wish(url=silent, protocol="openai-chat", model="m")
    assert await key_of(Wishes(a=unlisted), later) == "sk-mine"
    assert await key_of(again(silent), build(key_for=keys.find, history=history)) == "sk-mine"
    history.close()


async def test_a_second_server_that_is_not_to_be_had_leaves_what_was(
    build: "Build", web: Web
) -> None:
    url = "http://127.0.0.1:7001"
    web.lists = {url: VLLM}
    session = build(wishes=Wishes(a=Wish(url=url)))
    await session.open(lambda *_: None)
    gone = Wishes(a=Wish(url=url), b=Wish(url="http://127.0.0.1:7002"))
    with pytest.raises(NoServerError, match="7002"):
        await session.open(lambda *_: None, gone)
    matchup = await session.open(lambda *_: None)
    assert matchup.one_server, "and what was wished for before is wished for again"


async def test_two_channels_share_an_engine_and_a_new_wish_keeps_it(
    build: "Build", fake_probe: "FakeProbe", monkeypatch: pytest.MonkeyPatch
) -> None:
    """One simulator has all profiles and speaks all protocols."""

    async def started() -> None:
        """Be there."""

    monkeypatch.setattr(fake_probe, "start", started)
    sim = Wish(engine="simulator", model="fast")
    other = Wish(engine="simulator", model="stalls", protocol="token-sse")
    session = build(wishes=Wishes(a=sim, b=other))
    matchup = await session.open(lambda *_: None)
    a, b = matchup.a, matchup.b
    assert a.process is not None
    assert b.process is a.process
    assert (a.target.protocol, a.target.model) == ("ollama-chat", "fast")
    assert (b.target.protocol, b.target.model) == ("token-sse", "stalls")
    assert b.target.url.endswith("/v1/completions/stream")
    later = await session.open(lambda *_: None, Wishes(a=other))
    assert later.a.process is a.process
    assert a.alive
    for wish, why in (
        (Wish(engine="simulator", model="nosuch"), "nosuch"),
        (Wish(engine="simulator", protocol="gemini"), "gemini"),
    ):
        with pytest.raises(NoServerError, match=why):
            await session.open(lambda *_: None, Wishes(a=sim, b=wish))
        assert a.alive, "what is measured goes on"
    await session.close()
    assert not a.alive


async def test_a_protocol_that_was_named_alone_is_spoken_to_the_server_that_is_found(
    build: "Build", web: Web
) -> None:
    """As two protocols of one server are compared; it must not be dropped in silence."""
    near = "http://127.0.0.1:8000"
    web.lists = {near: VLLM}
    wishes = Wishes(a=Wish(), b=Wish(protocol="openai-completions"))
    matchup = await build(wishes=wishes).open(lambda *_: None)
    assert matchup.sides.differ == ("protocol",)
    assert matchup.b.target.protocol == "openai-completions"
