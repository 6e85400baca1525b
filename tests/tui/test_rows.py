"""Lines in columns: every cell in its place, whatever is written in it."""

from rich.cells import cell_len

from streamscope.tui.widgets.rows import WIDE, Column, fitted, line

COLUMNS = (
    Column(name="what", title="what"),
    Column(name="extra", width=4, least=30),
    Column(name="number", width=6, right=True),
)


def test_one_column_takes_what_the_others_leave() -> None:
    assert [(column.name, width) for column, width in fitted(COLUMNS, 20)] == [
        ("what", 12),
        ("number", 6),
    ]


def test_columns_that_need_room_come_with_it() -> None:
    assert [(column.name, width) for column, width in fitted(COLUMNS, 30)] == [
        ("what", 16),
        ("extra", 4),
        ("number", 6),
    ]


def test_names_have_more_room_in_a_wide_list() -> None:
    columns = (Column(name="what"), Column(name="name", width=4, wide=20))
    widths = {width: [each for _, each in fitted(columns, width)] for width in (WIDE - 1, WIDE)}
    assert widths == {WIDE - 1: [WIDE - 7, 4], WIDE: [WIDE - 22, 20]}


def test_every_line_is_as_wide_as_the_list() -> None:
    fits = fitted(COLUMNS, 20)
    for text in ("short", "much longer than its column", "统一内存是什么", "e\u0301" * 30, ""):
        shown = line(fits, {"what": (text, ""), "number": ("1.23", "")}).plain
        assert cell_len(shown) == 20
        assert shown.endswith("  1.23")


def test_text_is_shown_and_never_obeyed() -> None:
    shown = line(fitted(COLUMNS, 30), {"what": ("[b]\x1b[31m\nx", "")}).plain
    assert shown.startswith("[b]␛[31m x")


def test_in_no_room_at_all_there_is_still_a_line() -> None:
    assert line(fitted(COLUMNS, 0), {"what": ("text", "")}).plain
