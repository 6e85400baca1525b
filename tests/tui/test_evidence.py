"""The tables of the details: reading, figures and remarks of a pair."""

from collections.abc import Callable

import pytest

from streamscope.measure.bands import EVEN, OK, SLUGGISH
from streamscope.measure.conventions import Bands, Conventions, Reader
from streamscope.measure.verdict import PairFigures, judge
from streamscope.trace import ChannelName, Chunk, Fault, Trace
from streamscope.tui.ended import EndedRun
from streamscope.tui.evidence import (
    ALL_FIGURES,
    Row,
    about,
    figure_rows,
    readable,
    reading_page,
    table,
)
from streamscope.tui.remarks_page import remarks_page

Build = Callable[..., Trace]
Pair = dict[ChannelName, EndedRun]

SLOW_READER = Reader(words_per_minute=60)


@pytest.fixture
def pair(
    build_stream: Build, build_blocking: Build, build_ended: Callable[..., EndedRun]
) -> Callable[..., Pair]:
    """Return the builder of a pair around two traces."""

    def build(a: Trace | None = None, b: Trace | None = None) -> Pair:
        return {
            "A": build_ended(a or build_stream()),
            "B": build_ended(b or build_blocking(), "B"),
        }

    return build


def row(page: str, label: str) -> list[str]:
    """Return the cells of the first row with a label."""
    line = next(line for line in page.splitlines() if line.strip().startswith(label))
    return [cell for cell in line.strip()[len(label) :].split("  ") if cell.strip()]


# ------------------------------------------------------------------------------------------- read


def test_the_reading_of_both_stands_side_by_side(pair: Callable[..., Pair]) -> None:
    page = reading_page(pair(), Reader()).plain
    assert [cell.strip() for cell in row(page, "first word at")] == ["0.63 s", "3.50 s"]
    assert [cell.strip() for cell in row(page, "of it after the first")] == ["0 s", "0 s"]


def test_what_is_won_is_said_in_seconds_with_the_ceiling(pair: Callable[..., Pair]) -> None:
    page = reading_page(pair(), Reader()).plain
    assert "At 238 words a minute you finish reading A 2.87 s" in page
    assert "earlier than B" in page
    assert "below 2, whatever the model" in page
    assert "faster" not in page


def test_answers_that_differ_are_called_two_texts(
    pair: Callable[..., Pair], build_stream: Build
) -> None:
    page = reading_page(pair(build_stream(text="Another answer.")), Reader()).plain
    assert "compares two texts" in page


def test_who_is_through_at_about_the_same_time_is_not_given_a_factor(
    pair: Callable[..., Pair], build_stream: Build
) -> None:
    page = reading_page(pair(build_stream(3.49, 3.5)), Reader()).plain
    assert "both at about the same moment" in page
    assert "times as long" not in page


def test_a_later_end_is_called_later(pair: Callable[..., Pair], build_blocking: Build) -> None:
    page = reading_page(pair(b=build_blocking(0.3)), Reader()).plain
    assert "later than B" in page


def test_chinese_is_counted_in_characters(
    pair: Callable[..., Pair], build_stream: Build, build_blocking: Build
) -> None:
    text = "水波从落入池塘的石头处扩散开来"
    page = reading_page(pair(build_stream(text=text), build_blocking(text=text)), Reader()).plain
    assert "At 255 characters a minute" in page


def test_in_chinese_a_reader_waits_for_characters(
    pair: Callable[..., Pair], build_stream: Build, build_blocking: Build
) -> None:
    text = "水波从落入池塘的石头处扩散开来"
    page = reading_page(pair(build_stream(text=text), build_blocking(text=text)), Reader()).plain
    assert [cell.strip() for cell in row(page, "first character at")] == ["0.63 s", "3.50 s"]
    assert "word" not in page


def test_a_cell_that_is_too_long_goes_on_below(pair: Callable[..., Pair]) -> None:
    said = "so much is said here that no column holds it"
    title, first, second = table(pair(), "title", [Row("label", said, "short")]).plain.splitlines()
    column = title.index("A stream")
    assert first.split()[0] == "label"
    assert first[title.index("B blocking") :] == "short"
    assert f"{first[column : title.index('B')].strip()} {second.strip()}" == said
    assert second.index(second.strip()[0]) == column


def test_where_nothing_came_there_is_nothing_to_read(
    pair: Callable[..., Pair], build_stream: Build, build_blocking: Build
) -> None:
    empty = pair(build_stream(text=""), build_blocking(text=""))
    assert "Nothing could be read" in reading_page(empty, Reader()).plain
    assert readable(empty, Reader()) is None


def test_one_side_alone_is_shown_without_a_comparison(pair: Callable[..., Pair]) -> None:
    alone: Pair = {"A": pair()["A"]}
    page = reading_page(alone, Reader()).plain
    assert [cell.strip() for cell in row(page, "first word at")] == ["0.63 s", "–"]
    assert "finish reading" not in page
    curves = readable(alone, Reader())
    assert curves is not None
    assert curves.b == []


