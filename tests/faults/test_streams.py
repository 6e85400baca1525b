"""Answers that go wrong on their way: the run ends, says why, and keeps what had come."""

import gzip
from typing import TYPE_CHECKING

import pytest

from streamscope.probe.messages import Limits
from streamscope.trace import Chunk, Fault, FaultCode, Mode, Trace

if TYPE_CHECKING:
    from tests.conftest import Bench, Framing, Step
    from tests.faults.conftest import Speech

pytestmark = pytest.mark.asyncio(loop_scope="session")

ONE_READ = b"x" * 30_000


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
    assert trace.marks["error"] >= max((chunk.t_ns for chunk in trace.chunks), default=0)
    assert "done" not in trace.marks
    return trace.fault


def incomplete(trace: Trace, *named: str) -> None:
    """Check what is said of an answer that ended cleanly and is not whole."""
    assert trace.ended == "incomplete"
    assert trace.fault is not None
    sentence = trace.fault.sentence
    assert trace.fault.code == "cut", sentence
    assert sentence.endswith(".")
    for name in named:
        assert name in sentence


async def test_a_whole_answer(bench: "Bench", speech: "Speech") -> None:
    steps: list[Step] = [
        speech.text("One "),
        "seen",
        speech.text("two") + speech.finish + speech.end,
    ]
    server = await bench.serve(steps, kind=speech.kind)
    trace = await bench.run(server, protocol=speech.protocol)
    assert (trace.ended, trace.fault, trace.flags) == ("stop", None, [])
    assert trace.text() == "One two"
    assert [chunk.read for chunk in trace.chunks] == sorted({chunk.read for chunk in trace.chunks})
    marks = trace.marks
    assert marks["connecting"] <= marks["connected"] <= marks["sending"] <= marks["sent"] == 0
    assert 0 < marks["headers"] <= marks["first_byte"] <= trace.chunks[0].t_ns
    assert trace.chunks[-1].t_ns <= marks["finish"] <= marks["done"] <= marks["closed"]
    assert trace.body_bytes == sum(len(step) for step in steps if isinstance(step, bytes))
    assert trace.started_utc


async def test_a_blocking_answer_is_there_all_at_once(bench: "Bench", speech: "Speech") -> None:
    whole = speech.whole("One two")
    half = len(whole) // 2
    server = await bench.serve([whole[:half], whole[half:]], kind="application/json")
    trace = await bench.run(server, protocol=speech.protocol, mode="blocking")
    assert (trace.ended, trace.fault, trace.flags) == ("stop", None, [])
    assert trace.text() == "One two"
    assert {chunk.t_ns for chunk in trace.chunks} == {trace.marks["done"]}
    assert trace.marks["first_byte"] <= trace.marks["done"] <= trace.marks["closed"]


@pytest.mark.parametrize("mode", ["stream", "blocking"])
async def test_no_body_at_all(bench: "Bench", speech: "Speech", mode: Mode) -> None:
    server = await bench.serve([], kind=speech.kind)
    trace = await bench.run(server, protocol=speech.protocol, mode=mode)
    incomplete(trace, server.url, "before any text came", "--protocol")
    assert trace.chunks == []


async def test_garbage_in_the_middle(bench: "Bench", speech: "Speech") -> None:
    steps: list[Step] = [speech.text("kept"), "seen", speech.garbage, speech.end, "left"]
    server = await bench.serve(steps, kind=speech.kind)
    trace = await bench.run(server, protocol=speech.protocol)
    fault_of(trace, "malformed", server.url, speech.protocol)
    assert trace.text() == "kept"


async def test_an_error_inside_the_stream(bench: "Bench", speech: "Speech") -> None:
    steps = [speech.text("kept") + speech.error("CUDA out of memory") + speech.end]
    server = await bench.serve(steps, kind=speech.kind)
    trace = await bench.run(server, protocol=speech.protocol)
    fault_of(trace, "server", server.url, "CUDA out of memory")
    assert trace.text() == "kept"
    assert trace.status == 200


async def test_an_error_inside_a_blocking_answer(bench: "Bench", speech: "Speech") -> None:
    server = await bench.serve([b'{"error": "CUDA out of memory"}'], kind="application/json")
    trace = await bench.run(server, protocol=speech.protocol, mode="blocking")
    assert trace.fault is not None
    assert trace.fault.code == "server"
    assert "CUDA out of memory" in trace.fault.sentence


@pytest.mark.parametrize("break_off", ["cut", "reset"])
@pytest.mark.parametrize("framing", ["chunked", "length"])
async def test_a_connection_that_breaks(
    bench: "Bench", speech: "Speech", framing: "Framing", break_off: "Step"
) -> None:
    # What stands after the break counts for the length that was promised, and is never sent.
    steps: list[Step] = [speech.text("kept"), "seen", break_off, speech.end]
    server = await bench.serve(steps, kind=speech.kind, framing=framing)
    trace = await bench.run(server, protocol=speech.protocol)
    fault_of(trace, "cut", server.url)
    assert trace.text() == "kept"


