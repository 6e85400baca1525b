"""Who put together what was made one by one is told by evidence, and not told without."""

import pytest

from streamscope.measure.buffering import Buffering, buffering
from streamscope.measure.bundles import bundles, together_share
from streamscope.trace import Chunk, Observer, SharedRead, Tokens, Trace

MS = 1_000_000
EPOCH = 1_700_000_000_000_000_000


def stream(times_ms: list[float], *, made_ms: list[float] | None = None, **more: object) -> Trace:
    """Return a stream whose pieces arrive at these times; those of one time in one read."""
    chunks: list[Chunk] = []
    for index, at in enumerate(times_ms):
        t_ns = round(at * MS)
        read = 0 if not chunks else chunks[-1].read + (t_ns != chunks[-1].t_ns)
        stamp = None if made_ms is None else EPOCH + round(made_ms[index] * MS)
        chunks.append(Chunk(t_ns, "answer", "word and ", read, stamp))
    trace = Trace(mode="stream", ended="stop", chunks=chunks, reads=chunks[-1].read + 1)
    for name, value in more.items():
        setattr(trace, name, value)
    return trace


def sharing(trace: Trace, size: int, segments: int | None) -> Trace:
    """Say of every read with several pieces how large it was."""
    reads = [chunk.read for chunk in trace.chunks]
    trace.shared = {
        read: SharedRead(size, segments) for read in set(reads) if reads.count(read) > 1
    }
    return trace


def found(trace: Trace) -> Buffering:
    result = buffering(trace)
    assert result is not None
    return result


