"""Remember of whom anything was heard while servers were looked for."""

from streamscope.engines.asking import Fetch
from streamscope.engines.reasons import place


class NotAskedError(OSError):
    """A page that was not asked for: whoever fetches says elsewhere why."""


class Heard:
    """A fetch that keeps account of who answered it, whatever the answer was.

    Attributes:
        answered: Hosts and ports that said anything at all.
        unasked: Hosts and ports that were not asked.
    """

    def __init__(self, fetch: Fetch) -> None:
        """Take the fetch that does the work."""
        self._fetch = fetch
        self.answered: set[str] = set()
        self.unasked: set[str] = set()

    async def __call__(self, url: str, timeout_s: float) -> tuple[int, bytes]:
        """GET a URL.

        Raises:
            OSError: There is no answer.
        """
        try:
            reply = await self._fetch(url, timeout_s)
        except NotAskedError:
            self.unasked.add(place(url))
            raise
        self.answered.add(place(url))
        return reply
