"""Bars over time stand on zero, and words say what changed."""

from streamscope.tui.widgets.trend import bars, change_words


def test_bars_are_as_high_as_their_values() -> None:
    assert bars([0.0, 1.0, 4.0, 7.0], 4, 1) == [" ▁▄▇"]


def test_nothing_that_is_there_is_invisible() -> None:
    assert bars([0.001, 1000.0], 2, 1) == ["▁▇"]


def test_higher_bars_pile_rows_up() -> None:
    top, foot = bars([15.0, 8.0, 1.0], 3, 2)
    assert (top, foot) == ("▇  ", "██▁")


def test_few_bars_are_wide_and_stand_apart() -> None:
    (row,) = bars([1.0, 1.0], 40, 1)
    assert row == "▇▇▇ ▇▇▇ "


def test_of_more_than_fit_the_last_are_drawn() -> None:
    assert bars([7.0, 7.0, 7.0, 1.0, 7.0], 2, 1) == ["▁▇"]


def test_without_room_or_values_nothing_is_drawn() -> None:
    assert bars([1.0], 0, 2) == ["", ""]
    assert bars([], 9, 1) == [""]


def test_only_zeros_draw_no_bars() -> None:
    assert bars([0.0, 0.0], 2, 1) == ["  "]


def test_the_change_is_of_the_last_to_the_first() -> None:
    assert change_words([0.25, 9.0, 0.27]) == "0.25 → 0.27 s, +8 %"
    assert change_words([0.5, 0.25]) == "0.50 → 0.25 s, −50 %"
    assert change_words([0.5, 0.501]) == "0.50 → 0.50 s, ±0 %"
    assert change_words([0.05, 0.5]) == "50.0 ms → 0.50 s, 10×"
    assert change_words([0.0, 0.5]) == "0 ms → 0.50 s"
