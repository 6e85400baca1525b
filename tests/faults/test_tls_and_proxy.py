"""Certificates and proxies: checked, stamped like plain connections, and named when they fail."""

import asyncio
import base64
import ssl
import sys
from typing import TYPE_CHECKING

import pytest
import trustme

from streamscope.probe.messages import Limits
from streamscope.trace import Fault, FaultCode, Trace

if TYPE_CHECKING:
    from tests.conftest import Bench, Step
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


async def test_a_certificate_that_nobody_vouches_for(
    bench: "Bench", certified: ssl.SSLContext
) -> None:
    server = await bench.serve([b"data: [DONE]\n\n"], tls=certified)
    trace = await bench.run(server, key="sk-0123456789")
    fault_of(trace, "tls", server.url, "certificate")
    assert server.requests == [], "the key must not go to a server that is not who it should be"


async def test_a_certificate_for_another_name(trusting: "Bench", authority: trustme.CA) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("elsewhere.example").configure_cert(context)
    server = await trusting.serve([b"data: [DONE]\n\n"], tls=context)
    fault_of(await trusting.run(server), "tls", server.url, "certificate")
    assert server.requests == []


@pytest.mark.parametrize("reply", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b""])
async def test_a_server_that_speaks_no_tls(bench: "Bench", reply: bytes) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65536)
        writer.write(reply)
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        fault_of(await bench.run(url), "tls", url, "http://" if reply else "closed during")


async def test_a_handshake_that_takes_too_long(bench: "Bench") -> None:
    server = await bench.serve(["left"], framing="raw")
    url = server.url.replace("http:", "https:")
    fault_of(await bench.run(url, limits=Limits(connect_s=0.1)), "tls", url, "took too long")


async def test_an_answer_by_tls_is_stamped_as_well(
    trusting: "Bench", certified: ssl.SSLContext, speech: "Speech"
) -> None:
    steps: list[Step] = [
        speech.text("One "),
        "seen",
        speech.text("two") * 3000,
        speech.finish + speech.end,
    ]
    server = await trusting.serve(steps, kind=speech.kind, tls=certified)
    trace = await trusting.run(server, protocol=speech.protocol)
    assert (trace.ended, trace.fault, trace.flags) == ("stop", None, [])
    assert trace.text() == "One " + "two" * 3000
    assert trace.clock == ("kernel" if sys.platform == "linux" else "read")
    marks = trace.marks
    assert marks["connected"] <= marks["secured"] <= marks["sending"] <= marks["sent"] == 0
    times = [chunk.t_ns for chunk in trace.chunks]
    assert times == sorted(times)
    assert marks["headers"] <= times[0]


@pytest.mark.parametrize("break_off", ["cut", "reset"])
async def test_a_tls_connection_that_breaks(
    trusting: "Bench", certified: ssl.SSLContext, chat: "Speech", break_off: "Step"
) -> None:
    server = await trusting.serve([chat.text("kept"), "seen", break_off], tls=certified)
    trace = await trusting.run(server)
    fault_of(trace, "cut", server.url)
    assert trace.text() == "kept"


async def test_a_cancelled_run_leaves_a_tls_server_at_once(
    trusting: "Bench", certified: ssl.SSLContext, chat: "Speech"
) -> None:
    server = await trusting.serve([chat.text("kept"), "left"], tls=certified)
    trace = await trusting.run(
        server, run_id="a", listener=lambda _, new: trusting.probe.cancel("a") if new else None
    )
    assert (trace.ended, trace.text()) == ("cancelled", "kept")
    await server.left.wait()


async def test_a_proxy_is_asked_for_the_whole_address(bench: "Bench", chat: "Speech") -> None:
    proxy = await bench.serve([chat.text("by proxy") + chat.finish + chat.end])
    trace = await bench.run("http://model.example:8000", proxy=proxy.url)
    assert (trace.ended, trace.text()) == ("stop", "by proxy")
    head = proxy.requests[0][0]
    assert head.startswith(b"POST http://model.example:8000/v1/chat/completions HTTP/1.1\r\n")


async def test_a_proxy_gets_its_own_password(bench: "Bench", chat: "Speech") -> None:
    proxy = await bench.serve([chat.text("text") + chat.finish + chat.end])
    url = proxy.url.replace("http://", "http://me:secret@")
    assert (await bench.run("http://model.example", proxy=url)).ended == "stop"
    expected = b"Basic " + base64.b64encode(b"me:secret")
    assert b"proxy-authorization: " + expected in proxy.requests[0][0].replace(
        b"Proxy-Authorization", b"proxy-authorization"
    )


async def test_a_proxy_that_is_not_there(bench: "Bench", free_port: int) -> None:
    proxy = f"http://me:secret@127.0.0.1:{free_port}"
    fault = fault_of(
        await bench.run("http://model.example", proxy=proxy),
        "unreachable",
        f"http://127.0.0.1:{free_port}",
        "http://model.example",
    )
    assert "secret" not in fault.sentence + fault.detail


async def test_a_proxy_that_opens_no_tunnel(bench: "Bench") -> None:
    proxy = await bench.serve([], status=403)
    trace = await bench.run("https://model.example", proxy=proxy.url, key="sk-0123456789")
    fault_of(trace, "unreachable", proxy.url, "https://model.example", "403")
    assert proxy.requests[0][0].startswith(b"CONNECT model.example:443 HTTP/1.1\r\n")
    assert b"sk-0123456789" not in proxy.requests[0][0]


@pytest.mark.parametrize("proxy", ["socks4://127.0.0.1:1", "http://[::"])
async def test_a_proxy_that_cannot_be_used(bench: "Bench", proxy: str) -> None:
    fault_of(await bench.run("http://model.example", proxy=proxy), "unreachable", "The proxy")


async def test_a_tunnel_is_no_part_of_the_request(
    trusting: "Bench", certified: ssl.SSLContext, chat: "Speech"
) -> None:
    server = await trusting.serve([chat.text("text") + chat.finish + chat.end], tls=certified)
    port = int(server.url.rpartition(":")[2])

    async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        there, back = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()
            sink.close()

        await asyncio.gather(pump(reader, back), pump(there, writer), return_exceptions=True)
        back.close()
        writer.close()

    async with await asyncio.start_server(tunnel, "127.0.0.1", 0) as proxy:
        at = proxy.sockets[0].getsockname()[1]
        trace = await trusting.run(server, proxy=f"http://127.0.0.1:{at}")
    assert (trace.ended, trace.text()) == ("stop", "text")
    marks = trace.marks
    assert marks["connected"] <= marks["secured"] <= marks["sending"] <= marks["sent"] == 0
    assert b"CONNECT" not in server.requests[0][0]
