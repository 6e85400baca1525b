"""What time-outs would have cut, and what stopping early would have saved, from recorded runs."""

from collections.abc import Callable

import pytest

from streamscope.measure.conventions import Reader
from streamscope.measure.costs import stop_after, with_timeout
from streamscope.trace import Ended, Tokens, Trace

Build = Callable[..., Trace]


@pytest.fixture
def forty_words(build_trace: Build) -> Trace:
    """Return a stream of 40 words, one each second from the first second on."""
    pieces = [(float(i), "answer", " word") for i in range(1, 41)]
    return build_trace(
        pieces,
        marks_s={"headers": 0.1, "first_byte": 1, "done": 40, "closed": 40.1},
        tokens=Tokens(output=80),
    )


@pytest.fixture
def forty_seconds(build_trace: Build) -> Trace:
    """Return a blocking response after 40 s of silence."""
    marks = {"headers": 40, "first_byte": 40, "done": 40, "closed": 40.1}
    return build_trace([(40, "answer", "word " * 40)], mode="blocking", marks_s=marks)


def test_a_deadline_cuts_both_but_the_stream_keeps_what_it_showed(
    forty_words: Trace, forty_seconds: Trace
) -> None:
    stream = with_timeout([forty_words], 30)
    assert (stream.mode, stream.runs, stream.cut_by_deadline) == ("stream", 1, 1)
    assert stream.kept_words == 30
    blocking = with_timeout([forty_seconds], 30)
    assert (blocking.mode, blocking.cut_by_deadline, blocking.kept_words) == ("blocking", 1, None)


def test_a_read_timeout_cuts_only_what_is_silent(forty_words: Trace, forty_seconds: Trace) -> None:
    assert with_timeout([forty_words], 30).cut_by_silence == 0
    assert with_timeout([forty_seconds], 30).cut_by_silence == 1
    assert with_timeout([forty_words], 0.95).cut_by_silence == 1


def test_headers_are_a_sign_of_life(build_trace: Build) -> None:
    marks = {"headers": 20, "first_byte": 45, "done": 45}
    trace = build_trace([(45, "answer", "x")], mode="blocking", marks_s=marks)
    assert with_timeout([trace], 30).cut_by_silence == 0
    assert with_timeout([trace], 24).cut_by_silence == 1


def test_of_keep_alives_nothing_is_claimed(forty_seconds: Trace) -> None:
    forty_seconds.pings = 3
    outcome = with_timeout([forty_seconds], 30)
    assert (outcome.cut_by_silence, outcome.cut_by_deadline) == (0, 1)


def test_a_timeout_as_long_as_the_response_cuts_nothing(forty_words: Trace) -> None:
    outcome = with_timeout([forty_words], 40.1)
    assert (outcome.cut_by_deadline, outcome.kept_words) == (0, None)


def test_the_median_of_what_was_kept_is_over_the_runs_that_were_cut(build_trace: Build) -> None:
    def stream(rate: float, seconds: float) -> Trace:
        times = [i / rate for i in range(1, int(rate * seconds) + 1)]
        return build_trace(
            [(time, "answer", " word") for time in times], marks_s={"closed": seconds}
        )

    outcome = with_timeout([stream(1, 20), stream(2, 20), stream(4, 20), stream(9, 5)], 10)
    assert (outcome.runs, outcome.cut_by_deadline, outcome.kept_words) == (4, 3, 20)


@pytest.mark.parametrize("ended", ["error", "cancelled", None])
def test_a_run_that_broke_off_counts_only_if_it_was_cut_by_then(
    ended: Ended | None, build_trace: Build
) -> None:
    trace = build_trace([(5, "answer", "x"), (12, "answer", "y")], ended=ended)
    assert with_timeout([trace], 20).runs == 0
    outcome = with_timeout([trace], 10)
    assert (outcome.runs, outcome.cut_by_deadline, outcome.kept_words) == (1, 1, 0)


