"""What changed while it was measured is told where it is beyond chance, and only there."""

import random
from collections.abc import Callable, Sequence

import msgspec
import pytest

from streamscope.measure.conventions import Thresholds
from streamscope.measure.figures import measure
from streamscope.plan import Plan
from streamscope.report.comparison import Comparison
from streamscope.report.steadiness import Steadiness, steadiness
from streamscope.trace import Run, ServerTimings, Shown, Tokens, Trace

Build = Callable[..., Comparison]
BuildTrace = Callable[..., Trace]
BuildRun = Callable[..., Run]


def found(comparison: Comparison) -> Steadiness:
    return steadiness(comparison, [measure(run.trace) for run in comparison.runs], Thresholds())


@pytest.mark.parametrize(
    ("painted", "url", "told"),
    [
        (True, "http://127.0.0.1:8080/v1", True),
        (False, "http://127.0.0.1:8080/v1", False),  # without a screen nothing is painted
        (True, "https://llm.example/v1", False),  # another machine does not notice
    ],
)
def test_a_server_that_our_painting_slowed_down_is_a_caution(
    build_run: BuildRun,
    build_stream: BuildTrace,
    build_blocking: BuildTrace,
    painted: bool,
    url: str,
    told: bool,
) -> None:
    runs = []
    for pair in range(1, 7):
        for channel, trace, rate in (("A", build_stream(1, 9), 80), ("B", build_blocking(9), 100)):
            trace.tokens = Tokens(output=rate)
            trace.server = ServerTimings(prefill_s=0.5, decode_s=1.0, source="x")
            if painted:
                trace.shown = Shown(chunks=9, frames=9, p50_ns=1, p99_ns=2, max_ns=3)
            run = build_run(trace, channel, pair)
            target = msgspec.structs.replace(run.target, url=url)
            runs.append(msgspec.structs.replace(run, target=target))
    said = found(Comparison(plan=Plan(), runs=runs)).cautions
    slowed = [words for words in said if "painting the stream may be why" in words]
    assert bool(slowed) == told
    assert all("decoded 20.0 % more slowly" in words for words in slowed)


@pytest.mark.parametrize(
    ("streamed", "told"),
    [
        ([80, 99, 101, 79, 100, 102, 81], False),  # stalls by chance: the medians differ by 20 %
        ([80, 81, 79, 80, 82, 80, 81], True),
    ],
)
def test_a_slower_server_is_told_only_beyond_chance(
    build_run: BuildRun,
    build_stream: BuildTrace,
    build_blocking: BuildTrace,
    streamed: Sequence[float],
    told: bool,
) -> None:
    runs = []
    for pair, rate in enumerate(streamed, 1):
        for channel, trace, tokens in (
            ("A", build_stream(1, 9), rate),
            ("B", build_blocking(9), 100),
        ):
            trace.tokens = Tokens(output=100)
            trace.server = ServerTimings(prefill_s=0.5, decode_s=99 / tokens, source="llama.cpp")
            trace.shown = Shown(chunks=9, frames=9, p50_ns=1, p99_ns=2, max_ns=3)
            run = build_run(trace, channel, pair)
            target = msgspec.structs.replace(run.target, url="http://127.0.0.1:8080/v1")
            runs.append(msgspec.structs.replace(run, target=target))
    said = found(Comparison(plan=Plan(), runs=runs)).cautions
    assert any("more slowly while A streamed" in words for words in said) == told


@pytest.fixture
def build_pairs(
    build_run: BuildRun, build_stream: BuildTrace, build_blocking: BuildTrace
) -> Callable[..., Comparison]:
    """Build pairs of which the second run takes ``second`` times as long, and A ``a`` times."""

    def build(
        second: float, a: float = 1.0, *, n: int = 12, order: str = "abba", noise: float = 0.002
    ) -> Comparison:
        draw = random.Random(3)
        runs = []
        for pair in range(1, n + 1):
            a_place = {"ab": 1, "ba": 2}.get(order, 1 + (pair + 1) % 2)
            took = {1: draw.gauss(10, 10 * noise), 2: second * draw.gauss(10, 10 * noise)}
            stream = build_stream(1, a * took[a_place])
            runs.append(build_run(stream, "A", pair, position=a_place))
            blocking = build_blocking(took[3 - a_place])
            runs.append(build_run(blocking, "B", pair, position=3 - a_place))
        return Comparison(plan=Plan(), runs=runs)

    return build


@pytest.mark.parametrize("a", [1.0, 1.12, 1.5])
def test_the_place_in_the_pair_is_a_caution_however_much_the_channels_differ(
    build_pairs: Callable[..., Comparison], a: float
) -> None:
    (mattered,) = found(build_pairs(1.08, a)).cautions
    assert mattered.startswith("The place in the pair mattered: second over first 1.08")
    steady = found(build_pairs(1.0, a))
    assert steady.cautions == []
    assert any("No effect of the place" in said for said in steady.information)


def test_a_race_has_no_second_place(build_pairs: Callable[..., Comparison]) -> None:
    race = build_pairs(1.3)
    race = msgspec.structs.replace(
        race,
        plan=Plan(layout="race"),
        runs=[msgspec.structs.replace(run, layout="race") for run in race.runs],
    )
    said = found(race)
    assert not any("place in the pair" in words for words in [*said.cautions, *said.information])


@pytest.mark.parametrize(("order", "first"), [("ab", "A"), ("ba", "B")])
def test_a_fixed_order_cannot_tell_the_place_from_the_channel(
    build_pairs: Callable[..., Comparison], order: str, first: str
) -> None:
    said = found(build_pairs(1.0, 0.88, order=order))
    (caution,) = said.cautions
    assert caution.startswith(f"{first} always went first")
    assert not any("place in the pair was found" in words for words in said.information)


def test_answers_of_different_length_are_no_drift(
    build_comparison: Build, build_stream: BuildTrace, build_blocking: BuildTrace
) -> None:
    """The same speed, and longer answers each time: what grew is the work."""
    streams: list[Trace] = []
    whole: list[Trace] = []
    for pair in range(8):
        tokens = 100 + 20 * pair
        for traces, build in ((streams, build_stream), (whole, build_blocking)):
            trace = (
                build(tokens / 100, tokens / 50) if build is build_stream else build(tokens / 50)
            )
            trace.tokens = Tokens(output=tokens)
            traces.append(trace)
    said = found(build_comparison(streams, whole))
    assert said.cautions == []
    assert any("time per token" in words for words in said.information)


def test_what_chance_would_bring_is_no_caution(
    build_comparison: Build, build_stream: BuildTrace, build_blocking: BuildTrace
) -> None:
    totals = [14.0, 9.0, 13.0, 9.1, 8.0, 9.2]
    said = found(
        build_comparison([build_stream(1, total) for total in totals], [build_blocking(9)] * 6)
    )
    assert said.cautions == []
    assert any("which chance would bring too" in words for words in said.information)


def test_pairs_that_resemble_their_neighbours_promise_less(
    build_comparison: Build, build_stream: BuildTrace, build_blocking: BuildTrace
) -> None:
    """A slow spell in the middle: twelve pairs, and hardly more than two moments."""
    totals = [9.0, 9.1, 9.0, 9.1, 14.0, 14.1, 14.0, 14.1, 9.0, 9.1, 9.0, 9.1]
    said = found(
        build_comparison([build_stream(1, total) for total in totals], [build_blocking(9)] * 12)
    )
    (caution,) = said.cautions
    assert caution.startswith("Pairs resemble their neighbours: of the total, 12 are worth about")
