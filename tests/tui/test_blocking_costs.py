"""What a time-out would have cut, and what stopping early would have saved, side by side."""

import re
from collections.abc import Callable

import pytest

from streamscope.measure.conventions import Conventions, Costs
from streamscope.trace import ChannelName, Fault, Trace
from streamscope.tui.blocking_costs import costs_page
from streamscope.tui.ended import EndedRun

Build = Callable[..., Trace]
Pair = dict[ChannelName, EndedRun]


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


def test_a_time_out_cuts_both_but_only_the_stream_was_seen(pair: Callable[..., Pair]) -> None:
    page = costs_page(pair(), Conventions(costs=Costs(timeout_s=2))).plain
    stream, blocking = (cell.strip() for cell in row(page, "for the whole response"))
    assert re.fullmatch(r"cut after \d+ words", stream)
    assert blocking == "cut, nothing was seen"
    assert [cell.strip() for cell in row(page, "for silence")] == ["in time", "cut"]


def test_a_long_time_out_cuts_nothing(pair: Callable[..., Pair]) -> None:
    page = costs_page(pair(), Conventions(costs=Costs(timeout_s=60))).plain
    assert [cell.strip() for cell in row(page, "for the whole response")] == ["in time"] * 2


def test_stopping_early_saves_time_and_tokens_and_with_a_price_money(
    pair: Callable[..., Pair],
) -> None:
    free = costs_page(pair(), Conventions(costs=Costs(stop_after_words=20))).plain
    assert row(free, "saves")[0].endswith(" s")
    assert row(free, "in tokens")[0].strip("~").isdecimal()
    assert "in money" not in free
    priced = Costs(stop_after_words=20, price_per_million=10, currency="EUR")
    assert row(costs_page(pair(), Conventions(costs=priced)).plain, "in money")[0].endswith(" EUR")


def test_a_blocking_answer_can_not_be_stopped_by_its_reader(pair: Callable[..., Pair]) -> None:
    page = costs_page(pair(), Conventions(costs=Costs(stop_after_words=20))).plain
    assert "never: it comes whole" in row(page, "as soon as they come")[1]


def test_a_short_answer_has_no_words_to_spare(pair: Callable[..., Pair]) -> None:
    page = costs_page(pair(), Conventions(costs=Costs(stop_after_words=5000))).plain
    assert "it has no more words" in row(page, "as soon as they come")[0]
    assert "saves" not in page


def test_of_a_run_that_failed_nothing_is_claimed(
    pair: Callable[..., Pair], build_stream: Build
) -> None:
    failed = build_stream(ended="error", fault=Fault(code="cut", sentence="It broke off."))
    page = costs_page(pair(failed), Conventions()).plain
    assert "can't tell: it failed" in row(page, "for the whole response")[0]
    assert "can't tell: it failed" in row(page, "as soon as they come")[0]


def test_columns_stay_apart_however_much_was_there(
    pair: Callable[..., Pair], build_stream: Build
) -> None:
    many = build_stream(text="word " * 11_515)
    page = costs_page(pair(many), Conventions(costs=Costs(timeout_s=3))).plain
    stream, blocking = row(page, "for the whole response")
    assert re.fullmatch(r"cut after \d+,\d{3} words", stream.strip())
    assert blocking.strip() == "cut, nothing was seen"


def test_what_a_word_is_in_chinese_is_said(pair: Callable[..., Pair], build_stream: Build) -> None:
    said = "Two Han or kana characters count as one word."
    assert said not in costs_page(pair(), Conventions()).plain
    chinese = build_stream(text="水波从落入池塘的石头处扩散开来")
    assert said in costs_page(pair(chinese), Conventions()).plain
