"""Answers beyond all measure, and ones that end while text is held back: nothing is lost."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from streamscope.probe.messages import Limits
from streamscope.trace import Chunk, FaultCode, Mode, Trace

if TYPE_CHECKING:
    from tests.conftest import Bench, Step
    from tests.faults.conftest import Speech

pytestmark = pytest.mark.asyncio(loop_scope="session")

LONG = 200_000
"""Tokens of an answer that nobody reads to the end."""

MEGABYTE = 1_000_000


def resident(pid: int | None) -> int:
    """Return how much memory a process has, in bytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024


async def test_ten_thousand_signs_of_life_in_one_read(bench: "Bench", chat: "Speech") -> None:
    server = await bench.serve([b":\n\n" * 10_000 + chat.text("text") + chat.end])
    trace = await bench.run(server)
    assert (trace.ended, trace.text(), trace.pings) == ("stop", "text", 10_000)
    assert trace.reads <= 2


async def test_ten_thousand_marks_of_one_kind_are_one_mark(bench: "Bench", chat: "Speech") -> None:
    usage = b'data: {"usage":{"completion_tokens":%d}}\n\n'
    flood = b"".join(usage % number for number in range(10_000))
    server = await bench.serve([chat.text("text") + flood + chat.finish * 100 + chat.end])
    trace = await bench.run(server)
    assert (trace.ended, trace.tokens.output) == ("stop", 9999)
    assert trace.marks["usage"] <= trace.marks["finish"] <= trace.marks["done"]
    assert len(trace.marks) < 20


async def test_an_answer_of_two_hundred_thousand_tokens(bench: "Bench", chat: "Speech") -> None:
    burst = 50
    steps: list[Step] = [chat.text("word ") * burst] * (LONG // burst)
    server = await bench.serve([*steps, chat.finish + chat.end])
    await bench.probe.start()
    linux = sys.platform == "linux"
    before = resident(bench.probe.pid) if linux else 0
    reported = 0

    def note(_: Trace, new: list[Chunk]) -> None:
        nonlocal reported
        reported += len(new)

    trace = await bench.run(server, listener=note, limits=Limits(total_s=50))
    assert (trace.ended, trace.fault) == ("stop", None)
    assert len(trace.chunks) == reported == LONG
    assert trace.text() == "word " * LONG
    times = [chunk.t_ns for chunk in trace.chunks]
    assert times == sorted(times)
    after = resident(bench.probe.pid) if linux else 0
    assert after - before < 100 * MEGABYTE, "the probe keeps no text that it has reported"


@pytest.mark.parametrize("mode", ["stream", "blocking"])
async def test_a_stream_that_never_ends_is_ended_by_time(
    bench: "Bench", chat: "Speech", mode: Mode
) -> None:
    # One event a write: however fast the machine, they are not too many before the time is up.
    endless: list[Step] = [chat.text("again ")] * 1_000_000
    server = await bench.serve([*endless, "left"])
    trace = await bench.run(server, mode=mode, limits=Limits(total_s=0.2))
    assert trace.ended == "error"
    assert trace.fault is not None
    assert trace.fault.code == "timeout"
    assert trace.body_bytes > 0
    assert trace.text().startswith("again again " if mode == "stream" else "")
    assert trace.marks["error"] >= trace.marks["headers"]


async def test_a_stream_that_never_ends_is_ended_by_size(bench: "Bench", chat: "Speech") -> None:
    endless: list[Step] = [chat.text("again ") * 10] * 1_000_000
    server = await bench.serve([*endless, "left"])
    trace = await bench.run(server, limits=Limits(body_bytes=MEGABYTE))
    assert trace.fault is not None
    assert trace.fault.code == "oversize"
    assert trace.text().startswith("again again ")
    assert MEGABYTE < trace.body_bytes < MEGABYTE + 65_537


@pytest.mark.parametrize(
    ("last", "code"),
    [("cut", "cut"), ("reset", "cut"), ("left", "silence"), (b"x" * 200, "oversize")],
)
async def test_what_may_still_be_a_tag_is_kept_when_the_run_fails(
    bench: "Bench", speech: "Speech", last: "Step", code: FaultCode
) -> None:
    """An answer that begins with ``<think`` is held back until it is clear what it is."""
    held = speech.text("<think")
    server = await bench.serve([held, last], kind=speech.kind)
    trace = await bench.run(
        server,
        protocol=speech.protocol,
        limits=Limits(stall_s=0.05, body_bytes=len(held) + 100),
    )
    assert trace.fault is not None
    assert trace.fault.code == code
    assert [(chunk.kind, chunk.text) for chunk in trace.chunks] == [("answer", "<think")]
    assert trace.chunks[0].t_ns <= trace.marks["error"]
    assert trace.chunks[0].t_ns >= trace.marks["first_byte"]


async def test_what_may_still_be_a_tag_is_kept_when_the_run_is_stopped(
    bench: "Bench", speech: "Speech"
) -> None:
    server = await bench.serve(
        [speech.text("<think>Hm"), "seen", speech.text("</thin"), "left"], kind=speech.kind
    )
    reported: list[Chunk] = []

    def note(trace: Trace, new: list[Chunk]) -> None:
        reported.extend(new)
        if "first_byte" in trace.marks and len(reported) == 1:
            bench.probe.cancel("held")

    # Whether the second piece has come when the run is stopped or not, what has come is kept.
    trace = await bench.run(server, protocol=speech.protocol, run_id="held", listener=note)
    assert trace.ended == "cancelled"
    assert trace.chunks == reported
    assert trace.text("reasoning") in ("Hm", "Hm</thin")


async def test_a_whole_blocking_answer_is_kept_when_its_end_is_cut(
    bench: "Bench", speech: "Speech"
) -> None:
    server = await bench.serve([speech.whole("One two"), "cut"], kind="application/json")
    trace = await bench.run(server, protocol=speech.protocol, mode="blocking")
    assert trace.ended == "error"
    assert trace.text() == "One two"
