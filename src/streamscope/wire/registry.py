"""Every protocol by name. A new one is a module with a ``Protocol`` and a row here."""

from streamscope.wire.base import Protocol
from streamscope.wire.ollama import OllamaChat, OllamaGenerate
from streamscope.wire.openai_chat import OpenAIChat

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
