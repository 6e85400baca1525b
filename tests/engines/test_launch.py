"""The chosen engine is started; the simulator takes over only where it may."""

from pathlib import Path

import pytest

from streamscope.engines.choose import Choice
from streamscope.engines.engine import EngineError
from streamscope.engines.launch import launch
from streamscope.engines.weights import Progress
from streamscope.trace import Target

LOCAL = Choice(kind="local", target=None, reason="It was asked for.", contended=True)


def nothing(_phase: str | Progress) -> None:
    """Ignore a phase or progress."""


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    path = tmp_path / "broken.gguf"
    path.write_bytes(b"GGUF and nothing else")
    return path


async def test_the_local_model_is_started_with_weights_that_are_there(gguf: Path) -> None:
    launched = await launch(LOCAL, cache_dir=gguf.parent, report=nothing, progress=nothing)
    try:
        assert launched.engine.name == "local"
        assert launched.reason == "It was asked for."
    finally:
        launched.engine.close()


async def test_the_simulator_takes_over_and_says_why(broken: Path) -> None:
    phases: list[str] = []
    launched = await launch(
        LOCAL, cache_dir=broken.parent, gguf=broken, report=phases.append, progress=nothing
    )
    try:
        assert launched.engine.name == "simulator"
        assert launched.reason.startswith("llama.cpp could not load broken.gguf")
        assert launched.reason.endswith("; so the simulator answers.")
        assert phases == ["loading model", "starting simulator"]
    finally:
        launched.engine.close()


async def test_nothing_takes_over_where_it_may_not(broken: Path) -> None:
    with pytest.raises(EngineError, match=r"could not load broken\.gguf"):
        await launch(
            LOCAL,
            cache_dir=broken.parent,
            gguf=broken,
            fallback=False,
            report=nothing,
            progress=nothing,
        )


async def test_a_running_server_is_not_started(tmp_path: Path) -> None:
    target = Target(protocol="ollama-chat", url="http://127.0.0.1:1", model="m")
    choice = Choice(kind="server", target=target, reason="", contended=True)
    with pytest.raises(ValueError, match="there already"):
        await launch(choice, cache_dir=tmp_path, report=nothing, progress=nothing)
