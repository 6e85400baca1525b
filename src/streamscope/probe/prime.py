"""Walk the whole path once, so that no run pays for imports, caches and first calls.

The first request of a fresh httpx client in a fresh process was measured tens of milliseconds
late. A small server on loopback answers in both modes and every protocol that has a canned answer
here; nobody hears of it and it is gone before the probe reports that it is ready.
"""

import asyncio
import contextlib
import gc

from streamscope.probe.messages import Finished, Limits, Progress, Sent, Start
from streamscope.probe.runner import Runner, tls_context
from streamscope.trace import Mode, Request, Target

_SSE = b"".join(
    b'data: {"id":"x","model":"m","choices":[{"index":0,"delta":%s,"finish_reason":%s}]}\n\n' % pair
    for pair in (
        (b'{"role":"assistant","content":""}', b"null"),
        (b'{"reasoning":"Hm"}', b"null"),
        (b'{"content":"Yes"}', b"null"),
        (b"{}", b'"stop"'),
    )
)
_CHAT = (
    b'{"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Yes"},'
    b'"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}'
)
_NDJSON = (
    b'{"model":"m","created_at":"2026-01-01T00:00:00.1Z","message":{"content":"Yes"},"done":false}\n'
    b'{"model":"m","message":{"content":""},"done":true,"done_reason":"stop","eval_count":1}\n'
)
_OLLAMA = (
    b'{"model":"m","message":{"content":"Yes"},"done":true,"done_reason":"stop","eval_count":1}'
)
_ANSWERS: dict[tuple[bytes, bool], tuple[bytes, list[bytes]]] = {
    (b"/v1/chat/completions", True): (b"text/event-stream", [_SSE, b"data: [DONE]\n\n"]),
    (b"/v1/chat/completions", False): (b"application/json", [_CHAT]),
    (b"/api/chat", True): (b"application/x-ndjson", [_NDJSON]),
    (b"/api/chat", False): (b"application/json", [_OLLAMA]),
}


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        )
        body = await reader.readexactly(length)
        path = head.split(b" ", 2)[1]
        kind, parts = _ANSWERS[path, b'"stream":true' in body.replace(b" ", b"")]
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n" % kind
        )
        for part in parts:
            writer.write(b"%x\r\n%s\r\n" % (len(part), part))
            await writer.drain()
        writer.write(b"0\r\n\r\n")
        await writer.drain()
    writer.close()


async def prime() -> list[Finished]:
    """Run every canned answer through the real path; return the reports of how they ended."""
    tls_context()
    server = await asyncio.start_server(_answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    ends: list[Finished] = []

    def keep(report: Sent | Progress | Finished) -> None:
        if isinstance(report, Finished):
            ends.append(report)

    modes: tuple[Mode, ...] = ("stream", "blocking")
    async with server:
        for name in ("openai-chat", "ollama-chat"):
            for mode in modes:
                start = Start(
                    run_id="prime",
                    target=Target(protocol=name, url=f"http://127.0.0.1:{port}", model="m"),
                    request=Request(prompt="x"),
                    mode=mode,
                    limits=Limits(connect_s=1, stall_s=1, total_s=2),
                )
                await Runner(start, keep).run()
    gc.collect()
    gc.freeze()
    return ends
