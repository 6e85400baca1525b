"""What the two channels of a comparison are called wherever they stand side by side."""

from collections.abc import Sequence

from streamscope.report.words import NONE, plain
from streamscope.sides import Sides
from streamscope.trace import ChannelName, Mode

LONGEST_HEAD = 28
"""Characters of a column's head, at most, unless it may take several lines."""

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

    Too long a name loses its end, or its beginning where the ends alone differ.
    """
    mine = plain(sides.name(channel)) or NONE
    other = plain(sides.name("B" if channel == "A" else "A"))
    if len(mine) <= longest:
        return mine
    if mine[: longest - 1] == other[: longest - 1]:
        return f"…{mine[1 - longest :]}"
    return f"{mine[: longest - 1].rstrip()}…"


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
