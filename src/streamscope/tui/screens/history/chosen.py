"""What the person wants the main screen to do after looking at the history."""

from collections.abc import Mapping
from typing import TypeAlias

import msgspec

from streamscope.plan import Plan
from streamscope.sides import Sides
from streamscope.trace import ChannelName, Request, Run


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """Play these runs again.

    Attributes:
        pair: The runs, by side.
    """

    pair: Mapping[ChannelName, Run]


class Rerun(msgspec.Struct, frozen=True, kw_only=True):
    """Measure the same once more.

    Attributes:
        request: What is asked.
        plan: How.
        sides: Both channels, as they were.
    """

    request: Request
    plan: Plan
    sides: Sides


class UsePrompt(msgspec.Struct, frozen=True, kw_only=True):
    """Put a prompt into the editor.

    Attributes:
        text: The prompt.
    """

    text: str


Chosen: TypeAlias = Replay | Rerun | UsePrompt
"""One of them."""
