"""Servers that are not there, or refuse: one sentence that names the place, and the right code."""

from typing import TYPE_CHECKING

import pytest

from streamscope.probe.messages import Limits
from streamscope.trace import Fault, FaultCode, Mode, Trace

if TYPE_CHECKING:
    from tests.conftest import Bench
    from tests.faults.conftest import Speech

pytestmark = pytest.mark.asyncio(loop_scope="session")


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


async def test_no_server(bench: "Bench", speech: "Speech", free_port: int) -> None:
    url = f"http://127.0.0.1:{free_port}"
    trace = await bench.run(url, protocol=speech.protocol)
    fault_of(trace, "unreachable", url)
    assert trace.chunks == []
    assert trace.marks == {}, "nothing was sent, so no time has a zero"
    assert trace.status is None


async def test_a_name_without_an_address(bench: "Bench") -> None:
    trace = await bench.run("http://nowhere.invalid:8000")
    fault_of(trace, "unreachable", "The name nowhere.invalid has no address")


@pytest.mark.parametrize("mode", ["stream", "blocking"])
@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (400, b'{"error": "temperature must be a number"}', "request"),
        (401, b'{"error": {"message": "Incorrect API key"}}', "auth"),
        (403, b"", "auth"),
        (404, b"404 page not found", "url"),
        (404, b'{"error": "model \\"tiny\\" not found, try pulling it first"}', "model"),
        (405, b"", "url"),
        (413, b"", "request"),
        (429, b'{"error": {"message": "Rate limit reached"}}', "busy"),
        (500, b'{"error": "llama runner process has terminated"}', "server"),
        (502, b"<html><title>502 Bad Gateway</title></html>", "server"),
        (503, b'{"error": {"message": "Loading model", "type": "unavailable_error"}}', "loading"),
        (503, b'{"error": "server busy, please try again. maximum pending requests"}', "busy"),
    ],
)
async def test_a_status_that_refuses(
    bench: "Bench", speech: "Speech", mode: Mode, status: int, body: bytes, code: FaultCode
) -> None:
    server = await bench.serve([body], status=status, kind="application/json", framing="length")
    trace = await bench.run(server, protocol=speech.protocol, mode=mode)
    fault = fault_of(trace, code, server.url)
    assert fault.status == trace.status == status
    assert server.requests[0][0].startswith(b"POST " + speech.path)
    assert trace.marks["headers"] >= 0
    assert trace.marks["error"] >= trace.marks["headers"]


async def test_when_to_come_back_is_kept(bench: "Bench") -> None:
    server = await bench.serve([b"{}"], status=429, headers={"Retry-After": "17"})
    trace = await bench.run(server)
    fault_of(trace, "busy", server.url)
    assert trace.headers["retry-after"] == "17"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_not_followed(bench: "Bench", status: int) -> None:
    elsewhere = await bench.serve([b"data: [DONE]\n\n"])
    server = await bench.serve([], status=status, headers={"Location": f"{elsewhere.url}/v1"})
    trace = await bench.run(server, key="sk-0123456789")
    fault = fault_of(trace, "url", server.url, elsewhere.url)
    assert fault.status == status
    assert elsewhere.requests == [], "a key must not go where a server points"


@pytest.mark.parametrize("mode", ["stream", "blocking"])
async def test_a_page_in_place_of_an_answer(bench: "Bench", speech: "Speech", mode: Mode) -> None:
    page = b"<!DOCTYPE html>\n<html><title>Welcome</title>\n<body>Hi</body></html>\n"
    server = await bench.serve([page], kind="text/html")
    trace = await bench.run(server, protocol=speech.protocol, mode=mode)
    fault_of(trace, "malformed", server.url)
    assert trace.chunks == []


async def test_bytes_that_are_no_http(bench: "Bench") -> None:
    server = await bench.serve([b"220 mail.example ESMTP\r\n\r\n", "left"], framing="raw")
    trace = await bench.run(server)
    fault_of(trace, "cut", server.url)


async def test_a_refusal_that_breaks_off_is_still_a_refusal(bench: "Bench") -> None:
    server = await bench.serve([b'{"error": "no', "cut"], status=500)
    trace = await bench.run(server)
    assert fault_of(trace, "server", server.url).status == 500


async def test_a_refusal_without_end_is_read_only_so_far(bench: "Bench") -> None:
    server = await bench.serve([b"x" * 4096] * 17 + ["left"], status=500)
    trace = await bench.run(server)
    fault_of(trace, "server", server.url)
    await server.left.wait()


async def test_a_refusal_cannot_paint_the_terminal(bench: "Bench") -> None:
    body = b'{"error": "\\u001b[2Jgone\\u202e"}'
    server = await bench.serve([body], status=500)
    fault = fault_of(await bench.run(server), "server", "gone")
    assert "\x1b" not in fault.detail


async def test_a_server_that_takes_no_connection_in_time(bench: "Bench") -> None:
    # TEST-NET-1 is reserved for documentation: either nobody answers, or there is no way to it.
    trace = await bench.run("http://192.0.2.1:9", limits=Limits(connect_s=0.05))
    fault_of(trace, "unreachable", "192.0.2.1:9")
