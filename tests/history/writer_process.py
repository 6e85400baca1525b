"""Another program that uses the history: opens it when told to, saves runs, names each one saved.

Usage: writer_process.py PATH COUNT. It says "ready", waits for a line, then prints the id of each
run once it is saved. A COUNT of 0 means: until it is killed.
"""

import itertools
import sys
import uuid
from pathlib import Path

from streamscope.history import History
from streamscope.trace import Chunk, Request, Run, Target, Trace


def main() -> None:
    path, count = Path(sys.argv[1]), int(sys.argv[2])
    print("ready", flush=True)
    sys.stdin.readline()
    with History.open(path) as history:
        for _ in range(count) if count else itertools.count():
            run = Run(
                run_id=uuid.uuid4().hex,
                comparison_id=uuid.uuid4().hex,
                channel="A",
                target=Target(protocol="ollama-chat", url="http://127.0.0.1:11434"),
                request=Request(prompt="from another program"),
                trace=Trace(
                    mode="stream",
                    started_utc="2026-10-17T12:00:00+00:00",
                    chunks=[Chunk(i, "answer", f"word {i} ", i) for i in range(200)],
                    ended="stop",
                ),
            )
            history.save(run, {"total_s": 1.0}).result()
            print(run.run_id, flush=True)


if __name__ == "__main__":
    main()
