"""Builds traces from lists of (seconds, kind, text), so that tests read like the tables."""

from collections.abc import Callable, Iterable, Sequence

import pytest

from streamscope.trace import (
    Chunk,
    Ended,
    MarkName,
    Mode,
    Request,
    Run,
    ServerTimings,
    Target,
    TextKind,
    Tokens,
    Trace,
)

Piece = tuple[float, TextKind, str]


def ns(seconds: float) -> int:
    """Turn seconds into whole nanoseconds."""
    return round(seconds * 1_000_000_000)


def chunks_of(pieces: Iterable[Piece]) -> list[Chunk]:
    """Make chunks; neighbours of the same moment share a read."""
    chunks: list[Chunk] = []
    for t_s, kind, text in pieces:
        t_ns = ns(t_s)
        read = chunks[-1].read + (chunks[-1].t_ns != t_ns) if chunks else 0
        chunks.append(Chunk(t_ns, kind, text, read))
    return chunks


def make_trace(
    pieces: Iterable[Piece] = (),
    *,
    mode: Mode = "stream",
    marks_s: dict[MarkName, float] | None = None,
    ended: Ended | None = "stop",
    tokens: Tokens | None = None,
    server: ServerTimings | None = None,
    flags: Sequence[str] = (),
) -> Trace:
    """Make a trace from pieces and marks in seconds."""
    return Trace(
        mode=mode,
        marks={name: ns(t_s) for name, t_s in (marks_s or {}).items()},
        chunks=chunks_of(pieces),
        ended=ended,
        tokens=tokens or Tokens(),
        server=server or ServerTimings(),
        flags=list(flags),
    )


@pytest.fixture
def build_trace() -> Callable[..., Trace]:
    """Return the builder of traces."""
    return make_trace


@pytest.fixture
def build_run() -> Callable[..., Run]:
    """Return a builder of runs around a trace; further arguments are those of ``Run``."""

    def build(trace: Trace, **fields: object) -> Run:
        target = Target(protocol="ollama-chat", url="http://127.0.0.1:11434", model="m")
        known = {"channel": "A", "target": target, "request": Request(prompt="Why?")} | fields
        return Run(run_id="0" * 32, comparison_id="1" * 32, trace=trace, **known)  # type: ignore[arg-type] # the test names the fields

    return build


@pytest.fixture
def every_tool() -> Trace:
    """Return the trace that all tools read differently: 2 reasoning and 7 answer tokens."""
    return make_trace(
        [
            (0.50, "reasoning", "a"),
            (0.60, "reasoning", "b"),
            (1.00, "answer", "one"),
            (1.10, "answer", " two"),
            (1.20, "answer", " three four five"),
            (1.80, "answer", " six"),
            (1.85, "answer", " seven"),
        ],
        marks_s={"headers": 0.30, "first_byte": 0.35, "usage": 1.90, "done": 1.95, "closed": 1.96},
        tokens=Tokens(prompt=5, output=9, reasoning=2),
    )


@pytest.fixture
def short_case() -> Trace:
    """Return the original experiment's short prompt: 349 tokens, of which few were seen."""
    return silent(ttfv_s=7.69, total_s=8.15, before_s=0.307, tokens=349, rate=44.5, chunks=20)


@pytest.fixture
def long_case() -> Trace:
    """Return the original experiment's long prompt: 997 tokens, about half of them seen."""
    return silent(ttfv_s=9.71, total_s=20.13, before_s=0.504, tokens=997, rate=50.8, chunks=529)


def silent(
    *, ttfv_s: float, total_s: float, before_s: float, tokens: int, rate: float, chunks: int
) -> Trace:
    """Make a stream by Ollama that thought in silence before it answered."""
    step = (total_s - ttfv_s) / (chunks - 1)
    return make_trace(
        [(ttfv_s + i * step, "answer", "字") for i in range(chunks)],
        marks_s={"headers": ttfv_s, "first_byte": ttfv_s, "done": total_s, "closed": total_s},
        tokens=Tokens(prompt=30, output=tokens),
        server=ServerTimings(
            load_s=before_s / 2,
            prefill_s=before_s / 2,
            decode_s=(tokens - 1) / rate,
            source="ollama",
        ),
    )
