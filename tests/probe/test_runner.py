"""What can't be brought about from outside: a clock that is set, framing that comes by itself."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

from streamscope.probe import clock
from streamscope.probe.messages import Limits, Start
from streamscope.probe.record import Emit
from streamscope.probe.runner import Runner
from streamscope.trace import Chunk, MarkName, Request, Target, Trace

SECOND = 1_000_000_000

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux stamps and counts segments")


def delta(text: str) -> bytes:
    return b'data: {"choices":[{"index":0,"delta":{"content":"%b"}}]}\n\n' % text.encode()


def framed(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
END = framed(b"data: [DONE]\n\n") + b"0\r\n\r\n"

Step = bytes | Callable[[], object]
Play = Callable[[list[Step]], Awaitable[Trace]]


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
    """Let the loop go round until whatever can be read has been read.

    What is sent over loopback is there when the call returns: no time has to pass.
    """
    for _ in range(10):
        await asyncio.sleep(0)


@pytest_asyncio.fixture
async def play() -> AsyncIterator[Play]:
    """Run against a server in this very loop; each step is read before the next one is made."""
    async with AsyncExitStack() as stack:

        async def run(steps: list[Step]) -> Trace:
            async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                await reader.readuntil(b"\r\n\r\n")
                for step in steps:
                    await _idle()
                    if isinstance(step, bytes):
                        writer.write(step)
                    else:
                        step()
                writer.close()

            server = await asyncio.start_server(answer, "127.0.0.1", 0)
            await stack.enter_async_context(server)
            port = server.sockets[0].getsockname()[1]
            reports = Reports()
            emit: Emit = reports
            start = Start(
                run_id="r",
                target=Target(protocol="openai-chat", url=f"http://127.0.0.1:{port}", model="m"),
                request=Request(prompt="Why?"),
                mode="stream",
                limits=Limits(total_s=20),
            )
            await Runner(start, emit).run()
            return reports.whole

        yield run


class Wall:
    """The machine's wall clock, which can be set."""

    def __init__(self) -> None:
        self.step_ns = 0
        self._measure = clock.measured_offset

    def __call__(self) -> clock.Offset:
        true = self._measure()
        return true._replace(ns=true.ns - self.step_ns)

    def set(self, step_ns: int) -> Callable[[], None]:
        """Return what sets the clock forward, or back."""

        def move() -> None:
            self.step_ns += step_ns

        return move


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    wall = Wall()
    monkeypatch.setattr(clock, "measured_offset", wall)
    return wall


@linux
@pytest.mark.parametrize(
    "steps_ns",
    [
        [SECOND],
        [-SECOND],
        [3600 * SECOND],
        [-3600 * SECOND],
        [40_000],
        [SECOND, -SECOND],
        [-20 * SECOND, 86_400 * SECOND],
    ],
)
async def test_a_wall_clock_that_is_set_moves_no_arrival(
    play: Play, wall: Wall, steps_ns: list[int]
) -> None:
    """The kernel goes on to stamp by the clock that was not set, as if it had stamped before."""
    steps: list[Step] = [HEAD, framed(delta("One "))]
    for step_ns in steps_ns:
        steps += [wall.set(step_ns), framed(delta("two "))]
    trace = await play([*steps, framed(delta("three")), END])
    assert trace.ended == "stop"
    assert trace.clock == "read"
    times = [trace.marks["headers"], *(chunk.t_ns for chunk in trace.chunks), trace.marks["done"]]
    assert times == sorted(times)
    assert times[0] > 0
    assert times[-1] < 20 * SECOND
    names: tuple[MarkName, ...] = ("connecting", "connected", "sending")
    before = [trace.marks[name] for name in names]
    assert all(-20 * SECOND < at <= 0 for at in before)


@linux
async def test_a_wall_clock_that_nobody_sets_leaves_the_kernels_times(
    play: Play, wall: Wall
) -> None:
    trace = await play([HEAD, framed(delta("One ")), framed(delta("two")), END])
    assert (trace.ended, trace.clock) == ("stop", "kernel")


@linux
async def test_framing_that_comes_by_itself_is_no_read_of_the_body(
    play: Play,
) -> None:
    piece = delta("a")
    trace = await play(
        [HEAD[:20], HEAD[20:], b"%x\r\n" % len(piece), piece, b"\r\n", framed(delta("b")), END]
    )
    assert (trace.ended, trace.text()) == ("stop", "ab")
    # Two reads for the headers, one for the length, and one for what follows the piece.
    assert [chunk.read for chunk in trace.chunks] == [3, 5]
    assert trace.reads == 3
    assert trace.shared == {}
    assert trace.segments == 7
