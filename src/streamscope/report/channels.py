"""What the two channels of a comparison are called wherever they stand side by side."""

import re
from collections.abc import Sequence
from itertools import accumulate, zip_longest

from rich.cells import cell_len

from streamscope.report.words import NONE, plain
from streamscope.sides import Sides
from streamscope.trace import ChannelName, Mode

LONGEST_HEAD = 28
"""Characters of a column's head, at most, unless it may take several lines."""

_IN_WORD = re.compile(r"[A-Za-z0-9]")

LONGEST_NAME = 48
"""Characters of a channel's name in a sentence, at most."""


def head(sides: Sides | None, channel: ChannelName, mode: Mode, longest: int = LONGEST_HEAD) -> str:
    """Return what stands above a channel's column, plain: ``A stream``, ``B qwen3:8b``.

    Args:
        sides: Both channels; ``None`` where only one is known.
        channel: The channel.
        mode: How it delivers.
        longest: Characters, at most.
    """
    if sides is None or sides.question == "delivery":
        return f"{channel} {mode}"
    return f"{channel} {name(sides, channel, longest - 2)}"


def name(sides: Sides, channel: ChannelName, longest: int = LONGEST_NAME) -> str:
    """Return what tells a channel from the other, plain: ``qwen3:8b``.

    Too long a name loses what does not tell it from the other one.
    """
    mine = plain(sides.name(channel)) or NONE
    other = plain(sides.name("B" if channel == "A" else "A"))
    return told_apart(mine, other, longest)


def told_apart(mine: str, other: str, room: int) -> str:
    """Return a name in so many cells; too long, it keeps what tells it from another one.

    That is its beginning, or its end where both begin alike, or the word in the middle in which
    they differ: ``…70B-Instru…``.
    """
    if _cells(mine) <= room:
        return mine
    begin, end = _difference(mine, other)
    begins = _first(mine, room - 1)
    if end <= len(begins):
        return f"{begins.rstrip()}…"
    ends = _first(mine[::-1], room - 1)[::-1]
    if len(mine) - len(ends) <= begin:
        return f"…{ends}"
    return f"…{_first(mine[begin:], room - 2)}…"


def _difference(mine: str, other: str) -> tuple[int, int]:
    """Return where the first word begins and ends in which a text differs from another one.

    Half a word would be another one: 0B for 70B.
    """
    pairs = enumerate(zip_longest(mine, other))
    begin = next((at for at, (one, two) in pairs if one != two), len(mine))
    end = min(begin + 1, len(mine))
    while begin and _IN_WORD.match(mine[begin - 1]):
        begin -= 1
    while end < len(mine) and _IN_WORD.match(mine[end]):
        end += 1
    return begin, end


def _first(text: str, room: int) -> str:
    """Return as much of the beginning of a text as so many cells hold."""
    widths = accumulate(map(_cells, text))
    return text[: sum(width <= room for width in widths)]


def _cells(text: str) -> int:
    """Return the cells that a text takes: no character less than one, as not all show that."""
    return sum(max(cell_len(char), 1) for char in text)


def pair_name(sides: Sides) -> str:
    """Name both, plain: ``A (qwen3:8b) against B (llama3.2:3b)``."""
    return f"A ({name(sides, 'A')}) against B ({name(sides, 'B')})"


def report_title(compared: Sequence[Sides | None]) -> str:
    """Return what stands above a report of comparisons.

    Args:
        compared: The channels of each; ``None`` where only one is known.
    """
    if all(sides is None or sides.question == "delivery" for sides in compared):
        return "Streaming or blocking?"
    named = {"" if sides is None else pair_name(sides) for sides in compared}
    return named.pop() if len(named) == 1 else "A against B"
