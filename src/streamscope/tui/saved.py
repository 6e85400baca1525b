"""Where something was saved, so that a person finds it: the name whole, the folder if it fits."""

from itertools import count
from pathlib import Path
from typing import Final

from rich.cells import cell_len

from streamscope.tui.widgets.sanitize import one_line

_WIDEST: Final = 60
"""Cells of a message, at most; it takes no more than half of the screen."""

_AROUND: Final = 3
"""Cells of it that are no text."""

_LONGEST: Final = 4096
"""Cells of a path, at most."""


def free_name(folder: Path, stem: str, ending: str) -> str:
    """Return a name that no file has yet: ``stem.svg``, or else ``stem-2.svg`` and so on."""
    names = (f"{stem}{'' if n == 1 else f'-{n}'}{ending}" for n in count(1))
    return next(name for name in names if not (folder / name).exists())


def saved_words(said: str, path: Path, width: int) -> str:
    """Say where a file is, on lines that a message on the screen need not break.

    Args:
        said: What was done.
        path: The file.
        width: Cells of the screen. A folder that is too long loses its beginning, never its end.
    """
    room = min(_WIDEST, width // 2) - _AROUND
    whole = path.absolute()
    folder = one_line(_from_home(whole.parent), _LONGEST)
    told = f"in {folder}"
    while cell_len(told) > room and len(folder) > 1:
        folder = folder[1:]
        told = f"in …{folder}"
    return "\n".join([said, one_line(whole.name, _LONGEST), told])


def _from_home(folder: Path) -> str:
    """Write a folder, the person's own as ``~``."""
    try:
        return str(Path("~") / folder.relative_to(Path.home()))
    except (ValueError, RuntimeError):  # it lies elsewhere, or nobody knows where home is
        return str(folder)
