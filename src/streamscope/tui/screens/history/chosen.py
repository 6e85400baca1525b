"""What the person wants the main screen to do after looking at the history."""

from collections.abc import Mapping
from typing import TypeAlias

import msgspec

from streamscope.plan import Plan
from streamscope.trace import ChannelName, Request, Run, Target


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
        target: The server, as it was called.
        engine: Name of the engine of ours that answered, or empty.
    """

    request: Request
    plan: Plan
    target: Target
    engine: str


class UsePrompt(msgspec.Struct, frozen=True, kw_only=True):
    """Put a prompt into the editor.

    Attributes:
        text: The prompt.
    """

    text: str


Chosen: TypeAlias = Replay | Rerun | UsePrompt
"""One of them."""
