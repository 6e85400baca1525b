"""The decision follows the documented rule, from the published figures and at every boundary."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamscope.measure.advice import advise
from streamscope.measure.conventions import Thresholds

Run = dict[str, float | None]

# The published table: first text and total in seconds, and what follows for the hidden tokens.
SHORT: Run = {
    "ttfv_s": 7.69,
    "total_s": 8.15,
    "output_tokens": 349,
    "hidden_tokens": (7.69 - 0.307) * 44.5,
    "visible_tok_per_s": 44.5,
}
LONG: Run = {
    "ttfv_s": 9.71,
    "total_s": 20.13,
    "output_tokens": 997,
    "hidden_tokens": 0.469 * 997,
    "visible_tok_per_s": 50.8,
}
LONG_WITHOUT_THINKING: Run = {
    "ttfv_s": 0.5,
    "total_s": 10.92,
    "output_tokens": 530,
    "visible_tok_per_s": 50.8,
}


def test_the_short_answer_needs_its_wait_mended() -> None:
    advice = advise([SHORT])
    assert advice.decision == "fix-the-wait"
    assert advice.hidden_share == pytest.approx(0.941, abs=0.0005)
    assert advice.benefit_s == pytest.approx(0.46)
    assert advice.share == pytest.approx(0.056, abs=0.0005)
    assert advice.reason == (
        "about 94 % of the tokens were thinking you never saw, and the first text took 7.7 s"
    )
    assert advice.estimated


def test_the_long_answer_must_stream() -> None:
    advice = advise([LONG])
    assert advice.decision == "must-stream"
    assert advice.benefit_s == pytest.approx(10.42)
    assert advice.share == pytest.approx(0.518, abs=0.0005)
    assert advice.reason == (
        "the answer took 20.1 s, and streaming shows text for 10.4 s of it (52 %)"
    )
    assert advice.break_even_s == pytest.approx(9.71 / 4)
    assert advice.break_even_tokens == 125


def test_the_long_answer_without_thinking_must_stream() -> None:
    advice = advise([LONG_WITHOUT_THINKING])
    assert advice.decision == "must-stream"
    assert advice.share == pytest.approx(0.95, abs=0.005)
    assert advice.hidden_share is None
    assert not advice.estimated
    assert advice.break_even_s == 1.0
    assert advice.break_even_tokens == 52


def test_times_alone_decide_too() -> None:
    advice = advise([{"ttfv_s": 0.4, "total_s": 3.0}])
    assert advice.decision == "stream"
    assert advice.break_even_s == 1.0
    assert advice.break_even_tokens is None
    assert advice.reason == "there is text to read for 2.6 s of the 3.0 s (87 %)"


@pytest.mark.parametrize(
    ("ttfv_s", "total_s", "decision"),
    [
        (10.1, 30.0, "fix-the-wait"),
        (10.0, 30.0, "must-stream"),
        (10.0, 12.0, "either"),  # 17 % of the whole
        (0.1, 1.05, "either"),  # 0.95 s
        (0.1, 1.15, "stream"),
        (2.0, 10.0, "stream"),
        (2.0, 10.1, "must-stream"),
    ],
)
def test_the_boundaries_are_those_of_the_rule(ttfv_s: float, total_s: float, decision: str) -> None:
    assert advise([{"ttfv_s": ttfv_s, "total_s": total_s}]).decision == decision


@pytest.mark.parametrize(
    ("ttfv_s", "hidden", "decision"),
    [(2.1, 51, "fix-the-wait"), (2.0, 51, "stream"), (2.1, 50, "stream")],
)
def test_hidden_thinking_counts_only_if_it_is_much_and_long(
    ttfv_s: float, hidden: float, decision: str
) -> None:
    run: Run = {
        "ttfv_s": ttfv_s,
        "total_s": 8.0,
        "output_tokens": 100,
        "hidden_tokens": hidden,
    }
    assert advise([run]).decision == decision


def test_a_long_wait_without_hidden_thinking_says_how_long() -> None:
    assert advise([{"ttfv_s": 120.4, "total_s": 130.0}]).reason == (
        "the first text took 120 s, and streaming can show nothing before it"
    )


def test_little_to_gain_is_said_in_seconds_and_as_a_share() -> None:
    assert advise([{"ttfv_s": 7.69, "total_s": 8.15}]).reason == (
        "the first text came only 0.46 s before the last, 5.6 % of the 8.2 s in all"
    )


def test_a_count_by_the_server_is_not_called_about() -> None:
    advice = advise([SHORT], estimated=())
    assert advice.reason.startswith("94 % of the tokens")
    assert not advice.estimated


def test_the_server_rate_stands_in_for_the_visible_one_as_an_estimate() -> None:
    advice = advise([{"ttfv_s": 0.5, "total_s": 9.0, "server_tok_per_s": 50.8}])
    assert advice.break_even_tokens == 52
    assert advice.estimated


def test_medians_are_taken_so_one_odd_run_decides_nothing() -> None:
    odd: Run = {"ttfv_s": 60.0, "total_s": 61.0}
    advice = advise([LONG_WITHOUT_THINKING, odd, LONG_WITHOUT_THINKING])
    assert advice.decision == "must-stream"
    assert (advice.ttfv_s, advice.total_s, advice.n) == (0.5, 10.92, 3)


def test_few_runs_that_tell_of_hidden_tokens_do_not_speak_for_all() -> None:
    silent: Run = {"ttfv_s": 7.0, "total_s": 8.0, "output_tokens": 300}
    assert advise([SHORT, silent, silent]).hidden_share is None
    assert advise([SHORT, SHORT, silent]).hidden_share is not None


def test_thresholds_are_settings() -> None:
    strict = Thresholds(least_benefit_s=3.0, least_share=0.5, long_s=8.0)
    run: Run = {"ttfv_s": 2.0, "total_s": 7.0, "visible_tok_per_s": 10.0}
    advice = advise([run], strict)
    assert advice.decision == "stream"
    assert advice.break_even_s == 3.0
    assert advice.break_even_tokens == 31
    assert advise([{"ttfv_s": 5.0, "total_s": 7.0}], strict).break_even_s == 5.0
    assert advise([run], Thresholds(long_s=6.0)).decision == "must-stream"
    never = advise([run], Thresholds(least_share=1.0))
    assert (never.decision, never.break_even_s, never.break_even_tokens) == ("either", None, None)


@pytest.mark.parametrize(
    ("runs", "reason"),
    [
        ([], "there are no streamed runs"),
        ([{}], "no run brought any text of an answer"),
        ([{"ttfv_s": 1.0, "total_s": None}], "no run with a first text came to its end"),
        ([{"ttfv_s": math.nan, "total_s": 2.0}], "no run brought any text of an answer"),
        ([{"ttfv_s": 1.0, "total_s": math.inf}], "no run with a first text came to its end"),
    ],
)
def test_without_times_nobody_can_tell(runs: list[Run], reason: str) -> None:
    advice = advise(runs)
    assert (advice.decision, advice.reason, advice.n) == ("cannot-tell", reason, 0)


def test_an_answer_that_took_no_time_tells_nothing() -> None:
    advice = advise([{"ttfv_s": 0.0, "total_s": 0.0, "output_tokens": 0, "hidden_tokens": 0}])
    assert (advice.decision, advice.reason) == ("cannot-tell", "no run took any time")


times = st.floats(0.01, 40)


@given(times, times, st.floats(1, 200))
def test_the_break_even_is_where_the_decision_turns(
    ttfv_s: float, benefit_s: float, rate: float
) -> None:
    """Below the break-even it is never worth it, above it always, unless the wait is too long."""
    run: Run = {
        "ttfv_s": ttfv_s,
        "total_s": ttfv_s + benefit_s,
        "visible_tok_per_s": rate,
    }
    advice = advise([run])
    assert advice.break_even_s is not None
    assert advice.break_even_tokens is not None
    tokens = 1 + rate * benefit_s
    if ttfv_s > 10:
        assert advice.decision == "fix-the-wait"
    elif benefit_s < advice.break_even_s * (1 - 1e-9):
        assert advice.decision == "either"
        assert tokens <= advice.break_even_tokens
    elif benefit_s > advice.break_even_s * (1 + 1e-9):
        assert advice.decision in ("stream", "must-stream")
        assert tokens > advice.break_even_tokens - 1


AT_ONCE: Run = {"t_any_s": 1.34, "ttfv_s": 1.34, "total_s": 1.34, "visible_tokens": 66.0}


def test_what_does_not_stream_is_told_first_and_has_no_break_even() -> None:
    for advice in (advise([AT_ONCE]), advise([{**AT_ONCE, "visible_tokens": None}], whole=[True])):
        assert advice.decision == "not-streamed"
        assert advice.reason == "all text came at once, after 1.3 s"
        assert (advice.break_even_s, advice.break_even_tokens) == (None, None)


def test_a_short_answer_in_one_piece_proves_nothing() -> None:
    assert advise([{**AT_ONCE, "visible_tokens": 2.0}]).decision == "either"
    assert advise([AT_ONCE], whole=[False]).decision == "either"
    assert advise([AT_ONCE, LONG, LONG]).decision != "not-streamed"


def test_thinking_that_can_be_read_is_part_of_the_reason() -> None:
    run: Run = {"t_any_s": 0.31, "ttfv_s": 7.7, "total_s": 8.15}
    advice = advise([run])
    assert (advice.decision, advice.any_s) == ("either", 0.31)
    assert advice.reason.startswith(
        "the thinking can be read from 0.31 s on; the first text of the answer came only 0.45 s"
    )
    late = advise([{**run, "ttfv_s": 17.7, "total_s": 30.0}])
    assert "nothing of the answer before it" in late.reason
    assert advise([{**run, "t_any_s": 7.0}]).any_s is None


def test_no_runs_for_a_known_reason() -> None:
    assert advise([], why_none="no streamed run can be trusted").reason == (
        "no streamed run can be trusted"
    )
