"""A virtual environment for each package under comparison: none is a dependency of the project."""

import shlex
import subprocess
import sys
from pathlib import Path

from benchmarks.machine import package_version

PACKAGES = ("openai", "ollama", "servebench", "llm-benchmark-runner", "aiperf")
"""What is compared, as the package index calls it."""


def install(folder: Path) -> int:
    """Make an environment for each package that has none yet; return how many failed."""
    failed = 0
    for package in PACKAGES:
        python = python_of(folder, package)
        if package_version(python, package) if python.exists() else "":
            print(f"{package}: is there")
            continue
        print(f"{package}: installing …", flush=True)
        steps = (
            [sys.executable, "-m", "venv", str(folder / package)],
            [str(python), "-m", "pip", "install", "--quiet", package],
        )
        if any(subprocess.run(step, check=False).returncode for step in steps):
            print(f"{package}: could not be installed")
            failed += 1
    return failed


def python_of(folder: Path, package: str) -> Path:
    """Return where a package's Python is, or would be."""
    return folder / package / "bin" / "python"


def installed(folder: Path | None) -> dict[str, str]:
    """Return the version of each package that is there."""
    if folder is None:
        return {}
    pythons = {name: python_of(folder, name) for name in PACKAGES}
    found = {
        name: package_version(python, name) for name, python in pythons.items() if python.exists()
    }
    return {name: number for name, number in found.items() if number}


def versions(folder: Path | None, vllm: str) -> dict[str, str]:
    """Return the version of everything under comparison: of the packages, and of a vLLM.

    Args:
        folder: Where the packages are.
        vllm: A command that runs vLLM; empty for none.
    """
    found = installed(folder)
    if vllm:
        command = [*shlex.split(vllm), "--version"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        found["vllm"] = (done.stdout.strip().splitlines() or ["of unknown version"])[-1]
    return found
