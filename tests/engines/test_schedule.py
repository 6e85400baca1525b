"""The schedule server keeps a true record, answers two at once, and leaves nothing behind."""

import asyncio
import http.client
import json
import urllib.parse
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio

from streamscope.calibration import Schedule, Written
from streamscope.engines import schedule
from streamscope.engines.engine import EngineError
from streamscope.engines.schedule import ScheduleEngine

pytestmark = pytest.mark.asyncio(loop_scope="module")

QUICK = Schedule(writes=5, gap_ns=1_000_000, first_ns=3_000_000)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine() -> AsyncIterator[ScheduleEngine]:
    engine = await schedule.start(QUICK)
    yield engine
    engine.close()


def post(url: str, body: dict[str, Any] | bytes) -> tuple[int, bytes]:
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
    try:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        connection.request("POST", "/v1/chat/completions", data)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def streamed(body: bytes) -> tuple[str, list[str]]:
    """Return model and pieces of a streamed answer."""
    lines = [line.removeprefix(b"data: ") for line in body.splitlines() if line.startswith(b"data")]
    assert lines[-1] == b"[DONE]"
    chunks = [json.loads(line) for line in lines[:-1]]
    texts = [each["choices"][0]["delta"].get("content") for each in chunks if each["choices"]]
    return chunks[0]["model"], [text for text in texts if text]


async def ask(engine: ScheduleEngine, **body: Any) -> tuple[int, bytes]:
    return await asyncio.to_thread(post, engine.url, body)


async def told(engine: ScheduleEngine, model: str) -> Written:
    return await asyncio.to_thread(engine.written, model)


def check(written: Written, writes: int) -> None:
    assert len(written.due_ns) == len(written.before_ns) == len(written.after_ns) == writes
    assert written.arrived_ns <= written.due_ns[0]
    for due, before, after in zip(written.due_ns, written.before_ns, written.after_ns, strict=True):
        assert due <= before <= after, "it never writes early"


async def test_a_stream_is_what_was_asked_for_and_its_record_is_true(
    engine: ScheduleEngine,
) -> None:
    _, body = await ask(engine, stream=True)
    model, texts = streamed(body)
    written = await told(engine, model)
    check(written, QUICK.writes)
    assert written.pieces == texts
    assert written.mode == "stream"
    assert written.due_ns[1] - written.due_ns[0] == QUICK.gap_ns
    assert written.due_ns[0] - written.arrived_ns >= QUICK.first_ns


async def test_a_request_may_bring_a_schedule_and_be_short(engine: ScheduleEngine) -> None:
    own = {"writes": 6, "gap_ns": 500_000, "first_ns": 0, "tokens": 3, "cut": "character"}
    _, body = await ask(engine, stream=True, schedule=own)
    model, texts = streamed(body)
    written = await told(engine, model)
    check(written, 6)
    assert written.pieces == texts
    assert len(texts) == 18
    _, body = await ask(engine, stream=True, schedule=own, max_tokens=4)
    assert len(streamed(body)[1]) == 4


async def test_a_blocking_answer_is_one_write_when_a_stream_would_have_ended(
    engine: ScheduleEngine,
) -> None:
    _, body = await ask(engine)
    answer = json.loads(body)
    written = await told(engine, answer["model"])
    check(written, 1)
    assert written.pieces == [answer["choices"][0]["message"]["content"]]
    least = QUICK.first_ns + (QUICK.writes - 1) * QUICK.gap_ns
    assert written.due_ns[0] - written.arrived_ns >= least


async def test_two_at_once_are_both_answered_whole(engine: ScheduleEngine) -> None:
    (_, first), (_, second) = await asyncio.gather(
        ask(engine, stream=True, schedule={"writes": 60, "gap_ns": 1_000_000}),
        ask(engine, schedule={"writes": 60, "gap_ns": 1_000_000}),
    )
    model, texts = streamed(first)
    assert len(texts) == 60
    assert (await told(engine, model)).pieces == texts
    other = json.loads(second)
    assert (await told(engine, other["model"])).mode == "blocking"
    known = {each.request: each for each in await asyncio.to_thread(engine.answers)}
    assert known[int(model.removeprefix("schedule-"))].pieces == 60


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", {"schedule": {"writes": 0, "gap_ns": 1}}, {"schedule": {"gap_ns": "soon"}}],
    ids=["cut", "list", "nothing", "word"],
)
async def test_a_schedule_that_is_none_is_refused_with_a_reason(
    engine: ScheduleEngine, body: dict[str, Any] | bytes
) -> None:
    status, page = await asyncio.to_thread(post, engine.url, body)
    assert status == 400
    assert json.loads(page)["error"]["message"]


async def test_an_answer_that_was_never_given_is_one_sentence(engine: ScheduleEngine) -> None:
    for model in ("schedule-4711", "another", ""):
        with pytest.raises(EngineError, match=r"^The schedule server knows nothing of "):
            await told(engine, model)


async def test_a_server_that_is_gone_is_one_sentence_and_leaves_no_process(
    eventually: Callable[[Callable[[], bool]], Awaitable[bool]], gone: Callable[[int], bool]
) -> None:
    engine = await schedule.start(QUICK)
    assert engine.alive
    engine.close()
    assert not engine.alive
    assert await eventually(lambda: gone(engine.pid))
    with pytest.raises(EngineError, match=r"^The schedule server does not answer any more"):
        await told(engine, "schedule-1")
