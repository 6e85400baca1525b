"""Conversations over WebSockets, with a server that somebody else wrote."""

import asyncio
import contextlib
import json
import ssl
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.frames import CloseCode
from websockets.http11 import Request, Response

from streamscope.probe.messages import Limits
from streamscope.trace import Chunk, Fault, FaultCode, Mode, Trace
from streamscope.trace import Request as Asked

if TYPE_CHECKING:
    from tests.conftest import Bench

pytestmark = pytest.mark.asyncio(loop_scope="session")

Handler = Callable[[ServerConnection], Awaitable[None]]
MODES: tuple[Mode, ...] = ("stream", "blocking")
NILE = ({"token": "Nile"}, {"token": " and"}, {"token": " Amazon"})
LONG_S = 20.0

SLACK_NS = 100_000
"""A stamp is moved between two clocks that are read one after the other: the module's own bound."""


class Sockets:
    """Starts servers that end with their test."""

    def __init__(self, stack: contextlib.AsyncExitStack) -> None:
        self._stack = stack

    async def __call__(self, handler: Handler, path: str = "/ws", **more: Any) -> str:
        """Start a server, and return its URL."""
        server: Server = await self._stack.enter_async_context(
            serve(handler, "127.0.0.1", 0, ping_interval=None, **more)
        )
        port = next(iter(server.sockets)).getsockname()[1]
        return f"ws{'s' if more.get('ssl') else ''}://127.0.0.1:{port}{path}"


@pytest_asyncio.fixture(loop_scope="session")
async def sockets() -> AsyncIterator[Sockets]:
    async with contextlib.AsyncExitStack() as stack:
        yield Sockets(stack)


def fault_of(trace: Trace, code: FaultCode, *named: str) -> Fault:
    """Return the fault of a failed run after checking what holds for every fault."""
    assert trace.ended == "error"
    assert trace.fault is not None
    sentence = trace.fault.sentence
    assert trace.fault.code == code, sentence
    assert sentence.endswith(".")
    assert sentence.isprintable()
    for name in named:
        assert name in sentence
    return trace.fault


async def say(socket: ServerConnection, *values: Any) -> None:
    for value in values:
        await socket.send(value if isinstance(value, str) else json.dumps(value))


async def converse(socket: ServerConnection) -> None:
    """Answer as most do: token by token, with counts and an end mark, and hang up."""
    await socket.recv()
    await say(socket, *NILE, {"done": True, "usage": {"prompt_tokens": 9, "completion_tokens": 3}})


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("secure", [False, True])
async def test_a_whole_answer(
    trusting: "Bench", sockets: Sockets, certified: ssl.SSLContext, mode: Mode, secure: bool
) -> None:
    asked: list[Any] = []

    async def answer(socket: ServerConnection) -> None:
        asked.append(await socket.recv())
        assert socket.protocol.extensions == [], "compressed frames have no honest times"
        assert socket.request is not None
        assert socket.request.headers["Authorization"] == "Bearer k3y"
        await say(socket, *NILE, {"done": True, "usage": {"completion_tokens": 3}})

    url = await sockets(answer, ssl=certified if secure else None)
    trace = await trusting.run(url, protocol="websocket", mode=mode, key="k3y")
    assert trace.fault is None
    assert (trace.ended, trace.text(), trace.status) == ("stop", "Nile and Amazon", 101)
    assert trace.tokens.output == 3
    assert json.loads(asked[0])["prompt"] == "Why?"
    assert json.loads(asked[0])["stream"] is (mode == "stream")
    assert len(trace.chunks) == (3 if mode == "stream" else 1)
    assert trace.clock == ("kernel" if sys.platform == "linux" else "read")
    assert trace.flags == []
    before = [trace.marks[name] for name in ("connecting", "connected", "headers", "sending")]
    after = [trace.marks[name] for name in ("sent", "first_byte", "done", "closed")]
    assert ("secured" in trace.marks) is secure
    assert [*before, *after] == sorted([*before, *after])
    assert before[-1] <= 0 == after[0]
    assert all(chunk.t_ns >= trace.marks["first_byte"] for chunk in trace.chunks)


