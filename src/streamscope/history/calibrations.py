"""The newest calibration of this machine, as one small JSON file beside the history.

It holds for the machine that made it and for no other: a file that came along with a home folder
is as good as none.
"""

import contextlib
import functools
import hashlib
import os
import platform
import sys
from pathlib import Path

import msgspec

from streamscope import files
from streamscope.calibration import Calibration
from streamscope.history.errors import HistoryError
from streamscope.trace import Clock

MOST_BYTES = 1024 * 1024
"""No calibration is longer: a larger file is something else."""

SCHEMA = "streamscope/calibration/1"
"""The format that this version reads."""

_MACHINE_IDS = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))


@functools.cache
def machine_id() -> str:
    """Return an opaque name of this machine: 16 hexadecimal digits that tell nothing about it.

    It changes with the kind and number of processors, because times do, too.
    """
    parts = (platform.system(), platform.machine(), str(os.cpu_count()), _system_id())
    return hashlib.sha256("\n".join(("streamscope", *parts)).encode()).hexdigest()[:16]


def read(path: Path) -> Calibration | None:
    """Return the calibration at ``path``; ``None`` if there is none that holds on this machine.

    Whatever is there instead, such as a damaged file or one of another machine or of a newer
    version, is left alone.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        found = msgspec.json.decode(data, type=Calibration)
    except (OSError, ValueError):  # every error of msgspec's decoder is a ValueError
        return None
    known = found.schema == SCHEMA and found.machine == machine_id()
    return found if known and len(data) <= MOST_BYTES else None


def write(path: Path, calibration: Calibration) -> None:
    """Keep a calibration at ``path``, for its owner alone, in place of the one before.

    Whoever reads meanwhile finds the old or the new one, never a part.

    Raises:
        HistoryError: It cannot be written; one sentence says why.
    """
    try:
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.parent.chmod(0o700)
        files.replace(path, msgspec.json.format(msgspec.json.encode(calibration)) + b"\n")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise HistoryError(
            f"The calibration cannot be kept in {path} ({reason}): make its directory writable, "
            "or choose another place for it."
        ) from error


def error_ns(calibration: Calibration | None, clock: Clock) -> int | None:
    """Return by how much an arrival time of a clock may be wrong, ns; ``None`` if not known."""
    return None if calibration is None else calibration.error_ns_p99.get(clock)


def _system_id() -> str:
    """Return what the system calls this machine; its name in the network where it has no other."""
    if sys.platform == "win32":
        import winreg

        with (
            contextlib.suppress(OSError),
            winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, r"SOFTWARE\Microsoft\Cryptography") as key,
        ):
            return str(winreg.QueryValueEx(key, "MachineGuid")[0])
    for file in _MACHINE_IDS:
        with contextlib.suppress(OSError):
            if text := file.read_text(errors="replace").strip():
                return text
    return platform.node()
