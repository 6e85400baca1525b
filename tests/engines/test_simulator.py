"""The simulator over real sockets: its bytes, its figures, its slot, and who leaves early."""

import asyncio
import http.client
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing
from typing import Any
from urllib.parse import urlsplit

import pytest
from starlette.types import Message

from streamscope.engines import simulator
from streamscope.engines.detect import Fetch, identify
from streamscope.engines.engine import Engine, EngineError
from streamscope.engines.performance import Performance
from streamscope.engines.profiles import Profile
from streamscope.engines.script import Ask, Piece
from streamscope.engines.shapes import OllamaGenerate
from streamscope.engines.stage import Report, Stage

Post = Callable[..., Any]
Eventually = Callable[[Callable[[], bool]], Awaitable[bool]]

QUICK = Profile(prefill_s=0.01, tokens_per_s=1000, tokens=30)
THINKER = Profile(
    prefill_s=0.01, tokens_per_s=1000, tokens=30, thinking_share=0.4, tokens_per_chunk=3
)
ENDLESS = Profile(prefill_s=0.01, tokens_per_s=10, tokens=100_000)
PROFILES = {
    "quick": QUICK,
    "thinker": THINKER,
    "secret": Profile(
        prefill_s=0.01, tokens_per_s=1000, tokens=30, thinking_share=0.4, silent=True
    ),
    "endless": ENDLESS,
    "other-endless": ENDLESS,
}


def nothing(_phase: str) -> None:
    """Ignore a phase."""


@pytest.fixture(scope="module")
def engine(apart: Callable[..., Engine]) -> Iterator[Engine]:
    running = apart(simulator.start(report=nothing, profile="quick", profiles=PROFILES))
    yield running
    running.close()


@pytest.fixture(scope="module")
def ask(engine: Engine, post: Post) -> Post:
    """POST to a path of the simulator."""
    return lambda path, **body: post(f"{engine.target.url}{path}", body)


def messages(text: str = "What is unified memory?") -> list[dict[str, str]]:
    return [{"role": "system", "content": "Be brief."}, {"role": "user", "content": text}]


# The engine itself


def test_the_engine_says_that_it_is_simulated(engine: Engine) -> None:
    assert engine.name == "simulator"
    assert "simulated" in engine.label
    assert "simulated" in engine.caution


async def test_an_unknown_profile_is_refused_with_the_known_ones() -> None:
    with pytest.raises(EngineError, match=r"no profile 'x': choose from default, .*m1-long"):
        await simulator.start(report=nothing, profile="x")


async def test_it_is_found_as_a_simulator_not_as_an_ollama(engine: Engine, fetch: Fetch) -> None:
    found = await identify(fetch, engine.target.url, timeout_s=10)
    assert found is not None
    assert found.kind == "simulator"
    assert "simulated" in found.label
    assert found.slots == 1
    assert set(found.models) == set(PROFILES)


# Ollama


@pytest.mark.parametrize(
    ("path", "prompt"),
    [("/api/chat", {"messages": messages()}), ("/api/generate", {"prompt": "x"})],
)
def test_ollama_streams_lines_and_blocks_with_the_same_text(
    ask: Post, path: str, prompt: dict[str, Any]
) -> None:
    stream = ask(path, model="thinker", **prompt)
    assert stream.headers["Content-Type"] == "application/x-ndjson"
    *pieces, last = stream.lines
    whole = ask(path, model="thinker", stream=False, **prompt)
    assert whole.headers["Content-Type"] == "application/json; charset=utf-8"

    answer, thinking = (
        "".join(ollama_text(line, kind) for line in pieces) for kind in ("answer", "thinking")
    )
    assert ollama_text(whole.json, "answer") == answer
    assert ollama_text(whole.json, "thinking") == thinking
    assert answer.startswith("[simulated] ")
    assert thinking
    assert ollama_text(last, "answer") == ollama_text(last, "thinking") == ""
    assert [line["done"] for line in stream.lines] == [False] * len(pieces) + [True]
    assert all(ollama_text(line, "answer") + ollama_text(line, "thinking") for line in pieces)
    for done in (last, whole.json):
        assert done["done"] is True
        assert done["done_reason"] == "stop"
        assert done["eval_count"] == 30
        assert done["prompt_eval_count"] > 0
        parts = ("load_duration", "prompt_eval_duration", "eval_duration")
        assert sum(done.get(part, 0) for part in parts) <= done["total_duration"]
        assert done["prompt_eval_duration"] >= 10_000_000
        # The last token is never early; a late first one is made up for by those that follow.
        assert done["prompt_eval_duration"] + done["eval_duration"] >= 38_900_000


def ollama_text(line: dict[str, Any], kind: str) -> str:
    """Return answer or thinking of a line, in either form."""
    if "message" in line:
        return str(line["message"].get("content" if kind == "answer" else "thinking", ""))
    return str(line.get("response" if kind == "answer" else "thinking", ""))


