"""Thinking inside an answer is told from it, wherever the text is cut, and without delay."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamscope.wire.think import Piece, ThinkSplitter


def split(pieces: list[str]) -> tuple[str, str]:
    splitter = ThinkSplitter()
    found = [piece for text in pieces for piece in splitter.feed(text)] + splitter.finish()
    assert all(piece.text for piece in found)
    reasoning = "".join(piece.text for piece in found if piece.kind == "reasoning")
    return reasoning, "".join(piece.text for piece in found if piece.kind == "answer")


CASES = [
    ("Nile", "", "Nile"),
    ("<think>hm</think>Nile", "hm", "Nile"),
    ("<thinking>hm</thinking>Nile", "hm", "Nile"),
    ("<think></think>\n\nNile", "", "\n\nNile"),
    ("\n <think>hm</think>Nile", "hm", "\n Nile"),
    ("<think>a < b </thin </thinking> b</think>c", "a < b </thin </thinking> b", "c"),
    ("<think>never closed", "never closed", ""),
    ("<think>cut in its tag</thi", "cut in its tag</thi", ""),
    ("<thi", "", "<thi"),
    ("<thought>x", "", "<thought>x"),
    ("<thinkx>y</think>z", "", "<thinkx>y</think>z"),
    ("See <think>x</think>", "", "See <think>x</think>"),
    ("<think>a</think>b<think>c</think>", "a", "b<think>c</think>"),
    ("", "", ""),
    ("  ", "", "  "),
]


@pytest.mark.parametrize(("text", "reasoning", "answer"), CASES)
def test_whole_and_by_character(text: str, reasoning: str, answer: str) -> None:
    assert split([text]) == (reasoning, answer)
    assert split(list(text)) == (reasoning, answer)


@given(
    st.lists(
        st.sampled_from(["<think>", "</think>", "<thinking>", "</", "<", "think", ">", "a", " "])
    ),
    st.data(),
)
def test_cuts_change_nothing(parts: list[str], data: st.DataObject) -> None:
    text = "".join(parts)
    ends = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    pieces = [text[a:b] for a, b in zip([0, *ends], [*ends, len(text)], strict=True)]
    assert split(pieces) == split([text])


def test_text_that_cannot_be_a_tag_is_not_held_back() -> None:
    splitter = ThinkSplitter()
    assert splitter.feed("\n") == [Piece("answer", "\n")]
    assert splitter.feed("<th") == []
    assert splitter.feed("in") == []
    assert splitter.feed("g") == [Piece("answer", "<thing")]
    assert splitter.feed("<") == [Piece("answer", "<")]


def test_one_piece_stays_one() -> None:
    # Pieces are counted: " Nile" came as one, and it may not become two.
    assert ThinkSplitter().feed(" Nile") == [Piece("answer", " Nile")]


def test_thinking_is_held_back_by_no_more_than_a_tag() -> None:
    splitter = ThinkSplitter()
    assert splitter.feed("<think>a") == [Piece("reasoning", "a")]
    assert splitter.feed("b</") == [Piece("reasoning", "b")]
    assert splitter.feed("c") == [Piece("reasoning", "</c")]
    assert splitter.feed("d</think>e") == [Piece("reasoning", "d"), Piece("answer", "e")]


def test_what_was_held_back_is_answer_for_good() -> None:
    splitter = ThinkSplitter()
    assert splitter.feed("<think") == []
    assert splitter.finish() == [Piece("answer", "<think")]
    assert splitter.finish() == []
    assert splitter.feed("<think>") == [Piece("answer", "<think>")]
