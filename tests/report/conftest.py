"""Builds whole comparisons of a stream and a blocking channel from a few numbers."""

from collections.abc import Callable, Sequence

import pytest

from streamscope.plan import Plan
from streamscope.report.comparison import Comparison
from streamscope.trace import (
    ChannelName,
    Chunk,
    Ended,
    Request,
    Run,
    ServerTimings,
    Target,
    Tokens,
    Trace,
)

TARGET = Target(protocol="ollama-chat", url="http://127.0.0.1:11434", model="gemma4:e2b")
OTHER = Target(protocol="ollama-chat", url="http://127.0.0.1:11434", model="qwen3:8b")
REQUEST = Request(prompt="Explain unified memory.", temperature=0.0, seed=1)


def ns(seconds: float) -> int:
    """Turn seconds into whole nanoseconds."""
    return round(seconds * 1_000_000_000)


def stream(first_s: float, total_s: float, words: int = 129, *, ended: Ended = "stop") -> Trace:
    """Make a steady stream by Ollama."""
    step = (total_s - first_s) / (words - 1)
    return Trace(
        mode="stream",
        clock="kernel",
        marks={
            "sent": 0,
            "headers": ns(first_s),
            "first_byte": ns(first_s),
            "done": ns(total_s + 0.01),
            "closed": ns(total_s + 0.02),
        },
        chunks=[Chunk(ns(first_s + i * step), "answer", " word", i) for i in range(words)],
        ended=ended,
        tokens=Tokens(prompt=20, output=words, reasoning=0, cached=0),
        server=ServerTimings(
            load_s=0.01, prefill_s=first_s - 0.02, decode_s=total_s - first_s, source="ollama"
        ),
    )


def blocking(total_s: float, words: int = 129, *, ended: Ended = "stop") -> Trace:
    """Make a blocking response by Ollama."""
    return Trace(
        mode="blocking",
        clock="kernel",
        marks={"sent": 0, "first_byte": ns(total_s), "done": ns(total_s), "closed": ns(total_s)},
        chunks=[Chunk(ns(total_s), "answer", " word" * words, 0)],
        ended=ended,
        tokens=Tokens(prompt=20, output=words, reasoning=0, cached=0),
        server=ServerTimings(load_s=0.01, prefill_s=0.6, decode_s=total_s - 0.62, source="ollama"),
    )


def make_run(trace: Trace, channel: ChannelName = "A", pair: int = 1, **fields: object) -> Run:
    """Put a trace into a run."""
    known: dict[str, object] = {"target": TARGET, "request": REQUEST, "warmup": pair == 0} | fields
    return Run(
        run_id=f"{pair:031x}{channel.lower()}",
        comparison_id="c" * 32,
        channel=channel,
        pair=pair,
        trace=trace,
        **known,  # type: ignore[arg-type] # the test names the fields
    )


@pytest.fixture
def build_run() -> Callable[..., Run]:
    """Return the builder of runs."""
    return make_run


@pytest.fixture
def build_stream() -> Callable[..., Trace]:
    """Return the builder of streams."""
    return stream


@pytest.fixture
def build_blocking() -> Callable[..., Trace]:
    """Return the builder of blocking responses."""
    return blocking


@pytest.fixture
def build_comparison() -> Callable[..., Comparison]:
    """Return a builder of comparisons from lists of traces for A and B, with a warm-up each."""

    def build(a: Sequence[Trace], b: Sequence[Trace], **plan: object) -> Comparison:
        runs = [make_run(stream(2.0, 22.0), "A", 0)] if a else []
        runs += [make_run(blocking(22.0), "B", 0)] if b else []
        both: tuple[tuple[ChannelName, Sequence[Trace], int], ...] = (("A", a, 1), ("B", b, 2))
        for channel, traces, odd in both:  # the order is A B, B A
            for pair, trace in enumerate(traces, 1):
                position = odd if pair % 2 else 3 - odd
                runs.append(make_run(trace, channel, pair, position=position))
        known: dict[str, object] = {"repeat": len(a)} | plan
        return Comparison(
            plan=Plan(**known),  # type: ignore[arg-type] # the test names the fields
            runs=runs,
        )

    return build


@pytest.fixture
def build_contest() -> Callable[..., Comparison]:
    """Return a builder of comparisons in which B asks another server, as a rule for another model.

    A's runs come first in odd pairs, B's in even ones, as they do under a balanced order.
    """

    def build(
        a: Sequence[Trace],
        b: Sequence[Trace],
        of_a: Target = TARGET,
        of_b: Target = OTHER,
        **plan: object,
    ) -> Comparison:
        runs = []
        for pair, traces in enumerate(zip(a, b, strict=True), 1):
            first = make_run(traces[0], "A", pair, target=of_a, position=2 - pair % 2)
            second = make_run(traces[1], "B", pair, target=of_b, position=1 + pair % 2)
            runs += [first, second] if pair % 2 else [second, first]
        known: dict[str, object] = {"repeat": len(a), "warmup": 0} | plan
        return Comparison(
            plan=Plan(**known),  # type: ignore[arg-type] # the test names the fields
            runs=runs,
        )

    return build


@pytest.fixture
def models(build_contest: Callable[..., Comparison]) -> Comparison:
    """Return six good pairs of two models that both stream; B's first text comes 2.5 × as late."""
    late = (0.20, 0.21, 0.20, 0.22, 0.20, 0.21)
    return build_contest(
        [stream(first, 4.0 + first, 100) for first in late],
        [stream(2.5 * first, 6.0 + first, 200) for first in late],
    )


@pytest.fixture
def long_comparison(build_comparison: Callable[..., Comparison]) -> Comparison:
    """Return six good pairs of a long answer."""
    late = (0.60, 0.62, 0.63, 0.63, 0.66, 0.71)
    return build_comparison(
        [stream(first, 20.0 + first) for first in late],
        [blocking(19.5 + first) for first in late],
    )
