"""What a machine is, in a line or two, without its name."""

import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path


def machine(packages: Mapping[str, str]) -> list[str]:
    """Return what results depend on: processor, system, versions, and how busy it is now.

    Args:
        packages: Version of each package that takes part, beside ours.
    """
    versions = {name: version(name) for name in ("streamscope", "httpx", "textual")}
    named = ", ".join(f"{name} {number}" for name, number in {**versions, **packages}.items())
    loads = " ".join(f"{load:.2f}" for load in os.getloadavg())
    system = f"{platform.system()} {platform.release()}, Python {sys.version.split()[0]}"
    return [f"{os.cpu_count()} cores ({_processor()}), {system}, load before {loads}", named]


def _processor() -> str:
    """Return the processor's name where Linux tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def package_version(python: Path, package: str) -> str:
    """Return the version of a package that another Python has; empty if it has none."""
    code = f"from importlib.metadata import version; print(version({package!r}))"
    done = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""
