"""Ask a server for pages that tell what it is; whatever comes back is borne."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import msgspec

Fetch = Callable[[str, float], Awaitable[tuple[int, bytes]]]
"""GET a URL within so many seconds; return status and body, or raise ``OSError``."""

_OK = 200
_PAGE = (b"<!doctype", b"<html")


class Answer(msgspec.Struct, frozen=True):
    """One reply.

    Attributes:
        status: Its status; 0 for none.
        json: Its JSON object; empty for anything else.
        is_page: Whether it is a page for people, in HTML.
    """

    status: int
    json: dict[str, Any]
    is_page: bool = False

    def __bool__(self) -> bool:
        return self.status == _OK and bool(self.json)

    def text(self, member: str) -> str:
        """Return a member that is text; empty if it is not."""
        value = self.json.get(member)
        return value if isinstance(value, str) else ""

    def count(self, member: str) -> int | None:
        """Return a member that is a whole number."""
        value = self.json.get(member)
        return value if isinstance(value, int) else None


async def ask(fetch: Fetch, root: str, paths: Iterable[str], timeout_s: float) -> list[Answer]:
    """GET several pages at once."""
    return await asyncio.gather(*(get(fetch, root + path, timeout_s) for path in paths))


async def get(fetch: Fetch, url: str, timeout_s: float) -> Answer:
    """GET a page; one that does not come in time is none."""
    try:
        async with asyncio.timeout(timeout_s):
            status, body = await fetch(url, timeout_s)
    except OSError:  # a timeout is one too
        return Answer(0, {})
    try:
        return Answer(status, msgspec.json.decode(body, type=dict[str, Any]))
    except msgspec.DecodeError:
        return Answer(status, {}, body.lstrip()[:16].lower().startswith(_PAGE))
