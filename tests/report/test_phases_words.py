"""Where the time went is said and drawn, and no more of it than is known."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamscope.report.phases_words import LEAST_WIDTH, length_words, phase_bars, phases_words
from streamscope.trace import Chunk, Ended, ServerTimings, TextKind, Trace

MS = 1_000_000
S = 1_000_000_000


def early_headers(**fields: object) -> Trace:
    """Make a stream of which the headers came long before its text."""
    known: dict[str, object] = {
        "mode": "stream",
        "marks": {
            "connecting": -2 * MS,
            "connected": -MS,
            "sent": 0,
            "headers": 35 * MS,
            "finish": 4 * S,
            "done": 4 * S,
        },
        "chunks": [
            Chunk(S, "reasoning", "hm", 0),
            Chunk(2 * S, "answer", "x", 1),
            Chunk(4 * S, "answer", "y", 2),
        ],
        "ended": "stop",
    }
    return Trace(**known | fields)  # type: ignore[arg-type] # the test names the fields


def test_spans_in_words() -> None:
    (words,) = phases_words(early_headers())
    assert words == (
        "connecting 1.00 ms · sending 1.00 ms · waiting for headers 35.0 ms · waiting for text"
        " 0.96 s · thinking 1.00 s · answering 2.00 s"
    )


def test_a_reused_connection_says_so() -> None:
    first, second = phases_words(early_headers(connection="reused"))
    assert first.startswith("waiting for headers 35.0 ms")
    assert second == "Connection reused: nothing to connect."


def test_stretches_are_counted() -> None:
    turns = [Chunk((1 + i) * S, ("reasoning", "answer")[i % 2], "x", i) for i in range(4)]
    (words,) = phases_words(early_headers(chunks=turns))
    assert "thinking 2.00 s in 2 stretches" in words


def test_headers_with_the_text_are_no_prefill(build_stream: Callable[..., Trace]) -> None:
    _, server, headers = phases_words(build_stream(0.63, 20.0))
    assert server == (
        "While waiting for headers, as the server's durations tell: loading the model 10.0 ms ·"
        " prefill 0.61 s."
    )
    assert headers == "The headers came with the first text: they say nothing about prefill."


def test_of_a_blocking_answer_it_goes_without_saying(build_blocking: Callable[..., Trace]) -> None:
    assert not any("headers came" in line for line in phases_words(build_blocking(19.5)))


def test_durations_that_can_not_be_are_named() -> None:
    words = phases_words(early_headers(server=ServerTimings(prefill_s=3.0)))
    assert words[-1] == (
        "The server's 3.00 s of prefill are more than the 0.96 s there were for it:"
        " cut in the drawing."
    )
    close = phases_words(early_headers(server=ServerTimings(prefill_s=0.97)))
    assert not any("cut in the drawing" in line for line in close)
    assert "prefill ~0.96 s" in close[1]


@pytest.mark.parametrize(
    ("ended", "words"),
    [
        ("error", "It failed in the last of these: waiting for headers."),
        ("cancelled", "It was stopped in the last of these: waiting for headers."),
    ],
)
def test_the_last_span_of_what_broke_off(ended: Ended, words: str) -> None:
    marks = {"sent": 0, "error": S}
    assert phases_words(early_headers(marks=marks, chunks=[], ended=ended))[-1] == words


def test_nothing_timed_is_said_too() -> None:
    nothing = Trace(mode="stream", ended="error")
    assert phases_words(nothing) == ["It did not get so far that anything could be timed."]
    assert phase_bars(nothing) == []


def test_bars_follow_each_other() -> None:
    trace = early_headers(server=ServerTimings(prefill_s=0.5))
    bars = phase_bars(trace, 75)  # 40 cells for 4 s
    assert bars[-4:] == [
        f"{'  prefill':<24} {'▒▒▒▒▒▒':<40}    0.50 s",
        f"{'thinking':<24} {' ' * 10 + '░' * 11:<40}    1.00 s",
        f"{'answering':<24} {' ' * 20 + '█' * 20:<40}    2.00 s",
        f"{'in all, connecting included':<65}    4.00 s",
    ]


def test_the_whole_and_the_total_are_told_apart() -> None:
    marks = {"connecting": -S, "connected": -MS, "sent": 0, "headers": MS, "done": 5 * S}
    whole, total = phase_bars(early_headers(marks=marks), 75)[-2:]
    assert whole.split("  ")[0] == "in all, connecting included"
    assert whole.endswith(" 6.00 s")
    assert total.split("  ")[0] == "total: sent to the last text"
    assert total.endswith(" 4.00 s")


def test_what_takes_no_time_is_drawn_as_a_sliver() -> None:
    trace = early_headers(chunks=[Chunk(4 * S, "answer", "x", 0)])
    drawn = {line.split("  ")[0]: line for line in phase_bars(trace, 75)}
    assert drawn["answering"][25:65].strip() == "▏"
    assert drawn["waiting for headers"][25:65].strip() == "▏"


def test_where_only_ascii_can_be_written_bars_are_ascii() -> None:
    trace = early_headers(server=ServerTimings(prefill_s=0.5))
    drawn = phase_bars(trace, 80, ascii_only=True)
    assert all(line.isascii() for line in drawn)
    kinds = {line[:22].strip(): set(line[25:-10]) - {" "} for line in drawn}
    assert kinds["prefill"] == {"="}
    assert kinds["thinking"] == {"-"}
    assert kinds["answering"] == {"#"}
    assert kinds["waiting for text"] == {"."}


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 10**13), min_size=2, max_size=20),
    st.integers(LEAST_WIDTH, 200),
)
def test_every_line_fits_and_every_span_is_seen(moments: list[int], width: int) -> None:
    kinds: tuple[TextKind, ...] = ("answer", "reasoning", "tool")
    chunks = [Chunk(at, kinds[i % 3], "x", i) for i, at in enumerate(sorted(moments))]
    for line in phase_bars(Trace(mode="stream", chunks=chunks, ended="stop"), width):
        assert len(line) == width
        bar = line[24 : width - 10]
        assert bar.strip() or line.startswith(("in all", "total"))


@pytest.mark.parametrize(
    ("length_ns", "words"),
    [
        (0, "0 ms"),
        (999, "<0.001 ms"),
        (1000, "0.001 ms"),
        (35 * MS, "35.0 ms"),
        (7_690 * MS, "7.69 s"),
        (125 * S, "2:05 min"),
    ],
)
def test_lengths_have_the_unit_that_suits_them(length_ns: int, words: str) -> None:
    assert length_words(length_ns) == words
