"""Words and characters are found alike however the text is cut, with and without spaces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamscope.measure.reading import Unit, UnitCutter, WordCounter

pieces_of_text = st.lists(st.text(alphabet="ab 1字、-\n", max_size=6), max_size=12)


def count(*pieces: str) -> int:
    counter = WordCounter()
    for piece in pieces:
        counter.add(piece)
    return counter.words


def cut(*pieces: str) -> list[Unit]:
    cutter = UnitCutter()
    return [unit for piece in pieces for unit in cutter.cut(piece)[1]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", 0),
        ("one two  three\nfour", 4),
        ("don't", 1),
        ("- **bold** — 42 %", 2),
        ("统一内存", 2),
        ("统一内", 1),
        ("ひらがな", 2),
        ("GPU 和 CPU 共享", 3),
        ("안녕 하세요", 2),
        ("[{", 0),
    ],
)
def test_words(text: str, words: int) -> None:
    assert count(text) == words


@given(pieces_of_text)
def test_cutting_a_text_changes_nothing(pieces: list[str]) -> None:
    assert count(*pieces) == count("".join(pieces))
    assert cut(*pieces) == cut("".join(pieces))


def test_words_and_characters_are_told_apart() -> None:
    assert cut("GPU和CPU共享") == ["word", "character", "word", "character", "character"]


def test_a_piece_with_letters_of_an_earlier_word_is_told() -> None:
    cutter = UnitCutter()
    pieces = ("un", "ified", "", ",", "ish me", " mory", " - ", "字", "x")
    goes_on = [cutter.cut(piece)[0] for piece in pieces]
    assert goes_on == [False, True, False, False, True, False, False, False, False]
