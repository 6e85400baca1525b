"""Every protocol by name. A new one is a module with a ``Protocol`` and a row here."""

from streamscope.wire.anthropic import Anthropic
from streamscope.wire.base import Protocol
from streamscope.wire.gemini import Gemini
from streamscope.wire.llamacpp import LlamaCppCompletion
from streamscope.wire.lmstudio import LMStudio
from streamscope.wire.ollama import OllamaChat, OllamaGenerate
from streamscope.wire.openai_chat import OpenAIChat
from streamscope.wire.openai_completions import OpenAICompletions
from streamscope.wire.openai_responses import OpenAIResponses
from streamscope.wire.text import PlainText, PlainTextGet
from streamscope.wire.token_sse import TokenSse, TokenSseGet
from streamscope.wire.websocket import WebSocket, WebSocketText

PROTOCOLS: dict[str, Protocol] = {
    speaker.name: speaker
    for speaker in (
        OllamaChat(),
        OllamaGenerate(),
        OpenAIChat(),
        OpenAICompletions(),
        OpenAIResponses(),
        LlamaCppCompletion(),
        Anthropic(),
        Gemini(),
        LMStudio(),
        TokenSse(),
        TokenSseGet(),
        PlainText(),
        PlainTextGet(),
        WebSocket(),
        WebSocketText(),
    )
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
