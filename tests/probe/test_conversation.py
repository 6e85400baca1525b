"""Which read a message came with, byte by byte, where reads can be told apart."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from itertools import pairwise

import httpcore
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st
from wsproto.utilities import generate_accept_token

from streamscope.probe.messages import Limits, Start
from streamscope.probe.record import Emit
from streamscope.probe.runner import Runner
from streamscope.probe.websocket import Part, WebSocket
from streamscope.trace import Chunk, Request, Target, Trace

Play = Callable[..., Awaitable[Trace]]


def frame(payload: bytes, opcode: int = 1, *, fin: bool = True, reserved: int = 0) -> bytes:
    """Return a frame as a server writes it, by the book and not by the library under test."""
    size = len(payload)
    length = bytes([size]) if size < 126 else b"\x7e" + size.to_bytes(2, "big")
    return bytes([fin << 7 | reserved << 4 | opcode]) + length + payload


END = frame(b"[DONE]")


class Reports:
    """Gathers what a runner reports into a trace, as the app does."""

    def __init__(self) -> None:
        self.chunks: list[Chunk] = []
        self.trace: Trace | None = None

    def __call__(self, report: object) -> None:
        self.chunks += getattr(report, "chunks", [])
        self.trace = getattr(report, "trace", self.trace)

    @property
    def whole(self) -> Trace:
        assert self.trace is not None
        self.trace.chunks = self.chunks
        return self.trace


async def _idle() -> None:
    """Let the loop go round until whatever can be read has been read."""
    for _ in range(10):
        await asyncio.sleep(0)


@pytest_asyncio.fixture
async def play() -> AsyncIterator[Play]:
    """Run against a server in this very loop; each step is read before the next one is made."""
    async with AsyncExitStack() as stack:

        async def run(*steps: bytes, greeting: bytes = b"", key: bytes | None = None) -> Trace:
            over = asyncio.Event()

            async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                try:
                    await play_to(reader, writer)
                finally:
                    writer.close()
                    with contextlib.suppress(OSError):
                        await writer.wait_closed()
                    over.set()

            async def play_to(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                head = await reader.readuntil(b"\r\n\r\n")
                nonce = head.lower().partition(b"sec-websocket-key:")[0]
                sent = head[len(nonce) :].partition(b":")[2].partition(b"\r\n")[0].strip()
                writer.write(
                    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                    b"Connection: Upgrade\r\nSec-WebSocket-Accept: %b\r\n\r\n%b"
                    % (key or generate_accept_token(sent), greeting)
                )
                if not await reader.read(65536):
                    return
                for step in steps:
                    await _idle()
                    writer.write(step)
                await _idle()

            server = await asyncio.start_server(answer, "127.0.0.1", 0)
            await stack.enter_async_context(server)
            port = server.sockets[0].getsockname()[1]
            reports = Reports()
            emit: Emit = reports
            start = Start(
                run_id="r",
                target=Target(protocol="websocket", url=f"ws://127.0.0.1:{port}"),
                request=Request(prompt="Why?"),
                mode="stream",
                limits=Limits(total_s=20),
            )
            await Runner(start, emit).run()
            await over.wait()
            return reports.whole

        yield run


async def test_a_message_came_with_the_read_that_completed_it(play: Play) -> None:
    long = frame(b"x" * 300)
    trace = await play(frame(b"Nile"), long[:2], long[2:100], long[100:], END)
    first, second = trace.chunks
    assert second.text == "x" * 300
    assert (first.read, second.read) == (1, 4), "read 0 is the handshake's"
    assert second.t_ns > first.t_ns
    assert trace.body_bytes == 4 + 300 + 6, "what frames it is none of it"


async def test_several_messages_of_one_read_share_its_time(play: Play) -> None:
    trace = await play(frame(b"Nile") + frame(b" and") + frame(b" Am", fin=False), frame(b"a", 0))
    assert [chunk.text for chunk in trace.chunks] == ["Nile", " and", " Ama"]
    assert len({(chunk.read, chunk.t_ns) for chunk in trace.chunks[:2]}) == 1
    assert trace.chunks[2].read > trace.chunks[0].read
    assert trace.shared[trace.chunks[0].read].size == 6 + 6 + 5


async def test_control_frames_within_a_message_are_none_of_it(play: Play) -> None:
    trace = await play(
        frame(b"Ni", fin=False), frame(b"hey", 9), frame(b"ho", 10), frame(b"le", 0), END
    )
    assert [chunk.text for chunk in trace.chunks] == ["Nile"]
    assert (trace.pings, trace.ended) == (2, "stop")


async def test_a_character_in_halves(play: Play) -> None:
    whole = frame("é".encode())
    trace = await play(whole[:3], whole[3:], END)
    assert trace.text() == "é"


class Bytes(httpcore.AsyncNetworkStream):
    """A connection over which these reads come."""

    def __init__(self, reads: list[bytes]) -> None:
        self._reads = reads

    # The signatures are httpcore's.
    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002, ASYNC109
        return self._reads.pop(0) if self._reads else b""

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        pass


@given(
    messages=st.lists(st.lists(st.text(max_size=200), min_size=1, max_size=3), max_size=5),
    cuts=st.lists(st.integers(0, 4000), max_size=8),
)
def test_messages_are_the_same_wherever_reads_are_cut(
    messages: list[list[str]], cuts: list[int]
) -> None:
    sent = b""
    for parts in messages:
        for number, part in enumerate(parts):
            last = number + 1 == len(parts)
            sent += frame(part.encode(), 0 if number else 1, fin=last) + frame(b"", 9)
    at = [0, *sorted(min(cut, len(sent)) for cut in cuts), len(sent)]
    reads = [sent[start:end] for start, end in pairwise(at) if end > start]

    async def hear() -> tuple[list[bytes], int]:
        socket = WebSocket(Bytes(reads), 1.0)
        found: list[bytes] = []
        size = 0
        with contextlib.suppress(httpcore.RemoteProtocolError):
            while True:
                for heard in await socket.hear():
                    if isinstance(heard, Part):
                        size += heard.size
                        found += [] if heard.message is None else [heard.message]
        return found, size

    whole = ["".join(parts).encode() for parts in messages]
    assert asyncio.run(hear()) == (whole, sum(map(len, whole)))


@pytest.mark.parametrize("greeting", [b"Welcome!", b'{"token": "Welcome!"}'])
async def test_what_came_before_the_question_is_no_answer(play: Play, greeting: bytes) -> None:
    trace = await play(
        frame(b'{"token": "Nile"}'), frame(b'{"done": true}'), greeting=frame(greeting)
    )
    assert (trace.ended, trace.text()) == ("stop", "Nile")
    assert trace.marks["first_byte"] > 0


async def test_a_greeting_that_says_goodbye(play: Play) -> None:
    trace = await play(greeting=frame(b"\x03\xf5", 8))
    assert trace.fault is not None
    assert trace.fault.code == "busy"


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (frame(b"Nile", reserved=4), "Reserved bit"),
        (frame(b"Nile", 3), "opcode"),
        (frame(b"\xff\xfe"), "utf-8"),
        (frame(b"le", 0), "CONTINUATION"),
        (b"HTTP/1.1 200 OK\r\n\r\n", ""),
    ],
)
async def test_frames_that_cannot_be_read(play: Play, bad: bytes, why: str) -> None:
    trace = await play(frame(b"Nile"), bad)
    assert trace.fault is not None
    assert (trace.fault.code, trace.text()) == ("malformed", "Nile")
    assert why in trace.fault.sentence


async def test_what_came_before_in_the_same_read_is_kept(play: Play) -> None:
    trace = await play(frame(b"Nile") + frame(b" and") + frame(b"x", 3))
    assert trace.fault is not None
    assert (trace.fault.code, trace.text()) == ("malformed", "Nile and")


async def test_what_follows_the_end_mark_is_no_fault(play: Play) -> None:
    trace = await play(frame(b"Nile") + END, frame(b"Nile", reserved=4))
    assert (trace.ended, trace.fault) == ("stop", None)
    assert "unclosed" in trace.flags


async def test_a_handshake_that_is_not_confirmed(play: Play) -> None:
    trace = await play(END, key=b"cGFyZG9uPw==")
    assert trace.fault is not None
    assert (trace.fault.code, trace.status) == ("malformed", None)
    assert "did not confirm" in trace.fault.sentence
