"""How many streams ``streamscope serve`` sends at once, on one core, before tokens come late.

Starts the server with a profile whose tokens are due at even times, opens more and more streams,
and reads all of them in this process. A token is late by how much later it comes than the one of
its stream that was earliest for its place; so the wait for the first one does not count::

    python -m benchmarks.serve_load                       # 25 tokens/s, 50 to 800 streams
    python -m benchmarks.serve_load --rate 50 --streams 100 200 300

Where the system lets one choose, the server has one core for itself and this reader another: on a
machine with two cores everything else that runs is in their way. What the reader is late itself
counts as the server's, so these are upper bounds.
"""

import argparse
import asyncio
import os
import re
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

LATE_MS = 10.0
"""From here on a token counts as late: half of a frame at 50 Hz."""

RAMP_S = 1.0
"""All streams begin within this time, as people do not begin at one moment."""


@dataclass(frozen=True)
class Load:
    """What became of so many streams.

    Attributes:
        streams: How many there were at once.
        whole: How many came to their end with every token.
        late_ms: How late each token was, sorted.
        busy: Share of its core that the server took while it sent.
    """

    streams: int
    whole: int
    late_ms: Sequence[float]
    busy: float

    def quantile(self, share: float) -> float:
        """Return how late tokens were, ms."""
        return self.late_ms[min(len(self.late_ms) - 1, int(len(self.late_ms) * share))]

    @property
    def late_share(self) -> float:
        """Part of the tokens that were late."""
        return sum(each > LATE_MS for each in self.late_ms) / len(self.late_ms)


def lateness(times: Sequence[float], gap: float) -> list[float]:
    """Return by how much each arrival is later than the earliest one for its place, in its unit.

    Args:
        times: When pieces came, in order.
        gap: What should lie between two of them.
    """
    begun = min(at - place * gap for place, at in enumerate(times))
    return [at - begun - place * gap for place, at in enumerate(times)]


async def read(host: str, port: int, wait_s: float) -> list[float]:
    """Read one stream; return when its tokens came, in seconds."""
    await asyncio.sleep(wait_s)
    reader, writer = await asyncio.open_connection(host, port)
    request = f"GET /v1/completions/stream?prompt=Why HTTP/1.1\r\nHost: {host}\r\n\r\n"
    writer.write(request.encode())
    times = []
    while line := await reader.readline():
        if b'"token"' in line:
            times.append(time.monotonic())
        elif b"[DONE]" in line:
            break
    writer.close()
    return times


def cpu_s(pid: int) -> float:
    """Return the processor time of a process so far, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def load(streams: int, rate: float, tokens: int) -> Load:
    """Start a server, read so many streams from it, and stop it."""
    options = {"--profile": "steady", "--port": 0, "--slots": streams, "--rate": rate}
    words = [str(word) for option in {**options, "--tokens": tokens}.items() for word in option]
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "streamscope", "serve", *words, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert server.stdout is not None
        said = (await server.stdout.readline()).decode()
        found = re.search(r"http://([\d.]+):(\d+)", said)
        assert found is not None, said
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) > 1:
            os.sched_setaffinity(server.pid, cores[-1:])
        before, begun = cpu_s(server.pid), time.monotonic()
        waits = [place / streams * RAMP_S for place in range(streams)]
        all_times = await asyncio.gather(
            *(read(found[1], int(found[2]), wait_s) for wait_s in waits)
        )
        busy = (cpu_s(server.pid) - before) / (time.monotonic() - begun)
    finally:
        server.terminate()
        await server.wait()
    late = sorted(each * 1e3 for times in all_times for each in lateness(times, 1 / rate))
    return Load(streams, sum(len(times) == tokens for times in all_times), late, busy)


def table(rate: float) -> Table:
    """Return an empty table."""
    made = Table(title=f"streams of {rate:g} tokens/s", title_justify="left")
    for name in ("streams", "whole", "tokens/s", "late p50", "p99", "max", "> 10 ms", "core"):
        made.add_column(name, justify="right")
    return made


def main() -> None:
    """Print a row for each number of streams, until most tokens are late."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rate", type=float, default=25.0, help="tokens a second of a stream")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long a stream is")
    parser.add_argument("--streams", type=int, nargs="+", default=[50, 100, 200, 300, 400, 600])
    said = parser.parse_args()
    rows = table(said.rate)
    for streams in said.streams:
        done = asyncio.run(load(streams, said.rate, round(said.rate * said.seconds)))
        marks = [f"{done.quantile(share):.1f} ms" for share in (0.5, 0.99, 1.0)]
        rows.add_row(
            str(streams),
            str(done.whole),
            f"{streams * said.rate:.0f}",
            *marks,
            f"{done.late_share:.1%}",
            f"{done.busy:.0%}",
        )
        if done.quantile(0.5) > LATE_MS:
            break
    Console().print(rows)
    one, five, fifteen = os.getloadavg()
    print(f"load of the machine: {one:.1f}, {five:.1f}, {fifteen:.1f} (1, 5, 15 minutes)")


if __name__ == "__main__":
    main()