async def test_every_stamp_lies_between_the_write_and_the_report(
    bench: "Bench", sockets: Sockets
) -> None:
    wrote_ns: list[int] = []
    reported_ns: list[int] = []

    async def answer(socket: ServerConnection) -> None:
        await socket.recv()
        for number in range(40):
            wrote_ns.append(time.monotonic_ns())
            await socket.send(f"{number} ")
        await socket.send("[DONE]")

    def note(_: Trace, new: list[Chunk]) -> None:
        reported_ns.extend([time.monotonic_ns()] * len(new))

    before = time.monotonic_ns()
    trace = await bench.run(await sockets(answer), protocol="websocket", listener=note)
    assert (trace.ended, len(trace.chunks)) == ("stop", 40)
    assert before < trace.sent_monotonic_ns < wrote_ns[0]
    for chunk, write_ns, report_ns in zip(trace.chunks, wrote_ns, reported_ns, strict=True):
        arrived = trace.sent_monotonic_ns + chunk.t_ns
        assert write_ns - SLACK_NS <= arrived <= report_ns


async def test_bare_text_and_nothing_but_the_prompt(bench: "Bench", sockets: Sockets) -> None:
    async def answer(socket: ServerConnection) -> None:
        assert await socket.recv() == "Why?"
        await say(socket, "Nile", " and", "[DONE]")

    trace = await bench.run(await sockets(answer), protocol="websocket-text")
    assert (trace.ended, trace.text()) == ("stop", "Nile and")


async def test_a_server_that_stays_after_its_end_mark_is_left(
    bench: "Bench", sockets: Sockets
) -> None:
    codes: list[int | None] = []
    left = asyncio.Event()

    async def answer(socket: ServerConnection) -> None:
        await socket.recv()
        await say(socket, "Nile", "[DONE]")
        await socket.wait_closed()
        codes.append(socket.close_code)
        left.set()

    trace = await bench.run(await sockets(answer), protocol="websocket")
    assert (trace.ended, trace.text(), trace.fault) == ("stop", "Nile", None)
    assert "unclosed" not in trace.flags
    await asyncio.wait_for(left.wait(), LONG_S)
    assert codes == [1000]


async def test_a_close_without_an_end_mark_is_an_end_too(bench: "Bench", sockets: Sockets) -> None:
    async def answer(socket: ServerConnection) -> None:
        await socket.recv()
        await say(socket, "Nile", " and")

    trace = await bench.run(await sockets(answer), protocol="websocket")
    assert (trace.ended, trace.text(), trace.fault) == ("stop", "Nile and", None)
    assert {"unmarked", "unterminated"} <= set(trace.flags)


@pytest.mark.parametrize("mode", MODES)
async def test_a_close_where_the_end_was_yet_to_be_said_is_no_end(
    bench: "Bench", sockets: Sockets, mode: Mode
) -> None:
    async def answer(socket: ServerConnection) -> None:
        await socket.recv()
        await say(socket, *(json.dumps({**token, "done": False}) for token in NILE[:2]))

    trace = await bench.run(await sockets(answer), protocol="websocket", mode=mode)
    assert (trace.ended, trace.text()) == ("incomplete", "Nile and")
    assert trace.fault is not None
    assert "run again" in trace.fault.sentence


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("code", "fault"),
    [
        (CloseCode.GOING_AWAY, "cut"),
        (CloseCode.INTERNAL_ERROR, "server"),
        (CloseCode.TRY_AGAIN_LATER, "busy"),
        (4401, "auth"),
    ],
)
async def test_a_close_that_is_an_error(
    bench: "Bench", sockets: Sockets, code: int, fault: FaultCode, mode: Mode
) -> None:
    async def answer(socket: ServerConnection) -> None:
        await socket.recv()
        await say(socket, "Nile")
        await socket.close(code, "the model is gone")

    url = await sockets(answer)
    trace = await bench.run(url, protocol="websocket", mode=mode)
    fault_of(trace, fault, "the model is gone")
    assert trace.text() == "Nile"
    assert trace.marks["error"] > 0


