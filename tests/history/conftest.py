import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from streamscope.history import History
from streamscope.trace import Chunk, Ended, Mode, Request, Run, Target, Trace


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "history.db"


@pytest.fixture
def history(path: Path) -> Iterator[History]:
    with History.open(path) as history:
        yield history


@pytest.fixture
def keep(history: History) -> Callable[..., Run]:
    """Save a run with the figures named, wait until it is there, and return it."""

    def save(run: Run, **figures: float | None) -> Run:
        history.save(run, figures).result()
        return run

    return save


@pytest.fixture
def make_run() -> Callable[..., Run]:
    """Make runs with ids of their own, each started a second after the one before.

    ``trace`` and ``request`` are further members of those; all else are members of the run.
    """
    numbers = itertools.count(1)

    def make(
        mode: Mode = "stream",
        ended: Ended | None = "stop",
        prompt: str = "Say hello.",
        *,
        trace: dict[str, Any] | None = None,
        request: dict[str, Any] | None = None,
        **members: Any,
    ) -> Run:
        number = next(numbers)
        started = datetime(2026, 10, 17, 12, tzinfo=UTC) + timedelta(seconds=number)
        basics: dict[str, Any] = {
            "run_id": f"{number:032x}",
            "comparison_id": "c" * 32,
            "channel": "A",
            "target": Target(protocol="ollama-chat", url="http://127.0.0.1:11434", model="m"),
        }
        happened: dict[str, Any] = {
            "started_utc": started.isoformat(),
            "marks": {"sent": 0, "done": 30},
            "chunks": [Chunk(10, "answer", "Hello ", 0), Chunk(20, "answer", "you.", 1)],
        }
        return Run(
            **basics | members,
            request=Request(prompt=prompt, **{"temperature": 0.2} | (request or {})),
            trace=Trace(mode=mode, ended=ended, **happened | (trace or {})),
        )

    return make
