"""Runs that were measured some time ago, in the history of this test's home."""

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from streamscope.history import History
from streamscope.measure.figures import measure
from streamscope.plan import Plan
from streamscope.trace import (
    ChannelName,
    Chunk,
    Fault,
    Layout,
    MarkName,
    Mode,
    Regime,
    Request,
    Run,
    Target,
    Trace,
)

ANSWER = "Water waves spread from a stone that falls into a pond."


def _trace(mode: str, first_s: float, total_s: float, fault: Fault | None) -> Trace:
    streams = mode == "stream"
    start = first_s if streams else total_s
    pieces = [f" {word}" for word in ANSWER.split()] if streams else [ANSWER]
    step = (total_s - start) / max(1, len(pieces) - 1)
    end: MarkName = "error" if fault else "done"
    return Trace(
        mode="stream" if streams else "blocking",
        clock="kernel",
        marks={"sent": 0, end: round(total_s * 1e9), "closed": round(total_s * 1e9)},
        chunks=[
            Chunk(round((start + step * number) * 1e9), "answer", piece.strip() + " ", number)
            if streams
            else Chunk(round(start * 1e9), "answer", piece + " ", 0)
            for number, piece in enumerate(pieces)
        ],
        ended="error" if fault else "stop",
        fault=fault,
        reads=len(pieces),
    )


@pytest.fixture
def keep(history: History) -> Callable[..., list[Run]]:
    """Keep a comparison of so many pairs, each a minute after the one before; return its runs."""
    numbers = itertools.count(1)
    comparisons = itertools.count(1)
    began = datetime.now(UTC) - timedelta(hours=30)

    def keep(
        prompt: str,
        *,
        pairs: int,
        first_s: float = 0.63,
        model: str = "tiny:1b",
        layout: Layout = "apart",
        regime: Regime = "warm",
        fault: Fault | None = None,
        plan: Plan | None = None,
        against: str | None = None,
        modes: tuple[Mode, Mode] = ("stream", "blocking"),
        port: int = 11434,
        engine: str = "",
    ) -> list[Run]:
        comparison_id = f"{next(comparisons):032x}"
        runs = []
        asked: dict[ChannelName, str] = {"A": model, "B": model if against is None else against}
        for pair, (channel, mode) in itertools.product(
            range(1, pairs + 1), tuple(zip(asked, modes, strict=True))
        ):
            number = next(numbers)
            total_s = 3.4 if channel == "A" else 3.5
            run = Run(
                run_id=f"{number:032x}",
                comparison_id=comparison_id,
                channel=channel,
                target=Target(
                    protocol="ollama-chat", url=f"http://127.0.0.1:{port}", model=asked[channel]
                ),
                engine=engine,
                request=Request(prompt=prompt, temperature=0.2),
                layout=layout,
                regime=regime,
                pair=pair,
                position=1 if channel == "A" else 2,
                trace=msgspec.structs.replace(
                    _trace(mode, first_s, total_s, fault),
                    started_utc=(began + timedelta(minutes=number)).isoformat(),
                ),
            )
            history.save(run, measure(run.trace).values).result()
            runs.append(run)
        if plan is not None:
            history.begin(comparison_id, plan).result()
        return runs

    return keep