def test_ollama_honours_limit_stop_seed_and_think(ask: Post) -> None:
    def generate(**more: Any) -> Any:
        return ask("/api/generate", prompt="x", stream=False, **more).json

    cut = generate(model="quick", options={"num_predict": 5})
    assert (cut["eval_count"], cut["done_reason"]) == (5, "length")
    stopped = generate(model="quick", options={"stop": ["]"]})
    assert stopped["response"] in ("[simulated", "")
    assert stopped["done_reason"] == "stop"
    seeds = [generate(model="quick", options={"seed": seed})["response"] for seed in (1, 2, 1)]
    assert seeds[0] == seeds[2] != seeds[1]
    assert "thinking" in generate(model="thinker", think=True)
    assert "thinking" in generate(model="thinker", think="low")
    unthinking = generate(model="thinker", think=False)
    assert "thinking" not in unthinking
    assert unthinking["eval_count"] == 18
    unlimited = generate(model="quick", options={"num_predict": -1})
    assert unlimited["eval_count"] == 30


def test_secret_thinking_is_counted_but_not_sent(ask: Post) -> None:
    lines = ask("/api/chat", model="secret", messages=messages()).lines
    assert not any(ollama_text(line, "thinking") for line in lines)
    assert lines[-1]["eval_count"] == 30
    assert len(lines) == 18 + 1
    asked = ask("/api/chat", model="secret", messages=messages(), think=True).lines
    assert any(ollama_text(line, "thinking") for line in asked)


def test_ollama_loads_and_unloads_without_a_prompt(ask: Post) -> None:
    loaded = ask("/api/generate", model="quick").json
    assert (loaded["done_reason"], loaded["response"]) == ("load", "")
    unloaded = ask("/api/chat", model="quick", messages=[], keep_alive=0).json
    assert unloaded["done_reason"] == "unload"
    assert unloaded["message"] == {"role": "assistant", "content": ""}


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ({"model": "none", "prompt": "x"}, 404, "model 'none' not found"),
        ({"prompt": "x"}, 400, "model is required"),
        ({"model": "quick", "prompt": "x", "think": True}, 400, "does not support thinking"),
        ({"model": "thinker", "prompt": "x", "think": "hard"}, 400, "invalid think value"),
        ({"model": "quick", "prompt": 3}, 400, "$.prompt"),
    ],
)
def test_ollama_refuses_in_its_own_shape(
    ask: Post, body: dict[str, Any], status: int, error: str
) -> None:
    reply = ask("/api/generate", **body)
    assert reply.status == status
    assert error in reply.json["error"]


def test_show_and_tags_tell_who_can_think(ask: Post, engine: Engine) -> None:
    assert ask("/api/show", model="thinker").json["capabilities"] == ["completion", "thinking"]
    assert ask("/api/show", model="quick:latest").json["capabilities"] == ["completion"]


# OpenAI


def test_openai_streams_events_and_blocks_with_the_same_text(ask: Post) -> None:
    path = "/v1/chat/completions"
    options = {"include_usage": True}
    stream = ask(path, model="thinker", messages=messages(), stream=True, stream_options=options)
    assert stream.headers["Content-Type"] == "text/event-stream"
    role, *middle, finish, usage = stream.events
    whole = ask(path, model="thinker", messages=messages())
    message = whole.json["choices"][0]["message"]

    assert role["choices"][0]["delta"] == {"role": "assistant", "content": None}
    deltas = [event["choices"][0]["delta"] for event in middle]
    assert all(len(delta) == 1 for delta in deltas)
    assert "".join(delta.get("content", "") for delta in deltas) == message["content"]
    reasoning = "".join(delta.get("reasoning_content", "") for delta in deltas)
    assert reasoning == message["reasoning_content"] != ""
    assert message["content"].startswith("[simulated] ")
    assert (finish["choices"][0]["delta"], finish["choices"][0]["finish_reason"]) == ({}, "stop")
    assert usage["choices"] == []
    for counted in (usage, whole.json):
        counts = counted["usage"]
        assert counts["completion_tokens"] == 30
        assert counts["completion_tokens_details"] == {"reasoning_tokens": 12}
        assert counts["total_tokens"] == counts["prompt_tokens"] + 30
        timings = counted["timings"]
        assert timings["predicted_n"] == 30
        assert timings["prompt_ms"] + timings["predicted_ms"] >= 38.9


def test_openai_reports_usage_in_a_stream_only_if_asked(ask: Post) -> None:
    events = ask("/v1/chat/completions", messages=messages(), stream=True).events
    assert not any("usage" in event for event in events)
    assert "timings" in events[-1]
    assert events[-1]["model"] == "quick"  # the first profile answers who names none


@pytest.mark.parametrize("member", ["max_tokens", "max_completion_tokens"])
def test_openai_honours_the_limit_under_both_names(ask: Post, member: str) -> None:
    whole = ask("/v1/chat/completions", messages=messages(), **{member: 4}).json
    assert whole["choices"][0]["finish_reason"] == "length"
    assert whole["usage"]["completion_tokens"] == 4


