"""Make untrusted text harmless before it reaches a terminal.

What a model writes is data. A control character in it must not move the cursor, an escape
sequence must not change a colour, and an invisible character must not make text read
differently from what it is. Everything of that kind is replaced by something that can be seen;
nothing is interpreted, markup neither.
"""

import re
import unicodedata
from typing import Final

from rich.cells import cell_len, set_cell_size

REPLACEMENT: Final = "\ufffd"
"""Stands for a character that may not be shown and has no picture of its own."""

MAX_MARKS: Final = 30
"""Combining marks that one character may carry, the limit of Unicode's Stream-Safe Text."""

MAX_JOINS: Final = 5
"""Joiners in one emoji; the longest in use, a family of four, has three."""

MAX_TAGS: Final = 7
"""Tag characters in one flag, the closing one included: England's has six."""

_JOINER = "\u200d"
_MARKS = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_SELECTORS = "\ufe00-\ufe0f\u180b-\u180d\u180f\U000e0100-\U000e01ef"
_TAGS = "\U000e0020-\U000e007f"
_NONCHARACTERS = "\ufdd0-\ufdef" + "".join(
    f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000)
)

_ATTENTION = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f\xad"  # C0 but tab and newline, DEL, C1, soft hyphen
    "\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f"  # marks of direction, joiners, isolates
    "\u115f\u1160\u17b4\u17b5\u180e\u3164\uffa0"  # letters that look like nothing
    "\ufeff\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    "\ud800-\udfff" + _MARKS + _SELECTORS + _NONCHARACTERS + "]"
)
_IS_MARK = re.compile(f"[{_MARKS}]").match
_IS_SELECTOR = re.compile(f"[{_SELECTORS}]").match
_IS_TAG = re.compile(f"[{_TAGS}]").match
_SPACE_RUN = re.compile(r"\s+")

_FIXED: Final[dict[str, str]] = {
    **{chr(code): chr(0x2400 + code) for code in range(0x20)},  # control pictures: ESC is ␛
    "\x7f": "\u2421",
    "\xad": "\u2027",  # a hyphenation point says where the word may be broken
    "\u2028": "\n",
    "\u2029": "\n",
}


class Sanitizer:
    """Makes text harmless that comes in pieces, wherever the pieces were cut.

    Feeding the pieces of a text gives the same as feeding the text whole. A joiner at the very
    end of a piece is held back, because only the next character tells what it joins.
    """

    def __init__(self) -> None:
        self._reset()

    def _reset(self) -> None:
        self._held = ""
        self._after_return = False
        self._base = ""  # the last character that stands by itself
        self._last = ""  # the last character given out
        self._extras = 0  # what was added to the base since
        self._joins = 0  # joiners since the last character that was not joined

    def feed(self, text: str) -> str:
        """Return the harmless form of the next piece."""
        text, self._held = self._held + self._unify_newlines(text), ""
        parts: list[str] = []
        position = 0
        for match in _ATTENTION.finditer(text):
            at = match.start()
            if at > position:
                parts.append(self._plain(text[position:at]))
            position = at + 1
            if text[at] != _JOINER:
                parts.append(self._special(text[at]))
            elif position < len(text):
                parts.append(self._joiner(text[position]))
            else:
                self._held = _JOINER
        if position < len(text):
            parts.append(self._plain(text[position:]))
        return "".join(parts)

    def finish(self) -> str:
        """Return what was still held back, and start afresh."""
        rest = REPLACEMENT if self._held else ""
        self._reset()
        return rest

    def _unify_newlines(self, text: str) -> str:
        """Write every kind of line end as a newline; a pair may be cut over two pieces."""
        if not text:
            return text
        if self._after_return and text[0] == "\n":
            text = text[1:]
            self._after_return = False
        if text:
            self._after_return = text[-1] == "\r"
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        return text

    def _plain(self, text: str) -> str:
        """Pass text on as it is, and take note of how it ends."""
        if len(text) > 1 or self._last != _JOINER:
            self._joins = 0
        self._base = self._last = text[-1]
        self._extras = 0
        return text

    def _stand_alone(self, char: str) -> str:
        self._base = self._last = char
        self._extras = self._joins = 0
        return char

    def _extend(self, char: str) -> str:
        self._last = char
        self._extras += 1
        return char

    def _special(self, char: str) -> str:
        """Return what stands for a character that needs attention and is no joiner."""
        if char in _FIXED:
            return self._stand_alone(_FIXED[char])
        carried = self._base not in ("", REPLACEMENT) and not self._base.isspace()
        if _IS_MARK(char):
            if carried and self._extras < MAX_MARKS:
                return self._extend(char)
        elif _IS_SELECTOR(char):
            if carried and not _IS_SELECTOR(self._last):
                return self._extend(char)
        elif _IS_TAG(char):
            if self._base == "\U0001f3f4" and self._extras < MAX_TAGS:
                return self._extend(char)
        elif char in "\u200b\u200c" and _joins_letters(self._last):
            return self._extend(char) if char == "\u200c" else ""
        return self._stand_alone(REPLACEMENT)

    def _joiner(self, following: str) -> str:
        """Return what stands for a joiner before the character that follows it."""
        if _is_pictograph(self._base) and _is_pictograph(following) and self._joins < MAX_JOINS:
            self._joins += 1
            return self._extend(_JOINER)
        if _joins_letters(self._last):
            # Sinhala and others write it in ordinary words. Terminals and their width tables
            # disagree about what it joins; without it, the word stays legible and aligned.
            return ""
        return self._stand_alone(REPLACEMENT)


def sanitize(text: str) -> str:
    """Return the harmless form of a whole text."""
    sanitizer = Sanitizer()
    return sanitizer.feed(text) + sanitizer.finish()


def one_line(text: str, limit: int) -> str:
    """Return the harmless form of a text on one line, at most ``limit`` cells wide.

    Runs of white space become one space; what does not fit is cut, with an ellipsis. The result
    is plain text: a label that shows it must not interpret markup.
    """
    if limit <= 0:
        return ""
    # More than any line can need: a cell holds few characters, and labels are asked for often.
    head = text[: 64 * limit]
    line = _SPACE_RUN.sub(" ", sanitize(head)).strip()
    if cell_len(line) <= limit and len(head) == len(text):
        return line
    return set_cell_size(line, min(limit - 1, cell_len(line))).rstrip() + "…"


def _joins_letters(char: str) -> bool:
    """Whether a character belongs to a script that writes joiners between its letters."""
    return bool(char) and unicodedata.category(char) in ("Lo", "Mn", "Mc")


def _is_pictograph(char: str) -> bool:
    """Whether a character may be a part of an emoji that is joined of several."""
    if not char:
        return False
    return 0x1F000 <= ord(char) <= 0x1FAFF or char in "☠♀♂⚕⚖⚧⛓⛹✈❤➡⬛↔↕"
