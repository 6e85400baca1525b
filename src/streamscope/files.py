"""Files that are there whole or not at all."""

import contextlib
import os
from pathlib import Path


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
