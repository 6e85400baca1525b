"""Nothing that a model writes may steer the terminal, hide, or read as what it is not."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from streamscope.tui.widgets.sanitize import MAX_MARKS, Sanitizer, one_line, sanitize

HARMFUL = st.sampled_from(
    [*"\x1b\x00\r\n\x7f\x9b\u202e\u2066\u200b\u200c\u200d\ufe0f\u0301\ufeff\u2028\xad", "👩", "ශ්"]
)
TEXTS = st.lists(HARMFUL | st.characters() | st.characters(categories=["Cs"]), max_size=40).map(
    "".join
)


@given(TEXTS, st.data())
def test_any_segmentation_reads_like_the_whole(text: str, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=8).map(sorted))
    sanitizer = Sanitizer()
    parts = [sanitizer.feed(text[a:b]) for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert "".join(parts) + sanitizer.finish() == sanitize(text)


@given(TEXTS)
def test_nothing_that_steers_a_terminal_is_left(text: str) -> None:
    left = {char for char in sanitize(text) if unicodedata.category(char) in ("Cc", "Cs")}
    assert left <= {"\t", "\n"}


@given(TEXTS)
def test_nothing_that_reorders_text_is_left(text: str) -> None:
    assert not set(
        "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    ) & set(sanitize(text))


@given(TEXTS)
def test_harmless_text_stays_as_it_is(text: str) -> None:
    once = sanitize(text)
    assert sanitize(once) == once


@given(TEXTS, st.integers(0, 30))
def test_one_line_is_one_line_and_fits(text: str, limit: int) -> None:
    line = one_line(text, limit)
    assert cell_len(line) <= limit
    assert len(line.splitlines()) <= 1


@pytest.mark.parametrize(
    ("text", "harmless"),
    [
        ("\x1b[2J\x1b]0;title\x07", "␛[2J␛]0;title␇"),
        ("\x00\x08\x0b\x0c\x7f", "␀␈␋␌␡"),
        ("\x9b31m\x85", "�31m�"),
        ("a\tb\nc", "a\tb\nc"),
        ("a\r\nb\rc\r\r\nd", "a\nb\nc\n\nd"),
        ("x\u202ey\u2066z\u2069", "x�y�z�"),
        ("pass\u200bword", "pass�word"),
        ("pass\u200dword", "pass�word"),
        ("pass\u200cword", "pass�word"),
        ("\ufeffBOM", "�BOM"),
        ("\ud83d", "�"),
        ("syl\xadla\xadble", "syl‧la‧ble"),
        ("a\u2028b\u2029c", "a\nb\nc"),
        ("[bold]no[/] \\[markup]", "[bold]no[/] \\[markup]"),
        ("ㅤ", "�"),
        ("hidden\U000e0041", "hidden�"),
    ],
)
def test_what_stands_for_what(text: str, harmless: str) -> None:
    assert sanitize(text) == harmless


@pytest.mark.parametrize(
    "text",
    [
        "👩‍👩‍👧‍👦",
        "👩🏽‍❤️‍💋‍👨🏿",
        "🏳️‍🌈",
        "1️⃣",
        "❤️",
        "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
        "🇫🇷",
        "e\u0301",
        "می\u200cخواهم",  # Persian: the non-joiner is spelling
        "葛\U000e0100",  # a variant of an ideograph, as names need it
        "नमस्ते",
        "文字、漢字。",
    ],
)
def test_what_writing_needs_is_kept(text: str) -> None:
    assert sanitize(text) == text


def test_a_return_and_its_newline_may_come_apart() -> None:
    sanitizer = Sanitizer()
    assert [sanitizer.feed(part) for part in ("a\r", "", "\nb", "\n")] == ["a\n", "", "b", "\n"]


def test_a_joiner_waits_for_what_it_joins() -> None:
    sanitizer = Sanitizer()
    assert [sanitizer.feed("👩\u200d"), sanitizer.feed("👧")] == ["👩", "\u200d👧"]


def test_a_joiner_that_joins_nothing_is_shown_at_the_end() -> None:
    sanitizer = Sanitizer()
    sanitizer.feed("👩\u200d")
    assert sanitizer.finish() == "�"


def test_joined_letters_lose_the_joiner_that_terminals_disagree_about() -> None:
    assert sanitize("ශ්\u200dරී") == "ශ්රී"


def test_marks_do_not_pile_up() -> None:
    assert sanitize("a" + "\u0301" * 100).startswith("a" + "\u0301" * MAX_MARKS + "�")


def test_selectors_carry_no_hidden_text() -> None:
    assert sanitize("😀" + "".join(chr(0xE0100 + byte) for byte in b"hidden")).count("�") == 5


@pytest.mark.parametrize(
    ("text", "limit", "line"),
    [
        ("model\n  name\t7b", 40, "model name 7b"),
        ("a long name", 6, "a lon…"),
        ("exactly", 7, "exactly"),
        ("漢字漢字", 6, "漢字…"),
        ("x" * 10_000, 4, "xxx…"),
        ("\x1b[31mred", 20, "␛[31mred"),
        ("anything", 0, ""),
        ("anything", 1, "…"),
    ],
)
def test_labels(text: str, limit: int, line: str) -> None:
    assert one_line(text, limit) == line
