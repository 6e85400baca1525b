"""A queue before our own door is told from a burst of the other side's, over real sockets."""

import asyncio
import os
import signal
import ssl
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from streamscope.trace import Chunk, SharedRead, Trace

if TYPE_CHECKING:
    from tests.conftest import Bench, Step
    from tests.faults.conftest import Speech

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts segments"),
]


class Doing(asyncio.Event):
    """A step of a server that does something and goes on."""

    def __init__(self, what: Callable[[], object]) -> None:
        super().__init__()
        self._what = what

    async def wait(self) -> Literal[True]:
        self._what()
        return True


class Held:
    """Holds the measuring process up from its first text on, until it is let go."""

    def __init__(self, bench: "Bench") -> None:
        self._bench = bench
        self.stopped = asyncio.Event()
        self.let_go = Doing(lambda: os.kill(self._pid, signal.SIGCONT))

    @property
    def _pid(self) -> int:
        assert self._bench.probe.pid is not None
        return self._bench.probe.pid

    def __call__(self, _: Trace, new: list[Chunk]) -> None:
        if new and not self.stopped.is_set():
            os.kill(self._pid, signal.SIGSTOP)
            stat = Path(f"/proc/{self._pid}/stat")
            while stat.read_text().rpartition(")")[2].split()[0] != "T":
                pass
            self.stopped.set()


def texts_by_read(trace: Trace) -> dict[int, list[str]]:
    """Return the texts that each read brought."""
    by_read: dict[int, list[str]] = {}
    for chunk in trace.chunks:
        by_read.setdefault(chunk.read, []).append(chunk.text)
    return by_read


async def test_writes_that_queue_while_nobody_looks_are_several_segments(
    bench: "Bench", speech: "Speech"
) -> None:
    held = Held(bench)
    late = [speech.text("b"), speech.text("c"), speech.text("d")]
    server = await bench.serve(
        [speech.text("a"), held.stopped, *late, held.let_go, "left"], kind=speech.kind
    )
    trace = await bench.run(
        server,
        protocol=speech.protocol,
        run_id="held",
        listener=lambda trace, new: (
            bench.probe.cancel("held") if len(trace.chunks) == 4 else held(trace, new)
        ),
    )
    assert texts_by_read(trace)[trace.chunks[-1].read] == ["b", "c", "d"]
    framed = sum(len(b"%x\r\n%b\r\n" % (len(piece), piece)) for piece in late)
    assert trace.shared[trace.chunks[-1].read] == SharedRead(framed, 3)
    assert len({chunk.t_ns for chunk in trace.chunks[1:]}) == 1


async def test_one_write_with_several_pieces_is_one_segment(
    bench: "Bench", speech: "Speech"
) -> None:
    pieces = speech.text("b") + speech.text("c")
    again = asyncio.Event()
    last = speech.text("d") + speech.finish + speech.end
    server = await bench.serve([speech.text("a"), "seen", pieces, again, last], kind=speech.kind)
    trace = await bench.run(
        server,
        protocol=speech.protocol,
        listener=lambda trace, _: again.set() if len(trace.chunks) == 3 else None,
    )
    assert trace.ended == "stop"
    read = trace.chunks[1].read
    assert texts_by_read(trace)[read] == ["b", "c"]
    framed = len(b"%x\r\n%b\r\n" % (len(pieces), pieces))
    assert trace.shared[read] == SharedRead(framed, 1)
    assert trace.segments == 5, "headers, three pieces, and the end of the body"


async def test_a_read_with_one_piece_in_one_segment_is_not_shared(
    bench: "Bench", speech: "Speech"
) -> None:
    again = asyncio.Event()
    server = await bench.serve(
        [speech.text("a"), "seen", speech.text("b"), again, speech.text("c"), "left"],
        kind=speech.kind,
    )

    def note(trace: Trace, _: list[Chunk]) -> None:
        if len(trace.chunks) == 2:
            again.set()
        if len(trace.chunks) == 3:
            bench.probe.cancel("alone")

    trace = await bench.run(server, protocol=speech.protocol, run_id="alone", listener=note)
    assert trace.text() == "abc"
    # The first piece may have come together with the headers, which were a write of their own.
    assert set(trace.shared) <= {trace.chunks[0].read}
    assert trace.reads == 3


async def test_a_piece_whose_line_came_in_halves_has_the_time_of_the_second(
    bench: "Bench", speech: "Speech"
) -> None:
    held = Held(bench)
    line = speech.text("bcd")
    halves: list[Step] = [line[:9], line[9:]]
    server = await bench.serve(
        [speech.text("a"), held.stopped, *halves, held.let_go, "left"], kind=speech.kind
    )
    trace = await bench.run(
        server,
        protocol=speech.protocol,
        run_id="halves",
        listener=lambda trace, new: (
            bench.probe.cancel("halves") if trace.text() == "abcd" else held(trace, new)
        ),
    )
    assert trace.shared[trace.chunks[1].read].segments == 2
    second = server.wrote_ns[2][0] - trace.sent_monotonic_ns
    assert trace.chunks[1].t_ns >= second - 100_000


async def test_a_blocking_answer_shares_nothing(bench: "Bench", speech: "Speech") -> None:
    whole = speech.whole("One two")
    server = await bench.serve([whole[:9], whole[9:]], kind="application/json")
    trace = await bench.run(server, protocol=speech.protocol, mode="blocking")
    assert (trace.ended, trace.shared) == ("stop", {})


async def test_records_of_tls_do_not_matter_but_segments_do(
    trusting: "Bench", certified: ssl.SSLContext, chat: "Speech"
) -> None:
    held = Held(trusting)
    late = [chat.text("b"), chat.text("c")]
    server = await trusting.serve(
        [chat.text("a"), held.stopped, *late, held.let_go, "left"], tls=certified
    )
    trace = await trusting.run(
        server,
        run_id="tls",
        listener=lambda trace, new: (
            trusting.probe.cancel("tls") if trace.text() == "abc" else held(trace, new)
        ),
    )
    read = trace.shared[trace.chunks[-1].read]
    assert texts_by_read(trace)[trace.chunks[-1].read] == ["b", "c"]
    assert read.segments == 2
    assert read.size > sum(map(len, late)), "as it came over the wire, encrypted"
