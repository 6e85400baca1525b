"""Whether a process that says nothing is still there.

A process that hangs, or that somebody has stopped, says nothing, just as one whose server thinks.
So it is asked, but only while it has something to do: at rest there is no timer.
"""

import asyncio
from collections.abc import Callable

ASK_S = 1.0
"""How long it may say nothing before it is asked, and asked again, in seconds."""

UNANSWERED = 10
"""How many questions in a row may stay without an answer."""


class Liveness:
    """Asks while there is something to wait for, and gives up at last.

    Silences are counted, not timed: where the machine has slept, or whoever asks was stopped as
    well, one of them may have lasted for hours and says nothing.
    """

    def __init__(
        self,
        *,
        busy: Callable[[], bool],
        ask: Callable[[], object],
        give_up: Callable[[], object],
    ) -> None:
        """Prepare; nothing is asked yet.

        Args:
            busy: Tells whether there is something to wait for.
            ask: Asks; whatever is answered must be told to ``heard``.
            give_up: Called when too many questions were not answered.
        """
        self._busy = busy
        self._ask = ask
        self._give_up = give_up
        self._silences = 0
        self._timer: asyncio.TimerHandle | None = None

    def watch(self) -> None:
        """Begin to ask, as something has been begun."""
        self._silences = 0
        if self._timer is None:
            self._wait()

    def heard(self) -> None:
        """Note a sign of life."""
        self._silences = 0

    def _wait(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(ASK_S, self._look)

    def _look(self) -> None:
        self._timer = None
        if not self._busy():
            return
        self._silences += 1
        if self._silences > UNANSWERED + 1:
            self._give_up()
            return
        if self._silences > 1:
            self._ask()
        self._wait()
