"""The wrap is exact in cells, loses nothing, and does not depend on how the text came in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from streamscope.trace import TextKind
from streamscope.tui.widgets.clusters import MAX_CLUSTER, clusters, is_simple, snap
from streamscope.tui.widgets.wrapping import Document, Rewrap, draw, wrap

FAMILY = "👩‍👩‍👧"
FRANCE = "🇫🇷"
HEART = "❤️"
ACCENT = "e\u0301"

# Pieces that hurt: half flags, lone joiners and selectors, marks without a letter, tabs.
WORDS = st.sampled_from(
    [
        *"ab 的。（é€ｗ\t한",
        "  ",
        "word",
        "\u200d",
        "\ufe0f",
        "\u0301",
        "🇫",
        "👍🏽",
        "1️⃣",
        "©",
        "ශ්",
        FAMILY,
        FRANCE,
        HEART,
        ACCENT,
    ]
)
LINES = st.lists(WORDS | st.characters(exclude_categories=["Cs", "Cc"]), max_size=40).map("".join)
TEXTS = st.lists(WORDS | st.just("\n"), max_size=60).map("".join)
WIDTHS = st.integers(1, 12)


def document(width: int, text: str = "", kind: TextKind = "answer") -> Document:
    made = Document(width, {"reasoning": 2})
    made.append(kind, text)
    return made


def shown(row: str, width: int) -> str:
    return "".join(piece.text for piece in draw(row, width))


@given(LINES, WIDTHS)
def test_rows_hold_the_whole_text(text: str, width: int) -> None:
    assert "".join(wrap(text, width)) == text


@given(LINES, st.integers(0, 12))
def test_no_row_is_drawn_wider_than_it_may_be(text: str, width: int) -> None:
    for row in wrap(text, width):
        assert cell_len(shown(row, width)) <= max(1, width)


@given(LINES, WIDTHS)
def test_only_spaces_that_hang_are_not_drawn(text: str, width: int) -> None:
    for row in wrap(text, width):
        pieces = draw(row, width)
        reached = 0
        for piece in pieces:
            assert piece.start in (reached, reached - 1)  # the cells of one tab share it
            reached = piece.end
        assert row[reached:].strip(" \t") == ""


@given(TEXTS, WIDTHS, st.data())
def test_any_segmentation_wraps_like_the_whole(text: str, width: int, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=8).map(sorted))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    grown = document(width)
    for piece in pieces:
        grown.append("answer", piece)
    assert grown.rows == document(width, text).rows
    assert "\n".join(grown.line_text(line) for line in range(len(grown.lines))) == text


@given(TEXTS)
def test_character_by_character_wraps_like_the_whole(text: str) -> None:
    grown = document(7)
    for char in text:
        grown.append("answer", char)
    assert grown.rows == document(7, text).rows


@given(st.text("ab  的", max_size=60), WIDTHS)
def test_plain_and_general_walk_agree(text: str, width: int) -> None:
    # A tab at the end sends the whole text through the general walk.
    plain = text.replace("的", "c")
    assert [row.rstrip("\t") for row in wrap(plain + "\t", width)] == wrap(plain, width)


@given(TEXTS, TEXTS, WIDTHS, WIDTHS, st.integers(1, 20))
def test_rewrapping_in_slices_gives_what_wrapping_gives(
    thought: str, answer: str, old_width: int, width: int, size: int
) -> None:
    old, fresh = document(old_width), document(width)
    for each in (old, fresh):
        each.append("reasoning", thought)
        each.append("answer", answer)
    job = Rewrap(old, width, old.indents)
    while not job.step(size):
        pass
    assert job.result.rows == fresh.rows
    assert job.result.lines == fresh.lines


@given(TEXTS, WIDTHS, st.data())
def test_every_offset_is_found_again(text: str, width: int, data: st.DataObject) -> None:
    made = document(width, text or "a")
    wanted = data.draw(st.sampled_from(range(len(made.rows))))
    row = made.rows[wanted]
    assert made.row_at(row.line, row.start) == wanted
    if row.text:
        assert made.row_at(row.line, row.start + len(row.text) - 1) == wanted


@pytest.mark.parametrize(
    ("text", "width", "rows"),
    [
        ("the quick brown fox", 10, ["the quick ", "brown fox"]),
        ("the quick  brown", 9, ["the quick  ", "brown"]),
        ("unbelievable", 5, ["unbel", "ievab", "le"]),
        ("an unbelievable", 5, ["an ", "unbel", "ievab", "le"]),
        ("    indented", 12, ["    indented"]),
        ("苹果的内存", 4, ["苹果", "的内", "存"]),
        ("苹果，内存", 4, ["苹", "果，", "内存"]),
        ("苹果（内存", 6, ["苹果", "（内存"]),
        ("GPU的内存", 5, ["GPU的", "内存"]),
        (FAMILY * 2, 3, [FAMILY, FAMILY]),
        (f"a{FRANCE}{FRANCE}", 4, [f"a{FRANCE}", FRANCE]),
        (ACCENT * 3, 2, [ACCENT * 2, ACCENT]),
        (f"ab{HEART}", 3, ["ab", HEART]),
        ("的的", 1, ["的", "的"]),
        ("a\tb", 9, ["a\tb"]),
        ("a\tb", 8, ["a\t", "b"]),
        ("", 8, [""]),
        ("ab", 0, ["a", "b"]),
    ],
)
def test_where_rows_end(text: str, width: int, rows: list[str]) -> None:
    assert wrap(text, width) == rows


@given(st.text())
def test_simple_text_is_one_cell_a_character(text: str) -> None:
    if is_simple(text):
        assert [width for *_, width in clusters(text)] == [1] * len(text)


def test_simple_characters_are_one_cell_each() -> None:
    simple = [chr(code) for code in range(0x3000) if is_simple(chr(code))]
    assert len(simple) > 1_000
    assert {cell_len(char) for char in simple} == {1}


def test_tabs_reach_to_stops_of_eight_cells() -> None:
    assert shown("a\tb\tc", 40) == "a       b       c"
    assert shown("的\tb", 40) == "的      b"


def test_what_is_too_wide_for_the_pane_is_marked() -> None:
    assert shown("的", 1) == "…"


def test_a_mark_without_a_letter_is_shown() -> None:
    assert shown("\u0301a", 5) == "\ufffda"


def test_a_cluster_does_not_grow_without_end() -> None:
    assert max(end - start for start, end, _ in clusters("a" + "\u0301" * 500)) == MAX_CLUSTER


def test_a_row_of_spaces_does_not_grow_without_end() -> None:
    rows = wrap(" " * 100_000, 10)
    assert max(map(len, rows)) < 1_000


def test_a_change_of_kind_begins_a_line() -> None:
    made = document(20, "hm", "reasoning")
    made.append("answer", "Yes.")
    assert [(made.lines[row.line].kind, row.text) for row in made.rows] == [
        ("reasoning", "hm"),
        ("answer", "Yes."),
    ]


def test_a_change_of_kind_after_a_newline_leaves_no_empty_line() -> None:
    made = document(20, "hm\n", "reasoning")
    made.append("answer", "Yes.")
    assert [row.text for row in made.rows] == ["hm", "Yes."]


def test_an_indent_takes_its_cells() -> None:
    assert [row.text for row in document(5, "abcdef", "reasoning").rows] == ["abc", "def"]


def test_an_appended_text_reports_the_first_row_it_changed() -> None:
    made = document(5, "abc\ndef")
    assert made.append("answer", "gh\nx") == 1


def test_an_empty_line_at_the_end_is_not_yet_shown() -> None:
    assert document(5, "abc\n").height == 1
    assert document(5, "abc\n\n").height == 2
    assert document(5).height == 0


@pytest.mark.parametrize(("offset", "down", "up"), [(0, 0, 0), (1, 1, 1), (2, 1, 6), (6, 6, 6)])
def test_offsets_inside_a_cluster_move_to_its_edges(offset: int, down: int, up: int) -> None:
    text = f"a{FAMILY}b"
    assert (snap(text, offset, up=False), snap(text, offset, up=True)) == (down, up)