@pytest.mark.parametrize(
    "off", [{"reasoning_effort": "none"}, {"chat_template_kwargs": {"enable_thinking": False}}]
)
def test_openai_can_switch_thinking_off(ask: Post, off: dict[str, Any]) -> None:
    whole = ask("/v1/chat/completions", model="thinker", messages=messages(), **off).json
    assert "reasoning_content" not in whole["choices"][0]["message"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"model": "none", "messages": messages()}, 404),
        ({"messages": []}, 400),
        ({}, 400),
        ({"messages": messages(), "max_tokens": 0}, 400),
    ],
)
def test_openai_refuses_in_its_own_shape(ask: Post, body: dict[str, Any], status: int) -> None:
    reply = ask("/v1/chat/completions", **body)
    assert reply.status == status
    assert reply.json["error"]["code"] == status
    assert reply.json["error"]["message"]


# Slots, clients and time


@pytest.mark.parametrize(("model", "stream"), [("endless", True), ("other-endless", False)])
async def test_a_client_that_leaves_frees_the_slot(
    engine: Engine, ask: Post, fetch: Fetch, model: str, stream: bool
) -> None:
    connection = http.client.HTTPConnection(urlsplit(engine.target.url).netloc, timeout=20)
    body = json.dumps({"model": model, "prompt": "x", "stream": stream})
    connection.request("POST", "/api/generate", body)
    names: set[str] = set()
    while model not in names:  # a model is loaded by whoever has the slot
        _, listed = await fetch(f"{engine.target.url}/api/ps", 10)
        names = {row["name"] for row in json.loads(listed)["models"]}
    connection.close()
    # It would keep the only slot for hours.
    reply = await asyncio.to_thread(ask, "/api/generate", model="quick", prompt="x")
    assert reply.lines[-1]["done_reason"] == "stop"


async def test_a_second_request_waits_for_the_slot() -> None:
    stage = Stage({"quick": QUICK})
    request = Ask(prompt="x", topic="x")
    async with (
        aclosing(stage.perform("quick", request)) as first,
        aclosing(stage.perform("quick", request)) as second,
    ):
        await anext(first)
        waiting = asyncio.ensure_future(anext(second))
        await asyncio.sleep(0)
        started = time.monotonic_ns()
        rest = [item async for item in first]
        freed = time.monotonic_ns()
        assert not waiting.done()
        assert isinstance(rest[-1], Report)
        assert isinstance(await waiting, Piece)
        report = [item async for item in second][-1]
    assert isinstance(report, Report)
    parts = report.load_ns + report.prefill_ns + report.decode_ns
    assert report.total_ns >= parts + freed - started


async def test_with_two_slots_two_are_answered_at_once() -> None:
    stage = Stage({"quick": QUICK}, slots=2)
    request = Ask(prompt="x", topic="x")
    async with (
        aclosing(stage.perform("quick", request)) as first,
        aclosing(stage.perform("quick", request)) as second,
    ):
        assert isinstance(await anext(first), Piece)
        assert isinstance(await anext(second), Piece)


async def test_only_the_first_request_waits_for_the_model() -> None:
    stage = Stage({"cold": Profile(load_s=0.05, prefill_s=0, tokens_per_s=1000, tokens=2)})
    reports = []
    for _ in range(2):
        async with aclosing(stage.perform("cold", Ask(prompt="x", topic="x"))) as items:
            reports.append([item async for item in items][-1])
    first, second = reports
    assert isinstance(first, Report)
    assert isinstance(second, Report)
    assert first.load_ns >= 50_000_000 > second.load_ns
    assert stage.loaded == ["cold"]
    stage.unload("cold")
    assert stage.loaded == []


async def test_no_piece_comes_before_its_time() -> None:
    stage = Stage({"quick": QUICK})
    loop = asyncio.get_running_loop()
    async with aclosing(stage.perform("quick", Ask(prompt="x", topic="x"))) as items:
        start = loop.time()
        async for item in items:
            if isinstance(item, Piece):
                assert loop.time() - start >= item.at_s


async def test_a_client_that_reads_nothing_is_dropped() -> None:
    stage = Stage({"endless": ENDLESS, "quick": QUICK}, patience_s=0.05)

    async def stuck(_message: Message) -> None:
        await asyncio.Event().wait()

    async def silent() -> Message:
        await asyncio.Event().wait()
        raise AssertionError("never reached")

    shape = OllamaGenerate("endless")
    request = Ask(prompt="x", topic="x")
    performance = Performance(stage, "endless", request, shape, stream=True)
    with pytest.raises(TimeoutError):
        await performance({"type": "http"}, silent, stuck)
    async with aclosing(stage.perform("quick", request)) as items:
        assert isinstance(await anext(items), Piece)