def test_a_timeout_is_asked_for_one_mode(forty_words: Trace, forty_seconds: Trace) -> None:
    for traces in ([], [forty_words, forty_seconds]):
        with pytest.raises(ValueError, match="runs of one mode"):
            with_timeout(traces, 30)
    for timeout_s in (0, float("nan")):
        with pytest.raises(ValueError, match="longer than 0 s"):
            with_timeout([forty_words], timeout_s)


def test_stopping_saves_time_tokens_and_money(forty_words: Trace) -> None:
    stop = stop_after(forty_words, 10, price_per_million=2)
    assert stop is not None
    assert (stop.at_s, stop.words, stop.saved_s) == (10, 10, 30)
    assert stop.saved_tokens == pytest.approx(60)
    assert stop.saved_money == pytest.approx(0.00012)
    assert stop.estimated


def test_where_every_chunk_is_a_token_the_saving_is_counted(forty_words: Trace) -> None:
    forty_words.tokens = Tokens(output=40)
    stop = stop_after(forty_words, 10)
    assert stop is not None
    assert (stop.saved_tokens, stop.estimated, stop.saved_money) == (30, False, None)


def test_without_a_count_words_are_taken_for_tokens(forty_words: Trace) -> None:
    forty_words.tokens = Tokens()
    stop = stop_after(forty_words, 10)
    assert stop is not None
    assert stop.saved_tokens == pytest.approx(30 * 1.3)
    assert stop.estimated


def test_thinking_is_spent_by_then(build_trace: Build) -> None:
    thinking = [(0.1 * i, "reasoning", "hm ") for i in range(1, 11)]
    answer = [(2.0 + i, "answer", " word") for i in range(10)]
    stop = stop_after(build_trace([*thinking, *answer], tokens=Tokens(output=20, reasoning=10)), 5)
    assert stop is not None
    assert (stop.at_s, stop.saved_tokens) == (6, 5)


def test_one_who_reads_stops_later_than_one_who_skims(forty_words: Trace) -> None:
    stop = stop_after(forty_words, 10, reader=Reader(words_per_minute=30))
    assert stop is not None
    assert (stop.at_s, stop.saved_s, stop.saved_tokens) == (21, 19, 38)
    late = stop_after(forty_words, 30, reader=Reader(words_per_minute=30))
    assert late is not None
    assert (late.at_s, late.saved_s, late.saved_tokens) == (61, 0, 0)


def test_two_characters_are_a_word(build_trace: Build) -> None:
    trace = build_trace([(float(i), "answer", "字") for i in range(1, 21)])
    stop = stop_after(trace, 5)
    assert stop is not None
    assert stop.at_s == 10
    assert stop.saved_tokens == pytest.approx(5 * 1.3)


def test_what_came_at_once_saves_nothing(build_trace: Build) -> None:
    stop = stop_after(build_trace([(3, "answer", "word " * 40)], tokens=Tokens(output=52)), 10)
    assert stop is not None
    assert (stop.at_s, stop.saved_s, stop.saved_tokens) == (3, 0, 0)


@pytest.mark.parametrize("ended", ["error", "cancelled", None])
def test_of_a_run_that_broke_off_nobody_knows_what_was_left(
    ended: Ended | None, forty_words: Trace
) -> None:
    forty_words.ended = ended
    assert stop_after(forty_words, 10) is None


def test_there_must_be_something_to_stop(forty_words: Trace, forty_seconds: Trace) -> None:
    assert stop_after(forty_words, 40) is not None
    assert stop_after(forty_words, 41) is None
    assert stop_after(forty_seconds, 10) is None
    assert stop_after(Trace(mode="stream", ended="stop"), 1) is None


def test_impossible_wishes_are_refused(forty_words: Trace) -> None:
    with pytest.raises(ValueError, match="at least 1 word"):
        stop_after(forty_words, 0)
    with pytest.raises(ValueError, match="can't be negative"):
        stop_after(forty_words, 1, price_per_million=-1)