async def test_a_reset_before_any_answer(bench: "Bench") -> None:
    server = await bench.serve(["reset"], framing="raw")
    trace = await bench.run(server)
    fault_of(trace, "cut", server.url)
    assert trace.status is None


async def test_a_connection_that_ends_where_its_end_is_the_end_of_the_body(
    bench: "Bench", speech: "Speech"
) -> None:
    steps: list[Step] = [speech.text("kept"), "seen"]
    server = await bench.serve(steps, kind=speech.kind, framing="close")
    trace = await bench.run(server, protocol=speech.protocol)
    incomplete(trace, server.url, "without an end mark")
    assert trace.text() == "kept"
    assert "done" not in trace.marks


async def test_half_a_piece_at_the_end_is_no_garbage(bench: "Bench", speech: "Speech") -> None:
    piece = speech.text("lost")
    steps = [speech.text("kept"), piece[: len(piece) // 2]]
    server = await bench.serve(steps, kind=speech.kind, framing="close")
    trace = await bench.run(server, protocol=speech.protocol)
    incomplete(trace, server.url, "without an end mark")
    assert trace.text() == "kept"
    assert trace.flags == ["unterminated"]


async def test_half_a_blocking_answer(bench: "Bench", speech: "Speech") -> None:
    server = await bench.serve([speech.whole("lost")[:-9]], kind="application/json")
    trace = await bench.run(server, protocol=speech.protocol, mode="blocking")
    incomplete(trace, server.url, "in the middle")
    assert trace.chunks == []


async def test_an_answer_of_json_where_events_were_due(bench: "Bench", chat: "Speech") -> None:
    server = await bench.serve([b'{"status": "ok"}'], kind="application/json")
    trace = await bench.run(server, protocol=chat.protocol)
    fault_of(trace, "malformed", server.url, '{"status": "ok"}', "--protocol")


async def test_a_reason_to_end_without_the_end_mark_is_an_end(
    bench: "Bench", chat: "Speech"
) -> None:
    server = await bench.serve([chat.text("whole"), chat.finish])
    trace = await bench.run(server)
    assert (trace.ended, trace.fault, trace.flags) == ("stop", None, ["unterminated"])
    assert trace.text() == "whole"
    assert "done" not in trace.marks


async def test_an_end_mark_without_a_reason_is_an_end(bench: "Bench", chat: "Speech") -> None:
    server = await bench.serve([chat.text("whole"), chat.end])
    trace = await bench.run(server)
    assert (trace.ended, trace.flags) == ("stop", [])


async def test_a_server_that_keeps_the_connection_open_after_the_end(
    bench: "Bench", chat: "Speech"
) -> None:
    server = await bench.serve([chat.text("whole"), chat.finish + chat.end, "left"])
    trace = await bench.run(server)
    assert (trace.ended, trace.fault, trace.flags) == ("stop", None, ["unclosed"])
    assert trace.text() == "whole"
    assert "closed" not in trace.marks
    await server.left.wait()


@pytest.mark.parametrize("break_off", ["cut", "reset"])
async def test_a_connection_that_breaks_after_the_end_mark(
    bench: "Bench", speech: "Speech", break_off: "Step"
) -> None:
    last = speech.text("whole") + speech.finish + speech.end
    server = await bench.serve([last, "seen", break_off], kind=speech.kind)
    trace = await bench.run(server, protocol=speech.protocol)
    assert (trace.ended, trace.fault, trace.flags) == ("stop", None, ["unclosed"])
    assert trace.text() == "whole"


async def test_silence_before_the_first_byte(bench: "Bench", speech: "Speech") -> None:
    server = await bench.serve(["left"], framing="raw")
    trace = await bench.run(server, protocol=speech.protocol, limits=Limits(stall_s=0.05))
    fault_of(trace, "silence", server.url, "sent nothing for 0.05 s")
    await server.left.wait()


async def test_silence_in_the_middle(bench: "Bench", speech: "Speech") -> None:
    server = await bench.serve([speech.text("kept"), "left"], kind=speech.kind)
    trace = await bench.run(server, protocol=speech.protocol, limits=Limits(stall_s=0.05))
    fault_of(trace, "silence", server.url, "in the middle")
    assert trace.text() == "kept"
    await server.left.wait()


async def test_the_limit_of_the_whole_run(bench: "Bench", speech: "Speech") -> None:
    server = await bench.serve([speech.text("kept"), "left"], kind=speech.kind)
    trace = await bench.run(server, protocol=speech.protocol, limits=Limits(total_s=0.2))
    fault_of(trace, "timeout", server.url, "0.2 s")
    assert trace.text() == "kept"
    await server.left.wait()


async def test_a_stream_that_would_never_end(bench: "Bench", chat: "Speech") -> None:
    endless: list[Step] = [chat.text("again ") * 100] * 10_000
    server = await bench.serve([*endless, "left"])
    trace = await bench.run(server, limits=Limits(chunks=5000))
    fault_of(trace, "oversize", "5,000 chunks")
    assert len(trace.chunks) > 5000
    assert len(server.wrote_ns) < 10_000, "the server was left before it had sent everything"


@pytest.mark.parametrize("mode", ["stream", "blocking"])
async def test_a_body_without_bounds(bench: "Bench", speech: "Speech", mode: Mode) -> None:
    server = await bench.serve([ONE_READ] * 200, kind=speech.kind)
    trace = await bench.run(
        server, protocol=speech.protocol, mode=mode, limits=Limits(body_bytes=100_000)
    )
    fault_of(trace, "oversize", "100,000 bytes")
    assert trace.body_bytes <= 100_000 + 65_536


async def test_keep_alives_are_counted_and_are_no_text(bench: "Bench", chat: "Speech") -> None:
    server = await bench.serve([b": ping\n\n" * 50, chat.text("text"), chat.end])
    trace = await bench.run(server)
    assert trace.pings == 50
    assert [chunk.text for chunk in trace.chunks] == ["text"]
    assert trace.marks["first_byte"] <= trace.chunks[0].t_ns


async def test_ten_thousand_pieces_of_one_read_share_its_time(
    bench: "Bench", speech: "Speech"
) -> None:
    # Small pieces, so that many of them fit into one read; the pipe to the app gets them all.
    pieces = speech.text("x") * 10_000
    server = await bench.serve([pieces + speech.finish + speech.end], kind=speech.kind)
    reported: list[Chunk] = []
    trace = await bench.run(
        server, protocol=speech.protocol, listener=lambda _, new: reported.extend(new)
    )
    assert trace.ended == "stop"
    assert trace.text() == "x" * 10_000
    assert reported == trace.chunks
    times = [chunk.t_ns for chunk in trace.chunks]
    assert times == sorted(times)
    by_read: dict[int, set[int]] = {}
    for chunk in trace.chunks:
        by_read.setdefault(chunk.read, set()).add(chunk.t_ns)
    assert all(len(stamps) == 1 for stamps in by_read.values())
    assert len(by_read) <= trace.reads < 1000


async def test_compression_in_spite_of_what_was_asked(bench: "Bench", speech: "Speech") -> None:
    body = gzip.compress(speech.text("One ") + speech.text("two") + speech.finish + speech.end)
    server = await bench.serve(
        [body[:30], body[30:]], kind=speech.kind, headers={"Content-Encoding": "gzip"}
    )
    trace = await bench.run(server, protocol=speech.protocol)
    assert b"accept-encoding: identity" in server.requests[0][0].lower()
    assert (trace.ended, trace.text(), trace.flags) == ("stop", "One two", ["compressed"])


async def test_compression_that_is_broken(bench: "Bench", chat: "Speech") -> None:
    server = await bench.serve([b"no gzip"], headers={"Content-Encoding": "gzip"})
    fault_of(await bench.run(server), "malformed", server.url)


async def test_a_whole_answer_where_a_stream_was_asked_for(
    bench: "Bench", speech: "Speech"
) -> None:
    server = await bench.serve([speech.whole("One two")], kind="application/json")
    trace = await bench.run(server, protocol=speech.protocol)
    assert (trace.ended, trace.text()) == ("stop", "One two")
    assert len(trace.chunks) == 1


async def test_what_is_empty_is_no_text(bench: "Bench", chat: "Speech") -> None:
    role = b'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}\n\n'
    null = b'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":null}}]}\n\n'
    usage = b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":1}}\n\n'
    moved: list[int] = []
    server = await bench.serve(
        [role + null, chat.text("text"), "seen", chat.finish, usage, chat.end]
    )
    trace = await bench.run(server, listener=lambda _, new: moved.append(len(new)))
    assert [chunk.text for chunk in trace.chunks] == ["text"]
    assert sum(moved) == 1
    assert (trace.tokens.prompt, trace.tokens.output) == (3, 1)
    assert trace.marks["usage"] <= trace.marks["done"]


async def test_headers_without_end(bench: "Bench") -> None:
    flood: list[Step] = [b"HTTP/1.1 200 OK\r\nX-Long: ", *([ONE_READ] * 100), "left"]
    server = await bench.serve(flood, framing="raw")
    fault_of(await bench.run(server), "cut", server.url)


@pytest.mark.parametrize("mode", ["stream", "blocking"])
@pytest.mark.parametrize(("framing", "flags"), [("close", ["unmarked"]), ("chunked", [])])
async def test_text_that_only_the_end_of_the_connection_ends_may_be_cut(
    bench: "Bench", framing: "Framing", flags: list[str], mode: Mode
) -> None:
    server = await bench.serve([b"Nile", b" and"], kind="text/plain", framing=framing)
    trace = await bench.run(server, protocol="text", mode=mode)
    assert (trace.ended, trace.text(), trace.flags) == ("stop", "Nile and", flags)
