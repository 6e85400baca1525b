"""A server that only pretends to be a model, in a process of ours: for trying things out."""

from collections.abc import Callable

from streamscope.engines.child import Announcement, Child
from streamscope.engines.engine import Engine, EngineError
from streamscope.engines.profiles import PROFILES, Profile
from streamscope.trace import Target

CAUTION = "simulated: no model answers, and the timing is made up by a profile."
"""What the screen says while the simulator answers."""

PATHS = {
    "ollama-chat": "",
    "ollama-generate": "",
    "openai-chat": "/v1",
    "openai-completions": "/v1",
    "openai-responses": "/v1",
    "anthropic": "",
    "token-sse": "/v1/completions/stream",
    "token-sse-get": "/v1/completions/stream",
    "text": "/text/stream",
    "text-get": "/text/stream",
    "websocket": "/ws",
    "websocket-text": "/ws",
}
"""What it speaks, and where."""

_START_LIMIT_S = 20.0


async def start(
    *,
    report: Callable[[str], None],
    profile: str = "default",
    profiles: dict[str, Profile] = PROFILES,
    slots: int = 1,
    seed: int = 0,
    timeout_s: float = _START_LIMIT_S,
) -> Engine:
    """Start the simulator and return where it answers.

    All profiles are served, each as a model of its name.

    Args:
        report: Told the phase, in words for the screen.
        profile: The profile that the engine's target names.
        profiles: All profiles.
        slots: How many requests are answered at once; others wait.
        seed: Start of the irregularities of timing.
        timeout_s: How long starting may take, in seconds.

    Raises:
        EngineError: There is no such profile, or the process would not start.
    """
    if profile not in profiles:
        raise EngineError(f"There is no profile {profile!r}: choose from {', '.join(profiles)}.")
    report("starting simulator")
    ordered = {profile: profiles[profile], **profiles}
    child = Child(
        "streamscope.engines.simulator_child",
        {"profiles": ordered, "slots": slots, "seed": seed},
        name="The simulator",
    )
    ready = await child.announced(Announcement, timeout_s)
    return Engine(
        name="simulator",
        target=Target(protocol="ollama-chat", url=ready.url, model=ready.model),
        key=None,
        label=f"simulated answers (profile {profile})",
        caution=CAUTION,
        defaults={},
        process=child,
        models=tuple(profiles),
        speaks={protocol: f"{ready.url}{path}" for protocol, path in PATHS.items()},
    )
