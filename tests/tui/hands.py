"""How somebody sits at an app in a test: presses keys, and waits until they were dealt with.

The pilot's own ways wait for a quiet processor, 20 ms at least and a second while text streams. It
is enough to wait until every widget has dealt with what it was told.
"""

import time
from collections.abc import Callable

from textual import events
from textual.pilot import Pilot

PATIENCE_S = 20.0
"""How long anything that must happen may take, s: on a machine with much else to do, too."""

_ROUNDS = 4
"""What a key sets off is told from widget to widget, so often at most."""


async def settle(pilot: Pilot[None]) -> None:
    """Wait until every widget has dealt with what it was told, and those with what follows."""
    for _ in range(_ROUNDS):
        await pilot.pause(0)


async def press(pilot: Pilot[None], *keys: str) -> None:
    """Press keys, one after the other, and wait until the app has dealt with each."""
    for key in keys:
        pilot.app.post_message(events.Key(key, key if len(key) == 1 else None))
        await settle(pilot)


async def write(pilot: Pilot[None], text: str) -> None:
    """Type a text."""
    for char in text:
        pilot.app.post_message(events.Key("space" if char == " " else char, char))
    await settle(pilot)


async def until(
    pilot: Pilot[None], condition: Callable[[], object], told: Callable[[], str]
) -> None:
    """Wait until something holds; fail if that takes too long, and say what was awaited."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {told()}"
        await pilot.pause(0.005)
    await settle(pilot)
