"""Whose key an environment variable holds: to which server, by host and port, it may be sent."""

from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from streamscope.engines.addresses import is_loopback
from streamscope.engines.variables import LLAMA_PORT, llama_url, vendor_base

_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


class Owner(msgspec.Struct, frozen=True, kw_only=True):
    """Whose key a variable holds.

    Attributes:
        variables: Names of the variables; the first that is set counts.
        base: Base URL of the server; empty if the environment names one that can't be called.
        protocol: The protocol of the vendor.
        extra: Headers whose values stand in further variables.
        local: Whether every name of this machine means the same.
    """

    variables: tuple[str, ...]
    base: str
    protocol: str = ""
    extra: tuple[tuple[str, str], ...] = ()
    local: bool = False

    def owns(self, url: str) -> bool:
        """Whether a URL leads to the server that the key is for."""
        if self.local and is_loopback(url) and is_loopback(self.base):
            return authority(url).rpartition(":")[2] == authority(self.base).rpartition(":")[2]
        return bool(self.base) and authority(url) == authority(self.base)


def owners(variables: Mapping[str, str]) -> tuple[Owner, ...]:
    """Return whose keys the environment can hold, with what it says about where they are."""
    openai = vendor_base(variables, "OPENAI_BASE_URL", "https://api.openai.com/v1")
    anthropic = vendor_base(variables, "ANTHROPIC_BASE_URL", "https://api.anthropic.com")
    return (
        Owner(
            variables=("OPENAI_API_KEY",),
            base=openai,
            extra=(
                ("OpenAI-Organization", "OPENAI_ORG_ID"),
                ("OpenAI-Project", "OPENAI_PROJECT_ID"),
            ),
        ),
        Owner(
            variables=("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"),
            base=anthropic,
            protocol="anthropic",
        ),
        Owner(
            variables=("GOOGLE_API_KEY", "GEMINI_API_KEY"),
            base="https://generativelanguage.googleapis.com",
        ),
        Owner(variables=("OLLAMA_API_KEY",), base="https://ollama.com"),
        Owner(variables=("LM_API_TOKEN",), base="http://127.0.0.1:1234", local=True),
        Owner(
            variables=("LLAMA_API_KEY",),
            base=llama_url(variables) or f"http://127.0.0.1:{LLAMA_PORT}",
            local=True,
        ),
        Owner(variables=("VLLM_API_KEY",), base="http://127.0.0.1:8000", local=True),
    )


def authority(url: str) -> str:
    """Return host and port of a URL, the port also where it is the usual one; empty for none."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        return ""
    shown = f"[{host}]" if ":" in host else host
    return f"{shown.lower()}:{port}" if host else ""
