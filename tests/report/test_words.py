"""Numbers read as people expect, keep their unit, and never jump where they must not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamscope.measure.figures import BY_NAME, FIGURES
from streamscope.report import words


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "–"),
        (0.0, "0 ms"),
        (0.000_08, "0.08 ms"),
        (0.004_21, "4.21 ms"),
        (0.034, "34.0 ms"),
        (0.0994, "99.4 ms"),
        (0.0999, "0.10 s"),
        (0.63, "0.63 s"),
        (9.994, "9.99 s"),
        (9.996, "10.0 s"),
        (19.48, "19.5 s"),
        (99.96, "100 s"),
        (119.6, "120 s"),
        (120, "2:00 min"),
        (125.4, "2:05 min"),
        (3599.6, "1:00:00 h"),
        (3725, "1:02:05 h"),
        (-0.5, "-0.50 s"),
    ],
)
def test_seconds(value: float | None, expected: str) -> None:
    assert words.seconds(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "–"),
        (0, "0 ms"),
        (0.03, "0.03 ms"),
        (4.214, "4.21 ms"),
        (20.06, "20.1 ms"),
        (211.7, "212 ms"),
        (12_345, "12.3 s"),
    ],
)
def test_milliseconds(value: float | None, expected: str) -> None:
    assert words.milliseconds(value) == expected


@pytest.mark.parametrize(
    ("name", "value", "estimated", "expected"),
    [
        ("ttfv_s", 0.63, False, "0.63 s"),
        ("gap_max_ms", 212.4, False, "212 ms"),
        ("server_tok_per_s", 50.83, False, "50.8 tok/s"),
        ("prefill_tok_per_s", 33_333, True, "~33,333 tok/s"),
        ("chunks_per_s", 9.9, False, "9.90 chunks/s"),
        ("share", 0.0564, False, "5.64 %"),
        ("gap_cv", 1.621, False, "1.62"),
        ("hidden_tokens", 328.5, True, "~328"),
        ("output_tokens", 1024, False, "1,024"),
        ("stalls", 0, False, "0"),
        ("stalls", 0.5, False, "0.5"),
        ("hidden_tokens", None, True, "–"),
    ],
)
def test_figures(name: str, value: float | None, estimated: bool, expected: str) -> None:
    assert words.figure_words(BY_NAME[name], value, estimated=estimated) == expected


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: str(figure.name))
@given(st.floats(0, 1e7), st.floats(0, 1e7))
def test_every_figure_can_be_said_and_compared(figure: object, a: float, b: float) -> None:
    known = BY_NAME[getattr(figure, "name", "")]
    assert words.figure_words(known, a).strip() != ""
    assert "faster" not in words.versus(known, a, b)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.6, 0.71, "0.60–0.71"),
        (0.05, 0.71, "50.0 ms–0.71 s"),
        (121, 128, "2:01–2:08"),
        (0.1212, 0.1238, "0.121–0.124"),
        (12.34, 12.31, "12.34–12.31"),
        (0.01234, 0.01231, "12.34–12.31"),
        (1.0, 1.00001, "1.00000–1.00001"),
        (1.0, 1.0, "1.00–1.00"),
        (121.1, 121.2, "2:01–2:01"),
    ],
)
def test_ranges(low: float, high: float, expected: str) -> None:
    assert words.range_words(BY_NAME["ttfv_s"], low, high) == expected


def test_bounds_in_another_unit_than_their_own_are_told_apart_in_that_unit() -> None:
    assert words.range_words(BY_NAME["share"], 0.8151, 0.8153) == "81.51–81.53"
    assert words.range_words(BY_NAME["gap_p50_ms"], 12_341.0, 12_342.0) == "12.341–12.342"


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (0.63, 19.5, "31× sooner (0.63 vs 19.5 s)"),
        (9.7, 19.5, "2.0× sooner (9.70 vs 19.5 s)"),
        (7.69, 7.65, "at about the same time (7.69 vs 7.65 s)"),
        (2.0, 1.0, "2.0× later (2.00 vs 1.00 s)"),
        (0.05, 1.0, "20× sooner (50.0 ms vs 1.00 s)"),
        (1.0, 1500.0, "1,500× sooner (1.00 s vs 25:00 min)"),
        (0.0, 1.0, "0 ms vs 1.00 s"),
    ],
)
def test_sooner(a: float, b: float, expected: str) -> None:
    assert words.sooner(a, b) == expected


@pytest.mark.parametrize(
    ("name", "a", "b", "expected"),
    [
        ("ttfv_s", 0.63, 19.5, "31× sooner"),
        ("ttfv_s", 19.5, 0.63, "31× later"),
        ("total_s", 20.1, 19.5, "within 5 %"),
        ("total_s", 22.0, 20.0, "10 % longer"),
        ("total_s", 10.0, 20.0, "50 % shorter"),
        ("total_s", 50.0, 20.0, "2.5× as long"),
        ("server_tok_per_s", 40.0, 50.0, "20 % lower"),
        ("output_tokens", 349, 324, "8 % more"),
        ("stalls", 0, 0, "same"),
        ("stalls", 2, 0, "–"),
        ("gap_p50_ms", 20.0, None, "–"),
        ("gap_p50_ms", None, None, "–"),
    ],
)
def test_versus(name: str, a: float | None, b: float | None, expected: str) -> None:
    assert words.versus(BY_NAME[name], a, b) == expected


def test_nearness_is_the_same_from_both_sides() -> None:
    total = BY_NAME["total_s"]
    assert words.versus(total, 1.0, 1.05) == words.versus(total, 1.05, 1.0) == "within 5 %"
    assert words.versus(total, 1.0, 1.051) != "within 5 %"
    assert words.versus(total, 1.051, 1.0) != "within 5 %"


@given(st.none() | st.floats(0, 359_999))
def test_live_times_never_jump(value: float | None) -> None:
    assert len(words.seconds_fixed(value)) == 9


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "        –"),
        (0.634, "   0.63 s"),
        (119.99, " 119.99 s"),
        (119.999, " 1:59 min"),
        (725, "12:05 min"),
        (3725, "  1:02:05"),
    ],
)
def test_live_times(value: float | None, expected: str) -> None:
    assert words.seconds_fixed(value) == expected


@given(st.none() | st.floats(0, 9_999))
def test_other_live_numbers_never_jump(value: float | None) -> None:
    assert len(words.milliseconds_fixed(value)) == len("12345 ms")
    assert len(words.rate_fixed(value)) == len("12345.6 tok/s")
    assert len(words.count_fixed(value)) == 7


def test_untrusted_text_reaches_no_terminal_as_a_command() -> None:
    hostile = "a\x1b[31mred\x07\u202eback\ud83d\nnext\tline\x9b"
    assert words.plain(hostile) == "a\ufffd[31mred\ufffd\ufffdback\ufffd next line\ufffd"
    assert words.plain("统一 👩\u200d💻 ü") == "统一 👩\u200d💻 ü"
