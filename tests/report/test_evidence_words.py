"""What the server, the observer and the way between say is told in words that can be believed."""

import msgspec
import pytest

from streamscope.report.evidence_words import (
    buffering_words,
    observer_words,
    server_words,
)
from streamscope.trace import (
    Chunk,
    Observer,
    ServerTimings,
    SharedRead,
    Tokens,
    Trace,
)

MS = 1_000_000


def trace(**more: object) -> Trace:
    made = Trace(
        mode="stream",
        ended="stop",
        marks={"sent": 0, "done": 2400 * MS},
        chunks=[Chunk(400 * MS, "answer", "a", 0), Chunk(2400 * MS, "answer", "b", 1)],
    )
    for name, value in more.items():
        setattr(made, name, value)
    return made


OLLAMA = ServerTimings(
    load_s=0.3,
    prefill_s=0.05,
    decode_s=2.0,
    total_s=2.37,
    prefill_tokens=30,
    decode_tokens=101,
    source="ollama",
)


def test_the_server_s_account_with_what_is_in_none_of_it() -> None:
    said = server_words(trace(server=OLLAMA, tokens=Tokens(prompt=46, output=101, cached=16)))
    parts = (
        "By the server's own clock (ollama): loading 0.30 s · prefill 50.0 ms (30 tokens,"
        " 600 tok/s) · decoding 2.00 s (101 tokens, 50.0 tok/s) · 2.37 s in all."
    )
    rest = (
        "To its end mark we saw 2.40 s, of which 50.0 ms are in none of its parts: 20.0 ms its own"
        " waiting and preparing, 30.0 ms network and client."
    )
    loaded = "The model was loaded in this run: its wait is not the model's own."
    assert said == [parts, rest, loaded, "16 of 46 prompt tokens came from its cache."]


def test_nonsense_is_not_shown_but_told() -> None:
    (said,) = server_words(trace(server=ServerTimings(decode_s=-3.0)))
    assert "can't be" in said


def test_two_clocks_may_differ() -> None:
    server = ServerTimings(prefill_s=0.41, decode_s=2.0, source="llama.cpp")
    assert server_words(trace(server=server))[1] == (
        "To its end mark we saw 2.40 s, 10.0 ms less than its parts: it began before all was sent,"
        " or the two clocks differ."
    )


def test_a_server_that_says_nothing_is_not_spoken_of() -> None:
    assert server_words(trace()) == []
    assert buffering_words(trace()) == []


def test_where_nobody_looked_nothing_is_said() -> None:
    assert observer_words(trace()) == []


def test_all_that_is_known_of_the_observer() -> None:
    observer = Observer(
        cpu_s=0.012,
        waited_s=0.9,
        lag_p50_ns=100_000,
        lag_p99_ns=4 * MS,
        lag_max_ns=12 * MS,
        lag_from="arrival",
        cores=2,
        busy=0.97,
        stolen=0.08,
        throttled_s=0.4,
    )
    said = observer_words(
        trace(
            clock="kernel",
            observer=observer,
            reads=100,
            segments=130,
            shared={index: SharedRead(200, 2) for index in range(14)},
            flags=["busy"],
        )
    )
    late = (
        "The machine was busy: arrivals were looked at up to 12 ms late, and 14 reads held several"
        " segments."
    )
    assert said == [
        "The probe took 12.0 ms of processor time, and was ready without a processor for 0.90 s.",
        "It looked 0.10 ms late (median; 99 %: 4.00 ms), which moves no arrival time.",
        "The machine worked 97.0 % of the time (2 processors).",
        "130 segments came in 100 reads, 14 of which held several.",
        late,
        "The machine was busy: the probe was ready, but had no processor, for 0.9 of 2.4 s.",
        "The hypervisor took 8 % of the processor time.",
        "A quota stopped the processes for 0.4 s.",
        "So this run is marked as busy.",
    ]


def test_what_the_bars_tell_is_not_repeated() -> None:
    marks = {"sent": 0, "headers": 1 * MS, "done": 2400 * MS}
    told = msgspec.structs.replace(OLLAMA, load_s=0.000023)
    said = server_words(trace(server=told, marks=marks), drawn=True)
    assert said[0] == (
        "By the server's own clock (ollama): prefill 30 tokens, 600 tok/s · decoding 2.00 s"
        " (101 tokens, 50.0 tok/s) · 2.37 s in all."
    )
    assert "prefill 50.0 ms" in server_words(trace(server=told, marks=marks))[0]


@pytest.mark.parametrize(
    ("reads", "words"),
    [
        (1, "It looked 12.0 ms late."),
        (19, "It looked 0.10 ms late (median), at most 12.0 ms."),
        (20, "It looked 0.10 ms late (median; 99 %: 4.00 ms)."),
    ],
)
def test_a_percentile_needs_looks(reads: int, words: str) -> None:
    lags = {"lag_p50_ns": 100_000, "lag_p99_ns": 4 * MS, "lag_max_ns": 12 * MS}
    observer = Observer(cpu_s=0.01, lag_from="arrival", **lags)
    assert words in observer_words(trace(observer=observer, reads=reads))


def test_what_the_processors_did_explains_only_a_marked_run() -> None:
    observer = Observer(cpu_s=0.01, busy=1.0)
    assert not any("machine worked" in line for line in observer_words(trace(observer=observer)))
    marked = trace(observer=observer, flags=["busy"])
    assert any("machine worked" in line for line in observer_words(marked))


def test_what_does_no_harm_is_said_all_the_same() -> None:
    said = observer_words(trace(observer=Observer(cpu_s=0.01, stolen=0.02, throttled_s=0.01)))
    assert said[1:] == [
        "A hypervisor gave 2.00 % of its time to others.",
        "A quota stopped the processes for 10.0 ms.",
    ]


def test_what_a_server_calls_itself_does_no_harm() -> None:
    bundles = [Chunk(250 * MS * (i // 5), "answer", "word", i // 5) for i in range(40)]
    said = buffering_words(trace(chunks=bundles, headers={"via": "\x1b[31mred"}))
    assert any("Via" in line for line in said)
    assert not any("\x1b" in line for line in said)
