"""Words are counted alike however the text is cut, with and without spaces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamscope.measure.reading import WordCounter


def count(*pieces: str) -> int:
    counter = WordCounter()
    for piece in pieces:
        counter.add(piece)
    return counter.words


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


@given(st.lists(st.text(alphabet="ab 1字、-\n", max_size=6), max_size=12))
def test_cutting_a_text_changes_nothing(pieces: list[str]) -> None:
    assert count(*pieces) == count("".join(pieces))
