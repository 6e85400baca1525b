"""Clients that hand out one piece after the other, each in a process of its own, stamped.

A reader asks the server a number of times, one after the other, with one client object, and notes
``time.monotonic_ns()`` right after each item that the client yields. Then it does what everybody
does next: look into the JSON for the text. What it notes goes to a file::

    python -m benchmarks.client_readers httpx-async http://127.0.0.1:8000 4 report.json

At module level it needs nothing but Python's library, as each client may live in a virtual
environment of its own.
"""

import argparse
import asyncio
import gc
import json
import resource
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from benchmarks.known import CHAT, MODEL
from benchmarks.readings import (
    BODY,
    END,
    JSON,
    MESSAGES,
    Reading,
    Report,
    http_request,
    of_trace,
    text_of,
    understand,
)


def cpu_s() -> float:
    """Return the processor time of this process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def repeat(count: int, read: Callable[[], Reading]) -> Report:
    """Read so many times; meter the last."""
    readings = [read() for _ in range(count - 1)]
    before = cpu_s()
    readings.append(read())
    return Report(readings, cpu_s() - before)


def bare(url: str, count: int) -> Report:
    """Receive first, understand later."""
    parts = urlsplit(url)
    request = http_request(url)
    gc.disable()

    def read() -> Reading:
        arrivals: list[tuple[int, bytes]] = []
        tail = b""
        zero = time.monotonic_ns()
        connection.sendall(request)
        while tail != END:
            data = connection.recv(65536)
            arrivals.append((time.monotonic_ns(), data))
            if not data:
                raise ConnectionError("the server left")
            tail = (tail + data[-5:])[-5:]
        kept.append(arrivals)
        return Reading(zero, [])

    kept: list[list[tuple[int, bytes]]] = []
    with socket.create_connection((parts.hostname, parts.port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        report = repeat(count, read)
    pairs = zip(report.readings, kept, strict=True)
    whole = [Reading(reading.zero_ns, *understand(arrivals)) for reading, arrivals in pairs]
    return Report(whole, report.cpu_s)


def urllib(url: str, count: int) -> Report:
    """Iterate over the lines of a response, as the experiment did that started all this."""

    def read() -> Reading:
        stamps: list[int] = []
        zero = time.monotonic_ns()
        with urlopen(Request(f"{url}{CHAT}", BODY, JSON)) as response:
            for line in response:
                now = time.monotonic_ns()
                if text_of(line.decode().rstrip("\n")):
                    stamps.append(now)
        return Reading(zero, stamps)

    return repeat(count, read)


def httpx_sync(url: str, count: int) -> Report:
    """Iterate over ``iter_lines``."""
    import httpx

    def read() -> Reading:
        stamps: list[int] = []
        zero = time.monotonic_ns()
        with client.stream("POST", f"{url}{CHAT}", headers=JSON, content=BODY) as response:
            for line in response.iter_lines():
                now = time.monotonic_ns()
                if text_of(line):
                    stamps.append(now)
        return Reading(zero, stamps)

    with httpx.Client(timeout=None, trust_env=False) as client:
        return repeat(count, read)


@asynccontextmanager
async def _lines(client: Any, url: str) -> AsyncIterator[AsyncIterator[str]]:
    async with client.stream("POST", f"{url}{CHAT}", headers=JSON, content=BODY) as response:
        yield response.aiter_lines()


async def _async_reading(
    client: Any, url: str, show: Callable[[str], object] = lambda _: None
) -> Reading:
    stamps: list[int] = []
    zero = time.monotonic_ns()
    async with _lines(client, url) as lines:
        async for line in lines:
            now = time.monotonic_ns()
            if text := text_of(line):
                stamps.append(now)
                show(text)
    return Reading(zero, stamps)


async def _async_report(
    url: str, count: int, show: Callable[[str], object] = lambda _: None
) -> Report:
    import httpx

    async with httpx.AsyncClient(timeout=None, trust_env=False) as client:
        readings = [await _async_reading(client, url, show) for _ in range(count - 1)]
        before = cpu_s()
        readings.append(await _async_reading(client, url, show))
        return Report(readings, cpu_s() - before)


def httpx_async(url: str, count: int) -> Report:
    """Iterate over ``aiter_lines``."""
    return asyncio.run(_async_report(url, count))


def openai(url: str, count: int) -> Report:
    """Iterate over the chunks of OpenAI's client."""

    def chunks() -> Iterator[Any]:
        yield from client.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True)

    def read() -> Reading:
        stamps: list[int] = []
        zero = time.monotonic_ns()
        for chunk in chunks():
            now = time.monotonic_ns()
            if chunk.choices and chunk.choices[0].delta.content:
                stamps.append(now)
        return Reading(zero, stamps)

    client = import_module("openai").OpenAI(base_url=f"{url}/v1", api_key="none")
    return repeat(count, read)


