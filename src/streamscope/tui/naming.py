"""What the two channels are called where there is little room: above panes, and in the title line.

What a server wrote becomes harmless here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamscope.sides import MODE_WORDS
from streamscope.tui.widgets.sanitize import one_line

if TYPE_CHECKING:
    from streamscope.sides import Sides
    from streamscope.trace import ChannelName, Mode
    from streamscope.trial.setup import Matchup

USUAL: dict[ChannelName, str] = {"A": "A streaming", "B": "B blocking"}
"""What stands above the panes as long as nobody has said otherwise."""

_OTHER: dict[ChannelName, ChannelName] = {"A": "B", "B": "A"}

NARROWEST = 12
"""Cells that a name has in any case."""

_LONG, _SHORT = 34, 18


def without_mode(sides: Sides, channel: ChannelName) -> str:
    """Name a channel by what tells it from the other beside its mode; empty if nothing does."""
    name = one_line(sides.name(channel), 200)
    if "mode" in sides.differ or not sides.differ:
        name = name.removesuffix(MODE_WORDS[sides.side(channel).mode]).rstrip()
    return name


def pane_title(sides: Sides | None, channel: ChannelName, room: int) -> str:
    """Say what a pane shows: ``A streaming``, or ``A qwen3:8b · streaming``.

    Args:
        sides: Both channels; ``None`` while that is not known.
        channel: Whose pane it is.
        room: Cells that there are. The mode is always said, so the name is cut.
    """
    if sides is None:
        return USUAL[channel]
    mode = MODE_WORDS[sides.side(channel).mode]
    name = without_mode(sides, channel)
    if not name:
        return f"{channel} {mode}"
    left = room - len(channel) - len(mode) - 4
    return f"{channel} {_cut(sides, channel, max(NARROWEST, left))} · {mode}"


def between(sides: Sides | None) -> str:
    """Name both channels shortly: ``A small · B large``; empty where the server is the same."""
    if sides is None or not set(sides.differ) - {"mode"}:
        return ""
    return " · ".join(f"{channel} {_name(sides, channel, short=True)}" for channel in USUAL)


def versus(sides: Sides | None) -> str:
    """Name both channels in a list: ``small vs large``; empty where the server is the same."""
    if sides is None or not set(sides.differ) - {"mode"}:
        return ""
    return " vs ".join(_name(sides, channel, short=True) for channel in USUAL)


def contest(matchup: Matchup, *, short: bool) -> str:
    """Name two channels that ask different servers, and what they have in common.

    Args:
        matchup: What is compared with what.
        short: Whether there is room for what tells most only.
    """
    sides = matchup.sides
    a, b = sides.a, sides.b
    names = [f"{channel} {_name(sides, channel, short=short)}" for channel in USUAL]
    both = {
        "protocol": "" if short else a.target.protocol,
        "model": a.target.model,
        "server": "simulated" if a.engine == "simulator" else a.place,
    }
    common = [said for aspect, said in both.items() if aspect not in sides.differ and said]
    if a.place == b.place and "server" in sides.differ:  # other paths, which their names tell
        common = [said for said in common if said != a.place]
    return " · ".join([*names, *common])


def _name(sides: Sides, channel: ChannelName, *, short: bool) -> str:
    if not short or "model" not in sides.differ:
        return _cut(sides, channel, _SHORT if short else _LONG)
    from streamscope.report.channels import told_apart

    return told_apart(_model(sides, channel), _model(sides, _OTHER[channel]), _SHORT)


def _model(sides: Sides, channel: ChannelName) -> str:
    side = sides.side(channel)
    made_up = side.engine == "simulator" and "server" in sides.differ
    return one_line(f"{'simulated ' if made_up else ''}{side.target.model}", 200)


def _cut(sides: Sides, channel: ChannelName, room: int) -> str:
    """Return a channel's name; too long, it keeps what tells it from the other one."""
    from streamscope.report.channels import told_apart  # not wanted for the first picture

    other = without_mode(sides, _OTHER[channel])
    return told_apart(without_mode(sides, channel), other, room)


def column_head(sides: Sides | None, channel: ChannelName, mode: Mode, room: int) -> str:
    """Return what stands above a column of so many cells: ``A stream``, or ``A qwen3:8b``."""
    if sides is None or sides.question == "delivery" or not without_mode(sides, channel):
        return f"{channel} {mode}"
    return f"{channel} {_cut(sides, channel, room - 2)}"
