"""The times in a trace are those at which a paced server really wrote."""

import asyncio
import sys
import time
from typing import TYPE_CHECKING

import pytest

from streamscope.trace import Chunk, Mode, Trace

if TYPE_CHECKING:
    from tests.conftest import Bench, Step

pytestmark = pytest.mark.asyncio(loop_scope="session")

SLACK_NS = 100_000
"""A stamp is moved between two clocks that are read one after the other: the module's own bound."""

PIECES = 40


def delta(number: int) -> bytes:
    return b'data: {"choices":[{"index":0,"delta":{"content":"%d "}}]}\n\n' % number


class Diary:
    """When each piece of text was reported, on this side."""

    def __init__(self) -> None:
        self.reported_ns: list[int] = []

    def __call__(self, _: Trace, new: list[Chunk]) -> None:
        now = time.monotonic_ns()
        self.reported_ns += [now] * len(new)


async def test_every_stamp_lies_between_the_write_and_the_report(bench: "Bench") -> None:
    diary, gate = Diary(), asyncio.Event()
    steps: list[Step] = [delta(number) for number in range(PIECES)]
    server = await bench.serve([gate, *steps, b"data: [DONE]\n\n"])

    def listen(trace: Trace, new: list[Chunk]) -> None:
        diary(trace, new)
        if "headers" in trace.marks:  # so it was sent, as nothing else tells the server
            gate.set()

    before = time.monotonic_ns()
    trace = await bench.run(server, listener=listen)
    assert trace.ended == "stop"
    assert len(trace.chunks) == len(diary.reported_ns) == PIECES
    assert before < trace.sent_monotonic_ns < server.wrote_ns[0][1]
    for chunk, (write_ns, _), report_ns in zip(
        trace.chunks, server.wrote_ns, diary.reported_ns, strict=False
    ):
        arrived = trace.sent_monotonic_ns + chunk.t_ns
        assert write_ns - SLACK_NS <= arrived <= report_ns


async def test_a_piece_that_waits_for_the_one_before_has_a_later_time(bench: "Bench") -> None:
    """The second piece is written only after the first was reported, so it can't arrive before."""
    diary = Diary()
    server = await bench.serve([delta(1), "seen", delta(2), b"data: [DONE]\n\n"])
    trace = await bench.run(server, listener=diary)
    first, second = (trace.sent_monotonic_ns + chunk.t_ns for chunk in trace.chunks)
    assert first <= diary.reported_ns[0]
    assert server.wrote_ns[1][0] - SLACK_NS <= second
    assert second > first
    assert trace.chunks[1].read > trace.chunks[0].read


@pytest.mark.parametrize("mode", ["stream", "blocking"])
async def test_times_are_the_kernels_where_it_gives_them(bench: "Bench", mode: Mode) -> None:
    server = await bench.serve([delta(1), "left"] if mode == "stream" else ["left"])
    trace = await bench.run(
        server,
        mode=mode,
        run_id="kernel",
        listener=lambda trace, _: (
            bench.probe.cancel("kernel") if "headers" in trace.marks else None
        ),
    )
    assert trace.clock == ("kernel" if sys.platform == "linux" else "read")


async def test_marks_before_the_request_are_negative_and_sent_is_zero(bench: "Bench") -> None:
    server = await bench.serve([b"data: [DONE]\n\n"])
    marks = (await bench.run(server)).marks
    order = [marks[name] for name in ("connecting", "connected", "sending", "sent")]
    assert order == sorted(order)
    assert order[0] < 0
    assert marks["sent"] == 0
    assert "resolved" not in marks  # an address is no name to be looked up


async def test_no_answer_arrives_before_its_request_was_sent(bench: "Bench") -> None:
    """A server on loopback may answer before the write returns: seen once in twenty runs."""
    for _ in range(100):
        server = await bench.serve([delta(1), b"data: [DONE]\n\n"])
        trace = await bench.run(server)
        assert trace.marks["headers"] > 0
        assert trace.chunks[0].t_ns >= trace.marks["headers"]
