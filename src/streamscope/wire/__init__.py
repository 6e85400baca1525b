"""How servers speak: requests out, bytes in, events for the probe. No I/O, and no clock.

A new protocol is one module with a ``Protocol`` and a row in ``PROTOCOLS``.
"""

from streamscope.wire.base import Protocol
from streamscope.wire.ollama import OllamaChat, OllamaGenerate
from streamscope.wire.openai_chat import OpenAIChat

__all__ = ["PROTOCOLS", "protocol"]

PROTOCOLS: dict[str, Protocol] = {
    speaker.name: speaker for speaker in (OllamaChat(), OllamaGenerate(), OpenAIChat())
}
"""All protocols by the name that targets and the command line use."""


def protocol(name: str) -> Protocol:
    """Return the protocol of that name.

    Raises:
        ValueError: There is none; the message lists those that there are.
    """
    try:
        return PROTOCOLS[name]
    except KeyError:
        known = ", ".join(PROTOCOLS)
        raise ValueError(f"No protocol is named “{name}”: choose one of {known}.") from None
