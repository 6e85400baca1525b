"""How answers look on the wire: one class a protocol, without time or sockets.

A new protocol is one more ``Shape`` here and one more route in ``routes``.
"""

from streamscope.engines.shapes.anthropic import AnthropicMessages
from streamscope.engines.shapes.base import Shape, timestamp
from streamscope.engines.shapes.homemade import Messages, PlainText, Tokens
from streamscope.engines.shapes.ollama import Ollama, OllamaChat, OllamaGenerate
from streamscope.engines.shapes.openai import OpenAIChat, OpenAICompletions, OpenAIRoute
from streamscope.engines.shapes.responses import OpenAIResponses

__all__ = [
    "AnthropicMessages",
    "Messages",
    "Ollama",
    "OllamaChat",
    "OllamaGenerate",
    "OpenAIChat",
    "OpenAICompletions",
    "OpenAIResponses",
    "OpenAIRoute",
    "PlainText",
    "Shape",
    "Tokens",
    "timestamp",
]