async def test_a_connection_that_just_breaks(bench: "Bench", sockets: Sockets) -> None:
    async def answer(socket: ServerConnection) -> None:
        await socket.recv()
        await say(socket, "Nile")
        socket.transport.abort()

    trace = await bench.run(await sockets(answer), protocol="websocket")
    fault_of(trace, "cut")
    assert trace.text() == "Nile"


async def test_an_error_in_mid_stream(bench: "Bench", sockets: Sockets) -> None:
    async def answer(socket: ServerConnection) -> None:
        await socket.recv()
        await say(socket, {"token": "Nile"}, {"error": "out of memory"})

    trace = await bench.run(await sockets(answer), protocol="websocket")
    fault_of(trace, "server", "out of memory")
    assert trace.text() == "Nile"


async def test_pings_are_answered_and_are_no_text(bench: "Bench", sockets: Sockets) -> None:
    async def answer(socket: ServerConnection) -> None:
        await socket.recv()
        for word in ("Nile", " and"):
            await (await socket.ping())
            await say(socket, word)
        await say(socket, "[DONE]")

    trace = await bench.run(await sockets(answer), protocol="websocket")
    assert (trace.ended, trace.text(), trace.pings) == ("stop", "Nile and", 2)
    assert trace.chunks[0].t_ns > 0, "an answered ping is no request"


async def test_fragments_are_one_message(bench: "Bench", sockets: Sockets) -> None:
    async def answer(socket: ServerConnection) -> None:
        await socket.recv()
        await socket.send(['{"tok', 'en": "Ni', 'le"}'])
        await socket.send([b'{"token": "\xc3', b'\xa9"}'])
        await say(socket, {"done": True})

    trace = await bench.run(await sockets(answer), protocol="websocket")
    assert [chunk.text for chunk in trace.chunks] == ["Nile", "é"]
    assert trace.fault is None


@pytest.mark.parametrize(
    ("status", "fault"),
    [(401, "auth"), (404, "url"), (429, "busy"), (500, "server"), (301, "url")],
)
async def test_an_upgrade_that_is_refused(
    bench: "Bench", sockets: Sockets, status: int, fault: FaultCode
) -> None:
    def refuse(socket: ServerConnection, request: Request) -> Response:
        return socket.respond(HTTPStatus(status), '{"detail": "not today"}')

    url = await sockets(converse, process_request=refuse)
    trace = await bench.run(url, protocol="websocket")
    fault_of(trace, fault, str(status))
    assert trace.status == status
    assert trace.marks["headers"] > 0, "it is timed from the only request that there was"


async def test_a_server_that_knows_no_websockets(bench: "Bench") -> None:
    server = await bench.serve([b"hello"], kind="text/plain")
    trace = await bench.run(server, protocol="websocket")
    fault_of(trace, "malformed", "status 200")


async def test_no_server(bench: "Bench", free_port: int) -> None:
    trace = await bench.run(f"ws://127.0.0.1:{free_port}/ws", protocol="websocket")
    fault_of(trace, "unreachable", str(free_port))


async def test_a_protocol_of_http_calls_no_ws(bench: "Bench", free_port: int) -> None:
    trace = await bench.run(f"ws://127.0.0.1:{free_port}/ws", protocol="openai-chat")
    fault_of(trace, "url", "websocket")


@pytest.mark.parametrize("mode", MODES)
async def test_a_cancelled_run_hangs_up_at_once(
    bench: "Bench", sockets: Sockets, mode: Mode
) -> None:
    codes: list[int | None] = []
    asked, left = asyncio.Event(), asyncio.Event()

    async def answer(socket: ServerConnection) -> None:
        await socket.recv()
        await say(socket, "Nile")
        asked.set()
        await socket.wait_closed()
        codes.append(socket.close_code)
        left.set()

    url = await sockets(answer)
    seen = asyncio.Event()
    run = asyncio.create_task(
        bench.run(
            url,
            protocol="websocket",
            mode=mode,
            run_id=f"hang-up-{mode}",
            listener=lambda trace, _: seen.set() if "first_byte" in trace.marks else None,
        )
    )
    await asyncio.wait_for(seen.wait(), LONG_S)
    bench.probe.cancel(f"hang-up-{mode}")
    trace = await run
    await asyncio.wait_for(left.wait(), LONG_S)
    assert codes == [1001]
    assert (trace.ended, trace.text()) == ("cancelled", "Nile")
    assert trace.marks["cancelled"] > trace.marks["first_byte"]


