"""How much there is to read: words, in scripts with spaces and in scripts without."""

from typing import Literal, TypeAlias

WORDS_FOR_A_START = 10
"""Words that make an answer readable; a first token may be a single bracket."""

Unit: TypeAlias = Literal["word", "character"]
"""What is read one at a time: a word between spaces, or a Han or kana character."""

_UNSPACED = (
    (0x3041, 0x30FF),  # hiragana, katakana
    (0x31F0, 0x31FF),  # katakana extensions
    (0x3400, 0x4DBF),  # Han, extension A
    (0x4E00, 0x9FFF),  # Han
    (0xF900, 0xFAFF),  # Han, compatibility
    (0xFF66, 0xFF9D),  # half-width katakana
    (0x20000, 0x3FFFF),  # Han, further extensions
)


def unspaced(char: str) -> bool:
    """Tell whether a letter is Han or kana, which are written without spaces between words."""
    code = ord(char)
    return code >= _UNSPACED[0][0] and any(low <= code <= high for low, high in _UNSPACED)


class UnitCutter:
    """Finds words and characters in text that comes in pieces, wherever the pieces are cut.

    A word begins with a letter or digit and ends at a space, or where Han or kana begin; marks of
    layout (``-``, ``**``) are none. Hangul is written with spaces and needs no rule.
    """

    def __init__(self) -> None:
        self._inside = False

    def cut(self, text: str) -> tuple[bool, list[Unit]]:
        """Take the next piece. Linear in the piece.

        Returns:
            Whether the piece brings letters of a word that an earlier piece began, and what
            begins in this one, in order.
        """
        begun: list[Unit] = []
        goes_on = False
        for char in text:
            if char.isspace():
                self._inside = False
            elif char.isalnum():
                if unspaced(char):
                    begun.append("character")
                    self._inside = False
                elif not self._inside:
                    begun.append("word")
                    self._inside = True
                elif not begun:
                    goes_on = True
        return goes_on, begun


class WordCounter:
    """Counts words while text comes in pieces.

    A word counts from its first letter or digit on. Two Han or kana characters count as one word.
    """

    def __init__(self) -> None:
        self._cutter = UnitCutter()
        self._half_words = 0

    @property
    def words(self) -> int:
        """Whole words begun so far."""
        return self._half_words // 2

    def add(self, text: str) -> int:
        """Take the next piece; return ``words``. Linear in the piece."""
        begun = self._cutter.cut(text)[1]
        self._half_words += 2 * len(begun) - begun.count("character")
        return self.words
