"""Start the engine that was chosen, and take the simulator if the real model cannot be had."""

from collections.abc import Callable
from pathlib import Path

import msgspec

from streamscope.engines import local, simulator, weights
from streamscope.engines.choose import Choice
from streamscope.engines.engine import Engine, EngineError
from streamscope.engines.weights import Progress


class Launched(msgspec.Struct, frozen=True):
    """An engine that runs, and why it is this one.

    Attributes:
        engine: The engine.
        reason: One sentence for the screen.
    """

    engine: Engine
    reason: str


async def launch(
    choice: Choice,
    *,
    cache_dir: Path,
    gguf: Path | None = None,
    profile: str = "default",
    slots: int = 1,
    fallback: bool = True,
    report: Callable[[str], None],
    progress: Callable[[Progress], None],
) -> Launched:
    """Start the engine of a choice; cancelling stops whatever was begun.

    Args:
        choice: What to start; not a server.
        cache_dir: Where the weights of the demo model are kept.
        gguf: A model of the person's own to serve in its place.
        profile: The simulator's profile.
        slots: How many requests the simulator answers at once.
        fallback: Whether the simulator may take over if the local model cannot be had.
        report: Told each phase, in words for the screen.
        progress: Told how far a download is.

    Raises:
        EngineError: The engine could not be had, and no other may take over.
    """
    if choice.kind == "server":
        raise ValueError("a server is there already")
    reason = choice.reason
    if choice.kind == "local":
        try:
            path = weights.own(gguf) if gguf else await weights.ensure(cache_dir, progress)
            return Launched(await local.start(path, report=report), reason)
        except EngineError as error:
            if not fallback:
                raise
            reason = f"{str(error).rstrip('.')}; so the simulator answers."
    engine = await simulator.start(report=report, profile=profile, slots=slots)
    return Launched(engine, reason)
