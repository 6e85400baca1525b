"""Ctrl-C where something is to be finished first."""

import signal
from types import FrameType, TracebackType
from typing import Any, Self


class Interruption:
    """Takes Ctrl-C as long as it is open: it interrupts as usual, but for what is held.

    Attributes:
        asked: Whether somebody wanted to interrupt.
    """

    def __init__(self) -> None:
        self.asked = False
        self._held = False
        self._usual: Any = None

    def __enter__(self) -> Self:
        self._usual = signal.signal(signal.SIGINT, self._interrupt)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        signal.signal(signal.SIGINT, self._usual)

    def hold(self) -> None:
        """Let what comes be finished: whoever holds it asks ``asked`` when it is."""
        self._held = True

    def release(self) -> None:
        """Be interrupted as usual from now on."""
        self._held = False

    def _interrupt(self, signum: int, frame: FrameType | None) -> None:
        del signum, frame
        self.asked = True
        if not self._held:
            raise KeyboardInterrupt