async def test_silence(bench: "Bench", sockets: Sockets) -> None:
    async def answer(socket: ServerConnection) -> None:
        await socket.recv()
        await say(socket, "Nile")
        await socket.wait_closed()

    url = await sockets(answer)
    trace = await bench.run(url, protocol="websocket", limits=Limits(stall_s=0.05))
    fault_of(trace, "silence", "--stall-timeout")
    assert trace.text() == "Nile"


async def test_messages_without_bounds(bench: "Bench", sockets: Sockets) -> None:
    async def answer(socket: ServerConnection) -> None:
        await socket.recv()
        with contextlib.suppress(Exception):
            while True:
                await socket.send("x" * 5_000)

    url = await sockets(answer)
    trace = await bench.run(url, protocol="websocket", limits=Limits(body_bytes=100_000))
    fault_of(trace, "oversize", "100,000")
    assert 0 < trace.body_bytes <= 100_000 + 65_536


async def test_one_message_without_bounds(bench: "Bench", sockets: Sockets) -> None:
    async def answer(socket: ServerConnection) -> None:
        async def forever() -> AsyncIterator[str]:
            while True:
                yield "x" * 5_000

        await socket.recv()
        with contextlib.suppress(Exception):
            await socket.send(forever())

    url = await sockets(answer)
    trace = await bench.run(url, protocol="websocket", limits=Limits(body_bytes=100_000))
    fault_of(trace, "oversize", "100,000")


@pytest.mark.parametrize("reuse", [False, True])
async def test_every_conversation_has_a_connection_of_its_own(
    bench: "Bench", sockets: Sockets, reuse: bool
) -> None:
    url = await sockets(converse)
    for _ in range(2):
        trace = await bench.run(url, protocol="websocket", reuse=reuse)
        assert (trace.ended, trace.connection) == ("stop", "fresh")


async def test_a_tunnel_through_a_proxy(
    trusting: "Bench", sockets: Sockets, certified: ssl.SSLContext
) -> None:
    url = await sockets(converse, ssl=certified)
    port = int(url.rpartition(":")[2].removesuffix("/ws"))
    heads: list[bytes] = []

    async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        there, back = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()
            sink.close()

        ways = [asyncio.create_task(pump(reader, back)), asyncio.create_task(pump(there, writer))]
        # When one end has gone, nobody waits for what the other may still say.
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        await asyncio.wait(ways)
        back.transport.abort()
        writer.transport.abort()

    async with await asyncio.start_server(tunnel, "127.0.0.1", 0) as proxy:
        at = proxy.sockets[0].getsockname()[1]
        trace = await trusting.run(url, protocol="websocket", proxy=f"http://127.0.0.1:{at}")
    assert (trace.ended, trace.text(), trace.fault) == ("stop", "Nile and Amazon", None)
    assert heads[0].startswith(b"CONNECT 127.0.0.1:%d " % port)


@pytest.mark.parametrize("mode", MODES)
async def test_a_limit_that_only_the_count_tells_of(
    bench: "Bench", sockets: Sockets, mode: Mode
) -> None:
    async def answer(socket: ServerConnection) -> None:
        await socket.recv()
        end = {"done": True, "completion_tokens": len(NILE)}
        await say(socket, *map(json.dumps, (*NILE, end)))

    asked = Asked(prompt="Why?", max_tokens=len(NILE))
    url = await sockets(answer)
    trace = await bench.run(url, protocol="websocket", mode=mode, request=asked)
    assert (trace.ended, trace.flags) == ("length", ["length-counted"])
    more = Asked(prompt="Why?", max_tokens=len(NILE) + 1)
    trace = await bench.run(url, protocol="websocket", mode=mode, request=more)
    assert (trace.ended, trace.flags) == ("stop", [])
