"""How much there is to read: words, in scripts with spaces and in scripts without."""

WORDS_FOR_A_START = 10
"""Words that make an answer readable; a first token may be a single bracket."""

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


class WordCounter:
    """Counts words while text comes in pieces, wherever the pieces are cut.

    A word counts from its first letter or digit on, so marks of layout (``-``, ``**``) are none.
    Two Han or kana characters count as one word. Hangul is written with spaces and needs no rule.
    """

    def __init__(self) -> None:
        self._half_words = 0
        self._inside = False

    @property
    def words(self) -> int:
        """Whole words begun so far."""
        return self._half_words // 2

    def add(self, text: str) -> int:
        """Take the next piece; return ``words``. Linear in the piece."""
        for char in text:
            if char.isspace():
                self._inside = False
            elif char.isalnum():
                if unspaced(char):
                    self._half_words += 1
                    self._inside = False
                elif not self._inside:
                    self._half_words += 2
                    self._inside = True
        return self.words
