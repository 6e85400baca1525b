"""Servers that were named once, as one small JSON file in the cache: what they were, never keys.

So a server that is busy or still starting is spoken to as it was the last time, and whoever typed
a URL once finds it among the targets.
"""

import contextlib
from pathlib import Path

import msgspec

from streamscope import files
from streamscope.engines.found import Found

MOST = 20
"""Servers that are remembered."""

MOST_BYTES = 4 * 1024 * 1024
"""No such file is longer: a larger one is something else."""

MOST_MODELS = 200
"""Models of a server that are remembered."""

SCHEMA = "streamscope/servers/1"
"""The format that this version reads."""


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A server that was named.

    Attributes:
        url: The URL that the person gave, in its plain form.
        found: What it was.
    """

    url: str
    found: Found


class _Book(msgspec.Struct, frozen=True, kw_only=True):
    schema: str = SCHEMA
    servers: list[Known]
    named: list[str] = []


def read(path: Path) -> list[Known]:
    """Return the servers that are remembered, the last one first.

    None are where there is no such file, or a damaged one, or one of a newer version.
    """
    return _read(path).servers


def named(path: Path) -> list[str]:
    """Return the URLs that the person named, in their plain form, the last one first."""
    return _read(path).named


def _read(path: Path) -> _Book:
    try:
        with path.open("rb") as file:
            book = msgspec.json.decode(file.read(MOST_BYTES), type=_Book)
    except (OSError, ValueError):  # every error of msgspec's decoder is a ValueError
        return _Book(servers=[])
    return book if book.schema == SCHEMA else _Book(servers=[])


def known(path: Path, url: str) -> Found | None:
    """Return what was found at a URL the last time; ``None`` if it is not known."""
    return next((each.found for each in read(path) if each.url == url), None)


def remember(path: Path, url: str, found: Found) -> None:
    """Keep what was found at a URL, for its owner alone.

    Where that is not possible nothing is kept: it is a convenience, and can be found out again.
    """
    book = _read(path)
    before = book.servers
    if before and before[0] == Known(url=url, found=found):
        return
    names = found.models[:MOST_MODELS]
    few = msgspec.structs.replace(
        found, models=names, capabilities={name: found.about(name) for name in names}
    )
    servers = [Known(url=url, found=few), *(each for each in before if each.url != url)]
    _write(path, _Book(servers=servers[:MOST], named=book.named))


def name(path: Path, url: str) -> None:
    """Keep that the person named a URL, whatever is known of what is there; like ``remember``."""
    book = _read(path)
    if book.named[:1] != [url]:
        urls = [url, *(each for each in book.named if each != url)]
        _write(path, _Book(servers=book.servers, named=urls[:MOST]))


def _write(path: Path, book: _Book) -> None:
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        files.replace(path, msgspec.json.encode(book))
