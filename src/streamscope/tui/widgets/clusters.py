"""What a terminal shows as one character, and how wide it is. Pure.

A *cluster* is an emoji of several parts, a letter with its marks, a flag, or a plain character.
Text must not be cut inside one. Widths are those of ``rich.cells``, by which Textual draws.
"""

import re
from collections.abc import Iterator
from typing import Final

from rich.cells import cell_len, get_character_cell_size

MAX_CLUSTER: Final = 32
"""Code points that one cluster may have; what goes beyond it is drawn as something broken."""

_JOINER = "\u200d"
_EMOJI_STYLE = "\ufe0f"

# Text of these alone is one cell a character, whatever comes beside it: most Western prose and
# code. Python's own string search then does the work of the general walk.
_all_simple = re.compile(
    "[ -~\xa0-\xac\xae-\u02ff\u0370-\u0482\u048a-\u052f\u2010-\u2027\u2030-\u205e\u2190-\u22ff"
    "\u2500-\u25fc]*"
).fullmatch


def is_simple(text: str) -> bool:
    """Whether every character is a cluster of one cell, whatever text comes beside it."""
    return _all_simple(text) is not None


def clusters(text: str) -> Iterator[tuple[int, int, int]]:
    """Yield what a terminal shows as one character: start, end and width in cells.

    A tab is a cluster of no width: that depends on where it stands. A cluster that begins with
    a mark or a joiner has nothing to sit on; it is one cell wide.
    """
    position = 0
    total = len(text)
    while position < total:
        start = position
        char = text[start]
        position += 1
        if char == "\t":
            yield start, position, 0
            continue
        width = get_character_cell_size(char)
        composed = char == _JOINER
        if composed:
            position = start
        elif _is_flag_half(char) and position < total and _is_flag_half(text[position]):
            width += get_character_cell_size(text[position])
            position += 1
        limit = min(total, start + MAX_CLUSTER)
        while position < limit:
            char = text[position]
            if char == _JOINER:
                composed = True
                position += 2 if position + 1 < limit else 1
            elif char != "\t" and get_character_cell_size(char) == 0:
                composed = composed or char == _EMOJI_STYLE
                position += 1
            else:
                break
        if is_broken(text[start]):
            width = 1
        elif composed:
            width = cell_len(text[start:position])
        yield start, position, width


def is_broken(char: str) -> bool:
    """Whether a cluster that begins with this character has nothing to sit on."""
    return get_character_cell_size(char) == 0


def snap(text: str, offset: int, *, up: bool) -> int:
    """Move an offset that lies inside a cluster to its end, or to its start."""
    if offset <= 0 or offset >= len(text) or is_simple(text):
        return offset
    for start, end, _ in clusters(text):
        if end > offset:
            return offset if start == offset else (end if up else start)
    return offset


def _is_flag_half(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"
