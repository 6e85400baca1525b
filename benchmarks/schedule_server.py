"""The server with a known schedule, for readers of one's own.

It answers ``POST /v1/chat/completions``, streaming or blocking, with ``--chunks`` pieces of text,
one write each, ``--gap`` ms apart, until ctrl+c::

    python -m benchmarks.schedule_server --gap 20 --chunks 300

It prints its URL. The answer to request 7 gives ``schedule-7`` as the name of its model, and
``GET /schedule/7`` tells when each of its writes was due, began and was done, on the monotonic
clock that processes share. ``streamscope.engines.schedule_server`` says more.
"""

import argparse
import contextlib
import signal

from benchmarks.schedule import Schedule, ScheduleServer


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--chunks", type=int, default=300, help="chunks of an answer (300)")
    parser.add_argument("--gap", type=float, default=20.0, help="ms between two chunks (20)")
    parser.add_argument("--first", type=float, default=100.0, help="ms before the first (100)")
    options = parser.parse_args()
    schedule = Schedule(options.chunks, options.gap, options.first)
    with ScheduleServer(schedule) as server, contextlib.suppress(KeyboardInterrupt):
        print(server.url, flush=True)
        signal.pause()


if __name__ == "__main__":
    main()
