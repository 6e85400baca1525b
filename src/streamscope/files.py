"""Files that are there whole or not at all."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_SHORT = 40
"""Characters of a file's name in that of the part that becomes it."""


def replace(path: Path, content: bytes, *, keep_mode: bool = False) -> None:
    """Put a file in place of another at once: whoever reads it finds the old or the new one.

    Args:
        path: The file; its folder must be there.
        content: The new content.
        keep_mode: Whether who may read it stays as it was; else only its owner may (0600).

    Raises:
        OSError: It can't be written; the old one stays.
    """
    import shutil  # the first picture writes no file
    import tempfile

    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-")
    try:
        with os.fdopen(handle, "wb") as new:
            new.write(content)
        if keep_mode and path.exists():
            shutil.copymode(path, name)
        Path(name).replace(path)
    except BaseException:  # whatever it is, nothing of ours is left behind
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


@contextlib.contextmanager
def writing(path: Path) -> Iterator[BinaryIO]:
    """Write a file of any size; if that ends in an error, or is interrupted, the old one stays.

    What is written stands beside the file until it is whole. What can't be replaced is written to
    as it is: a pipe, a device, or a file in a folder in which no other may be made.

    Args:
        path: The file; its folder must be there. It may be read as far as new files usually may.

    Raises:
        OSError: It can't be written.
    """
    path = Path(os.path.realpath(path))  # a link stays one
    if path.exists() and not (path.is_file() and os.access(path.parent, os.W_OK)):
        with path.open("wb") as file:
            yield file
        return
    beside = path.with_name(f".{path.name[:_SHORT]}.{os.getpid()}.part")
    try:
        with beside.open("wb") as file:
            yield file
        if path.exists():
            beside.chmod(path.stat().st_mode & 0o777)
        beside.replace(path)
    except BaseException:  # whatever it is, nothing of ours is left behind
        beside.unlink(missing_ok=True)
        raise