def ollama(url: str, count: int) -> Report:
    """Iterate over the lines of Ollama's client."""

    def read() -> Reading:
        stamps: list[int] = []
        zero = time.monotonic_ns()
        for line in client.chat(model=MODEL, messages=MESSAGES, stream=True):
            now = time.monotonic_ns()
            if line.message.content:
                stamps.append(now)
        return Reading(zero, stamps)

    client = import_module("ollama").Client(host=url, trust_env=False)
    return repeat(count, read)


def textual(url: str, count: int) -> Report:
    """Read ``aiter_lines`` on the event loop of an app that shows the text."""
    from textual.app import App, ComposeResult

    from streamscope.tui.themes import default_variables
    from streamscope.tui.widgets.text_pane import TextPane

    class Reader(App[Report]):
        """Shows answers."""

        def compose(self) -> ComposeResult:
            yield TextPane()

        def get_theme_variable_defaults(self) -> dict[str, str]:
            return default_variables()

        def on_mount(self) -> None:
            self.run_worker(self.read())

        async def read(self) -> None:
            """Stamp, decode, show, for each line."""
            pane = self.query_one(TextPane)
            self.exit(await _async_report(url, count, lambda text: pane.append("answer", text)))

    report = Reader().run()
    if report is None:
        raise RuntimeError("the app was left before the end")
    return report


def streamscope(url: str, count: int) -> Report:
    """Measure with streamscope's probe and nothing that paints, as ``streamscope run`` does."""
    from benchmarks.terminal import cpu_s as cpu_of
    from streamscope.probe.client import Probe
    from streamscope.probe.messages import Start
    from streamscope.trace import Request as Prompt
    from streamscope.trace import Target

    target = Target(protocol="openai-chat", url=f"{url}/v1", model=MODEL)
    prompt = Prompt(prompt=MESSAGES[0]["content"])

    async def read(probe: Probe, number: int) -> Reading:
        start = Start(run_id=f"{number:032x}", target=target, request=prompt, mode="stream")
        return of_trace(await probe.run(start))

    async def all_of_them() -> Report:
        probe = Probe()
        try:
            await probe.start()
            assert probe.pid is not None
            readings = [await read(probe, number) for number in range(count - 1)]
            before = cpu_s() + cpu_of(probe.pid)
            readings.append(await read(probe, count))
            return Report(readings, cpu_s() + cpu_of(probe.pid) - before)
        finally:
            await probe.close()

    return asyncio.run(all_of_them())


READERS: dict[str, Callable[[str, int], Report]] = {
    "bare": bare,
    "urllib": urllib,
    "httpx-sync": httpx_sync,
    "httpx-async": httpx_async,
    "openai": openai,
    "ollama": ollama,
    "textual": textual,
    "streamscope": streamscope,
}


def main() -> None:
    """Read; write the report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("reader", choices=tuple(READERS))
    parser.add_argument("url", help="root of a known server")
    parser.add_argument("count", type=int, help="requests, one after the other")
    parser.add_argument("report", type=Path, help="file for the report, JSON")
    options = parser.parse_args()
    report = READERS[options.reader](options.url, options.count)
    options.report.write_text(json.dumps(asdict(report)))


if __name__ == "__main__":
    main()
