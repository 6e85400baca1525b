"""Going through older prompts, like through the lines of a shell."""

from collections.abc import Callable


class Recall:
    """Remembers where in the older prompts the person is, and what they had typed before."""

    def __init__(self) -> None:
        self._older: list[str] = []
        self._at = -1
        self._draft = ""

    def forget(self) -> None:
        """Begin at the newest again."""
        self._at = -1

    def step(self, step: int, text: str, prompts: Callable[[str], list[str]]) -> str | None:
        """Go one prompt on.

        Args:
            step: 1 for an older one, -1 for a newer one.
            text: What the editor holds.
            prompts: Returns older prompts that contain a text, the newest first.

        Returns:
            What the editor is to hold, or ``None`` where there is nothing further.
        """
        if self._at < 0:
            if step < 0:
                return None
            self._draft = text
            self._older = [prompt for prompt in prompts("") if prompt != text]
        at = self._at + step
        if at >= len(self._older) or at < -1:
            return None
        self._at = at
        return self._draft if at < 0 else self._older[at]
