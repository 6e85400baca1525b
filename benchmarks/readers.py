"""Two readers to hold the probe against: the best that Python can do, and the usual way.

``bare`` is a blocking ``recv`` loop that does nothing but stamp: the floor. ``textual`` reads
``aiter_lines`` of httpx on the event loop of a Textual app that shows what comes, and stamps each
line: what most programs do. Both ask a schedule server once and report when each chunk came::

    python -m benchmarks.readers bare http://127.0.0.1:8000 report.json
"""

import argparse
import gc
import json
import socket
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.schedule import MODEL

BODY = json.dumps(
    {"model": MODEL, "stream": True, "messages": [{"role": "user", "content": "x"}]}
).encode()
PATH = "/v1/chat/completions"


@dataclass(frozen=True)
class Report:
    """What a reader saw.

    Attributes:
        model: The name that the server gave its model: the number of the request.
        stamps_ns: Arrival of each chunk of text, monotonic, in ns.
        reads: Number of the read that brought each; ``None`` if not known.
    """

    model: str
    stamps_ns: list[int]
    reads: list[int] | None


def text_of(line: str) -> tuple[str, str]:
    """Return text and model of one line of a stream; both empty if it carries no text."""
    payload = line.removeprefix("data: ")
    if payload == line or payload == "[DONE]":
        return "", ""
    chunk = json.loads(payload)
    choices = chunk["choices"]
    text = choices[0]["delta"].get("content", "") if choices else ""
    return (text, chunk["model"]) if text else ("", "")


def bare(url: str) -> Report:
    """Receive first, understand later."""
    parts = urlsplit(url)
    arrivals: list[tuple[int, bytes]] = []
    gc.disable()
    with socket.create_connection((parts.hostname, parts.port)) as connection:
        connection.sendall(
            f"POST {PATH} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(BODY)}\r\n\r\n".encode()
            + BODY
        )
        while data := connection.recv(65536):
            arrivals.append((time.monotonic_ns(), data))
    return understand(arrivals)


def understand(arrivals: list[tuple[int, bytes]]) -> Report:
    """Return which chunk came with which read."""
    model, held = "", b""
    stamps: list[int] = []
    reads: list[int] = []
    for index, (at, data) in enumerate(arrivals):
        *lines, held = (held + data).split(b"\n")
        for line in lines:
            text, name = text_of(line.decode())
            if text:
                model = name
                stamps.append(at)
                reads.append(index)
    return Report(model, stamps, reads)


def textual(url: str) -> Report:
    """Read on the loop that paints."""
    import httpx
    from textual.app import App, ComposeResult

    from streamscope.tui.themes import default_variables
    from streamscope.tui.widgets.text_pane import TextPane

    stamps: list[int] = []
    models: set[str] = set()

    class Reader(App[None]):
        """Shows an answer."""

        def compose(self) -> ComposeResult:
            yield TextPane()

        def get_theme_variable_defaults(self) -> dict[str, str]:
            return default_variables()

        def on_mount(self) -> None:
            self.run_worker(self.read())

        async def read(self) -> None:
            """Stamp, decode, show, for each line."""
            pane = self.query_one(TextPane)
            headers = {"Content-Type": "application/json"}
            async with (
                httpx.AsyncClient(timeout=60.0, trust_env=False) as client,
                client.stream("POST", f"{url}{PATH}", headers=headers, content=BODY) as response,
            ):
                async for line in response.aiter_lines():
                    now = time.monotonic_ns()
                    text, model = text_of(line)
                    if text:
                        stamps.append(now)
                        models.add(model)
                        pane.append("answer", text)
            self.exit()

    Reader().run()
    (model,) = models
    return Report(model, stamps, None)


def main() -> None:
    """Read one answer; write the report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("reader", choices=("bare", "textual"))
    parser.add_argument("url", help="base URL of a schedule server")
    parser.add_argument("report", type=Path, help="file for the report, JSON")
    options = parser.parse_args()
    report = bare(options.url) if options.reader == "bare" else textual(options.url)
    options.report.write_text(json.dumps(asdict(report)))


if __name__ == "__main__":
    main()
