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
from streamscope.keys import Key, KeyRefusedError
from streamscope.plan import Plan
from streamscope.probe.client import ProbeError
from streamscope.probe.messages import Limits, Start
from streamscope.trace import Request, Target, Trace
from streamscope.trial import session as module
from streamscope.trial.plan import Course
from streamscope.trial.session import Session
from streamscope.trial.setup import NoServerError, Setup, Wish

if TYPE_CHECKING:
    from tests.trial.conftest import Diary, FakeProbe

    Build = Callable[..., Session]

REQUEST = Request(prompt="Why?")
ONE_PAIR = Course(plan=Plan(repeat=1, warmup=0))
TARGET = Target(protocol="openai-chat", url="https://model.example/v1", model="tiny")
SETUP = Setup(target=TARGET, key="sk-verysecret")


@pytest_asyncio.fixture
async def build(
    fake_probe: "FakeProbe", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator["Build"]:
    monkeypatch.setattr(module, "Probe", lambda: fake_probe)
    made: list[Session] = []

    def session(**more: Any) -> Session:
        members: dict[str, Any] = {
            "wish": Wish(),
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
    courses = [session.course(SETUP, REQUEST, Plan(repeat=pairs)) for pairs in (1, 2, 1)]
    assert [course.pairs_before for course in courses] == [0, 1, 3]
    assert [course.prefill_only for course in courses] == [True, False, True]
    assert courses[0].plan.warmup == 1
    assert courses[2].plan.warmup == 0, "the cache is full"
    other = session.course(SETUP, Request(prompt="How?"), Plan(repeat=1))
    assert (other.plan.warmup, other.pairs_before) == (1, 0)


async def test_a_comparison_has_the_warm_ups_of_its_plan(build: "Build") -> None:
    uncached = Setup(target=TARGET, uncached=True)
    course = build().course(uncached, REQUEST, Plan(repeat=6, warmup=2))
    assert (course.plan.warmup, course.prefill_only) == (2, False)


async def test_nothing_is_filled_where_nothing_is_cached_or_disturbed(build: "Build") -> None:
    session = build()
    assert session.course(SETUP, REQUEST, Plan(repeat=1, layout="race")).plan.warmup == 0
    uncached = Setup(target=TARGET, uncached=True)
    assert session.course(uncached, Request(prompt="How?"), Plan(repeat=1)).plan.warmup == 0


async def test_a_key_and_a_proxy_go_to_every_run(
    build: "Build", fake_probe: "FakeProbe", diary: "Diary"
) -> None:
    setup = Setup(target=TARGET, key="k", proxy="http://proxy:1", version="0.9")
    runs = await build().trial(setup, REQUEST, ONE_PAIR, diary).carry_out()
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
    await session.trial(SETUP, REQUEST, ONE_PAIR, diary).carry_out()
    before = len(fake_probe.starts)
    await session.trial(SETUP, REQUEST, ONE_PAIR, diary).carry_out()
    assert len(fake_probe.starts) == before + 2
    assert time.monotonic_ns() - stopped_ns >= 0.05e9


async def test_runs_are_kept_and_remembered(build: "Build", diary: "Diary", tmp_path: Path) -> None:
    session = build(history=History.open(tmp_path / "history.db"))
    await session.trial(SETUP, REQUEST, Course(plan=Plan(repeat=2, warmup=0)), diary).carry_out()
    await session.saved()
    assert session.problems() == []
    memory = session.memory(SETUP, REQUEST, "apart")
    assert len(memory.values["stream"].values["total_s"]) == 2
    assert session.prompts("Wh") == ["Why?"]
    assert session.memory(SETUP, REQUEST, "race").values["stream"].n == 0
    assert [pair.same_output for pair in session.pairs(SETUP, REQUEST, "apart")] == [True, True]
    assert session.pairs(SETUP, REQUEST, "apart", "cold") == []


async def test_a_comparison_that_was_stopped_is_found_again(
    build: "Build", fake_probe: "FakeProbe", diary: "Diary", tmp_path: Path
) -> None:
    history = History.open(tmp_path / "history.db")
    session = build(history=history)
    trial = session.trial(SETUP, REQUEST, Course(plan=Plan(repeat=3, warmup=0)), diary)
    whole = fake_probe.answer

    def stopped_at_the_third(start: Start) -> Trace | ProbeError | None:
        if len(fake_probe.starts) <= 2:
            return whole(start)
        trial.stop()
        return Trace(mode=start.mode, ended="cancelled")

    fake_probe.answer = stopped_at_the_third
    await trial.carry_out()
    await session.saved()
    course = session.unfinished(SETUP, REQUEST)
    assert course is not None
    assert (course.comparison_id, course.plan.repeat) == (trial.comparison_id, 3)
    assert [run.run_id for run in course.runs] == [run.run_id for run in trial.runs]
    fake_probe.answer = whole
    await session.trial(SETUP, REQUEST, course, diary).carry_out()
    await session.saved()
    assert session.unfinished(SETUP, REQUEST) is None, "it is complete"


async def test_a_run_that_could_not_be_kept_is_told_once(
    build: "Build", diary: "Diary", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from streamscope.history import store

    def refuse(*_: object) -> None:
        raise HistoryError("The disk is full.")

    monkeypatch.setattr(store, "insert_run", refuse)
    session = build(history=History.open(tmp_path / "history.db"))
    runs = await session.trial(SETUP, REQUEST, ONE_PAIR, diary).carry_out()
    await session.saved()
    assert len(runs) == 2, "the comparison goes on all the same"
    assert session.problems() == ["The disk is full."] * 2
    assert session.problems() == []


async def test_without_a_history_nothing_is_remembered(build: "Build", diary: "Diary") -> None:
    session = build()
    await session.trial(SETUP, REQUEST, ONE_PAIR, diary).carry_out()
    assert session.memory(SETUP, REQUEST, "apart").values == {}
    assert session.pairs(SETUP, REQUEST, "apart") == []
    assert session.unfinished(SETUP, REQUEST) is None
    assert (session.prompts(), session.notice, session.problems()) == ([], "", [])


@pytest.mark.parametrize("url", ["ftp://x", "http://", "http://a b", "http://me:pw@x"])
async def test_a_url_that_cannot_be_called_is_told(
    build: "Build", fake_probe: "FakeProbe", monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    async def started() -> None:
        """Be there."""

    monkeypatch.setattr(fake_probe, "start", started)
    with pytest.raises(NoServerError, match=r"\.$") as raised:
        await build(wish=Wish(url=url)).open(lambda *_: None)
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
            await build(wish=wish).open(lambda *_: None)


async def test_a_url_is_looked_for_again_once_it_was_wanted(build: "Build") -> None:
    """What the picker was told stays wanted when it could not be had."""
    session = build(wish=Wish(engine="simulator"))
    with pytest.raises(NoServerError):
        await session.open(lambda *_: None, Wish(url="ftp://elsewhere"))
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
        wish=Wish(url=root),
        key_for=lambda *_: Key(value="k", source="test", headers={"extra": "1"}),
    )
    setup = await session.open(lambda *_: None)
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
    await build().trial(setup, REQUEST, ONE_PAIR, diary).carry_out()
    assert [start.headers for start in fake_probe.starts] == [{"Authorization": "Bearer t"}] * 2


async def test_a_server_whose_key_is_not_sent_is_passed_over_and_that_is_said(
    build: "Build", web: Web
) -> None:
    far, near = "http://10.0.0.2:8000", "http://127.0.0.1:8000"
    web.lists = {far: VLLM, near: VLLM}

    def key_for(url: str, named: str) -> Key | None:
        if url.startswith(far):
            raise KeyRefusedError("The key stays here.")
        return None

    candidates = [Candidate(url=far, variable="OPENAI_BASE_URL")]
    session = build(key_for=key_for, candidates=candidates)
    setup = await session.open(lambda *_: None)
    assert setup.place == "127.0.0.1:8000"
    assert setup.reason == "vLLM answers at 127.0.0.1:8000 with m. The key stays here."
    assert not any(url.startswith(far) for url in web.asked)
    with pytest.raises(NoServerError, match="The key stays here"):
        await session.open(lambda *_: None, Wish(url=far))


async def test_servers_to_choose_from_are_all_that_somebody_named(build: "Build", web: Web) -> None:
    urls = ["http://127.0.0.1:7001", "http://127.0.0.1:7002", "https://api.openai.com"]
    web.lists = dict.fromkeys(urls, VLLM)
    wanted, named, offered = urls
    session = build(
        wish=Wish(url=wanted),
        candidates=[Candidate(url=named, variable="OPENAI_BASE_URL")],
        offered=[Candidate(url=offered)],
    )
    assert (await session.preview()).target == Target(
        protocol="openai-chat", url=f"{wanted}/v1", model="m"
    )
    assert [found.url for found in await session.discover()] == [f"{url}/v1" for url in urls]


async def test_a_server_that_was_named_is_remembered_and_offered_again(
    build: "Build", web: Web, tmp_path: Path
) -> None:
    url = "http://model.example:8000"
    web.lists = {url: VLLM}
    first = build(
        wish=Wish(url=url),
        history=History.open(tmp_path / "history.db"),
        key_for=lambda *_: Key(value="sk-canary", source="test"),
    )
    await first.open(lambda *_: None)
    assert b"canary" not in (tmp_path / "servers.json").read_bytes()
    later = build()
    assert [found.url for found in await later.discover()] == [f"{url}/v1"]
    web.lists = {}
    setup = await build(wish=Wish(url=url)).open(lambda *_: None)
    assert setup.target == Target(protocol="openai-chat", url=f"{url}/v1", model="m")
    assert setup.reason.endswith("says nothing now: it is asked as it was before.")
    assert setup.version == ""


async def test_who_wants_no_history_has_no_server_remembered(
    build: "Build", web: Web, tmp_path: Path
) -> None:
    web.lists = {"http://127.0.0.1:7001": VLLM}
    await build(wish=Wish(url="http://127.0.0.1:7001")).open(lambda *_: None)
    assert not (tmp_path / "servers.json").exists()


async def test_keys_are_at_hand_before_servers_have_to_answer_in_time(
    build: "Build", web: Web
) -> None:
    """A command may ask a person, and a server that waits for its key looks like a silent one."""
    url = "http://127.0.0.1:7001"
    web.lists = {url: VLLM}
    asked_before: list[int] = []

    def key_for(wanted: str, named: str) -> Key | None:
        if wanted == url:
            asked_before.append(len(web.asked))
        return None

    session = build(key_for=key_for, candidates=[Candidate(url=url, variable="OPENAI_BASE_URL")])
    await session.open(lambda *_: None)
    assert asked_before == [0]
    web.asked.clear()
    await session.discover()
    assert asked_before == [0, 0]