def test_the_plot_ends_with_the_text_or_with_the_reader(pair: Callable[..., Pair]) -> None:
    both = pair()
    there, read = readable(both, SLOW_READER), readable(both, SLOW_READER, whole=True)
    assert there is not None
    assert read is not None
    assert 3.5 < there.end_s < 4
    assert there.reader[-1] < there.a[-1]
    assert read.reader[-1] == read.a[-1]


# ---------------------------------------------------------------------------------------- figures


def test_a_ratio_of_almost_nothing_is_not_written_in_powers_of_ten(
    pair: Callable[..., Pair],
) -> None:
    even = [Chunk(10**9 + i * 10**8 + i % 2 * 1000, "answer", "w ", i) for i in range(20)]
    trace = Trace(mode="stream", marks={"sent": 0}, chunks=even, ended="stop")
    rows = {each.figure.name: each for each in figure_rows(pair(trace), Conventions())}
    assert rows["gap_cv"].a == "<0.001"


def test_every_figure_has_a_row_and_is_explained(pair: Callable[..., Pair]) -> None:
    rows = figure_rows(pair(), Conventions())
    assert [each.figure for each in rows] == list(ALL_FIGURES)
    for figure in ALL_FIGURES:
        said = about(figure).plain
        assert figure.formula in said
        assert figure.explanation in said


def test_of_one_pair_only_waits_are_compared(
    pair: Callable[..., Pair], build_stream: Build
) -> None:
    rows = {each.figure.name: each for each in figure_rows(pair(), Conventions())}
    assert rows["ttfv_s"].versus == "5.6× sooner"
    assert rows["e2e_char_per_s"].a != rows["e2e_char_per_s"].b
    assert rows["e2e_char_per_s"].versus == ""
    again = pair(b=build_stream())
    assert {each.versus for each in figure_rows(again, Conventions())} <= {"", "same"}


def test_what_nobody_notices_is_not_compared(
    pair: Callable[..., Pair], build_stream: Build
) -> None:
    close = pair(build_stream(0.0040), build_stream(0.0026))
    rows = {each.figure.name: each for each in figure_rows(close, Conventions())}
    assert (rows["ttfv_s"].a, rows["ttfv_s"].b) == ("4.00 ms", "2.60 ms")
    assert rows["ttfv_s"].versus == ""


def test_beside_what_was_tested_a_single_pair_is_in_brackets(pair: Callable[..., Pair]) -> None:
    tested = judge(
        [PairFigures(a={"ttfv_s": 0.6 + i / 100}, b={"ttfv_s": 3.5 + i / 100}) for i in range(9)]
    )
    rows = {each.figure.name: each for each in figure_rows(pair(), Conventions(), tested)}
    assert rows["ttfv_s"].versus == "(5.6× sooner)"
    assert rows["e2e_char_per_s"].versus == ""


def test_figures_have_units_and_what_does_not_exist_is_a_dash(pair: Callable[..., Pair]) -> None:
    rows = {each.figure.name: each for each in figure_rows(pair(), Conventions())}
    assert (rows["ttfv_s"].a, rows["ttfv_s"].b, rows["ttfv_s"].versus) == (
        "0.63 s",
        "3.50 s",
        "5.6× sooner",
    )
    assert rows["gap_p50_ms"].b == "–"
    assert rows["gap_p50_ms"].versus == ""
    assert rows["finish_s"].a.endswith(" s")


def test_figures_of_the_reader_follow_the_settings(pair: Callable[..., Pair]) -> None:
    def finish(reader: Reader) -> str:
        rows = figure_rows(pair(), Conventions(reader=reader))
        return next(each.a for each in rows if each.figure.name == "finish_s")

    assert finish(SLOW_READER) != finish(Reader())


# ---------------------------------------------------------------------------------------- remarks


def test_bands_have_a_word_and_a_mark(pair: Callable[..., Pair]) -> None:
    page = remarks_page(pair(), Bands()).plain
    assert f"first text 0.63 s: {OK.mark} {OK.word}" in page
    assert f"first text 3.50 s: {SLUGGISH.mark} {SLUGGISH.word}" in page
    assert "gaps" in page.split("B blocking")[0]
    assert "conventions and settings" in page


def test_a_rhythm_that_stalls_break_is_not_called_even_without_them(
    pair: Callable[..., Pair],
) -> None:
    moments = [i * 30_000_000 + (i >= 20) * 10**9 for i in range(40)]
    chunks = [Chunk(10**9 + at, "answer", "w ", i) for i, at in enumerate(moments)]
    trace = Trace(mode="stream", marks={"sent": 0}, chunks=chunks, ended="stop")
    page = remarks_page(pair(trace), Bands()).plain
    assert f"{EVEN.mark} even, but for 1 stall" in page


def test_remarks_name_the_fault_and_what_the_pair_can_not_show(
    pair: Callable[..., Pair], build_stream: Build
) -> None:
    other = build_stream(text="Something else entirely.")
    assert "The two answers differ" in remarks_page(pair(other), Bands()).plain
    failed = build_stream(ended="error", fault=Fault(code="cut", sentence="It broke\x1b[31m off."))
    page = remarks_page(pair(failed), Bands()).plain
    assert "It broke" in page
    assert "\x1b" not in page