EVEN = [50.0 * i for i in range(40)]
FIVES = [250.0 * (i // 5) for i in range(40)]


def test_pieces_one_by_one_are_nothing_to_speak_of() -> None:
    assert buffering(stream(EVEN)) is None


@pytest.mark.parametrize("gap_ms", [0.9, 0.2, 0.05])
def test_a_fast_server_is_no_buffer(gap_ms: float) -> None:
    assert buffering(stream([gap_ms * i for i in range(2000)])) is None


def test_without_evidence_only_what_was_measured_is_said() -> None:
    result = found(stream(FIVES))
    assert result.kind == "buffered"
    assert result.sentence == (
        "32 of 40 pieces came together with the one before (80 %), in 8 bundles: the gaps tell of"
        " that, not of the model."
    )
    assert (result.evidence, result.advice) == ((), "")


def test_the_server_s_stamps_prove_that_something_else_held_them() -> None:
    result = found(stream(FIVES, made_ms=EVEN))
    assert result.kind == "buffered"
    assert result.sentence.startswith("Something between you and the model is buffering: 32 of 40")
    assert result.evidence[0] == (
        "The server stamped 32 of them apart from the one before: bundles were held for 200 ms"
        " (median)."
    )


def test_a_step_of_the_server_s_clock_proves_nothing_else() -> None:
    stepped = [at - (5000 if at > 900 else 0) for at in EVEN]
    assert "held for 200 ms" in found(stream(FIVES, made_ms=stepped)).evidence[0]


def test_stamps_also_tell_that_the_server_made_them_together() -> None:
    made = [at + 0.25 for at in FIVES]
    result = found(stream(FIVES, made_ms=made))
    assert result.kind == "server-batches"
    assert "the server made them together" in result.sentence


def test_stamps_of_whole_milliseconds_tell_of_no_single_moment() -> None:
    result = found(stream(FIVES, made_ms=FIVES))
    assert result.kind == "buffered"
    assert "made them together" not in result.sentence


@pytest.mark.parametrize(
    "more", [{"flags": ["busy"]}, {"observer": Observer(cpu_s=0.1, busy=0.97)}]
)
def test_on_a_crowded_machine_the_server_may_have_been_late(more: dict[str, object]) -> None:
    result = found(stream(FIVES, made_ms=[at + 0.25 for at in FIVES], **more))
    assert "by its design or because it was late" in result.sentence


def test_only_moments_with_several_pieces_are_bundles() -> None:
    times = [50.0 * i for i in range(45)] + [9000.0 + 50 * (i // 2) for i in range(30)]
    shape = bundles(stream(times))
    assert (shape.pieces, shape.together, shape.bundles) == (75, 15, 15)
    assert shape.share == 0.2


def test_text_with_room_for_all_tokens_tells_how_many_a_chunk_holds() -> None:
    trace = stream([80.0 * i for i in range(17)], tokens=Tokens(output=34))
    sentence = found(trace).sentence
    assert sentence.startswith("A chunk holds about 2.0 tokens on average")
    assert buffering(stream([80.0 * i for i in range(17)], tokens=Tokens(output=66))) is None


def test_small_segments_that_queued_are_our_own_doing() -> None:
    trace = sharing(stream(FIVES, observer=Observer(cpu_s=0.1, lag_p99_ns=12 * MS)), 900, 5)
    result = found(trace)
    assert result.kind == "late"
    assert "this machine looked too late" in result.sentence
    assert "12.0 ms late" in result.evidence[-1]


def test_one_large_write_in_several_segments_is_the_sender_s() -> None:
    assert found(sharing(stream(FIVES), 4096, 3)).kind == "buffered"


def test_one_segment_was_sent_as_one() -> None:
    result = found(sharing(stream(FIVES), 900, 1))
    assert "32 of them were sent together" in result.evidence[0]
    assert "(80 %), in 8 bundles, sent together by the server or by something between" in (
        result.sentence
    )


@pytest.mark.parametrize(
    ("headers", "words", "advice"),
    [
        ({"server": "nginx/1.25"}, "Nothing told nginx not to buffer", "proxy_buffering off"),
        ({"via": "1.1 squid"}, "Via: 1.1 squid", "proxy_buffering off"),
        ({"cf-ray": "8a"}, "Cloudflare", "proxy_buffering off"),
        ({"content-encoding": "gzip"}, "encoded (gzip)", "compression off"),
        ({"content-length": "900"}, "Content-Length: 900", ""),
        ({"content-type": "text/event-stream"}, "not sent in chunks", ""),
    ],
)
def test_headers_tell_who_is_in_between(headers: dict[str, str], words: str, advice: str) -> None:
    result = found(stream(FIVES, headers=headers))
    assert any(words in each for each in result.evidence)
    assert advice in result.advice


def test_headers_that_rule_buffering_out_are_no_evidence() -> None:
    headers = {"server": "nginx", "transfer-encoding": "chunked", "x-accel-buffering": "no"}
    assert found(stream(FIVES, headers=headers)).evidence == (
        "It came through nginx (Server: nginx).",
    )


def test_compression_that_was_not_asked_for_is_proof() -> None:
    result = found(stream(FIVES, flags=["compressed"]))
    assert result.sentence.startswith("Something between you")
    assert "compression off" in result.advice


def test_bundles_as_large_as_a_buffer_are_told() -> None:
    result = found(sharing(stream(FIVES), 4102, 3))
    assert "Bundles have 4,102 bytes (median), as a buffer of 4,096 has." in result.evidence


def test_nagle_and_the_delayed_acknowledgement_are_known_by_their_time() -> None:
    result = found(stream([40.0 * (i // 4) for i in range(80)]))
    assert "every 40 ms: the mark of Nagle" in result.evidence[0]
    assert "TCP_NODELAY" in result.advice


def test_all_at_once_though_made_over_time_is_held_back() -> None:
    result = found(stream([900.0] * 40, made_ms=EVEN))
    assert result.kind == "not-streamed"
    assert "holds it back" in result.sentence
    assert result.evidence[0] == "The server stamped its pieces over 1.95 s."
    assert found(stream([900.0] * 40)).evidence == ()


@pytest.mark.parametrize(
    ("tokens", "told"),
    [
        (Tokens(output=160, reasoning=0), True),
        (Tokens(output=56, reasoning=0), False),
        (Tokens(output=160, reasoning=120), False),
        (Tokens(output=160), False),
        (Tokens(), False),
    ],
)
def test_chunks_of_several_tokens_are_told_where_the_count_is_sure(
    tokens: Tokens, told: bool
) -> None:
    result = buffering(stream(EVEN, tokens=tokens))
    assert (result is not None) == told
    if result is not None:
        assert result.sentence.startswith("A chunk holds 4.0 tokens on average")


def test_ten_thousand_pieces_in_one_read_are_one_arrival() -> None:
    trace = stream([5.0] * 10_000)
    assert found(trace).kind == "not-streamed"
    shape = bundles(trace)
    assert (shape.pieces, shape.bundles, shape.share) == (10_000, 1, 0.9999)


@pytest.mark.parametrize("times", [EVEN, FIVES, [5.0] * 40, [0.0], [0.0, 3.0, 3.0, 3.01, 9.0]])
def test_the_quick_look_sees_what_the_survey_sees(times: list[float]) -> None:
    trace = stream(times)
    assert together_share(trace) == bundles(trace).share


def test_what_is_no_stream_or_was_put_together_on_purpose_is_left_alone() -> None:
    assert buffering(stream(FIVES, flags=["paced:word"])) is None
    assert buffering(stream(FIVES, mode="blocking")) is None
    assert buffering(Trace(mode="stream")) is None
