"""What a part brings with it: the core runs without a screen, and the first picture comes soon."""

import subprocess
import sys

import pytest


def loaded(*modules: str) -> set[str]:
    """Return all modules that a fresh interpreter has after importing some."""
    code = f"import {', '.join(modules)}, sys; print(*sys.modules, sep='\\n')"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], check=True, capture_output=True, text=True
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "module",
    [
        "streamscope.probe.__main__",
        "streamscope.trial.session",
        "streamscope.trial.calibration",
        "streamscope.measure.figures",
        "streamscope.report.table",
        "streamscope.history",
        "streamscope.wire.registry",
        "streamscope.settings",
    ],
)
def test_the_core_needs_no_screen(module: str) -> None:
    assert loaded(module).isdisjoint({"textual", "textual_enhanced"})


def test_the_screen_comes_up_without_what_only_servers_and_probes_need() -> None:
    modules = loaded("streamscope.cli", "streamscope.tui.app", "streamscope.cli.screen")
    assert "textual" in modules
    late = {"httpx", "httpcore", "uvicorn", "starlette", "xllamacpp", "numpy", "scipy", "tomlkit"}
    assert modules.isdisjoint(late)


def test_a_version_is_printed_without_loading_anything_large() -> None:
    modules = loaded("streamscope.cli")
    assert modules.isdisjoint({"textual", "httpx", "asyncio", "sqlite3", "rich"})
